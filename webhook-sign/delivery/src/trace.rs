//! `tracing` events, or nothing at all without the feature.

/// An event with these fields.
macro_rules! event {
    ($level:ident, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "stonework_webhook_delivery",
            ::tracing::Level::$level,
            $($name = $value,)*
            $message
        );
        #[cfg(not(feature = "tracing"))]
        { $(let _ = &$value;)* }
    }};
}

pub(crate) use event;
