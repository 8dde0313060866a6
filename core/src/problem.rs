use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::grpc::trailers_only;
use crate::{GrpcCode, Protocol, grpc_details, json};

/// How a layer says no: a problem of RFC 9457, rendered for whoever asked.
///
/// Over plain HTTP it becomes `application/problem+json`; over gRPC and gRPC-web a trailers-only
/// reply with the same meaning. Layers also leave it in the response's extensions, so that outer
/// layers and logs need not parse what was sent, and let a closure render it otherwise.
///
/// ```
/// use http::StatusCode;
/// use stonework_core::{Problem, Protocol};
///
/// let problem = Problem::new("urn:example:out-of-tea", "Out of tea", StatusCode::CONFLICT)
///     .detail("The pot is empty.")
///     .member("pots", 3_u64);
/// let response = problem.to_response(&Protocol::Http);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert_eq!(
///     response.body(),
///     concat!(
///         r#"{"type":"urn:example:out-of-tea","title":"Out of tea","status":409,"#,
///         r#""detail":"The pot is empty.","pots":3}"#,
///     ),
/// );
/// let response = problem.to_response(&Protocol::Grpc);
/// assert_eq!(response.headers()["grpc-status"], "10");
/// assert_eq!(response.headers()["grpc-message"], "Out of tea: The pot is empty.");
/// ```
///
/// Clones share the document, and it is written once: a problem that is the same for many requests
/// is best made once and cloned for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    document: Arc<Document>,
    status: StatusCode,
    retry: Retry,
    grpc_code: GrpcCode,
    grpc_details: Option<Bytes>,
}

/// What is written in the body.
#[derive(Debug)]
struct Document {
    type_uri: Cow<'static, str>,
    title: Cow<'static, str>,
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    members: Vec<(Cow<'static, str>, Member)>,
    /// As it was written when it was first needed.
    json: OnceLock<Bytes>,
}

impl Document {
    fn to_json(&self) -> String {
        let mut out = String::with_capacity(160);
        out.push_str("{\"type\":");
        json::string(&mut out, &self.type_uri);
        out.push_str(",\"title\":");
        json::string(&mut out, &self.title);
        out.push_str(",\"status\":");
        out.push_str(self.status.as_str());
        if let Some(detail) = &self.detail {
            out.push_str(",\"detail\":");
            json::string(&mut out, detail);
        }
        for (name, member) in &self.members {
            out.push(',');
            json::string(&mut out, name);
            out.push(':');
            member.write(&mut out);
        }
        out.push('}');
        out
    }

    fn parts(&self) -> impl PartialEq + '_ {
        (&self.type_uri, &self.title, self.status, &self.detail, &self.members)
    }
}

/// A copy that is about to be changed, and so was not written yet.
impl Clone for Document {
    fn clone(&self) -> Self {
        Self {
            type_uri: self.type_uri.clone(),
            title: self.title.clone(),
            status: self.status,
            detail: self.detail.clone(),
            members: self.members.clone(),
            json: OnceLock::new(),
        }
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Document {}

/// The value of an extension member of a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Member {
    /// A string.
    Text(Cow<'static, str>),
    /// A number.
    Number(u64),
    /// A truth value.
    Flag(bool),
    /// A list of strings.
    List(Vec<Cow<'static, str>>),
}

/// What a [`Problem`] says about trying again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Nothing.
    #[default]
    Unsaid,
    /// Not before this time has passed: `Retry-After` in whole seconds, rounded up and at least
    /// one; `grpc-retry-pushback-ms` in gRPC (gRFC A6).
    After(Duration),
    /// Not at all: no `Retry-After`; a negative pushback in gRPC.
    Never,
}

impl Problem {
    /// A problem of this type. The type is a stable URI, the title its short human name.
    pub fn new(
        type_uri: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        status: StatusCode,
    ) -> Self {
        let document = Document {
            type_uri: type_uri.into(),
            title: title.into(),
            status,
            detail: None,
            members: Vec::new(),
            json: OnceLock::new(),
        };
        Self {
            document: Arc::new(document),
            status,
            retry: Retry::Unsaid,
            grpc_code: GrpcCode::of(status),
            grpc_details: None,
        }
    }

    /// What is wrong with this very request. Never put secrets here.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.change().detail = Some(detail.into());
        self
    }

    /// An extension member.
    #[must_use]
    pub fn member(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Member>) -> Self {
        self.change().members.push((name.into(), value.into()));
        self
    }

    /// The document, to be written anew.
    fn change(&mut self) -> &mut Document {
        let document = Arc::make_mut(&mut self.document);
        document.json.take();
        document
    }

    /// What to say about trying again.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The gRPC code, where the one that fits the HTTP status does not do.
    #[must_use]
    pub fn grpc_code(mut self, code: GrpcCode) -> Self {
        self.grpc_code = code;
        self
    }

    /// The bytes of `grpc-status-details-bin`: a serialized `google.rpc.Status`. Left out, it has a `google.rpc.ErrorInfo`,
    /// whose reason and domain are the type, such as `KEY_REUSED` and `urn:stonework:idempotency`, and whose metadata are the
    /// extension members.
    #[must_use]
    pub fn grpc_details(mut self, details: Bytes) -> Self {
        self.grpc_details = Some(details);
        self
    }

    /// The type URI.
    pub fn type_uri(&self) -> &str {
        &self.document.type_uri
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(feature = "utoipa-6")]
    pub(crate) fn title(&self) -> &str {
        &self.document.title
    }

    #[cfg(feature = "utoipa-6")]
    pub(crate) const fn retry_said(&self) -> Retry {
        self.retry
    }

    #[cfg(feature = "utoipa-6")]
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.document.members.iter().map(|(name, member)| (&**name, member))
    }

