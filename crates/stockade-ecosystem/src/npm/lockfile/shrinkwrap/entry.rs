//! One entry, read as it comes: a member of another kind than it should be counts as none.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::origin;
use super::MODULES;
use crate::archive::extension;
use crate::json::{IfObject, Walk, limit};
use crate::{Origin, Scope};

/// The longest path in bytes, as Linux has it.
const MAX_PATH: usize = 4096;

/// A JSON string, borrowed from the document unless it has escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// What is read of an entry.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "npm has them all, each by itself")]
pub(super) struct Entry<'a> {
    /// Where it is installed: `node_modules/a/node_modules/b`.
    pub(super) path: Cow<'a, str>,
    /// The key as it is in the document, which tells where.
    pub(super) place: Option<&'a str>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    resolved: Option<Cow<'a, str>>,
    pub(super) integrity: Option<Cow<'a, str>>,
    pub(super) licence: Option<Cow<'a, str>>,
    pub(super) is_link: bool,
    is_dev: bool,
    is_optional: bool,
    is_dev_or_optional: bool,
    is_bundled: bool,
    /// What it needs, by name.
    pub(super) needs: Vec<(Cow<'a, str>, Scope)>,
    /// Members that are there twice; the last one counts, as npm has it.
    pub(super) repeated: Vec<&'static str>,
}

impl Entry<'_> {
    /// True if it is a folder of the project.
    pub(super) fn is_own(&self) -> bool {
        !self.path.starts_with(MODULES) && memmem::find(self.path.as_bytes(), b"/node_modules/").is_none()
    }

    /// In version 1, its path and the folder of the project that it stands for.
    pub(super) fn folder_of_project(&self) -> Option<(&str, &str)> {
        let folder = self.version.as_deref()?.strip_prefix("file:")?;
        let is_archive = ["tgz", "gz", "tar"].contains(&extension(folder));
        (!is_archive).then_some((self.path.as_ref(), folder))
    }

    /// The name of the folder, which is the package's unless it is an alias.
    pub(super) fn folder(&self) -> &str {
        memmem::rfind(self.path.as_bytes(), MODULES.as_bytes())
            .map_or(self.path.as_ref(), |at| &self.path[at + MODULES.len()..])
    }

    pub(super) fn origin(&self) -> Origin {
        let version = self.version.as_deref().filter(|version| version.contains(':') && !version.starts_with("npm:"));
        match self.resolved.as_deref().or(version) {
            Some(address) => origin(address),
            None if self.is_bundled => Origin::Bundled,
            None => Origin::Registry(None),
        }
    }

    pub(super) fn scope(&self) -> Scope {
        if self.is_dev {
            Scope::Dev
        } else if self.is_optional || self.is_dev_or_optional {
            Scope::Optional
        } else {
            Scope::Run
        }
    }
}

/// The entries of `packages`.
pub(super) struct Root<'f, 'a>(pub(super) &'f mut Vec<Entry<'a>>);

impl<'de> Walk<'de> for Root<'_, 'de> {
    type Value = ();

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(path)) = map.next_key()? {
            limit(self.0.len())?;
            let mut entry = Entry { place: borrowed(&path), path, ..Entry::default() };
            map.next_value_seed(IfObject(Fill { entry: &mut entry, nested: None }))?;
            self.0.push(entry);
        }
        Ok(())
    }
}

/// The entries of `dependencies` in version 1, with those that are nested in them.
pub(super) struct Nested<'f, 'a> {
    pub(super) entries: &'f mut Vec<Entry<'a>>,
    /// The path of what they are nested in.
    pub(super) above: String,
}

impl<'de> Walk<'de> for Nested<'_, 'de> {
    type Value = ();

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            limit(self.entries.len())?;
            let (above, between) = match self.above.as_str() {
                "" => ("", ""),
                // Of a path that no system has, each entry would repeat all.
                above if above.len() > MAX_PATH => ("", ""),
                above => (above, "/"),
            };
            let path = format!("{above}{between}{MODULES}{name}");
            let mut entry = Entry { place: borrowed(&name), path: Cow::Owned(path), ..Entry::default() };
            map.next_value_seed(IfObject(Fill { entry: &mut entry, nested: Some(self.entries) }))?;
            self.entries.push(entry);
        }
        Ok(())
    }
}

