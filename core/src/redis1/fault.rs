use crate::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Did the server refuse a write because its memory is full?
pub fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

/// The error of a client as one of a store: outages are told from refusals, and silence from a
/// broken connection.
pub fn store_error(error: RedisError) -> StoreError {
    StoreError::new(kind(&error)).with_source(error)
}

fn kind(error: &RedisError) -> StoreErrorKind {
    match error.kind() {
        ErrorKind::Io if error.is_timeout() => StoreErrorKind::TimedOut,
        // A stream that does not parse is a broken connection.
        ErrorKind::Io
        | ErrorKind::Parse
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::NoValidReplicasFoundBySentinel => StoreErrorKind::Unavailable,
        ErrorKind::Server(kind) => server(kind, error.detail().unwrap_or_default()),
        ErrorKind::Extension => extension(error.code().unwrap_or_default()),
        _ => StoreErrorKind::Refused,
    }
}

fn server(kind: ServerErrorKind, detail: &str) -> StoreErrorKind {
    match kind {
        // READONLY comes from a primary that was demoted: it has lost its role, not the caller
        // a right, and it passes when the connection follows the new primary.
        ServerErrorKind::ReadOnly
        | ServerErrorKind::BusyLoading
        | ServerErrorKind::MasterDown
        | ServerErrorKind::ClusterDown
        | ServerErrorKind::TryAgain
        | ServerErrorKind::Moved
        | ServerErrorKind::Ask => StoreErrorKind::Unavailable,
        ServerErrorKind::ResponseError if detail.starts_with("max number of clients") => {
            StoreErrorKind::Unavailable
        }
        _ => StoreErrorKind::Refused,
    }
}

fn extension(code: &str) -> StoreErrorKind {
    match code {
        // INCOMPATIBLE is said by scripts of ours that find what they cannot read.
        "WRONGTYPE" | "INCOMPATIBLE" => StoreErrorKind::Incompatible,
        // A script that hangs, a disk that is full, too few replicas: each passes by itself or by
        // an operator's hand, and concerns all callers.
        "BUSY" | "MISCONF" | "NOREPLICAS" => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn said(line: &str) -> RedisError {
        let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        reply.extract_error().unwrap_err()
    }

    #[test]
    fn an_outage_is_told_from_a_refusal() {
        let of = |line| store_error(said(line)).kind();
        for line in [
            "READONLY You can't write against a read only replica.",
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down",
            "CLUSTERDOWN The cluster is down",
            "TRYAGAIN Multiple keys request during rehashing",
            "MISCONF Errors writing to the AOF file",
            "NOREPLICAS Not enough good replicas to write.",
            "BUSY Redis is busy running a script.",
            "ERR max number of clients reached",
        ] {
            assert_eq!(of(line), StoreErrorKind::Unavailable, "{line}");
        }
        for line in [
            "ERR syntax error",
            "ERR unknown command 'EVALSHA'",
            "NOSCRIPT No matching script.",
            "NOPERM this user has no permissions",
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair",
            "OOM command not allowed when used memory > 'maxmemory'.",
        ] {
            assert_eq!(of(line), StoreErrorKind::Refused, "{line}");
        }
        for line in ["WRONGTYPE Operation against a key", "INCOMPATIBLE the record"] {
            assert_eq!(of(line), StoreErrorKind::Incompatible, "{line}");
        }
    }

    #[test]
    fn silence_is_told_from_a_broken_connection() {
        let of = |kind: io::ErrorKind| store_error(io::Error::from(kind).into()).kind();
        assert_eq!(of(io::ErrorKind::TimedOut), StoreErrorKind::TimedOut);
        assert_eq!(of(io::ErrorKind::BrokenPipe), StoreErrorKind::Unavailable);
        assert_eq!(of(io::ErrorKind::ConnectionRefused), StoreErrorKind::Unavailable);
    }

    #[test]
    fn only_a_lack_of_memory_is_full() {
        assert!(is_full(&said("OOM command not allowed when used memory > 'maxmemory'.")));
        assert!(!is_full(&said("ERR OOM")));
    }
}
