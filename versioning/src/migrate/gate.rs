use std::fmt;
use std::sync::Arc;

use http::{Method, request, response};
use stonework_core::{ConfigError, RequestHead};

use super::edits::Edits;
use super::route::Route;

type WhenFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
type RequestHeadFn = Arc<dyn Fn(&mut request::Parts) + Send + Sync>;
type ResponseHeadFn = Arc<dyn Fn(&mut response::Parts) + Send + Sync>;

/// What a version changed, and how bodies get over it: a request of an older client up, the response
/// down again.
///
/// ```
/// use stonework_versioning::{Gate, Major, PathSegment, VersionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let versions = VersionLayer::builder::<Major>()
///     .version("1", |v| v)
///     .version("2", |v| v)
///     .read(PathSegment::first())
///     .build()?;
///
/// let migrations = versions
///     .migrations()
///     .gate("2", |gate: Gate| {
///         gate.describe("`amount` is an object of `value` and `currency`.")
///             .at("/transfers")
///             .request(|body| {
///                 body.move_to("/amount", "/amount/value").default("/amount/currency", "USD")
///             })
///             .response(|body| body.move_to("/amount/value", "/amount"))
///     })
///     .build()?;
/// # let _ = migrations;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "what is said is returned"]
pub struct Gate {
    description: String,
    routes: Vec<Route>,
    methods: Vec<Method>,
    when: Option<WhenFn>,
    pub(super) request: Edits,
    pub(super) response: Edits,
    pub(super) error: Edits,
    pub(super) request_head: Option<RequestHeadFn>,
    pub(super) response_head: Option<ResponseHeadFn>,
}

impl Gate {
    /// What changed, for the people who have to move: a sentence of the changelog.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The path of a route that it is for, without the version in it: `/transfers/{id}`, or
    /// `/files/{*rest}`. May be said more than once. Without any it is for all routes.
    pub fn at(mut self, route: &str) -> Self {
        self.routes.push(Route::new(route));
        self
    }

    /// A method that it is for. May be said more than once. Without any it is for all methods.
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Only requests for which this holds, besides.
    pub fn when(mut self, when: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(when));
        self
    }

    /// How the body of an older request becomes one of this version. A body that is no JSON by its
    /// `Content-Type`, such as a form, passes as it is.
    pub fn request(mut self, edits: impl FnOnce(Edits) -> Edits) -> Self {
        self.request = edits(self.request);
        self
    }

    /// How the body of a response of this version, with a status below 400, becomes an older one.
    pub fn response(mut self, edits: impl FnOnce(Edits) -> Edits) -> Self {
        self.response = edits(self.response);
        self
    }

    /// The same for responses with a status of 4xx or 5xx. Those are left alone otherwise.
    pub fn error(mut self, edits: impl FnOnce(Edits) -> Edits) -> Self {
        self.error = edits(self.error);
        self
    }

    /// Changes the head of an older request: its headers, its query. Not for the body.
    pub fn request_head(
        mut self,
        change: impl Fn(&mut request::Parts) + Send + Sync + 'static,
    ) -> Self {
        self.request_head = Some(Arc::new(change));
        self
    }

    /// Changes the head of the response to an older request, whatever its status.
    pub fn response_head(
        mut self,
        change: impl Fn(&mut response::Parts) + Send + Sync + 'static,
    ) -> Self {
        self.response_head = Some(Arc::new(change));
        self
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(Route::pattern)
    }

    pub(super) fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Is it for this request, whose path without the version is this?
    pub(super) fn is_for(&self, head: &RequestHead<'_>, path: &str) -> bool {
        (self.routes.is_empty() || self.routes.iter().any(|route| route.matches(path)))
            && (self.methods.is_empty() || self.methods.contains(head.method))
            && self.when.as_ref().is_none_or(|when| when(head))
    }

    pub(super) fn check(&self, version: &str, errors: &mut Vec<ConfigError>) {
        if self.description.is_empty() {
            let reason = "has a gate without a description; say what changed, for the changelog";
            errors.push(ConfigError::new("gate", version, reason));
        }
        for route in self.routes.iter().filter(|route| route.is_wrong()) {
            let reason = "is no path of a route; write it such as /transfers/{id}";
            errors.push(ConfigError::new("at", route.pattern(), reason));
        }
        for edits in [&self.request, &self.response, &self.error] {
            edits.check(&self.description, errors);
        }
        let has_head = self.request_head.is_some() || self.response_head.is_some();
        let has_body = [&self.request, &self.response, &self.error].iter().any(|e| !e.is_empty());
        if !has_head && !has_body {
            let reason = "changes nothing; say what becomes of requests or responses";
            errors.push(ConfigError::new("gate", &self.description, reason));
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("description", &self.description)
            .field("request", &self.request)
            .field("response", &self.response)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
