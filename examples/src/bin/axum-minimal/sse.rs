//! `cargo run --bin axum-minimal-sse`, and `curl -N 127.0.0.1:3000/events & curl -d 'It rains' 127.0.0.1:3000`

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Router, routing::get, routing::post};
use stonework_sse::{
    Event, Hub, LastEventId, Publish, SseBody, SseLayer, Subscribe, SubscribeError,
};
use tokio::net::TcpListener;

async fn events(
    State(hub): State<Hub>,
    after: Option<LastEventId>,
) -> Result<impl IntoResponse, SubscribeError> {
    let events = hub.subscribe(Subscribe::to("news").after(after)).await?;
    Ok(SseBody::new(events).into_response())
}

async fn report(State(hub): State<Hub>, text: String) -> &'static str {
    let published = hub.publish(Publish::to("news", Event::new(&text))).await;
    published.map_or("nobody was told\n", |_| "told\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let streams = SseLayer::builder().build()?;
    let routes =
        Router::new().route("/", post(report)).route("/events", get(events).layer(streams));
    let app = routes.with_state(Hub::in_memory());

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
