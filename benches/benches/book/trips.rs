use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use benches::delivery::{deliver_one, enqueue_one, fill};
use benches::{stay_on, wall_time};
use http::{Method, Request, StatusCode};
use redis::aio::MultiplexedConnection;
use stonework_core::{Key, RequestHead};
use stonework_idempotency::IdempotencyLayer;
use stonework_pagination::{Anchor, Binding, Cursors, Keyset, keyset};
use stonework_ratelimit::{Policy, RateLimitLayer};
use stonework_sse::{Event, Hub, Publish};
use stonework_webhook_delivery::store::Outbox;
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use tokio::runtime::Builder;
use tower::{Layer, Service, ServiceExt, service_fn};
use uuid::Uuid;

use crate::page::Page;
use crate::redis_server::{Counting, Server};

/// Of each row, in turn with as many PINGs.
const CALLS: usize = 2_001;

const INTRODUCTION: &str = "\
## Redis

What waits for Redis, in round trips, which are exact, and in time beside a `PING` over the same connection, in turn with
it, on the loopback. Redis has a core of its own. Limits and keys are those of a request through the layer; the rest is the
store. A script is sent in full the first time that a server sees it; that is not counted.";

type Connection = Counting<MultiplexedConnection>;

/// Round trips of what goes to Redis, and how long it takes.
pub(crate) fn measure(page: &mut Page) {
    page.text(INTRODUCTION);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let rows = runtime.block_on(async {
        stay_on(1);
        let server = Server::start().await;
        stay_on(0);
        let mut table = Table::new(Counting::new(server.connection().await));
        table.all(&server).await;
        table.rows
    });
    page.table(&["", "what it is for"], &["round trips", "time ÷ PING"], &rows);
}

struct Table {
    connection: Connection,
    rows: Vec<Vec<String>>,
}

impl Table {
    const fn new(connection: Connection) -> Self {
        Self { connection, rows: Vec::new() }
    }

    async fn all(&mut self, server: &Server) {
        self.idempotency().await;
        self.ratelimit().await;
        self.origins_and_pins().await;
        self.pagination().await;
        self.sse(server).await;
        self.webhooks().await;
        self.deliveries().await;
    }

    /// One line: what a call costs, once it has been made twice.
    async fn row(&mut self, name: &str, what: &str, mut call: impl AsyncFnMut()) {
        call().await;
        call().await;
        self.connection.take();
        call().await;
        let trips = self.connection.take();
        let mut connection = self.connection.clone();
        let mut ping = async || {
            redis::cmd("PING").exec_async(&mut connection).await.expect("the server answers");
        };
        let (mut calls, mut pings) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
        for _ in 0..CALLS {
            calls.push(seconds(&mut call).await);
            pings.push(seconds(&mut ping).await);
        }
        let ratio = format!("{:.2}", median(calls) / median(pings));
        self.rows.push(vec![name.to_owned(), what.to_owned(), trips.to_string(), ratio]);
    }

    async fn idempotency(&mut self) {
        use stonework_idempotency::store::redis1::RedisStore;
        let store = RedisStore::new(self.connection.clone());
        let layer = IdempotencyLayer::builder().single_tenant().store(store).build();
        let service = layer.expect("the configuration is valid").layer(service_fn(
            async |request: Request<_>| {
                drop::<Request<stonework_core::StoneBody<Body>>>(request);
                Ok::<_, std::convert::Infallible>(http::Response::new(Body::from("paid")))
            },
        ));
        for (what, is_new) in [("a new key: claimed, answer kept", true), ("a known key", false)] {
            let mut service = service.clone();
            self.row("stonework-idempotency", what, async || {
                let key = if is_new { Uuid::new_v4().to_string() } else { "known".to_owned() };
                let request =
                    Request::builder().method(Method::POST).header("idempotency-key", key);
                let request = request.body(Body::from("{}")).expect("it is one");
                let answer = service.ready().await.expect("it is ready").call(request).await;
                assert_eq!(answer.expect("it answers").status(), StatusCode::OK);
            })
            .await;
        }
    }

