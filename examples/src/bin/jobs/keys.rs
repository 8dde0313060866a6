//! One effect and one answer per idempotency key.

use stonework_idempotency::store::redis1::RedisStore;
use stonework_idempotency::{Abandoned, IdempotencyLayer, Keyring};

use crate::account;
use crate::config::{Failure, LEASE};
use crate::connection::Redis;
use crate::secret::SecretKey;
use crate::submit::{LARGEST_IMAGE, PATIENCE, UPLOADS};

const PREFIX: &str = "jobs:idempotency:";

/// Of a whole process, one account may have so much under way.
const SHARE_PERCENT: u8 = 25;

/// A key belongs to the account that sends it.
///
/// What is done under a key can be done again, for its id is made of the key: a process that was killed between the two
/// leaves a job that the next attempt finds. So a run that nobody knows the end of is run again, where the default would
/// be to refuse.
///
/// Answers are sealed: one of them has a secret that is shown once.
pub(crate) fn layer(secret: &SecretKey, redis: Option<Redis>) -> Result<IdempotencyLayer, Failure> {
    let builder = IdempotencyLayer::builder()
        .scope(account::scope)
        .on_abandoned(Abandoned::Rerun)
        .seal(Keyring::new(1, &secret.answers()))
        .max_request_body(LARGEST_IMAGE)
        .read_timeout(PATIENCE)
        .lease(LEASE)
        .max_in_flight(UPLOADS)
        .scope_share_percent(SHARE_PERCENT);
    let builder = match redis {
        Some(redis) => builder
            .store_timeout(redis.within(400))
            .store(RedisStore::new(redis.connection).key_prefix(PREFIX)),
        None => builder,
    };
    builder.build().map_err(Failure::config)
}
