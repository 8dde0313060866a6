use std::time::Duration;

use http::{HeaderMap, Request};
use stonework_core::RequestHead;

use super::HttpSignature;
use crate::keys::{KeySet, WebhookKey};
use crate::scheme::{Outgoing, PublicUrl, Scheme};
use crate::vector::Vector;
use crate::{Algorithm, Field, Refusal, sign, verify};

/// RFC 9421, appendix B.1.5.
const SECRET: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const CREATED: u64 = 1_618_884_473;

fn lenient() -> HttpSignature {
    HttpSignature::new(PublicUrl::origin("https://example.com"))
        .require(["@authority"])
        .danger_unsigned_body()
}

/// The request of appendix B.2.
fn request(scheme: HttpSignature) -> Vector {
    let digest = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    Vector::new(scheme, SECRET)
        .at(CREATED)
        .uri("/foo?param=Value&Pet=dog")
        .header("host", "example.com")
        .header("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .header("content-type", "application/json")
        .header("content-digest", digest)
        .header("content-length", "18")
        .body(r#"{"hello": "world"}"#)
}

const B25: &str =
    r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
const B25_SIGNATURE: &str = "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:";

#[test]
fn the_vector_b_2_5_of_the_standard() {
    let signed = |input: &str, signature: &str| {
        request(lenient()).header("signature-input", input).header("signature", signature)
    };
    signed(B25, B25_SIGNATURE).check().unwrap();
    signed(&B25.replace("473", "474"), B25_SIGNATURE).fails(Refusal::Mismatch);
    signed(&B25.replace("\"date\" ", ""), B25_SIGNATURE).fails(Refusal::Mismatch);
    signed(B25, &B25_SIGNATURE.replace("px", "pX")).fails(Refusal::Mismatch);
    signed(B25, B25_SIGNATURE).at(CREATED + 301).fails(Refusal::TooOld);
    signed(B25, B25_SIGNATURE).at(CREATED - 301).fails(Refusal::TooNew);
}

/// Appendix B.2.6, with the public key of B.1.4.
#[cfg(feature = "ed25519")]
#[test]
fn the_vector_b_2_6_of_the_standard() {
    let public = data_encoding::BASE64.decode(b"JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=");
    let key = WebhookKey::ed25519_public(&public.unwrap()).unwrap().named("test-key-ed25519");
    let keys = KeySet::new([key]).unwrap();
    let request = Request::post("/foo?param=Value&Pet=dog")
        .header("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .header("content-type", "application/json")
        .header("content-length", "18")
        .header("signature-input", r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#)
        .header("signature", "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:")
        .body(())
        .unwrap();
    let now = Duration::from_secs(CREATED);
    let head = RequestHead::of(&request);
    verify(&lenient(), &keys, &head, b"", now, None).unwrap();
}

/// The body of appendix B.2 and its SHA-512 are part of the vector; the signature is ours.
#[test]
fn what_is_signed_here_is_verified_and_covers_the_body() {
    let scheme = HttpSignature::new(PublicUrl::origin("https://example.com")).tag("hooks");
    assert_eq!(scheme.errors(), []);
    let keys = KeySet::new([scheme.key(SECRET).unwrap()]).unwrap();
    let mut request = Request::post("/a?b=c").body(()).unwrap();
    let now = Duration::from_secs(CREATED);
    let mut headers = HeaderMap::new();
    let message = Outgoing::new(RequestHead::of(&request), b"body", "unused", now);
    sign(&scheme, &keys, &message, &mut headers).unwrap();
    *request.headers_mut() = headers;
    let check = |scheme: &HttpSignature, request: &Request<()>, body: &[u8]| {
        verify(scheme, &keys, &RequestHead::of(request), body, now, None).map(drop)
    };
    check(&scheme, &request, b"body").unwrap();
    assert_eq!(check(&scheme, &request, b"bodY"), Err(Refusal::WrongDigest));
    let other = scheme.clone().tag("other");
    assert_eq!(check(&other, &request, b"body"), Err(Refusal::NoKnownSignature));
    let more = scheme.clone().require(["@method", "content-digest", "date"]);
    assert_eq!(check(&more, &request, b"body"), Err(Refusal::NotCovered));
    *request.uri_mut() = "/a?b=d".parse().unwrap();
    assert_eq!(check(&scheme, &request, b"body"), Err(Refusal::Mismatch));
}

#[test]
fn what_is_not_clear_is_refused() {
    let signed = |input: &str, signature: &str| {
        request(lenient()).header("signature-input", input).header("signature", signature)
    };
    let signature = Refusal::Malformed(Field::Signature);
    signed("", B25_SIGNATURE).fails(Refusal::NoKnownSignature);
    signed("sig-b25=1", B25_SIGNATURE).fails(signature);
    signed("sig-b25", B25_SIGNATURE).fails(signature);
    signed(&B25.replace("\"date\"", "\"date\";sf"), B25_SIGNATURE).fails(signature);
    signed(&B25.replace("\"date\"", "\"@authority\""), B25_SIGNATURE).fails(signature);
    signed(&B25.replace("\"date\"", "\"Date\""), B25_SIGNATURE)
        .fails(Refusal::Malformed(Field::Header));
    signed(&B25.replace("\"date\"", "\"x-none\""), B25_SIGNATURE)
        .fails(Refusal::Missing(Field::Header));
    signed(&B25.replace("created=", "made="), B25_SIGNATURE)
        .fails(Refusal::Missing(Field::Timestamp));
    signed(&B25.replace("473", "473.5"), B25_SIGNATURE).fails(Refusal::Malformed(Field::Timestamp));
    signed(&format!("{B25};alg=\"rsa-v1_5-sha256\""), B25_SIGNATURE)
        .fails(Refusal::NoKnownSignature);
    signed(&format!("{B25};expires=1618884472"), B25_SIGNATURE).fails(Refusal::TooOld);
    signed(B25, "sig-b25=pxcQ").fails(signature);
    signed(B25, "other=:pxcQ:").fails(Refusal::Missing(Field::Signature));
    // Two labels, and the policy names none; and one label twice.
    signed(&format!("{B25}, other=(\"date\");created=1"), B25_SIGNATURE)
        .fails(Refusal::Repeated(Field::Signature));
    signed(B25, B25_SIGNATURE)
        .header("signature-input", B25)
        .fails(Refusal::Repeated(Field::Signature));
    let long = format!("{B25};x=\"{}\"", "x".repeat(9_000));
    signed(&long, B25_SIGNATURE).fails(signature);
}

#[test]
fn a_policy_that_leaves_the_body_out_says_so() {
    let url = || PublicUrl::origin("https://example.com");
    let bare = HttpSignature::new(url()).require(["@method"]);
    assert!(bare.errors()[0].reason.contains("danger_unsigned_body"));
    assert_eq!(bare.danger_unsigned_body().errors(), []);
    let odd = HttpSignature::new(url()).require(["@status", "content-digest"]).label("No");
    assert_eq!(odd.errors().len(), 2);
}

/// What a proxy takes away from the path is part of the path that was signed.
#[test]
fn a_prefix_of_the_origin_is_part_of_the_path() {
    let sign_for = |origin: &str, path: &str| {
        let scheme = HttpSignature::new(PublicUrl::origin(origin)).require([
            "@target-uri",
            "@path",
            "@request-target",
            "content-digest",
        ]);
        let keys = KeySet::new([scheme.key(SECRET).unwrap()]).unwrap();
        let mut request = Request::post(path).body(()).unwrap();
        let now = Duration::from_secs(CREATED);
        let mut headers = HeaderMap::new();
        let message = Outgoing::new(RequestHead::of(&request), b"", "unused", now);
        sign(&scheme, &keys, &message, &mut headers).unwrap();
        *request.headers_mut() = headers;
        (scheme, keys, request)
    };
    let (.., mut request) = sign_for("https://example.com", "/hooks/a?b=c");
    let (behind, keys, _) = sign_for("https://example.com/hooks", "/a?b=c");
    *request.uri_mut() = "/a?b=c".parse().unwrap();
    let now = Duration::from_secs(CREATED);
    verify(&behind, &keys, &RequestHead::of(&request), b"", now, None).unwrap();
}

/// A signature over this base, which is written out here as the standard has it.
fn by_hand(components: &str, base: &str) -> (String, String) {
    let params = format!("({components});created={CREATED}");
    let key = lenient().key(SECRET).unwrap();
    let mut mac = key.begin(Algorithm::HmacSha256).unwrap();
    mac.update(format!("{base}\n\"@signature-params\": {params}").as_bytes());
    let code = data_encoding::BASE64.encode(mac.finish().as_bytes());
    (format!("sig={params}"), format!("sig=:{code}:"))
}

#[test]
fn components_are_written_as_the_standard_has_them() {
    let with = |origin: &str, uri: &str, component: &str, value: &str| {
        let quoted = format!("\"{component}\"");
        let (input, signature) = by_hand(&quoted, &format!("{quoted}: {value}"));
        let url = PublicUrl::origin(origin);
        let scheme = HttpSignature::new(url).require([component]).danger_unsigned_body();
        Vector::new(scheme, SECRET)
            .at(CREATED)
            .uri(uri)
            .header("x-list", " a ")
            .header("x-list", "b, c")
            .header("x-empty", "")
            .header("signature-input", &input)
            .header("signature", &signature)
            .check()
            .unwrap();
    };
    let origin = "https://example.com";
    with("https://EXAMPLE.com:443", "/", "@authority", "example.com");
    with("https://example.com:8443", "/", "@authority", "example.com:8443");
    with("http://example.com:80", "/", "@authority", "example.com");
    with("http://example.com", "/", "@scheme", "http");
    with(origin, "/a?b=c%20d", "@target-uri", "https://example.com/a?b=c%20d");
    with(origin, "/a%2Fb", "@path", "/a%2Fb");
    with(origin, "/a", "@query", "?");
    with(origin, "/a?x=1&x=2", "@query", "?x=1&x=2");
    with(origin, "/a?", "@request-target", "/a?");
    with(origin, "/", "@method", "POST");
    with(origin, "/", "x-list", "a, b, c");
    with(origin, "/", "x-empty", "");
}

#[test]
fn the_longer_digest_counts_and_is_compared() {
    let of = |digest: &str, body: &str| {
        let (input, signature) =
            by_hand("\"content-digest\"", &format!("\"content-digest\": {digest}"));
        let url = PublicUrl::origin("https://example.com");
        Vector::new(HttpSignature::new(url).require(["content-digest"]), SECRET)
            .at(CREATED)
            .header("content-digest", digest)
            .header("signature-input", &input)
            .header("signature", &signature)
            .body(body)
    };
    // RFC 9530, appendix B, for the body of RFC 9421.
    let sha512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    let sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let body = r#"{"hello": "world"}"#;
    of(sha512, body).holds();
    of(sha256, body).holds();
    of(&format!("{sha256}, {sha512}"), body).holds();
    of(&format!("sha-256=:{}=:, {sha512}", "A".repeat(43)), body).holds();
    of(&format!("{sha256}, sha-512=:{}==:", "A".repeat(86)), body).fails(Refusal::WrongDigest);
    let malformed = Refusal::Malformed(Field::Digest);
    of("md5=:X48E9qOokqqrvdts8nOJRA==:", body).fails(malformed);
    of("sha-256=:X48E:", body).fails(malformed);
    of("sha-256=X48E", body).fails(malformed);
}

#[test]
fn the_signature_that_the_policy_names_is_the_one_that_counts() {
    let (input, signature) = by_hand("\"@method\"", "\"@method\": POST");
    let junk = format!("other=(\"@path\");created={CREATED};tag=\"theirs\"");
    let read = |policy: fn(HttpSignature) -> HttpSignature| {
        let url = PublicUrl::origin("https://example.com");
        let scheme = HttpSignature::new(url).require(["@method"]).danger_unsigned_body();
        Vector::new(policy(scheme), SECRET)
            .at(CREATED)
            .header("signature-input", &format!("{junk}, {input}"))
            .header("signature", &format!("{signature}, other=:pxcQ:"))
    };
    read(|scheme| scheme.label("sig")).check().unwrap();
    read(|scheme| scheme).fails(Refusal::Repeated(Field::Signature));
    read(|scheme| scheme.label("other")).fails(Refusal::NotCovered);
    read(|scheme| scheme.label("none")).fails(Refusal::NoKnownSignature);
    read(|scheme| scheme.tag("ours")).fails(Refusal::NoKnownSignature);
    read(|scheme| scheme.tag("theirs")).fails(Refusal::NotCovered);
    read(|scheme| scheme.label("sig").tag("ours")).fails(Refusal::NotCovered);
}
