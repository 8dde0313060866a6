//! Until when a call is of use to its client.
//!
//! tonic reads `grpc-timeout` too. It drops the call then, and answers `CANCELLED`, from outside of all layers, so that
//! a page could not read it. What is here is a moment earlier, and what a handler can go by.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use stonework_core::StoneBody;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_stream::Stream;
use tonic::Status;
use tonic::codegen::http::{Extensions, HeaderMap, Request, Response};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

const HEADER: &str = "grpc-timeout";

/// In a request's extensions: when its client gives up, if it has said so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<Instant>);

/// It has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed;

impl Deadline {
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }

    /// So long after now.
    fn after(timeout: Duration) -> Self {
        Self(Some(sleep(timeout).deadline()))
    }

    /// What this comes to, unless the deadline passes first. What is late from the start does not begin.
    pub(crate) async fn bound<T>(self, work: impl Future<Output = T>) -> Result<T, Passed> {
        let Some(at) = self.0 else { return Ok(work.await) };
        tokio::select! {
            biased;
            () = sleep_until(at) => Err(Passed),
            done = work => Ok(done),
        }
    }

    /// This stream, which then ends with `DEADLINE_EXCEEDED`.
    pub(crate) fn bound_stream<S>(self, stream: S) -> Bounded<S> {
        Bounded { stream, passes: self.0.map(|at| Box::pin(sleep_until(at))), is_over: false }
    }
}

impl From<Passed> for Status {
    fn from(_: Passed) -> Self {
        Self::deadline_exceeded("the time that the call was given has passed")
    }
}

/// A stream with a deadline.
pub(crate) struct Bounded<S> {
    stream: S,
    passes: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl<S, M> Stream for Bounded<S>
where
    S: Stream<Item = Result<M, Status>> + Unpin,
{
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Some(passes) = &mut this.passes
            && passes.as_mut().poll(cx).is_ready()
        {
            this.is_over = true;
            return Poll::Ready(Some(Err(Passed.into())));
        }
        Pin::new(&mut this.stream).poll_next(cx)
    }
}

/// What `grpc-timeout` says (gRPC over HTTP/2, "Requests"): up to eight digits and a unit.
///
/// The specification wants a positive number. Clients that are late send 0 as well, and mean it.
fn read(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(HEADER) { Err(Malformed) } else { Ok(None) };
    };
    parse(value.as_bytes()).map(Some)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed;

fn parse(value: &[u8]) -> Result<Duration, Malformed> {
    let (&unit, digits) = value.split_last().ok_or(Malformed)?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Ok(Duration::from_secs(number * 3_600)),
        b'M' => Ok(Duration::from_secs(number * 60)),
        b'S' => Ok(Duration::from_secs(number)),
        b'm' => Ok(Duration::from_millis(number)),
        b'u' => Ok(Duration::from_micros(number)),
        b'n' => Ok(Duration::from_nanos(number)),
        _ => Err(Malformed),
    }
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        let form = "up to eight digits and one of H, M, S, m, u and n, once";
        let details = ErrorDetails::with_bad_request_violation(HEADER, form);
        Self::with_error_details(tonic::Code::InvalidArgument, "unclear deadline", details)
    }
}

/// Leaves a [`Deadline`] with each request, and answers when it has passed. A stream that has begun is its handler's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadlines<S>;

    fn layer(&self, inner: S) -> Deadlines<S> {
        Deadlines(inner)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Deadlines<S>(S);

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<StoneBody<B>>, Infallible>> + Send>>;

fn refuse<B: Send + 'static>(why: impl Into<Status>) -> Answer<B> {
    let status = why.into();
    Box::pin(async move { Ok(status.into_http()) })
}

impl<S, A, B> Service<Request<A>> for Deadlines<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<StoneBody<B>>;
    type Error = Infallible;
    type Future = Answer<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let deadline = match read(request.headers()) {
            Err(malformed) => return refuse(malformed),
            Ok(Some(Duration::ZERO)) => return refuse(Passed),
            Ok(timeout) => timeout.map_or_else(Deadline::default, Deadline::after),
        };
        request.extensions_mut().insert(deadline);
        let answer = self.0.call(request);
        Box::pin(async move {
            match deadline.bound(answer).await {
                Ok(answer) => answer.map(|answer| answer.map(StoneBody::inner)),
                Err(passed) => Ok(Status::from(passed).into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    use tokio_stream::StreamExt;
    use tonic::codegen::http::HeaderValue;

    fn said(values: &[&'static str]) -> Result<Option<Duration>, Malformed> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_static(value));
        }
        read(&headers)
    }

    #[test]
    fn a_timeout_is_a_number_and_a_unit() {
        for (value, expected) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
            ("0n", Duration::ZERO),
            ("00000007S", Duration::from_secs(7)),
            ("99999999H", Duration::from_secs(99_999_999 * 3_600)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(said(&[value]), Ok(Some(expected)), "{value}");
        }
        assert_eq!(said(&[]), Ok(None));
    }

    #[test]
    fn all_else_is_unclear() {
        for value in [
            "",
            "S",
            "1",
            "1s",
            "1h",
            "1MS",
            "123456789S",
            "-1S",
            "+1S",
            "1.5S",
            " 1S",
            "1S ",
            "1 S",
            "0x1S",
            "1_0S",
            "1S,2S",
        ] {
            assert_eq!(said(&[value]), Err(Malformed), "{value:?}");
        }
        assert_eq!(said(&["1S", "1S"]), Err(Malformed));
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_at_the_deadline_and_late_work_does_not_begin() {
        let deadline = Deadline::after(Duration::from_secs(2));
        assert_eq!(deadline.bound(ready(1)).await, Ok(1));
        assert_eq!(deadline.bound(pending::<()>()).await, Err(Passed));
        assert_eq!(
            deadline.bound(async { unreachable!("it has begun") }).await,
            Err::<(), _>(Passed)
        );
        assert_eq!(Deadline::default().bound(ready(1)).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_timeout_is_no_overflow() {
        let longest = Deadline::after(parse(b"99999999H").unwrap());
        assert_eq!(longest.bound(ready(1)).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_the_deadline_with_a_status() {
        let first = tokio_stream::iter([Ok::<_, Status>(1)]).chain(tokio_stream::pending());
        let mut stream = Deadline::after(Duration::from_secs(2)).bound_stream(first);
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        let status = stream.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        assert!(stream.next().await.is_none());
    }
}
