//! `cargo run --bin axum-minimal-ratelimit`, and 21 times in a row: `curl -i 127.0.0.1:3000`

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::get};
use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = RateLimitLayer::builder()
        .policy(
            Policy::new("burst")
                .rate(100)
                .per(Duration::from_secs(60))
                .burst(20)
                .key_ip(ClientIp::peer()),
        )
        .build()?;

    let app: Router = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(ServiceBuilder::new().layer(limit));

    // The address of the one who connects comes from axum (feature `axum-0-8`):
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
