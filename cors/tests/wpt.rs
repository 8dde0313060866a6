//! Cases of the Web Platform Tests (`cors/` and `fetch/api/cors/`), restated for a server: a client that
//! does what the Fetch standard says of a browser asks our layer, and is told what the case expects.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use std::convert::Infallible;
use std::future::ready;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use stonework_cors::{CorsLayer, CorsLayerBuilder};
use support::call::{APP, Body, EVIL, all, call, usual};
use tower::{Layer, service_fn};

/// What a page asks for.
#[derive(Clone, Copy)]
struct Fetch<'a> {
    origin: &'a str,
    method: &'a str,
    headers: &'a [(&'a str, &'a str)],
    include: bool,
    /// The status that the service answers with.
    status: u16,
    /// Does the browser take `*` for `authorization` too? Chromium does.
    lax: bool,
}

const GET: Fetch<'_> =
    Fetch { origin: APP, method: "GET", headers: &[], include: false, status: 200, lax: false };

/// What a page is given: the status and the headers that it may read. Nothing, if CORS stops it.
type Given = Option<(u16, Vec<String>)>;

impl Fetch<'_> {
    fn of(self, builder: CorsLayerBuilder) -> Given {
        let (status, method) = (self.status, self.method());
        let inner = service_fn(move |_: Request<Body>| {
            let mut response = Response::new(Body::new());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for name in ["x-b", "x-hidden", "content-type", "set-cookie"] {
                response.headers_mut().insert(name, HeaderValue::from_static("1"));
            }
            ready(Ok::<_, Infallible>(response))
        });
        let mut service = builder.build().unwrap().layer(inner);
        let unsafe_names = self.unsafe_names();
        if !["GET", "HEAD", "POST"].contains(&&*method) || !unsafe_names.is_empty() {
            let response = call(&mut service, self.preflight(&method, &unsafe_names));
            self.passes_preflight(&response, &method, &unsafe_names).then_some(())?;
        }
        let response =
            call(&mut service, self.request(Method::from_bytes(method.as_bytes()).unwrap()));
        self.passes_check(response.headers()).then_some(())?;
        Some((response.status().as_u16(), self.readable(response.headers())))
    }

    /// Fetch, "normalize a method".
    fn method(&self) -> String {
        let upper = self.method.to_ascii_uppercase();
        let normalised = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].contains(&&*upper);
        if normalised { upper } else { self.method.to_owned() }
    }

    /// Fetch, "CORS-unsafe request-header names".
    fn unsafe_names(&self) -> Vec<String> {
        let forms = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
        let is_safe = |(name, value): &(&str, &str)| match name.to_ascii_lowercase().as_str() {
            "accept" => {
                !value.contains(['"', '(', ')', ':', '<', '>', '?', '@', '[', '\\', ']', '{', '}'])
            }
            "accept-language" | "content-language" => {
                value.bytes().all(|b| b.is_ascii_alphanumeric() || b" *,-.;=".contains(&b))
            }
            "content-type" => forms.contains(&value.split(';').next().unwrap()),
            _ => false,
        };
        let mut names: Vec<_> = self
            .headers
            .iter()
            .filter(|header| !is_safe(header))
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn request(&self, method: Method) -> Request<Body> {
        let mut request = Request::builder().method(method).header("origin", self.origin);
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        request.body(Body::new()).unwrap()
    }

    /// Fetch, "CORS-preflight fetch", steps 1 to 5.
    fn preflight(&self, method: &str, names: &[String]) -> Request<Body> {
        let request = Request::options("/").header("accept", "*/*").header("origin", self.origin);
        let request = request.header("access-control-request-method", method);
        match names {
            [] => request,
            names => request.header("access-control-request-headers", names.join(",")),
        }
        .body(Body::new())
        .unwrap()
    }

    /// Fetch, "CORS check".
    fn passes_check(&self, headers: &HeaderMap) -> bool {
        let origin = all(headers, "access-control-allow-origin");
        if !self.include && origin == "*" {
            return true;
        }
        let credentials =
            !self.include || all(headers, "access-control-allow-credentials") == "true";
        origin == self.origin && credentials
    }

    /// Fetch, "CORS-preflight fetch", step 7.
    fn passes_preflight<B>(&self, response: &Response<B>, method: &str, names: &[String]) -> bool {
        let headers = response.headers();
        let list = |name| {
            let lines = all(headers, name).replace(" | ", ",");
            lines.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>()
        };
        let methods = list("access-control-allow-methods");
        let allowed = list("access-control-allow-headers");
        let star = |list: &[String]| !self.include && list.iter().any(|item| item == "*");
        let method_passes = ["GET", "HEAD", "POST"].contains(&method)
            || methods.iter().any(|allowed| allowed == method)
            || star(&methods);
        let header_passes = |name: &String| {
            allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
                || (star(&allowed) && (self.lax || name != "authorization"))
        };
        response.status().is_success()
            && self.passes_check(headers)
            && method_passes
            && names.iter().all(header_passes)
    }

    /// Fetch, "CORS-exposed header-name list".
    fn readable(&self, headers: &HeaderMap) -> Vec<String> {
        let exposed = all(headers, "access-control-expose-headers").replace(" | ", ",");
        let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
        let safelisted = [
            "cache-control",
            "content-language",
            "content-length",
            "content-type",
            "expires",
            "last-modified",
            "pragma",
        ];
        let mut names: Vec<_> = headers
            .keys()
            .map(ToString::to_string)
            .filter(|name| {
                safelisted.contains(&&**name)
                    || exposed.contains(&&**name)
                    || (!self.include && exposed.contains(&"*"))
            })
            .filter(|name| !name.starts_with("set-cookie"))
            .collect();
        names.sort();
        names
    }
}

