//! `stonework-pagination`: cursors beside those of `async-graphql` and `api-bones`, and a page beside one that is
//! written by hand.

mod limit;
mod ours;
mod page;
mod peers;
mod tokens;

pub(crate) use page::{layer, listed};

use crate::suite::Suite;

pub(crate) fn suite() -> Suite {
    let tokens = tokens::CASES.into_iter().map(tokens::scenario);
    let pages = page::CASES.into_iter().map(page::scenario);
    Suite::new("pagination", tokens.chain(pages).collect())
}

/// The secret of all that sign.
const SECRET: [u8; 32] = [7; 32];
