//! `tracing` events, or nothing at all without the feature.

/// A refusal, and the error behind it.
macro_rules! refused {
    ($rejection:expr, $error:expr) => {{
        let error: Option<&dyn ::std::error::Error> = $error;
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "stonework_pagination",
            ::tracing::Level::DEBUG,
            reason = $rejection.slug(),
            error = error.map(::tracing::field::display),
            "refused"
        );
        let _ = error;
    }};
}

pub(crate) use refused;
