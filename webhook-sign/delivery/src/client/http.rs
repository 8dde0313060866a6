use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use stonework_core::{ConfigError, ConfigErrors, StoneBody};
use tower_service::Service;

use super::ClientError;
use super::bounded::Bounded;
use crate::WebhookBody;
use crate::egress::{EgressGuard, GuardedConnector, Resolver};

/// Connections that are kept to one host while nothing is sent there.
const IDLE_PER_HOST: usize = 4;

/// How long. Shorter than servers do, so that few are closed by the other side just when they are used.
const IDLE: Duration = Duration::from_secs(15);

/// The most of an answer's head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

type Https = Bounded<HttpsConnector<GuardedConnector>>;

/// hyper-util's client over rustls, behind an [`EgressGuard`]. It follows no redirects, reads no proxies from the
/// environment, keeps no cookies, and speaks HTTP/1.1 and HTTP/2. Clones share their connections.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Https, StoneBody<WebhookBody>>,
    guard: EgressGuard,
}

impl HttpClient {
    /// A builder with the defaults that its methods name.
    pub fn builder() -> HttpClientBuilder {
        let guard = EgressGuard::new();
        let connector = GuardedConnector::new(guard.clone());
        HttpClientBuilder { guard, connector, roots: Vec::new() }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Service<Request<StoneBody<WebhookBody>>> for HttpClient {
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<StoneBody<WebhookBody>>) -> ResponseFuture {
        // The connector judges too; but over a connection that is there, nobody asks it.
        if let Err(forbidden) = self.guard.check_url(request.uri()) {
            return ResponseFuture(Sending::Forbidden(Some(ClientError::forbidden(forbidden))));
        }
        ResponseFuture(Sending::Sent(self.client.request(request)))
    }
}

/// The future of [`HttpClient`]. Dropping it gives the request up.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture(Sending);

enum Sending {
    Forbidden(Option<ClientError>),
    Sent(legacy::ResponseFuture),
}

impl Future for ResponseFuture {
    type Output = Result<Response<Incoming>, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Sending::Forbidden(error) => {
                error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
            Sending::Sent(sent) => Pin::new(sent).poll(cx).map_err(ClientError::client),
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

/// Builds an [`HttpClient`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct HttpClientBuilder {
    guard: EgressGuard,
    connector: GuardedConnector,
    roots: Vec<Vec<u8>>,
}

impl HttpClientBuilder {
    /// Where requests may go. Default [`EgressGuard::new`].
    pub fn guard(self, guard: EgressGuard) -> Self {
        let connector = self.connector.guarded_by(guard.clone());
        Self { guard, connector, ..self }
    }

    /// Leads names to addresses by this resolver. Default the operating system's.
    pub fn resolver(self, resolver: impl Resolver) -> Self {
        Self { connector: self.connector.resolver(resolver), ..self }
    }

    /// How long it may take to connect; and three times that, with the look-up before and TLS after it. Default 5 s.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connector: self.connector.connect_timeout(timeout), ..self }
    }

    /// A certificate, in DER, of an authority of your own, beside those that Mozilla trusts. Called again it adds another.
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.roots.push(certificate.into());
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// When a certificate is none.
    pub fn build(self) -> Result<HttpClient, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for (at, certificate) in self.roots.into_iter().enumerate() {
            if roots.add(CertificateDer::from(certificate)).is_err() {
                let reason = "is no certificate in DER; convert it from PEM";
                errors.push(ConfigError::new("trust", format_args!("number {}", at + 1), reason));
            }
        }
        let config = tls(roots).map_err(|error| ConfigError::new("trust", error, "has no use"));
        let client = config.map(|config| {
            let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
            let longest = self.connector.longest();
            let https = https.enable_all_versions().wrap_connector(self.connector);
            HttpClient { client: client(Bounded::new(https, longest)), guard: self.guard }
        });
        ConfigErrors::check(errors, client)
    }
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn client(https: Https) -> Client<Https, StoneBody<WebhookBody>> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_buf_size(MAX_HEAD)
        .http2_max_header_list_size(MAX_HEAD as u32)
        .build(https)
}
