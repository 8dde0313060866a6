//! Everything that this service says no to by itself, as a fault.

use axum::body::Body;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;
use stonework_core::{CollectErrorKind, NotExecuted, Problem};

use crate::envelope::ENVELOPE;
use crate::fault::{self, Code};
use crate::xml::{Name, NoXml};

#[derive(Debug)]
pub(crate) enum Refusal {
    Unauthenticated,
    UnknownRoute,
    WrongMethod,
    ContentType,
    BodyTooLarge,
    BodyTimedOut,
    BodyIncomplete,
    Xml(NoXml),
    VersionMismatch,
    /// A header block of this name.
    NotUnderstood(Name),
    /// With what is the matter.
    NoMessage(&'static str),
    UnknownOperation,
    Invalid(&'static str),
    InsufficientFunds {
        balance: u32,
    },
    LedgerFull,
}

impl Refusal {
    fn problem(&self) -> Problem {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::Unauthenticated => {
                let detail = "Send `Authorization: Bearer ACCOUNT`, where ACCOUNT has 1 to 64 \
                              letters, digits, `_` and `-`.";
                new("unauthenticated", "No account", StatusCode::UNAUTHORIZED).detail(detail)
            }
            Self::UnknownRoute => new("unknown-route", "No such route", StatusCode::NOT_FOUND)
                .detail("Messages go to /v1/soap."),
            Self::WrongMethod => {
                new("wrong-method", "Wrong method", StatusCode::METHOD_NOT_ALLOWED)
                    .detail("Send messages by POST; GET with ?wsdl describes them.")
            }
            Self::ContentType => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                new("wrong-content-type", "Body must be application/soap+xml", status)
            }
            Self::BodyTooLarge => {
                new("body-too-large", "Message is too large", StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::BodyTimedOut => {
                new("body-timed-out", "Message came too late", StatusCode::REQUEST_TIMEOUT)
            }
            Self::BodyIncomplete => new("body-incomplete", "Message is incomplete", bad),
            Self::Xml(reason) => {
                new("malformed-xml", "Message cannot be read", bad).detail(reason.to_string())
            }
            Self::VersionMismatch => new("version-mismatch", "Not a message of SOAP 1.2", bad),
            Self::NotUnderstood(name) => new("not-understood", "Header is not understood", bad)
                .detail(format!("It is {} of {:?}.", name.local, name.space)),
            Self::NoMessage(reason) => new("no-message", "Not a message", bad).detail(*reason),
            Self::UnknownOperation => new("unknown-operation", "No such operation", bad)
                .detail("There are GetBalance and Transfer."),
            Self::Invalid(reason) => {
                new("invalid-operation", "Operation makes no sense", bad).detail(*reason)
            }
            Self::InsufficientFunds { balance } => {
                new("insufficient-funds", "Insufficient funds", StatusCode::PAYMENT_REQUIRED)
                    .detail(format!("There are {balance}."))
            }
            Self::LedgerFull => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                new("ledger-full", "No room for another account", status)
            }
        }
    }

    /// What got as far as the ledger is an answer, and a retry gets it again.
    const fn executed(&self) -> bool {
        matches!(self, Self::InsufficientFunds { .. })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let response = match &self {
            Self::VersionMismatch => fault::with(&problem, Code::VersionMismatch, UPGRADE),
            Self::NotUnderstood(name) => {
                fault::with(&problem, Code::MustUnderstand, &not_understood(name))
            }
            _ => fault::of(&problem),
        };
        let mut response = response.map(Body::from);
        if !self.executed() {
            response.extensions_mut().insert(NotExecuted);
        }
        if matches!(self, Self::Unauthenticated) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// SOAP 1.2, part 1, section 5.4.7: which envelopes are taken.
const UPGRADE: &str = "<env:Upgrade><env:SupportedEnvelope qname=\"env:Envelope\"/></env:Upgrade>";

/// Section 5.4.8.
fn not_understood(name: &Name) -> String {
    let (space, local) = (escape(&name.space), escape(&name.local));
    // No prefix stands for no namespace.
    let (declared, prefix) = match &*space {
        "" => (String::new(), ""),
        space => (format!(" xmlns:n=\"{space}\""), "n:"),
    };
    format!("<env:NotUnderstood{declared} qname=\"{prefix}{local}\" xmlns:env=\"{ENVELOPE}\"/>")
}

fn new(slug: &'static str, title: &'static str, status: StatusCode) -> Problem {
    Problem::new(format!("urn:stonework:soap:{slug}"), title, status)
}

impl<E> From<CollectErrorKind<E>> for Refusal {
    fn from(kind: CollectErrorKind<E>) -> Self {
        match kind {
            CollectErrorKind::TooLarge => Self::BodyTooLarge,
            CollectErrorKind::TimedOut => Self::BodyTimedOut,
            _ => Self::BodyIncomplete,
        }
    }
}

impl From<NoXml> for Refusal {
    fn from(reason: NoXml) -> Self {
        Self::Xml(reason)
    }
}
