use std::time::Duration;

use crate::lookup::{Fingerprint, Token};
use crate::store::{Answer, Record, State};

/// What a record that is there already means for a request with this fingerprint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The key was used for another request.
    Mismatch,
    /// Answer from the record.
    Replay(Answer),
    /// Somebody is running it.
    InFlight { owner: Token, lease_left: Duration },
    /// Somebody was running it and is no longer heard of.
    Abandoned { owner: Token },
}

/// Another request is told so before anything else: it must not learn how far the first one is.
pub(crate) fn judge(record: Record, fingerprint: Fingerprint) -> Verdict {
    if record.fingerprint != fingerprint {
        return Verdict::Mismatch;
    }
    match record.state {
        State::Completed(answer) => Verdict::Replay(answer),
        State::Pending { lease_left: Duration::ZERO } => Verdict::Abandoned { owner: record.token },
        State::Pending { lease_left } => Verdict::InFlight { owner: record.token, lease_left },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Fingerprint = Fingerprint::from_bytes([1; 32]);
    const OTHER: Fingerprint = Fingerprint::from_bytes([2; 32]);

    fn verdict(state: State, fingerprint: Fingerprint) -> Verdict {
        judge(Record::new(OURS, Token::from_bytes([7; 16]), 1, state), fingerprint)
    }

    #[test]
    fn a_mismatch_is_told_whatever_the_state() {
        for state in [
            State::Completed(Answer::default()),
            State::Pending { lease_left: Duration::ZERO },
            State::Pending { lease_left: Duration::MAX },
        ] {
            assert_eq!(verdict(state, OTHER), Verdict::Mismatch);
        }
    }

    #[test]
    fn the_state_decides_for_the_same_request() {
        let owner = Token::from_bytes([7; 16]);
        let answer = Answer::default();
        assert_eq!(verdict(State::Completed(answer.clone()), OURS), Verdict::Replay(answer));
        let lease_left = Duration::from_nanos(1);
        let running = State::Pending { lease_left };
        assert_eq!(verdict(running, OURS), Verdict::InFlight { owner, lease_left });
        let lapsed = State::Pending { lease_left: Duration::ZERO };
        assert_eq!(verdict(lapsed, OURS), Verdict::Abandoned { owner });
    }
}
