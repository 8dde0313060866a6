use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::Extensions;

use crate::check::check;
use crate::context::Context;
use crate::encoder::Draft;
use crate::profile::Style;
use crate::window::Window;
use crate::{
    Anchor, Around, Binding, Cursors, Direction, Encoder, Keyset, PageError, Paged, Place, Profile,
    Rejection, Seek, Sort, Verified,
};

/// A page that was asked for, before it is known how it is sorted. In the extensions of requests that passed
/// a [`PageLayer`](crate::PageLayer), and an axum extractor.
///
/// Its cursor has been looked at: it is one of this service's, for this list and this caller.
///
/// ```
/// use stonework_pagination::{AnyPage, Page, PageError, keyset};
///
/// keyset! {
///     struct Newest {
///         created_at: i64 => desc,
///         id: i64 => desc unique,
///     }
/// }
///
/// fn page(extensions: &http::Extensions) -> Result<Page<Newest>, PageError> {
///     AnyPage::of(extensions)?.sorted_by()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AnyPage {
    pub(crate) context: Arc<Context>,
}

impl AnyPage {
    /// The page that a request asks for.
    ///
    /// # Errors
    ///
    /// When there is no layer around.
    pub fn of(extensions: &Extensions) -> Result<Self, PageError> {
        extensions.get().cloned().ok_or_else(PageError::no_layer)
    }

    /// The page that these parameters ask for, where there is no layer: in gRPC and GraphQL. They have the names
    /// and the meaning of the contract; others are not looked at. The cursors are good for this binding.
    ///
    /// ```
    /// # use stonework_pagination::{AnyPage, Binding, Cursors, PageError, Profile};
    /// # struct Request { page_size: i32, page_token: String }
    /// # async fn list(cursors: &Cursors, request: Request) -> Result<AnyPage, PageError> {
    /// let binding = Binding::new().part("list", b"orders").part("account", b"acct_7");
    /// let parameters =
    ///     [("page_size", request.page_size.to_string()), ("page_token", request.page_token)];
    /// AnyPage::from_parameters(&Profile::aip("orders"), cursors, binding, parameters).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When they ask for what cannot be given.
    pub async fn from_parameters<'p>(
        profile: &Profile,
        cursors: &Cursors,
        binding: Binding,
        parameters: impl IntoIterator<Item = (&'p str, String)> + Send,
    ) -> Result<Self, PageError> {
        let parameters: Vec<_> = parameters.into_iter().collect();
        let context = Context::bare(profile, cursors, binding, parameters)?;
        let profile = Arc::clone(&context.profile);
        let checked = check(context).await;
        let context = checked.map_err(|refusal| PageError::refused(refusal, profile))?;
        Ok(Self { context: Arc::new(context) })
    }

    /// How many items it has at most.
    pub fn limit(&self) -> u32 {
        self.context.asked.limit
    }

    /// The id of the object that it begins after or before, where the contract has ids for cursors
    /// ([`Profile::stripe`](crate::Profile::stripe)). Look it up, and go on with [`at`](Self::at).
    pub fn id(&self) -> Option<&str> {
        if self.context.cursors.is_some() {
            return None;
        }
        self.context.asked.cursor.as_deref()
    }

    /// The page, in this order.
    ///
    /// # Errors
    ///
    /// When its cursor is for another order. It is as any other cursor that cannot be used.
    pub fn sorted_by<K: Keyset>(&self) -> Result<Page<K>, PageError> {
        self.sorted(K::sort().clone())
    }

    /// The page, in an order that is made at run time.
    ///
    /// # Errors
    ///
    /// As [`sorted_by`](Self::sorted_by).
    pub fn sorted<P: Place>(&self, sort: Sort) -> Result<Page<P>, PageError> {
        if self.id().is_some() {
            return Err(self.refuse(Rejection::Misused));
        }
        let context = &self.context;
        let direction = context.asked.direction;
        let anchor = self.anchor(direction, context.cursor.as_ref(), &sort)?;
        let until = self.anchor(direction.opposite(), context.until.as_ref(), &sort)?;
        Ok(Page::new(Arc::clone(context), sort, anchor, until))
    }

