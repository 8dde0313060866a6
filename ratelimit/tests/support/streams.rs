//! Responses that the test sends piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A body of frames that somebody else sends. It ends when the sender is dropped.
#[derive(Debug)]
pub struct Piped(UnboundedReceiver<Result<Frame<Bytes>, &'static str>>);

#[derive(Clone, Debug)]
pub struct Pipe(UnboundedSender<Result<Frame<Bytes>, &'static str>>);

pub fn piped() -> (Pipe, Piped) {
    let (sender, receiver) = unbounded_channel();
    (Pipe(sender), Piped(receiver))
}

impl Pipe {
    pub fn data(&self, data: &'static str) {
        self.0.send(Ok(Frame::data(data.into()))).unwrap();
    }

    pub fn trailers(&self) {
        self.0.send(Ok(Frame::trailers(HeaderMap::new()))).unwrap();
    }

    pub fn error(&self) {
        self.0.send(Err("the source broke")).unwrap();
    }
}

impl Body for Piped {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.0.poll_recv(cx)
    }
}

/// Data, then one trailer, of unknown length.
pub fn trailed() -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", http::HeaderValue::from_static("9"));
    let frames = tokio_stream::iter([Ok(Frame::data(Bytes::from_static(b"data")))]);
    http_body_util::StreamBody::new(frames).with_trailers(async move { Some(Ok(trailers)) })
}
