//! Who may ask for what is below `/console/`: the console's own page, and programs of this machine.
//!
//! Without CORS headers no other page reads an answer. That is not all that a page can try: it can give this machine a name
//! of its own (DNS rebinding), whose answers are then of its own origin; so the name has to be a usual one. And it can
//! send without reading; so a browser has to say that the request is the page's own.

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Refusal;

const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

const SEC_FETCH_SITE: &str = "sec-fetch-site";

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn only_the_console(request: Request, next: Next) -> Result<Response, Refusal> {
    if !is_the_console(request.headers()) {
        return Err(Refusal::NotTheConsole);
    }
    Ok(next.run(request).await)
}

/// Answers that no cache keeps and no other page embeds.
pub(super) async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in
        [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CORP, "same-origin")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_the_console(headers: &HeaderMap) -> bool {
    let Some(Some(host)) = only(headers, HOST.as_str()) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    NAMES.contains(&name)
        && only(headers, ORIGIN.as_str()).is_some_and(|origin| origin.is_none_or(own))
        && only(headers, SEC_FETCH_SITE)
            .is_some_and(|site| site.is_none_or(|site| site == "same-origin"))
}

/// The header of this name, if there is one; nothing if there are two, or one that is no text.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => value.to_str().ok().map(Some),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        is_the_console(&map)
    }

    #[test]
    fn its_own_page_may_ask_and_so_may_a_program() {
        for host in ["127.0.0.1:3000", "localhost:3000", "localhost"] {
            assert!(asked(&[("host", host)]), "{host}");
            assert!(asked(&[("host", host), ("sec-fetch-site", "same-origin")]), "{host}");
        }
        let own = [("host", "localhost:3000"), ("origin", "http://localhost:3000")];
        assert!(asked(&own));
    }

    #[test]
    fn other_pages_may_not() {
        for site in ["cross-site", "same-site", "none", "", "Same-Origin"] {
            assert!(!asked(&[("host", "localhost:3000"), ("sec-fetch-site", site)]), "{site}");
        }
        for origin in [
            "http://127.0.0.1:3000",
            "http://localhost:3001",
            "https://localhost:3000",
            "http://partner.localhost:3000",
            "null",
            "",
        ] {
            assert!(!asked(&[("host", "localhost:3000"), ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn a_name_that_others_can_give_is_not_answered() {
        for host in [
            "evil.example:3000",
            "partner.localhost:3000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:3000:1",
            "[::1]:3000",
            "",
        ] {
            assert!(!asked(&[("host", host)]), "{host}");
            assert!(!asked(&[("host", host), ("sec-fetch-site", "same-origin")]), "{host}");
        }
        assert!(!asked(&[]));
    }

    #[test]
    fn what_is_there_twice_is_not_believed() {
        for name in ["host", "origin", "sec-fetch-site"] {
            let value = match name {
                "host" => "localhost",
                "origin" => "http://localhost",
                _ => "same-origin",
            };
            assert!(!asked(&[("host", "localhost"), (name, value), (name, value)]), "{name}");
        }
    }
}
