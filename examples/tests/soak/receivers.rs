use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

use super::flood::{new, random};

/// How long a receiver listens that is dead half of the time, and how long it does not.
const HALF: Duration = Duration::from_secs(7);

/// Receivers of webhooks: one that takes them, fails, is gone or never answers, by the path; and one that is there now and
/// then.
pub(crate) struct Receivers {
    alive: u16,
    sometimes: u16,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        let listener = listen(0).await;
        let alive = port(&listener);
        tokio::spawn(async move { axum::serve(listener, router()).await });
        let listener = listen(0).await;
        let sometimes = port(&listener);
        drop(listener);
        tokio::spawn(come_and_go(sometimes));
        Self { alive, sometimes }
    }

    /// An address that nobody was told at.
    pub(crate) fn any(&self) -> String {
        let (port, path) = match random(20) {
            0..=9 => (self.alive, "taken"),
            10..=13 => (self.alive, "failing"),
            14..=15 => (self.alive, "gone"),
            16 => (self.alive, "silent"),
            _ => (self.sometimes, "taken"),
        };
        format!("http://127.0.0.1:{port}/{path}/{}", new())
    }
}

fn router() -> Router {
    Router::new()
        .route("/taken/{id}", post(async || StatusCode::NO_CONTENT))
        .route("/failing/{id}", post(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/gone/{id}", post(async || StatusCode::GONE))
        .route("/silent/{id}", post(std::future::pending::<StatusCode>))
}

async fn come_and_go(port: u16) {
    loop {
        let listener = listen(port).await;
        let _ = tokio::time::timeout(HALF, async { axum::serve(listener, router()).await }).await;
        tokio::time::sleep(HALF).await;
    }
}

async fn listen(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).await.expect("a port")
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("an address").port()
}
