use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::support::Reply;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Keys,
    Origins,
    Tokens,
    Cursors,
    Streams,
    Signatures,
    Endpoints,
    Bytes,
}

/// There is no room for one more idempotency key.
pub(crate) const FULL: &str = "503 idempotency:store-full";

pub(crate) const KINDS: [Kind; 8] = [
    Kind::Keys,
    Kind::Origins,
    Kind::Tokens,
    Kind::Cursors,
    Kind::Streams,
    Kind::Signatures,
    Kind::Endpoints,
    Kind::Bytes,
];

/// What was asked, and what was answered.
#[derive(Default)]
pub(crate) struct Tally {
    asked: [AtomicU64; KINDS.len()],
    answers: Mutex<BTreeMap<(Kind, String), u64>>,
    made: AtomicU64,
}

impl Tally {
    /// How many requests of each kind there were.
    pub(crate) fn asked(&self) -> [u64; KINDS.len()] {
        std::array::from_fn(|kind| self.asked[kind].load(Relaxed))
    }

    /// One that has no answer which anybody waits for.
    pub(crate) fn count(&self, kind: Kind) {
        self.asked[kind as usize].fetch_add(1, Relaxed);
    }

    /// Counts an answer, which must be one of these: a status, and the end of the problem's type if it is one.
    #[track_caller]
    pub(crate) fn answered(&self, kind: Kind, reply: &Reply, allowed: &[&str]) {
        let answer = name(reply);
        assert!(
            allowed.contains(&&*answer),
            "{kind:?}: {answer} is none of {allowed:?}: {reply:?}"
        );
        self.note(kind, &answer);
    }

    /// Counts an answer to what is no request, or not wholly one: whatever is wrong with it, it is the client's fault. Or
    /// there is no room.
    #[track_caller]
    pub(crate) fn refused(&self, kind: Kind, reply: &Reply) {
        let answer = name(reply);
        let is_refusal = (400..500).contains(&reply.status) || answer == FULL;
        assert!(is_refusal, "{kind:?}: {answer} is no refusal: {reply:?}");
        self.note(kind, &answer);
    }

    fn note(&self, kind: Kind, answer: &str) {
        self.count(kind);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((kind, answer.to_owned())).or_default() += 1;
    }

    /// A transfer was made.
    pub(crate) fn count_made(&self) {
        self.made.fetch_add(1, Relaxed);
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    /// All that was answered, a line for each kind.
    pub(crate) fn answers(&self) -> String {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        KINDS.iter().fold(String::new(), |mut lines, kind| {
            let of_kind = answers.iter().filter(|((of, _), _)| of == kind);
            let of_kind: Vec<_> =
                of_kind.map(|((_, answer), count)| format!("{answer}: {count}")).collect();
            let _ = writeln!(lines, "{kind:?}: {}", of_kind.join(", "));
            lines
        })
    }
}

/// `201`, or `503 idempotency:store-full`.
fn name(reply: &Reply) -> String {
    match reply.json["type"].as_str().filter(|_| reply.status >= 400) {
        Some(of) => {
            let of = of.strip_prefix("urn:stonework:").or_else(|| of.rsplit('#').next());
            format!("{} {}", reply.status, of.unwrap_or_default())
        }
        None => reply.status.to_string(),
    }
}
