//! How a refusal is written: each contract has its own form.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use stonework_core::{Problem, Protocol};

use crate::profile::{Profile, Style};
use crate::rejection::{Refusal, Rejection};

/// What the types of errors of JSON:API's cursor profile begin with.
const JSON_API: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// The answer, with what it means in its extensions.
pub(crate) fn refuse(refusal: &Refusal, profile: &Profile, problem_base: &str) -> Response<Bytes> {
    let problem = refusal.problem(profile, problem_base);
    let mut response = problem.to_response(&Protocol::Http);
    if let Some((content_type, body)) = styled(refusal, profile, &problem) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *response.body_mut() = body.to_string().into();
    }
    let extensions = response.extensions_mut();
    extensions.insert(refusal.rejection);
    extensions.insert(problem);
    response
}

/// What is not problem+json.
pub(crate) fn styled(
    refusal: &Refusal,
    profile: &Profile,
    problem: &Problem,
) -> Option<(&'static str, Value)> {
    let said = Said { refusal, profile, message: problem.message() };
    Some(match profile.style {
        Style::Plain | Style::Relay | Style::Zalando => return None,
        Style::Stripe => ("application/json", said.stripe()),
        Style::GitHub => ("application/json", json!({ "message": said.message })),
        Style::Aip(_) => ("application/json", said.aip()),
        Style::Scim => ("application/scim+json", said.scim()),
        Style::JsonApi => ("application/vnd.api+json", said.json_api()),
        Style::Azure => ("application/json", said.azure()),
    })
}

struct Said<'a> {
    refusal: &'a Refusal,
    profile: &'a Profile,
    message: Cow<'a, str>,
}

impl Said<'_> {
    fn status(&self) -> StatusCode {
        self.refusal.rejection.status()
    }

    fn stripe(&self) -> Value {
        let is_clients = self.status().is_client_error();
        let kind = if is_clients { "invalid_request_error" } else { "api_error" };
        let mut error = json!({ "type": kind, "message": self.message });
        if let Some(parameter) = &self.refusal.parameter {
            error["param"] = json!(parameter);
        }
        json!({ "error": error })
    }

    fn aip(&self) -> Value {
        let status = match self.refusal.rejection {
            Rejection::Unavailable => "UNAVAILABLE",
            Rejection::Misused => "INTERNAL",
            _ => "INVALID_ARGUMENT",
        };
        let code = self.status().as_u16();
        json!({ "error": { "code": code, "message": self.message, "status": status } })
    }

    /// RFC 7644, section 3.12, with the types of RFC 9865.
    fn scim(&self) -> Value {
        let mut error = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status().as_str(),
            "detail": self.message,
        });
        let kind = match self.refusal.rejection {
            Rejection::Cursor => Some("invalidCursor"),
            Rejection::Limit => Some("invalidCount"),
            _ => None,
        };
        if let Some(kind) = kind {
            error["scimType"] = json!(kind);
        }
        error
    }

    fn json_api(&self) -> Value {
        let mut error = json!({
            "status": self.status().as_str(),
            "code": self.refusal.rejection.slug(),
            "title": self.refusal.rejection.title(),
        });
        if let Some(detail) = self.refusal.detail(self.profile) {
            error["detail"] = json!(detail);
        }
        if let Some(parameter) = &self.refusal.parameter {
            error["source"] = json!({ "parameter": parameter });
        }
        if self.refusal.is_over {
            error["links"] = json!({ "type": [format!("{JSON_API}/max-size-exceeded")] });
            error["meta"] = json!({ "page": { "maxSize": self.profile.limits.max } });
        }
        if self.refusal.rejection == Rejection::Both {
            let range = format!("{JSON_API}/range-pagination-not-supported");
            error["links"] = json!({ "type": [range] });
        }
        json!({ "errors": [error] })
    }

    fn azure(&self) -> Value {
        let code = match self.refusal.rejection {
            Rejection::Unavailable => "ServiceUnavailable",
            Rejection::Misused => "InternalServerError",
            _ => "InvalidQueryParameterValue",
        };
        let mut error = json!({ "code": code, "message": self.message });
        if let Some(parameter) = &self.refusal.parameter {
            error["target"] = json!(parameter);
        }
        json!({ "error": error })
    }
}
