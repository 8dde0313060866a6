//! Redis, where several processes keep what they share.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion};
use stonework_core::redis1::preflight;

use crate::config::Failure;

/// For a connection to be there, and for an answer. Below the 400 ms for which the idempotency layer
/// waits. Rate limits wait for 100 ms, and then count without Redis.
const PATIENCE: Duration = Duration::from_millis(300);

/// The same where the environment says how long the layers wait: what fails must have failed before they give up.
fn patience(store_timeout: Option<Duration>) -> Duration {
    store_timeout.map_or(PATIENCE, |timeout| timeout * 3 / 4)
}

/// A client that notices by itself that Redis has gone.
pub(crate) fn client(url: &str, store_timeout: Option<Duration>) -> Result<Client, Failure> {
    // The reason never repeats the URL, which may hold a password.
    let wrong = |error| Failure::Config(format!("REDIS_URL cannot be used: {error}"));
    let info = url.into_connection_info().map_err(wrong)?;
    // Over RESP3 the connection manager hears of a lost connection at once. Over RESP2 it would
    // find out by the first request that fails.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(settings).set_tcp_settings(tcp(store_timeout));
    Client::open(info).map_err(wrong)
}

#[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
fn tcp(store_timeout: Option<Duration>) -> TcpSettings {
    let tcp = TcpSettings::default().set_nodelay(true);
    // A peer that vanishes without a word; by default the kernel believes in it for minutes.
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(2 * patience(store_timeout).max(PATIENCE));
    tcp
}

/// Where all layers keep what is shared, and how long they wait for it.
#[derive(Clone)]
pub(crate) struct Redis {
    /// That all layers use.
    pub(crate) connection: ConnectionManager,
    /// For connections of one's own.
    pub(crate) client: Client,
    store_timeout: Option<Duration>,
}

impl Redis {
    /// How long to wait for an answer, where that is so many milliseconds unless the environment says otherwise.
    pub(crate) fn within(&self, unset: u64) -> Duration {
        self.store_timeout.unwrap_or(Duration::from_millis(unset))
    }
}

/// Fails if this Redis is not there now; if it goes away later, each layer has its own way of doing without.
pub(crate) async fn open(
    client: Client,
    store_timeout: Option<Duration>,
) -> Result<Redis, Failure> {
    let address = client.get_connection_info().addr();
    let failed =
        |error| Failure::Redis(format!("no use of Redis at {address} (REDIS_URL): {error}"));
    // The manager tries for ever, so look first whether there is anybody.
    let patience = patience(store_timeout);
    let once = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience.max(10 * PATIENCE)))
        .set_response_timeout(Some(patience.max(10 * PATIENCE)));
    client.get_multiplexed_async_connection_with_config(&once).await.map_err(failed)?;
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), reconnecting(patience));
    let mut manager = manager.map_err(failed)?;
    for warning in preflight(&mut manager).await {
        eprintln!("{}: Redis at {address}: {warning}", env!("CARGO_BIN_NAME"));
    }
    Ok(Redis { connection: manager, client, store_timeout })
}

/// Tries again for as long as it takes, every 200 ms at most (the delay and up to as much again
/// by chance), so that a Redis which is back is found within a second. A manager that gives up
/// would fail the first request after a long outage. However little layers wait for, to connect takes its time.
pub(crate) fn reconnecting(patience: Duration) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(patience.max(PATIENCE)))
        .set_response_timeout(Some(patience))
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(100))
        .set_number_of_retries(usize::MAX)
}
