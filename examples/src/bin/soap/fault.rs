//! How a problem is said in SOAP 1.2.
//!
//! | of the problem | fault | status |
//! |---|---|---|
//! | it may pass: `Retry-After`, or 5xx | `env:Receiver` | 500 |
//! | it does not | `env:Sender` | 400 |
//!
//! That is what the codes mean (part 1, section 5.4.6): a Sender should not send the message again without a change, and
//! what a Receiver failed at could succeed later. And those are the statuses that the HTTP binding has for them (part 2,
//! section 7.5.2.2). What HTTP refuses by itself has its own there too: 401, 404, 405 and 415. `Retry-After` is told in all
//! cases, the subcode tells what it is, and the detail has the problem.

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use quick_xml::escape::escape;
use stonework_core::{Problem, Protocol};

use crate::envelope::ENVELOPE;

pub(crate) const MEDIA_TYPE: &str = "application/soap+xml; charset=utf-8";

/// Of subcodes and details.
const FAULTS: &str = "urn:stonework:fault";

/// Who is to do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Sender,
    Receiver,
    VersionMismatch,
    MustUnderstand,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
            Self::VersionMismatch => "VersionMismatch",
            Self::MustUnderstand => "MustUnderstand",
        }
    }

    const fn status(self, of: StatusCode) -> StatusCode {
        match self {
            Self::Sender if matches!(of.as_u16(), 401 | 404 | 405 | 415) => of,
            Self::Sender => StatusCode::BAD_REQUEST,
            Self::Receiver | Self::VersionMismatch | Self::MustUnderstand => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// As a layer renders it.
pub(crate) fn of(problem: &Problem) -> Response<Bytes> {
    let passes = problem.status().is_server_error()
        || problem.to_response(&Protocol::Http).headers().contains_key(RETRY_AFTER);
    with(problem, if passes { Code::Receiver } else { Code::Sender }, "")
}

/// With this code, and what stands in the header of the envelope.
pub(crate) fn with(problem: &Problem, code: Code, header: &str) -> Response<Bytes> {
    // As it would be, with `Retry-After`.
    let mut response = problem.to_response(&Protocol::Http);
    *response.status_mut() = code.status(problem.status());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.map(|_| envelope(header, &fault(problem, code)).into())
}

pub(crate) fn envelope(header: &str, body: &str) -> String {
    let header = match header {
        "" => String::new(),
        header => format!("<env:Header>{header}</env:Header>"),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <env:Envelope xmlns:env=\"{ENVELOPE}\">{header}<env:Body>{body}</env:Body></env:Envelope>"
    )
}

fn fault(problem: &Problem, code: Code) -> String {
    let kind = problem.type_uri();
    let slug = kind.rsplit([':', '#']).next().unwrap_or_default();
    let message = problem.message();
    format!(
        "<env:Fault xmlns:f=\"{FAULTS}\">\
         <env:Code><env:Value>env:{}</env:Value>\
         <env:Subcode><env:Value>f:{}</env:Value></env:Subcode></env:Code>\
         <env:Reason><env:Text xml:lang=\"en\">{}</env:Text></env:Reason>\
         <env:Detail><f:problem><f:type>{}</f:type><f:status>{}</f:status></f:problem></env:Detail>\
         </env:Fault>",
        code.name(),
        escape(slug),
        escape(&*message),
        escape(kind),
        problem.status().as_u16(),
    )
}
