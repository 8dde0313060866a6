use stonework_pagination::{
    Anchor, Binding, Cursors, CursorsBuilder, Encoder, Keys, Keyset, keyset,
};
use uuid::Uuid;

use super::SECRET;
use super::tokens::{Place, Tokens};

keyset! {
    pub(super) struct Newest {
        pub(super) at: i64 => desc,
        pub(super) id: Uuid => desc unique,
    }
}

pub(super) fn keys() -> Keys {
    Keys::new(1, &SECRET)
}

/// Cursors of one list of one account.
pub(super) struct Ours {
    cursors: Cursors,
    binding: Binding,
    encoder: Encoder,
}

impl Ours {
    pub(super) fn signed() -> Self {
        Self::new(Cursors::signed(keys()))
    }

    pub(super) fn encrypted() -> Self {
        Self::new(Cursors::encrypted(keys()))
    }

    pub(super) fn plain() -> Self {
        Self::new(Cursors::danger_plain())
    }

    fn new(builder: CursorsBuilder) -> Self {
        let cursors = builder.build().expect("the secret is long enough");
        let binding = Binding::new().part("list", b"/transfers").part("account", b"acct_7");
        let encoder = cursors.encoder(&binding, Newest::sort());
        Self { cursors, binding, encoder }
    }
}

impl Tokens for Ours {
    fn encode(&self, place: &Place) -> String {
        let anchor = Anchor::after(Newest { at: place.at, id: place.id });
        let token = self.encoder.encode(&anchor).try_ready().ok().and_then(Result::ok);
        token.expect("no store is asked, and the values fit")
    }

    fn decode(&self, token: &str) -> Option<Place> {
        let verified = self.cursors.verify(&self.binding, token).try_ready().ok()?.ok()?;
        let anchor = verified.anchor(Newest::sort()).ok()?;
        let Newest { at, id } = Newest::from_values(anchor.values)?;
        Some(Place { at, id })
    }
}
