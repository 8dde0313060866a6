use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Method, Response};
use stonework_core::{Key, NotExecuted, OriginalUri, RequestHead};

use crate::answer::refuse;
use crate::asked::{Asked, Wrong};
use crate::context::Context;
use crate::filters::{bind_filters, bind_path};
use crate::link::{Base, is_base};
use crate::profile::Profile;
use crate::rejection::Refusal;
use crate::{Binding, Cursors};

pub(crate) type BindFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) profile: Arc<Profile>,
    pub(crate) cursors: Option<Cursors>,
    pub(crate) owner: Option<BindFn>,
    pub(crate) bind: Vec<BindFn>,
    pub(crate) base: Base,
    pub(crate) problem_base: Arc<str>,
}

impl Shared {
    /// Is the request any of our business?
    pub(crate) fn concerns(head: &RequestHead<'_>) -> bool {
        matches!(*head.method, Method::GET | Method::HEAD)
    }

    /// The page that is asked for, whose cursors have not been looked at.
    pub(crate) fn ask(&self, head: &RequestHead<'_>) -> Result<Context, Refusal> {
        let uri = OriginalUri::of(head);
        let asked = Asked::of(&self.profile, uri.query()).map_err(Wrong::refuse)?;
        Ok(Context {
            profile: Arc::clone(&self.profile),
            cursors: self.cursors.clone(),
            binding: self.binding(head),
            asked,
            cursor: None,
            until: None,
            uri: Some(uri.clone()),
            prefix: self.prefix(head),
            problem_base: Arc::clone(&self.problem_base),
        })
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Response<Bytes> {
        let mut response = refuse(refusal, &self.profile, &self.problem_base);
        response.extensions_mut().insert(NotExecuted);
        response
    }

    /// What a cursor is good for: this path, these filters, and whoever is asking.
    fn binding(&self, head: &RequestHead<'_>) -> Binding {
        let uri = OriginalUri::of(head);
        let binding = bind_path(Binding::new(), uri.path());
        let binding = bind_filters(binding, &self.profile.names, uri.query());
        let owner = self.owner.as_ref().and_then(|owner| owner(head));
        let binding = owner.iter().fold(binding, Binding::owner);
        self.bind.iter().fold(binding, |binding, bind| match bind(head) {
            Some(key) => binding.part("bound", key.as_bytes()),
            None => binding.part("unbound", b""),
        })
    }

    fn prefix(&self, head: &RequestHead<'_>) -> String {
        match &self.base {
            Base::Relative => String::new(),
            Base::Configured(base) => base.clone(),
            Base::DangerHost => host(head).unwrap_or_default(),
        }
    }
}

/// Without it, links are relative.
fn host(head: &RequestHead<'_>) -> Option<String> {
    let said = || head.headers.get(http::header::HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let uri = OriginalUri::of(head);
    let host = uri.authority().cloned().or_else(said)?;
    let base = format!("{}://{host}", uri.scheme().unwrap_or(&Scheme::HTTP));
    is_base(&base).then_some(base)
}
