//! JSON that is read and written here: a tree with a limit, and a writer that keeps the order in which it is called.
//!
//! A document is a tree rather than a structure for a derive, so that one wrong value costs that value and not the whole
//! document, and so that what is not understood can be told from what is.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many values one document may have. The largest documents of a hundred megabytes have about five million.
pub(crate) const MAX_VALUES: usize = 8_000_000;
/// From how many members on an object is looked through with a set for names that are there twice.
const MANY: usize = 32;

/// A value that borrows from the document where it can.
pub(crate) enum Json<'a> {
    Null,
    Bool,
    Number(Option<u64>),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// The members of an object in their order.
#[derive(Default)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<(Cow<'a, str>, Json<'a>)>,
    /// A name is there more than once: readers differ in which one they take, so the document says two things.
    pub(crate) ambiguous: bool,
}

impl<'a> Json<'a> {
    /// Reads a document, or says why it is none.
    pub(crate) fn read(document: &'a [u8]) -> Result<Self, serde_json::Error> {
        let budget = Cell::new(MAX_VALUES);
        let mut deserializer = serde_json::Deserializer::from_slice(document);
        let value = Seed(&budget).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl<'a> Object<'a> {
    /// The last member of that name, as most readers take it.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

struct Seed<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom("it has too many values"))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Some(number)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(None))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Seed(self.0))? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            members.push((key, map.next_value_seed(Seed(self.0))?));
        }
        let ambiguous = repeats(&members);
        Ok(Json::Object(Object { members, ambiguous }))
    }
}

fn repeats(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    if members.len() < MANY {
        return members.iter().enumerate().any(|(at, (key, _))| members[..at].iter().any(|(before, _)| before == key));
    }
    let mut seen = HashSet::with_capacity(members.len());
    !members.iter().all(|(key, _)| seen.insert(key.as_ref()))
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Writes JSON with two spaces for each level, and everything in the order in which it is said.
#[derive(Default)]
pub(crate) struct Out {
    bytes: Vec<u8>,
    depth: usize,
    /// Something stands before, on this level.
    follows: bool,
}

impl Out {
    /// A document that is one object.
    pub(crate) fn document(members: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut out = Self::default();
        out.nested(b'{', b'}', members);
        out.bytes.push(b'\n');
        out.bytes
    }

    /// A member that is a text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quoted(value);
    }

    /// The same, if there is one.
    pub(crate) fn maybe(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// A member that is a number.
    pub(crate) fn number(&mut self, key: &str, value: u32) {
        self.key(key);
        self.bytes.extend_from_slice(value.to_string().as_bytes());
    }

    /// A member that is a number with one digit behind the point.
    pub(crate) fn tenths(&mut self, key: &str, tenths: u8) {
        self.key(key);
        self.bytes.extend_from_slice(format!("{}.{}", tenths / 10, tenths % 10).as_bytes());
    }

    /// A member that is a list of numbers.
    pub(crate) fn numbers(&mut self, key: &str, values: &[u32]) {
        self.list(key, |out| {
            for value in values {
                out.line();
                out.bytes.extend_from_slice(value.to_string().as_bytes());
            }
        });
    }

    /// A member that is false.
    pub(crate) fn no(&mut self, key: &str) {
        self.key(key);
        self.bytes.extend_from_slice(b"false");
    }

    /// A member that is an object.
    pub(crate) fn object(&mut self, key: &str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nested(b'{', b'}', members);
    }

    /// A member that is a list.
    pub(crate) fn list(&mut self, key: &str, items: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nested(b'[', b']', items);
    }

    /// A member that is a list of objects, one for each value; no member if there is none.
    pub(crate) fn each<T>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
        mut object: impl FnMut(&mut Self, T),
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.list(key, |out| values.for_each(|value| out.item(|out| object(out, value))));
        }
    }

    /// A member that is a list of texts; no member if there is none.
    pub(crate) fn texts<T: AsRef<str>>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.list(key, |out| values.for_each(|value| out.entry(value.as_ref())));
        }
    }

    /// An object in a list.
    pub(crate) fn item(&mut self, members: impl FnOnce(&mut Self)) {
        self.line();
        self.nested(b'{', b'}', members);
    }

    /// A text in a list.
    fn entry(&mut self, value: &str) {
        self.line();
        self.quoted(value);
    }

    fn nested(&mut self, open: u8, close: u8, inside: impl FnOnce(&mut Self)) {
        self.bytes.push(open);
        self.depth += 1;
        self.follows = false;
        inside(self);
        self.depth -= 1;
        if self.follows {
            self.indent();
        }
        self.bytes.push(close);
        self.follows = true;
    }

    fn key(&mut self, key: &str) {
        self.line();
        self.quoted(key);
        self.bytes.extend_from_slice(b": ");
    }

    fn line(&mut self) {
        if self.follows {
            self.bytes.push(b',');
        }
        self.follows = true;
        self.indent();
    }

    fn indent(&mut self) {
        self.bytes.push(b'\n');
        self.bytes.resize(self.bytes.len() + 2 * self.depth, b' ');
    }

    fn quoted(&mut self, text: &str) {
        // A text can always be written, and so can memory.
        let _ = serde_json::to_writer(&mut self.bytes, text);
    }
}
