use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use stonework_core::{ConfigError, ConfigErrors, StoneBody};
use tower_service::Service;

use crate::dispatch::Dispatched;
use crate::table::Table;
use crate::{ApiVersion, Index, VersionLayer};

/// A service for each version. It goes inside of a [`VersionLayer`], which leaves an [`ApiVersion`] for it.
///
/// The services are of one type: axum's `Router`, tonic's `Routes`, or what tower boxes. Each request gets a
/// clone of its service, and waits until that is ready: a version that has no room keeps no other waiting.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use stonework_versioning::{Major, PathSegment, VersionLayer};
/// use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Reply = Result<Response<String>, Infallible>;
/// # let orders = |name: &'static str| {
/// #     BoxCloneSyncService::new(service_fn(move |_: Request<()>| async move {
/// #         Reply::Ok(Response::new(name.to_owned()))
/// #     }))
/// # };
/// let versions = VersionLayer::builder::<Major>()
///     .version("1", |v| v)
///     .version("2", |v| v)
///     .version("3", |v| v)
///     .read(PathSegment::first())
///     .build()?;
///
/// let router = versions
///     .router()
///     .at("1", orders("the first"))
///     .from("2", orders("all others"))
///     .build()?;
/// let service = versions.layer(router);
/// # let _ = service;
/// # Ok(())
/// # }
/// ```
pub struct VersionRouter<S> {
    services: Arc<Services<S>>,
}

struct Services<S> {
    by_version: Box<[S]>,
    neutral: Option<S>,
}

impl VersionLayer {
    /// A builder of a router for the versions of this layer.
    pub fn router<S>(&self) -> VersionRouterBuilder<S> {
        VersionRouterBuilder {
            table: Arc::clone(&self.shared.table),
            names: self.shared.names.clone(),
            from: self.shared.names.iter().map(|_| None).collect(),
            at: self.shared.names.iter().map(|_| None).collect(),
            neutral: None,
            errors: Vec::new(),
        }
    }
}

impl<S> Clone for VersionRouter<S> {
    fn clone(&self) -> Self {
        Self { services: Arc::clone(&self.services) }
    }
}

impl<S> fmt::Debug for VersionRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionRouter")
            .field("versions", &self.services.by_version.len())
            .finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for VersionRouter<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = Dispatched<S, ReqBody>;

    /// Always ready. The service of a request is waited for when it is known which one that is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let service = match request.extensions().get::<ApiVersion>() {
            Some(version) => self.services.by_version.get(version.index().get()),
            None => self.services.neutral.as_ref(),
        };
        match service {
            Some(service) => Dispatched::to(service.clone(), request),
            None => Dispatched::answer(not_found()),
        }
    }
}

/// Nobody serves what has no version.
fn not_found() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Builds a [`VersionRouter`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct VersionRouterBuilder<S> {
    table: Arc<dyn Table>,
    names: Vec<Arc<str>>,
    from: Vec<Option<S>>,
    at: Vec<Option<S>>,
    neutral: Option<S>,
    errors: Vec<ConfigError>,
}

impl<S: Clone> VersionRouterBuilder<S> {
    /// Serves this version.
    pub fn at(mut self, version: &str, service: S) -> Self {
        match self.place("at", version) {
            Some(place) if self.at[place].is_some() => {
                let reason = "has a service already; leave one out";
                self.errors.push(ConfigError::new("at", version, reason));
            }
            Some(place) => self.at[place] = Some(service),
            None => {}
        }
        self
    }

    /// Serves this version and all newer ones, up to the next `from`. What [`at`](Self::at) says of one of
    /// them comes first.
    pub fn from(mut self, version: &str, service: S) -> Self {
        match self.place("from", version) {
            Some(place) if self.from[place].is_some() => {
                let reason = "is said twice; leave one out";
                self.errors.push(ConfigError::new("from", version, reason));
            }
            Some(place) => self.from[place] = Some(service),
            None => {}
        }
        self
    }

    /// Serves what has no version. Without one it gets 404.
    pub fn neutral(mut self, service: S) -> Self {
        self.neutral = Some(service);
        self
    }

    fn place(&mut self, setting: &'static str, version: &str) -> Option<usize> {
        let place = self.table.find(version).map(Index::get);
        if place.is_none() {
            let reason = "is none of the layer's versions; name one of them";
            self.errors.push(ConfigError::new(setting, version, reason));
        }
        place
    }

    /// The router.
    ///
    /// # Errors
    ///
    /// Versions that are not the layer's, that are said twice, or that nobody serves.
    pub fn build(self) -> Result<VersionRouter<S>, ConfigErrors<ConfigError>> {
        let mut errors = self.errors;
        let (mut by_version, mut from) = (Vec::with_capacity(self.names.len()), None);
        for ((name, at), begins) in self.names.iter().zip(self.at).zip(self.from) {
            from = begins.or(from);
            match at.or_else(|| from.clone()) {
                Some(service) => by_version.push(service),
                None => {
                    let reason = "is served by nobody; name it in `at`, or an older one in `from`";
                    errors.push(ConfigError::new("version", name, reason));
                }
            }
        }
        let services = Services { by_version: by_version.into(), neutral: self.neutral };
        ConfigErrors::check(errors, Ok(VersionRouter { services: Arc::new(services) }))
    }
}

impl<S> fmt::Debug for VersionRouterBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionRouterBuilder")
            .field("versions", &self.names)
            .finish_non_exhaustive()
    }
}
