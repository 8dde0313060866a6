//! What a message is: SOAP 1.2, part 1, section 5, and as much of WS-Addressing as a retry needs.

use crate::refusal::Refusal;
use crate::xml::{Element, Name};

pub(crate) const ENVELOPE: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// Of what this service does.
pub(crate) const PAYMENTS: &str = "urn:stonework:payments";

/// The roles that this service plays.
const ROLES: [&str; 3] = [
    "",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) operation: Operation,
    /// `wsa:MessageID`, which is the same when a message is sent again.
    pub(crate) id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    GetBalance,
    Transfer { to: String, amount: u32 },
}

impl Message {
    pub(crate) fn of(envelope: Element) -> Result<Self, Refusal> {
        if envelope.name.local == "Envelope" && envelope.name.space != ENVELOPE {
            return Err(Refusal::VersionMismatch);
        }
        if !envelope.name.is(ENVELOPE, "Envelope") {
            return Err(Refusal::NoMessage("The root is no Envelope."));
        }
        let mut parts = envelope.children.into_iter().peekable();
        let header = parts.next_if(|part| part.name.is(ENVELOPE, "Header"));
        let (Some(body), None) = (parts.next(), parts.next()) else {
            return Err(Refusal::NoMessage("An Envelope has a Header or none, and a Body."));
        };
        if !body.name.is(ENVELOPE, "Body") {
            return Err(Refusal::NoMessage("There is no Body."));
        }
        let id = header.map(id).transpose()?.flatten();
        Ok(Self { operation: operation(body)?, id })
    }
}

/// What a header tells. What it says must be understood, and is not, is refused.
fn id(header: Element) -> Result<Option<String>, Refusal> {
    let mut id = None;
    for block in header.children.into_iter().filter(is_for_us) {
        match block.name.local.as_str() {
            "MessageID" if block.name.space == ADDRESSING => {
                let text = block.text.trim().to_owned();
                if id.replace(text).is_some() {
                    return Err(Refusal::NoMessage("There are two MessageIDs."));
                }
            }
            "To" | "Action" if block.name.space == ADDRESSING => {}
            _ if must_be_understood(&block) => return Err(Refusal::NotUnderstood(block.name)),
            _ => {}
        }
    }
    Ok(id)
}

fn is_for_us(block: &Element) -> bool {
    attribute(block, "role").is_none_or(|role| ROLES.contains(&role))
}

fn must_be_understood(block: &Element) -> bool {
    matches!(attribute(block, "mustUnderstand"), Some("true" | "1"))
}

fn attribute<'e>(block: &'e Element, local: &str) -> Option<&'e str> {
    let found = block.attributes.iter().find(|(name, _)| name.is(ENVELOPE, local));
    found.map(|(_, value)| value.trim())
}

fn operation(body: Element) -> Result<Operation, Refusal> {
    let mut all = body.children.into_iter();
    let (Some(asked), None) = (all.next(), all.next()) else {
        return Err(Refusal::NoMessage("A Body has one operation."));
    };
    let Name { space, local } = &asked.name;
    match (space.as_str(), local.as_str()) {
        (PAYMENTS, "GetBalance") => {
            let [] = fields(&asked, [])?;
            Ok(Operation::GetBalance)
        }
        (PAYMENTS, "Transfer") => {
            let [to, amount] = fields(&asked, ["to", "amount"])?;
            Ok(Operation::Transfer { to: label(to)?, amount: positive(amount)? })
        }
        _ => Err(Refusal::UnknownOperation),
    }
}

/// The texts of exactly these children, in this order, as the WSDL has them.
fn fields<'e, const N: usize>(
    asked: &'e Element,
    names: [&str; N],
) -> Result<[&'e str; N], Refusal> {
    let is =
        |child: &Element, name: &str| child.name.is(PAYMENTS, name) && child.children.is_empty();
    let fits = asked.children.len() == N
        && asked.children.iter().zip(names).all(|(child, name)| is(child, name));
    let texts: Vec<_> = asked.children.iter().map(|child| child.text.as_str()).collect();
    match texts.try_into() {
        Ok(texts) if fits => Ok(texts),
        _ => Err(Refusal::Invalid("The operation has other parts; see the WSDL.")),
    }
}

