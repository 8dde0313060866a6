//! The page for people at `/`, where one sees each stone work on this very process.
//!
//! The page is some files that need nothing but each other. What it asks for besides the API stands below `/console/`, and
//! only with `DEMO=1`. None of this is under CORS, so no page of another origin reads it; see `local.rs` for the rest.

mod about;
mod drip;
mod explain;
mod files;
mod local;
mod receivers;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::any;
use stonework_webhook_delivery::Secret;
use stonework_webhook_sign::{Sender, scheme};

use crate::LARGEST_BODY;
use crate::config::{Config, Failure};
use crate::connection::Redis;
use crate::problem::Refusal;
use crate::webhooks::{self, Known, Seen};

pub(crate) struct Console {
    demo: Option<Demo>,
}

/// What the page asks for, and by what it signs webhooks.
struct Demo {
    router: Router,
    secret: Secret,
}

impl Console {
    pub(crate) fn new(config: &Config, redis: Option<Redis>) -> Result<Self, Failure> {
        let demo = if config.demo { Some(Demo::new(config, redis)?) } else { None };
        Ok(Self { demo })
    }

    /// The page as a sender of webhooks. What signs them is new with every process, and good for nothing else.
    pub(crate) fn sender(&self, seen: &Seen) -> Result<Option<Known>, Failure> {
        let Some(demo) = &self.demo else { return Ok(None) };
        let sender = Sender::new(scheme::STANDARD).secret(demo.secret.reveal());
        webhooks::sender("console", sender, seen).map(Some)
    }

    /// Puts the page before the API.
    pub(crate) fn before(self, api: Router) -> Router {
        let asked = self.demo.map_or_else(Router::new, |demo| demo.router);
        let asked = asked
            .route("/console/{*other}", any(async || Refusal::UnknownRoute))
            .layer(from_fn(local::no_store));
        files::router()
            .merge(asked)
            .method_not_allowed_fallback(async || Refusal::WrongMethod)
            .fallback_service(api)
    }
}

impl Demo {
    fn new(config: &Config, redis: Option<Redis>) -> Result<Self, Failure> {
        let secret = Secret::random().map_err(Failure::Io)?;
        let router = Router::new()
            .merge(about::router(config, &secret))
            .merge(drip::router(redis)?)
            .merge(explain::router(config.origins.as_deref())?)
            .merge(receivers::router()?)
            .method_not_allowed_fallback(async || Refusal::WrongMethod)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(from_fn(local::only_the_console));
        Ok(Self { router, secret })
    }
}
