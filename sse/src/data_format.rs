/// How the data of events stands in JSON, for polls and WebSockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataFormat {
    /// As a text, as event streams have it.
    #[default]
    Text,
    /// As the JSON that it is: for services all of whose events are made with [`Event::json`](crate::Event::json). Data
    /// that is no JSON is a text.
    Json,
}
