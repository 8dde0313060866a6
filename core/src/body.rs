use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// One body for both directions: the inner body untouched, or bytes already in memory.
    ///
    /// Layers that read a request hand it on as a `StoneBody`, and layers that may answer by
    /// themselves reply with one. Frames of an inner body pass through as they are, and the error
    /// type stays the inner body's, so that a layer may be put around any service.
    ///
    /// There is no bound on `B`: `StoneBody::default()` is an empty reply even where `B` cannot be
    /// made from nothing (hyper's `Incoming`) or from bytes (tonic's `Body`). Nesting adds no size.
    pub struct StoneBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Buffered { data: Bytes },
        // Boxed because they are rare, and `Bytes` plus a tag is all the room the others need.
        Trailed { rest: Box<Trailed> },
        Prefixed { rest: Box<Prefixed<B>> },
    }
}

struct Trailed {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

struct Prefixed<B> {
    prefix: Bytes,
    body: Pin<Box<B>>,
}

impl<B> StoneBody<B> {
    /// The inner body, passed through frame by frame.
    pub const fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    /// A body of these bytes. Nothing is copied.
    pub const fn full(data: Bytes) -> Self {
        Self { kind: Kind::Buffered { data } }
    }

    /// A body of these bytes, followed by these trailers if there are any.
    pub fn with_trailers(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        match trailers {
            None => Self::full(data),
            trailers => Self { kind: Kind::Trailed { rest: Box::new(Trailed { data, trailers }) } },
        }
    }

    /// The inner body as it came, if it is that: for who would have to box the two to make them one type.
    ///
    /// # Errors
    ///
    /// The body itself, if it is in memory, if only in part.
    pub fn try_into_inner(self) -> Result<B, Self> {
        match self.kind {
            Kind::Inner { body } => Ok(body),
            kind => Err(Self { kind }),
        }
    }

    /// A body whose first bytes were already read from `body`: these, then the rest of it.
    pub fn prefixed(prefix: Bytes, body: Pin<Box<B>>) -> Self {
        Self { kind: Kind::Prefixed { rest: Box::new(Prefixed { prefix, body }) } }
    }
}

impl<B> Default for StoneBody<B> {
    fn default() -> Self {
        Self::full(Bytes::new())
    }
}

impl<B> From<Bytes> for StoneBody<B> {
    fn from(data: Bytes) -> Self {
        Self::full(data)
    }
}

impl<B> fmt::Debug for StoneBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inner { .. } => "inner",
            Kind::Buffered { .. } => "buffered",
            Kind::Trailed { .. } => "buffered with trailers",
            Kind::Prefixed { .. } => "prefixed",
        };
        f.debug_tuple("StoneBody").field(&kind).finish()
    }
}

fn take_data<E>(data: &mut Bytes) -> Option<Result<Frame<Bytes>, E>> {
    if data.is_empty() {
        return None;
    }
    Some(Ok(Frame::data(std::mem::take(data))))
}

impl<B: Body<Data = Bytes>> Body for StoneBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => body.poll_frame(cx),
            KindProj::Buffered { data } => Poll::Ready(take_data(data)),
            KindProj::Trailed { rest } => Poll::Ready(
                take_data(&mut rest.data)
                    .or_else(|| rest.trailers.take().map(|map| Ok(Frame::trailers(map)))),
            ),
            KindProj::Prefixed { rest } => match take_data(&mut rest.prefix) {
                Some(frame) => Poll::Ready(Some(frame)),
                None => rest.body.as_mut().poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Buffered { data } => data.is_empty(),
            Kind::Trailed { rest } => rest.data.is_empty() && rest.trailers.is_none(),
            Kind::Prefixed { rest } => rest.prefix.is_empty() && rest.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Buffered { data } => SizeHint::with_exact(data.len() as u64),
            // Not exact: hyper would announce the length over HTTP/1, and then drop the trailers.
            Kind::Trailed { rest } => extend(SizeHint::new(), rest.data.len() as u64),
            Kind::Prefixed { rest } => extend(rest.body.size_hint(), rest.prefix.len() as u64),
        }
    }
}

fn extend(hint: SizeHint, by: u64) -> SizeHint {
    let mut extended = SizeHint::new();
    extended.set_lower(hint.lower().saturating_add(by));
    if let Some(upper) = hint.upper().and_then(|upper| upper.checked_add(by)) {
        extended.set_upper(upper);
    }
    extended
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body_util::{BodyExt, Full};

    type Stone = StoneBody<Full<Bytes>>;

    async fn read(body: Stone) -> (Bytes, Option<HeaderMap>) {
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes(), trailers)
    }

    #[tokio::test]
    async fn an_inner_body_passes_untouched() {
        let body = Stone::inner(Full::new(Bytes::from_static(b"abc")));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(read(body).await, (Bytes::from_static(b"abc"), None));
    }

    #[test]
    fn an_inner_body_comes_out_as_it_came() {
        assert!(StoneBody::inner(7).try_into_inner().is_ok_and(|body| body == 7));
        let full = StoneBody::<u8>::full(Bytes::from_static(b"abc"));
        assert!(full.try_into_inner().is_err());
    }

    #[tokio::test]
    async fn trailers_follow_the_data() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let body = Stone::with_trailers(Bytes::from_static(b"abc"), Some(trailers.clone()));
        assert!(!body.is_end_stream());
        assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (3, None));
        assert_eq!(read(body).await, (Bytes::from_static(b"abc"), Some(trailers)));
    }

    #[tokio::test]
    async fn a_prefix_comes_before_the_rest() {
        let rest = Box::pin(Full::new(Bytes::from_static(b"cd")));
        let body = Stone::prefixed(Bytes::from_static(b"ab"), rest);
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(read(body).await.0, Bytes::from_static(b"abcd"));
    }

    #[tokio::test]
    async fn the_default_is_empty_and_ended() {
        let body = Stone::default();
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(read(body).await, (Bytes::new(), None));
    }

    #[test]
    fn nesting_adds_no_size() {
        type Once = StoneBody<[u8; 16]>;
        type Thrice = StoneBody<StoneBody<Once>>;
        assert_eq!(size_of::<Once>(), 40);
        assert_eq!(size_of::<Thrice>(), 40);
    }
}
