//! Deliveries out of the outbox over Redis, beside those out of memory and the bare signed request: how many in a second,
//! what each costs here and there, what two sick endpoints do to the others, and what a million messages take. It starts a
//! redis-server, on the receiver's core: `cargo bench -p benches --features redis-1 --bench delivery_redis`.

#[path = "shared/deliveries.rs"]
mod deliveries;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use benches::delivery::{BODY, Bare, Latencies, Queued, Receiver, deliver, fill, receive};
use benches::{print_head, print_row, stay_on, twin_word};
use deliveries::Subject;
use redis::aio::MultiplexedConnection;
use redis_server::Server;
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::store::{MemoryOutbox, Outbox};
use tokio::runtime::{Builder, Runtime};

const MILLION: usize = 1_000_000;

type Redis = RedisOutbox<MultiplexedConnection>;

fn main() {
    if twin_word().is_some() {
        return receive();
    }
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let bench = Bench { runtime: Arc::new(runtime) };
    bench.rates();
    bench.fairness();
    bench.footprint();
}

struct Bench {
    runtime: Arc<Runtime>,
}

impl Bench {
    /// A server on the second core, as the receiver is. The rest stays on the first.
    fn server(&self) -> Server {
        stay_on(1);
        let server = self.runtime.block_on(Server::start());
        stay_on(0);
        server
    }

    fn outbox(&self, server: &Server) -> Redis {
        RedisOutbox::new(self.runtime.block_on(server.connection()))
    }

    fn rates(&self) {
        let server = self.server();
        let mut receiver = Receiver::start();
        let memory = MemoryOutbox::builder().max_messages(4 * MILLION).build();
        let memory = memory.expect("it has room");
        let queued = |title, outbox: Arc<dyn Outbox>| {
            Subject::Queued(title, Queued::new(Arc::clone(&self.runtime), outbox, &receiver))
        };
        let mut subjects = [
            Subject::Bare(Box::new(Bare::new(&receiver))),
            queued("**stonework-webhook-delivery**, `MemoryOutbox`", Arc::new(memory)),
            queued("**stonework-webhook-delivery**, `RedisOutbox`", Arc::new(self.outbox(&server))),
        ];
        deliveries::show(&mut receiver, &mut subjects, || {
            let info = self.runtime.block_on(server.info("cpu"));
            number(&info, "used_cpu_user:") + number(&info, "used_cpu_sys:")
        });
    }

    fn fairness(&self) {
        let server = self.server();
        let receiver = Receiver::start();
        let outbox = self.outbox(&server);
        let count = AtomicUsize::new(0);
        deliveries::show_fairness(|sick, per_beat, time| {
            let prefix = format!("load:{}", count.fetch_add(1, Ordering::Relaxed));
            let outbox = outbox.clone().key_prefix(prefix);
            Latencies::of(&self.runtime, outbox, &receiver, sick, per_beat, time)
        });
    }

    /// As the server counts its memory.
    fn footprint(&self) {
        let server = self.server();
        let outbox: Arc<dyn Outbox> = Arc::new(self.outbox(&server));
        print_head(&["a million messages"], &["`used_memory`, B each", "beyond the body"]);
        let used = || number(&self.runtime.block_on(server.info("memory")), "used_memory:");
        let empty = used();
        self.runtime.block_on(fill(&outbox, MILLION));
        let queued = used() - empty;
        self.runtime.block_on(deliver(&outbox));
        let known = used() - empty;
        let each = |bytes: f64| format!("{:.0}", bytes / MILLION as f64);
        let bodies = (MILLION * BODY) as f64;
        print_row(&[
            "queued, with bodies of 256 B".to_owned(),
            each(queued),
            each(queued - bodies),
        ]);
        print_row(&["delivered, and still known".to_owned(), each(known), each(known)]);
    }
}

/// Of a line of INFO.
fn number(info: &str, name: &str) -> f64 {
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|number| number.trim().parse().ok()).expect("the server says it")
}
