use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use stonework_core::{Clock, ConfigError, ConfigErrors, Problem, RequestHead, SystemClock};
use tower_layer::Layer;

#[cfg(feature = "accounts")]
use crate::accounts::Said;
use crate::rejection::PROBLEM_BASE;
use crate::service::VersionService;
use crate::shared::{NeutralFn, RenderFn, Shared, Unspecified};
use crate::table::{Table, Typed};
use crate::told::{Offer, Told, shared_value};
use crate::usage::Counters;
use crate::{
    Index, LifeBuilder, Moment, PathSegment, Reader, Rejection, Select, Stage, Version, Versions,
    VersionsBuilder, Warning,
};
#[cfg(feature = "accounts")]
use crate::{Key, LastSeen, Pins};

/// In which a response tells its version, unless another is named.
const ECHO: HeaderName = HeaderName::from_static("api-version");

/// Finds out which version a request wants, lets it through or says why not, and tells clients what becomes
/// of that version.
#[derive(Clone)]
pub struct VersionLayer {
    pub(crate) shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl VersionLayer {
    /// A builder for versions of this kind: `VersionLayer::builder::<Major>()`.
    pub fn builder<V: Version>() -> VersionLayerBuilder<V> {
        VersionLayerBuilder {
            versions: Versions::builder(),
            readers: Vec::new(),
            select: Select::Exact,
            unspecified: None,
            latest: false,
            neutral: None,
            echo: ECHO.as_str().to_owned(),
            echoes: true,
            report: true,
            dry_run: false,
            exempt: None,
            brownout_status: StatusCode::GONE,
            clock: None,
            problem_base: PROBLEM_BASE.to_owned(),
            render: None,
            deny_warnings: false,
            #[cfg(feature = "accounts")]
            accounts: Said::default(),
        }
    }

    /// The place of a version among all: for code that branches on [`ApiVersion::index`].
    ///
    /// ```
    /// use stonework_versioning::{Header, Major, VersionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let versions = VersionLayer::builder::<Major>()
    ///     .version("1", |v| v)
    ///     .version("2", |v| v)
    ///     .read(Header::named("api-version"))
    ///     .build()?;
    /// assert!(versions.index("v1") < versions.index("2"));
    /// assert_eq!(versions.index("3"), None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`ApiVersion::index`]: crate::ApiVersion::index
    pub fn index(&self, version: &str) -> Option<Index> {
        self.shared.table.find(version)
    }

    /// What is allowed and may surprise, whatever the time.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What is allowed and may surprise at this moment: for the start of a service.
    pub fn warnings_at(&self, now: Moment) -> Vec<Warning> {
        let shared = &self.shared;
        let gone = |index: Index| shared.table.stage(index, now) == Stage::Sunset;
        let name = |index: Index| shared.told[index.get()].name_text.clone();
        let all = (0..shared.told.len()).map(Index::of).filter(|index| gone(*index));
        let mut warnings: Vec<_> =
            all.map(|index| Warning::Sunset { version: name(index) }).collect();
        if let Unspecified::Given(index) = shared.unspecified
            && shared.table.stage(index, now) != Stage::Active
        {
            warnings.push(Warning::DefaultNotActive { version: name(index) });
        }
        warnings
    }
}

impl fmt::Debug for VersionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionLayer").field("shared", &self.shared).finish()
    }
}

