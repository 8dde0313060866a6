use async_graphql::OutputType;
use async_graphql::connection::{Connection, ConnectionNameType, Edge, EdgeNameType, EmptyFields};

use crate::Paged;

impl<T: OutputType> Paged<T> {
    /// The page as a connection of Relay, with the cursor of each item. Feature `async-graphql-7`.
    ///
    /// Ask for it with [`Profile::relay`](crate::Profile::relay), whose pages know the cursors of their items.
    ///
    /// ```
    /// use async_graphql::connection::{Connection, EmptyFields};
    /// use async_graphql::{Context, Result};
    /// use stonework_pagination::{AnyPage, Binding, Cursors, Profile, keyset};
    ///
    /// keyset! {
    ///     struct ById {
    ///         id: i64 => asc unique,
    ///     }
    /// }
    ///
    /// async fn numbers(
    ///     context: &Context<'_>,
    ///     first: Option<i32>,
    ///     after: Option<String>,
    /// ) -> Result<Connection<String, i64, EmptyFields, EmptyFields>> {
    ///     let parameters = [("first", first.map(|first| first.to_string())), ("after", after)];
    ///     let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    ///     let binding = Binding::new().part("list", b"numbers");
    ///     let (profile, cursors) = (Profile::relay(), context.data::<Cursors>()?);
    ///     let page = AnyPage::from_parameters(&profile, cursors, binding, parameters).await?;
    ///     let page = page.sorted_by::<ById>()?;
    ///     let rows = Vec::new(); // What `page.seek()` finds.
    ///     Ok(page.finish(rows, |id| ById { id: *id }).await?.into_connection())
    /// }
    /// # let _ = numbers;
    /// ```
    pub fn into_connection<Name, EdgeName>(
        self,
    ) -> Connection<String, T, EmptyFields, EmptyFields, Name, EdgeName>
    where
        Name: ConnectionNameType,
        EdgeName: EdgeNameType,
    {
        let mut connection = Connection::new(self.around.has_prev, self.around.has_next);
        let edges = self.cursors.into_iter().zip(self.items);
        connection.edges.extend(edges.map(|(cursor, node)| Edge::new(cursor, node)));
        connection
    }
}
