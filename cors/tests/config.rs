//! What a configuration may say, and what it is told.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use stonework_cors::{ConfigError, CorsLayer, Handle, Policy, RequestHead, Warning, bundle};
use support::call::{APP, EVIL, all, answer, from, preflight, usual};

fn errors(origins: &[&str], credentials: bool) -> Vec<String> {
    match CorsLayer::builder().origins(origins).credentials(credentials).build() {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn nothing_is_allowed_at_first_and_that_is_warned_of() {
    let layer = CorsLayer::builder().build().unwrap();
    assert_eq!(layer.warnings(), [Warning::NobodyAllowed]);
    assert!(CorsLayer::builder().deny_warnings().build().is_err());
    let (_, headers) = answer(CorsLayer::builder(), from(APP));
    assert_eq!(all(&headers, "access-control-allow-origin"), "");
}

#[test]
fn each_error_names_the_setting_the_value_the_reason_and_the_fix() {
    for (origin, told) in [
        ("https://app.example.com/", r#"origins("https://app.example.com/"): "#),
        ("null", r#"origins("null"): "#),
        ("", r#"origins(""): "#),
    ] {
        let errors = errors(&[origin], false);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(told), "{errors:?}");
    }
    let suffix = &errors(&["https://*.github.io"], true)[0];
    assert!(suffix.contains("github.io, and act") && suffix.contains("danger_public_suffixes"));
    let insecure = &errors(&["http://app.example.com"], true)[0];
    assert!(insecure.contains("use https"), "{insecure}");
}

#[test]
fn a_star_stands_alone() {
    assert_eq!(errors(&["*"], false), [] as [String; 0]);
    assert!(errors(&["*", APP], false)[0].contains("leave one or the other out"));
    assert!(errors(&["*"], true)[0].contains("name the origins"));
}

#[test]
fn danger_lets_in_what_it_names_and_nothing_else() {
    let builder = || CorsLayer::builder().origins(["http://app.example.com"]).credentials(true);
    assert!(builder().danger_public_suffixes().build().is_err());
    assert!(builder().danger_insecure_origins().build().is_ok());
    let null = CorsLayer::builder().origins([APP]).danger_null_origin();
    let (_, headers) = answer(null, from("null"));
    assert_eq!(all(&headers, "access-control-allow-origin"), "null");
    let null = CorsLayer::builder().danger_null_origin();
    assert_eq!(null.build().unwrap().warnings(), [Warning::NullOrigin]);
    assert!(usual().danger_null_origin().build().is_err(), "never with credentials");
}

#[test]
fn what_is_named_twice_is_told_once() {
    let builder = usual().methods(["PUT"]).include(["X-A", "x-a"]).expose(["X-B"]);
    let (_, headers) = answer(builder, preflight(APP, "PUT", ""));
    assert_eq!(all(&headers, "access-control-allow-methods"), "PUT,DELETE");
    assert_eq!(all(&headers, "access-control-allow-headers"), "authorization,content-type,x-a");
}

#[test]
fn bundles_and_names_of_the_siblings_are_taken_as_they_are() {
    let bundles = [
        (bundle::GRPC_WEB_REQUEST_HEADERS, bundle::GRPC_WEB_RESPONSE_HEADERS),
        (bundle::CONNECT_REQUEST_HEADERS, bundle::CONNECT_RESPONSE_HEADERS),
        (stonework_cors::REQUEST_HEADERS, stonework_cors::RESPONSE_HEADERS),
    ];
    for (request, response) in bundles {
        let layer = CorsLayer::builder().origins([APP]).include(request).expose(response);
        assert_eq!(layer.build().unwrap().warnings(), []);
        let layer = CorsLayer::builder().origins([APP]).include(request).expose(response);
        assert_eq!(answer(layer, preflight(APP, "POST", &request.join(","))).0, 204);
    }
}

#[test]
fn a_page_that_may_read_may_see_the_times_if_that_is_said() {
    let (_, headers) = answer(usual().timing(true), from(APP));
    assert_eq!(all(&headers, "timing-allow-origin"), APP);
    for (builder, origin) in [(usual().timing(true), EVIL), (usual(), APP)] {
        assert_eq!(all(&answer(builder, from(origin)).1, "timing-allow-origin"), "");
    }
    let public = CorsLayer::builder().origins(["*"]).timing(true);
    assert_eq!(all(&answer(public, from(EVIL)).1, "timing-allow-origin"), "*");
}

#[test]
fn private_networks_are_answered_for_only_if_that_is_said() {
    let asked = || {
        let mut asked = preflight(APP, "PUT", "");
        let name = "access-control-request-private-network";
        asked.headers_mut().insert(name, http::HeaderValue::from_static("true"));
        asked
    };
    let allowed =
        |builder, asked| all(&answer(builder, asked).1, "access-control-allow-private-network");
    assert_eq!(allowed(usual(), asked()), "");
    assert_eq!(allowed(usual().private_network(true), asked()), "true");
    assert_eq!(allowed(usual().private_network(true), preflight(APP, "PUT", "")), "");
    let layer = usual().private_network(true).build().unwrap();
    assert_eq!(layer.warnings(), [Warning::PrivateNetwork]);
}

#[test]
fn any_method_and_header_are_a_star_or_an_echo() {
    let any = |credentials| {
        CorsLayer::builder().origins([APP]).methods(["*"]).include(["*"]).credentials(credentials)
    };
    let told = |credentials| {
        let (status, headers) = answer(any(credentials), preflight(APP, "PURGE", "x-a,x-b"));
        assert_eq!(status, 204);
        ["access-control-allow-methods", "access-control-allow-headers"]
            .map(|name| all(&headers, name))
    };
    assert_eq!(told(false), ["*", "*"]);
    assert_eq!(told(true), ["PURGE", "x-a,x-b"], "`*` would be but a name");
    for credentials in [false, true] {
        assert_eq!(answer(any(credentials), preflight(APP, "PURGE", "authorization")).0, 403);
        let named = any(credentials).include(["Authorization"]);
        assert_eq!(answer(named, preflight(APP, "PURGE", "authorization")).0, 204);
    }
    let (_, headers) = answer(any(true), preflight(APP, "PURGE", ""));
    assert_eq!(all(&headers, "access-control-allow-headers"), "");
}

#[test]
fn a_resolver_and_a_policy_are_not_both_said() {
    let policy = Policy::builder().origins([APP]).build().unwrap();
    let resolver = move |_: &RequestHead<'_>| Some(policy.clone());
    assert!(CorsLayer::builder().policies(resolver.clone()).build().is_ok());
    let errors = CorsLayer::builder().origins([APP]).policies(resolver).build().unwrap_err();
    assert_eq!(errors.as_slice()[0].setting, "policies");
}

#[test]
fn a_policy_can_be_replaced_under_a_layer() {
    let policy = |origin| Policy::builder().origins([origin]).build().unwrap();
    let handle = Handle::new(policy(APP));
    let mut service = support::call::service(CorsLayer::builder().policies(handle.clone()));
    let mut allows = |origin| {
        let response = support::call::call(&mut service, from(origin));
        response.headers().contains_key("access-control-allow-origin")
    };
    assert!(allows(APP) && !allows(EVIL));
    handle.replace(policy(EVIL));
    assert!(!allows(APP) && allows(EVIL));
}

#[test]
fn more_origins_can_be_added_and_bad_ones_are_told_and_left_out() {
    let base = Policy::builder().origins([APP]).credentials(true).build().unwrap();
    let (more, wrong) =
        base.with_origins(["https://a.example", "https://b.example/", "http://c.example", "*"]);
    let wrong: Vec<_> = wrong.iter().map(|error: &ConfigError| error.value.as_str()).collect();
    assert_eq!(wrong, [r#""https://b.example/""#, r#""http://c.example""#, r#""*""#]);
    let handle = Handle::new(more);
    for (origin, allowed) in [(APP, true), ("https://a.example", true), ("http://c.example", false)]
    {
        let (_, headers) = answer(CorsLayer::builder().policies(handle.clone()), from(origin));
        assert_eq!(headers.contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[test]
fn debug_is_warned_of() {
    assert_eq!(usual().debug(true).build().unwrap().warnings(), [Warning::Debug]);
    assert_eq!(usual().debug(false).build().unwrap().warnings(), []);
    assert!(usual().debug(true).deny_warnings().build().is_err());
}

#[cfg(feature = "serde")]
mod file {
    use std::time::Duration;

    use http::StatusCode;
    use stonework_cors::CorsConfig;

    use super::*;

    #[test]
    fn a_file_says_the_same_words_under_the_same_checks() {
        let config: CorsConfig = serde_json::from_str(
            r#"{
                "origins": ["https://app.example.com"],
                "methods": ["PUT", "DELETE"],
                "include": ["authorization", "content-type", "x-a"],
                "expose": ["x-b", "x-c"],
                "credentials": true,
                "max_age": 600,
                "timing": true,
                "preflight_status": 200
            }"#,
        )
        .unwrap();
        let said = || {
            let said = usual().max_age(Duration::from_secs(600)).timing(true);
            said.preflight_status(StatusCode::OK)
        };
        for request in [|| preflight(APP, "PUT", "x-a"), || from(APP), || from(EVIL)] {
            assert_eq!(answer(config.clone().layer(), request()), answer(said(), request()));
        }
    }

    #[test]
    fn a_file_is_told_all_that_is_wrong() {
        let config: CorsConfig = serde_json::from_str(
            r#"{"origins": ["https://a.example/", "null"], "max_age": 100000, "preflight_status": 99}"#,
        )
        .unwrap();
        let errors = config.clone().policy().build().unwrap_err();
        assert_eq!(errors.as_slice().len(), 4, "{errors}");
        assert_eq!(errors, config.layer().build().unwrap_err());
        for typo in [r#"{"origin": []}"#, r#"{"credentials": "yes"}"#, r#"{"danger": true}"#] {
            assert!(serde_json::from_str::<CorsConfig>(typo).is_err(), "{typo}");
        }
        let empty: CorsConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(empty.layer().build().unwrap().warnings(), [Warning::NobodyAllowed]);
    }
}
