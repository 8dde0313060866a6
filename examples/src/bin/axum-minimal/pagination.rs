//! `cargo run --bin axum-minimal-pagination`, and `curl -i '127.0.0.1:3000/orders?limit=2'`

use axum::extract::State;
use axum::{Router, routing::get};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use stonework_pagination::{Cursors, Dialect, Keys, Page, PageError, PageLayer, Paged, keyset};
use tokio::net::TcpListener;

keyset! {
    struct Newest {
        id: i64 => desc unique,
    }
}

async fn list(page: Page<Newest>, State(db): State<SqlitePool>) -> Result<Paged<i64>, PageError> {
    let statement = page.seek().render(Dialect::Sqlite, "SELECT id FROM orders")?;
    let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().map_err(PageError::internal)?;
    let rows = sqlx::query_scalar_with(sql, arguments).fetch_all(&db).await;
    page.finish(rows.map_err(PageError::internal)?, |id| Newest { id: *id }).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What is in memory belongs to its connection.
    let db = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    let orders = "CREATE TABLE orders AS SELECT value AS id FROM json_each('[1, 2, 3, 4, 5]')";
    sqlx::query(orders).execute(&db).await?;
    let cursors = Cursors::signed(Keys::new(1, b"32 bytes that only you know, ok?")).build()?;
    let pages = PageLayer::builder().cursors(cursors).build()?;
    let app = Router::new().route("/orders", get(list).layer(pages)).with_state(db);

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
