use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use stonework_core::{ConfigError, ConfigErrors, Problem, RequestHead};
use tower_layer::Layer;

use crate::decision::{Decision, Denial, Reason};
use crate::policy::{Builder, CorsLayerBuilder, Words};
use crate::reject::PROBLEM_BASE;
use crate::service::CorsService;
use crate::shared::{Counts, DebugFn, HookFn, RenderFn, Shared, Source};
use crate::{PolicyResolver, Warning};

/// Answers the browser's preflights, and tells it which pages may read what the service answers.
///
/// See the [crate](crate) for what it promises and what it cannot.
#[derive(Clone)]
pub struct CorsLayer {
    shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl CorsLayer {
    /// A builder that allows nothing yet.
    pub fn builder() -> CorsLayerBuilder {
        Builder::new()
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How often each reason was given since the layer was built, by this and all its clones: for
    /// metrics.
    pub fn denials(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.iter().map(|reason| (*reason, self.shared.counts.get(*reason)))
    }
}

impl fmt::Debug for CorsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CorsLayer").field("shared", &self.shared).finish()
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = CorsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CorsService::new(inner, Arc::clone(&self.shared))
    }
}

/// What was said of a layer, whatever its policy.
#[derive(Default)]
pub(crate) struct LayerWords {
    resolver: Option<Arc<dyn PolicyResolver>>,
    reject_actual: bool,
    debug: Option<DebugFn>,
    tells: bool,
    on_decision: Option<HookFn>,
    problem_base: Option<String>,
    render: Option<RenderFn>,
    pub(crate) deny_warnings: bool,
}

impl CorsLayerBuilder {
    /// Finds the policy of each request, in place of one that is said here.
    ///
    /// ```
    /// use stonework_cors::{CorsLayer, Policy, RequestHead};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let open = Policy::builder().origins(["*"]).build()?;
    /// let ours = Policy::builder().origins(["https://app.example.com"]).build()?;
    ///
    /// let cors = CorsLayer::builder()
    ///     .policies(move |head: &RequestHead<'_>| match head.uri.path() {
    ///         "/health" => None,
    ///         path if path.starts_with("/public/") => Some(open.clone()),
    ///         _ => Some(ours.clone()),
    ///     })
    ///     .build()?;
    /// # let _ = cors;
    /// # Ok(())
    /// # }
    /// ```
    pub fn policies(mut self, resolver: impl PolicyResolver) -> Self {
        self.layer.resolver = Some(Arc::new(resolver));
        self
    }

    /// Whether to refuse requests from pages that may not read the response, with 403. Default
    /// `false`: they run, and the browser keeps the response from the page. CORS is about reading.
    ///
    /// For WebSockets, and against cross-site requests that a form or a `fetch` makes. A request without
    /// `Origin` passes: so images, links and other `GET`s of any page still arrive, and must change nothing.
    /// A request passes too that the browser says is of the same origin (`Sec-Fetch-Site`). Browsers do not
    /// say that of WebSockets, nor over plain `http`, nor before 2023: there, name your own origin too.
    pub fn reject_actual(mut self, reject: bool) -> Self {
        self.layer.reject_actual = reject;
        self
    }

    /// Whether denials are explained to the browser: in its console, which then names the true cause,
    /// and in a header `x-cors-reason`. They tell what would be allowed. Default `false`.
    pub fn debug(mut self, on: bool) -> Self {
        self.layer.debug = on.then(|| Arc::new(|_: &RequestHead<'_>| true) as DebugFn);
        self
    }

    /// Explains denials of requests for which this holds. A preflight carries no header of yours:
    /// look at the host, or at the address that an outer layer has left.
    pub fn debug_when(
        mut self,
        when: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.layer.debug = Some(Arc::new(when));
        self
    }

    /// Whether the [`Decision`] is left in the response's extensions, for outer layers. Default `false`:
    /// it costs some allocations, and a denial a search for what was meant, of which there is none
    /// otherwise.
    pub fn extensions(mut self, leave: bool) -> Self {
        self.layer.tells = leave;
        self
    }

    /// Called with every decision. It is on the request's path: count, and do nothing else. For each
    /// denial what was meant is searched for, among a thousand patterns at most. Denials are counted
    /// [anyway](CorsLayer::denials), without that.
    pub fn on_decision(mut self, hook: impl Fn(&Decision) + Send + Sync + 'static) -> Self {
        self.layer.on_decision = Some(Arc::new(hook));
        self
    }

    /// What the type URIs of problems begin with. Default `urn:stonework:cors:`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.layer.problem_base = Some(base.into());
        self
    }

    /// Renders the refusals of [`reject_actual`](Self::reject_actual) in another form.
    pub fn render(
        mut self,
        render: impl Fn(&Denial, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.layer.render = Some(Arc::new(render));
        self
    }

    /// The layer.
    ///
    /// Pure: it asks neither a clock nor the network. (The Public Suffix List is part of the program.)
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<CorsLayer, ConfigErrors<ConfigError>> {
        let Self { words, layer, .. } = self;
        let mut errors = Vec::new();
        let (source, mut warnings) = source(&words, layer.resolver, &mut errors);
        if layer.debug.is_some() {
            warnings.push(Warning::Debug);
        }
        if layer.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        let shared = Arc::new(Shared {
            source,
            reject_actual: layer.reject_actual,
            debug: layer.debug,
            tells: layer.tells,
            on_decision: layer.on_decision,
            problem_base: layer.problem_base.unwrap_or_else(|| PROBLEM_BASE.to_owned()),
            render: layer.render,
            counts: Counts::default(),
        });
        ConfigErrors::check(errors, Ok(CorsLayer { shared, warnings: warnings.into() }))
    }
}

fn source(
    words: &Words,
    resolver: Option<Arc<dyn PolicyResolver>>,
    errors: &mut Vec<ConfigError>,
) -> (Source, Vec<Warning>) {
    let Some(resolver) = resolver else {
        let policy = words.compile(errors);
        let warnings = policy.warnings().to_vec();
        return (Source::Fixed(policy), warnings);
    };
    if *words != Words::default() {
        let reason = "finds the policies, and another one is said here too; leave one out";
        errors.push(ConfigError::shown("policies", "a resolver".to_owned(), reason));
    }
    (Source::Resolved(resolver), Vec::new())
}
