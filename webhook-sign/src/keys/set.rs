use std::sync::Arc;
use std::time::Duration;

use stonework_core::Key;

use super::{KeyError, WebhookKey};

/// How many keys are tried: a current one, the one before, the one after, and one to spare. Each costs a MAC over the
/// whole body.
pub const MAX_KEYS: usize = 4;

/// One to [`MAX_KEYS`] keys of one sender. All that are valid check; the valid ones sign, the first of them where a
/// scheme has room for one signature.
///
/// Clones share the keys.
#[derive(Clone, Debug)]
pub struct KeySet(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    keys: Vec<WebhookKey>,
    owner: Option<Key>,
}

impl KeySet {
    /// These keys.
    ///
    /// # Errors
    ///
    /// When there are none or too many, when two have one name, or when one is never valid.
    pub fn new(keys: impl IntoIterator<Item = WebhookKey>) -> Result<Self, KeyError> {
        let mut keys: Vec<_> = keys.into_iter().take(MAX_KEYS + 1).collect();
        match keys.len() {
            0 => return Err(KeyError::NoKeys),
            1..=MAX_KEYS => {}
            _ => return Err(KeyError::TooMany),
        }
        for (at, key) in keys.iter_mut().enumerate() {
            key.name.get_or_insert_with(|| (at + 1).to_string().into());
        }
        for (at, key) in keys.iter().enumerate() {
            if !key.is_ever_valid() {
                return Err(KeyError::NeverValid);
            }
            if keys[..at].iter().any(|other| other.name == key.name) {
                return Err(KeyError::SameName);
            }
        }
        Ok(Self(Arc::new(Inner { keys, owner: None })))
    }

    /// Whose keys they are, where senders are told apart: a tenant must not be able to take the id of another's event, and
    /// have that one count as a duplicate. `TenantKeys` says so by itself.
    #[must_use]
    pub fn owned_by(mut self, owner: Key) -> Self {
        Arc::make_mut(&mut self.0).owner = Some(owner);
        self
    }

    pub(crate) fn owner(&self) -> &[u8] {
        self.0.owner.as_ref().map(Key::as_bytes).unwrap_or_default()
    }

    /// How many keys there are, valid or not.
    pub fn len(&self) -> usize {
        self.0.keys.len()
    }

    /// Never: a set has at least one key.
    pub fn is_empty(&self) -> bool {
        self.0.keys.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, WebhookKey> {
        self.0.keys.iter()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&WebhookKey> {
        self.0.keys.get(at)
    }

    pub(crate) fn name(&self, at: usize) -> Arc<str> {
        self.get(at).and_then(|key| key.name.clone()).unwrap_or_else(|| "".into())
    }

    /// The keys to try, with their places. A key id that was sent narrows them down if it names one of them, and is
    /// no more than that: what decides is the signature.
    #[inline]
    pub(crate) fn valid<'k>(
        &'k self,
        now: Duration,
        hint: Option<&'k [u8]>,
    ) -> impl Iterator<Item = (usize, &'k WebhookKey)> {
        let named = move |key: &WebhookKey| {
            hint.is_some() && key.name.as_deref().map(str::as_bytes) == hint && key.is_valid(now)
        };
        let narrowed = hint.is_some() && self.0.keys.iter().any(named);
        let keys = self.0.keys.iter().enumerate();
        keys.filter(move |(_, key)| if narrowed { named(key) } else { key.is_valid(now) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn key(secret: &str) -> WebhookKey {
        WebhookKey::hmac(secret.as_bytes()).unwrap()
    }

    fn names(set: &KeySet, now: u64, hint: Option<&[u8]>) -> Vec<String> {
        let valid = set.valid(Duration::from_secs(now), hint);
        valid.map(|(at, _)| set.name(at).to_string()).collect()
    }

    #[test]
    fn sets_are_checked() {
        let new = |keys: Vec<WebhookKey>| KeySet::new(keys).map(|set| set.len());
        assert_eq!(new(vec![]), Err(KeyError::NoKeys));
        assert_eq!(new(vec![key("a"); MAX_KEYS]), Ok(MAX_KEYS));
        assert_eq!(new(vec![key("a"); MAX_KEYS + 1]), Err(KeyError::TooMany));
        assert_eq!(new(vec![key("a").named("x"), key("b").named("x")]), Err(KeyError::SameName));
        let never = key("a").from(SystemTime::UNIX_EPOCH).until(SystemTime::UNIX_EPOCH);
        assert_eq!(new(vec![never]), Err(KeyError::NeverValid));
    }

    #[test]
    fn overlapping_windows_hand_over() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let set = KeySet::new([key("old").named("old").until(at(20)), key("new").from(at(10))]);
        let set = set.unwrap();
        assert_eq!(names(&set, 5, None), ["old"]);
        assert_eq!(names(&set, 15, None), ["old", "2"]);
        assert_eq!(names(&set, 25, None), ["2"]);
        assert_eq!(names(&set, 15, Some(b"old")), ["old"]);
        assert_eq!(names(&set, 15, Some(b"strange")), ["old", "2"]);
        assert_eq!(names(&set, 25, Some(b"old")), ["2"], "an expired name narrows nothing");
    }
}
