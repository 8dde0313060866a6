//! Where to put the layer, what CORS does not protect from, and what to do when a browser complains.
//!
//! # Where to put it
//!
//! Outermost first: trace, timeout, **CORS**, compression, identification, rate limit, rejection of the
//! unauthenticated, idempotency, versioning, handler.
//!
//! - **Around all that can say no.** A page cannot read a 401, a 413 or a 429 that carries no CORS
//!   headers: it sees a network error, and its user a spinner.
//! - **Around authentication.** A preflight carries no cookie and no token. An authentication that
//!   stands outside turns it away, and the request is never sent.
//! - **Around what catches panics**, and what makes a response of an error. This layer writes on
//!   responses; an `Err` passes as it is.
//! - **Around the whole router.** In axum, `Router::layer` concerns the routes that were added before
//!   it. `CorsLayer::around` (feature `axum-0-8`) has no such order.
//! - **Once.** Of two layers the outer one decides, and a `tracing` event says that it does.
//! - **In the service or in the proxy**, not in both: two `Access-Control-Allow-Origin` are read as
//!   none, and a proxy adds its own after the service has answered.
//!
//! # What CORS does not protect from
//!
//! CORS loosens a rule that the browser has anyway: a page of one origin cannot *read* what another one
//! answers. It adds no rule.
//!
//! - **It does not keep requests from being sent.** A form, an image or a simple `fetch` of any page
//!   reaches the handler, with cookies if they are not `SameSite`. That is cross-site request forgery, and
//!   against it help `SameSite` cookies, tokens, and a header that a form cannot send.
//!   [`reject_actual`](crate::CorsLayerBuilder::reject_actual) refuses those of them that carry an
//!   `Origin`: not an image's, nor a link's, so a `GET` must change nothing.
//! - **It does not concern WebSockets.** A handshake is no `fetch`, and no browser asks before it. Check
//!   its `Origin` with an [`OriginSet`](crate::OriginSet), or let `reject_actual` do it, with your own
//!   origin among those that are allowed: browsers do not say of a handshake that it is of the same.
//! - **It does not concern programs.** `curl` sends any `Origin`, or none. It is no authentication.
//! - **It does not protect a service on an internal network**: a page that a user there opens can still
//!   send requests to it, and read what allows `*`. Browsers ask the user before that (Local Network
//!   Access); the headers of Private Network Access, which were to do it, are given up.
//! - **It trusts all of an origin.** Whoever can put a script on an allowed origin, by a hole in any of
//!   its pages or a name below it that is no longer used, is allowed.
//!
//! # When a browser complains
//!
//! Browsers do not tell a page why, by design, and their consoles often name a symptom. So:
//!
//! 1. Turn [`debug`](crate::CorsLayerBuilder::debug) on where you develop. The console then names the
//!    true cause, and the response has `x-cors-reason`:
//!
//!    ```text
//!    x-cors-reason: origin-not-allowed; is="http://app.example.com"; nearest="https://app.example.com"
//!    ```
//! 2. Without a browser, ask [`explain`](crate::explain) what a policy makes of a request.
//! 3. In production, [`denials`](crate::CorsLayer::denials) counts by reason, and the feature `tracing`
//!    has an event for each.
//!
//! | the console says | and it is mostly |
//! |---|---|
//! | no `Access-Control-Allow-Origin` header is present | the origin is not allowed, or in a preflight the method or a header; or a proxy, a 404 or a panic answered in place of this layer |
//! | it does not have HTTP ok status | the preflight did not reach the layer, and was turned away with 401 or 405 |
//! | the value must not be the wildcard `*` when the credentials mode is `include` | the page sends credentials, and the policy is for everybody |
//! | the value is `''` which must be `true` | the page sends credentials, and the policy does not say `credentials(true)` |
//! | the header contains multiple values | there is a proxy or another layer that answers too |
//! | method PATCH is not allowed | the page wrote `patch`: only six methods are put in upper case for it |
//!
//! # How long a browser remembers
//!
//! What a preflight was told, for five seconds, unless [`max_age`](crate::Builder::max_age) says more:
//! Chromium keeps it for two hours at most, Firefox for a day. A policy that now allows less is asked
//! about again only then. For the request itself nothing is remembered: it is judged anew each time.
