use http::{HeaderValue, Request};
use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn request(peer: &str, header: &HeaderName, lines: &[&[u8]]) -> Request<()> {
    let mut request = Request::new(());
    request.extensions_mut().insert(PeerAddr((ip(peer), 4711).into()));
    for line in lines {
        request.headers_mut().append(header, HeaderValue::from_bytes(line).unwrap());
    }
    request
}

fn found(clients: &ClientIp, peer: &str, lines: &[&str]) -> IpAddr {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    let header = match clients.header {
        ForwardedBy::XForwardedFor => X_FORWARDED_FOR,
        ForwardedBy::Forwarded => FORWARDED,
    };
    let request = request(peer, &header, &lines);
    clients.address(&RequestHead::of(&request)).unwrap()
}

fn proxies() -> ClientIp {
    ClientIp::peer().trust(["10.0.0.0/8", "fd00::/8"])
}

#[test]
fn spoofed_addresses_are_not_reached() {
    for (peer, lines, expected) in [
        // Straight from the client, whatever it says.
        ("203.0.113.9", &[][..], "203.0.113.9"),
        ("203.0.113.9", &["6.6.6.6"], "203.0.113.9"),
        ("203.0.113.9", &["10.0.0.2"], "203.0.113.9"),
        // Through one proxy.
        ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", &["10.0.0.2, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", &["6.6.6.6, 10.0.0.2,203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", &["\"203.0.113.9\", 203.0.113.9"], "203.0.113.9"),
        // Through two.
        ("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("fd00::1", &["6.6.6.6, 2001:db8::9, [fd00::2]:80"], "2001:db8::9"),
        // Split over lines, as the client likes.
        ("10.0.0.1", &["6.6.6.6", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", &["6.6.6.6", "", "203.0.113.9"], "203.0.113.9"),
        // Whom no proxy knows is the proxy that did not know.
        ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1"),
        ("10.0.0.1", &["203.0.113.9", ""], "10.0.0.1"),
        ("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &[], "10.0.0.1"),
        // A client inside.
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // All spellings of one address.
        ("::ffff:10.0.0.1", &["::ffff:203.0.113.9, ::ffff:a00:2"], "203.0.113.9"),
    ] {
        assert_eq!(found(&proxies(), peer, lines), ip(expected), "{peer} {lines:?}");
    }
}

#[test]
fn hops_are_counted_from_the_one_that_connects() {
    let line = &["6.6.6.6, 203.0.113.9, 198.51.100.2"][..];
    for (hops, expected) in [
        (0, "198.51.100.1"),
        (1, "198.51.100.2"),
        (2, "203.0.113.9"),
        (3, "6.6.6.6"),
        (9, "6.6.6.6"),
    ] {
        let clients = ClientIp::peer().trust_hops(hops);
        assert_eq!(found(&clients, "198.51.100.1", line), ip(expected), "{hops}");
    }
}

#[test]
fn only_the_header_that_was_chosen_is_read() {
    let request = request("10.0.0.1", &X_FORWARDED_FOR, &[b"203.0.113.9"]);
    let clients = proxies().header(ForwardedBy::Forwarded);
    assert_eq!(clients.address(&RequestHead::of(&request)), Some(ip("10.0.0.1")));
    assert_eq!(ClientIp::peer().address(&RequestHead::of(&request)), Some(ip("10.0.0.1")));
}

#[test]
fn a_quote_of_the_clients_does_not_swallow_what_proxies_add() {
    let clients = proxies().header(ForwardedBy::Forwarded);
    for hostile in ["\"", "for=\"", "for=6.6.6.6;x=\"", "x=\"\\", "x=\"\\\"", "\\", "\"\"\"", ""] {
        let added = r#"for="203.0.113.9:80";host="a,\"b", for=10.0.0.2;by=_x"#;
        let line = format!("{hostile}, {added}");
        assert_eq!(found(&clients, "10.0.0.1", &[&line]), ip("203.0.113.9"), "{line}");
        assert_eq!(found(&clients, "10.0.0.1", &[hostile, added]), ip("203.0.113.9"), "{line}");
    }
}

#[test]
fn the_walk_ends_even_where_all_are_trusted() {
    let line = format!("203.0.113.9, {}10.0.0.2", "10.0.0.2, ".repeat(64));
    assert_eq!(found(&proxies(), "10.0.0.1", &[&line]), ip("10.0.0.2"));
    let line = format!("203.0.113.9, {}10.0.0.2", "10.0.0.2, ".repeat(62));
    assert_eq!(found(&proxies(), "10.0.0.1", &[&line]), ip("203.0.113.9"));
}

#[test]
fn without_a_peer_headers_say_nothing() {
    let mut request = Request::new(());
    request.headers_mut().insert(X_FORWARDED_FOR, HeaderValue::from_static("203.0.113.9"));
    let clients = ClientIp::peer().trust_hops(1);
    assert_eq!(clients.address(&RequestHead::of(&request)), None);
    assert_eq!(clients.key(&RequestHead::of(&request)), None);
}

#[test]
fn a_client_is_a_network_in_ipv6() {
    let key = |clients: &ClientIp, peer: &str| {
        let request = request(peer, &X_FORWARDED_FOR, &[]);
        clients.key(&RequestHead::of(&request)).unwrap()
    };
    let clients = ClientIp::peer();
    assert_eq!(key(&clients, "2001:db8::1"), key(&clients, "2001:db8::ffff:0:0:2"));
    assert_ne!(key(&clients, "2001:db8::1"), key(&clients, "2001:db8:0:1::1"));
    assert_ne!(key(&clients, "192.0.2.1"), key(&clients, "192.0.2.2"));
    assert_eq!(key(&clients, "::ffff:192.0.2.1").as_bytes(), [192, 0, 2, 1]);
    assert_eq!(key(&clients, "2001:db8::1").as_bytes()[..8], [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0]);
    assert_eq!(key(&clients, "2001:db8::1").as_bytes()[8..], [0; 8]);

    let exact = ClientIp::peer().v6_prefix(128);
    assert_ne!(key(&exact, "2001:db8::1"), key(&exact, "2001:db8::2"));
    let coarse = ClientIp::peer().v6_prefix(0).v4_prefix(24);
    assert_eq!(key(&coarse, "2001:db8::1"), key(&coarse, "fd00::1"));
    assert_eq!(key(&coarse, "192.0.2.1").as_bytes(), [192, 0, 2, 0]);
}

#[test]
fn networks_of_mapped_addresses_are_ipv4() {
    for network in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "10.0.0.1", " 10.0.0.0/8\n"] {
        let clients = ClientIp::peer().trust([network]);
        assert_eq!(clients.errors(), [], "{network}");
        assert_eq!(found(&clients, "10.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"), "{network}");
        assert_eq!(found(&clients, "11.0.0.1", &["203.0.113.9"]), ip("11.0.0.1"), "{network}");
    }
}

#[test]
fn all_mistakes_are_told() {
    let clients = ClientIp::peer()
        .trust(["10.0.0.0/8", "10.0.0.0/33", "proxy.example", ""])
        .trust([String::from("0.0.0.0/0"), String::from("::/0")])
        .trust(["::ffff:0:0/96"])
        .trust_hops(65)
        .v4_prefix(33)
        .v6_prefix(129);
    let told: Vec<_> = clients.errors().iter().map(ToString::to_string).collect();
    let starts = [
        r#"trust("10.0.0.0/33"): is no network"#,
        r#"trust("proxy.example"): is no network"#,
        r#"trust(""): is no network"#,
        r#"trust("0.0.0.0/0"): is everyone"#,
        r#"trust("::/0"): is everyone"#,
        r#"trust("::ffff:0:0/96"): is everyone"#,
        "trust_hops(65): is set beside trust",
        "trust_hops(65): is more than 64",
        "v4_prefix(33): ",
        "v6_prefix(129): ",
    ];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
    assert_eq!(ClientIp::peer().trust_hops(64).v6_prefix(1).errors(), []);
    assert_eq!(ClientIp::peer().v4_prefix(0).v6_prefix(0).errors().len(), 2);
    assert_eq!(proxies().trust([""; 0]).errors(), []);
}

#[test]
fn settings_that_no_layer_accepts_trust_less_and_not_more() {
    let both = proxies().trust_hops(1);
    assert_eq!(found(&both, "203.0.113.9", &["6.6.6.6"]), ip("203.0.113.9"));
    assert_eq!(found(&both, "10.0.0.1", &["203.0.113.9, 10.0.0.2"]), ip("10.0.0.2"));
    let odd = ClientIp::peer().v4_prefix(200).v6_prefix(200);
    assert_eq!(odd.prefix(ip("192.0.2.1")), ip("192.0.2.1"));
    assert_eq!(odd.prefix(ip("2001:db8::1")), ip("2001:db8::1"));
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<Ipv4Addr>().prop_map(IpAddr::V4);
    let v6 = any::<Ipv6Addr>().prop_map(IpAddr::V6);
    let mapped = any::<Ipv4Addr>().prop_map(|v4| IpAddr::V6(v4.to_ipv6_mapped()));
    prop_oneof![v4, v6, mapped]
}

/// An address, and one of the ways to write it into an element.
fn elements(header: ForwardedBy) -> BoxedStrategy<(String, IpAddr)> {
    let ports = prop_oneof![Just(None), any::<u16>().prop_map(Some)];
    let nodes = (addresses(), ports, any::<bool>()).prop_map(|(address, port, brackets)| {
        let text = match (address, port) {
            (IpAddr::V6(v6), Some(port)) => format!("[{v6}]:{port}"),
            (IpAddr::V6(v6), None) if brackets => format!("[{v6}]"),
            (address, None) => address.to_string(),
            (address, Some(port)) => format!("{address}:{port}"),
        };
        (text, address.to_canonical())
    });
    if header == ForwardedBy::XForwardedFor {
        return nodes.boxed();
    }
    let escapes = any::<[bool; 4]>();
    let others = prop::collection::vec(
        "(proto=https|by=_x|host=\"([ -!#-\\[\\]-~]|\\\\[ -~]){0,9}\")",
        0..3,
    );
    (nodes, escapes, others.clone(), others, "for|For|FOR")
        .prop_map(|((node, address), escapes, before, after, name)| {
            let escaped = node.chars().zip(escapes.iter().cycle());
            let escaped = escaped.flat_map(|(char, &yes)| [yes.then_some('\\'), Some(char)]);
            let node: String = escaped.flatten().collect();
            let pairs = [before, vec![format!("{name}=\"{node}\"")], after].concat();
            (pairs.join(";"), address)
        })
        .boxed()
}

fn headers() -> impl Strategy<Value = ForwardedBy> {
    prop_oneof![Just(ForwardedBy::XForwardedFor), Just(ForwardedBy::Forwarded)]
}

/// Elements, each with whether a new line begins after it.
fn lists() -> impl Strategy<Value = (ForwardedBy, Vec<(String, IpAddr)>, Vec<bool>)> {
    headers().prop_flat_map(|header| {
        let list = prop::collection::vec(elements(header), 1..6);
        (Just(header), list, prop::collection::vec(any::<bool>(), 6))
    })
}

fn joined(list: &[(String, IpAddr)], breaks: &[bool]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, ((element, _), new_line)) in list.iter().zip(breaks).enumerate() {
        match lines.last_mut() {
            Some(line) if at == 0 || !new_line => {
                line.push_str(if line.is_empty() { "" } else { ", " });
                line.push_str(element);
            }
            _ => lines.push(element.clone()),
        }
    }
    lines
}

