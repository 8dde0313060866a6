//! How the jobs of an account are listed, the newest first.

use axum::Extension;
use axum::extract::State;
use stonework_pagination::{
    Anchor, AnyPage, Cursors, Direction, Keys, Keyset, PageLayer, Paged, keyset,
};
use uuid::Uuid;

use crate::account::{self, Account};
use crate::config::Failure;
use crate::problem::Refusal;
use crate::routes::App;
use crate::secret::SecretKey;
use crate::status::Shown;
use crate::store::List;

keyset! {
    struct Newest {
        created_at: i64 => desc,
        id: Uuid => desc unique,
    }
}

/// Cursors are good for one account. All processes with the same secret make the same.
pub(crate) fn layer(secret: &SecretKey) -> Result<PageLayer, Failure> {
    let cursors = Cursors::signed(Keys::new(1, &secret.cursors())).build();
    let cursors = cursors.map_err(Failure::config)?;
    let layer = PageLayer::builder().cursors(cursors).bind(account::scope).build();
    layer.map_err(Failure::config)
}

/// A keyset is for SQL, and no less for anything that is sorted: a page says after which place it begins.
pub(crate) async fn list(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    page: AnyPage,
) -> Result<Paged<Shown>, Refusal> {
    let page = page.sorted_by::<Newest>()?;
    let list = List {
        account,
        newest_first: page.direction() == Direction::Forward,
        after: page.anchor().and_then(place),
        // One more, to know whether there are more.
        limit: page.limit() as usize + 1,
    };
    let jobs = app.jobs.list(list).await?;
    let place = |shown: &Shown| {
        let (created_at, id) = shown.place();
        Newest { created_at: created_at.try_into().unwrap_or(i64::MAX), id }
    };
    Ok(page.finish(jobs.iter().map(Shown::of).collect(), place).await?)
}

fn place(anchor: &Anchor) -> Option<(u64, Uuid)> {
    let Newest { created_at, id } = Newest::from_values(anchor.values.clone())?;
    Some((created_at.try_into().ok()?, id))
}
