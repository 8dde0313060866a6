use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

/// Frames read in one poll before the task yields, so that a peer that sends empty frames without
/// end cannot hold a worker or hide from the deadline.
const FRAMES_PER_POLL: usize = 64;

/// Reads `body` to its end: at most `cap` bytes, and only until `deadline` resolves.
///
/// A body of one frame is not copied. Memory grows with what arrives and never with what a
/// Content-Length announces; a body that announces more than `cap` is refused unread. `deadline` is
/// first polled when the body makes its reader wait.
///
/// Dropping the future drops the body and what was read.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use http_body_util::Full;
/// use stonework_core::{CollectErrorKind, collect_capped};
///
/// let body = Full::new(bytes::Bytes::from_static(b"hello"));
/// let collected = collect_capped(body, 5, std::future::pending::<()>()).await.unwrap();
/// assert_eq!(collected.data, "hello");
///
/// let body = Full::new(bytes::Bytes::from_static(b"hello!"));
/// let error = collect_capped(body, 5, std::future::pending::<()>()).await.unwrap_err();
/// assert!(matches!(error.kind, CollectErrorKind::TooLarge));
/// # }
/// ```
pub fn collect_capped<B: Body, D: Future>(body: B, cap: usize, deadline: D) -> CollectCapped<B, D> {
    CollectCapped { body, deadline, cap, read: Read::default() }
}

pin_project! {
    /// The future of [`collect_capped`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CollectCapped<B, D> {
        #[pin]
        body: B,
        #[pin]
        deadline: D,
        cap: usize,
        read: Read,
    }
}

impl<B, D> CollectCapped<B, D> {
    /// The body that is read: for whoever looks at frames as they come, and wants back what it made of them.
    pub fn body_mut(self: Pin<&mut Self>) -> Pin<&mut B> {
        self.project().body
    }
}

impl<B, D> fmt::Debug for CollectCapped<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectCapped")
            .field("cap", &self.cap)
            .field("read", &self.read.len())
            .finish_non_exhaustive()
    }
}

/// A body in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// The data of all frames.
    pub data: Bytes,
    /// The trailers, if the body had any.
    pub trailers: Option<HeaderMap>,
}

/// Why a body was not read to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct CollectError<E> {
    /// What went wrong.
    pub kind: CollectErrorKind<E>,
    /// What had been read until then, the frame that exceeded the cap included. With
    /// [`StoneBody::prefixed`](crate::StoneBody::prefixed) a body can go on from there.
    pub read: Bytes,
}

/// The kinds of [`CollectError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectErrorKind<E> {
    /// The body is larger than the cap.
    TooLarge,
    /// The deadline resolved first.
    TimedOut,
    /// The body failed by itself, for instance because the client went away.
    Body(E),
}

impl<E> fmt::Display for CollectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CollectErrorKind::TooLarge => "the body is larger than the cap",
            CollectErrorKind::TimedOut => "the body did not arrive before the deadline",
            CollectErrorKind::Body(_) => "the body could not be read to its end",
        })
    }
}

impl<E: Error + 'static> Error for CollectError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            CollectErrorKind::Body(error) => Some(error),
            _ => None,
        }
    }
}

/// The bytes so far: the first frame as it came, copied only when a second one follows.
#[derive(Default)]
struct Read {
    first: Bytes,
    joined: BytesMut,
    trailers: Option<HeaderMap>,
}

impl Read {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, mut data: impl Buf) {
        if self.len() == 0 {
            self.first = data.copy_to_bytes(data.remaining());
            return;
        }
        if !self.first.is_empty() {
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            self.joined.extend_from_slice(chunk);
            let taken = chunk.len();
            data.advance(taken);
        }
    }

    fn take_data(&mut self) -> Bytes {
        if self.joined.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.joined).freeze()
        }
    }

    fn take(&mut self) -> Collected {
        Collected { data: self.take_data(), trailers: self.trailers.take() }
    }

    /// Adds a frame. Trailers are the last one.
    fn add<D: Buf>(&mut self, frame: Frame<D>) {
        match frame.into_data() {
            Ok(data) if data.has_remaining() => self.push(data),
            Ok(_) => {}
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
    }
}

