use std::convert::Infallible;

use http::{HeaderMap, HeaderName};
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored};
use sfv::{DictSerializer, Dictionary, InnerList, KeyRef, ListEntry, Parser};

use super::component::{Component, MAX_COMPONENTS};
use super::policy::HttpSignature;
use crate::{Field, Refusal};

pub(super) const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("signature");

const MALFORMED: Refusal = Refusal::Malformed(Field::Signature);

/// What a signature covers, and what it says of itself.
pub(super) struct Input {
    pub(super) label: String,
    pub(super) components: Vec<(String, Component)>,
    list: InnerList,
}

/// Headers that have more are not read.
const MAX_LEN: usize = 8 * 1024;

/// A header that is a dictionary, over all its lines. One name twice is refused: the standard takes the last, and who reads
/// only the first would see another signature.
pub(super) fn dictionary(headers: &HeaderMap, name: &HeaderName) -> Result<Dictionary, Refusal> {
    let mut text = Vec::new();
    for value in headers.get_all(name) {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(value.as_bytes());
        if text.len() > MAX_LEN {
            return Err(MALFORMED);
        }
    }
    let dictionary: Dictionary = Parser::new(&text).parse().map_err(|_| MALFORMED)?;
    let entries = Parser::new(&text).parse_dictionary_with_visitor(Count(0));
    if entries.map_err(|_| MALFORMED)? != dictionary.len() {
        return Err(Refusal::Repeated(Field::Signature));
    }
    Ok(dictionary)
}

struct Count(usize);

impl<'de> DictionaryVisitor<'de> for Count {
    type Out = usize;
    type Error = Infallible;

    fn entry(&mut self, _: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        self.0 += 1;
        Ok(Ignored)
    }

    fn finish(self) -> Result<usize, Infallible> {
        Ok(self.0)
    }
}

/// The input of the one signature that counts.
pub(super) fn input(policy: &HttpSignature, headers: &HeaderMap) -> Result<Input, Refusal> {
    let mut found = None;
    for (label, entry) in dictionary(headers, &SIGNATURE_INPUT)? {
        let ListEntry::InnerList(list) = entry else { return Err(MALFORMED) };
        let is_meant = match (&policy.label, &policy.tag) {
            (Some(wanted), _) => label.as_str() == wanted,
            (None, Some(tag)) => parameter(&list, "tag") == Some(tag),
            (None, None) => true,
        };
        if is_meant && found.replace((label.as_str().to_owned(), list)).is_some() {
            return Err(Refusal::Repeated(Field::Signature));
        }
    }
    let (label, list) = found.ok_or(Refusal::NoKnownSignature)?;
    let components = components(&list)?;
    Ok(Input { label, components, list })
}

fn components(list: &InnerList) -> Result<Vec<(String, Component)>, Refusal> {
    if list.items.len() > MAX_COMPONENTS {
        return Err(MALFORMED);
    }
    let mut components: Vec<(String, Component)> = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let name = item.bare_item.as_string().ok_or(MALFORMED)?.as_str();
        // Parameters change what a component means; none of them is known here.
        if !item.params.is_empty() || components.iter().any(|(other, _)| other == name) {
            return Err(MALFORMED);
        }
        components.push((name.to_owned(), Component::parse(name)?));
    }
    Ok(components)
}

fn parameter<'l>(list: &'l InnerList, name: &str) -> Option<&'l str> {
    let value = list.params.get(KeyRef::from_str(name).ok()?)?;
    value.as_string().map(sfv::StringRef::as_str)
}

impl Input {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        parameter(&self.list, name)
    }

    /// A number of seconds. `Err` if it is there and is none.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let malformed = Refusal::Malformed(Field::Timestamp);
        let key = KeyRef::from_str(name).map_err(|_| malformed)?;
        let Some(value) = self.list.params.get(key) else {
            return Ok(None);
        };
        let seconds = value.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map(Some).ok_or(malformed)
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|(other, _)| other == name)
    }

    /// `@signature-params`: the list with its parameters, as the standard writes it.
    pub(super) fn params(&self) -> Option<String> {
        let mut dictionary = DictSerializer::new();
        let mut list = dictionary.inner_list(sfv::key_ref("s"));
        list.items(&self.list.items);
        _ = list.finish().parameters(&self.list.params);
        Some(dictionary.finish()?.strip_prefix("s=")?.to_owned())
    }
}
