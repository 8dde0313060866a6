//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use crate::asked::Asked;
use crate::filters::bind_filters;
use crate::token::{Plain, Said, decode, encode};
use crate::{
    Binding, Column, CursorErrorKind, Cursors, Direction, Keys, Kind, Nulls, Profile, Sort,
};

/// One of each kind.
const COLUMNS: &[Column] = &[
    Column::new("flag", Kind::Bool),
    Column::new("due", Kind::Int).nullable(Nulls::Last),
    Column::new("name", Kind::Text),
    Column::new("hash", Kind::Bytes).nullable(Nulls::First),
    Column::new("score", Kind::Float),
    Column::new("id", Kind::Uuid).unique(),
];

const fn sort() -> Sort {
    Sort::checked(COLUMNS)
}

/// Reads bytes as a cursor of each mode, and says whether it is one that nobody signed.
///
/// # Panics
///
/// When something is taken for signed, or when a cursor has two spellings.
pub fn token(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let binding = Binding::new();
    let signed = Cursors::signed(Keys::new(1, &[7; 32])).build();
    if let Ok(Ok(read)) = signed.map(|signed| signed.verify(&binding, text).try_ready()) {
        assert!(read.is_err(), "it was not signed here");
    }
    let Ok(plain) = Cursors::danger_plain().build() else { return false };
    let Ok(Ok(verified)) = plain.verify(&binding, text).try_ready() else { return false };
    match verified.anchor(&sort()) {
        Ok(anchor) => {
            let again = plain.encoder(&binding, &sort()).encode(&anchor).try_ready();
            let again = again.ok().and_then(Result::ok);
            assert_eq!(again.as_deref(), Some(text), "another spelling");
            true
        }
        Err(error) => {
            let kind = error.kind();
            assert!(matches!(kind, CursorErrorKind::OtherSort | CursorErrorKind::Format));
            false
        }
    }
}

/// Reads bytes as a token's payload, whatever stands around it.
///
/// # Panics
///
/// When what is read is written otherwise, and is read again as something else.
pub fn payload(bytes: &[u8]) -> bool {
    let Some(anchor) = Said::read(bytes).and_then(|said| said.anchor(&sort())) else {
        return false;
    };
    assert!(sort().fits(&anchor.values), "no row has these values");
    let mut token = Vec::new();
    Plain::begin(&mut token);
    let token = encode(&Said::write(&sort(), &anchor, None, token));
    let again = decode(&token).and_then(|token| Said::read(&token[1..])?.anchor(&sort()));
    assert_eq!(again, Some(anchor), "it reads otherwise");
    true
}

/// Reads bytes as the query of a request, in each contract.
///
/// # Panics
///
/// When a limit is out of its range, or when what is about pages is taken for a filter.
pub fn query(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut is_read = true;
    for profile in [
        Profile::plain(),
        Profile::stripe(),
        Profile::aip("items"),
        Profile::scim(),
        Profile::json_api(),
        Profile::relay(),
    ] {
        let names = &profile.names;
        let filters = bind_filters(Binding::new(), names, Some(text));
        let with_page = format!("{text}&{}=1", names.limit);
        assert_eq!(bind_filters(Binding::new(), names, Some(&with_page)), filters);
        match Asked::of(&profile, Some(text)) {
            Ok(asked) => {
                assert!(asked.limit <= profile.limits.max, "{asked:?}");
                assert!(asked.cursor.as_ref().is_none_or(|cursor| !cursor.is_empty()));
                let is_backward = asked.direction == Direction::Backward;
                assert!(!is_backward || names.before.is_some(), "no parameter says so");
            }
            Err(_) => is_read = false,
        }
    }
    is_read
}