    /// The title, and the detail if there is one.
    pub fn message(&self) -> Cow<'_, str> {
        let Document { title, detail, .. } = &*self.document;
        match detail {
            None => Cow::Borrowed(title),
            Some(detail) => Cow::Owned(format!("{title}: {detail}")),
        }
    }

    /// The `application/problem+json` document.
    pub fn to_json(&self) -> String {
        self.document.to_json()
    }

    /// The default rendering, for a caller of this protocol.
    pub fn to_response(&self, protocol: &Protocol) -> Response<Bytes> {
        match protocol {
            Protocol::Http => self.to_http(),
            Protocol::Grpc => self.to_grpc(HeaderValue::from_static("application/grpc")),
            Protocol::GrpcWeb(content_type) => self.to_grpc(content_type.clone()),
        }
    }

    fn to_http(&self) -> Response<Bytes> {
        let json = self.document.json.get_or_init(|| Bytes::from(self.to_json()));
        let mut response = Response::new(json.clone());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Retry::After(wait) = self.retry {
            headers.insert(RETRY_AFTER, number(whole_seconds(wait)));
        }
        response
    }

    fn to_grpc(&self, content_type: HeaderValue) -> Response<Bytes> {
        let message = self.message();
        let details = match &self.grpc_details {
            Some(details) => details.clone(),
            None => self.error_info(&message),
        };
        let mut response = trailers_only(content_type, self.grpc_code, &message, &details);
        push_back(response.headers_mut(), self.retry);
        response
    }

    fn error_info(&self, message: &str) -> Bytes {
        let Document { type_uri, members, .. } = &*self.document;
        let members = members.iter().map(|(name, value)| (name, value.as_text()));
        grpc_details::encode(self.grpc_code, message, type_uri, members)
    }
}

/// As problem+json, since a handler's answer does not know who asked. Feature `axum-0-8`.
#[cfg(feature = "axum-0-8")]
impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = self.to_http().map(Into::into);
        response.extensions_mut().insert(self);
        response
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

/// With one allocation, where `HeaderValue::from` makes two.
fn number(number: u64) -> HeaderValue {
    let (mut digits, mut at, mut rest) = ([b'0'; 20], 20, number);
    while at == 20 || rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    HeaderValue::from_bytes(&digits[at..]).unwrap_or_else(|_| HeaderValue::from(number))
}

fn push_back(headers: &mut HeaderMap, retry: Retry) {
    let value = match retry {
        Retry::Unsaid => return,
        // The field is a signed 32-bit number; clients read anything else as "never".
        Retry::After(wait) => {
            let millis = wait.as_nanos().div_ceil(1_000_000);
            HeaderValue::from(i32::try_from(millis).unwrap_or(i32::MAX))
        }
        Retry::Never => HeaderValue::from_static("-1"),
    };
    headers.insert("grpc-retry-pushback-ms", value);
}

