//! Everything that this service says no to, each as a problem of RFC 9457.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use stonework_core::{NotExecuted, Problem, Retry};
use stonework_pagination::PageError;
use stonework_sse::SubscribeError;

use crate::ledger::{LedgerError, NotMade, OtherCurrency};

#[derive(Debug)]
pub(crate) enum Refusal {
    Unauthenticated,
    UnknownRoute,
    WrongMethod,
    UnknownTransfer,
    Body(JsonRejection),
    DemoHeader(&'static str),
    OtherCurrency,
    UnknownSort,
    Page(PageError),
    /// In seconds, and so many at most.
    Wait(u64),
    Events(SubscribeError),
    Registration(JsonRejection),
    NoWebSocket(WebSocketUpgradeRejection),
    EndpointUrl(String),
    /// So many at most.
    TooManyEndpoints(i64),
    Outbox,
    InsufficientFunds {
        balance: u64,
    },
    Ledger,
    Interrupted,
    /// The console is asked by another page than its own.
    NotTheConsole,
    /// What the console was asked, and why that is none.
    Unclear(String),
    UnknownReceiver,
}

impl Refusal {
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Unauthenticated => {
                let detail = "Send `Authorization: Bearer ACCOUNT`, where ACCOUNT has 1 to 64 \
                              letters, digits, `_` and `-`.";
                new("unauthenticated", "No account", StatusCode::UNAUTHORIZED).detail(detail)
            }
            Self::UnknownRoute => new("unknown-route", "No such route", StatusCode::NOT_FOUND),
            Self::WrongMethod => {
                new("wrong-method", "Wrong method", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::UnknownTransfer => {
                new("unknown-transfer", "No such transfer", StatusCode::NOT_FOUND)
            }
            Self::Body(rejection) => body(rejection),
            Self::DemoHeader(detail) => {
                new("demo-header", "Unclear demo header", StatusCode::BAD_REQUEST).detail(*detail)
            }
            Self::OtherCurrency => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("unsupported-currency", "Accounts have only USD", status)
            }
            Self::UnknownSort => new("unknown-sort", "Unknown order", StatusCode::BAD_REQUEST)
                .detail("Send `sort` once or not at all: newest, oldest, largest or reference."),
            Self::Page(error) => error.problem(),
            Self::Wait(most) => new("invalid-wait", "Invalid wait", StatusCode::BAD_REQUEST)
                .detail(format!("`wait` is a whole number of seconds from 0 to {most}.")),
            Self::Events(error) => error.problem(),
            Self::Registration(rejection) => {
                registration(rejection.status()).detail(rejection.body_text())
            }
            Self::NoWebSocket(rejection) => {
                no_web_socket(rejection.status()).detail(rejection.body_text())
            }
            Self::EndpointUrl(reason) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("forbidden-url", "Nothing is sent there", status)
                    .detail(format!("Send a `url` that others can reach: {reason}."))
            }
            Self::TooManyEndpoints(most) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("too-many-endpoints", "There are enough endpoints", status)
                    .detail(format!("An account has {most} at most."))
            }
            Self::Outbox => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                new("outbox-unavailable", "Outbox does not answer", status)
                    .retry(Retry::After(Duration::from_secs(1)))
            }
            Self::InsufficientFunds { balance } => {
                new("insufficient-funds", "Insufficient funds", StatusCode::PAYMENT_REQUIRED)
                    .member("balance", *balance)
            }
            Self::Ledger => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                new("ledger-unavailable", "Ledger does not answer", status)
                    .retry(Retry::After(Duration::from_secs(1)))
            }
            Self::Interrupted => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                new("interrupted", "Request was interrupted", status)
                    .detail("The operation may or may not have taken effect.")
            }
            Self::NotTheConsole => {
                new("not-the-console", "Only the console is answered here", StatusCode::FORBIDDEN)
                    .detail("Open the console as http://127.0.0.1 or http://localhost.")
            }
            Self::Unclear(detail) => {
                new("unclear-question", "Unclear question", StatusCode::BAD_REQUEST)
                    .detail(detail.clone())
            }
            Self::UnknownReceiver => {
                new("unknown-receiver", "No such receiver", StatusCode::NOT_FOUND)
            }
        }
    }

    /// Did the request get as far as the ledger? What did not leaves its idempotency key unused,
    /// so that a client can mend the request and send it under the same key. Nor is anything changed by a
    /// ledger that fails.
    const fn executed(&self) -> bool {
        matches!(self, Self::InsufficientFunds { .. } | Self::Interrupted)
    }
}