    async fn ratelimit(&mut self) {
        use stonework_ratelimit::store::redis1::RedisStore;
        for (what, names) in [
            ("a request under one policy", &["second"][..]),
            ("a request under three policies", &["second", "minute", "hour"]),
        ] {
            let mut builder = RateLimitLayer::builder();
            for name in names {
                let policy = Policy::new(name).rate(1_000_000_000).per(Duration::from_secs(1));
                builder = builder.policy(policy.key(|_: &RequestHead<'_>| Some(Key::from("acct"))));
            }
            let layer = builder.store(RedisStore::new(self.connection.clone())).build();
            let mut service = layer.expect("the configuration is valid").layer(service_fn(
                async |request: Request<Body>| {
                    drop(request);
                    Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
                },
            ));
            self.row("stonework-ratelimit", what, async || {
                let ready = service.ready().await.expect("it is ready");
                let answer = ready.call(Request::new(Body::empty())).await.expect("it answers");
                assert_eq!(answer.status(), StatusCode::OK);
            })
            .await;
        }
    }

    async fn origins_and_pins(&mut self) {
        use stonework_cors::store::OriginStore;
        use stonework_versioning::store::PinStore;
        let tenant = Key::from("acme");
        let origins = stonework_cors::store::redis1::RedisStore::new(self.connection.clone());
        self.row("stonework-cors", "origins of a tenant, which are then cached", async || {
            let found = origins.origins(stonework_cors::store::Lookup::new(&tenant)).await;
            found.expect("the server answers");
        })
        .await;
        let pins = stonework_versioning::store::redis1::RedisStore::new(self.connection.clone());
        self.row(
            "stonework-versioning",
            "the pin of an account, which is then cached",
            async || {
                let pin = stonework_versioning::store::Pin::new(&tenant, "1");
                pins.pin_if_absent(pin).await.expect("the server answers");
            },
        )
        .await;
    }

    async fn pagination(&mut self) {
        use stonework_pagination::store::redis1::RedisStore;
        let cursors = Cursors::stored(RedisStore::new(self.connection.clone())).build();
        let cursors = cursors.expect("the configuration is valid");
        let binding = Binding::new().part("list", b"/transfers");
        let anchor = || Anchor::after(Newest { id: Uuid::new_v4() });
        let encoder = cursors.encoder(&binding, Newest::sort());
        self.row("stonework-pagination", "a stored cursor is made", async || {
            encoder.encode(&anchor()).await.expect("the server answers");
        })
        .await;
        let token = encoder.encode(&anchor()).await.expect("the server answers");
        self.row("stonework-pagination", "a stored cursor comes back", async || {
            cursors.verify(&binding, &token).await.expect("it is good");
        })
        .await;
    }

    async fn sse(&mut self, server: &Server) {
        use stonework_sse::store::redis1::RedisLog;
        let log = RedisLog::new(self.connection.clone(), server.client());
        let hub = Hub::builder(log).build().expect("the configuration is valid");
        self.row("stonework-sse", "an event is published", async || {
            let event = Event::new("x".repeat(100)).event_type("transfer").expect("it is a type");
            hub.publish(Publish::to("acct_7", event)).await.expect("the server answers");
        })
        .await;
    }

    async fn webhooks(&mut self) {
        use stonework_webhook_sign::store::redis1::RedisStore;
        use stonework_webhook_sign::store::{Claim, Commit, EventKey, Fence, ReplayStore};
        let minute = Duration::from_secs(60);
        let store = RedisStore::new(self.connection.clone());
        self.row("stonework-webhook-sign", "an event: claimed, and handled", async || {
            let event = EventKey::of(&[Uuid::new_v4().as_bytes()]);
            let claim = Claim::new(event, Fence::random(), minute);
            store.claim(claim).await.expect("the server answers");
            let commit = Commit::new(event, claim.fence, minute);
            store.commit(commit).await.expect("the server answers");
        })
        .await;
    }

    async fn deliveries(&mut self) {
        let outbox: Arc<dyn Outbox> = Arc::new(RedisOutbox::new(self.connection.clone()));
        self.row("stonework-webhook-delivery", "a message is put into the outbox", async || {
            enqueue_one(&*outbox, 0).await;
        })
        .await;
        fill(&outbox, CALLS + 3).await;
        self.row("stonework-webhook-delivery", "one message: claimed, delivered", async || {
            deliver_one(&*outbox).await;
        })
        .await;
    }
}

async fn seconds(mut call: impl AsyncFnMut()) -> f64 {
    let start = wall_time();
    call().await;
    wall_time().saturating_sub(start).as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

keyset! {
    struct Newest {
        id: Uuid => desc unique,
    }
}