impl<S> Layer<S> for VersionLayer {
    type Service = VersionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VersionService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`VersionLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct VersionLayerBuilder<V> {
    versions: VersionsBuilder<V>,
    readers: Vec<Reader>,
    select: Select,
    unspecified: Option<String>,
    latest: bool,
    neutral: Option<NeutralFn>,
    echo: String,
    echoes: bool,
    report: bool,
    exempt: Option<NeutralFn>,
    dry_run: bool,
    brownout_status: StatusCode,
    clock: Option<Arc<dyn Clock>>,
    problem_base: String,
    render: Option<RenderFn>,
    deny_warnings: bool,
    #[cfg(feature = "accounts")]
    accounts: Said,
}

impl<V: Version> VersionLayerBuilder<V> {
    /// Adds a version, and says what becomes of it. The order does not matter.
    pub fn version(mut self, text: &str, life: impl FnOnce(LifeBuilder) -> LifeBuilder) -> Self {
        self.versions = self.versions.version(text, life);
        self
    }

    /// Looks there too. All readers are asked, and what they find has to agree.
    pub fn read(mut self, reader: impl Into<Reader>) -> Self {
        self.readers.push(reader.into());
        self
    }

    /// Which version a request gets that asks for one. Default [`Select::Exact`].
    pub fn select(mut self, select: Select) -> Self {
        self.select = select;
        self
    }

    /// The version of requests that ask for none. By default they are refused with 400: a default that is
    /// not said is one that changes unseen. Give the one that clients were written for.
    pub fn unspecified(mut self, version: &str) -> Self {
        self.unspecified = Some(version.to_owned());
        self
    }

    /// Gives requests that ask for no version the newest. Each new version then breaks those who never asked
    /// for it.
    pub fn danger_latest(mut self) -> Self {
        self.latest = true;
        self
    }

    /// Requests for which this holds have no version: health checks, webhooks, documentation. So have the
    /// preflights of browsers, which cannot say one. Their path is not stripped either.
    pub fn neutral(
        mut self,
        neutral: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.neutral = Some(Arc::new(neutral));
        self
    }

    /// The header in which a response tells its version. Default `api-version`.
    pub fn echo(mut self, header: &str) -> Self {
        self.echo = header.to_owned();
        self
    }

    /// Whether a response tells its version. Default `true`.
    pub fn echoes(mut self, echoes: bool) -> Self {
        self.echoes = echoes;
        self
    }

    /// Whether responses tell which versions there are (`api-supported-versions`,
    /// `api-deprecated-versions`). Default `true`.
    pub fn report(mut self, report: bool) -> Self {
        self.report = report;
        self
    }

    /// Lets requests through whose version is browned out or gone, and tells clients all the same. Default
    /// `false`.
    pub fn dry_run(mut self, on: bool) -> Self {
        self.dry_run = on;
        self
    }

    /// Answers brownouts with 503 instead of 410. Clients that retry by themselves then do, and notice less.
    pub fn brownout_unavailable(mut self) -> Self {
        self.brownout_status = StatusCode::SERVICE_UNAVAILABLE;
        self
    }

    /// Requests for which this holds do not notice brownouts: those of the support, or of a client who was
    /// promised so.
    pub fn exempt(
        mut self,
        exempt: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.exempt = Some(Arc::new(exempt));
        self
    }

    /// Who is asking, for [`pins`](Self::pins) and [`last_seen`](Self::last_seen); nothing if nobody is
    /// known to. Put what finds that out around this layer. Feature `accounts`.
    #[cfg(feature = "accounts")]
    #[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
    pub fn account(
        mut self,
        account: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.accounts.account = Some(Arc::new(account));
        self
    }

    /// Gives requests that name no version the one that their account is pinned to. What becomes of
    /// requests without an account is said by [`unspecified`](Self::unspecified). Feature `accounts`.
    #[cfg(feature = "accounts")]
    #[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
    pub fn pins(mut self, pins: Pins) -> Self {
        self.accounts.pins = Some(pins);
        self
    }

    /// Remembers which account uses which version. Feature `accounts`.
    #[cfg(feature = "accounts")]
    #[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
    pub fn last_seen(mut self, last_seen: LastSeen) -> Self {
        self.accounts.last_seen = Some(last_seen);
        self
    }

    /// The clock by which versions live. By default the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What the type URIs of problems begin with. Default `urn:stonework:versioning:`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.problem_base = base.into();
        self
    }

    /// Renders rejections in place of problem+json and gRPC statuses: for SOAP faults, GraphQL errors or a house style.
    /// Start from [`Problem::to_response`] to keep the retry headers. What is told of versions is added, whatever the
    /// form. Those of [migrations](crate::MigrationLayer) stay as they are.
    pub fn render(
        mut self,
        render: impl Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.render = Some(Arc::new(render));
        self
    }

    /// Makes `build` fail on what would be a [`Warning`].
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// The layer.
    ///
    /// Pure: it asks no clock. What depends on the day is told by
    /// [`warnings_at`](VersionLayer::warnings_at).
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<VersionLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        self.readers.iter().for_each(|reader| reader.check(&mut errors));
        if self.readers.is_empty() {
            let reason = "finds no version; add a reader such as PathSegment::first()";
            errors.push(ConfigError::new("read", "none", reason));
        }
        let echo = match HeaderName::from_bytes(self.echo.as_bytes()) {
            // One that is not counted when it is cloned.
            Ok(name) if name == ECHO => Some(ECHO),
            Ok(name) => Some(name),
            Err(_) => {
                let reason = "is no name of a header; use one such as api-version";
                errors.push(ConfigError::new("echo", &self.echo, reason));
                None
            }
        };
        let versions = match self.versions.build() {
            Ok(versions) => versions,
            Err(wrong) => return Err(wrong.with(errors)),
        };
        let told: Vec<Told> = versions.iter().map(|index| versions.told(index)).collect();
        let offers = if self.report { Offer::all(&versions) } else { Vec::new() };
        let (newest, counted) = (versions.iter().next_back(), told.len());
        let needs_time = versions.moments().next().is_some();
        let table = Typed {
            names: versions.iter().map(|index| versions.name(index).into()).collect(),
            versions,
            readers: self.readers,
            select: self.select,
        };
        let unspecified = unspecified(
            &table,
            self.unspecified.as_deref(),
            newest.filter(|_| self.latest),
            &mut errors,
        );
        let warnings: Vec<_> = self.latest.then_some(Warning::Latest).into_iter().collect();
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        #[cfg(feature = "accounts")]
        let accounts = self.accounts.build(&table, &table.names, &mut errors);
        #[cfg(feature = "accounts")]
        let needs_time = needs_time || accounts.accounts.last_seen.is_some();
        let varies_by = read_headers(&table.readers).into_iter();
        #[cfg(feature = "accounts")]
        let varies_by = varies_by.chain(accounts.varies_by.clone());
        let shared = Shared {
            vary: vary(varies_by.collect()),
            paths: paths(&table.readers),
            names: table.names.clone(),
            table: Arc::new(table),
            told,
            offers,
            unspecified,
            neutral: self.neutral,
            echo: echo.filter(|_| self.echoes),
            exempt: self.exempt,
            dry_run: self.dry_run,
            brownout_status: self.brownout_status,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            problem_base: self.problem_base,
            render: self.render,
            needs_time,
            counters: Counters::new(counted),
            #[cfg(feature = "accounts")]
            pin_outage: accounts.outage,
            #[cfg(not(feature = "accounts"))]
            pin_outage: None,
            #[cfg(feature = "accounts")]
            accounts: accounts.accounts,
        };
        ConfigErrors::check(
            errors,
            Ok(VersionLayer { shared: Arc::new(shared), warnings: warnings.into() }),
        )
    }
}

fn unspecified(
    table: &dyn Table,
    fixed: Option<&str>,
    latest: Option<Index>,
    errors: &mut Vec<ConfigError>,
) -> Unspecified {
    match (fixed, latest) {
        (None, None) => Unspecified::Reject,
        (None, Some(index)) => Unspecified::Given(index),
        (Some(text), latest) => {
            if latest.is_some() {
                let reason = "is said, and danger_latest too; leave one out";
                errors.push(ConfigError::new("unspecified", text, reason));
            }
            table.find(text).map_or_else(
                || {
                    let reason = "is none of the versions; name one of them";
                    errors.push(ConfigError::new("unspecified", text, reason));
                    Unspecified::Reject
                },
                Unspecified::Given,
            )
        }
    }
}

/// The headers that are looked at.
fn read_headers(readers: &[Reader]) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = Vec::new();
    for reader in readers {
        match reader {
            Reader::Header(header) => names.extend(header.name().cloned()),
            Reader::MediaType(_) => names.extend([ACCEPT, CONTENT_TYPE]),
            Reader::Path(_) | Reader::Query(_) | Reader::GrpcPackage(_) => {}
        }
    }
    names
}

/// What a response depends on besides the URI.
fn vary(mut names: Vec<HeaderName>) -> Option<HeaderValue> {
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    let names: Vec<_> = names.iter().map(HeaderName::as_str).collect();
    if names.is_empty() { None } else { shared_value(names.join(",")) }
}

fn paths(readers: &[Reader]) -> Vec<PathSegment> {
    let path = |reader: &Reader| match reader {
        Reader::Path(path) => Some(path.clone()),
        _ => None,
    };
    readers.iter().filter_map(path).collect()
}

impl<V> fmt::Debug for VersionLayerBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionLayerBuilder")
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}
