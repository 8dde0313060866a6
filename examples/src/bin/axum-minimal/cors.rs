//! `cargo run --bin axum-minimal-cors`, and `curl -i 127.0.0.1:3000 -H 'origin: https://app.example.com'`

use axum::{Router, routing::get};
use stonework_cors::CorsLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com", "https://*.preview.example.com"])
        .methods(["PUT", "DELETE"])
        .include(["authorization", "content-type"])
        .build()?;

    let app: Router = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(ServiceBuilder::new().layer(cors));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
