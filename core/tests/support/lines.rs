//! What a crate tells `tracing`.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The events of this thread, as lines of fields.
#[derive(Clone)]
pub(crate) struct Lines {
    target: &'static str,
    lines: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == self.target {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.lines.lock().unwrap().push(line.0);
        }
    }
}

impl Lines {
    /// Those of this target, from now on and as long as the guard lives.
    pub(crate) fn of(target: &'static str) -> (Self, DefaultGuard) {
        let lines = Self { target, lines: Arc::default() };
        let guard = set_default(Registry::default().with(lines.clone()));
        (lines, guard)
    }

    /// What was told since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut *self.lines.lock().unwrap())
    }
}
