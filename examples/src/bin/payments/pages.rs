//! How transfers are listed.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use stonework_core::{Key, RequestHead};
use stonework_pagination::{AnyPage, Cursors, Keys, Keyset, PageLayer, Paged, keyset};
use stonework_versioning::ApiVersion;
use uuid::Uuid;

use crate::account::{self, Account};
use crate::config::Failure;
use crate::ledger::{Ledger, Transfer};
use crate::problem::Refusal;
use crate::routes::App;

keyset! {
    /// An id begins with the time when it was made.
    struct Newest {
        id: Uuid => desc unique,
    }
}

keyset! {
    struct Oldest {
        id: Uuid => asc unique,
    }
}

keyset! {
    struct Largest {
        amount: i64 => desc,
        id: Uuid => desc unique,
    }
}

keyset! {
    /// Those without one come last.
    struct ByReference {
        reference: Option<String> => asc nulls last,
        id: Uuid => asc unique,
    }
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SortBy {
    #[default]
    Newest,
    Oldest,
    Largest,
    Reference,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    sort: SortBy,
}

/// Cursors are good for one account and one version. All processes with the same ledger make the same.
pub(crate) async fn layer(ledger: &Ledger) -> Result<PageLayer, Failure> {
    let secret = ledger.secret("cursors").await;
    let secret = secret.map_err(|error| Failure::Database(error.to_string()))?;
    let cursors = Cursors::signed(Keys::new(1, &secret)).build();
    let cursors = cursors.map_err(|errors| Failure::Config(errors.to_string()))?;
    let layer = PageLayer::builder().cursors(cursors).bind(account::scope).bind(version).build();
    layer.map_err(|errors| Failure::Config(errors.to_string()))
}

fn version(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<ApiVersion>().map(|version| Key::from(version.resolved().as_bytes()))
}

pub(crate) async fn list(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    page: AnyPage,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Paged<Transfer>, Refusal> {
    let Query(Listing { sort }) = listing.map_err(|_| Refusal::UnknownSort)?;
    let list = List { ledger: &app.ledger, account: &account, page };
    match sort {
        SortBy::Newest => list.by(|transfer| Newest { id: transfer.id }).await,
        SortBy::Oldest => list.by(|transfer| Oldest { id: transfer.id }).await,
        SortBy::Largest => {
            let place = |transfer: &Transfer| Largest {
                amount: transfer.amount.value.get().try_into().unwrap_or(i64::MAX),
                id: transfer.id,
            };
            list.by(place).await
        }
        SortBy::Reference => {
            let place = |transfer: &Transfer| ByReference {
                reference: transfer.reference.as_ref().map(|label| label.as_str().to_owned()),
                id: transfer.id,
            };
            list.by(place).await
        }
    }
}

struct List<'l> {
    ledger: &'l Ledger,
    account: &'l Account,
    page: AnyPage,
}

impl List<'_> {
    async fn by<K: Keyset>(
        self,
        place: impl Fn(&Transfer) -> K,
    ) -> Result<Paged<Transfer>, Refusal> {
        let page = self.page.sorted_by::<K>()?;
        let rows = self.ledger.page(self.account, &page.seek()).await?;
        Ok(page.finish(rows, place).await?)
    }
}
