//! Step 9: pages in browsers may use it, those that you name.

use std::time::Duration;

use stonework_cors::CorsLayer;

use crate::Error;
use crate::ending::Service;

pub(crate) fn cors() -> Result<CorsLayer, Error> {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com", "http://localhost:*"])
        .include(["authorization", "content-type"])
        .include(stonework_idempotency::REQUEST_HEADERS)
        .include(stonework_sse::REQUEST_HEADERS)
        .include(stonework_versioning::REQUEST_HEADERS)
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_pagination::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .expose(stonework_versioning::RESPONSE_HEADERS)
        .max_age(Duration::from_secs(600));
    Ok(cors.build()?)
}

pub(crate) async fn service() -> Result<Service, Error> {
    let Service { router, ending } = crate::webhooks::service().await?;
    Ok(Service { router: cors()?.around(router), ending })
}
