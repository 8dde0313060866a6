//! A layer that allocates more than it did is noticed here, and one that allocates less is written down.
//!
//! `cargo run -p benches --bin allocations -- --baseline > benches/allocations.txt` writes it down.
//!
//! With the features of all members of the workspace, dependencies allocate otherwise, those of the bare service too.
#![cfg(not(feature = "redis-1"))]

use std::process::Command;

/// What the layers allocate, beyond what the bare service does: calls, and what they were counted of.
const BASELINE: &str = include_str!("../allocations.txt");

#[test]
fn layers_allocate_what_they_did() {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations")).arg("--baseline").output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counted = String::from_utf8_lossy(&output.stdout);
    let changed: Vec<_> = difference(BASELINE, &counted).collect();
    assert!(changed.is_empty(), "-: expected, +: counted\n{}", changed.join("\n"));
}

/// The lines that are not in both.
fn difference<'t>(expected: &'t str, counted: &'t str) -> impl Iterator<Item = String> + 't {
    let lacks = |text: &'t str| move |line: &&str| !text.lines().any(|other| other == *line);
    let gone = expected.lines().filter(lacks(counted)).map(|line| format!("- {line}"));
    gone.chain(counted.lines().filter(lacks(expected)).map(|line| format!("+ {line}")))
}
