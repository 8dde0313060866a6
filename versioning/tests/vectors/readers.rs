//! Which version a request asks for, and by which status it is refused.

use http::{Request, StatusCode};
use stonework_versioning::{
    DateVersion, GrpcPackage, Header, Major, MajorMinor, MediaType, PathSegment, Query, Reader,
    Rejection, RequestHead, Select, Source, Version, Versions,
};

use Rejection::{Ambiguous, Malformed, Unsupported};
use Source::{Accept, ContentType};

/// The version, or nothing if none is asked for.
type Asked = Result<Option<&'static str>, Rejection>;

fn versions<V: Version>(texts: &[&str]) -> Versions<V> {
    let none = Versions::builder();
    texts.iter().fold(none, |builder, text| builder.version(text, |v| v)).build().unwrap()
}

fn ask<V: Version>(
    versions: &Versions<V>,
    readers: &[Reader],
    request: http::request::Builder,
) -> Result<Option<String>, Rejection> {
    let request = request.body(()).unwrap();
    let resolved = versions.resolve(readers, &RequestHead::of(&request), Select::Exact)?;
    Ok(resolved.map(|resolved| versions.name(resolved.index).to_owned()))
}

fn numbers(
    readers: &[Reader],
    request: http::request::Builder,
) -> Result<Option<String>, Rejection> {
    let served = ["1.0", "1.1-beta", "1.5", "2.0", "2.1", "2.5", "3.0"];
    ask(&versions::<MajorMinor>(&served), readers, request)
}

fn days(readers: &[Reader], request: http::request::Builder) -> Result<Option<String>, Rejection> {
    ask(&versions::<DateVersion>(&["2016-07-09", "2022-11-01"]), readers, request)
}

fn owned(asked: Asked) -> Result<Option<String>, Rejection> {
    asked.map(|version| version.map(str::to_owned))
}

fn with_lines(name: &str, lines: &[&str]) -> http::request::Builder {
    lines.iter().fold(Request::get("/"), |request, line| request.header(name, *line))
}

fn headers() -> [Reader; 2] {
    [Header::named("api-version").into(), Header::named("x-ms-version").into()]
}

#[test]
fn headers_of_two_names() {
    let get = || Request::get("/");
    for (request, expected) in [
        (get(), Ok(None)),
        (get().header("api-version", "2.1"), Ok(Some("2.1"))),
        (get().header("API-Version", "2.1"), Ok(Some("2.1"))),
        (get().header("x-ms-version", "2.1"), Ok(Some("2.1"))),
        (get().header("api-version", "1.0").header("x-ms-version", "1.0"), Ok(Some("1.0"))),
        (
            with_lines("api-version", &["1.0", "2.0"]),
            Err(Ambiguous(Source::Header, Source::Header)),
        ),
        // By its code, empty lines say nothing.
        (get().header("api-version", ""), Ok(None)),
    ] {
        let shown = format!("{:?}", request.headers_ref());
        assert_eq!(numbers(&headers(), request), owned(expected), "{shown}");
    }
    let by_day = Request::get("/").header("x-ms-version", "2016-07-09");
    assert_eq!(days(&headers(), by_day), owned(Ok(Some("2016-07-09"))));
}

/// There a line is one text, whatever is in it, and texts that differ are ambiguous before they are read. A
/// proxy may join lines (RFC 9110, section 5.3), and a client may say the same in two ways.
#[test]
fn lines_that_a_proxy_joined_and_two_spellings_are_read_here_only() {
    for (lines, expected) in [
        (&["1.0, 1.0"][..], Ok(Some("1.0"))),
        (&["1.0, 2.0"], Err(Ambiguous(Source::Header, Source::Header))),
        (&["1", "1.0"], Ok(Some("1.0"))),
    ] {
        let request = with_lines("api-version", lines);
        assert_eq!(numbers(&headers(), request), owned(expected), "{lines:?}");
    }
}

fn queries() -> [Reader; 2] {
    [Query::named("api-version").into(), Query::named("version").into()]
}

fn by_query(query: &str) -> Result<Option<String>, Rejection> {
    numbers(&queries(), Request::get(format!("/?{query}")))
}

#[test]
fn parameters_of_two_names() {
    for (query, expected) in [
        ("", Ok(None)),
        ("api-version=2.1", Ok(Some("2.1"))),
        ("api-version=1.0&api-version=1.0", Ok(Some("1.0"))),
        ("version=1.0&version=1.0", Ok(Some("1.0"))),
        ("api-version=1.0&version=1.0", Ok(Some("1.0"))),
        ("api-version=1.0&api-version=2.0", Err(Ambiguous(Source::Query, Source::Query))),
        ("version=1.0&version=2.0", Err(Ambiguous(Source::Query, Source::Query))),
        ("api-version=1.0&version=2.0", Err(Ambiguous(Source::Query, Source::Query))),
        ("api-version=abc", Err(Malformed(Source::Query))),
    ] {
        assert_eq!(by_query(query), owned(expected), "{query}");
    }
}

