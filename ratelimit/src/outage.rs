/// What to do with a request while the store does not answer, or answers with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outage {
    /// Let it pass, uncounted.
    Open,
    /// Answer 503 with `Retry-After`.
    Closed,
    /// Count it in the memory of this process, by a share of the quota.
    ///
    /// The buckets of this process are full when an outage begins. So for as long as it lasts the
    /// processes together grant the quota, if `nodes` is right and not above the burst (each grants
    /// one at once at least), and when it begins or ends a client may have one burst more.
    LocalFallback {
        /// How many processes share the store. Each gives an equal part; 1 gives all.
        nodes: u32,
    },
}
