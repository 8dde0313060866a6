//! The committed inputs of fuzz targets. Other crates' tests include this file.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

type Target = fn(&[u8]) -> bool;

/// Every file of a target's folder. A corpus of which nothing or all can be read has rotted.
pub(crate) fn replay(name: &str, target: Target) {
    let readable = corpus(name).into_iter().filter(|(file, input)| {
        println!("{name}/{file}");
        target(input)
    });
    let all = corpus(name).len();
    assert!((1..all).contains(&readable.count()), "{name}: one kind of input is missing");
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = above.map(|folder| folder.join("fuzz/corpus").join(name)).find(|it| it.is_dir());
    let folder = folder.unwrap_or_else(|| panic!("there is no fuzz/corpus/{name}"));
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = files
        .map(|file| {
            let path = file.expect("a folder that can be listed").path();
            let input = fs::read(&path).expect("a file that can be read");
            (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), input)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// An input, or the beginning of one and the end of another, with some bytes changed.
pub(crate) fn varied(name: &str) -> impl Strategy<Value = Vec<u8>> {
    let inputs: Vec<_> = corpus(name).into_iter().map(|(_, input)| input).collect();
    let input = prop::sample::select(inputs);
    let part = (input.clone(), any::<Index>());
    let spliced = (part.clone(), part).prop_map(|((first, end), (second, start))| {
        let (end, start) = (end.index(first.len() + 1), start.index(second.len() + 1));
        [&first[..end], &second[start..]].concat()
    });
    let edits = prop::collection::vec((any::<Index>(), byte()), 0..4);
    (prop_oneof![input, spliced], edits).prop_map(|(mut input, edits)| {
        for (at, byte) in edits {
            if !input.is_empty() {
                let at = at.index(input.len());
                input[at] = byte;
            }
        }
        input
    })
}

/// More often than not a byte that means something.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\;=, %:?@-*aA01\t\x00\x01\x02\xff"[..]),]
}

pub(crate) fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(byte(), 0..300)
}