/// There `?api-version=` asks for nothing, and gets the default. A client that has the parameter means to ask
/// for something, and its mistake would be found on the day on which the default changes.
#[test]
fn a_parameter_without_a_value_is_refused_here_only() {
    for query in ["api-version=", "api-version"] {
        assert_eq!(by_query(query), Err(Malformed(Source::Query)), "{query}");
    }
}

/// By its code names of parameters have no case there. What a name means is said by the URL standard, for
/// which and for every cache these are two URLs.
#[test]
fn a_parameter_in_capitals_is_another_one_here_only() {
    assert_eq!(by_query("API-VERSION=2.0"), Ok(None));
    assert_eq!(by_query("API-VERSION=1.0&api-version=2.0"), owned(Ok(Some("2.0"))));
}

#[test]
fn a_header_and_a_parameter_have_to_agree() {
    let readers: [Reader; 2] =
        [Query::named("api-version").into(), Header::named("api-version").into()];
    for (header, expected) in [
        ("2.0", Err(Ambiguous(Source::Query, Source::Header))),
        ("1.0", Ok(Some("1.0"))),
        // There a `1` beside a `1.0` is ambiguous, unless one of them stands in the path.
        ("1", Ok(Some("1.0"))),
    ] {
        let request = Request::get("/?api-version=1.0").header("api-version", header);
        assert_eq!(numbers(&readers, request), owned(expected), "{header}");
    }
}

fn parameter(name: &str) -> [Reader; 1] {
    [MediaType::parameter(name).into()]
}

/// Each range is a line in the tests there; one line with commas is the same.
#[test]
fn ranges_are_weighed() {
    for (ranges, expected) in [
        (&["application/json;v=2.0"][..], Ok(Some("2.0"))),
        (&["application/json;q=1;v=2.0"], Ok(Some("2.0"))),
        (&["application/json;q=0.8;v=1.0", "text/plain"], Ok(Some("1.0"))),
        (&["application/json;q=0.5;v=3.0", "application/xml;q=0.5;v=3.0"], Ok(Some("3.0"))),
        (&["application/xml", "application/json;q=0.2;v=1.0"], Ok(Some("1.0"))),
        (&["application/json", "application/xml"], Ok(None)),
        (
            &[
                "application/xml",
                "application/xml+atom;q=0.8;v=2.5",
                "application/json;q=0.2;v=1.0",
            ],
            Ok(Some("2.5")),
        ),
        (&["application/json;v=1.0", "application/xml;q=0.2;v=2.0"], Ok(Some("1.0"))),
        (&["application/xml;q=0.2;v=2.0", "application/json;v=1.0"], Ok(Some("1.0"))),
        (&["application/json;v=1.0", "application/xml;q=0;v=2.0"], Ok(Some("1.0"))),
        (&["application/xml;q=0;v=2.0"], Ok(None)),
        (&["application/json;q=0;v=1.0", "application/xml;q=0.2;v=2.0"], Ok(Some("2.0"))),
        (&["application/json;v=1.0", "application/xml;v=2.0"], Err(Ambiguous(Accept, Accept))),
    ] {
        let lines = with_lines("accept", ranges);
        assert_eq!(numbers(&parameter("v"), lines), owned(expected), "{ranges:?}");
        let joined = with_lines("accept", &[&ranges.join(", ")]);
        assert_eq!(numbers(&parameter("v"), joined), owned(expected), "{ranges:?}");
    }
}

#[test]
fn a_body_and_its_answer() {
    let post = |media: &str| Request::post("/").header("content-type", media);
    for (name, request, expected) in [
        ("v", post("application/json"), Ok(None)),
        ("v", post("application/json;v=2.0"), Ok(Some("2.0"))),
        ("version", post("application/json;version=1.0"), Ok(Some("1.0"))),
        (
            "version",
            Request::get("/").header("accept", "application/json;version=3.0"),
            Ok(Some("3.0")),
        ),
        (
            "v",
            post("application/json;v=1.0").header("accept", "application/json;v=2.0"),
            Err(Ambiguous(ContentType, Accept)),
        ),
    ] {
        assert_eq!(numbers(&parameter(name), request), owned(expected), "{name}");
    }
}

/// There the type of the body has the weight 1, and what is wanted less says nothing beside it. To weigh a
/// body against an answer is to guess: a client that sends one version and names others for what it gets,
/// however low, has not said which it means.
#[test]
fn a_range_of_low_weight_has_to_agree_with_the_body_here_only() {
    let ranges =
        ["application/xml", "application/xml+atom;q=0.8;v=1.5", "application/json;q=0.2;v=2.0"];
    let request = with_lines("accept", &ranges).header("content-type", "application/json;v=2.0");
    assert_eq!(numbers(&parameter("v"), request), Err(Ambiguous(ContentType, Accept)));
}