fn new(slug: &'static str, title: &'static str, status: StatusCode) -> Problem {
    Problem::new(format!("urn:stonework:payments:{slug}"), title, status)
}

fn body(rejection: &JsonRejection) -> Problem {
    let slug = match rejection {
        JsonRejection::JsonDataError(_) => INVALID,
        JsonRejection::JsonSyntaxError(_) => MALFORMED,
        JsonRejection::MissingJsonContentType(_) => WRONG_TYPE,
        _ => UNREADABLE,
    };
    body_of(slug, rejection.status()).detail(rejection.body_text())
}

const INVALID: &str = "invalid-transfer";
const MALFORMED: &str = "malformed-json";
const WRONG_TYPE: &str = "wrong-content-type";
const UNREADABLE: &str = "unreadable-body";

fn body_of(slug: &'static str, status: StatusCode) -> Problem {
    let title = match slug {
        INVALID => "A transfer has a label `to` and an `amount`, a positive integer",
        MALFORMED => "Body is not JSON",
        WRONG_TYPE => "Body must be application/json",
        _ => "Body cannot be read",
    };
    new(slug, title, status)
}

/// What may be wrong with the body of an order.
pub(crate) fn of_orders() -> [Problem; 5] {
    [
        body_of(MALFORMED, StatusCode::BAD_REQUEST),
        body_of(UNREADABLE, StatusCode::BAD_REQUEST),
        body_of(UNREADABLE, StatusCode::PAYLOAD_TOO_LARGE),
        body_of(WRONG_TYPE, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        body_of(INVALID, StatusCode::UNPROCESSABLE_ENTITY),
    ]
}

fn registration(status: StatusCode) -> Problem {
    new("invalid-endpoint", "An endpoint has a `url`, a string", status)
}

/// What may be wrong with the body of a registration.
pub(crate) fn of_registrations() -> [Problem; 4] {
    [
        registration(StatusCode::BAD_REQUEST),
        registration(StatusCode::PAYLOAD_TOO_LARGE),
        registration(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        registration(StatusCode::UNPROCESSABLE_ENTITY),
    ]
}

fn no_web_socket(status: StatusCode) -> Problem {
    new("no-websocket", "The request opens no WebSocket", status)
}

/// Why a request for a WebSocket may be none.
pub(crate) fn of_web_sockets() -> [Problem; 2] {
    [no_web_socket(StatusCode::BAD_REQUEST), no_web_socket(StatusCode::UPGRADE_REQUIRED)]
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Events(error) = self {
            // By more than its problem: the layer around streams tells browsers to come back instead.
            return error.into_response();
        }
        let mut response = self.problem().into_response();
        if !self.executed() {
            response.extensions_mut().insert(NotExecuted);
        }
        if matches!(self, Self::Unauthenticated) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Body(rejection)
    }
}

impl From<OtherCurrency> for Refusal {
    fn from(_: OtherCurrency) -> Self {
        Self::OtherCurrency
    }
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        eprintln!("payments: {error}");
        Self::Events(error)
    }
}

impl From<NotMade> for Refusal {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::InsufficientFunds { balance } => Self::InsufficientFunds { balance },
            NotMade::Ledger(error) => error.into(),
            NotMade::Unknown(error) => {
                eprintln!("payments: the ledger failed at the end of a transfer: {error}");
                Self::Interrupted
            }
        }
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        eprintln!("payments: the ledger failed: {error}");
        Self::Ledger
    }
}
