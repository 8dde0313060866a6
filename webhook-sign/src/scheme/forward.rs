//! A scheme behind a pointer is one, so that schemes can be chosen while a service runs.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use stonework_core::{ConfigError, Key, RequestHead};

use super::{Outgoing, Put, Scheme, SignScheme};
use crate::keys::{KeyError, WebhookKey};
use crate::{Algorithm, Claims, Refusal, Tag};

impl<S: Scheme + ?Sized> Scheme for Arc<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError> {
        (**self).key(secret)
    }

    fn tolerance(&self) -> Option<Duration> {
        (**self).tolerance()
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        (**self).signs_with(algorithm)
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        (**self).is_meant(headers)
    }

    fn headers(&self) -> Vec<Vec<HeaderName>> {
        (**self).headers()
    }

    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal> {
        (**self).claims(head, claims)
    }

    fn before(&self, claims: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal> {
        (**self).before(claims, head, put)
    }

    fn after(
        &self,
        claims: &mut Claims,
        head: &RequestHead<'_>,
        body: &[u8],
        put: Put<'_>,
    ) -> Result<(), Refusal> {
        (**self).after(claims, head, body, put)
    }

    fn event(&self, body: &[u8]) -> Option<Key> {
        (**self).event(body)
    }

    fn errors(&self) -> Vec<ConfigError> {
        (**self).errors()
    }
}

impl<S: SignScheme + ?Sized> SignScheme for Arc<S> {
    fn hmac(&self) -> Algorithm {
        (**self).hmac()
    }

    fn prepare(
        &self,
        outgoing: &Outgoing<'_>,
        claims: &mut Claims,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        (**self).prepare(outgoing, claims, headers)
    }

    fn write(
        &self,
        claims: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        (**self).write(claims, signatures, headers)
    }
}
