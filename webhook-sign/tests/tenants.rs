//! Keys of many tenants, looked up and cached.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{Counter, Hand, NOW, count, send, signed_at};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use stonework_webhook_sign::keys::{KeySet, TenantKeys, TenantKeysBuilder};
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    Key, Refusal, Rejection, Sender, StoreError, StoreErrorKind, StoreFuture, VerifyLayer,
    VerifyLayerBuilder,
};
use tower::Layer;

const ACME: &str = "whsec_YWNtZSdzIHNlY3JldCBvZiBlbm91Z2ggYnl0ZXM";
const BOND: &str = "whsec_Ym9uZCdzIHNlY3JldCBvZiBlbm91Z2ggYnl0ZXM";

/// A database of secrets that counts how often it is asked.
#[derive(Clone, Default)]
struct Database {
    secrets: Arc<Mutex<HashMap<Vec<u8>, &'static str>>>,
    asked: Counter,
    is_away: Arc<Mutex<bool>>,
    hangs: Arc<Mutex<bool>>,
}

impl Database {
    fn set(&self, tenant: &str, secret: &'static str) {
        self.secrets.lock().unwrap().insert(tenant.as_bytes().to_vec(), secret);
    }

    fn keys(&self) -> TenantKeysBuilder {
        let database = self.clone();
        TenantKeys::builder(
            |head| head.uri.path().strip_prefix("/hooks/").map(Key::from),
            move |tenant| {
                let database = database.clone();
                StoreFuture::new(async move { database.look_up(&tenant).await })
            },
        )
    }

    async fn look_up(&self, tenant: &Key) -> Result<Option<KeySet>, StoreError> {
        self.asked.add();
        tokio::task::yield_now().await;
        if *self.hangs.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        if *self.is_away.lock().unwrap() {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        let secret = self.secrets.lock().unwrap().get(tenant.as_bytes()).copied();
        Ok(secret.map(|secret| KeySet::new([scheme::STANDARD.key(secret).unwrap()]).unwrap()))
    }
}

fn layer(keys: TenantKeys) -> VerifyLayerBuilder {
    let sender = Sender::new(scheme::STANDARD).keys(keys);
    VerifyLayer::builder().sender(sender).clock(Hand::default().clock())
}

fn hook(tenant: &str, secret: &str) -> Request<Full<Bytes>> {
    let mut request = signed_at(&scheme::STANDARD, secret, "msg_1", NOW, "{}");
    *request.uri_mut() = format!("/hooks/{tenant}").parse().unwrap();
    request
}

#[tokio::test]
async fn each_tenant_has_its_keys_and_is_looked_up_once() {
    let database = Database::default();
    database.set("acme", ACME);
    database.set("bond", BOND);
    let counter = Counter::default();
    let service = layer(database.keys().build().unwrap()).store(MemoryStore::new());
    let service = service.build().unwrap().layer(count(&counter));
    assert_eq!(send(&service, hook("acme", ACME)).await.text(), "handled");
    assert_eq!(send(&service, hook("bond", BOND)).await.text(), "handled", "the id is its own");
    assert_eq!(send(&service, hook("acme", BOND)).await.status, 401);
    assert_eq!(send(&service, hook("acme", ACME)).await.rejection(), Rejection::Duplicate);
    assert_eq!(database.asked.get(), 2);
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn made_up_tenants_are_looked_up_once_and_look_like_wrong_signatures() {
    let database = Database::default();
    let service = layer(database.keys().build().unwrap()).build().unwrap();
    let service = service.layer(count(&Counter::default()));
    for _ in 0..3 {
        let answer = send(&service, hook("nobody", ACME)).await;
        assert_eq!(answer.rejection(), Rejection::Unauthenticated(Refusal::UnknownKey));
    }
    assert_eq!(database.asked.get(), 1);
    let long = "x".repeat(257);
    assert_eq!(send(&service, hook(&long, ACME)).await.status, 401);
    assert_eq!(database.asked.get(), 1, "a name that is nobody's is not asked for");
}

#[tokio::test]
async fn many_requests_ask_once() {
    let database = Database::default();
    database.set("acme", ACME);
    let service = layer(database.keys().build().unwrap()).build().unwrap();
    let service = service.layer(count(&Counter::default()));
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let service = service.clone();
        requests.spawn(async move { send(&service, hook("acme", ACME)).await.status });
    }
    assert!(requests.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(database.asked.get(), 1);
}

#[tokio::test]
async fn a_secret_that_was_changed_is_forgotten_when_told() {
    let database = Database::default();
    database.set("acme", ACME);
    let keys = database.keys().build().unwrap();
    let service = layer(keys.clone()).build().unwrap().layer(count(&Counter::default()));
    assert_eq!(send(&service, hook("acme", ACME)).await.status, 200);
    database.set("acme", BOND);
    assert_eq!(send(&service, hook("acme", BOND)).await.status, 401);
    keys.forget(&Key::from("acme")).await;
    assert_eq!(send(&service, hook("acme", BOND)).await.status, 200);
    assert_eq!(send(&service, hook("acme", ACME)).await.status, 401);
}

#[tokio::test]
async fn an_outage_is_503_and_not_kept() {
    let database = Database::default();
    database.set("acme", ACME);
    *database.is_away.lock().unwrap() = true;
    let service = layer(database.keys().build().unwrap()).build().unwrap();
    let service = service.layer(count(&Counter::default()));
    let answer = send(&service, hook("acme", ACME)).await;
    assert_eq!(answer.rejection(), Rejection::KeysUnavailable);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    *database.is_away.lock().unwrap() = false;
    assert_eq!(send(&service, hook("acme", ACME)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_hangs_is_given_up() {
    let database = Database::default();
    *database.hangs.lock().unwrap() = true;
    let keys = database.keys().build().unwrap();
    let service = layer(keys).keys_timeout(Duration::from_secs(2)).build().unwrap();
    let service = service.layer(count(&Counter::default()));
    let answer = send(&service, hook("acme", ACME)).await;
    assert_eq!(answer.rejection(), Rejection::KeysUnavailable);
}

#[test]
fn what_is_wrong_is_told() {
    let keys = Database::default().keys().max_tenants(0).keep_for(Duration::ZERO);
    assert_eq!(keys.build().unwrap_err().as_slice().len(), 2);
}
