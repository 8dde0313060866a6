use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::check::Check;

pin_project! {
    /// A body whose frames are hashed as they come, so that little is left to do when the last one is there.
    pub(crate) struct Checked<B> {
        #[pin]
        body: B,
        check: Check,
    }
}

impl<B> Checked<B> {
    pub(crate) const fn new(body: B, check: Check) -> Self {
        Self { body, check }
    }

    /// What came of it.
    pub(crate) fn check_mut(self: Pin<&mut Self>) -> &mut Check {
        self.project().check
    }
}

impl<B: Body> Body for Checked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let Some(frame) = ready!(this.body.poll_frame(cx)?) else {
            return Poll::Ready(None);
        };
        // Copies nothing where the data are `Bytes` already.
        let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        if let Some(data) = frame.data_ref() {
            this.check.update(data);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
