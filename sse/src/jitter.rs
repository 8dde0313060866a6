//! Times that differ, so that not all do the same at once.

use std::time::Duration;

/// Between one half of it and the whole.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Between nothing and the whole.
pub(crate) fn within(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64())
}
