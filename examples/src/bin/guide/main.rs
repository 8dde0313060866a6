//! The programs of `docs/guide.md`: `cargo run -p examples --bin guide -- 3` is the service after the third step, and
//! without a number it is the last one. `PORT` is 3000 unless you say otherwise.

mod account;
mod bare;
mod charges;
mod cors;
mod ending;
mod endpoints;
mod events;
mod idempotency;
mod pages;
mod ratelimit;
mod redis;
#[path = "../payments/stop.rs"]
mod stop;
mod telling;
mod versions;
mod webhooks;

use std::env;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use ending::Service;
use stop::Stop;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let step = env::args().nth(1).map_or(Ok(10), |step| step.parse())?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let service = after(step).await?;
    // Before the line below, or a signal right after it would find nobody listening.
    let stop = Stop::listen()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    service.serve(listener, stop).await
}

async fn after(step: u8) -> Result<Service, Error> {
    Ok(match step {
        1 => bare::app().await?.into(),
        2 => idempotency::app().await?.into(),
        3 => ratelimit::app().await?.into(),
        4 => versions::app().await?.into(),
        5 => pages::app().await?.into(),
        6 => events::app().await?.into(),
        7 => telling::service().await?,
        8 => webhooks::service().await?,
        9 => cors::service().await?,
        10 => redis::service().await?,
        _ => return Err("there are steps 1 to 10".into()),
    })
}
