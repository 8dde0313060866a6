use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use stonework_core::{ConfigError, ConfigErrors};

use super::guards::Guards;
use super::{Compiled, Methods, Origins, Policy, RequestHeaders, Rules, exposed, preflight};
use crate::layer::LayerWords;
use crate::{CorsLayer, OriginPattern, Warning};

/// The longest that any browser keeps what a preflight was told; Firefox does, Chromium keeps it
/// for two hours.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(86_400);

/// Builds a [`Policy`], or a [`CorsLayer`] with one.
///
/// It allows nothing at first. [`build`](PolicyBuilder::build) tells everything that is wrong at
/// once.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<For> {
    pub(crate) words: Words,
    pub(crate) layer: LayerWords,
    target: PhantomData<fn() -> For>,
}

/// Builds a [`Policy`].
pub type PolicyBuilder = Builder<Policy>;

/// Builds a [`CorsLayer`].
pub type CorsLayerBuilder = Builder<CorsLayer>;

/// What was said of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) include: Vec<String>,
    pub(crate) expose: Vec<String>,
    pub(crate) credentials: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) timing: bool,
    pub(crate) private_network: bool,
    pub(crate) preflight_status: Option<u16>,
    pub(crate) insecure: bool,
    pub(crate) public_suffixes: bool,
    pub(crate) null: bool,
}

impl<For> Builder<For> {
    pub(crate) fn new() -> Self {
        Self::of(Words::default())
    }

    pub(crate) fn of(words: Words) -> Self {
        Self { words, layer: LayerWords::default(), target: PhantomData }
    }

    /// Allows pages of these origins to read what this service answers.
    ///
    /// | pattern | allows |
    /// |---|---|
    /// | `https://app.example.com` | that one |
    /// | `https://*.example.com` | every name below it, at any depth, and not itself |
    /// | `http://localhost:*` | any port |
    /// | `capacitor://localhost` | that one; so do other schemes of apps and extensions |
    /// | `*` | every page, and only alone and without credentials |
    ///
    /// Written as a browser writes them: in lower case, without the scheme's own port, and without
    /// a slash at the end. A name by itself never allows another scheme or port.
    pub fn origins<O: AsRef<str>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.words.origins.extend(texts(origins));
        self
    }

    /// Allows these methods. `GET`, `HEAD` and `POST` are allowed always. `*` allows all.
    ///
    /// Case matters: a page that says `patch` sends `patch`, which is not `PATCH`.
    pub fn methods<M: AsRef<str>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.words.methods.extend(texts(methods));
        self
    }

    /// Allows requests to include these headers. `*` allows all but `authorization`, which has to be
    /// named. Slices of names are [here](crate::bundle), and each sibling has its `REQUEST_HEADERS`.
    ///
    /// A browser does not ask for `accept`, `accept-language`, `content-language` and a `content-type` that
    /// a form can send, with values as a form has them. JSON needs `content-type` here.
    pub fn include<H: AsRef<str>>(mut self, names: impl IntoIterator<Item = H>) -> Self {
        self.words.include.extend(texts(names));
        self
    }

    /// Lets pages read these headers of responses. `*` lets them read all, and only without
    /// credentials. Each sibling has its `RESPONSE_HEADERS`.
    ///
    /// `cache-control`, `content-language`, `content-length`, `content-type`, `expires`,
    /// `last-modified` and `pragma` can be read always.
    pub fn expose<H: AsRef<str>>(mut self, names: impl IntoIterator<Item = H>) -> Self {
        self.words.expose.extend(texts(names));
        self
    }

    /// Whether pages may send cookies, client certificates and passwords that the browser keeps, and
    /// read what comes back. Default `false`. A bearer token that a page sets itself is none of these.
    pub fn credentials(mut self, allow: bool) -> Self {
        self.words.credentials = allow;
        self
    }

    /// How long a browser may keep what a preflight was told, in whole seconds up to a day. By default
    /// nothing is said, and browsers keep it for 5 s; zero keeps them from keeping it.
    pub fn max_age(mut self, time: Duration) -> Self {
        self.words.max_age = Some(time);
        self
    }

    /// Whether who may read a response may also see how long each part of it took
    /// (`Timing-Allow-Origin`, Resource Timing). Default `false`.
    pub fn timing(mut self, allow: bool) -> Self {
        self.words.timing = allow;
        self
    }

    /// Whether to answer the preflights of Private Network Access. Default `false`: browsers have
    /// given it up, and ask the user instead.
    pub fn private_network(mut self, allow: bool) -> Self {
        self.words.private_network = allow;
        self
    }

    /// The status of an allowed preflight, from 200 to 299. Default 204.
    pub fn preflight_status(mut self, status: StatusCode) -> Self {
        self.words.preflight_status = Some(status.as_u16());
        self
    }

    /// Allows `http` origins together with credentials. Whoever is on the network between a user and
    /// such an origin can be that origin. Loopback names need no permission.
    pub fn danger_insecure_origins(mut self) -> Self {
        self.words.insecure = true;
        self
    }

    /// Allows patterns such as `https://*.github.io` together with credentials. Anybody can have such
    /// a name.
    pub fn danger_public_suffixes(mut self) -> Self {
        self.words.public_suffixes = true;
        self
    }

    /// Allows the origin `null`, without credentials. Anybody can make a page that has it.
    pub fn danger_null_origin(mut self) -> Self {
        self.words.null = true;
        self
    }

    /// Makes `build` fail on what would be a [`Warning`].
    pub fn deny_warnings(mut self) -> Self {
        self.layer.deny_warnings = true;
        self
    }
}

