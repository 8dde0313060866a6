use std::fmt;
use std::sync::Arc;

use http::Uri;

use crate::asked::Asked;
use stonework_core::ConfigErrors;

use crate::profile::Profile;
use crate::rejection::PROBLEM_BASE;
use crate::{Binding, Cursors, Direction, PageError, Verified};

/// All that is known of a page before it is known how it is sorted.
pub(crate) struct Context {
    pub(crate) profile: Arc<Profile>,
    /// Nothing where cursors are ids of objects.
    pub(crate) cursors: Option<Cursors>,
    pub(crate) binding: Binding,
    pub(crate) asked: Asked,
    /// What the cursors of the request say, which have been looked at.
    pub(crate) cursor: Option<Verified>,
    pub(crate) until: Option<Verified>,
    /// As the client sent it. Without a request there is none, and no links.
    pub(crate) uri: Option<Uri>,
    /// What links begin with.
    pub(crate) prefix: String,
    pub(crate) problem_base: Arc<str>,
}

impl Context {
    /// So many items lie before the page, where pages have numbers.
    pub(crate) fn skipped(&self) -> u64 {
        let before = self.asked.number.map_or(0, |number| u64::from(number) - 1);
        before * u64::from(self.asked.limit)
    }

    /// The number of the page beside this one, where pages have numbers and there may be one.
    pub(crate) fn number(&self, direction: Direction) -> Option<u32> {
        let number = self.asked.number?;
        let beside = match direction {
            Direction::Forward => number.checked_add(1),
            Direction::Backward => number.checked_sub(1),
        };
        let last = self.profile.last_page(self.asked.limit)?;
        beside.filter(|number| (1..=last).contains(number))
    }

    /// Without a request.
    pub(crate) fn bare(
        profile: &Profile,
        cursors: &Cursors,
        binding: Binding,
        parameters: Vec<(&str, String)>,
    ) -> Result<Self, PageError> {
        let profile = Arc::new(profile.clone());
        let mut errors = Vec::new();
        profile.check(&mut errors);
        ConfigErrors::check(errors, Ok(())).map_err(PageError::misused)?;
        let pairs = parameters.into_iter().map(|(name, value)| (name.into(), value.into()));
        let asked = Asked::of_pairs(&profile, pairs)
            .map_err(|wrong| PageError::refused(wrong.refuse(), Arc::clone(&profile)))?;
        Ok(Self {
            cursors: profile.has_cursors().then(|| cursors.clone()),
            binding,
            asked,
            profile,
            cursor: None,
            until: None,
            uri: None,
            prefix: String::new(),
            problem_base: PROBLEM_BASE.into(),
        })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("limit", &self.asked.limit)
            .field("direction", &self.asked.direction)
            .finish_non_exhaustive()
    }
}
