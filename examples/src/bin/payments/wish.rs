//! What a page wants to do, and what a policy makes of it: the questions that its browser would ask, in order.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use stonework_cors::{Policy, Report, RequestHead, explain};

/// What a page can send without asking first (Fetch, "CORS-safelisted"). With a content type of a
/// form it could do so too; here it is taken for JSON.
const SAFE_METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
const SAFE_HEADERS: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_LANGUAGE];

/// What a page wants to do.
pub(crate) struct Wish {
    pub(crate) origin: HeaderValue,
    pub(crate) method: Method,
    pub(crate) headers: Vec<HeaderName>,
}

impl Wish {
    /// What becomes of the preflight, if there is one, and of the request, if it is sent.
    pub(crate) fn reports(&self, policy: &Policy) -> Result<Vec<(&'static str, Report)>, String> {
        let mut reports = Vec::new();
        if self.needs_preflight() {
            let preflight = report(policy, Method::OPTIONS, self.preflight()?);
            let denied = is_denied(&preflight);
            reports.push(("preflight", preflight));
            if denied {
                // The browser does not send what it asked for.
                return Ok(reports);
            }
        }
        reports.push(("request", report(policy, self.method.clone(), self.actual())));
        Ok(reports)
    }

    fn needs_preflight(&self) -> bool {
        let safe = self.headers.iter().all(|name| SAFE_HEADERS.contains(name));
        !(safe && SAFE_METHODS.contains(&self.method))
    }

    /// What a browser asks before it sends the request.
    fn preflight(&self) -> Result<HeaderMap, String> {
        let mut names: Vec<_> = self.headers.iter().map(HeaderName::as_str).collect();
        names.retain(|name| SAFE_HEADERS.iter().all(|safe| safe != name));
        names.sort_unstable();
        names.dedup();
        let mut headers = self.actual();
        let method = parse("a method", self.method.as_str())?;
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, method);
        if !names.is_empty() {
            let names = parse("names of headers", &names.join(","))?;
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, names);
        }
        Ok(headers)
    }

    fn actual(&self) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, self.origin.clone())])
    }
}

pub(crate) const fn is_denied(report: &Report) -> bool {
    report.decision.reason().is_some()
}

fn report(policy: &Policy, method: Method, headers: HeaderMap) -> Report {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    explain(policy, &RequestHead::of(&request))
}

/// A method as a browser sends it (Fetch, "normalize a method").
pub(crate) fn method(text: &str) -> Result<Method, String> {
    let method: Method = parse("a method", text)?;
    let upper =
        [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT];
    let same = |known: &Method| known.as_str().eq_ignore_ascii_case(method.as_str());
    Ok(upper.into_iter().find(same).unwrap_or(method))
}

pub(crate) fn parse<T: FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not {what}"))
}
