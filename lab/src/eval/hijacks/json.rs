//! A manifest in JSON whose keys stay in their order: an edit changes what it names and nothing else.

use std::fmt;

use anyhow::{Context, bail};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object; its values stay as they are written.
pub(crate) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text.trim_start_matches('\u{feff}')).context("a manifest that is no object")
    }

    /// Makes the string at the end of these keys be the last of them.
    pub(crate) fn set(&mut self, path: &[String]) -> anyhow::Result<()> {
        self.set_at(path, 1)
    }

    fn set_at(&mut self, path: &[String], depth: usize) -> anyhow::Result<()> {
        let value = match path {
            [key, value] => (key, serde_json::to_string(value)?),
            [key, rest @ ..] if !rest.is_empty() => {
                let mut inner = match self.0.iter().find(|(name, _)| name == key) {
                    Some((_, raw)) => Self::parse(raw.get())?,
                    None => Self(Vec::new()),
                };
                inner.set_at(rest, depth + 1)?;
                (key, inner.text(depth + 1))
            }
            _ => bail!("keys and a value"),
        };
        let (key, raw) = (value.0, RawValue::from_string(value.1)?);
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = raw,
            None => self.0.push((key.clone(), raw)),
        }
        Ok(())
    }

    /// The object as text, its members at a depth.
    pub(crate) fn text(&self, depth: usize) -> String {
        let (inner, outer) = ("  ".repeat(depth), "  ".repeat(depth.saturating_sub(1)));
        let members = self.0.iter().map(|(key, raw)| {
            let key = serde_json::to_string(key).unwrap_or_default();
            format!("{inner}{key}: {}", raw.get())
        });
        format!("{{\n{}\n{outer}}}", members.collect::<Vec<_>>().join(",\n"))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_leaves_the_rest_as_it_was() {
        let mut object = Object::parse("{\"z\": [1,  2], \"scripts\": {\"t\": \"x\"}, \"a\": null}").unwrap();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        object.set(&words(&["scripts", "install", "node \"i\""])).unwrap();
        object.set(&words(&["optional", "b", "1"])).unwrap();
        object.set(&words(&["z", "2"])).unwrap();
        let expected = "{\n  \"z\": \"2\",\n  \"scripts\": {\n    \"t\": \"x\",\n    \"install\": \"node \\\"i\\\"\"\n  \
                        },\n  \"a\": null,\n  \"optional\": {\n    \"b\": \"1\"\n  }\n}";
        assert_eq!(object.text(1), expected);
        assert!(Object::parse("[]").is_err() && object.set(&words(&["x"])).is_err());
    }
}
