use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use stonework_webhook_sign::MessageId;

use crate::OrderKey;
use crate::store::Payload;

/// Something that is to be told.
///
/// ```
/// use std::time::Duration;
/// use stonework_webhook_delivery::{Message, OrderKey};
///
/// let message = Message::new(r#"{"type":"invoice.paid","data":{"id":"in_7"}}"#)
///     .id("evt_in_7_paid")
///     .order(OrderKey::new("in_7")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a message is not sent until it is enqueued"]
pub struct Message {
    pub(crate) id: MessageId,
    pub(crate) payload: Payload,
    pub(crate) order: Option<OrderKey>,
    pub(crate) after: Duration,
}

impl Message {
    /// This body, of JSON, with a new id.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            id: MessageId::random(),
            payload: Payload::new(json, body.into()),
            order: None,
            after: Duration::ZERO,
        }
    }

    /// What it is called: the id of what has happened, so that it is told once however often it is enqueued. 1 to 256
    /// visible ASCII characters without a dot. Default a random one.
    pub fn id(self, id: impl Into<Arc<str>>) -> Self {
        Self { id: MessageId::new(id), ..self }
    }

    /// What the body is. Default `application/json`.
    pub fn content_type(mut self, content_type: HeaderValue) -> Self {
        self.payload.content_type = content_type;
        self
    }

    /// Delivers it after all that was enqueued before it to the same endpoint in the same order, and holds back what comes
    /// after: one that fails is waited for until it is a dead letter. Default no order.
    pub fn order(self, order: OrderKey) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Not before this time has passed. Default at once.
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// What it is called.
    pub fn message_id(&self) -> &MessageId {
        &self.id
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}
