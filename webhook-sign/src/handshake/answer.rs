//! The answers to challenges that come as signed events.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::Algorithm;
use crate::keys::WebhookKey;

/// What is answered, with 200.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Text(String),
    Json(String),
}

/// Slack's `url_verification`: the challenge comes back as it is.
pub(super) fn slack(body: &[u8]) -> Option<Answer> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        r#type: std::borrow::Cow<'a, str>,
        challenge: String,
    }
    let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
    (asked.r#type == "url_verification").then_some(Answer::Text(asked.challenge))
}

/// Zoom's `endpoint.url_validation`: the token comes back with its HMAC.
pub(super) fn zoom(body: &[u8], key: &WebhookKey) -> Option<Answer> {
    #[derive(Deserialize)]
    struct Asked {
        event: String,
        payload: Payload,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload {
        plain_token: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answered<'a> {
        plain_token: &'a str,
        encrypted_token: &'a str,
    }
    let asked: Asked = serde_json::from_slice(body).ok()?;
    if asked.event != "endpoint.url_validation" {
        return None;
    }
    let plain = asked.payload.plain_token;
    let tag = key.sign(Algorithm::HmacSha256, plain.as_bytes())?;
    let encrypted = HEXLOWER.encode(tag.as_bytes());
    let answer = Answered { plain_token: &plain, encrypted_token: &encrypted };
    serde_json::to_string(&answer).ok().map(Answer::Json)
}

/// Discord's PING, which is answered with a PONG. An interaction has an id; an event of Discord's webhooks has none, and
/// its type 1 is no PING.
pub(super) fn discord(body: &[u8]) -> Option<Answer> {
    let is_ping = crate::json::number(body, "type")? == 1;
    let is_interaction = crate::json::text(body, "id").is_some();
    (is_ping && is_interaction).then(|| Answer::Json(r#"{"type":1}"#.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_gets_its_challenge_back() {
        let body = br#"{"token":"x","challenge":"3eZbrw1aB1\u0030","type":"url_verification"}"#;
        assert_eq!(slack(body), Some(Answer::Text("3eZbrw1aB10".into())));
        assert_eq!(slack(br#"{"challenge":"x","type":"event_callback"}"#), None);
        assert_eq!(slack(b"{}"), None);
    }

    /// The HMAC was computed with Python's `hmac`.
    #[test]
    fn zoom_gets_its_token_under_an_hmac() {
        let key = WebhookKey::hmac(b"zoom secret token").unwrap();
        let body = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1}"#;
        let expected = concat!(
            r#"{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","#,
            r#""encryptedToken":"39b8dfc472156d09751ff95badb7c9dfc4e81295a8dd72928ab3e7f6b3f48769"}"#,
        );
        assert_eq!(zoom(body, &key), Some(Answer::Json(expected.into())));
        assert_eq!(zoom(br#"{"event":"meeting.started","payload":{}}"#, &key), None);
    }

    #[test]
    fn discord_gets_a_pong() {
        assert_eq!(discord(br#"{"type":1,"id":"1"}"#), Some(Answer::Json(r#"{"type":1}"#.into())));
        assert_eq!(discord(br#"{"type":2,"id":"1"}"#), None);
        // An event of Discord's webhooks, whose numbers mean something else.
        let event = br#"{"version":1,"application_id":"1","type":1,"event":{"type":"X"}}"#;
        assert_eq!(discord(event), None);
    }
}
