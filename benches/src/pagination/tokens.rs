use std::fmt;
use std::hint::black_box;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::limit::Fixed;
use super::ours::Ours;
use super::peers::{ApiBones, AsyncGraphql};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Tokens of one measurement.
const BATCH: usize = 1_000;

/// Where a page begins: a time in microseconds, and an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) at: i64,
    pub(super) id: Uuid,
}

impl Place {
    /// The one with this number.
    pub(super) fn numbered(number: usize) -> Self {
        let number = number as u64;
        // No two are alike in their first bytes, as it is with random ids.
        let id = Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), !number);
        Self { at: 1_767_225_600_000_000 + number.cast_signed() * 1_000, id }
    }
}

/// What makes tokens of places, and places of tokens.
pub(super) trait Tokens: Send + 'static {
    fn encode(&self, place: &Place) -> String;
    fn decode(&self, token: &str) -> Option<Place>;
}

/// The loop without a token.
struct Nothing;

impl Tokens for Nothing {
    fn encode(&self, _: &Place) -> String {
        String::new()
    }

    fn decode(&self, _: &str) -> Option<Place> {
        None
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    Encode,
    Decode,
}

pub(super) const CASES: [Case; 2] = [Case::Encode, Case::Decode];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode => "cursor made",
            Self::Decode => "cursor verified and read",
        })
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subjects = vec![
        Subject::new(FLOOR, "the loop alone", move || Bench::new(Works::new(Nothing, case))),
        subject("limit", "limit: fixed bytes, HMAC with its key set", case, Fixed::new),
        subject(OURS, "**stonework-pagination**, signed", case, Ours::signed),
        subject("encrypted", "**stonework-pagination**, encrypted", case, Ours::encrypted),
        subject("plain", "**stonework-pagination**, `danger_plain`", case, Ours::plain),
        subject("api-bones", "api-bones 6.12, signed, of serde_json", case, || ApiBones),
        subject("async-graphql", "async-graphql 7.2, `OpaqueCursor`, unsigned", case, || {
            AsyncGraphql
        }),
    ];
    Scenario::new(case.to_string(), BATCH, subjects)
}

fn subject<T: Tokens>(
    word: &'static str,
    title: &'static str,
    case: Case,
    new: fn() -> T,
) -> Subject {
    Subject::new(word, title, move || {
        let tokens = new();
        for place in (0..BATCH).map(Place::numbered) {
            assert_eq!(tokens.decode(&tokens.encode(&place)), Some(place), "{word}");
        }
        Bench::new(Works::new(tokens, case))
    })
}

/// Tokens that are made or read.
struct Works<T> {
    tokens: T,
    case: Case,
    places: Vec<Place>,
    texts: Vec<String>,
}

impl<T: Tokens> Works<T> {
    const fn new(tokens: T, case: Case) -> Self {
        Self { tokens, case, places: Vec::new(), texts: Vec::new() }
    }
}

impl<T: Tokens> Work for Works<T> {
    fn prepare(&mut self, count: usize) {
        if self.places.len() != count {
            self.places = (0..count).map(Place::numbered).collect();
            self.texts = self.places.iter().map(|place| self.tokens.encode(place)).collect();
        }
    }

    fn run(&mut self) {
        match self.case {
            Case::Encode => self.places.iter().for_each(|place| {
                drop(black_box(self.tokens.encode(black_box(place))));
            }),
            Case::Decode => self.texts.iter().for_each(|text| {
                black_box(self.tokens.decode(black_box(text)));
            }),
        }
    }
}
