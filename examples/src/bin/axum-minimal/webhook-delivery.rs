//! With the URL of a receiver, such as that of `cargo run --bin webhook-receiver`:
//! `RECEIVER=http://127.0.0.1:4000 SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw \
//! cargo run --bin axum-minimal-webhook-delivery`, and `curl -X POST 127.0.0.1:3000`

use axum::{Router, routing::post};
use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{
    Delivery, Endpoint, EndpointId, MemoryEndpoints, Message, Signer, scheme,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoints = MemoryEndpoints::new();
    let customer = EndpointId::new("ep_customer_7")?;
    let endpoint = Endpoint::builder(std::env::var("RECEIVER")?)
        .signer(Signer::new(scheme::STANDARD).secret(std::env::var("SECRET")?))
        .build()?;
    endpoints.insert(customer.clone(), endpoint);

    let delivery = Delivery::builder().endpoints(endpoints).outbox(MemoryOutbox::new());
    // Only here, where the receiver is on this machine.
    let delivery = delivery.guard(EgressGuard::builder().danger_allow_loopback().build()?);
    let delivery = delivery.build()?;
    let _workers = delivery.start();

    let pay = async move || {
        let paid = Message::new(r#"{"type":"invoice.paid","data":{"id":"in_7"}}"#).id("evt_7");
        delivery.enqueue(&customer, paid).await.map_or("lost\n", |_| "told\n")
    };
    let app: Router = Router::new().route("/", post(pay));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
