//! A job, and what may become of it.

use std::fmt;

use axum::body::Bytes;
use data_encoding::HEXLOWER;
use image::ImageFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::account::Account;

/// Where jobs are found.
pub(crate) const PATH: &str = "/v1/images";

/// What was ordered, as it is known to all processes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) account: Account,
    /// In milliseconds since 1970.
    pub(crate) created_at: u64,
    pub(crate) order: Order,
    pub(crate) state: State,
    /// Counts changes that can be seen.
    pub(crate) revision: u64,
    /// How often it was begun.
    pub(crate) attempts: u32,
    /// The id of its last event. It is there once all were told of the end who are to be.
    pub(crate) told: Option<String>,
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: Format,
    /// Of the image.
    pub(crate) digest: Tag,
    /// A pause after each step, which was ordered to see more of it. See `demo.rs`.
    pub(crate) pause_ms: u32,
}

impl Order {
    /// Do both mean the same? Pauses change nothing.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let Self { width, height, format, digest, pause_ms: _ } = other;
        (self.width, self.height, self.format, &self.digest) == (*width, *height, *format, digest)
    }

    /// More bytes than the result has: pixels as they are, and what stands around them.
    pub(crate) fn largest_result(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * 4 + 64 * 1024
    }
}

/// Of an image, and of what is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Jpeg,
    Png,
}

impl Format {
    /// The one of this media type.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        let mut known = [Self::Jpeg, Self::Png].into_iter();
        known.find(|format| name.eq_ignore_ascii_case(format.media_type()))
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    pub(crate) const fn codec(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
        }
    }
}

/// Where a job is. The last three are for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum State {
    Queued,
    /// In percent.
    Running {
        progress: u8,
    },
    Succeeded {
        result: Tag,
    },
    Failed {
        fault: Fault,
    },
    Cancelled,
}

impl State {
    pub(crate) const fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running { .. })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a job has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// What looked like an image at its beginning is none.
    BrokenImage,
    /// Whoever began it did not come to an end, more than once.
    GaveUp,
    /// Not the client's.
    Internal,
}

/// What bytes are known by: an entity tag without its quotes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Tag(String);

impl Tag {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(bytes)[..16]))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a job ends that was not cancelled.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Succeeded(Bytes),
    Failed(Fault),
}

impl Outcome {
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Succeeded(result) => State::Succeeded { result: Tag::of(result) },
            Self::Failed(fault) => State::Failed { fault: *fault },
        }
    }

    pub(crate) fn result(&self) -> Option<&Bytes> {
        match self {
            Self::Succeeded(result) => Some(result),
            Self::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_parameters_and_any_case() {
        assert_eq!(Format::of("image/png"), Some(Format::Png));
        assert_eq!(Format::of("Image/JPEG; q=1"), Some(Format::Jpeg));
        for other in ["", "image/", "image/gif", "image/pngs", "text/image/png", "png"] {
            assert_eq!(Format::of(other), None, "{other}");
        }
    }

    /// Scripts read and write it.
    #[test]
    fn a_state_is_written_with_its_name() {
        let running = State::Running { progress: 40 };
        let text = serde_json::to_string(&running).unwrap();
        assert_eq!(text, r#"{"status":"running","progress":40}"#);
        let failed = State::Failed { fault: Fault::GaveUp };
        let text = serde_json::to_string(&failed).unwrap();
        assert_eq!(text, r#"{"status":"failed","fault":"gave-up"}"#);
        for state in [State::Queued, running, failed, State::Cancelled] {
            let value = serde_json::to_value(&state).unwrap();
            assert_eq!(value["status"], state.name());
        }
    }
}
