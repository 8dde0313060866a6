use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use stonework_core::StoneBody;

use crate::concurrency::Permits;
use crate::settlement::Settlement;

/// What a request holds until its response has ended.
pub(crate) struct Held {
    pub(crate) _permits: Permits,
    pub(crate) settlement: Option<Settlement>,
}

impl Held {
    /// Gives everything back, if this response is one for which that is to be done: here and now,
    /// so that nothing that is said later counts.
    pub(crate) fn refund_if_due<B>(&mut self, response: Response<B>) -> Response<B> {
        let Some(settlement) = self.settlement.take() else { return response };
        let (head, body) = response.into_parts();
        if settlement.is_refunded(&head) {
            settlement.charge.refund();
        } else {
            self.settlement = Some(settlement);
        }
        Response::from_parts(head, body)
    }
}

pin_project! {
    /// The body of a response: the inner service's, frame by frame, or a refusal.
    ///
    /// When it has ended or is dropped, concurrency permits are given back and charges are
    /// corrected.
    pub struct ResponseBody<B> {
        #[pin]
        body: StoneBody<B>,
        held: Option<Box<Held>>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) const fn new(body: StoneBody<B>, held: Option<Box<Held>>) -> Self {
        Self { body, held }
    }
}

impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::new(StoneBody::default(), None)
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("body", &self.body).finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            // The end, an error, or trailers, which are the last frame.
            *this.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
