/// A response extension that says: the handler never ran.
///
/// Every rejection of a Stonework layer carries it. A layer further out may then undo what it did
/// for the request: an idempotency key is released, a charge is given back. Set it yourself on a
/// response only if nothing that the request asked for has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // A marker; there is nothing to add.
pub struct NotExecuted;
