//! Step 5: lists that stay fast, and links that lead on.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Router};
use stonework_core::{Key, RequestHead};
use stonework_pagination::{Cursors, Keys, Page, PageError, PageLayer, Paged, keyset};
use stonework_versioning::ApiVersion;

use crate::Error;
use crate::account::{Account, account};
use crate::bare::{create, find};
use crate::charges::{Charge, Charges};
use crate::versions::layered;

keyset! {
    /// Ids grow.
    pub(crate) struct Newest {
        id: i64 => desc unique,
    }
}

pub(crate) async fn list(
    State(charges): State<Charges>,
    Extension(account): Extension<Account>,
    page: Page<Newest>,
) -> Result<Paged<Charge>, PageError> {
    let rows = charges.page(&account, &page.seek()).await.map_err(PageError::internal)?;
    page.finish(rows, |charge| Newest { id: charge.id }).await
}

/// A cursor is good for one account and one version, and without a secret, for as long as this process.
pub(crate) fn pages() -> Result<PageLayer, Error> {
    let keys = match std::env::var("CURSOR_SECRET") {
        Ok(secret) => Keys::new(1, secret.as_bytes()),
        Err(_) => Keys::ephemeral_for_dev(),
    };
    let cursors = Cursors::signed(keys).build()?;
    Ok(PageLayer::builder().cursors(cursors).bind(account).bind(version).build()?)
}

fn version(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<ApiVersion>().map(|version| Key::from(version.resolved().as_bytes()))
}

pub(crate) async fn app() -> Result<Router, Error> {
    let lists = get(list).layer(pages()?);
    let routes = Router::new()
        .route("/charges", post(create).merge(lists))
        .route("/charges/{id}", get(find))
        .with_state(Charges::open().await?);
    layered(routes)
}
