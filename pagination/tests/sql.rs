//! Pages out of a real PostgreSQL and a real MariaDB, which the tests start.
//!
//! Run by `./test.sh sql`, which installs them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "sql/mariadb.rs"]
mod mariadb;
#[path = "sql/postgres.rs"]
mod postgres;
#[path = "sql/server/mod.rs"]
mod server;
#[path = "support/mod.rs"]
mod support;
