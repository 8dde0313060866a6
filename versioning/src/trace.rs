//! `tracing` events, or nothing at all without the feature.

/// A refusal, and the error behind it.
macro_rules! refused {
    ($rejection:expr, $error:expr) => {{
        let error: &Option<_> = &$error;
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "stonework_versioning",
            ::tracing::Level::DEBUG,
            reason = $rejection.slug(),
            error = error.as_ref().map(::tracing::field::display),
            "refused"
        );
        let _ = error;
    }};
}

/// What an owner has to do something about.
#[cfg(feature = "migrate")]
macro_rules! troubled {
    ($rejection:expr, $error:expr) => {{
        let error: &Option<_> = &$error;
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "stonework_versioning",
            ::tracing::Level::WARN,
            reason = $rejection.slug(),
            error = error.as_ref().map(::tracing::field::display),
            "a migration failed"
        );
        let _ = error;
    }};
}

/// A store that does not answer.
#[cfg(feature = "accounts")]
macro_rules! failed {
    ($error:expr, $message:literal) => {{
        let error = &$error;
        #[cfg(feature = "tracing")]
        ::tracing::event!(target: "stonework_versioning", ::tracing::Level::WARN, %error, $message);
        let _ = error;
    }};
}

#[cfg(feature = "accounts")]
pub(crate) use failed;
pub(crate) use refused;
#[cfg(feature = "migrate")]
pub(crate) use troubled;
