//! Lists as connections of Relay, whose cursors cannot be forged.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, OutputType, Result};
use stonework_pagination::{
    AnyPage, Binding, Cursors, EdgeCursor, Keys, Keyset, Page, Paged, Profile,
};

use crate::account::Account;
use crate::env::Failure;
use crate::ledger::Ledger;
use crate::price::{LARGEST_PAGE, PAGE};
use crate::schema::failed;

pub(crate) type List<T> = Connection<EdgeCursor, T, EmptyFields, EmptyFields>;

/// What a client says of the page it wants.
pub(crate) struct Asked {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

/// All processes with the same ledger make the same.
pub(crate) async fn cursors(ledger: &Ledger) -> Result<Cursors, Failure> {
    let secret = ledger.secret().await?;
    let cursors = Cursors::signed(Keys::new(1, &secret)).build();
    cursors.map_err(|errors| Failure::Config(errors.to_string()))
}

impl Asked {
    /// The page of this list, for this account and no other.
    pub(crate) async fn page<K: Keyset>(self, ctx: &Context<'_>, list: &str) -> Result<Page<K>> {
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        let parameters = [
            ("first", number(self.first)),
            ("after", self.after),
            ("last", number(self.last)),
            ("before", self.before),
        ];
        let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let owner = ctx.data::<Account>()?.key();
        let binding = Binding::new().owner(&owner).part("list", list.as_bytes());
        let profile = Profile::relay().limits(PAGE, LARGEST_PAGE);
        let cursors = ctx.data::<Cursors>()?;
        let page = AnyPage::from_parameters(&profile, cursors, binding, parameters).await;
        page.and_then(|page| page.sorted_by::<K>()).map_err(|error| failed(&error.problem()))
    }
}

pub(crate) fn connection<T: OutputType>(page: Paged<T>) -> Result<List<T>> {
    page.into_connection().map_err(|error| failed(&error.problem()))
}
