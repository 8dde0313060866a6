//! The same logs as server streaming, on tonic 0.14. Feature `grpc`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tonic::Status;

use crate::drain::Draining;
use crate::{Delivery, Drain, End, SubscribeError, Subscription};

/// A stream of your messages, for a method that answers with one.
///
/// `map` makes them; what it makes nothing of is not sent. A client that is to come back needs the
/// [position](Delivery::position) of each, and a message for a [gap](Delivery::Gap).
///
/// | why it ended | status |
/// |---|---|
/// | the client was too slow | `RESOURCE_EXHAUSTED` |
/// | its token has expired | `UNAUTHENTICATED` |
/// | the log could not be read | `UNAVAILABLE` |
/// | the process is [to end](Self::drain) | `UNAVAILABLE` |
///
/// ```
/// use stonework_sse::{Delivery, EventMessages, Hub, Subscribe};
/// use tonic::{Response, Status};
///
/// # struct Event { cursor: String, data: String }
/// async fn watch(
///     hub: &Hub,
/// ) -> Result<Response<impl futures_core::Stream<Item = Result<Event, Status>> + use<>>, Status> {
///     let events = hub.subscribe(Subscribe::to("acct_7")).await?;
///     Ok(Response::new(EventMessages::new(events, |delivery: Delivery| {
///         let cursor = delivery.position().to_string();
///         match delivery {
///             Delivery::Event(entry) => Some(Event { cursor, data: entry.said().data }),
///             _ => Some(Event { cursor, data: String::new() }),
///         }
///     })))
/// }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct EventMessages<F> {
    subscription: Subscription,
    map: F,
    draining: Option<Pin<Box<Draining>>>,
    is_over: bool,
}

impl<F> EventMessages<F> {
    /// Ends when the process is to end. An [`SseLayer`](crate::SseLayer) does so for event streams only.
    pub fn drain(self, drain: &Drain) -> Self {
        Self { draining: Some(Box::pin(drain.watch())), ..self }
    }

    /// Of these deliveries.
    pub const fn new<M>(subscription: Subscription, map: F) -> Self
    where
        F: FnMut(Delivery) -> Option<M>,
    {
        Self { subscription, map, draining: None, is_over: false }
    }
}

impl<F, M> Stream for EventMessages<F>
where
    F: FnMut(Delivery) -> Option<M> + Unpin,
{
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(draining) = this.draining.as_mut().filter(|_| !this.is_over)
            && draining.as_mut().poll(cx).is_ready()
        {
            this.is_over = true;
            return Poll::Ready(Some(Err(Status::unavailable("this server is about to end"))));
        }
        while !this.is_over {
            match ready!(Pin::new(&mut this.subscription).poll_next(cx)) {
                Some(delivery) => {
                    if let Some(message) = (this.map)(delivery) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                None => {
                    this.is_over = true;
                    return Poll::Ready(this.subscription.end().map(|end| Err(end.into())));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl From<End> for Status {
    fn from(end: End) -> Self {
        match end {
            End::Slow => Self::resource_exhausted("events came faster than they were read"),
            End::Expired => Self::unauthenticated("the token has expired"),
            End::Failed => Self::unavailable("events cannot be read at the moment"),
        }
    }
}

impl From<SubscribeError> for Status {
    fn from(error: SubscribeError) -> Self {
        let mut status = Self::unavailable(error.to_string());
        // For logs; it is not sent.
        status.set_source(std::sync::Arc::new(error));
        status
    }
}

impl<F> fmt::Debug for EventMessages<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventMessages").field("subscription", &self.subscription).finish()
    }
}
