//! `cargo run --bin axum-minimal-versioning`, and `curl -i 127.0.0.1:3000/v1/orders`

use axum::{Router, routing::get};
use stonework_versioning::{ApiVersion, Major, PathSegment, VersionLayer};
use tokio::net::TcpListener;

async fn orders(version: ApiVersion) -> String {
    format!("orders, in the shape of {}\n", version.resolved())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let versions = VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2036-01-01").successor("/v2"))
        .version("2", |v| v)
        .read(PathSegment::first().strip(true))
        .build()?;

    // `/v1/orders` and `/v2/orders`. Feature `axum-0-8`; without axum it is `versions.layer(service)`.
    let app = versions.around(Router::new().route("/orders", get(orders)));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