impl<B: Body, D: Future> Future for CollectCapped<B, D> {
    type Output = Result<Collected, CollectError<B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let cap = *this.cap as u64;
        for _ in 0..FRAMES_PER_POLL {
            let announced = this.body.size_hint().lower();
            if (this.read.len() as u64).saturating_add(announced) > cap {
                return Poll::Ready(Err(fail(this.read, CollectErrorKind::TooLarge)));
            }
            match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Ok(this.read.take())),
                Poll::Ready(Some(Ok(frame))) => {
                    this.read.add(frame);
                    if this.read.trailers.is_some() {
                        return Poll::Ready(Ok(this.read.take()));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(fail(this.read, CollectErrorKind::Body(error))));
                }
                Poll::Pending => {
                    ready!(this.deadline.poll(cx));
                    return Poll::Ready(Err(fail(this.read, CollectErrorKind::TimedOut)));
                }
            }
        }
        if this.deadline.poll(cx).is_ready() {
            return Poll::Ready(Err(fail(this.read, CollectErrorKind::TimedOut)));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn fail<E>(read: &mut Read, kind: CollectErrorKind<E>) -> CollectError<E> {
    CollectError { kind, read: read.take_data() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body::SizeHint;
    use http_body_util::{BodyExt, Full};
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::future::{pending, ready};

    /// Frames as told, then the end, or silence if `hangs`.
    struct Script {
        frames: VecDeque<Frame<Bytes>>,
        hangs: bool,
        announces: u64,
    }

    fn script(data: &[&'static str]) -> Script {
        let frames = data.iter().map(|d| Frame::data(Bytes::from_static(d.as_bytes()))).collect();
        Script { frames, hangs: false, announces: 0 }
    }

    impl Body for Script {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.frames.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None if self.hangs => Poll::Pending,
                None => Poll::Ready(None),
            }
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.announces);
            hint
        }
    }

    #[tokio::test]
    async fn the_body_can_be_had_back() {
        let mut collecting = Box::pin(collect_capped(script(&["ab", "c"]), 9, pending::<()>()));
        assert_eq!(collecting.as_mut().await.unwrap().data, "abc");
        assert!(collecting.as_mut().body_mut().frames.is_empty());
    }

    #[tokio::test]
    async fn one_frame_is_not_copied() {
        let data = Bytes::from(vec![7; 100]);
        let collected =
            collect_capped(Full::new(data.clone()), 100, pending::<()>()).await.unwrap();
        assert_eq!(collected.data.as_ptr(), data.as_ptr());
    }

    #[tokio::test]
    async fn frames_are_joined_and_trailers_kept() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("9"));
        let with = trailers.clone();
        let body = script(&["ab", "", "cd", "e"]).with_trailers(async move { Some(Ok(with)) });
        let collected = collect_capped(body, 5, pending::<()>()).await.unwrap();
        assert_eq!(collected.data, "abcde");
        assert_eq!(collected.trailers, Some(trailers));
    }

    #[tokio::test]
    async fn nothing_follows_trailers() {
        let mut body = Script { hangs: true, ..script(&["ab"]) };
        body.frames.push_back(Frame::trailers(HeaderMap::new()));
        let collected = collect_capped(body, 10, ready(())).await.unwrap();
        assert_eq!((collected.data, collected.trailers), ("ab".into(), Some(HeaderMap::new())));
    }

    #[tokio::test]
    async fn one_byte_over_the_cap_is_too_large_and_what_was_read_comes_back() {
        let error = collect_capped(script(&["ab", "cd"]), 3, pending::<()>()).await.unwrap_err();
        assert!(matches!(error.kind, CollectErrorKind::TooLarge));
        assert_eq!(error.read, "abcd");
        assert!(collect_capped(script(&["ab", "c"]), 3, pending::<()>()).await.is_ok());
    }

    #[tokio::test]
    async fn an_announced_length_over_the_cap_is_refused_unread() {
        let body = Script { announces: u64::MAX, ..script(&["ab"]) };
        let error = collect_capped(body, 10, pending::<()>()).await.unwrap_err();
        assert!(matches!(error.kind, CollectErrorKind::TooLarge));
        assert!(error.read.is_empty());
    }

    #[tokio::test]
    async fn the_deadline_ends_the_wait() {
        let body = Script { hangs: true, ..script(&["ab"]) };
        let error = collect_capped(body, 10, ready(())).await.unwrap_err();
        assert!(matches!(error.kind, CollectErrorKind::TimedOut));
        assert_eq!(error.read, "ab");
    }

    #[tokio::test]
    async fn a_flood_of_empty_frames_cannot_hide_from_the_deadline() {
        struct Flood;
        impl Body for Flood {
            type Data = Bytes;
            type Error = Infallible;
            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
            }
        }
        let deadline = tokio::time::sleep(std::time::Duration::from_millis(1));
        let error = collect_capped(Flood, 10, deadline).await.unwrap_err();
        assert!(matches!(error.kind, CollectErrorKind::TimedOut));
    }
}
