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

/// The same where images are sent and read: megabytes take their time.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_millis(800);

/// A client that notices by itself that Redis has gone.
pub(crate) fn client(url: &str) -> Result<Client, Failure> {
    // The reason never repeats the URL, which may hold a password.
    let wrong = |error| Failure::Config(format!("REDIS_URL cannot be used: {error}"));
    let info = url.into_connection_info().map_err(wrong)?;
    // Over RESP3 the connection manager hears of a lost connection at once. Over RESP2 it would
    // find out by the first request that fails.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(settings).set_tcp_settings(tcp());
    Client::open(info).map_err(wrong)
}

fn tcp() -> TcpSettings {
    let tcp = TcpSettings::default().set_nodelay(true);
    // A peer that vanishes without a word; by default the kernel believes in it for minutes.
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(2 * PATIENCE);
    tcp
}

/// Another connection, on which images hold nobody up. Of a Redis that was there before.
pub(crate) fn for_images(client: &Client) -> Result<ConnectionManager, Failure> {
    let manager =
        ConnectionManager::new_lazy_with_config(client.clone(), reconnecting(LONG_PATIENCE));
    manager.map_err(|error| Failure::Redis(error.to_string()))
}

/// A connection that all layers use. Fails if this Redis is not there now; if it goes away later,
/// each layer has its own way of doing without.
pub(crate) async fn open(client: &Client) -> Result<ConnectionManager, Failure> {
    let address = client.get_connection_info().addr();
    let failed =
        |error| Failure::Redis(format!("no use of Redis at {address} (REDIS_URL): {error}"));
    // The manager tries for ever, so look first whether there is anybody.
    let once = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(10 * PATIENCE))
        .set_response_timeout(Some(10 * PATIENCE));
    client.get_multiplexed_async_connection_with_config(&once).await.map_err(failed)?;
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), reconnecting(PATIENCE));
    let mut manager = manager.map_err(failed)?;
    for warning in preflight(&mut manager).await {
        eprintln!("jobs: Redis at {address}: {warning}");
    }
    Ok(manager)
}

/// Tries again for as long as it takes, every 200 ms at most (the delay and up to as much again
/// by chance), so that a Redis which is back is found within a second. A manager that gives up
/// would fail the first request after a long outage.
fn reconnecting(patience: Duration) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience))
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(100))
        .set_number_of_retries(usize::MAX)
}
