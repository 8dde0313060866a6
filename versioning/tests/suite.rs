//! The suites under stores that each break one clause: they have to find every one of them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "suite/pins.rs"]
mod pins;
#[path = "suite/usage.rs"]
mod usage;

use stonework_versioning::Key;
use stonework_versioning::testing::{pin_conformance, usage_conformance};

/// How a store may take one account for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Whole,
    Cut,
    UpToNul,
    InLowerCase,
    AsText,
    Trimmed,
}

const WRONG_NAMES: [Name; 5] =
    [Name::Cut, Name::UpToNul, Name::InLowerCase, Name::AsText, Name::Trimmed];

impl Name {
    fn of(self, account: &Key) -> Vec<u8> {
        let bytes = account.as_bytes();
        match self {
            Self::Whole => bytes.to_vec(),
            Self::Cut => bytes[..bytes.len().min(255)].to_vec(),
            Self::UpToNul => bytes.split(|byte| *byte == 0).next().unwrap().to_vec(),
            Self::InLowerCase => bytes.to_ascii_lowercase(),
            Self::AsText => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            Self::Trimmed => bytes.trim_ascii_end().to_vec(),
        }
    }
}

/// Whether the suite ends without a complaint.
async fn passes(suite: impl Future<Output = ()> + Send + 'static) -> bool {
    match tokio::spawn(suite).await {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_panic(), "the suite panics, and is not cancelled");
            false
        }
    }
}

#[tokio::test]
async fn every_fault_of_pins_is_found() {
    let broken = |name, fault| pin_conformance(pins::Broken::new(name, fault));
    assert!(passes(broken(Name::Whole, pins::Fault::None)).await, "the store is sound");
    for fault in pins::FAULTS {
        assert!(!passes(broken(Name::Whole, fault)).await, "{fault:?}");
    }
    for name in WRONG_NAMES {
        assert!(!passes(broken(name, pins::Fault::None)).await, "{name:?}");
    }
}

#[tokio::test]
async fn every_fault_of_usage_is_found() {
    let broken = |name, fault| usage_conformance(usage::Broken::new(name, fault));
    assert!(passes(broken(Name::Whole, usage::Fault::None)).await, "the store is sound");
    for fault in usage::FAULTS {
        assert!(!passes(broken(Name::Whole, fault)).await, "{fault:?}");
    }
    for name in WRONG_NAMES {
        assert!(!passes(broken(name, usage::Fault::None)).await, "{name:?}");
    }
}