fn passes(builder: CorsLayerBuilder, fetch: Fetch<'_>) -> bool {
    fetch.of(builder).is_some()
}

fn public() -> CorsLayerBuilder {
    CorsLayer::builder().origins(["*"])
}

/// cors/basic.htm, cors/origin.htm, cors/access-control-basic-*.htm
#[test]
fn an_origin_is_allowed_as_a_whole_or_not_at_all() {
    for (origin, passes_) in [
        (APP, true),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://www.app.example.com", false),
        ("https://example.com", false),
        ("https://app.example.co", false),
        ("https://app.example.comm", false),
        ("null", false),
        (EVIL, false),
    ] {
        for include in [false, true] {
            assert_eq!(passes(usual(), Fetch { origin, include, ..GET }), passes_, "{origin}");
            assert_eq!(passes(public(), Fetch { origin, include, ..GET }), !include, "{origin}");
        }
    }
}

/// cors/credentials-flag.htm, fetch/api/cors/cors-cookies.any.js
#[test]
fn credentials_need_permission() {
    let include = Fetch { include: true, ..GET };
    assert!(passes(usual(), include));
    assert!(!passes(usual().credentials(false), include));
    assert!(passes(usual().credentials(false), GET));
    assert!(!passes(public(), include));
}

/// cors/simple-requests.htm, fetch/api/cors/cors-no-preflight.any.js
#[test]
fn simple_requests_need_an_origin_only() {
    let bare = || CorsLayer::builder().origins([APP]);
    for method in ["GET", "head", "POST"] {
        for headers in [
            &[][..],
            &[
                ("accept", "text/html"),
                ("accept-language", "en"),
                ("content-language", "en, de;q=0.5"),
            ],
            &[("content-type", "text/plain; charset=utf-8")],
            &[("content-type", "application/x-www-form-urlencoded")],
        ] {
            assert!(passes(bare(), Fetch { method, headers, ..GET }), "{method} {headers:?}");
        }
    }
}

/// cors/resources/not-cors-safelisted.json, cors/cors-safelisted-request-header.any.js
#[test]
fn what_is_not_safelisted_has_to_be_included() {
    for header in [
        ("accept", "\""),
        ("accept-language", "@"),
        ("content-language", "@"),
        ("content-type", "text/html"),
        ("content-type", "application/json"),
        ("last-event-id", "7"),
        ("range", "bytes=0-1,2-3"),
        ("test", "hi"),
        ("x-requested-with", "XMLHttpRequest"),
    ] {
        let fetch = Fetch { headers: &[header], ..GET };
        assert!(!passes(CorsLayer::builder().origins([APP]), fetch), "{header:?}");
        let including = CorsLayer::builder().origins([APP]).include([header.0.to_uppercase()]);
        assert!(passes(including, fetch), "{header:?}");
    }
}

/// cors/allow-headers.htm, fetch/api/cors/cors-preflight-star.any.js
#[test]
fn a_star_covers_what_the_standard_says_and_with_credentials_each_is_named() {
    let star = |credentials| {
        CorsLayer::builder().origins([APP]).include(["*"]).methods(["*"]).credentials(credentials)
    };
    let fetch = |headers, include| Fetch { method: "SUPER", headers, include, ..GET };
    assert!(passes(star(false), fetch(&[("x-test", "1")], false)));
    assert!(!passes(star(false), fetch(&[("x-test", "1")], true)));
    assert!(passes(star(true), fetch(&[("x-test", "1")], true)));
    for include in [false, true] {
        let authorized = fetch(&[("authorization", "1")], include);
        assert!(!passes(star(include), authorized));
        assert!(passes(star(include).include(["authorization"]), authorized));
    }
}

