use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body;

/// All of a body that has nothing to wait for.
pub(super) fn frames(
    cx: &mut Context<'_>,
    mut body: Pin<&mut impl Body<Data = Bytes>>,
    mut told: impl FnMut(&[u8]),
) {
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(cx) {
        if let Some(data) = frame.data_ref() {
            told(data);
        }
    }
}

/// All of a stream that has nothing to wait for.
pub(super) fn items<S: Stream>(
    cx: &mut Context<'_>,
    mut stream: Pin<&mut S>,
    mut told: impl FnMut(S::Item),
) {
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(cx) {
        told(item);
    }
}
