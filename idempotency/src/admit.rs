use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use stonework_core::{Key, OriginalUri, Protocol, RequestHead};

use crate::handle::Idempotency;
use crate::key::{self, KeyError, RequestKey};
use crate::lookup::Lookup;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// Headers that say "I am somebody". Their owner must be known before a key is trusted.
const CREDENTIALS: [HeaderName; 5] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-auth-token"),
];

/// What to do with a request, judged by its head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The layer has no business with it.
    Pass,
    /// It cannot be served.
    Reject(Rejection),
    /// It carries a key.
    Protect(Lookup),
}

pub(crate) fn admit(policy: &Policy, head: &RequestHead<'_>) -> Admission {
    if !policy.methods.contains(head.method)
        || passes_as_grpc(policy, head)
        || policy.skip.as_ref().is_some_and(|skips| skips(head))
    {
        return Admission::Pass;
    }
    let key = match key(policy, head) {
        Ok(Some(key)) => key,
        Ok(None) if policy.required => return Admission::Reject(Rejection::KeyMissing),
        Ok(None) => return Admission::Pass,
        Err(error) => return Admission::Reject(Rejection::KeyMalformed(error)),
    };
    let scope = match scope(policy, head) {
        Ok(scope) => scope,
        Err(rejection) => return Admission::Reject(rejection),
    };
    let uri = OriginalUri::of(head);
    let route = [head.method.as_str().as_bytes(), uri.path().as_bytes()];
    let route = policy.per_route.then_some(&route[..]);
    let lookup = Lookup::new(scope.as_ref(), route, key.as_bytes());
    if is_protected(head, &lookup) {
        return Admission::Pass;
    }
    Admission::Protect(lookup)
}

fn key(policy: &Policy, head: &RequestHead<'_>) -> Result<Option<RequestKey>, KeyError> {
    match &policy.key {
        Some(key) => key(head).map(|key| RequestKey::given(key.as_bytes())).transpose(),
        None => key::read(head.headers.get_all(&policy.header)),
    }
}

/// By the same layer further out, or another with the same scope. It would only be in its own way.
fn is_protected(head: &RequestHead<'_>, lookup: &Lookup) -> bool {
    head.extensions.get::<Idempotency>().is_some_and(|outer| outer.run.lookup == *lookup)
}

/// Headers do not tell a unary call from a stream, so only named gRPC methods are protected.
fn passes_as_grpc(policy: &Policy, head: &RequestHead<'_>) -> bool {
    Protocol::of(head.headers).is_grpc() && !policy.grpc_unary.contains(method(head.uri.path()))
}

/// `/package.Service/Method`, also below a prefix.
fn method(path: &str) -> &str {
    let method = path.rfind('/').unwrap_or_default();
    let service = path[..method].rfind('/').unwrap_or_default();
    &path[service..]
}

/// `None` for a single tenant. Requests without credentials and without an owner share the empty
/// scope; a request with credentials never gets there.
fn scope(policy: &Policy, head: &RequestHead<'_>) -> Result<Option<Key>, Rejection> {
    let Some(scope) = &policy.scope else {
        return Ok(None);
    };
    match scope(head).filter(|key| !key.as_bytes().is_empty()) {
        Some(key) => Ok(Some(key)),
        None if CREDENTIALS.iter().any(|name| head.headers.contains_key(name)) => {
            Err(Rejection::ScopeMissing)
        }
        None => Ok(Some(Key::from(""))),
    }
}
