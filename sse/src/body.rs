use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{Clock, TokioClock};
use tokio::time::{Sleep, sleep};

use crate::jitter::jittered;
use crate::{Frame, KeepAlive};

/// Bare: with a charset, Chromium takes only UTF-8 for one.
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Says to nginx, and to whoever does as nginx does, that it is not to be collected first.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A comment, which no client tells anybody.
const QUIET: &[u8] = b":\n\n";

pin_project! {
    /// The body of a response that is an event stream: frames as they come, and comments while none come.
    ///
    /// It ends when the stream of frames ends; a browser comes back then. Within a tokio runtime.
    ///
    /// ```
    /// use stonework_sse::{Event, Frame, SseBody};
    ///
    /// async fn events() -> http::Response<SseBody<impl futures_core::Stream<Item = Frame>>> {
    ///     let numbers = ["1", "2", "3"].map(|number| Event::new(number).frame());
    ///     SseBody::new(tokio_stream::iter(numbers)).into_response()
    /// }
    /// # let _ = events;
    /// ```
    pub struct SseBody<S> {
        #[pin]
        frames: Option<S>,
        #[pin]
        quiet: Quiet,
    }
}

pin_project! {
    /// How long nothing was sent.
    struct Quiet {
        every: Option<Duration>,
        // How long it may be so this time.
        allowed: Duration,
        clock: TokioClock,
        since: Option<Duration>,
        // When the timer comes, and who is woken by it.
        set: Option<(Duration, Waker)>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<S> SseBody<S> {
    /// Of these frames, or of what becomes one, such as the deliveries of a [`Subscription`](crate::Subscription). With
    /// the usual [`KeepAlive`].
    pub fn new(frames: S) -> Self {
        Self { frames: Some(frames), quiet: Quiet::new(KeepAlive::default()) }
    }

    /// What is sent while no frame comes.
    #[must_use]
    pub fn keep_alive(self, keep_alive: KeepAlive) -> Self {
        Self { quiet: Quiet::new(keep_alive), ..self }
    }

    /// The response: 200, with the headers that keep caches and proxies from holding it back.
    pub fn into_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, EVENT_STREAM);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        response
    }
}

impl Quiet {
    fn new(keep_alive: KeepAlive) -> Self {
        let every = keep_alive.time();
        let allowed = every.map(jittered).unwrap_or_default();
        Self { every, allowed, clock: TokioClock::new(), since: None, set: None, timer: None }
    }

    /// Something was sent.
    fn end(self: Pin<&mut Self>) {
        let this = self.project();
        *this.allowed = this.every.unwrap_or_default();
        *this.since = None;
    }

    /// Ready when it has been quiet for too long. The timer is left alone when something is sent, and is set again when
    /// its time has come: there are many events to one quiet time.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(every) = *this.every else { return Poll::Pending };
        loop {
            let now = this.clock.monotonic();
            let ends = this.since.get_or_insert(now).saturating_add(*this.allowed);
            if now >= ends {
                (*this.since, *this.allowed) = (Some(now), every);
                return Poll::Ready(());
            }
            if matches!(&this.set, Some((at, woken)) if now < *at && woken.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            *this.set = Some((ends, cx.waker().clone()));
            this.timer.set(Some(sleep(ends.saturating_sub(now))));
            if this.timer.as_mut().as_pin_mut().is_none_or(|timer| timer.poll(cx).is_pending()) {
                return Poll::Pending;
            }
        }
    }
}

impl<S> Body for SseBody<S>
where
    S: Stream,
    S::Item: Into<Frame>,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let mut this = self.project();
        let Some(frames) = this.frames.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        match frames.poll_next(cx) {
            Poll::Ready(Some(frame)) => {
                this.quiet.end();
                let frame: Frame = frame.into();
                Poll::Ready(Some(Ok(http_body::Frame::data(frame.into()))))
            }
            Poll::Ready(None) => {
                // What it holds on to is free at once.
                this.frames.set(None);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(this.quiet.poll(cx));
                Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(QUIET)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_none()
    }
}

impl<S> fmt::Debug for SseBody<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseBody").field("is_over", &self.frames.is_none()).finish_non_exhaustive()
    }
}
