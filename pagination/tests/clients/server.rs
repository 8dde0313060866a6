//! A server of lists in memory, with a route for each contract.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};
use stonework_pagination::{
    AnyPage, Cursors, Direction, Keys, Page, PageError, PageLayer, PageLayerBuilder, Paged, Profile,
};
use tokio::net::TcpListener;

use crate::memory::{Newest, Row, found, place, rows};

/// Ids from here on are of rows that came before what a client reads forward.
pub(crate) const NEW: i64 = 1_000;

/// A list, and what happened to it.
struct List {
    rows: Vec<Row>,
    gone: Vec<Row>,
    asked: usize,
    changed: usize,
}

impl List {
    /// The last row that was read goes. One comes where it was, and one at the end.
    fn change(&mut self, read: Row) {
        self.changed += 1;
        let nth = self.changed as i64;
        self.rows.retain(|row| *row != read);
        self.gone.push(read);
        self.rows.extend([(read.0, NEW + nth), (-nth, -nth)]);
        self.rows.sort_by(|one, two| two.cmp(one));
    }

    /// As if it had only been marked as deleted.
    fn ever_there(&self, id: &str) -> Option<Row> {
        self.rows.iter().chain(&self.gone).find(|row| row.1.to_string() == id).copied()
    }
}

/// A list for each size of a page, so that each crawl has one of its own.
#[derive(Clone)]
struct Lists {
    many: i64,
    changes: usize,
    by_limit: Arc<Mutex<HashMap<u32, List>>>,
}

impl Lists {
    fn with<R>(&self, limit: u32, act: impl FnOnce(&mut List) -> R) -> R {
        let new = || List { rows: rows(self.many), gone: Vec::new(), asked: 0, changed: 0 };
        act(self.by_limit.lock().unwrap().entry(limit).or_insert_with(new))
    }

    fn page(&self, any: &AnyPage) -> Result<Page<Newest>, PageError> {
        match any.id() {
            Some(id) => {
                any.at(self.with(any.limit(), |list| list.ever_there(id)).map(|row| place(&row)))
            }
            None => any.sorted_by(),
        }
    }
}

async fn list(any: AnyPage, State(lists): State<Lists>) -> Result<Paged<Value>, PageError> {
    let page = lists.page(&any)?;
    let found = lists.with(page.limit(), |list| {
        list.asked += 1;
        found(&list.rows, &page)
    });
    let paged = page.finish(found, place).await?;
    let read = match page.direction() {
        Direction::Backward => paged.items().first(),
        _ => paged.items().last(),
    };
    lists.with(page.limit(), |list| match read {
        Some(read) if list.changed < lists.changes => list.change(*read),
        _ => {}
    });
    Ok(paged.map(|(_, id)| json!({ "id": id })))
}

fn cursors() -> PageLayerBuilder {
    PageLayer::builder().cursors(Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap())
}

fn router(base: &str, lists: &Lists) -> Router {
    let route = |path: &str, builder: PageLayerBuilder| {
        Router::new()
            .route(path, get(list).layer(builder.build().unwrap()))
            .with_state(lists.clone())
    };
    let github = || cursors().profile(Profile::github());
    let organizations = route("/orgs/relative/repos", github())
        .merge(route("/orgs/absolute/repos", github().base(base)));
    // The names that Google's clients of JSON have for the parameters.
    let google = Profile::aip("items").limit_named("maxResults").cursor_named("pageToken");
    route("/v1/charges", PageLayer::builder().profile(Profile::stripe()))
        .merge(route("/google", cursors().profile(google)))
        .merge(route("/azure", cursors().profile(Profile::azure()).base(base)))
        .merge(route("/plain", cursors()))
        .nest("/api/v3", organizations.clone())
        .merge(organizations)
}

/// A server that runs as long as the test.
pub(crate) struct Server {
    /// `http://127.0.0.1:…`.
    pub(crate) base: String,
    lists: Lists,
}

impl Server {
    /// Lists of so many items each, which change after each page until they have changed so often.
    pub(crate) async fn start(many: i64, changes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let lists = Lists { many, changes, by_limit: Arc::default() };
        let router = router(&base, &lists);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, lists }
    }

    /// How many pages of this size were asked for.
    pub(crate) fn asked(&self, limit: u32) -> usize {
        self.lists.with(limit, |list| list.asked)
    }

    /// How often the list of this size of a page has changed.
    pub(crate) fn changed(&self, limit: u32) -> usize {
        self.lists.with(limit, |list| list.changed)
    }
}
