use std::time::Duration;

const SECONDS: &str = "STONEWORK_SOAK_SECONDS";
/// Requests of one account in an hour, and at once.
pub(crate) const LIMIT: u32 = 100;

const HOUR: u64 = 3_600;

/// The shortest that the program takes.
const SHORTEST_MEMORY: u64 = 60;

/// How long it is, and what follows from that.
pub(crate) struct Setting {
    pub(crate) lasts: Duration,
    /// How long the program remembers keys and the like: short enough that it forgets as much as it learns for most of the
    /// time, and long enough that there are too many of them meanwhile.
    pub(crate) remember: u64,
    pub(crate) sample_every: Duration,
    pub(crate) line_every: Duration,
}

impl Setting {
    pub(crate) fn of_environment() -> Self {
        let seconds = std::env::var(SECONDS).ok();
        let seconds = seconds.map_or(HOUR, |seconds| seconds.parse().expect(SECONDS));
        let lasts = Duration::from_secs(seconds);
        Self {
            lasts,
            remember: (seconds / 4).max(SHORTEST_MEMORY),
            sample_every: (lasts / 180).clamp(Duration::from_secs(1), Duration::from_secs(5)),
            line_every: (lasts / 10).min(Duration::from_secs(60)),
        }
    }
}
