use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
use stonework_core::redis1::{Script, is_full, store_error};
use stonework_core::{Key, StoreError, StoreFuture};

use super::super::pins::LONGEST_ACCOUNT;
use super::super::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};
use super::{RedisStore, incompatible};

static PIN_IF_ABSENT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../pin_if_absent.lua")));
static COMPARE_AND_SET: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../compare_and_set.lua")));

impl<C> RedisStore<C> {
    fn pin_key(&self, account: &Key) -> Vec<u8> {
        self.key("pin:", account.as_bytes())
    }

    /// A command that has the account's pin as its only argument.
    fn on_pin(&self, command: &str, lookup: Lookup<'_>) -> Cmd {
        let mut command = redis::cmd(command);
        command.arg(self.pin_key(lookup.account));
        command
    }
}

impl<C> PinStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        let reply = self.ask(self.on_pin("GET", lookup));
        StoreFuture::new(async move { version(reply.await.map_err(store_error)?) })
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        if pin.account.as_bytes().len() > LONGEST_ACCOUNT {
            return StoreFuture::ready(Ok(Pinned::Full));
        }
        let mut call = PIN_IF_ABSENT.call(&[self.pin_key(pin.account)]);
        call.arg(pin.version);
        let reply = self.run(&PIN_IF_ABSENT, call);
        StoreFuture::new(async move {
            match reply.await {
                Err(error) if is_full(&error) => Ok(Pinned::Full),
                reply => pinned(reply.map_err(store_error)?),
            }
        })
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let mut call = COMPARE_AND_SET.call(&[self.pin_key(change.account)]);
        call.arg(change.from).arg(change.to);
        let reply = self.run(&COMPARE_AND_SET, call);
        let to = change.to.to_owned();
        StoreFuture::new(async move { changed(reply.await.map_err(store_error)?, &to) })
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        // Not DEL, which takes away what is no pin.
        let reply = self.ask(self.on_pin("GETDEL", lookup));
        StoreFuture::new(async move { unpinned(&reply.await.map_err(store_error)?) })
    }
}

fn version(reply: Value) -> Result<Option<String>, StoreError> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(text) => String::from_utf8(text)
            .map(Some)
            .map_err(|error| incompatible().with_source(error.utf8_error())),
        _ => Err(incompatible()),
    }
}

fn pinned(reply: Value) -> Result<Pinned, StoreError> {
    version(reply)?.map(Pinned::To).ok_or_else(incompatible)
}

fn changed(reply: Value, to: &str) -> Result<Changed, StoreError> {
    Ok(match version(reply)? {
        None => Changed::NotPinned,
        Some(version) if version == to => Changed::Yes,
        Some(version) => Changed::PinnedTo(version),
    })
}

/// A pin that cannot be read can be taken off.
fn unpinned(reply: &Value) -> Result<Unpinned, StoreError> {
    match reply {
        Value::Nil => Ok(Unpinned::NotPinned),
        Value::BulkString(_) => Ok(Unpinned::Yes),
        _ => Err(incompatible()),
    }
}
