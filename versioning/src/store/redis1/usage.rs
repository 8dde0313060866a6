use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use stonework_core::redis1::{Script, store_error};
use stonework_core::{Key, StoreError, StoreFuture};

use super::super::pins::LONGEST_ACCOUNT;
use super::super::{Seen, UsageStore, User, Users};
use super::{RedisStore, incompatible};
use crate::Moment;

static SEEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../seen.lua")));

impl<C> RedisStore<C> {
    fn seen_key(&self, version: &str) -> Vec<u8> {
        self.key("seen:", version.as_bytes())
    }
}

impl<C> UsageStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>> {
        if seen.account.as_bytes().len() > LONGEST_ACCOUNT {
            return StoreFuture::ready(Ok(()));
        }
        let mut call = SEEN.call(&[self.seen_key(seen.version)]);
        // Ranks are counted from who was not seen for the longest time, or, below zero, from the other end.
        call.arg(seen.account.as_bytes()).arg(seen.at.as_unix()).arg(-1 - whole(self.most_users));
        let reply = self.run(&SEEN, call);
        StoreFuture::new(async move { reply.await.map(drop).map_err(store_error) })
    }

    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>> {
        if users.most == 0 {
            // The last rank would be -1, which is that of all.
            return StoreFuture::ready(Ok(Vec::new()));
        }
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.seen_key(users.version)).arg(0).arg(whole(users.most) - 1);
        range.arg("REV").arg("WITHSCORES");
        let reply = self.ask(range);
        StoreFuture::new(async move {
            let reply = reply.await.map_err(store_error)?;
            let users: Vec<(Vec<u8>, f64)> = redis::from_redis_value(reply)
                .map_err(|error| incompatible().with_source(error))?;
            Ok(users.into_iter().map(user).collect())
        })
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds are exact for as long as a double is: 285 million years.
fn user((account, seconds): (Vec<u8>, f64)) -> User {
    // What is below zero or endless was written by hand, and is the first or the last second.
    User::new(Key::from(&account[..]), Moment::unix(seconds as u64))
}
