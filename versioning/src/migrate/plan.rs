//! Which gates a request has to pass. Pure.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use stonework_core::RequestHead;

use super::document::Document;
use super::edits::Edits;
use super::gate::Gate;
use super::gate_error::GateError;
use super::settings::Settings;
use crate::{ApiVersion, Index, PathSegment};

/// The gates between the version of a request and the newest, oldest first.
pub(super) struct Plan {
    pub(super) settings: Arc<Settings>,
    pub(super) version: ApiVersion,
    gates: Box<[u16]>,
    /// Events are migrated by who makes them.
    pub(super) events_taken: AtomicBool,
}

/// Which way, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
    Error,
}

/// Why a body could not be migrated.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It is no JSON.
    NotJson(GateError),
    /// The gate of this description says no.
    Gate(String, GateError),
}

impl Plan {
    /// The gates for this request, if it has to pass any.
    pub(super) fn of(settings: &Arc<Settings>, head: &RequestHead<'_>) -> Option<Self> {
        let version = head.extensions.get::<ApiVersion>()?;
        let older = settings.gates_above(version.index())?;
        let path = path_without_version(&settings.paths, version, head.uri.path());
        let passed = older.filter(|at| settings.gates[*at].1.is_for(head, &path));
        // There are fewer gates than `u16` counts.
        let gates: Box<[u16]> = passed.map(|at| at as u16).collect();
        if gates.is_empty() {
            return None;
        }
        let (settings, version) = (Arc::clone(settings), version.clone());
        Some(Self { settings, version, gates, events_taken: AtomicBool::new(false) })
    }

    pub(super) fn gates(&self) -> impl DoubleEndedIterator<Item = &Gate> {
        self.gates.iter().map(|at| &self.settings.gates[usize::from(*at)].1)
    }

    pub(super) fn has(&self, way: Way) -> bool {
        self.gates().any(|gate| !way.edits(gate).is_empty())
    }

    /// Takes the text over all gates. What no gate changes is as it was, byte for byte.
    pub(super) fn migrate<'t>(&self, way: Way, text: &'t [u8]) -> Result<Cow<'t, [u8]>, Failed> {
        let mut document = Document::parse(text).map_err(Failed::NotJson)?;
        let mut pass = |gate: &Gate| {
            let failed = |error| Failed::Gate(gate.description().to_owned(), error);
            way.edits(gate).apply(&mut document).map_err(failed)
        };
        match way {
            Way::Request => self.gates().try_for_each(&mut pass)?,
            Way::Response | Way::Error => self.gates().rev().try_for_each(&mut pass)?,
        }
        if !document.is_changed() {
            return Ok(Cow::Borrowed(text));
        }
        Ok(Cow::Owned(document.to_bytes()))
    }

    pub(super) fn migrate_bytes(&self, way: Way, text: &Bytes) -> Result<Bytes, Failed> {
        Ok(match self.migrate(way, text)? {
            Cow::Borrowed(_) => text.clone(),
            Cow::Owned(migrated) => migrated.into(),
        })
    }

    pub(super) fn are_events_taken(&self) -> bool {
        self.events_taken.load(Ordering::Acquire)
    }
}

impl Way {
    pub(super) const fn edits(self, gate: &Gate) -> &Edits {
        match self {
            Self::Request => &gate.request,
            Self::Response => &gate.response,
            Self::Error => &gate.error,
        }
    }
}

impl Settings {
    /// The places of the gates that newer versions than this one have, oldest first.
    fn gates_above(&self, index: Index) -> Option<std::ops::Range<usize>> {
        let first = self.gates.partition_point(|(introduced, _)| *introduced <= index);
        (first < self.gates.len()).then_some(first..self.gates.len())
    }
}

fn path_without_version<'p>(
    paths: &[PathSegment],
    version: &ApiVersion,
    path: &'p str,
) -> Cow<'p, str> {
    if version.stripped_after.is_some() || version.source() != Some(crate::Source::Path) {
        return Cow::Borrowed(path);
    }
    let without = paths.iter().find_map(|segment| {
        let (_, end) = segment.split(path)?;
        Some(match (&**segment.prefix(), &path[end..]) {
            ("", "") => Cow::Borrowed("/"),
            ("", rest) => Cow::Borrowed(rest),
            (prefix, rest) => Cow::Owned([prefix, rest].concat()),
        })
    });
    without.unwrap_or(Cow::Borrowed(path))
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.gates().map(Gate::description)).finish()
    }
}
