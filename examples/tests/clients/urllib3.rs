//! urllib3 waits as long as `Retry-After` says, and is served then.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::header::RETRY_AFTER;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer};
use tokio::net::TcpListener;

use super::hand::Hand;
use super::python::Script;

/// A token every 90.5 s, of which a bucket holds one.
const PERIOD: Duration = Duration::from_millis(90_500);

/// What the script says.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Said {
    Pause { sleep: u64 },
    Answer { status: u16, retries: usize },
}

/// What the server said: a status, and `Retry-After`.
type Answers = Arc<Mutex<Vec<(u16, Option<String>)>>>;

struct Server {
    address: SocketAddr,
    hand: Hand,
    answers: Answers,
}

impl Server {
    /// `cost` is what a request costs, of a bucket of one token.
    async fn start(cost: u32) -> Self {
        let hand = Hand::default();
        let policy = Policy::new("slow").rate(1).per(PERIOD).key_ip(ClientIp::peer());
        let layer = RateLimitLayer::builder()
            .policy(policy.cost_with(move |_| cost))
            .store(hand.store())
            .build()
            .unwrap();
        let answers = Answers::default();
        let noted = Arc::clone(&answers);
        let note = move |response: Response| {
            let wait = response.headers().get(RETRY_AFTER);
            let wait = wait.map(|wait| wait.to_str().unwrap().to_owned());
            noted.lock().unwrap().push((response.status().as_u16(), wait));
            async { response }
        };
        let router = Router::new().route("/", get("served")).layer(layer).layer(map_response(note));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, hand, answers }
    }

    fn urllib3(&self) -> Script {
        Script::start("urllib3_retries.py", [&format!("http://{}/", self.address), "--retries=5"])
    }

    /// Asks once, turns the clock so far with each pause, and gives all pauses and the answer.
    async fn ask(&self, turns: &[Duration]) -> (Vec<u64>, Said) {
        let (mut script, mut turns) = (self.urllib3(), turns.iter());
        let mut pauses = Vec::new();
        loop {
            match script.hear().await.expect("an answer") {
                Said::Pause { sleep } => {
                    self.hand.turn(*turns.next().expect("no more pauses than turns"));
                    pauses.push(sleep);
                    script.go_on().await;
                }
                answer @ Said::Answer { .. } => return (pauses, answer),
            }
        }
    }

    /// What was said since the last time.
    fn answers(&self) -> Vec<(u16, Option<String>)> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }
}

fn denied(seconds: &str) -> (u16, Option<String>) {
    (429, Some(seconds.to_owned()))
}

const SERVED: (u16, Option<String>) = (200, None);

#[tokio::test]
async fn it_sleeps_as_long_as_it_is_told_and_is_served() {
    let server = Server::start(1).await;
    assert_eq!(server.ask(&[]).await, (vec![], Said::Answer { status: 200, retries: 0 }));
    let asked = server.ask(&[Duration::from_secs(91)]).await;
    assert_eq!(asked, (vec![91], Said::Answer { status: 200, retries: 1 }));
    assert_eq!(server.answers(), [SERVED, denied("91"), SERVED]);
    // Half of the time has passed by itself, and the pause ends when the token is there.
    server.hand.turn(Duration::from_millis(45_250));
    let asked = server.ask(&[Duration::from_millis(45_250)]).await;
    assert_eq!(asked, (vec![46], Said::Answer { status: 200, retries: 1 }));
    assert_eq!(server.answers(), [denied("46"), SERVED]);
}

/// A clock that is too fast, or a token that somebody else took.
#[tokio::test]
async fn it_comes_too_early_and_sleeps_again() {
    let server = Server::start(1).await;
    server.ask(&[]).await;
    let almost = PERIOD - Duration::from_nanos(1);
    let asked = server.ask(&[almost, Duration::from_secs(1)]).await;
    assert_eq!(asked, (vec![91, 1], Said::Answer { status: 200, retries: 2 }));
    assert_eq!(server.answers(), [SERVED, denied("91"), denied("1"), SERVED]);
}

#[tokio::test]
async fn it_gives_up_at_once_what_can_never_be() {
    let server = Server::start(2).await;
    assert_eq!(server.ask(&[]).await, (vec![], Said::Answer { status: 400, retries: 0 }));
    assert_eq!(server.answers(), [(400, None)]);
}
