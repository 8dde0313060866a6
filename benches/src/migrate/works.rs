use std::hint::black_box;

use serde_json::Value;
use stonework_versioning::Document;

use super::edits::{Places, edit_tree};
use super::limit::scan_and_copy;
use super::stack;
use super::text::Case;
use crate::work::{Bench, Work};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// The text is gone through once, and copied.
    Limit,
    /// The edits of a `Document` alone.
    Document,
    /// Both layers around a handler.
    Layer,
    /// A tree of values.
    Tree,
}

impl Name {
    /// All subjects.
    pub const ALL: [Self; 4] = [Self::Limit, Self::Document, Self::Layer, Self::Tree];

    /// The words for it in a table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Limit => "limit: text scanned once and copied",
            Self::Document => "**stonework-versioning**, `Document` alone",
            Self::Layer => "**stonework-versioning**, whole layer",
            Self::Tree => "`serde_json::Value`",
        }
    }

    /// Makes it, and checks that it does what the others do; with the length of its text.
    ///
    /// # Panics
    ///
    /// If it does not do that.
    pub fn start(self, case: Case) -> (Bench, usize) {
        let text = case.text().into_bytes();
        let (length, places) = (text.len(), Places::new(case));
        let rewritten = by_document(&places, &text);
        assert_eq!(as_tree(&rewritten), as_tree(&by_tree(case, &text)), "{case}");
        let bench = match self {
            Self::Limit => bench(text, |text| scan_and_copy(text).expect("it is JSON")),
            Self::Document => bench(text, move |text| by_document(&places, text)),
            Self::Layer => stack::bench(case, rewritten.len()),
            Self::Tree => bench(text, move |text| by_tree(case, text)),
        };
        (bench, length)
    }
}

fn by_document(places: &Places, text: &[u8]) -> Vec<u8> {
    let mut document = Document::parse(text).expect("it is JSON");
    places.edit(&mut document).expect("the edits can be made");
    document.to_bytes()
}

fn by_tree(case: Case, text: &[u8]) -> Vec<u8> {
    let mut tree = as_tree(text);
    edit_tree(case, &mut tree);
    serde_json::to_vec(&tree).expect("a tree can be written")
}

fn as_tree(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("it is JSON")
}

/// A text that is rewritten again and again.
struct Rewriting<F> {
    text: Vec<u8>,
    rewrite: F,
    count: usize,
}

impl<F: Fn(&[u8]) -> Vec<u8> + Send> Work for Rewriting<F> {
    fn prepare(&mut self, count: usize) {
        self.count = count;
    }

    fn run(&mut self) {
        for _ in 0..self.count {
            drop(black_box((self.rewrite)(black_box(&self.text))));
        }
    }
}

fn bench(text: Vec<u8>, rewrite: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Bench {
    Bench::new(Rewriting { text, rewrite, count: 0 })
}
