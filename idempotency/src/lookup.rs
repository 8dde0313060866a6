use std::fmt;

use sha2::{Digest, Sha256};
use stonework_core::Key;
use uuid::Uuid;

/// Where the record of a key stands: a hash of its owner and the key, so that no raw key is kept.
///
/// The parts are hashed with their lengths, so no owner can reach another's records by a clever
/// choice of key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lookup {
    id: [u8; 32],
    scope: Option<ScopeId>,
}

/// A hash of the scope, by which a store divides its room fairly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId([u8; 16]);

impl Lookup {
    /// The lookup of this key within this scope, and within this route if keys are told apart by
    /// route. `None` as the scope is the one scope of a service with a single tenant, to which no
    /// share applies.
    pub fn new(scope: Option<&Key>, route: Option<&[&[u8]]>, key: &[u8]) -> Self {
        let mut hash = Sha256::new();
        match scope {
            None => hash.update([0]),
            Some(scope) => {
                hash.update([1]);
                add(&mut hash, scope.as_bytes());
            }
        }
        add(&mut hash, key);
        for part in route.into_iter().flatten() {
            add(&mut hash, part);
        }
        Self { id: hash.finalize().into(), scope: scope.map(ScopeId::of) }
    }

    /// The hash: the name of the record in a store.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The scope, if there is more than one.
    pub const fn scope(&self) -> Option<ScopeId> {
        self.scope
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lookup({})", Hex(&self.id))
    }
}

impl ScopeId {
    fn of(scope: &Key) -> Self {
        let hash: [u8; 32] = Sha256::digest(scope.as_bytes()).into();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        Self(id)
    }
}

/// Adds a part with its length, so that no two lists of parts hash alike.
pub(crate) fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which request a key was used for: a hash over what the request says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// From the bytes of a hash.
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", Hex(&self.0[..4]))
    }
}

/// Who owns a claim. Made by the caller before it asks, so that asking again is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(Uuid);

impl Token {
    /// A token that nobody else has.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_between_scope_key_and_route() {
        let of =
            |scope: &str, key: &str| Lookup::new(Some(&Key::from(scope)), None, key.as_bytes());
        assert_eq!(of("a", "bc"), of("a", "bc"));
        assert_ne!(of("a", "bc").id(), of("ab", "c").id());
        assert_ne!(of("", "a").id(), Lookup::new(None, None, b"a").id());
        let routed = |route: &[&[u8]]| Lookup::new(None, Some(route), b"k");
        assert_ne!(routed(&[b"POST", b"/a"]).id(), routed(&[b"POST/", b"a"]).id());
        assert_ne!(routed(&[b"POST"]).id(), Lookup::new(None, None, b"k").id());
    }

    #[test]
    fn one_scope_has_one_id_and_a_single_tenant_none() {
        let scope = Key::from("a");
        let first = Lookup::new(Some(&scope), None, b"1");
        let second = Lookup::new(Some(&scope), None, b"2");
        assert_eq!(first.scope(), second.scope());
        assert!(first.scope().is_some());
        assert_eq!(Lookup::new(None, None, b"1").scope(), None);
    }
}
