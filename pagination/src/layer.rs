use std::fmt;
use std::sync::Arc;

use stonework_core::{ConfigError, ConfigErrors, Key, RequestHead};
use tower_layer::Layer;

use crate::link::{Base, is_base};
use crate::profile::{Profile, Style};
use crate::rejection::PROBLEM_BASE;
use crate::service::PageService;
use crate::shared::{BindFn, Shared};
use crate::{Cursors, Warning};

/// Reads which page a request asks for, refuses what cannot be given, and tells the pages around in `Link`.
///
/// It belongs at the routes of lists. Only `GET` and `HEAD` are looked at, and neither body is touched.
#[derive(Clone)]
pub struct PageLayer {
    pub(crate) shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl PageLayer {
    /// A builder with the contract [`Profile::plain`] and relative links.
    pub fn builder() -> PageLayerBuilder {
        PageLayerBuilder {
            profile: Profile::plain(),
            cursors: None,
            owner: None,
            bind: Vec::new(),
            base: Base::Relative,
            problem_base: PROBLEM_BASE.to_owned(),
            deny_warnings: false,
        }
    }

    /// What is allowed and may surprise, in its cursors too.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Debug for PageLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLayer").field("profile", &self.shared.profile).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for PageLayer {
    type Service = PageService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PageService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`PageLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct PageLayerBuilder {
    profile: Profile,
    cursors: Option<Cursors>,
    owner: Option<BindFn>,
    bind: Vec<BindFn>,
    base: Base,
    problem_base: String,
    deny_warnings: bool,
}

impl PageLayerBuilder {
    /// The wire contract. Default [`Profile::plain`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// How cursors are made and looked at. To be said, unless the contract has ids of objects for cursors.
    pub fn cursors(mut self, cursors: Cursors) -> Self {
        self.cursors = Some(cursors);
        self
    }

    /// Binds cursors to who is asking. Those that are kept in a store are [taken back](Cursors::revoke) by it.
    pub fn owner(
        mut self,
        owner: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.owner = Some(Arc::new(owner));
        self
    }

    /// Binds cursors to something besides the path and the filters in the query: to who is asking, to the
    /// version of the API. One that was made for something else is as good as none. May be said more than
    /// once; what has no value for a request is bound as nothing.
    pub fn bind(
        mut self,
        bind: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.bind.push(Arc::new(bind));
        self
    }

    /// What links begin with: `https://api.example.com`. By default they are relative.
    pub fn base(mut self, base: &str) -> Self {
        self.base = Base::Configured(base.to_owned());
        self
    }

    /// Makes links absolute by what the request says of its host. Whoever can send a `Host` that is not
    /// yours, and make a cache keep the answer, leads your clients to another service. Over HTTP/1 no request says
    /// its scheme, which is taken for `http`.
    pub fn danger_base_from_host(mut self) -> Self {
        self.base = Base::DangerHost;
        self
    }

    /// What the type URIs of problems begin with. Default `urn:stonework:pagination:`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.problem_base = base.into();
        self
    }

    /// Makes `build` fail on what would be a [`Warning`].
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<PageLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        self.profile.check(&mut errors);
        if self.cursors.is_none() && self.profile.has_cursors() {
            let reason = "leads nowhere; say cursors(Cursors::signed(…)) too";
            errors.push(ConfigError::new("cursors", "none", reason));
        }
        if self.cursors.is_some() && !self.profile.has_cursors() {
            let reason = "are ids of objects or numbers of pages in this contract; leave them out";
            errors.push(ConfigError::new("cursors", "some", reason));
        }
        if self.profile.style == Style::Azure && self.base == Base::Relative {
            let reason = "is no beginning of nextLink, which has to be absolute; use one such as \
                          https://api.example.com";
            errors.push(ConfigError::new("base", "none", reason));
        }
        if let Base::Configured(base) = &self.base
            && !is_base(base)
        {
            let reason = "is no beginning of a link; use one such as https://api.example.com, \
                          without a slash at the end";
            errors.push(ConfigError::new("base", base, reason));
        }
        let warnings = self.warnings();
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        let shared = Shared {
            profile: Arc::new(self.profile),
            cursors: self.cursors,
            owner: self.owner,
            bind: self.bind,
            base: self.base,
            problem_base: self.problem_base.into(),
        };
        ConfigErrors::check(
            errors,
            Ok(PageLayer { shared: Arc::new(shared), warnings: warnings.into() }),
        )
    }

    fn warnings(&self) -> Vec<Warning> {
        let cursors = self.cursors.iter().flat_map(Cursors::warnings).cloned();
        cursors.chain((self.base == Base::DangerHost).then_some(Warning::BaseFromHost)).collect()
    }
}

impl fmt::Debug for PageLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLayerBuilder").field("profile", &self.profile).finish_non_exhaustive()
    }
}
