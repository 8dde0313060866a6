//! The example of SOAP as its clients meet it: the real program, over real sockets. What zeep makes of it is in
//! `clients/zeep.rs`.

mod support;

use std::process::Command;

use support::{Reply, Request, Service, until};

const ENVELOPE: &str = "http://www.w3.org/2003/05/soap-envelope";

fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soap"));
    command.env_remove("PORT").env_remove("RATE_LIMIT").envs(variables.iter().copied());
    command
}

fn start(variables: &[(&str, &str)]) -> Service {
    Service::of(program(variables))
}

fn send(message: &str) -> Request {
    let request = Request::new("POST", "/v1/soap").account("alice");
    request.header("content-type", "application/soap+xml; charset=utf-8").body(message)
}

fn envelope(header: &str, body: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"{ENVELOPE}\" xmlns:w=\"http://www.w3.org/2005/08/addressing\" \
         xmlns:p=\"urn:stonework:payments\">\
         <e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )
}

fn balance() -> Request {
    send(&envelope("", "<p:GetBalance/>"))
}

fn transfer(id: &str, amount: &str) -> Request {
    let id = if id.is_empty() { String::new() } else { format!("<w:MessageID>{id}</w:MessageID>") };
    let body =
        format!("<p:Transfer><p:to>b &amp; c</p:to><p:amount>{amount}</p:amount></p:Transfer>");
    send(&envelope(&id, &body))
}

/// What stands in the only element of this name.
fn text<'r>(reply: &'r Reply, name: &str) -> &'r str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let found = reply.body.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
    found.unwrap_or_else(|| panic!("no {name}: {reply:?}")).0
}

async fn left(service: &Service) -> String {
    let reply = service.ask(&balance()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    text(&reply, "p:balance").to_owned()
}

/// Checks that this is the fault of this status, code and subcode.
#[track_caller]
fn assert_fault(reply: &Reply, status: u16, code: &str, subcode: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    let content_type = reply.header("content-type");
    assert_eq!(content_type, Some("application/soap+xml; charset=utf-8"), "{reply:?}");
    let codes = format!(
        "<env:Code><env:Value>env:{code}</env:Value>\
         <env:Subcode><env:Value>f:{subcode}</env:Value></env:Subcode></env:Code>"
    );
    assert!(reply.body.contains(&codes), "{codes}: {reply:?}");
}

#[tokio::test]
async fn operations_are_answered() {
    let service = start(&[]);
    let reply = service.ask(&balance()).await;
    assert_eq!(reply.status, 200);
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><env:Envelope xmlns:env=\"{ENVELOPE}\"><env:Body>\
         <p:GetBalanceResponse xmlns:p=\"urn:stonework:payments\"><p:balance>1000</p:balance>\
         </p:GetBalanceResponse></env:Body></env:Envelope>"
    );
    assert_eq!(reply.body, expected);
    let made = service.ask(&transfer("urn:x?a&lt;b", "100")).await;
    assert_eq!(
        (made.status, text(&made, "p:balance"), text(&made, "p:to")),
        (200, "900", "b &amp; c")
    );
    assert!(made.body.contains(">urn:x?a&lt;b</wsa:RelatesTo>"), "{made:?}");
    assert_eq!(left(&service).await, "900");
    let poor = service.ask(&transfer("", "901")).await;
    assert_fault(&poor, 400, "Sender", "insufficient-funds");
}

#[tokio::test]
async fn a_fault_tells_all_of_its_problem() {
    let service = start(&[]);
    let reply = service.ask(&transfer("", "0")).await;
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><env:Envelope xmlns:env=\"{ENVELOPE}\"><env:Body>\
         <env:Fault xmlns:f=\"urn:stonework:fault\">\
         <env:Code><env:Value>env:Sender</env:Value>\
         <env:Subcode><env:Value>f:invalid-operation</env:Value></env:Subcode></env:Code>\
         <env:Reason><env:Text xml:lang=\"en\">Operation makes no sense: `amount` is a whole number from 1 to \
         4294967295.</env:Text></env:Reason>\
         <env:Detail><f:problem><f:type>urn:stonework:soap:invalid-operation</f:type>\
         <f:status>400</f:status></f:problem></env:Detail></env:Fault></env:Body></env:Envelope>"
    );
    assert_eq!(reply.body, expected);
}

