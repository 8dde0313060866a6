use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use stonework_core::{ConfigError, Key, RequestHead};

use crate::policy::{HoldsFn, check_name};
use crate::rejection::Rejection;
use crate::sync::{Mutex, lock};
use crate::who::{MissingKey, Who, key_methods};

/// How many requests of one client may be under way at once, in this process.
///
/// A request is under way until its response body has ended or was dropped. One too many is
/// answered 429, and costs no tokens. Memory grows with the requests that are under way, and with
/// nothing else.
///
/// ```
/// use stonework_ratelimit::{ClientIp, Concurrency};
///
/// Concurrency::new("uploads").at_most(4).key_ip(ClientIp::peer());
/// ```
#[derive(Clone)]
#[must_use = "a policy does nothing until it is given to a layer"]
pub struct Concurrency {
    name: Arc<str>,
    most: u32,
    who: Who,
    missing: MissingKey,
    only: Option<HoldsFn>,
    shadow: bool,
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrency")
            .field("name", &self.name)
            .field("most", &self.most)
            .field("key", &self.who)
            .finish_non_exhaustive()
    }
}

impl Concurrency {
    /// A policy of this name: 1 to 64 characters of visible ASCII or spaces. Clients see it.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            most: 0,
            who: Who::Unset,
            missing: MissingKey::Reject,
            only: None,
            shadow: false,
        }
    }

    /// How many at once, at least 1.
    pub const fn at_most(mut self, requests: u32) -> Self {
        self.most = requests;
        self
    }

    key_methods!();

    /// Counts, and never denies. A `tracing` event tells of each request that would have been one
    /// too many.
    pub const fn shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn check(self, errors: &mut Vec<ConfigError>) -> Gate {
        check_name(&self.name, errors);
        self.who.errors(&self.name, errors);
        if self.most == 0 {
            let value = format!("0, of {:?}", self.name);
            let reason = "lets nothing through; use at least 1";
            errors.push(ConfigError::shown("at_most", value, reason));
        }
        Gate { concurrency: self, held: Arc::default() }
    }
}

type Held = Arc<Mutex<HashMap<Key, u32>>>;

/// A [`Concurrency`], checked, and who is inside.
#[derive(Clone)]
pub(crate) struct Gate {
    concurrency: Concurrency,
    held: Held,
}

impl Gate {
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.concurrency.name
    }

    #[cfg(feature = "utoipa-6")]
    pub(crate) const fn is_shadow(&self) -> bool {
        self.concurrency.shadow
    }

    /// As [`Who::refuses_unknown`].
    #[cfg(feature = "utoipa-6")]
    pub(crate) fn refuses_unknown(&self) -> Option<bool> {
        self.concurrency.who.refuses_unknown(self.concurrency.missing)
    }

    /// A permit, if the request needs one.
    pub(crate) fn enter(&self, head: &RequestHead<'_>) -> Result<Option<Permit>, Rejection> {
        let Concurrency { most, who, missing, only, shadow, .. } = &self.concurrency;
        if only.as_ref().is_some_and(|only| !only(head)) {
            return Ok(None);
        }
        let Some(key) = who.key(head, *missing) else {
            return match missing {
                MissingKey::Skip => Ok(None),
                _ if who.is_address() => Err(Rejection::AddressUnknown),
                _ => Err(Rejection::KeyMissing),
            };
        };
        let mut held = lock(&self.held);
        let count = held.entry(key.clone()).or_default();
        if *count >= *most {
            crate::trace::event!(DEBUG, policy = &**self.name(), shadow, "too many at once");
            if !shadow {
                return Err(Rejection::TooManyAtOnce);
            }
        }
        *count = count.saturating_add(1);
        drop(held);
        Ok(Some(Permit { held: Arc::clone(&self.held), key }))
    }
}

/// All permits that a request needs. If it does not get them, why, and which policy has no more.
#[inline]
pub(crate) fn enter<'a>(
    gates: &'a [Gate],
    head: &RequestHead<'_>,
) -> Result<Permits, (Rejection, Option<&'a Arc<str>>)> {
    let mut permits = Permits::new();
    for gate in gates {
        match gate.enter(head) {
            Ok(permit) => permits.extend(permit),
            Err(rejection) => {
                let named = (rejection == Rejection::TooManyAtOnce).then(|| gate.name());
                return Err((rejection, named));
            }
        }
    }
    Ok(permits)
}

/// Most requests have none, and a vector that is empty allocates nothing.
pub(crate) type Permits = Vec<Permit>;

/// A request that is under way, until this is dropped.
pub(crate) struct Permit {
    held: Held,
    key: Key,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn gate(concurrency: Concurrency) -> Gate {
        let mut errors = Vec::new();
        let gate = concurrency.check(&mut errors);
        assert_eq!(errors, []);
        gate
    }

    #[test]
    fn permits_come_back_and_leave_nothing_behind() {
        let gate = gate(Concurrency::new("c").at_most(2).key_header("x-key"));
        let request = Request::get("/").header("x-key", "a").body(()).unwrap();
        let head = RequestHead::of(&request);
        let first = gate.enter(&head).unwrap();
        let _second = gate.enter(&head).unwrap();
        assert!(matches!(gate.enter(&head), Err(Rejection::TooManyAtOnce)));
        let other = Request::get("/").header("x-key", "b").body(()).unwrap();
        assert!(gate.enter(&RequestHead::of(&other)).is_ok());
        drop(first);
        let third = gate.enter(&head).unwrap();
        drop((third, _second));
        assert!(lock(&gate.held).is_empty());
    }

    #[test]
    fn a_shadow_counts_beyond_its_limit() {
        let gate = gate(Concurrency::new("c").at_most(1).key_global().shadow(true));
        let request = Request::get("/").body(()).unwrap();
        let head = RequestHead::of(&request);
        let permits: Vec<_> = (0..3).map(|_| gate.enter(&head).unwrap()).collect();
        assert_eq!(permits.len(), 3);
        drop(permits);
        assert!(lock(&gate.held).is_empty());
    }
}
