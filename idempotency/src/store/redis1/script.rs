use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};

pub(super) static INSPECT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../inspect.lua")));
pub(super) static TAKE_OVER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../take_over.lua")));
pub(super) static RENEW: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../renew.lua")));
pub(super) static COMPLETE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../complete.lua")));
pub(super) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../release.lua")));

/// A script on one key.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// A call on this key, to which arguments can be added.
    pub(super) fn call(&self, key: &str) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.hash).arg(1).arg(key);
        call
    }

    /// Makes a call. A server that does not know the script is sent the whole of it.
    ///
    /// `redis::ScriptInvocation` would load the script and call it again by its hash: one round
    /// trip more, and a `SCRIPT FLUSH` or a failover in between fails the call.
    pub(super) async fn run(
        &self,
        connection: &mut impl ConnectionLike,
        call: &Cmd,
    ) -> Result<Value, RedisError> {
        match call.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.in_full(call).query_async(connection).await
            }
            reply => reply,
        }
    }

    fn in_full(&self, call: &Cmd) -> Cmd {
        let mut eval = redis::cmd("EVAL");
        eval.arg(self.code);
        for arg in call.args_iter().skip(2) {
            if let Arg::Simple(arg) = arg {
                eval.arg(arg);
            }
        }
        eval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_full_has_the_same_key_and_arguments() {
        let mut call = INSPECT.call("k");
        call.arg(&b"\0\xff"[..]).arg(7);
        let eval = INSPECT.in_full(&call);
        let args: Vec<_> = eval.args_iter().collect();
        assert_eq!(args[0], Arg::Simple(&b"EVAL"[..]));
        assert_eq!(args[1], Arg::Simple(INSPECT.code.as_bytes()));
        assert_eq!(args[2..], call.args_iter().skip(2).collect::<Vec<_>>());
    }
}
