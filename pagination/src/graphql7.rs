use async_graphql::OutputType;
use std::convert::Infallible;
use std::fmt;

use async_graphql::connection::{
    Connection, ConnectionNameType, CursorType, Edge, EdgeNameType, EmptyFields,
};

use crate::encoder::Draft;
use crate::{PageError, Paged};

/// The cursor of an item. Its text is made when a query selects it. Feature `async-graphql-7`.
#[derive(Clone)]
pub struct EdgeCursor(Draft);

impl CursorType for EdgeCursor {
    type Error = Infallible;

    /// The text, which is looked at by [`AnyPage::from_parameters`](crate::AnyPage::from_parameters).
    fn decode_cursor(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Draft::Made(text.to_owned())))
    }

    fn encode_cursor(&self) -> String {
        self.0.clone().text()
    }
}

impl fmt::Debug for EdgeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeCursor").finish_non_exhaustive()
    }
}

impl<T: OutputType> Paged<T> {
    /// The page as a connection of Relay, with the cursor of each item. Feature `async-graphql-7`.
    ///
    /// Ask for it with [`Profile::relay`](crate::Profile::relay), whose pages know the cursors of their items. The
    /// text of a cursor is made only if a query selects it.
    ///
    /// ```
    /// use async_graphql::connection::{Connection, EmptyFields};
    /// use async_graphql::{Context, Result};
    /// use stonework_pagination::{AnyPage, Binding, Cursors, EdgeCursor, Profile, keyset};
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
    /// ) -> Result<Connection<EdgeCursor, i64, EmptyFields, EmptyFields>> {
    ///     let parameters = [("first", first.map(|first| first.to_string())), ("after", after)];
    ///     let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    ///     let binding = Binding::new().part("list", b"numbers");
    ///     let (profile, cursors) = (Profile::relay(), context.data::<Cursors>()?);
    ///     let page = AnyPage::from_parameters(&profile, cursors, binding, parameters).await?;
    ///     let page = page.sorted_by::<ById>()?;
    ///     let rows = Vec::new(); // What `page.seek()` finds.
    ///     Ok(page.finish(rows, |id| ById { id: *id }).await?.into_connection()?)
    /// }
    /// # let _ = numbers;
    /// ```
    ///
    /// # Errors
    ///
    /// When the page is of another contract.
    pub fn into_connection<Name, EdgeName>(
        self,
    ) -> Result<Connection<EdgeCursor, T, EmptyFields, EmptyFields, Name, EdgeName>, PageError>
    where
        Name: ConnectionNameType,
        EdgeName: EdgeNameType,
    {
        if self.cursors.len() != self.items.len() {
            return Err(PageError::misused("only pages of Profile::relay are connections"));
        }
        let mut connection = Connection::new(self.around.has_prev, self.around.has_next);
        let edges = self.cursors.into_iter().zip(self.items);
        let edge = |(cursor, node)| Edge::new(EdgeCursor(cursor), node);
        connection.edges.extend(edges.map(edge));
        Ok(connection)
    }
}