#[tokio::test]
async fn a_message_that_is_sent_again_happens_once() {
    let service = start(&[]);
    let first = service.ask(&transfer("urn:uuid:1", "100")).await;
    for _ in 0..3 {
        let again = service.ask(&transfer("urn:uuid:1", "100")).await;
        assert!(again.is_replay(), "{again:?}");
        assert_eq!((again.status, &again.body), (200, &first.body));
    }
    assert_eq!(left(&service).await, "900");
    let other = service.ask(&transfer("urn:uuid:1", "101")).await;
    assert_fault(&other, 400, "Sender", "key-reused");
    let bobs = service.ask(&transfer("urn:uuid:1", "100").account("bob")).await;
    assert_eq!((bobs.status, bobs.is_replay()), (200, false), "an id belongs to its account");
    // Faults of the ledger are answers.
    for replayed in [false, true] {
        let poor = service.ask(&transfer("urn:uuid:2", "1000")).await;
        assert_fault(&poor, 400, "Sender", "insufficient-funds");
        assert_eq!(poor.is_replay(), replayed);
    }
    // What reads has no need of it.
    let asks = |id| send(&envelope(&format!("<w:MessageID>{id}</w:MessageID>"), "<p:GetBalance/>"));
    for _ in 0..2 {
        let reply = service.ask(&asks("urn:uuid:1")).await;
        assert_eq!((reply.status, reply.is_replay()), (200, false), "{reply:?}");
    }
}

#[tokio::test]
async fn the_header_is_a_key_too_and_goes_before_the_id() {
    let service = start(&[]);
    service.ask(&transfer("", "100").key("k")).await;
    assert!(service.ask(&transfer("", "100").key("k")).await.is_replay());
    let first = service.ask(&transfer("urn:uuid:1", "1").key("l")).await;
    assert!(service.ask(&transfer("urn:uuid:1", "1").key("l")).await.is_replay());
    assert!(!service.ask(&transfer("urn:uuid:1", "1")).await.is_replay(), "{first:?}");
    for (id, key) in [("", " "), ("", &*"x".repeat(256)), (&*"x".repeat(256), "k2")] {
        let reply = service.ask(&transfer(id, "1").key(key)).await;
        if id.is_empty() {
            assert_fault(&reply, 400, "Sender", "key-malformed");
        } else {
            assert_eq!(reply.status, 200, "the id is not looked at: {reply:?}");
        }
    }
    let long = service.ask(&transfer(&"x".repeat(256), "1")).await;
    assert_fault(&long, 400, "Sender", "key-malformed");
}

#[tokio::test]
async fn what_is_refused_is_a_fault() {
    let service = start(&[]);
    let typed = |value| {
        let request = Request::new("POST", "/v1/soap").account("alice");
        request.header("content-type", value).body(&envelope("", "<p:GetBalance/>"))
    };
    let to = |path| {
        Request::new("POST", path)
            .account("alice")
            .header("content-type", "application/soap+xml")
            .body(&envelope("", "<p:GetBalance/>"))
    };
    let two = balance().header("authorization", "Bearer bob");
    for (request, status, code, subcode) in [
        (balance().account("not.an.account"), 401, "Sender", "unauthenticated"),
        (two, 401, "Sender", "unauthenticated"),
        (typed("text/xml"), 415, "Sender", "wrong-content-type"),
        (typed("application/json"), 415, "Sender", "wrong-content-type"),
        (to("/v9/soap"), 404, "Sender", "version-unsupported"),
        (to("/soap"), 400, "Sender", "version-unspecified"),
        (to("/v1/other"), 404, "Sender", "unknown-route"),
        (Request::get("/v1/soap"), 405, "Sender", "wrong-method"),
        (Request::new("DELETE", "/v1/soap"), 405, "Sender", "wrong-method"),
        (send(""), 400, "Sender", "malformed-xml"),
        (send("<x"), 400, "Sender", "malformed-xml"),
        (send("<x/>"), 400, "Sender", "no-message"),
        (send(&" ".repeat(16 * 1024 + 1)), 400, "Sender", "body-too-large"),
        (send(&envelope("", "")), 400, "Sender", "no-message"),
        (send(&envelope("", "<p:Other/>")), 400, "Sender", "unknown-operation"),
        (transfer("", "-1"), 400, "Sender", "invalid-operation"),
    ] {
        let reply = service.ask(&request).await;
        assert_fault(&reply, status, code, subcode);
    }
    let unauthenticated = service.ask(&balance().account("not.an.account")).await;
    assert_eq!(unauthenticated.header("www-authenticate"), Some("Bearer"));
}

