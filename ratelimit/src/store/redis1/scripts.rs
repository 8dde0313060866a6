use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
use stonework_core::StoreError;
use stonework_core::redis1::{Script, store_error};

/// A script: its flags, the lines that all share, and its own.
macro_rules! script {
    ($name:ident, $flags:literal, $file:literal) => {
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!($flags, include_str!("../bucket.lua"), include_str!($file)))
        });
    };
}

// A full server runs a script without flags until its first write, and so tells a denial, which
// writes nothing. It would not run one with a line of flags at all.
script!(ACQUIRE_ONE, "", "../acquire_one.lua");
script!(ACQUIRE, "", "../acquire.lua");
script!(LEASE, "", "../lease.lua");
// What was charged is not to be forgotten for want of room. What is to be given back may be: its
// first write is the record of the id, so a full server that refuses it has changed nothing.
script!(CHARGE, "#!lua flags=allow-oom\n", "../adjust.lua");
script!(REFUND, "", "../adjust.lua");

pub(super) async fn ask(
    connection: &mut impl ConnectionLike,
    script: &Script,
    call: &Cmd,
) -> Result<Value, StoreError> {
    script.run(connection, call).await.map_err(store_error)
}