/// fetch/api/cors/cors-preflight.any.js, cors/preflight-failure.htm
#[test]
fn methods_are_allowed_by_their_case() {
    for (method, passes_) in [
        ("PUT", true),
        ("put", true),
        ("DELETE", true),
        ("delete", true),
        ("PATCH", false),
        ("patch", false),
        ("SUPER", false),
        ("OPTIONS", false),
    ] {
        assert_eq!(passes(usual(), Fetch { method, ..GET }), passes_, "{method}");
    }
    let patch = || usual().methods(["PATCH"]);
    assert!(passes(patch(), Fetch { method: "PATCH", ..GET }));
    assert!(!passes(patch(), Fetch { method: "patch", ..GET }));
    assert!(passes(usual().methods(["OPTIONS"]), Fetch { method: "options", ..GET }));
}

/// cors/preflight-failure.htm, fetch/api/cors/cors-preflight-status.any.js
#[test]
fn a_preflight_passes_with_any_status_that_is_ok() {
    for status in [200, 204, 299] {
        let builder = usual().preflight_status(StatusCode::from_u16(status).unwrap());
        assert!(passes(builder, Fetch { method: "PUT", ..GET }), "{status}");
    }
}

/// cors/response-headers.htm, fetch/api/cors/cors-expose-star.sub.any.js
#[test]
fn headers_are_exposed_by_name_and_by_a_star_without_credentials() {
    let readable = |builder, include| Fetch { include, ..GET }.of(builder).unwrap().1;
    assert_eq!(readable(usual(), true), ["content-type", "x-b"]);
    assert_eq!(readable(CorsLayer::builder().origins([APP]), false), ["content-type"]);
    let star = readable(public().expose(["*"]), false);
    assert!(star.contains(&"x-hidden".to_owned()) && !star.contains(&"set-cookie".to_owned()));
}

/// cors/status.htm, cors/304.htm
#[test]
fn every_status_can_be_read() {
    for status in [200, 204, 206, 304, 400, 401, 404, 418, 429, 500, 503, 599] {
        let given = Fetch { status, include: true, ..GET }.of(usual()).unwrap();
        assert_eq!(given.0, status);
        assert!(passes(public(), Fetch { status, ..GET }));
    }
}

/// What a policy says, so that it can be said twice.
#[derive(Clone, Debug)]
struct Said {
    origins: &'static str,
    methods: Vec<&'static str>,
    include: Vec<&'static str>,
    credentials: bool,
}

impl Said {
    fn builder(&self) -> CorsLayerBuilder {
        CorsLayer::builder()
            .origins([self.origins])
            .methods(&self.methods)
            .include(&self.include)
            .credentials(self.credentials && self.origins != "*")
    }
}

fn said() -> impl Strategy<Value = Said> {
    let origins = select(vec![APP, "https://*.example.com", "*", EVIL]);
    let methods =
        prop_oneof![subsequence(vec!["PUT", "PATCH", "DELETE", "SUPER"], 0..4), Just(vec!["*"])];
    let include = prop_oneof![
        subsequence(vec!["authorization", "content-type", "x-a", "x-b"], 0..4),
        Just(vec!["*"]),
        Just(vec!["*", "authorization"])
    ];
    (origins, methods, include, any::<bool>()).prop_map(
        |(origins, methods, include, credentials)| Said { origins, methods, include, credentials },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    /// The explanations of debug mode let nobody in, not even where a browser is laxer than the standard.
    #[test]
    fn debug_mode_allows_nothing_more(
        said in said(),
        origin in select(vec![APP, "http://app.example.com", "https://a.example.com", EVIL, "null"]),
        method in select(vec!["GET", "put", "PATCH", "patch", "SUPER", "OPTIONS"]),
        headers in subsequence(
            vec![("authorization", "1"), ("content-type", "a/b"), ("x-a", "1"), ("x-b", "1"), ("x-c", "1")],
            0..5,
        ),
        include in any::<bool>(),
        lax in any::<bool>(),
    ) {
        let fetch = Fetch { origin, method, headers: &headers, include, status: 200, lax };
        let without = fetch.of(said.builder());
        prop_assert_eq!(fetch.of(said.builder().debug(true)), without, "{:?}", said);
    }
}