/// SOAP 1.2, part 1, sections 5.4.7 and 5.4.8.
#[tokio::test]
async fn other_envelopes_and_headers_are_told_by_name() {
    let service = start(&[]);
    let old = envelope("", "<p:GetBalance/>");
    let old = old.replace(ENVELOPE, "http://schemas.xmlsoap.org/soap/envelope/");
    let reply = service.ask(&send(&old)).await;
    assert_fault(&reply, 500, "VersionMismatch", "version-mismatch");
    let upgrade = "<env:Header><env:Upgrade><env:SupportedEnvelope qname=\"env:Envelope\"/></env:Upgrade></env:Header>";
    assert!(reply.body.contains(upgrade), "{reply:?}");
    let header = "<s:Security xmlns:s=\"urn:s&amp;t\" e:mustUnderstand=\"1\"/>";
    let reply = service.ask(&send(&envelope(header, "<p:GetBalance/>"))).await;
    assert_fault(&reply, 500, "MustUnderstand", "not-understood");
    assert!(reply.body.contains("qname=\"n:Security\""), "{reply:?}");
    assert!(reply.body.contains("xmlns:n=\"urn:s&amp;"), "{reply:?}");
    let header = "<Security e:mustUnderstand=\"1\"/>";
    let reply = service.ask(&send(&envelope(header, "<p:GetBalance/>"))).await;
    assert_fault(&reply, 500, "MustUnderstand", "not-understood");
    assert!(reply.body.contains("<env:NotUnderstood qname=\"Security\""), "{reply:?}");
}

/// It would be told in an answer that is no XML.
#[tokio::test]
async fn an_id_has_no_characters_that_xml_has_not() {
    let service = start(&[]);
    for id in ["&#1;", "urn:\u{1}", "&#xfffe;", "\u{ffff}"] {
        let reply = service.ask(&transfer(id, "100")).await;
        assert_fault(&reply, 400, "Sender", "malformed-xml");
    }
    assert_eq!(left(&service).await, "1000");
}

#[tokio::test]
async fn nothing_is_read_or_made_to_grow_by_a_document_type() {
    let service = start(&[]);
    let body = "<p:Transfer><p:to>&x;</p:to><p:amount>1</p:amount></p:Transfer>";
    let laughs: String = (1..9)
        .map(|at| format!("<!ENTITY x{at} \"{}\">", format!("&x{};", at - 1).repeat(10)))
        .collect();
    for declared in [
        format!("<!ENTITY x0 \"ha\">{laughs}<!ENTITY x \"&x8;\">"),
        "<!ENTITY x SYSTEM \"file:///etc/hostname\">".to_owned(),
        "<!ENTITY x \"bob\">".to_owned(),
    ] {
        let message = format!("<!DOCTYPE e [{declared}]>{}", envelope("", body));
        let reply = service.ask(&send(&message)).await;
        assert_fault(&reply, 400, "Sender", "malformed-xml");
        assert!(reply.body.contains("It has a document type."), "{reply:?}");
    }
    let reply = service.ask(&send(&envelope("", body))).await;
    assert!(reply.body.contains("an entity that XML does not have"), "{reply:?}");
    let deep = format!("{}{}", "<x>".repeat(2_000), "</x>".repeat(2_000));
    let reply = service.ask(&send(&envelope(&deep, "<p:GetBalance/>"))).await;
    assert!(reply.body.contains("16 elements within each other"), "{reply:?}");
    assert_eq!(left(&service).await, "1000");
}

#[tokio::test]
async fn who_sends_too_many_hears_when_to_come_again() {
    let service = start(&[("RATE_LIMIT", "2/s")]);
    let mut denied = service.ask(&balance()).await;
    assert_eq!(denied.status, 200);
    until("too many were sent", async || {
        denied = service.ask(&balance()).await;
        denied.status != 200
    })
    .await;
    assert_fault(&denied, 500, "Receiver", "quota-exceeded");
    assert_eq!(text(&denied, "f:status"), "429");
    assert_eq!(denied.header("retry-after"), Some("1"));
    assert!(denied.header("ratelimit").is_some_and(|line| line.starts_with("\"messages\";r=0;")));
    assert_eq!(service.ask(&balance().account("bob")).await.status, 200);
    until("it may send again", async || service.ask(&balance()).await.status == 200).await;
}

#[tokio::test]
async fn the_wsdl_is_told_as_it_is_for_who_asks() {
    let service = start(&[]);
    for query in ["wsdl", "WSDL"] {
        let reply = service.ask(&Request::get(&format!("/v1/soap?{query}"))).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("application/wsdl+xml; charset=utf-8"))
        );
        assert!(
            reply.body.contains("<soap12:address location=\"http://test/v1/soap\"/>"),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let service = start(&[]);
    assert_eq!(left(&service).await, "1000");
    service.terminate();
    let (code, rest, errors) = service.ended().await;
    assert_eq!((code, rest.as_str(), errors.as_str()), (Some(0), "", "soap: stopping\n"));
}

#[test]
fn it_does_not_start_with_what_cannot_be() {
    for (name, value) in [("PORT", "x"), ("RATE_LIMIT", "1/d"), ("RATE_LIMIT", "0/s")] {
        let output = program(&[(name, value)]).output().expect("run soap");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(name), "{errors}");
    }
}
