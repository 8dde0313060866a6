//! What holds for any version and any path.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use http::Request;
use proptest::prelude::*;
use stonework_versioning::{
    DateVersion, Header, Major, MajorMinor, MediaType, PathSegment, Query, Reader, RequestHead,
    Select, Version, Versions,
};

/// Texts that are versions, or nearly.
fn text() -> impl Strategy<Value = String> {
    let number =
        prop_oneof![Just("0".to_owned()), "[1-9][0-9]{0,9}", "0[0-9]{1,2}", Just(String::new())];
    let status = prop_oneof!["[a-zA-Z][a-zA-Z0-9.]{0,17}", "[0-9.]{0,3}", Just(String::new())];
    prop_oneof![
        3 => ("v?", number.clone(), "(alpha|beta|gamma)?[0-9]{0,3}").prop_map(|(v, n, c)| v + &n + &c),
        3 => ("v?", number.clone(), "[.]?", number, "-?", status.clone())
            .prop_map(|(v, a, dot, b, dash, status)| [v, a, dot, b, dash, status].concat()),
        3 => ("[0-9]{3,5}", "[0-9]{1,2}", "[0-9]{1,2}", "-?", status)
            .prop_map(|(y, m, d, dash, status)| format!("{y}-{m}-{d}{dash}{status}")),
        1 => "[ -~]{0,12}",
    ]
}

/// What is read is written so that it reads the same again, and two texts are one version if they are
/// written alike.
fn has_one_form<V: Version>(one: &str, two: &str) -> Result<(), TestCaseError> {
    let (one, two) = (V::parse(one.as_bytes()), V::parse(two.as_bytes()));
    for version in [&one, &two].into_iter().flatten() {
        let text = version.to_string();
        let again = V::parse(text.as_bytes());
        prop_assert_eq!(again.as_ref(), Ok(version));
    }
    if let (Ok(one), Ok(two)) = (one, two) {
        prop_assert_eq!(one == two, one.to_string() == two.to_string());
        prop_assert_eq!(one.cmp(&two), two.cmp(&one).reverse());
        prop_assert_eq!(one == two, one.cmp(&two).is_eq());
    }
    Ok(())
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9._~-]{1,6}", "%[0-9A-F]{2}", Just(String::new())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_version_has_one_form(one in text(), two in text()) {
        has_one_form::<Major>(&one, &two)?;
        has_one_form::<MajorMinor>(&one, &two)?;
        has_one_form::<DateVersion>(&one, &two)?;
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = (Major::parse(&bytes), MajorMinor::parse(&bytes), DateVersion::parse(&bytes));
    }

    /// Put in and taken out, a segment leaves the path as it was.
    #[test]
    fn what_is_put_into_a_path_is_taken_out_again(
        after in prop_oneof![Just(""), Just("/api"), Just("/a/b")],
        segments in prop::collection::vec(segment(), 0..5),
        slash in any::<bool>(),
    ) {
        let mut rest: String = segments.iter().flat_map(|segment| ["/", segment.as_str()]).collect();
        if slash || (after.is_empty() && rest.is_empty()) {
            rest.push('/');
        }
        let with = [after, "/v1", if after.is_empty() && rest == "/" { "" } else { &rest }].concat();
        let reader = PathSegment::after(after);
        let expected = [after, &rest].concat();
        prop_assert_eq!(reader.stripped(&with, None), Some(expected.clone()));
        prop_assert_eq!(reader.stripped(&with, Some("a=/v2")), Some(expected + "?a=/v2"));
    }

    /// Whatever a client sends, it is read without a panic, and alike each time.
    #[test]
    fn any_request_is_read(
        path in "/[ -~&&[^ \"<>\\\\^`{|}#?]]{0,20}",
        query in "[a-z0-9=&%;+.-]{0,30}",
        accept in "[ -~]{0,60}",
        header in "[ -~]{0,20}",
    ) {
        let versions = Versions::<MajorMinor>::builder().version("1", |v| v).version("2", |v| v);
        let versions = versions.build().unwrap();
        let readers: [Reader; 5] = [
            PathSegment::first().into(),
            Header::named("api-version").into(),
            Query::named("version").into(),
            MediaType::parameter("v").into(),
            MediaType::vendor("application/vnd.acme.{version}+json").into(),
        ];
        let request = Request::get(format!("{path}?{query}"))
            .header("accept", &accept)
            .header("content-type", &accept)
            .header("api-version", &header)
            .body(());
        prop_assume!(request.is_ok());
        let request = request.unwrap();
        let head = RequestHead::of(&request);
        let resolved = versions.resolve(&readers, &head, Select::Exact);
        prop_assert_eq!(resolved, versions.resolve(&readers, &head, Select::Exact));
    }
}