    /// The page that begins at this row, which is the one of [`id`](Self::id); nothing if there is none.
    ///
    /// # Errors
    ///
    /// When an id was sent and there is no row; when the contract has cursors, which are no ids.
    pub fn at<K: Keyset>(&self, row: Option<K>) -> Result<Page<K>, PageError> {
        if self.context.cursors.is_some() {
            return Err(self.refuse(Rejection::Misused));
        }
        let direction = self.context.asked.direction;
        let anchor = match (self.id(), row) {
            (None, _) => None,
            (Some(_), None) => return Err(self.refuse(Rejection::Cursor)),
            (Some(_), Some(row)) => Some(Anchor::at(direction, row.into_values())),
        };
        Ok(Page::new(Arc::clone(&self.context), K::sort().clone(), anchor, None))
    }

    /// The place of a cursor. Which way it is read from there is what was asked: in some contracts the name of
    /// the parameter says so, whatever the cursor does.
    fn anchor(
        &self,
        direction: Direction,
        cursor: Option<&Verified>,
        sort: &Sort,
    ) -> Result<Option<Anchor>, PageError> {
        let anchor = cursor.map(|verified| verified.anchor(sort)).transpose();
        let anchor = anchor.map_err(|error| {
            crate::trace::refused!(Rejection::Cursor, Some(&error));
            PageError::new(Rejection::Cursor, direction, &self.context)
        })?;
        Ok(anchor.map(|anchor| Anchor { direction, ..anchor }))
    }

    fn refuse(&self, rejection: Rejection) -> PageError {
        crate::trace::refused!(rejection, None);
        PageError::new(rejection, self.context.asked.direction, &self.context)
    }
}

/// A page of a list that is sorted by `K`. An axum extractor.
///
/// ```
/// use stonework_pagination::{Dialect, Page, PageError, Paged, keyset};
///
/// struct Transfer {
///     id: i64,
///     created_at: i64,
/// }
///
/// keyset! {
///     struct Newest {
///         created_at: i64 => desc,
///         id: i64 => desc unique,
///     }
/// }
///
/// async fn list(page: Page<Newest>) -> Result<Paged<Transfer>, PageError> {
///     let statement = page.seek().render(Dialect::Sqlite, "SELECT * FROM transfers")?;
///     let rows: Vec<Transfer> = query(&statement).await;
///     page.finish(rows, |row| Newest { created_at: row.created_at, id: row.id }).await
/// }
/// # async fn query(_: &stonework_pagination::Statement) -> Vec<Transfer> { Vec::new() }
/// # let _ = list;
/// ```
pub struct Page<K> {
    context: Arc<Context>,
    sort: Sort,
    anchor: Option<Anchor>,
    until: Option<Anchor>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Page<K> {
    fn new(
        context: Arc<Context>,
        sort: Sort,
        anchor: Option<Anchor>,
        until: Option<Anchor>,
    ) -> Self {
        Self { context, sort, anchor, until, kind: PhantomData }
    }

    /// How many items it has at most.
    pub fn limit(&self) -> u32 {
        self.context.asked.limit
    }

    /// Which way it is read.
    pub fn direction(&self) -> Direction {
        self.anchor.as_ref().map_or(self.context.asked.direction, |anchor| anchor.direction)
    }

    /// Where it begins; nothing if that is an end of the list.
    pub const fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }

    /// Before which place it ends, if that comes sooner; nothing if it does not say.
    pub const fn until(&self) -> Option<&Anchor> {
        self.until.as_ref()
    }

    /// How many items lie before it, where pages have numbers; otherwise 0.
    pub fn skipped(&self) -> u64 {
        self.context.skipped()
    }

    /// How its rows are found. It asks for one more than the limit, to know whether there are more.
    pub fn seek(&self) -> Seek {
        let limit = self.limit();
        let seek = match self.direction() {
            Direction::Forward => Seek::first(self.sort.clone(), limit),
            Direction::Backward => Seek::last(self.sort.clone(), limit),
        };
        let seek = seek.skip(self.context.skipped());
        let seek = self.anchor.clone().into_iter().fold(seek, Seek::from);
        self.until.clone().into_iter().fold(seek, Seek::until)
    }
}