fn label(text: &str) -> Result<String, Refusal> {
    let fits = (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or(Refusal::Invalid("`to` has 1 to 64 characters."))
}

fn positive(text: &str) -> Result<u32, Refusal> {
    let text = text.trim_ascii();
    // `parse` would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number > 0);
    number.ok_or(Refusal::Invalid("`amount` is a whole number from 1 to 4294967295."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn envelope(header: &str, body: &str) -> String {
        format!(
            "<e:Envelope xmlns:e=\"{ENVELOPE}\" xmlns:w=\"{ADDRESSING}\" xmlns:p=\"{PAYMENTS}\">\
             {header}<e:Body>{body}</e:Body></e:Envelope>"
        )
    }

    fn read(document: &str) -> Result<Message, Refusal> {
        Message::of(parse(document.as_bytes()).unwrap())
    }

    const ASK: &str = "<p:GetBalance/>";

    #[test]
    fn messages_are_read() {
        let message = read(&envelope("", ASK)).unwrap();
        assert_eq!(message, Message { operation: Operation::GetBalance, id: None });
        let header = "<e:Header><w:MessageID e:mustUnderstand=\"1\"> urn:x </w:MessageID>\
                      <w:To>a</w:To><other/></e:Header>";
        let transfer = "<Transfer xmlns=\"urn:stonework:payments\"><to>b &amp; c</to>\
                        <amount> 7\n</amount></Transfer>";
        let operation = Operation::Transfer { to: "b & c".to_owned(), amount: 7 };
        let expected = Message { operation, id: Some("urn:x".to_owned()) };
        assert_eq!(read(&envelope(header, transfer)).unwrap(), expected);
    }

    #[test]
    fn what_must_be_understood_is_or_the_message_is_refused() {
        let block = |attributes: &str| {
            let block = format!("<s:Security xmlns:s=\"urn:s\" {attributes}/>");
            read(&envelope(&format!("<e:Header>{block}</e:Header>"), ASK))
        };
        for ignored in [
            "",
            "e:mustUnderstand=\"0\"",
            "e:mustUnderstand=\"false\"",
            "mustUnderstand=\"1\"",
            "e:mustUnderstand=\"1\" e:role=\"urn:somebody\"",
        ] {
            assert!(block(ignored).is_ok(), "{ignored}");
        }
        for refused in [
            "e:mustUnderstand=\"1\"",
            "e:mustUnderstand=\"true\"",
            "e:mustUnderstand=\"1\" e:role=\"http://www.w3.org/2003/05/soap-envelope/role/next\"",
        ] {
            assert!(matches!(block(refused), Err(Refusal::NotUnderstood(_))), "{refused}");
        }
    }

    #[test]
    fn what_is_no_message_is_told() {
        let old = envelope("", ASK).replace(ENVELOPE, "http://schemas.xmlsoap.org/soap/envelope/");
        assert!(matches!(read(&old), Err(Refusal::VersionMismatch)));
        let twice = "<e:Header><w:MessageID>a</w:MessageID><w:MessageID>a</w:MessageID></e:Header>";
        for document in [
            "<x/>".to_owned(),
            envelope(twice, ASK),
            envelope("<e:Other/>", ASK),
            envelope("<e:Body/>", ASK),
            envelope("", ""),
            envelope("", &ASK.repeat(2)),
            format!("<e:Envelope xmlns:e=\"{ENVELOPE}\"/>"),
            format!("<e:Envelope xmlns:e=\"{ENVELOPE}\"><Body/></e:Envelope>"),
        ] {
            assert!(matches!(read(&document), Err(Refusal::NoMessage(_))), "{document}");
        }
        for body in ["<GetBalance/>", "<p:Other/>", "<p:getBalance/>"] {
            assert!(matches!(read(&envelope("", body)), Err(Refusal::UnknownOperation)), "{body}");
        }
        let transfer = |fields: &str| format!("<p:Transfer>{fields}</p:Transfer>");
        let both = |to: &str, amount: &str| {
            transfer(&format!("<p:to>{to}</p:to><p:amount>{amount}</p:amount>"))
        };
        for body in [
            "<p:GetBalance><p:to>b</p:to></p:GetBalance>".to_owned(),
            transfer(""),
            transfer("<p:to>b</p:to>"),
            transfer("<p:amount>1</p:amount><p:to>b</p:to>"),
            transfer("<to>b</to><amount>1</amount>"),
            both("", "1"),
            both(&"x".repeat(65), "1"),
            both("&#10;", "1"),
            both("<p:x/>", "1"),
            both("b", ""),
            both("b", "0"),
            both("b", "-1"),
            both("b", "+1"),
            both("b", "1.0"),
            both("b", "4294967296"),
        ] {
            assert!(matches!(read(&envelope("", &body)), Err(Refusal::Invalid(_))), "{body}");
        }
    }
}
