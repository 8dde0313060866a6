//! A worker that has lost its lease.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Empty;
use stonework_webhook_delivery::store::{Outbox, State};
use stonework_webhook_delivery::{DeliveryBuilder, Event, StoneBody, WebhookBody};
use tokio::sync::watch;

use crate::post::{loopback, post_with, soon};
use crate::receiver::{Receiver, Reply};
use crate::spoiled::Spoiled;

/// A worker cannot renew its lease, and loses the message to another. What it says later has no effect.
pub async fn what_is_said_too_late_has_no_effect(outbox: impl Outbox + Clone) {
    let (answer, answered) = watch::channel(false);
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let spoiled = Spoiled::new(outbox.clone());
    spoiled.extend_nothing();
    let slow = SlowClient { answered };
    let slow_post = post_with(&receiver, spoiled.clone(), soon(), |builder: DeliveryBuilder| {
        // One attempt only, or it would take the message over from itself.
        builder.client(slow).lease(Duration::from_millis(100)).concurrency(1)
    });
    let _slow_workers = slow_post.delivery.start();
    slow_post.send("msg_1").await;
    spoiled.claimed().await;
    let lease = |builder: DeliveryBuilder| builder.guard(loopback()).lease(Duration::from_secs(30));
    let mut post = post_with(&receiver, outbox, soon(), lease);
    let _workers = post.delivery.start();
    let Event::Delivered { tries: 2, .. } = post.event().await else { panic!("delivered") };
    assert_eq!(receiver.next().await.id(), "msg_1");
    // The slow one fails now, and would have it sent again.
    answer.send_replace(true);
    assert_eq!(spoiled.lost().await, 1, "it is told that it has lost it");
    let entry = post.entry().await;
    assert_eq!((entry.state, entry.tries, entry.attempts.len()), (State::Delivered, 2, 1));
    assert_eq!(entry.attempts[0].status, Some(200), "that of the one who had it");
}

/// Answers 500 when it is told to.
#[derive(Clone)]
struct SlowClient {
    answered: watch::Receiver<bool>,
}

impl tower::Service<http::Request<StoneBody<WebhookBody>>> for SlowClient {
    type Response = Response<Empty<Bytes>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<StoneBody<WebhookBody>>) -> Self::Future {
        let mut answered = self.answered.clone();
        Box::pin(async move {
            answered.wait_for(|answered| *answered).await.map_err(std::io::Error::other)?;
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Ok(response)
        })
    }
}
