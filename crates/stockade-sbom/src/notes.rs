//! What a reader has to say besides what it understood.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::json::{Json, Object};

/// How many different problems of one document are told. More say nothing new of it.
pub(crate) const MAX_PROBLEMS: usize = 1000;

/// Something in a document that did not become a part of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// Where, without the numbers of places: `components[].cpe`. Empty for the document as a whole.
    pub place: String,
    /// What is wrong: lower case, a predicate of the place.
    pub what: String,
    /// How often.
    pub times: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "the document" } else { &self.place };
        write!(f, "{place} {}", self.what)?;
        if self.times > 1 { write!(f, " ({} times)", self.times) } else { Ok(()) }
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Nothing could be read.
    Unreadable,
    /// It is too large, and the rest was not read.
    Limit,
    /// It is not as its format says.
    Malformed,
    /// It is understood, and there is no place for it here: it is not in what is written.
    Lost,
}

/// Collects problems.
#[derive(Default)]
pub(crate) struct Notes {
    found: BTreeMap<(ProblemKind, String, String), usize>,
    more: usize,
}

impl Notes {
    pub(crate) fn note(&mut self, kind: ProblemKind, place: impl Into<String>, what: impl Into<String>) {
        let key = (kind, place.into(), what.into());
        if let Some(times) = self.found.get_mut(&key) {
            *times += 1;
        } else if self.found.len() < MAX_PROBLEMS {
            self.found.insert(key, 1);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn malformed(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.note(ProblemKind::Malformed, place, what);
    }

    pub(crate) fn lost(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.note(ProblemKind::Lost, place, what);
    }

    /// All of them, the worst first.
    pub(crate) fn problems(self) -> Vec<Problem> {
        let told = self.found.into_iter().map(|((kind, place, what), times)| Problem { kind, place, what, times });
        let more = Problem {
            kind: ProblemKind::Limit,
            place: String::new(),
            what: "has more problems than are told".to_owned(),
            times: self.more,
        };
        let mut problems: Vec<Problem> = told.chain((self.more > 0).then_some(more)).collect();
        problems.sort();
        problems
    }
}

/// An object at a place, read with problems.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'j, 'a> {
    object: &'j Object<'a>,
    place: &'static str,
}

/// A text of a document is printed, so it is cut to this many characters.
const SHOWN: usize = 80;

/// The beginning of a text of a document, quoted.
pub(crate) fn shown(text: &str) -> String {
    format!("`{}`", text.chars().take(SHOWN).collect::<String>().escape_debug())
}

impl<'j, 'a> Fields<'j, 'a> {
    /// The object. Members that are not among `known` are told as lost.
    pub(crate) fn new(object: &'j Object<'a>, place: &'static str, known: &[&str], notes: &mut Notes) -> Self {
        let fields = Self { object, place };
        if object.ambiguous {
            notes.malformed(place, "names a member twice");
        }
        for (key, value) in &object.members {
            let says_nothing = match value {
                Json::Null => true,
                Json::List(list) => list.is_empty(),
                _ => false,
            };
            if !says_nothing && !known.contains(&key.as_ref()) {
                notes.lost(fields.at(&key.chars().take(SHOWN).collect::<String>()), "is not carried over");
            }
        }
        fields
    }

    /// The place of a member.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// A member as it is.
    pub(crate) fn get(&self, key: &str) -> Option<&'j Json<'a>> {
        self.object.get(key).filter(|value| !matches!(value, Json::Null))
    }

    /// A text that says something.
    pub(crate) fn text(&self, key: &str, notes: &mut Notes) -> Option<&'j str> {
        let value = self.get(key)?;
        if value.as_text().is_none() {
            notes.malformed(self.at(key), "is not a text");
        }
        value.as_text().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text, or the problem that there is none.
    pub(crate) fn needed(&self, key: &str, notes: &mut Notes) -> Option<&'j str> {
        let text = self.text(key, notes);
        if text.is_none() {
            notes.malformed(self.at(key), "is missing");
        }
        text
    }

    /// An instant.
    pub(crate) fn time(&self, key: &str, notes: &mut Notes) -> Option<Timestamp> {
        let time = self.text(key, notes)?.parse();
        if time.is_err() {
            notes.malformed(self.at(key), "is not a time");
        }
        time.ok()
    }

    /// The items of a list; none if it is missing.
    pub(crate) fn list(&self, key: &str, notes: &mut Notes) -> &'j [Json<'a>] {
        match self.get(key) {
            None => &[],
            Some(Json::List(list)) => list,
            Some(_) => {
                notes.malformed(self.at(key), "is not a list");
                &[]
            }
        }
    }

    /// The objects of a list, at the place `place`, with the members `known`.
    pub(crate) fn objects(
        &self,
        key: &str,
        place: &'static str,
        known: &[&str],
        notes: &mut Notes,
    ) -> Vec<Fields<'j, 'a>> {
        let mut objects = Vec::new();
        for item in self.list(key, notes) {
            match item.as_object() {
                Some(object) => objects.push(Fields::new(object, place, known, notes)),
                None => notes.malformed(place, "is not an object"),
            }
        }
        objects
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, key: &str, notes: &mut Notes) -> Vec<&'j str> {
        let mut texts = Vec::new();
        for item in self.list(key, notes) {
            match item.as_text() {
                Some(text) => texts.push(text),
                None => notes.malformed(self.at(key), "has an item that is not a text"),
            }
        }
        texts
    }

    /// An object, at the place `place`, with the members `known`.
    pub(crate) fn object(
        &self,
        key: &str,
        place: &'static str,
        known: &[&str],
        notes: &mut Notes,
    ) -> Option<Fields<'j, 'a>> {
        let object = self.get(key)?.as_object();
        if object.is_none() {
            notes.malformed(self.at(key), "is not an object");
        }
        object.map(|object| Fields::new(object, place, known, notes))
    }
}
