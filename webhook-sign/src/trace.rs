//! `tracing` events, or nothing at all without the feature.

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($rest:tt)+) => {
        ::tracing::event!(target: "stonework_webhook_sign", ::tracing::Level::$level, $($rest)+)
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, %$error:ident, $($rest:tt)+) => {{
        let _ = &$error;
    }};
    ($level:ident, $($rest:tt)+) => {{}};
}

pub(crate) use event;
