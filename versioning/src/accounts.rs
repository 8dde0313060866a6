//! What a layer knows of accounts.

use std::sync::Arc;

use http::HeaderName;
use stonework_core::{ConfigError, Key, RequestHead};

use crate::last_seen::Recorder;
use crate::pins::{CachedPins, PinOutage};
use crate::table::Table;
use crate::{Index, LastSeen, Pins};

pub(crate) type AccountFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Accounts {
    pub(crate) account: Option<AccountFn>,
    pub(crate) pins: Option<CachedPins>,
    pub(crate) last_seen: Option<Recorder>,
}

impl Accounts {
    pub(crate) fn account(&self, head: &RequestHead<'_>) -> Option<Key> {
        self.account.as_ref().and_then(|account| account(head))
    }
}

/// What was said of accounts.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) account: Option<AccountFn>,
    pub(crate) pins: Option<Pins>,
    pub(crate) last_seen: Option<LastSeen>,
}

/// What comes of it.
pub(crate) struct Built {
    pub(crate) accounts: Accounts,
    /// What is served while pins are not known.
    pub(crate) outage: Option<Index>,
    /// What tells the account.
    pub(crate) varies_by: Option<HeaderName>,
}

impl Said {
    /// With the versions of a layer, and their names, oldest first.
    pub(crate) fn build(
        self,
        table: &dyn Table,
        names: &[Arc<str>],
        errors: &mut Vec<ConfigError>,
    ) -> Built {
        let Self { account, pins, last_seen } = self;
        if account.is_none() && (pins.is_some() || last_seen.is_some()) {
            let reason = "needs to know who is asking; say account(…) too";
            errors.push(ConfigError::new("account", "none", reason));
        }
        let last_seen = last_seen.map(LastSeen::recorder);
        let Some(pins) = pins else {
            let accounts = Accounts { account, pins: None, last_seen };
            return Built { accounts, outage: None, varies_by: None };
        };
        for (setting, time) in pins.faults() {
            errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
        }
        let varies_by = header(&pins.varies_by, errors);
        let mut find = |setting, text: &String| named(table, setting, text, errors);
        let outage = match &pins.on_outage {
            PinOutage::Serve(text) => find("on_outage", text),
            PinOutage::Refuse => None,
        };
        let first = pins.first.as_ref().map(|text| find("first", text));
        let first = first.map_or(names.last(), |index| names.get(index?.get()));
        let pins = Some(pins.cached(first.cloned().unwrap_or_default()));
        Built { accounts: Accounts { account, pins, last_seen }, outage, varies_by }
    }
}

fn header(name: &str, errors: &mut Vec<ConfigError>) -> Option<HeaderName> {
    let header = HeaderName::from_bytes(name.as_bytes()).ok();
    if header.is_none() {
        let reason = "is no name of a header; use one such as authorization";
        errors.push(ConfigError::new("varies_by", name, reason));
    }
    header
}

fn named(
    table: &dyn Table,
    setting: &'static str,
    text: &str,
    errors: &mut Vec<ConfigError>,
) -> Option<Index> {
    let found = table.find(text);
    if found.is_none() {
        let reason = "is none of the versions; name one of them";
        errors.push(ConfigError::new(setting, text, reason));
    }
    found
}
