use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use stonework_webhook_sign::MessageId;

use crate::store::{Enqueue, Payload};
use crate::{DeliveryId, EndpointId, EnqueueError, OrderKey};

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
    id: MessageId,
    content_type: HeaderValue,
    body: Bytes,
    order: Option<OrderKey>,
    after: Duration,
}

impl Message {
    /// This body, of JSON, with a new id.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            id: MessageId::random(),
            content_type: json,
            body: body.into(),
            order: None,
            after: Duration::ZERO,
        }
    }

    /// What it is called: the id of what has happened, so that it is told once however often it is enqueued. 1 to 256
    /// visible ASCII characters without a dot. Default a random one.
    pub fn id(self, id: impl Into<Arc<str>>) -> Self {
        Self { id: MessageId::new(id), ..self }
    }

    /// What the body is, in [so many](Payload::MAX_CONTENT_TYPE) bytes at most. Default `application/json`.
    pub fn content_type(self, content_type: HeaderValue) -> Self {
        Self { content_type, ..self }
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

    pub(crate) fn enqueue(self, to: &EndpointId, max_body: usize) -> Result<Enqueue, EnqueueError> {
        if self.body.len() > max_body {
            return Err(EnqueueError::TooLarge { max: max_body });
        }
        let payload = Payload::new(self.content_type, self.body)?;
        let id = DeliveryId::new(to.clone(), self.id)?;
        Ok(Enqueue { after: self.after, order: self.order, ..Enqueue::new(id, payload) })
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
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
