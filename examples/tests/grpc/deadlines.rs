//! What becomes of a call whose client has no time left. The ledger is locked by somebody else, and a client that has no
//! clock of its own hears what the service says.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use super::server::{balance, call, client, keyed, left, patient, rent, service, usd};
use crate::generated::v2::WatchRequest;
use crate::support::{Service, in_time};

/// A service, and the file of its ledger.
struct Bank {
    service: Service,
    file: PathBuf,
}

impl Bank {
    fn open() -> Self {
        let file = std::env::temp_dir().join(format!("stonework-grpc-{}.db", Uuid::new_v4()));
        let service = service(&[("DATABASE_PATH", file.to_str().expect("UTF-8"))]);
        Self { service, file }
    }

    /// Nobody else writes until it is dropped, or told to end.
    async fn lock(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.file);
        let mut lock = options.connect().await.expect("the same file");
        sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.expect("nobody else writes");
        lock
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.file.display()));
        }
    }
}

async fn unlock(mut lock: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut lock).await.expect("it was locked");
}

fn within<M>(timeout: &str, mut request: Request<M>) -> Request<M> {
    request.metadata_mut().insert("grpc-timeout", timeout.parse().expect("metadata"));
    request
}

#[tokio::test]
async fn a_call_that_waits_for_the_ledger_ends_at_its_deadline_and_charges_nothing() {
    let bank = Bank::open();
    let lock = bank.lock().await;
    let mut client = patient(&bank.service);
    for request in [call(rent(100)), keyed(rent(100), "k")] {
        let late = in_time("the deadline", client.transfer(within("200m", request))).await;
        let status = late.expect_err("locked");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    }
    let orders = tokio_stream::iter([rent(100)]);
    let late = in_time("the deadline", client.import(within("200000u", call(orders)))).await;
    assert_eq!(late.expect_err("locked").code(), Code::DeadlineExceeded);
    unlock(lock).await;
    // Nothing has happened under the key, so that it is good for another try.
    let receipt = client.transfer(keyed(rent(100), "k")).await.expect("a receipt");
    assert!(!receipt.metadata().contains_key("idempotent-replayed"));
    assert_eq!(left(receipt.get_ref()), 900);
    assert_eq!(balance(&bank.service).await, 900);
}

/// The client of tonic has a clock, and gives up by itself.
#[tokio::test]
async fn a_client_that_gives_up_may_come_back_with_its_key() {
    let bank = Bank::open();
    let lock = bank.lock().await;
    let mut client = client(&bank.service).await;
    let mut request = keyed(rent(100), "k");
    request.set_timeout(Duration::from_millis(200));
    let status = in_time("the deadline", client.transfer(request)).await.expect_err("locked");
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status:?}");
    unlock(lock).await;
    let receipt = client.transfer(keyed(rent(100), "k")).await.expect("a receipt");
    assert_eq!(left(receipt.get_ref()), 900);
    assert_eq!(balance(&bank.service).await, 900);
}

#[tokio::test]
async fn a_call_that_is_late_from_the_start_does_not_begin() {
    let service = service(&[]);
    let mut client = patient(&service);
    for timeout in ["0n", "00000000H"] {
        let status = client.transfer(within(timeout, call(rent(1)))).await.expect_err("late");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{timeout}: {status:?}");
    }
    assert_eq!(balance(&service).await, 1000);
}

#[tokio::test]
async fn a_call_that_has_time_is_served() {
    let service = service(&[]);
    let mut client = patient(&service);
    for timeout in ["99999999H", "30S", "30000m"] {
        assert!(client.transfer(within(timeout, call(rent(1)))).await.is_ok(), "{timeout}");
    }
}

#[tokio::test]
async fn a_deadline_that_is_none_is_refused() {
    let service = service(&[]);
    let mut client = patient(&service);
    for timeout in ["soon", "1", "-1S", "1s", "123456789S"] {
        let status = client.transfer(within(timeout, call(rent(1)))).await.expect_err("unclear");
        assert_eq!(status.code(), Code::InvalidArgument, "{timeout}: {status:?}");
    }
    assert_eq!(balance(&service).await, 1000);
}

/// What has begun before its deadline, of which a busy machine needs a later one.
async fn begun<T>(mut call: impl AsyncFnMut(&str) -> Result<T, Status>) -> T {
    for timeout in ["200m", "2S"] {
        match in_time("it begins, or not", call(timeout)).await {
            Ok(begun) => return begun,
            Err(status) => assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}"),
        }
    }
    in_time("it begins", call("20S")).await.expect("it has begun")
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline() {
    let service = service(&[]);
    let client = patient(&service);
    let watched = begun(async |timeout| {
        let request = within(timeout, call(WatchRequest::default()));
        let mut events = client.clone().watch(request).await?.into_inner();
        Ok((events.message().await?, events))
    });
    let (first, mut events) = watched.await;
    assert!(first.is_some());
    let status = in_time("the deadline", events.message()).await.expect_err("it is over");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let quoted = begun(async |timeout| {
        let amounts =
            tokio_stream::StreamExt::chain(tokio_stream::iter(usd(1)), tokio_stream::pending());
        let mut quotes = client.clone().quote(within(timeout, call(amounts))).await?.into_inner();
        Ok((quotes.message().await?, quotes))
    });
    let (first, mut quotes) = quoted.await;
    assert!(first.is_some());
    let status = in_time("the deadline", quotes.message()).await.expect_err("it is over");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}
