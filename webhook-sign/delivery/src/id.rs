use std::error::Error;
use std::fmt;
use std::sync::Arc;

use stonework_webhook_sign::MessageId;

/// The longest name of an endpoint or an order, in bytes.
const MAX_NAME: usize = 128;

/// The longest id of a message: what verifiers take.
const MAX_MESSAGE_ID: usize = 256;

/// Whose webhooks these are: the name of an endpoint in your own data. 1 to 128 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(Arc<str>);

/// Messages to one endpoint that share this name are delivered one after the other. 1 to 128 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderKey(Arc<str>);

macro_rules! name {
    ($name:ident, $what:literal) => {
        impl $name {
            /// This name.
            ///
            /// # Errors
            ///
            /// When it is empty, too long, or has other than visible ASCII characters in it.
            pub fn new(name: impl Into<Arc<str>>) -> Result<Self, IdError> {
                let name = name.into();
                if is_visible(&name, MAX_NAME) { Ok(Self(name)) } else { Err(IdError($what)) }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;

            fn try_from(name: &str) -> Result<Self, IdError> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(name: String) -> Result<Self, IdError> {
                Self::new(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}

name!(EndpointId, "the name of an endpoint");
name!(OrderKey, "the name of an order");

/// One message to one endpoint. There is at most one delivery of this id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    pub(crate) endpoint: EndpointId,
    pub(crate) message: MessageId,
}

impl DeliveryId {
    /// This message to this endpoint.
    ///
    /// # Errors
    ///
    /// When the message's id is empty, too long, has other than visible ASCII characters in it, or a dot, which
    /// Standard Webhooks separates with.
    pub fn new(endpoint: EndpointId, message: MessageId) -> Result<Self, IdError> {
        let id = message.as_str();
        if is_visible(id, MAX_MESSAGE_ID) && !id.contains('.') {
            Ok(Self { endpoint, message })
        } else {
            Err(IdError("the id of a message"))
        }
    }

    /// To whom.
    pub const fn endpoint(&self) -> &EndpointId {
        &self.endpoint
    }

    /// What the receiver sees as the message's id, in each attempt the same.
    pub const fn message(&self) -> &MessageId {
        &self.message
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.message, self.endpoint)
    }
}

fn is_visible(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError(&'static str);

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is empty, too long, or has characters that are not allowed", self.0)
    }
}

impl Error for IdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_and_not_too_long() {
        assert!(EndpointId::new("ep_1.a/b").is_ok());
        for bad in ["", "a b", "a\0b", "ä", &"x".repeat(MAX_NAME + 1)] {
            assert!(EndpointId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_message_id_has_no_dot() {
        let id = |id: &str| DeliveryId::new(EndpointId::new("e").unwrap(), MessageId::new(id));
        assert!(id("msg_1").is_ok());
        for bad in ["", "msg.1", "msg 1", "msg\n", &"x".repeat(MAX_MESSAGE_ID + 1)] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
    }
}