/// Bytes that mean something, more often than not.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\"\"\\\\;;==,, :[]_for1."[..])];
    prop::collection::vec(byte, 0..80)
}

fn walk(clients: &ClientIp, lines: &[Vec<u8>]) -> IpAddr {
    clients.walk(ip("10.0.0.1"), lines.iter().rev().map(Vec::as_slice))
}

proptest! {
    #[test]
    fn what_is_written_is_read((header, list, breaks) in lists()) {
        let lines: Vec<_> = joined(&list, &breaks).into_iter().map(String::into_bytes).collect();
        for (hops, (_, address)) in list.iter().rev().enumerate() {
            let clients = ClientIp::peer().trust_hops(hops + 1).header(header);
            prop_assert_eq!(walk(&clients, &lines), *address);
        }
    }

    #[test]
    fn what_stands_to_the_left_of_the_client_does_not_matter(
        (header, list, breaks) in lists(),
        hostile in prop::collection::vec(noise(), 0..3),
        same_line in any::<bool>(),
    ) {
        let clients = ClientIp::peer().trust_hops(list.len()).header(header);
        let mut lines = hostile;
        let added: Vec<_> = joined(&list, &breaks).into_iter().map(String::into_bytes).collect();
        match lines.last_mut() {
            Some(last) if same_line => {
                last.push(b',');
                last.extend_from_slice(&added[0]);
                lines.extend_from_slice(&added[1..]);
            }
            _ => lines.extend(added),
        }
        prop_assert_eq!(walk(&clients, &lines), list[0].1);
    }

    #[test]
    fn any_bytes_give_an_address(header in headers(), lines in prop::collection::vec(noise(), 0..4)) {
        walk(&ClientIp::peer().trust_hops(64).header(header), &lines);
    }
}
