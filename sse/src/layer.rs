use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::{ConfigError, ConfigErrors, Key, RequestHead};
use tower_layer::Layer;

use crate::Drain;
use crate::limits::Limits;
use crate::rejection::{PROBLEM_BASE, RETRY};
use crate::service::SseService;
use crate::shared::{KeyFn, Shared};

/// Reads where a client was, turns away what would be too many streams, and ends streams when the process is to end.
///
/// It belongs at the routes of events, and goes with whatever answers there: an [`SseBody`](crate::SseBody), another
/// crate's stream, a poll. `GET` is counted and may be turned away, and so is `CONNECT`, by which WebSockets begin over
/// HTTP/2. Of other methods nothing is looked at but the answer: if it is an event stream, as that of many a `POST`
/// is, it ends with the process.
#[derive(Clone)]
pub struct SseLayer {
    pub(crate) shared: Arc<Shared>,
}

impl SseLayer {
    /// A builder with 10,000 streams, of whomever.
    pub fn builder() -> SseLayerBuilder {
        SseLayerBuilder {
            max_streams: 10_000,
            max_streams_of: usize::MAX,
            key: None,
            drain: None,
            retry: RETRY,
            parameters: vec!["last_event_id".into()],
            problem_base: PROBLEM_BASE.to_owned(),
        }
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.shared.limits.streams()
    }

    /// Ready when there are none. A server that shuts down gracefully does not wait for WebSockets: await this before the
    /// process ends, so that they are [told to go](crate::Drain) and not cut off. Not longer than you have: a stream
    /// whose client takes nothing does not end.
    pub async fn drained(&self) {
        self.shared.limits.emptied().await;
    }
}

impl fmt::Debug for SseLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseLayer").field("streams", &self.streams()).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SseLayer {
    type Service = SseService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SseService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds an [`SseLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct SseLayerBuilder {
    max_streams: usize,
    max_streams_of: usize,
    key: Option<KeyFn>,
    drain: Option<Drain>,
    retry: Duration,
    parameters: Vec<Cow<'static, str>>,
    problem_base: String,
}

impl SseLayerBuilder {
    /// How many streams there are at most. Default 10,000.
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.max_streams = streams;
        self
    }

    /// How many streams one may have: an account, an address. Who has no key is not counted alone. By default as many as
    /// there are.
    pub fn max_streams_of(
        mut self,
        streams: usize,
        key: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.max_streams_of = streams;
        self.key = Some(Arc::new(key));
        self
    }

    /// What ends the streams when the process is to end. Without it they end when it does.
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = Some(drain.clone());
        self
    }

    /// After which time whoever is turned away, or told to go, comes back: each after between one half of it and the
    /// whole. Default 5 s.
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = time;
        self
    }

    /// Which parameters of the query say where a client was, if no header does: the first that is there counts. Default
    /// `last_event_id`.
    pub fn cursor_parameters<P: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = P>,
    ) -> Self {
        self.parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// What the type URIs of problems begin with that this layer answers. Default `urn:stonework:sse:`, as it is for
    /// those of handlers: polls, sockets, and subscriptions that fail.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.problem_base = base.into();
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<SseLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        for (setting, streams) in
            [("max_streams", self.max_streams), ("max_streams_of", self.max_streams_of)]
        {
            if streams == 0 {
                let reason = "lets nobody in; use more";
                errors.push(ConfigError::new(setting, streams, reason));
            }
        }
        if self.retry.is_zero() {
            let reason = "brings everybody back at once, for ever; use some seconds";
            errors.push(ConfigError::new("retry", self.retry, reason));
        }
        let shared = Shared {
            limits: Arc::new(Limits::new(self.max_streams, self.max_streams_of)),
            key: self.key,
            drain: self.drain,
            retry: self.retry,
            parameters: self.parameters,
            problem_base: self.problem_base,
        };
        ConfigErrors::check(errors, Ok(SseLayer { shared: Arc::new(shared) }))
    }
}

impl fmt::Debug for SseLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseLayerBuilder")
            .field("max_streams", &self.max_streams)
            .finish_non_exhaustive()
    }
}
