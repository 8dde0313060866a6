//! A delivery as JSON: what polls and WebSockets are given.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::hub::GAP;
use crate::store::Said;
use crate::{DataFormat, Delivery};

/// `{"id": …, "type": …, "data": …}`. A checkpoint has an id and nothing else.
#[derive(Debug, Serialize)]
pub(crate) struct Item {
    id: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
}

#[derive(Debug)]
enum Data {
    Text(String),
    Json(Box<RawValue>),
}

impl Item {
    pub(crate) fn of(delivery: &Delivery, format: DataFormat) -> Self {
        let id = delivery.position().to_string();
        let (event_type, data) = match delivery {
            Delivery::Event(entry) => {
                let Said { event_type, data } = entry.said();
                (Some(event_type), Some(Data::of(data, format)))
            }
            Delivery::Checkpoint(_) => (None, None),
            Delivery::Gap(gap) => {
                let data = Data::of(gap.to_json(), DataFormat::Json);
                (Some(GAP.to_owned()), Some(data))
            }
        };
        Self { id, event_type, data }
    }
}

impl Data {
    fn of(text: String, format: DataFormat) -> Self {
        match format {
            DataFormat::Text => Self::Text(text),
            // What is none is a text all the same.
            DataFormat::Json => serde_json::from_str(&text).map_or(Self::Text(text), Self::Json),
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stonework_core::Key;

    use super::*;
    use crate::Position;
    use crate::store::{Entry, Gap, Lost};

    fn item(data: &str, format: DataFormat) -> String {
        let body = Bytes::from(format!("event: e\ndata: {data}\n\n"));
        let entry = Entry::new(Position::new(1, 2, 3), 0, Key::from("t"), &body);
        serde_json::to_string(&Item::of(&Delivery::Event(entry), format)).unwrap()
    }

    #[test]
    fn data_is_what_it_is_said_to_be() {
        let shown =
            |data: &str| format!(r#"{{"id":"00000001.2.00000003","type":"e","data":{data}}}"#);
        assert_eq!(item(r#"{"a":1.50}"#, DataFormat::Json), shown(r#"{"a":1.50}"#));
        assert_eq!(item(r#"{"a":1}"#, DataFormat::Text), shown(r#""{\"a\":1}""#));
        assert_eq!(item("{", DataFormat::Json), shown(r#""{""#));
        assert_eq!(item("5", DataFormat::Text), shown(r#""5""#));
    }

    #[test]
    fn what_is_no_event_is_told_too() {
        let position = Position::new(1, 2, 3);
        let show = |delivery: Delivery| {
            serde_json::to_string(&Item::of(&delivery, DataFormat::Text)).unwrap()
        };
        assert_eq!(show(Delivery::Checkpoint(position)), r#"{"id":"00000001.2.00000003"}"#);
        let gap = Gap { lost: Lost::Trimmed, resume: position };
        let expected = r#"{"id":"00000001.2.00000003","type":"gap","data":{"reason":"trimmed"}}"#;
        assert_eq!(show(Delivery::Gap(gap)), expected);
    }
}
