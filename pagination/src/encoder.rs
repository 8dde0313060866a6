use std::fmt;
use std::sync::Arc;

#[cfg(feature = "stored")]
use stonework_core::Key;
use stonework_core::StoreFuture;

use crate::cursors::Scheme;
use crate::keys::Signer;
#[cfg(any(feature = "encrypted", feature = "stored"))]
use crate::token::Bound;
use crate::token::{Plain, Said, Signed, encode, encoded_len};
use crate::{Anchor, Binding, CursorError, CursorErrorKind, Cursors, Sort};

/// Makes cursors of one list in one order: [`Cursors::encoder`]. Clones share it.
#[derive(Clone)]
pub struct Encoder(Arc<Inner>);

struct Inner {
    cursors: Cursors,
    #[cfg(any(feature = "encrypted", feature = "stored"))]
    bound: Bound,
    #[cfg(feature = "stored")]
    owner: Key,
    signer: Option<Signer>,
    sort: Sort,
}

/// A cursor whose text is made when somebody wants it: of the items of a page, most are wanted by nobody.
#[derive(Clone)]
pub(crate) enum Draft {
    /// It is kept in a store, or came from a client.
    #[cfg(any(feature = "async-graphql-7", feature = "stored"))]
    Made(String),
    /// All of it but what takes time.
    Open(Encoder, Vec<u8>),
}

impl Encoder {
    pub(crate) fn new(cursors: &Cursors, binding: &Binding, sort: &Sort) -> Self {
        let bound = cursors.inner.bound(binding);
        let signer = if let Scheme::Signed(signed) = &cursors.inner.scheme {
            signed.bound(&bound)
        } else {
            None
        };
        Self(Arc::new(Inner {
            cursors: cursors.clone(),
            #[cfg(any(feature = "encrypted", feature = "stored"))]
            bound,
            #[cfg(feature = "stored")]
            owner: binding.owned_by().clone(),
            signer,
            sort: sort.clone(),
        }))
    }

    /// The cursor of this place. It is there at once unless it is kept in a store.
    ///
    /// # Errors
    ///
    /// When the place is none of the order ([`CursorErrorKind::OtherSort`]), when its values are so long that
    /// the cursor would be refused when it comes back ([`CursorErrorKind::TooLong`]), or when the store does
    /// not answer.
    pub fn encode(&self, anchor: &Anchor) -> StoreFuture<Result<String, CursorError>> {
        match self.draft(anchor).try_ready() {
            Ok(draft) => StoreFuture::ready(draft.map(Draft::text)),
            Err(drafting) => StoreFuture::new(async move { Ok(drafting.await?.text()) }),
        }
    }

    /// As [`encode`](Self::encode), and what can go wrong has gone wrong.
    pub(crate) fn draft(&self, anchor: &Anchor) -> StoreFuture<Result<Draft, CursorError>> {
        let inner = &*self.0;
        if !inner.sort.fits(&anchor.values) {
            return StoreFuture::ready(Err(CursorErrorKind::OtherSort.into()));
        }
        #[cfg(feature = "stored")]
        if let Scheme::Stored(stored) = &inner.cursors.inner.scheme {
            let said = Said::write(&inner.sort, anchor, None, Vec::new());
            let token = stored.put(&inner.bound, inner.owner.clone(), &said);
            return StoreFuture::new(async move { Ok(Draft::Made(encode(&token.await?))) });
        }
        let open = self.open(anchor);
        let length = encoded_len(open.len() + inner.cursors.inner.scheme.overhead());
        StoreFuture::ready(match length <= inner.cursors.inner.max_len {
            true => Ok(Draft::Open(self.clone(), open)),
            false => Err(CursorErrorKind::TooLong.into()),
        })
    }

    /// What a token says, with what stands before it.
    fn open(&self, anchor: &Anchor) -> Vec<u8> {
        let Inner { cursors, sort, .. } = &*self.0;
        let mut token = Vec::with_capacity(64);
        match &cursors.inner.scheme {
            Scheme::Signed(signed) => signed.begin(&mut token),
            Scheme::DangerPlain => Plain::begin(&mut token),
            // It is said under the cipher, or to the store.
            #[cfg(any(feature = "encrypted", feature = "stored"))]
            _ => {}
        }
        Said::write(sort, anchor, cursors.inner.expires(), token)
    }

    fn sealed(&self, mut open: Vec<u8>) -> Vec<u8> {
        if let Some(signer) = &self.0.signer {
            Signed::end(signer, &mut open);
        }
        #[cfg(feature = "encrypted")]
        if let Scheme::Encrypted(encrypted) = &self.0.cursors.inner.scheme {
            return encrypted.seal(&self.0.bound, &open).unwrap_or_default();
        }
        open
    }
}

impl Draft {
    pub(crate) fn text(self) -> String {
        match self {
            #[cfg(any(feature = "async-graphql-7", feature = "stored"))]
            Self::Made(text) => text,
            Self::Open(encoder, open) => encode(&encoder.sealed(open)),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("cursors", &self.0.cursors).finish_non_exhaustive()
    }
}
