//! `POST /images`: an image is checked, and stands in line. Whoever sends it need not wait.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use stonework_core::{CollectErrorKind, collect_capped};
use stonework_idempotency::Idempotency;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use uuid::Uuid;

use crate::account::Account;
use crate::demo;
use crate::job::{Format, Order, PATH, Tag};
use crate::picture::{self, LARGEST_SIDE, Unfit};
use crate::problem::Refusal;
use crate::routes::App;
use crate::status;
use crate::store::{Submit, Submitted};

/// Of an image, as it is sent, in bytes.
pub(crate) const LARGEST_IMAGE: usize = 4 * 1024 * 1024;

/// For an image to arrive.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// So many requests with a body are under way at once, whatever becomes of them: 256 MiB, at worst.
pub(crate) const UPLOADS: usize = 64;

/// Refuses a request with a body while there are too many, before it is read.
pub(crate) async fn bounded(
    State(uploads): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let _permit = match *request.method() {
        Method::POST => Some(uploads.try_acquire().map_err(|_| Refusal::Busy)?),
        _ => None,
    };
    Ok(next.run(request).await)
}

/// The size that is wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Size {
    width: u32,
    height: u32,
}

impl Size {
    fn is_possible(&self) -> bool {
        let possible = 1..=LARGEST_SIDE;
        possible.contains(&self.width) && possible.contains(&self.height)
    }
}

/// An image in memory, of a format that is known.
pub(crate) struct Upload {
    format: Format,
    image: Bytes,
}

impl<S: Sync> FromRequest<S> for Upload {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let format = Format::of(content_type).ok_or(Refusal::ContentType)?;
        Ok(Self { format, image: collect(request.into_body()).await? })
    }
}

/// With a key the layer has read it already, under the same limits.
async fn collect(body: Body) -> Result<Bytes, Refusal> {
    match collect_capped(body, LARGEST_IMAGE, sleep(PATIENCE)).await {
        Ok(collected) => Ok(collected.data),
        Err(error) => Err(match error.kind {
            CollectErrorKind::TooLarge => Refusal::BodyTooLarge,
            CollectErrorKind::TimedOut => Refusal::BodyTimedOut,
            _ => Refusal::BodyIncomplete,
        }),
    }
}

/// Under a key, the id of a job follows from it. So whoever sends a request again finds the job that it has made,
/// even if the process died before it could remember what it had answered.
fn id(idempotency: Option<&Idempotency>) -> Uuid {
    let derived = idempotency.and_then(|key| key.derive("image").parse().ok());
    derived.unwrap_or_else(Uuid::now_v7)
}

pub(crate) async fn submit(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    idempotency: Option<Idempotency>,
    size: Result<Query<Size>, QueryRejection>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<impl IntoResponse, Refusal> {
    let Upload { format, image } = upload;
    let size = size.ok().map(|Query(size)| size).filter(Size::is_possible);
    let Size { width, height } = size.ok_or(Refusal::Size)?;
    picture::check(&image, format)?;
    let pause_ms = demo::pause(&headers, app.demo)?;
    let order = Order { width, height, format, digest: Tag::of(&image), pause_ms };
    let id = id(idempotency.as_ref());
    let job = match app.jobs.submit(Submit { id, account, order, image }).await? {
        Submitted::Job(job) => job,
        Submitted::Other => return Err(Refusal::OtherOrder),
        Submitted::LineFull => return Err(Refusal::LineFull),
        Submitted::TooMany => return Err(Refusal::TooManyImages),
        Submitted::NoRoom => return Err(Refusal::NoRoom),
    };
    app.wake.notify_one();
    let location = [(LOCATION, format!("{PATH}/{id}"))];
    Ok((StatusCode::ACCEPTED, location, status::shown(&job)))
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NotAnImage => Self::NotAnImage,
            Unfit::TooLarge => Self::TooManyPixels,
        }
    }
}
