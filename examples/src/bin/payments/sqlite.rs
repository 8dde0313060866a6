//! A file of SQLite, which several processes may open at once.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

/// How long a transaction waits for those of others. A writer takes a few milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// The same in pauses, for what SQLite does not wait with by itself.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSES: usize = 500;

/// So many are written and read at once. SQLite writes one at a time.
const CONNECTIONS: u32 = 4;

/// Makes what is not there yet of this schema. Without a path it is in memory, for as long as the process lasts.
pub(crate) async fn open(
    path: Option<&str>,
    schema: &'static str,
) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new().busy_timeout(BUSY);
    let (options, connections) = match path {
        Some(path) => (options.filename(path).create_if_missing(true), CONNECTIONS),
        // What is in memory belongs to its connection, and is gone with it.
        None => (options.in_memory(true), 1),
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    if path.is_some() {
        write_ahead(&pool).await?;
    }
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(schema).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(pool)
}

/// Has the file written so that who reads it waits for nobody. It stays so. Not an option of each
/// connection: the first of them switch a new file, and of two that do it at once (of two processes,
/// or of this pool, which sometimes begins with two) one fails, whatever `busy_timeout` says.
async fn write_ahead(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let switch = || sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(pool);
    let pauses = ConstantBuilder::new().with_delay(PAUSE).with_max_times(PAUSES);
    switch.retry(pauses).when(is_busy).await?;
    Ok(())
}

fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    // The lowest byte says what it is, the others why.
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
