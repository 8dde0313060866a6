//! Where customers want to be told: in the database, so that all processes know it, and those after them.

use sqlx::SqlitePool;
use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_webhook_delivery::{Endpoint, EndpointId, Endpoints, Signer, scheme};

use crate::Error;
use crate::charges::Charges;

#[derive(Clone)]
pub(crate) struct Customers(SqlitePool);

/// A URL, and what signs for it.
type Row = (String, String);

impl Customers {
    pub(crate) async fn open(charges: &Charges) -> sqlx::Result<Self> {
        let table = "CREATE TABLE IF NOT EXISTS endpoints (
                         id TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL
                     )";
        let pool = charges.database();
        sqlx::query(table).execute(pool).await?;
        Ok(Self(pool.clone()))
    }

    /// In place of the one before.
    pub(crate) async fn insert(
        &self,
        id: &EndpointId,
        url: &str,
        secret: &str,
    ) -> sqlx::Result<()> {
        let insert = "INSERT OR REPLACE INTO endpoints (id, url, secret) VALUES (?1, ?2, ?3)";
        sqlx::query(insert).bind(id.as_str()).bind(url).bind(secret).execute(&self.0).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, id: &EndpointId) -> sqlx::Result<Option<Row>> {
        let select = "SELECT url, secret FROM endpoints WHERE id = ?1";
        sqlx::query_as(select).bind(id.as_str()).fetch_optional(&self.0).await
    }
}

/// Asked before each attempt, by the workers of whichever process makes it.
impl Endpoints for Customers {
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        let (customers, id) = (self.clone(), id.clone());
        StoreFuture::new(async move {
            let away = |error| StoreError::new(StoreErrorKind::Unavailable).with_source(error);
            let found = customers.get(&id).await.map_err(away)?;
            Ok(found.and_then(|(url, secret)| endpoint(&url, &secret).ok()))
        })
    }
}

pub(crate) fn endpoint(url: &str, secret: &str) -> Result<Endpoint, Error> {
    let signer = Signer::new(scheme::STANDARD).secret(secret);
    Ok(Endpoint::builder(url).signer(signer).build()?)
}