/// There one reader looks for both, and weighs what it finds. Here two names are two readers.
#[test]
fn parameters_of_media_types_of_two_names_have_to_agree() {
    let both = [MediaType::parameter("v").into(), MediaType::parameter("api.ver").into()];
    let ask = |ranges: &[&str]| numbers(&both, with_lines("accept", ranges));
    assert_eq!(ask(&["application/json;api.ver=2.5"]), owned(Ok(Some("2.5"))));
    assert_eq!(ask(&["application/json;v=2.5", "text/xml;api.ver=2.5"]), owned(Ok(Some("2.5"))));
    let ranges = [
        "application/xml",
        "application/xml+atom;q=0.8;api.ver=2.5",
        "application/json;q=0.2;v=1.0",
    ];
    assert_eq!(ask(&ranges), Err(Ambiguous(Accept, Accept)));
}

fn template(template: &str) -> [Reader; 1] {
    [MediaType::vendor(template).into()]
}

#[test]
fn templates_of_media_types() {
    for (pattern, accept, expected) in [
        ("application/vnd-v{version}+json", "application/vnd-v1+json", Ok(Some("1.0"))),
        ("application/vnd-v{version}+json", "application/vnd-v2.1+json", Ok(Some("2.1"))),
        ("application/vnd-{version}+xml", "application/vnd-1.1-beta+xml", Ok(Some("1.1-beta"))),
        ("application/vnd-v{version}+json", "text/plain", Ok(None)),
    ] {
        let asked = numbers(&template(pattern), with_lines("accept", &[accept]));
        assert_eq!(asked, owned(expected), "{pattern} {accept}");
    }
    let accept = with_lines("accept", &["application/vnd-v2022-11-01+json"]);
    let asked = days(&template("application/vnd-v{version}+json"), accept);
    assert_eq!(asked, owned(Ok(Some("2022-11-01"))));
}

/// There the place may have any name, and only of two it has to be said which is the version. Here it is
/// called `version`, and there is no other: braces are in no media type, so that nothing would ever match.
#[test]
fn a_template_has_one_place() {
    let faults = |pattern: &str| {
        let mut errors = Vec::new();
        Reader::from(MediaType::vendor(pattern)).check(&mut errors);
        errors.len()
    };
    assert_eq!(faults("application/vnd-v{version}+json"), 0);
    for pattern in [
        "application/vnd-v{version}+json+{other}",
        "application/{other}-v{version}+json",
        "application/vnd-v{version}+{version}",
        "application/vnd-v{ver}+json",
    ] {
        assert_eq!(faults(pattern), 1, "{pattern}");
    }
}

/// What stands in a path there is told by the template of a route.
#[test]
fn segments_of_paths() {
    let served = versions::<Major>(&["1", "2"]);
    let readers = [PathSegment::after("/api").into()];
    for (path, expected) in [
        ("/api/v1/hello", Ok(Some("v1"))),
        ("/api/v2/hello", Ok(Some("v2"))),
        ("/api/v2/hello/Hi", Ok(Some("v2"))),
        ("/api/2/hello", Ok(Some("v2"))),
        ("/api/v3/hello", Err(Unsupported(Source::Path))),
        ("/api/hello", Ok(None)),
    ] {
        assert_eq!(ask(&served, &readers, Request::get(path)), owned(expected), "{path}");
    }
}

/// There a namespace of code has versions anywhere in it, in whatever way one can be written as a name. The
/// package of a service is public, and AIP-185 says how it ends.
#[test]
fn namespaces() {
    let served = versions::<Major>(&["1", "5"]);
    for (package, expected) in [
        ("v1", Ok(Some("v1"))),
        ("Contoso.Api.v1", Ok(Some("v1"))),
        ("Contoso.Api", Ok(None)),
        // There the first of these is version 1, and the rest are 1.1, 0.9-Beta, 5, 1 and a day.
        ("Contoso.Api.v1.Controllers", Ok(None)),
        ("Contoso.Api.v1_1", Ok(None)),
        ("Contoso.Api.v0_9_Beta", Ok(None)),
        ("VersioningSample.V5", Ok(None)),
        ("Contoso.Api._1", Ok(None)),
        ("Contoso.Api.v2018_04_01", Ok(None)),
    ] {
        let call = Request::post(format!("/{package}.Hello/Say"));
        let call = call.header("content-type", "application/grpc");
        let asked = ask(&served, &[GrpcPackage::last().into()], call);
        assert_eq!(asked, owned(expected), "{package}");
    }
}

/// Both do. There 406 and 415 are kept for APIs that have versions in media types and nowhere else, and a
/// path that has no version leads nowhere: 404.
#[test]
fn statuses() {
    for (rejection, status) in [
        (Rejection::Unspecified, 400),
        (Malformed(Source::Query), 400),
        (Malformed(Source::Header), 400),
        (Ambiguous(Source::Query, Source::Header), 400),
        (Unsupported(Source::Query), 400),
        (Unsupported(Source::Header), 400),
        (Unsupported(Source::Path), 404),
        (Unsupported(Accept), 406),
        (Unsupported(ContentType), 415),
    ] {
        assert_eq!(rejection.status(), StatusCode::from_u16(status).unwrap(), "{rejection:?}");
    }
}
