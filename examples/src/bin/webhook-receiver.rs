//! Receives webhooks, and prints those that are signed: `STANDARD_WEBHOOK_SECRET=whsec_… cargo run --bin
//! webhook-receiver`. `PORT` is 4000 unless you say otherwise.

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use axum::routing::post;
use axum::{Router, http::StatusCode};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{Sender, Verified, VerifyLayer, scheme};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = env::var("STANDARD_WEBHOOK_SECRET")?;
    let port = env::var("PORT").map_or(Ok(4000), |port| port.parse())?;
    let webhooks = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(secret))
        .store(MemoryStore::new())
        .on_reject(|rejection, _| eprintln!("refused: {}", rejection.reason()))
        .build()?;
    let app: Router = Router::new().route("/", post(print)).layer(webhooks);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn print(verified: Verified, body: String) -> StatusCode {
    println!("{} {body}", verified.id().unwrap_or_default());
    StatusCode::NO_CONTENT
}
