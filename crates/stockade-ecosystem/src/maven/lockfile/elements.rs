//! The elements of a `pom.xml`, one by one as they end: a document may be large, and little of it is wanted.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use crate::locked::{Lines, Out};

/// How deep elements may lie in each other. Configurations of plugins have 20.
const MAX_DEPTH: usize = 64;
/// The longest name of an element in bytes.
const MAX_NAME: usize = 256;
/// The longest text of an element in bytes; what is longer is cut.
const MAX_TEXT: usize = 4096;

/// An element that ends.
pub(super) struct Element<'a> {
    /// The names of the elements it is in and its own, joined with `/`.
    pub(super) path: &'a str,
    /// Its trimmed text; that of the last part, if there are elements in it.
    pub(super) text: &'a str,
    /// The line where it begins, from 1.
    pub(super) line: u32,
}

/// Tells every element. What is not XML is a problem, and the rest is not read.
pub(super) fn walk(text: &str, out: &mut Out, mut tell: impl FnMut(&Element<'_>, &mut Out)) {
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    let (mut path, mut open, mut content) = (String::new(), Vec::new(), String::new());
    loop {
        let line = lines.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                if open.len() >= MAX_DEPTH || tag.local_name().as_ref().len() > MAX_NAME {
                    return out.problem(line, "from here on it is nested too deep, or a name in it is too long");
                }
                open.push((path.len(), line));
                enter(&mut path, tag.local_name().as_ref());
                content.clear();
            }
            Ok(Event::Empty(tag)) => {
                let length = path.len();
                enter(&mut path, tag.local_name().as_ref());
                tell(&Element { path: &path, text: "", line }, out);
                path.truncate(length);
                content.clear();
            }
            Ok(Event::End(_)) => {
                let Some((length, line)) = open.pop() else { continue };
                tell(&Element { path: &path, text: content.trim(), line }, out);
                path.truncate(length);
                content.clear();
            }
            Ok(Event::Text(part)) => add(&mut content, &part),
            Ok(Event::CData(part)) => add(&mut content, &part),
            Ok(Event::GeneralRef(entity)) => match (entity.resolve_char_ref(), resolve_predefined_entity(&entity)) {
                (Ok(Some(c)), _) => content.push(c),
                (_, Some(text)) => add(&mut content, text),
                _ => out.problem(line, "it has an entity that is not of XML"),
            },
            Ok(Event::DocType(_)) => out.problem(line, "it has a document type, whose entities are not put in"),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return out.problem(line, "from here on it is not XML"),
        }
    }
    if let Some((_, line)) = open.last() {
        out.problem(*line, "an element begins here and does not end: it breaks off");
    }
}

fn enter(path: &mut String, name: &str) {
    path.push_str(if path.is_empty() { "" } else { "/" });
    path.push_str(name);
}

fn add(content: &mut String, part: &str) {
    if content.len() + part.len() <= MAX_TEXT {
        content.push_str(part);
    }
}
