mod builder;
mod exposed;
mod guards;
mod list;
mod methods;
mod request_headers;

use std::fmt;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use stonework_core::ConfigError;

pub(crate) use builder::Words;
pub use builder::{Builder, CorsLayerBuilder, PolicyBuilder};
use guards::Guards;
pub(crate) use methods::Methods;
pub(crate) use request_headers::{Fault, RequestHeaders};

use crate::names::{ANY, PREFLIGHT_VARY, TRUE};
use crate::{OriginSet, Warning};

/// Who may read what: the origins, methods and headers that are allowed together. Clones are cheap.
///
/// [`CorsLayer::builder`](crate::CorsLayer::builder) takes the same words, so one layer with one
/// policy needs none by name. This is for a layer with [several](CorsLayerBuilder::policies), for
/// a [change](crate::Handle) while the service runs, and for [`explain`](crate::explain).
#[derive(Clone)]
pub struct Policy(Arc<Compiled>);

struct Compiled {
    origins: Origins,
    rules: Arc<Rules>,
    warnings: Vec<Warning>,
}

#[derive(Debug)]
pub(crate) enum Origins {
    Any,
    Listed { set: OriginSet, null: bool },
}

/// All of a policy but its origins.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) methods: Methods,
    pub(crate) headers: RequestHeaders,
    pub(crate) credentials: bool,
    pub(crate) expose: Option<HeaderValue>,
    pub(crate) timing: bool,
    pub(crate) private_network: bool,
    pub(crate) status: StatusCode,
    /// What an allowed preflight is told. What depends on the request has its place in it already.
    pub(crate) preflight: HeaderMap,
    guards: Guards,
}

impl Policy {
    /// A builder that allows nothing yet.
    pub fn builder() -> PolicyBuilder {
        Builder::new()
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// The same policy for more origins, and what is wrong with those that are not among them.
    ///
    /// Meant for origins that come from elsewhere than the program, such as those of a tenant: one
    /// that is wrong allows nothing, and the others hold all the same. Each is checked as the
    /// [builder](PolicyBuilder::origins) checks it, under the same credentials. `*` is refused. A policy that
    /// allows every origin still does.
    pub fn with_origins<O: AsRef<str>>(
        &self,
        origins: impl IntoIterator<Item = O>,
    ) -> (Self, Vec<ConfigError>) {
        let (mut errors, mut warnings) = (Vec::new(), self.0.warnings.clone());
        let guards = self.0.rules.guards;
        let more = origins.into_iter().filter_map(|origin| {
            guards.admit(origin.as_ref(), &mut warnings).map_err(|error| errors.push(error)).ok()
        });
        let more: OriginSet = more.collect();
        let origins = match &self.0.origins {
            // They were checked, and change nothing.
            Origins::Any => Origins::Any,
            Origins::Listed { set, null } => Origins::Listed { set: set.union(&more), null: *null },
        };
        warnings.retain(|warning| *warning != Warning::NobodyAllowed);
        let compiled = Compiled { origins, rules: Arc::clone(&self.0.rules), warnings };
        (Self(Arc::new(compiled)), errors)
    }

    #[inline]
    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    #[inline]
    pub(crate) fn origins(&self) -> &Origins {
        &self.0.origins
    }

    /// The value of `Access-Control-Allow-Origin` for this origin, if it is allowed.
    #[inline]
    pub(crate) fn admit(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.0.origins {
            Origins::Any => Some(ANY),
            Origins::Listed { set, null } => {
                set.echo(origin).or_else(|| (*null && origin == "null").then(|| origin.clone()))
            }
        }
    }

    /// Is every origin told the same?
    #[inline]
    pub(crate) fn is_public(&self) -> bool {
        matches!(self.0.origins, Origins::Any)
    }
}

/// The headers of an allowed preflight.
fn preflight(
    methods: &Methods,
    headers: &RequestHeaders,
    credentials: bool,
    max_age: Option<u64>,
) -> HeaderMap {
    let place = || Some(HeaderValue::from_static(""));
    let told = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, Some(ANY)),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials.then_some(TRUE)),
        (
            ACCESS_CONTROL_ALLOW_METHODS,
            if methods.echoes() { place() } else { methods.value().cloned() },
        ),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            if headers.echoes() { place() } else { headers.value().cloned() },
        ),
        (ACCESS_CONTROL_MAX_AGE, max_age.map(HeaderValue::from)),
        (VARY, Some(PREFLIGHT_VARY)),
    ];
    let mut map = HeaderMap::new();
    for (name, value) in told {
        if let Some(value) = value {
            drop(value.clone());
            map.insert(name, value);
        }
    }
    map
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("origins", &self.0.origins)
            .field("credentials", &self.0.rules.credentials)
            .finish_non_exhaustive()
    }
}
