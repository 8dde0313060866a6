use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use stonework_core::{Clock, StoreGuard};
use tokio::sync::Notify;

use crate::store::Outbox;
use crate::transport::{Limits, Transport};
use crate::{Endpoints, Event, Policy};

pub(crate) type Hook = Box<dyn Fn(&Event) + Send + Sync>;

/// What all clones of a delivery, and its workers, have in common.
pub(crate) struct Shared {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) guard: StoreGuard,
    pub(crate) endpoints: Arc<dyn Endpoints>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) settings: Settings,
    pub(crate) on_event: Option<Hook>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Something was enqueued here.
    pub(crate) wake: Notify,
}

/// Numbers and times.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) concurrency: usize,
    pub(crate) per_endpoint: u32,
    pub(crate) lease: Duration,
    pub(crate) poll_every: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) keep_delivered: Duration,
    pub(crate) keep_dead: Duration,
    pub(crate) max_body: usize,
    pub(crate) max_answer: usize,
    pub(crate) user_agent: HeaderValue,
}

impl Shared {
    pub(crate) fn tell(&self, event: &Event) {
        trace(event);
        if let Some(hook) = &self.on_event {
            hook(event);
        }
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits { timeout: self.policy.attempt_timeout, answer: self.settings.max_answer }
    }
}

fn trace(event: &Event) {
    use crate::trace::event as traced;
    match event {
        Event::Delivered { id, tries, took } => {
            let millis = took.as_millis() as u64;
            traced!(DEBUG, "delivered", id = id.to_string(), tries = *tries, millis = millis);
        }
        Event::Failed { id, tries, status, fault, after } => {
            let fault = fault.map_or("answer", crate::Fault::slug);
            let (status, after) = (status.unwrap_or_default(), after.as_secs());
            traced!(
                DEBUG,
                "failed",
                id = id.to_string(),
                tries = *tries,
                status = status,
                fault = fault,
                retry_in_seconds = after,
            );
        }
        Event::Dead { id, tries, reason } => {
            traced!(WARN, "dead", id = id.to_string(), tries = *tries, reason = reason.slug());
        }
        Event::Disabled { endpoint, reason } => {
            traced!(WARN, "disabled", endpoint = endpoint.as_str(), reason = reason.slug());
        }
        Event::Recovered { endpoint } => {
            traced!(INFO, "recovered", endpoint = endpoint.as_str());
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("policy", &self.policy)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
