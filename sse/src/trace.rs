//! `tracing` events, or nothing at all without the feature.

/// An event with these fields.
macro_rules! traced {
    ($level:ident, $message:literal, $($name:ident = $value:expr),*) => {{
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "stonework_sse",
            ::tracing::Level::$level,
            $($name = $value,)*
            $message
        );
        $(let _ = &$value;)*
    }};
}

/// A refusal.
macro_rules! refused {
    ($reason:expr) => {
        crate::trace::traced!(DEBUG, "refused", reason = $reason)
    };
}

/// Events that were not announced have been read.
macro_rules! repaired {
    ($events:expr) => {
        crate::trace::traced!(DEBUG, "repaired", events = $events)
    };
}

/// Events are missing.
macro_rules! lost {
    ($lost:expr) => {
        crate::trace::traced!(WARN, "gap", reason = $lost.slug())
    };
}

/// The store does not answer.
macro_rules! failed {
    ($error:expr) => {
        crate::trace::traced!(WARN, "store failed", error = $error.to_string())
    };
}

pub(crate) use {failed, lost, refused, repaired, traced};
