//! XML, as far as SOAP has it: a tree of elements with namespaces, and nothing that could be made to grow.
//!
//! A document type is refused (SOAP 1.2, part 1, section 5), and with it go entities of one's own, whether they are read from files
//! (XXE) or from each other (a billion laughs). Only `&lt;` and the like, and numbers of characters, are references.

use std::fmt;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

/// Elements within each other.
const DEEPEST: usize = 16;

/// Elements in all.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: Name,
    pub(crate) attributes: Vec<(Name, String)>,
    /// Of this element, without that of its children.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

/// A name in its namespace, which is empty if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) space: String,
    pub(crate) local: String,
}

impl Name {
    pub(crate) fn is(&self, space: &str, local: &str) -> bool {
        self.space == space && self.local == local
    }
}

/// Why it cannot be read.
#[derive(Debug)]
pub(crate) enum NoXml {
    Encoding,
    DocumentType,
    Instruction,
    Entity,
    TooDeep,
    TooMany,
    IllFormed(String),
}

impl fmt::Display for NoXml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("It is not UTF-8."),
            Self::DocumentType => f.write_str("It has a document type."),
            Self::Instruction => f.write_str("It has a processing instruction."),
            Self::Entity => f.write_str("It has an entity that XML does not have by itself."),
            Self::TooDeep => write!(f, "It has more than {DEEPEST} elements within each other."),
            Self::TooMany => write!(f, "It has more than {MOST} elements."),
            Self::IllFormed(reason) => write!(f, "It is not well-formed: {reason}."),
        }
    }
}

/// The root element.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, NoXml> {
    let text = std::str::from_utf8(bytes).map_err(|_| NoXml::Encoding)?;
    only_characters(text)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => tree.open(element(&start, reader.resolver())?)?,
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.text(&resolve(&reference)?)?,
            Event::Decl(decl) => match decl.encoding().transpose() {
                Ok(encoding) if encoding.as_deref().is_none_or(is_utf8) => {}
                _ => return Err(NoXml::Encoding),
            },
            Event::DocType(_) => return Err(NoXml::DocumentType),
            Event::PI(_) => return Err(NoXml::Instruction),
            Event::Comment(_) | Event::Empty(_) => {}
            Event::Eof => return tree.end(),
        }
    }
}

fn is_utf8(name: &str) -> bool {
    name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii")
}

/// What has been read, and the elements that are open.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), NoXml> {
        self.elements += 1;
        if self.root.is_some() {
            return Err(ill_formed("there are two roots"));
        }
        if self.elements > MOST {
            return Err(NoXml::TooMany);
        }
        if self.open.len() == DEEPEST {
            return Err(NoXml::TooDeep);
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), NoXml> {
        let element = self.open.pop().ok_or_else(|| ill_formed("an end has no start"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), NoXml> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_ascii().is_empty() => {}
            None => return Err(ill_formed("there is text outside of the root")),
        }
        Ok(())
    }

    fn end(self) -> Result<Element, NoXml> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(ill_formed("it breaks off")),
        }
    }
}

