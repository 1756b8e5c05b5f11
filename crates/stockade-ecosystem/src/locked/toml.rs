//! Documents in TOML: what can be read of them, with lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Lines, Out};

/// A value, or a table, with its place.
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

/// A document. What is wrong with its form is among the problems, and what could be read of it is here.
pub(crate) struct Toml<'a> {
    lines: Lines<'a>,
    table: Spanned<DeTable<'a>>,
}

impl<'a> Toml<'a> {
    /// Reads a document.
    pub(crate) fn read(text: &'a str, out: &mut Out) -> Self {
        let lines = Lines::of(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(1, |span| lines.line(span.start));
            out.problem(line, format!("it is not TOML: {}", error.message().lines().next().unwrap_or_default()));
        }
        Self { lines, table }
    }

    /// A member of the document.
    pub(crate) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.table.get_ref().get(key)
    }

    /// The tables of a list that is a member of the document.
    pub(crate) fn list(&self, key: &str) -> impl Iterator<Item = &Value<'a>> {
        self.get(key).into_iter().flat_map(items)
    }

    /// The line, from 1, where a value begins.
    pub(crate) fn line(&self, value: &Value<'_>) -> u32 {
        self.lines.line(value.span().start)
    }
}

/// A member of a table, as text.
pub(crate) fn text<'v>(value: &'v Value<'_>, key: &str) -> Option<&'v str> {
    value.get_ref().get(key)?.get_ref().as_str()
}

/// A member of a table.
pub(crate) fn get<'v, 'a>(value: &'v Value<'a>, key: &str) -> Option<&'v Value<'a>> {
    value.get_ref().get(key)
}

/// The values of a list; none of anything else.
pub(crate) fn items<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    value.get_ref().as_array().into_iter().flat_map(|items| items.iter())
}

/// The members of a table; none of anything else.
pub(crate) fn members<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = (&'v str, &'v Value<'a>)> {
    let table = value.get_ref().as_table();
    table.into_iter().flat_map(|table| table.iter().map(|(key, value)| (key.get_ref().as_ref(), value)))
}
