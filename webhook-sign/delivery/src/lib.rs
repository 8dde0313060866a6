//! Webhooks that arrive at least once.
