use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use uuid::Uuid;

use super::flood::new;
use super::origins::ALLOWED;
use super::setting::{LIMIT, Setting};
use super::signatures::{GITHUB, STANDARD, STRIPE};
use crate::support::Service;
use crate::support::webhooks::now;

/// How long an endpoint is there.
const ENDPOINTS_LAST: Duration = Duration::from_secs(5);

/// A ledger in a file of its own, which is gone with it.
pub(crate) struct Ledger(PathBuf);

impl Ledger {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("stonework-soak-{}", new()));
        std::fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("ledger.sqlite")
    }

    /// The program. Its limits are such that nobody meets them who is new.
    pub(crate) fn serve(&self, setting: &Setting) -> Service {
        Service::with(&[
            ("DATABASE_PATH", self.file().to_str().expect("UTF-8")),
            ("RATE_LIMIT", &format!("{LIMIT}/h")),
            ("REMEMBER_SECONDS", &setting.remember.to_string()),
            ("ALLOWED_ORIGINS", ALLOWED),
            ("STRIPE_WEBHOOK_SECRET", STRIPE),
            ("GITHUB_WEBHOOK_SECRET", GITHUB),
            ("STANDARD_WEBHOOK_SECRET", STANDARD),
            ("WEBHOOK_ALLOW_LOOPBACK", "1"),
            ("DEMO", "0"),
        ])
    }

    async fn open(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.file());
        SqlitePool::connect_with(options.busy_timeout(Duration::from_secs(30)))
            .await
            .expect("open the ledger")
    }

    /// What deletes endpoints, which the service has no route for: as another process would that shares the ledger.
    pub(crate) async fn deleting(&self) -> Deleting {
        Deleting(self.open().await)
    }

    /// Checks that each account has what its transfers left it, and that so many transfers were made: as many as were
    /// answered.
    pub(crate) async fn balances(&self, made: u64) {
        let ledger = self.open().await;
        let wrong = "SELECT count(*) FROM accounts WHERE balance != 1000 - \
                     (SELECT coalesce(sum(amount), 0) FROM transfers WHERE account = name)";
        let wrong: i64 = sqlx::query_scalar(wrong).fetch_one(&ledger).await.expect("a number");
        assert_eq!(wrong, 0, "accounts whose sum is wrong");
        let transfers = "SELECT count(*) FROM transfers";
        let transfers: i64 =
            sqlx::query_scalar(transfers).fetch_one(&ledger).await.expect("a number");
        assert_eq!(u64::try_from(transfers), Ok(made), "transfers, and answers that say so");
        println!("{transfers} transfers, each of which was answered, and no balance is wrong");
        ledger.close().await;
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Deleting(SqlitePool);

impl Deleting {
    pub(crate) async fn old_endpoints(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = now().saturating_sub(ENDPOINTS_LAST).as_millis();
        // An id begins with the milliseconds.
        let before = Uuid::from_u128(before << 80);
        let delete = sqlx::query("DELETE FROM endpoints WHERE id < ?1").bind(before);
        delete.execute(&self.0).await.expect("delete endpoints");
    }
}