fn element(start: &BytesStart<'_>, resolver: &NamespaceResolver) -> Result<Element, NoXml> {
    let (space, local) = resolver.resolve_element(start.name());
    let name = name(&space, local.as_ref())?;
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        // Which namespaces there are has been looked at.
        if attribute.key.as_namespace_binding().is_none() {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            only_characters(&value)?;
            attributes.push((attribute_name(attribute.key, resolver)?, value.into_owned()));
        }
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn attribute_name(key: QName<'_>, resolver: &NamespaceResolver) -> Result<Name, NoXml> {
    let (space, local) = resolver.resolve_attribute(key);
    name(&space, local.as_ref())
}

fn name(space: &ResolveResult<'_>, local: &str) -> Result<Name, NoXml> {
    let space = match space {
        ResolveResult::Bound(space) => space.0.to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(ill_formed("a prefix stands for no namespace")),
    };
    Ok(Name { space, local: local.to_owned() })
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, NoXml> {
    let Some(character) = reference.resolve_char_ref()? else {
        return resolve_xml_entity(reference).map(str::to_owned).ok_or(NoXml::Entity);
    };
    let text = character.to_string();
    only_characters(&text)?;
    Ok(text)
}

/// Others may not stand in a document, not even by their numbers (XML 1.0, section 2.2); and what is taken from one is
/// written into another.
fn only_characters(text: &str) -> Result<(), NoXml> {
    let is_one = |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    if text.chars().all(is_one) { Ok(()) } else { Err(ill_formed("a character is none of XML")) }
}

fn ill_formed(reason: &str) -> NoXml {
    NoXml::IllFormed(reason.to_owned())
}

impl From<quick_xml::Error> for NoXml {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Escape(quick_xml::escape::EscapeError::UnrecognizedEntity(..)) => {
                Self::Entity
            }
            error => Self::IllFormed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_have_names_in_namespaces_and_text() {
        let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c -->\n<a:x xmlns:a=\"urn:a\" \
             a:k=\"1 &lt; 2\" k=\"&#x41;\">s<y xmlns=\"urn:y\"/>&amp;<![CDATA[<z>]]>&#65;</a:x>\n";
        let root = parse(document.as_bytes()).unwrap();
        assert!(root.name.is("urn:a", "x"));
        assert_eq!(root.text, "s&<z>A");
        assert!(root.attributes[0].0.is("urn:a", "k") && root.attributes[1].0.is("", "k"));
        assert_eq!((&*root.attributes[0].1, &*root.attributes[1].1), ("1 < 2", "A"));
        assert!(root.children[0].name.is("urn:y", "y"));
    }

    fn wrong(document: &str) -> String {
        format!("{:?}", parse(document.as_bytes()).unwrap_err())
    }

    #[test]
    fn what_could_be_made_to_grow_is_refused() {
        let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
        let file = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/hostname\">]><x>&f;</x>";
        for document in [laughs, file, "<!DOCTYPE x><x/>", "<!DOCTYPE x SYSTEM \"http://e/\"><x/>"]
        {
            assert_eq!(wrong(document), "DocumentType", "{document}");
        }
        for document in ["<x>&a;</x>", "<x a=\"&a;\"/>", "<x>&nbsp;</x>"] {
            assert_eq!(wrong(document), "Entity", "{document}");
        }
        assert_eq!(wrong("<?php 1?><x/>"), "Instruction");
        let nested = |many| format!("{}{}", "<x>".repeat(many), "</x>".repeat(many));
        assert!(parse(nested(16).as_bytes()).is_ok());
        assert_eq!(wrong(&nested(17)), "TooDeep");
        let list = |many| format!("<x>{}</x>", "<y/>".repeat(many));
        assert!(parse(list(255).as_bytes()).is_ok());
        assert_eq!(wrong(&list(256)), "TooMany");
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for document in [
            "",
            " ",
            "x",
            "<x>",
            "<x></y>",
            "</x>",
            "<x/><x/>",
            "<x/>text",
            "<x",
            "<a:x/>",
            "<x a:b=\"\"/>",
            "<x a=\"\" a=\"\"/>",
            "<x a/>",
            "<x>&</x>",
            "<x>&#0;</x>",
            "<x>&#xd800;</x>",
            "<x>\u{1}</x>",
            "<x>&#1;</x>",
            "<x>&#xfffe;</x>",
            "<x a=\"&#x1f;\"/>",
            "<x a=\"\u{ffff}\"/>",
            "<!-- \u{b} --><x/>",
        ] {
            assert!(wrong(document).starts_with("IllFormed"), "{document}: {}", wrong(document));
        }
        assert_eq!(wrong("<?xml version=\"1.0\" encoding=\"UTF-16\"?><x/>"), "Encoding");
        assert!(matches!(parse(b"<x>\xff</x>"), Err(NoXml::Encoding)));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_tree_or_an_error(text in "[<>/!?&;#xa:=\"' \\[\\]-]{0,60}|.{0,40}") {
            drop(parse(text.as_bytes()));
        }
    }
}