impl<K: Place> Page<K> {
    /// The page of these rows, which are all that [`seek`](Self::seek) has found, as it found them. `place`
    /// tells the place of a row.
    ///
    /// # Errors
    ///
    /// When the store of cursors does not answer, a place is none of the order, or its values are too long for a
    /// cursor ([`max_len`](crate::CursorsBuilder::max_len)).
    pub async fn finish<T>(
        &self,
        rows: Vec<T>,
        place: impl Fn(&T) -> K,
    ) -> Result<Paged<T>, PageError> {
        // Clients ask for ids; nothing is theirs to keep.
        let direction = self.direction();
        let is_behind = self.anchor.is_some() || self.context.skipped() > 0;
        let window = Window::of(rows, self.limit() as usize, direction, is_behind);
        let places = Places { page: self, place, encoder: self.encoder() };
        let around = places.around(&window).await?;
        let cursors = places.each(&window.items).await?;
        let context = Arc::clone(&self.context);
        Ok(Paged { items: window.items, around, cursors, total: None, context })
    }

    fn encoder(&self) -> Option<Encoder> {
        let cursors = self.context.cursors.as_ref()?;
        Some(cursors.encoder(&self.context.binding, &self.sort))
    }
}

/// Makes the cursors of a page.
struct Places<'p, K, F> {
    page: &'p Page<K>,
    place: F,
    encoder: Option<Encoder>,
}

impl<K: Place, F> Places<'_, K, F> {
    async fn around<T>(&self, window: &Window<T>) -> Result<Around, PageError>
    where
        F: Fn(&T) -> K,
    {
        let (first, last) = (window.items.first(), window.items.last());
        let next = self.beside(window.has_next, last, Direction::Forward).await?;
        let prev = self.beside(window.has_prev, first, Direction::Backward).await?;
        Ok(Around { has_next: window.has_next, has_prev: window.has_prev, next, prev })
    }

    /// The cursor of the page beside this one.
    async fn beside<T>(
        &self,
        is_there: bool,
        row: Option<&T>,
        direction: Direction,
    ) -> Result<Option<String>, PageError>
    where
        F: Fn(&T) -> K,
    {
        if !is_there {
            return Ok(None);
        }
        if let Some(number) = self.page.context.number(direction) {
            return Ok(Some(number.to_string()));
        }
        let place = match (row, &self.page.anchor) {
            (Some(row), _) => Anchor::at(direction, (self.place)(row).into_values()),
            // A page of no items, which nobody wants another of.
            (None, _) if self.page.limit() == 0 => return Ok(None),
            // All rows here are gone. Back to where the client came from: the row of the cursor may be there.
            (None, Some(anchor)) => Anchor { direction, ..anchor.clone().including() },
            (None, None) => return Ok(None),
        };
        self.encode(&place).await
    }

    /// The cursor of each item, where the contract tells them.
    async fn each<T>(&self, items: &[T]) -> Result<Vec<Draft>, PageError>
    where
        F: Fn(&T) -> K,
    {
        let mut cursors = Vec::new();
        if self.page.context.profile.style == Style::Relay {
            for item in items {
                let place = Anchor::at(Direction::Forward, (self.place)(item).into_values());
                cursors.extend(self.draft(&place).await?);
            }
        }
        Ok(cursors)
    }

    async fn encode(&self, place: &Anchor) -> Result<Option<String>, PageError> {
        Ok(self.draft(place).await?.map(Draft::text))
    }

    async fn draft(&self, place: &Anchor) -> Result<Option<Draft>, PageError> {
        let Some(encoder) = &self.encoder else { return Ok(None) };
        let draft = encoder.draft(place).await;
        draft.map(Some).map_err(|error| PageError::unmade(error, &self.page.context))
    }
}

impl<K> Clone for Page<K> {
    fn clone(&self) -> Self {
        Self {
            context: Arc::clone(&self.context),
            sort: self.sort.clone(),
            anchor: self.anchor.clone(),
            until: self.until.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Page<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("limit", &self.limit())
            .field("direction", &self.direction())
            .finish_non_exhaustive()
    }
}
