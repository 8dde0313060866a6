use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "utoipa-6")]
use stonework_core::RequestHead;
use stonework_core::{ConfigError, ConfigErrors};
use tower_layer::Layer;

use super::changelog::Changelog;
use super::gate::Gate;
use super::service::MigrationService;
use super::settings::Settings;
use crate::table::Table;
use crate::{Index, VersionLayer};

/// Takes the bodies of older clients over the gates of newer versions, so that handlers know only the
/// newest shape. It goes inside of a [`VersionLayer`], which leaves an [`ApiVersion`](crate::ApiVersion) for
/// it. Feature `migrate`.
///
/// A request that has no gate to pass is passed on as it is, and its body is not looked at. See [`Gate`] for
/// what a gate is.
#[derive(Clone, Debug)]
pub struct MigrationLayer {
    settings: Arc<Settings>,
}

impl VersionLayer {
    /// A builder of migrations between the versions of this layer. Feature `migrate`.
    #[cfg_attr(docsrs, doc(cfg(feature = "migrate")))]
    pub fn migrations(&self) -> MigrationLayerBuilder {
        let shared = &self.shared;
        MigrationLayerBuilder {
            table: Arc::clone(&shared.table),
            settings: Settings {
                gates: Vec::new(),
                names: shared.names.clone(),
                paths: shared.paths.clone(),
                table: Arc::clone(&shared.table),
                max_request_body: 2 << 20,
                max_response_body: 8 << 20,
                read_timeout: Duration::from_secs(30),
                answer_timeout: Duration::from_secs(60),
                problem_base: shared.problem_base.clone(),
            },
            errors: Vec::new(),
        }
    }
}

impl MigrationLayer {
    /// What each version changed, for people.
    pub fn changelog(&self) -> Changelog {
        Changelog { settings: Arc::clone(&self.settings) }
    }
}

#[cfg(feature = "utoipa-6")]
impl MigrationLayer {
    pub(crate) fn index(&self, version: &str) -> Option<Index> {
        self.settings.table.find(version)
    }

    pub(crate) fn problem_base(&self) -> &str {
        &self.settings.problem_base
    }

    /// Are requests edited, and responses, in this version and at this path without it?
    pub(crate) fn edits(&self, index: Index, head: &RequestHead<'_>, path: &str) -> (bool, bool) {
        let newer = self.settings.gates.iter().filter(|(introduced, _)| *introduced > index);
        let gates = newer.filter(|(_, gate)| gate.is_for(head, path));
        gates.fold((false, false), |(requests, responses), (_, gate)| {
            let of_responses = !gate.response.is_empty() || !gate.error.is_empty();
            (requests || !gate.request.is_empty(), responses || of_responses)
        })
    }
}

impl<S> Layer<S> for MigrationLayer {
    type Service = MigrationService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MigrationService::new(inner, Arc::clone(&self.settings))
    }
}

/// Builds a [`MigrationLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct MigrationLayerBuilder {
    table: Arc<dyn Table>,
    settings: Settings,
    errors: Vec<ConfigError>,
}

impl MigrationLayerBuilder {
    /// Something that this version changed. Clients of older versions pass the gate: their requests on the
    /// way up, from the oldest gate to the newest, and the responses on the way down. Gates of one version
    /// are passed in the order in which they are said, and the other way round.
    pub fn gate(mut self, version: &str, gate: impl FnOnce(Gate) -> Gate) -> Self {
        let gate = gate(Gate::default());
        gate.check(version, &mut self.errors);
        match self.table.find(version) {
            Some(index) if index == Index::of(0) => {
                let reason = "is the oldest version, so that nobody passes its gates; leave it out";
                self.errors.push(ConfigError::new("gate", version, reason));
            }
            Some(index) => self.settings.gates.push((index, gate)),
            None => {
                let reason = "is none of the layer's versions; name one of them";
                self.errors.push(ConfigError::new("gate", version, reason));
            }
        }
        self
    }

    /// How large the body of a request may be that has to be migrated, in bytes. Default 2 MiB.
    ///
    /// What is looked into takes up more than its text: mostly a few times as much, and at worst a hundred times,
    /// which is an array of empty objects of which each gets a member. Say less where requests are small.
    pub fn max_request_body(mut self, bytes: usize) -> Self {
        self.settings.max_request_body = bytes;
        self
    }

    /// How large the body of a response may be that has to be migrated, in bytes. Default 8 MiB. A larger
    /// one is refused with 500.
    pub fn max_response_body(mut self, bytes: usize) -> Self {
        self.settings.max_response_body = bytes;
        self
    }

    /// How long a client may take to send a body that has to be migrated. Default 30 s.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.settings.read_timeout = time;
        self
    }

    /// How long a handler may take over a body that has to be migrated, from its head on. Default 60 s.
    pub fn answer_timeout(mut self, time: Duration) -> Self {
        self.settings.answer_timeout = time;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<MigrationLayer, ConfigErrors<ConfigError>> {
        let Self { mut settings, mut errors, .. } = self;
        settings.gates.sort_by_key(|(index, _)| *index);
        if settings.gates.is_empty() && errors.is_empty() {
            errors.push(ConfigError::new("gate", "none", "migrates nothing; add a gate"));
        }
        if settings.gates.len() > usize::from(u16::MAX) {
            let reason = "are more than are told apart; use up to 65535";
            errors.push(ConfigError::new("gate", settings.gates.len(), reason));
        }
        for (setting, time) in
            [("read_timeout", settings.read_timeout), ("answer_timeout", settings.answer_timeout)]
        {
            if time < Duration::from_millis(1) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
            }
        }
        ConfigErrors::check(errors, Ok(MigrationLayer { settings: Arc::new(settings) }))
    }
}

impl std::fmt::Debug for MigrationLayerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MigrationLayerBuilder")
            .field("gates", &self.settings)
            .finish_non_exhaustive()
    }
}
