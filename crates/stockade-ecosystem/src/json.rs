//! JSON objects as the places of their members: what is needed is read later, the rest is never looked at again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::index::offset;

/// The most members that any object of an index may have.
const MAX_MEMBERS: usize = 200_000;
/// How many members are made room for at once: most manifests have fewer.
const USUAL_MEMBERS: usize = 40;

/// The members of a JSON object in order, their values not read yet.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value of a member; the last one, as `JSON.parse` has it.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// The keys that are there more than once, sorted.
    pub(crate) fn repeated(&self) -> Vec<&str> {
        if self.0.len() <= USUAL_MEMBERS && self.are_few_and_different() {
            return Vec::new();
        }
        let mut keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_ref()).collect();
        keys.sort_unstable();
        let mut repeated: Vec<&str> = keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        repeated.dedup();
        repeated
    }

    /// Compares each with each, which is faster than to sort as long as there are few.
    fn are_few_and_different(&self) -> bool {
        let earlier = |at: usize| self.0[..at].iter().map(|(key, _)| key);
        self.0.iter().enumerate().all(|(at, (key, _))| earlier(at).all(|other| other != key))
    }

    /// The members as `JSON.parse` has them: of equal keys the last value, in the place of the first.
    pub(crate) fn effective(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let mut last: HashMap<&str, Option<&'a RawValue>> =
            self.repeated().into_iter().map(|key| (key, None)).collect();
        if !last.is_empty() {
            for (key, value) in &self.0 {
                last.entry(key).and_modify(|last| *last = Some(value));
            }
        }
        self.0.iter().filter_map(move |(key, value)| match last.get_mut(key.as_ref()) {
            None => Some((key.as_ref(), *value)),
            Some(last) => Some((key.as_ref(), last.take()?)),
        })
    }
}

/// What to do with the members of an object as they come.
pub(crate) trait Walk<'de> {
    /// What comes of it.
    type Value;

    /// Walks through the members.
    fn walk<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error>;
}

/// Collects them.
pub(crate) struct Collect;

impl<'de> Walk<'de> for Collect {
    type Value = Members<'de>;

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(USUAL_MEMBERS);
        while let Some((Text(key), value)) = map.next_entry()? {
            limit(members.len())?;
            members.push((key, value));
        }
        Ok(Members(members))
    }
}

/// An error if an object with this many members gets another one.
pub(crate) fn limit<E: Error>(members: usize) -> Result<(), E> {
    if members < MAX_MEMBERS { Ok(()) } else { Err(E::custom("an object has more than 200,000 members")) }
}

/// Walks through a document that is an object; `None` for any other value.
pub(crate) fn document<'de, W: Walk<'de>>(text: &'de str, walk: W) -> Result<Option<W::Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = IfObject(walk).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Walks through a value that is an object; any other is passed over and comes to `None`.
pub(crate) struct IfObject<W>(pub(crate) W);

impl<'de, W: Walk<'de>> DeserializeSeed<'de> for IfObject<W> {
    type Value = Option<W::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, W: Walk<'de>> Visitor<'de> for IfObject<W> {
    type Value = Option<W::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.walk(map).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A JSON string, borrowed from the document unless it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The text of a JSON string.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

/// The members of a JSON object.
pub(crate) fn object(raw: &RawValue) -> Option<Members<'_>> {
    document(raw.get(), Collect).ok()?
}

/// Tells where in the document lies what was borrowed from it.
pub(crate) struct Places<'a> {
    document: &'a str,
}

impl<'a> Places<'a> {
    pub(crate) fn new(document: &'a str) -> Self {
        Self { document }
    }

    /// The place of a value.
    pub(crate) fn of(&self, value: &RawValue) -> Range<u32> {
        let start = self.start(value.get());
        offset(start)..offset(start + value.get().len())
    }

    /// The place of the object that has these members, from brace to brace. `None` if it has none, or if the first key is
    /// written with escapes, which nobody does and which hides where it begins.
    pub(crate) fn of_object(&self, members: &Members<'_>) -> Option<Range<u32>> {
        let ((Cow::Borrowed(first), _), (_, last)) = (members.0.first()?, members.0.last()?) else { return None };
        // Only white space and a quote lie between the brace and the first key, only white space after the last value.
        let start = self.document.get(..self.start(first))?.rfind('{')?;
        let after = self.start(last.get()) + last.get().len();
        let end = after + self.document.get(after..)?.find('}')? + 1;
        Some(offset(start)..offset(end))
    }

    fn start(&self, borrowed: &str) -> usize {
        borrowed.as_ptr().addr() - self.document.as_ptr().addr()
    }
}
