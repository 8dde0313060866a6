use api_bones::cursor::Cursor;
use async_graphql::connection::{CursorType, OpaqueCursor};

use super::SECRET;
use super::tokens::{Place, Tokens};

/// JSON, signed by `api-bones` with all of HMAC-SHA-256: what is written by hand looks like this too.
pub(super) struct ApiBones;

impl Tokens for ApiBones {
    fn encode(&self, place: &Place) -> String {
        let json = serde_json::to_vec(place).unwrap_or_default();
        Cursor::encode_signed(&json, &SECRET)
    }

    fn decode(&self, token: &str) -> Option<Place> {
        let json = Cursor::decode_signed(token, &SECRET).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// JSON in base64, which anybody can make.
pub(super) struct AsyncGraphql;

impl Tokens for AsyncGraphql {
    fn encode(&self, place: &Place) -> String {
        OpaqueCursor(*place).encode_cursor()
    }

    fn decode(&self, token: &str) -> Option<Place> {
        Some(OpaqueCursor::decode_cursor(token).ok()?.0)
    }
}
