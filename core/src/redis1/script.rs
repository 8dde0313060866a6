use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, ErrorKind, RedisError, ServerErrorKind, ToRedisArgs, Value};

/// A script, sent by its hash, and in full when the server does not know it.
#[derive(Debug)]
pub struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    /// A script of this code. Meant for a `LazyLock`: it computes the hash.
    pub fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// A call on these keys, to which arguments can be added.
    pub fn call<K: ToRedisArgs>(&self, keys: &[K]) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.hash).arg(keys.len()).arg(keys);
        call
    }

    /// Makes a call. A server that does not know the script is sent the whole of it.
    ///
    /// `redis::ScriptInvocation` would load the script and call it again by its hash: one round
    /// trip more, and a `SCRIPT FLUSH` or a failover in between fails the call.
    ///
    /// # Errors
    ///
    /// What the server or the connection says.
    pub async fn run(
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
    fn a_call_in_full_has_the_same_keys_and_arguments() {
        let script = Script::new("return 1");
        let mut call = script.call(&["k", "l"]);
        call.arg(&b"\0\xff"[..]).arg(7);
        let eval = script.in_full(&call);
        let args: Vec<_> = eval.args_iter().collect();
        assert_eq!(args[0], Arg::Simple(&b"EVAL"[..]));
        assert_eq!(args[1], Arg::Simple(script.code.as_bytes()));
        assert_eq!(args[2..], call.args_iter().skip(2).collect::<Vec<_>>());
    }
}