fn borrowed<'a>(text: &Cow<'a, str>) -> Option<&'a str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// Reads the members of an entry into it; in version 1, entries are nested in it.
struct Fill<'f, 'a> {
    entry: &'f mut Entry<'a>,
    nested: Option<&'f mut Vec<Entry<'a>>>,
}

impl<'de> Walk<'de> for Fill<'_, 'de> {
    type Value = ();

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Fill { entry, mut nested } = self;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "name" => once("name", &mut entry.name, &mut entry.repeated, map.next_value_seed(IfText)?),
                "version" => once("version", &mut entry.version, &mut entry.repeated, map.next_value_seed(IfText)?),
                "resolved" => once("resolved", &mut entry.resolved, &mut entry.repeated, map.next_value_seed(IfText)?),
                "integrity" => {
                    once("integrity", &mut entry.integrity, &mut entry.repeated, map.next_value_seed(IfText)?);
                }
                "license" => entry.licence = map.next_value_seed(IfText)?,
                "link" => entry.is_link = map.next_value_seed(IfTrue)?,
                "dev" => entry.is_dev = map.next_value_seed(IfTrue)?,
                "optional" => entry.is_optional = map.next_value_seed(IfTrue)?,
                "devOptional" => entry.is_dev_or_optional = map.next_value_seed(IfTrue)?,
                "inBundle" | "bundled" => entry.is_bundled = map.next_value_seed(IfTrue)?,
                "dependencies" => match nested.as_deref_mut() {
                    Some(entries) => {
                        let above = entry.path.clone().into_owned();
                        map.next_value_seed(IfObject(Nested { entries, above }))?;
                    }
                    None => names(&mut map, entry, Scope::Run)?,
                },
                "requires" if nested.is_some() => names(&mut map, entry, Scope::Run)?,
                "devDependencies" if entry.is_own() => names(&mut map, entry, Scope::Dev)?,
                // A peer is there if somebody brought it.
                "optionalDependencies" | "peerDependencies" => names(&mut map, entry, Scope::Optional)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn once<'a>(
    key: &'static str,
    field: &mut Option<Cow<'a, str>>,
    repeated: &mut Vec<&'static str>,
    value: Option<Cow<'a, str>>,
) {
    if field.is_some() && !repeated.contains(&key) {
        repeated.push(key);
    }
    *field = value;
}

fn names<'de, A: MapAccess<'de>>(map: &mut A, entry: &mut Entry<'de>, scope: Scope) -> Result<(), A::Error> {
    map.next_value_seed(IfObject(Names { needs: &mut entry.needs, scope }))?;
    Ok(())
}

/// The keys of an object.
struct Names<'f, 'a> {
    needs: &'f mut Vec<(Cow<'a, str>, Scope)>,
    scope: Scope,
}

impl<'de> Walk<'de> for Names<'_, 'de> {
    type Value = ();

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), _)) = map.next_entry::<_, IgnoredAny>()? {
            limit(self.needs.len())?;
            self.needs.push((name, self.scope));
        }
        Ok(())
    }
}

/// A text; anything else is passed over.
struct IfText;

/// Whether it is `true`.
struct IfTrue;

impl<'de> DeserializeSeed<'de> for IfText {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(Any).map(|value| value.0)
    }
}

impl<'de> DeserializeSeed<'de> for IfTrue {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(Any).map(|value| value.1)
    }
}

/// A value that is a text, or is `true`, or neither.
struct Any;

type Told<'a> = (Option<Cow<'a, str>>, bool);

impl<'de> Visitor<'de> for Any {
    type Value = Told<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Told<'de>, E> {
        Ok((Some(Cow::Borrowed(text)), false))
    }

    fn visit_str<E>(self, text: &str) -> Result<Told<'de>, E> {
        Ok((Some(Cow::Owned(text.to_owned())), false))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Told<'de>, E> {
        Ok((None, value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Told<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok((None, false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Told<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok((None, false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Told<'de>, E> {
        Ok((None, false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Told<'de>, E> {
        Ok((None, false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Told<'de>, E> {
        Ok((None, false))
    }

    fn visit_unit<E>(self) -> Result<Told<'de>, E> {
        Ok((None, false))
    }
}
