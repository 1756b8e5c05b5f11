//! The elements of a small XML document, with their places.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, Event};

use crate::index::offset;

/// How deep elements may lie in each other. Metadata needs five, settings with headers nine.
const MAX_DEPTH: usize = 16;
/// The most elements: five for each of the most releases of an index.
const MAX_ELEMENTS: usize = 500_000;
/// The longest text of an element that is read, in bytes.
const MAX_TEXT: usize = 4096;

/// An element that somebody wants to read.
#[derive(Debug)]
pub(super) struct Element {
    /// The names of the elements it is in and its own, joined with `/`.
    pub(super) path: &'static str,
    /// Its trimmed text, without that of elements in it.
    pub(super) text: String,
    /// Where it lies, with the blanks before it.
    pub(super) place: Range<u32>,
}

impl Element {
    /// Where it lies, to cut it out.
    pub(super) fn range(&self) -> Range<usize> {
        let at = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        at(self.place.start)..at(self.place.end)
    }
}

/// The elements at these paths, in the order in which they end.
pub(super) fn read(text: &str, wanted: &'static [&'static str]) -> Result<Vec<Element>, &'static str> {
    let mut walk = Walk { text, wanted, open: Vec::new(), found: Vec::new(), elements: 0, roots: 0 };
    let mut reader = Reader::from_str(text);
    let mut at = 0;
    loop {
        let event = reader.read_event().map_err(|_| "the document is not XML")?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Eof => break,
            Event::Start(tag) => walk.start(tag.name().as_ref(), at)?,
            Event::Empty(tag) => {
                walk.start(tag.name().as_ref(), at)?;
                walk.end(end);
            }
            Event::End(_) => walk.end(end),
            Event::Text(part) => walk.add(&part)?,
            Event::CData(part) => walk.add(&part)?,
            Event::GeneralRef(entity) => walk.add(&resolved(&entity)?)?,
            Event::DocType(_) => return Err("it has a document type, whose entities are another text to each reader"),
            Event::Decl(declared) => encoding(&declared, text)?,
            Event::Comment(_) | Event::PI(_) => {}
        }
        at = end;
    }
    if !walk.open.is_empty() || walk.roots != 1 {
        return Err("the document is not XML: it has not one element that holds all others");
    }
    Ok(walk.found)
}

/// One of the five entities of XML, or a character by its number.
fn resolved(entity: &BytesRef<'_>) -> Result<String, &'static str> {
    match entity.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.to_string()),
        Ok(None) => resolve_predefined_entity(entity).map(str::to_owned).ok_or("it has an entity that is not of XML"),
        Err(_) => Err("it names a character that does not exist"),
    }
}

/// We read UTF-8. Where others would read the same bytes as another text, nobody knows what they see.
fn encoding(declared: &BytesDecl<'_>, text: &str) -> Result<(), &'static str> {
    let Some(encoding) = declared.encoding() else { return Ok(()) };
    let encoding = encoding.map_err(|_| "its declaration is not XML")?;
    let is = |name: &str| encoding.eq_ignore_ascii_case(name);
    let is_same = is("UTF-8") || (text.is_ascii() && (is("US-ASCII") || is("ISO-8859-1")));
    if is_same { Ok(()) } else { Err("its encoding is not UTF-8") }
}

/// What Java trims from a text.
fn is_blank(c: char) -> bool {
    c <= ' '
}

struct Walk<'a> {
    text: &'a str,
    wanted: &'static [&'static str],
    open: Vec<Open>,
    found: Vec<Element>,
    elements: usize,
    roots: usize,
}

/// An element that has not ended yet.
struct Open {
    name: String,
    /// What of [`Walk::wanted`] it is.
    path: Option<&'static str>,
    text: String,
    start: usize,
}

impl Walk<'_> {
    fn start(&mut self, name: &str, at: usize) -> Result<(), &'static str> {
        self.elements += 1;
        self.roots += usize::from(self.open.is_empty());
        if self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err("it has too many elements, or they lie too deep in each other");
        }
        self.open.push(Open { name: name.to_owned(), path: None, text: String::new(), start: self.before(at) });
        let names = || self.open.iter().map(|open| open.name.as_str());
        let path = self.wanted.iter().find(|path| path.split('/').eq(names())).copied();
        if let Some(open) = self.open.last_mut() {
            open.path = path;
        }
        Ok(())
    }

    fn end(&mut self, at: usize) {
        let Some(open) = self.open.pop() else { return };
        if let Some(path) = open.path {
            let text = open.text.trim_matches(is_blank).to_owned();
            self.found.push(Element { path, text, place: offset(open.start)..offset(at) });
        }
    }

    fn add(&mut self, part: &str) -> Result<(), &'static str> {
        let Some(open) = self.open.last_mut().filter(|open| open.path.is_some()) else { return Ok(()) };
        // The text of an element with others in it is the blanks between them.
        if open.text.trim_matches(is_blank).is_empty() {
            open.text.clear();
        }
        if open.text.len() + part.len() > MAX_TEXT && !part.trim_matches(is_blank).is_empty() {
            return Err("a text in it is too long");
        }
        open.text.push_str(part);
        Ok(())
    }

    /// Where the blanks before a place begin.
    fn before(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t', '\r', '\n']).len()
    }
}