impl Member {
    /// A list is separated by commas.
    fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::List(items) => Cow::Owned(items.join(",")),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => json::string(out, text),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    json::string(out, item);
                }
                out.push(']');
            }
        }
    }
}

impl From<&'static str> for Member {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Member {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Member {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Member {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<Cow<'static, str>>> for Member {
    fn from(items: Vec<Cow<'static, str>>) -> Self {
        Self::List(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem::new("urn:example:x", "A \"title\"", StatusCode::CONFLICT)
    }

    #[test]
    fn the_document_is_json_with_the_members_in_order() {
        let json = problem()
            .detail("line\nbreak")
            .member("list", vec![Cow::Borrowed("a"), Cow::Borrowed("b")])
            .member("flag", true)
            .member("text", "t")
            .to_json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let expected = serde_json::json!({
            "type": "urn:example:x", "title": "A \"title\"", "status": 409,
            "detail": "line\nbreak", "list": ["a", "b"], "flag": true, "text": "t",
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn a_document_is_written_once_and_anew_when_it_was_changed() {
        let problem = problem().member("flag", true);
        let body = |problem: &Problem| problem.to_response(&Protocol::Http).into_body();
        let first = body(&problem);
        assert_eq!(body(&problem.clone().retry(Retry::Never)).as_ptr(), first.as_ptr());
        let changed = problem.clone().detail("more");
        assert_ne!(body(&changed), first);
        assert_eq!(body(&problem), first, "clones are changed apart");
        assert_ne!(changed, problem);
        assert_eq!(problem.clone(), problem);
    }

    #[test]
    fn waits_are_rounded_up_and_never_zero() {
        let after = |wait| {
            let response = problem().retry(Retry::After(wait)).to_response(&Protocol::Http);
            response.headers()[RETRY_AFTER].to_str().unwrap().to_owned()
        };
        assert_eq!(after(Duration::ZERO), "1");
        assert_eq!(after(Duration::from_millis(1_001)), "2");
        assert_eq!(after(Duration::MAX), u64::MAX.to_string());
    }

    #[test]
    fn grpc_is_told_in_trailers_with_a_pushback() {
        let pushback = |retry| {
            let response = problem().retry(retry).to_response(&Protocol::Grpc);
            assert_eq!(response.status(), StatusCode::OK);
            response.headers().get("grpc-retry-pushback-ms").cloned()
        };
        assert_eq!(pushback(Retry::Unsaid), None);
        assert_eq!(pushback(Retry::Never).unwrap(), "-1");
        assert_eq!(pushback(Retry::After(Duration::from_micros(1_500))).unwrap(), "2");
        assert_eq!(pushback(Retry::After(Duration::MAX)).unwrap(), "2147483647");
    }

    #[test]
    fn grpc_is_told_the_type_and_the_members() {
        let problem = Problem::new("urn:example:out-of-tea", "Out of tea", StatusCode::CONFLICT)
            .member("pots", 3_u64)
            .member("kinds", vec!["green".into(), "black".into()])
            .member("hot", true);
        let response = problem.to_response(&Protocol::Grpc);
        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        let details = tonic_types::StatusExt::get_error_details(&status);
        let info = details.error_info().unwrap();
        assert_eq!((&*info.reason, &*info.domain), ("OUT_OF_TEA", "urn:example"));
        let member = |name| info.metadata.get(name).map(String::as_str);
        let told = ["pots", "kinds", "hot", "status"].map(member);
        assert_eq!(told, [Some("3"), Some("green,black"), Some("true"), None]);
    }

    #[test]
    fn grpc_web_keeps_the_callers_content_type_and_carries_details() {
        let web = HeaderValue::from_static("application/grpc-web-text");
        let response = problem()
            .grpc_code(GrpcCode::Unknown)
            .grpc_details(Bytes::from_static(b"foobar"))
            .to_response(&Protocol::GrpcWeb(web.clone()));
        assert_eq!(response.headers()[CONTENT_TYPE], web);
        assert_eq!(response.headers()["grpc-status"], "2");
        assert_eq!(response.headers()["grpc-status-details-bin"], "Zm9vYmFy");
        assert!(response.body().is_empty());
    }
}
