//! The programs before a real browser: what a visitor sees of each stone in the console of payments, and gRPC-web.
//!
//! Run by `./test.sh browser`, which installs Chromium and what drives it. With `STONEWORK_SCREENSHOTS=FOLDER` the stories
//! of `looks` leave pictures there.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/browser/chromium.rs"]
#[allow(dead_code)] // Others need more of it.
mod chromium;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
#[path = "browser/script.rs"]
mod script;
#[path = "../../cors/tests/browser/sites.rs"]
#[allow(dead_code)]
mod sites;
mod support;

mod browser {
    #[cfg(feature = "grpc")]
    mod grpc_web;
}

use redis_server::Server;
use script::tell;

const LOOPBACK: (&str, &str) = ("WEBHOOK_ALLOW_LOOPBACK", "1");

/// A test for each story, with these variables of the service.
macro_rules! stories {
    ($($name:ident: $story:literal with $variables:expr;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                tell($story, &$variables).await;
            }
        )*
    };
}

stories! {
    a_payment_is_made_once: "parts.idempotency" with [];
    a_bucket_is_drained_and_refills: "parts.limits" with [];
    a_list_is_paged_through: "parts.pages" with [];
    a_transfer_is_seen_in_two_versions: "parts.versions" with [];
    a_restart_in_memory_leaves_a_gap: "streams.events_in_memory" with [];
    another_origin_is_let_in_or_told_nothing: "origins.cors" with [];
    the_console_has_two_names: "origins.cors_by_its_other_name" with [];
    the_origins_that_are_named_are_let_in:
        "origins.cors_allows_the_partner" with [("ALLOWED_ORIGINS", "http://partner.localhost:*")];
    what_is_the_consoles_is_nobody_elses: "origins.others_learn_nothing" with [];
    a_webhook_is_signed_and_verified: "hooks.webhooks" with [];
    nothing_is_sent_to_this_machine: "hooks.deliveries_are_guarded" with [];
    a_delivery_is_tried_again: "hooks.deliveries" with [LOOPBACK];
    without_demo_it_says_what_is_off: "modes.without_demo" with [("DEMO", "0")];
    it_fits_a_phone: "looks.phone" with [];
    it_is_used_by_keyboard_alone: "looks.keyboard" with [];
    it_is_light_and_dark_and_has_contrast: "looks.light_and_dark" with [];
    it_keeps_still_for_who_wants_that: "looks.motion" with [];
}

#[tokio::test]
async fn a_crash_over_redis_loses_nothing() {
    let redis = Server::start().await;
    let file = std::env::temp_dir().join(format!("console-{}.sqlite", uuid::Uuid::new_v4()));
    let path = file.to_str().expect("UTF-8");
    tell("streams.events_in_redis", &[("REDIS_URL", &redis.url()), ("DATABASE_PATH", path)]).await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{end}"));
    }
}
