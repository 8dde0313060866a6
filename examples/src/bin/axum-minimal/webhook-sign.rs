//! `STRIPE_WEBHOOK_SECRET=whsec_… cargo run --bin axum-minimal-webhook-sign`, and `curl -i -d '{}'
//! 127.0.0.1:3000/webhooks/stripe`, which is not signed

use axum::{Router, routing::post};
use stonework_webhook_sign::{Sender, Verified, VerifyLayer, scheme};
use tokio::net::TcpListener;

async fn paid(verified: Verified, body: String) {
    println!("{:?} says {body}", verified.id());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("STRIPE_WEBHOOK_SECRET")?;
    let webhooks =
        VerifyLayer::builder().sender(Sender::new(scheme::STRIPE).secret(secret)).build()?;

    let app: Router = Router::new().route("/webhooks/stripe", post(paid)).layer(webhooks);

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
