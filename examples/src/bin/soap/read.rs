//! Where a message is read, once for all that come after.

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stonework_core::collect_capped;
use tokio::time::sleep;

use crate::account::Account;
use crate::envelope::Message;
use crate::refusal::Refusal;
use crate::xml;

/// In bytes.
pub(crate) const LARGEST_BODY: usize = 16 * 1024;

/// For the body to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// Leaves the message in the request's extensions. What is no message goes no further; what is no POST has none.
pub(crate) async fn message(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match read(&parts, body).await {
        Ok((bytes, message)) => {
            parts.extensions.insert(message);
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn read(
    parts: &Parts,
    body: Body,
) -> impl Future<Output = Result<(Bytes, Message), Refusal>> + use<> {
    let head = look(parts);
    async move {
        head?;
        let read = collect_capped(body, LARGEST_BODY, sleep(PATIENCE)).await;
        let bytes = read.map_err(|error| error.kind)?.data;
        let message = Message::of(xml::parse(&bytes)?)?;
        Ok((bytes, message))
    }
}

fn look(parts: &Parts) -> Result<(), Refusal> {
    if parts.extensions.get::<Account>().is_none() {
        return Err(Refusal::Unauthenticated);
    }
    if is_soap(&parts.headers) { Ok(()) } else { Err(Refusal::ContentType) }
}

/// SOAP 1.1 has `text/xml`.
fn is_soap(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/soap+xml"))
}
