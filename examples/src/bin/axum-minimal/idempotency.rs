//! `cargo run --bin axum-minimal-idempotency`, and twice:
//! `curl -i -X POST 127.0.0.1:3000/transfers -H 'idempotency-key: rent-may'`

use axum::{Router, routing::post};
use stonework_idempotency::IdempotencyLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let idempotency = IdempotencyLayer::builder().single_tenant().build()?;

    let app: Router = Router::new()
        .route("/transfers", post(|| async { "moved" }))
        .layer(ServiceBuilder::new().layer(idempotency));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
