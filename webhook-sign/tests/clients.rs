//! The SDKs of those who send webhooks, as they come, on the other side: they sign and we verify, we sign and they verify.
//! Every bit is flipped that crosses the wire between the two, and what one takes and the other does not is told apart.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "../../examples/tests/clients/python.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod python;
#[path = "support/server.rs"]
mod server;

mod clients {
    mod octokit;
    mod receives;
    mod sdk;
    mod sends;
    mod slack;
    mod standard;
    mod stripe;
    mod svix;
    mod twilio;
    mod wire;
}