impl PolicyBuilder {
    /// The policy.
    ///
    /// Pure: it asks neither a clock nor the network. (The Public Suffix List is part of the program.)
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<Policy, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        let policy = self.words.compile(&mut errors);
        if self.layer.deny_warnings {
            errors.extend(policy.warnings().iter().map(ConfigError::from));
        }
        ConfigErrors::check(errors, Ok(policy))
    }
}

impl Words {
    /// The policy, which is of use only if there are no errors.
    pub(crate) fn compile(&self, errors: &mut Vec<ConfigError>) -> Policy {
        let mut warnings = Vec::new();
        let credentials = self.credentials;
        let guards =
            Guards { credentials, insecure: self.insecure, public_suffixes: self.public_suffixes };
        let origins = self.check_origins(guards, errors, &mut warnings);
        let methods = Methods::check(&self.methods, credentials, errors);
        let headers = RequestHeaders::check(&self.include, credentials, errors);
        let max_age = self.check_max_age(errors);
        let rules = Rules {
            expose: exposed::check(&self.expose, credentials, errors),
            preflight: preflight(&methods, &headers, credentials, max_age),
            status: self.check_status(errors),
            methods,
            headers,
            credentials,
            timing: self.timing,
            private_network: self.private_network,
            guards,
        };
        if self.private_network {
            warnings.push(Warning::PrivateNetwork);
        }
        Policy(Arc::new(Compiled { origins, rules: Arc::new(rules), warnings }))
    }

    fn check_origins(
        &self,
        guards: Guards,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<Warning>,
    ) -> Origins {
        let mut error =
            |value: &str, reason| errors.push(ConfigError::new("origins", value, reason));
        let (any, named): (Vec<&str>, Vec<&str>) =
            self.origins.iter().map(String::as_str).partition(|origin| *origin == "*");
        if !any.is_empty() {
            if guards.credentials {
                error(
                    "*",
                    "would let every page act with the user's credentials; name the origins",
                );
            }
            if !named.is_empty() || self.null {
                error("*", "allows all others already; leave one or the other out");
            }
        }
        if self.null && guards.credentials {
            error("null", "anybody can have this origin, and credentials are allowed; drop one");
        }
        let patterns: Vec<OriginPattern> = named
            .iter()
            .filter_map(|text| {
                guards.admit(text, warnings).map_err(|error| errors.push(error)).ok()
            })
            .collect();
        if self.null {
            warnings.push(Warning::NullOrigin);
        }
        if self.origins.is_empty() && !self.null {
            warnings.push(Warning::NobodyAllowed);
        }
        match any.is_empty() {
            true => Origins::Listed { set: patterns.into_iter().collect(), null: self.null },
            false => Origins::Any,
        }
    }

    fn check_max_age(&self, errors: &mut Vec<ConfigError>) -> Option<u64> {
        let time = self.max_age?;
        if time > LONGEST_MAX_AGE {
            let reason = "is longer than any browser keeps it; use a day (86400 s) at most";
            errors.push(ConfigError::new("max_age", time, reason));
        }
        if time.subsec_nanos() != 0 {
            let reason = "is told in whole seconds; round it";
            errors.push(ConfigError::new("max_age", time, reason));
        }
        Some(time.as_secs())
    }

    fn check_status(&self, errors: &mut Vec<ConfigError>) -> StatusCode {
        let Some(number) = self.preflight_status else { return StatusCode::NO_CONTENT };
        match StatusCode::from_u16(number) {
            Ok(status) if status.is_success() => status,
            _ => {
                let reason = "would deny every preflight; use 200 to 299";
                errors.push(ConfigError::new("preflight_status", number, reason));
                StatusCode::NO_CONTENT
            }
        }
    }
}

fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> impl Iterator<Item = String> {
    texts.into_iter().map(|text| text.as_ref().to_owned())
}

impl<For> fmt::Debug for Builder<For> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("words", &self.words).finish_non_exhaustive()
    }
}
