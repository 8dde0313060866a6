//! What the rows of a page say of the pages around. Pure.

use crate::Direction;

/// A page that was cut out of the rows that were found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Window<T> {
    /// In the order of the list.
    pub(crate) items: Vec<T>,
    /// Is there something after it?
    pub(crate) has_next: bool,
    /// Was there something before it?
    pub(crate) has_prev: bool,
}

impl<T> Window<T> {
    /// Of up to one row more than the limit, as they were found: away from where the page begins.
    ///
    /// What lies in the direction of reading is known. What lies behind was there when the cursor was made, if
    /// there was a cursor.
    pub(crate) fn of(
        mut rows: Vec<T>,
        limit: usize,
        direction: Direction,
        is_anchored: bool,
    ) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        match direction {
            Direction::Forward => Self { items: rows, has_next: has_more, has_prev: is_anchored },
            Direction::Backward => {
                rows.reverse();
                Self { items: rows, has_next: is_anchored, has_prev: has_more }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_in_the_order_of_the_list_and_knows_what_is_around() {
        use Direction::{Backward, Forward};
        for (rows, limit, direction, is_anchored, items, has_next, has_prev) in [
            (&[1, 2, 3][..], 2, Forward, false, &[1, 2][..], true, false),
            (&[1, 2], 2, Forward, false, &[1, 2], false, false),
            (&[3, 4], 2, Forward, true, &[3, 4], false, true),
            (&[], 2, Forward, true, &[], false, true),
            (&[], 2, Forward, false, &[], false, false),
            (&[4, 3, 2], 2, Backward, true, &[3, 4], true, true),
            (&[4, 3], 2, Backward, true, &[3, 4], true, false),
            (&[9, 8, 7], 2, Backward, false, &[8, 9], false, true),
            (&[1], 0, Forward, false, &[], true, false),
        ] {
            let window = Window::of(rows.to_vec(), limit, direction, is_anchored);
            assert_eq!(window, Window { items: items.to_vec(), has_next, has_prev }, "{rows:?}");
        }
    }
}
