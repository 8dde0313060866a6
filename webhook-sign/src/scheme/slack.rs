use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Slack: `X-Slack-Signature: v0=…` over `v0:timestamp:body`. Events are told apart by `event_id`, where the body is
/// JSON.
pub const SLACK: HmacScheme = HmacScheme {
    name: "slack",
    names: [Names::timed("x-slack-signature", "x-slack-request-timestamp"), None],
    grammar: Grammar::Prefixed("v0="),
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: Some("event_id"),
    secret: SecretFormat::Verbatim,
    url: None,
};

#[cfg(test)]
mod tests {
    use super::SLACK;
    use crate::vector::Vector;

    /// From Slack's documentation; slack_sdk 3.48 gives the same.
    #[test]
    fn the_vector_of_the_documentation() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
            &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
            &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
            %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
            &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let code = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        Vector::new(SLACK, "8f742231b10e8888abcd99yyyzzz85a5")
            .at(1_531_420_618)
            .header("x-slack-request-timestamp", "1531420618")
            .header("x-slack-signature", code)
            .body(body)
            .holds();
    }
}
