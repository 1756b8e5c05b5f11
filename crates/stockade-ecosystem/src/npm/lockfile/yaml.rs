//! The part of YAML in which pnpm and Yarn write lockfiles, line by line: a key, and a value behind it or in the lines
//! below that are indented further.
//!
//! These files are the largest that are read as text, so there is no tree of them. What their writers never write
//! (anchors, tags, lists of maps) is a problem where it would matter.

use std::borrow::Cow;

/// How many levels are told apart. Lockfiles have five.
const MAX_DEPTH: usize = 16;

/// A line with its place in the document.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u32,
    /// How many keys it is below: 0 is the top.
    pub(super) depth: usize,
    pub(super) key: Cow<'a, str>,
    /// What stands behind the key, as it is written.
    pub(super) value: &'a str,
}

/// What a line is.
pub(super) enum Item<'a> {
    Line(Line<'a>),
    /// Another document begins.
    Document,
    /// Nothing that these files have.
    Odd(u32),
}

/// The lines of a document that say something; items of lists are left out.
pub(super) struct Lines<'a> {
    rest: std::iter::Zip<std::str::Lines<'a>, std::ops::RangeFrom<u32>>,
    /// How far the keys are indented that the line is below.
    open: Vec<usize>,
    /// How far the key of a text is indented that goes over several lines.
    text: Option<usize>,
    /// A key that has a line of its own, because it is too long to stand before a colon.
    long: Option<(u32, usize, Cow<'a, str>)>,
    /// What stands between a key and its value: `:` in YAML, a blank in Yarn's first format.
    is_yarn: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text.lines().zip(1..), open: Vec::new(), text: None, long: None, is_yarn: false }
    }

    /// Of a file in the first format of Yarn.
    pub(super) fn of_yarn(text: &'a str) -> Self {
        Self { is_yarn: true, ..Self::of(text) }
    }

    fn line(&mut self, number: u32, indent: usize, key: Cow<'a, str>, value: &'a str) -> Item<'a> {
        while self.open.last().is_some_and(|open| *open >= indent) {
            self.open.pop();
        }
        let depth = self.open.len();
        if depth >= MAX_DEPTH {
            return Item::Odd(number);
        }
        self.open.push(indent);
        if value.starts_with(['|', '>']) && !self.is_yarn {
            self.text = Some(indent);
        }
        Item::Line(Line { number, depth, key, value })
    }

    fn read(&mut self, line: &'a str, number: u32) -> Option<Item<'a>> {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let content = content.trim_end();
        if content.is_empty() {
            return None;
        }
        if self.text.is_some_and(|text| indent > text) {
            return None;
        }
        self.text = None;
        if content.starts_with('#') {
            return None;
        }
        if indent == 0 && (content == "---" || content.starts_with("--- ")) {
            self.open.clear();
            return Some(Item::Document);
        }
        if let Some((at, above, key)) = self.long.take() {
            return Some(match content.strip_prefix(':').filter(|_| indent == above) {
                // What follows in the line is its first member.
                Some(rest) if rest.trim().is_empty() => self.line(at, above, key, ""),
                _ => Item::Odd(number),
            });
        }
        if let Some(key) = content.strip_prefix("? ").filter(|_| !self.is_yarn) {
            return match scalar(key) {
                Some(key) => {
                    self.long = Some((number, indent, key));
                    None
                }
                None => Some(Item::Odd(number)),
            };
        }
        if content == "-" || content.starts_with("- ") {
            return None;
        }
        Some(match if self.is_yarn { split_yarn(content) } else { split(content) } {
            Some((key, value)) => self.line(number, indent, key, value),
            None => Item::Odd(number),
        })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let (line, number) = self.rest.next()?;
            if let Some(item) = self.read(line, number) {
                return Some(item);
            }
        }
    }
}

/// `key: value`
fn split(content: &str) -> Option<(Cow<'_, str>, &str)> {
    let (key, rest) = if content.starts_with(['"', '\'']) {
        quoted(content)?
    } else {
        let end = content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1))?;
        let key = content[..end].trim_end();
        if key.is_empty() || key.starts_with(['{', '[', '&', '*', '!', '|', '>', '%', '@', '`']) {
            return None;
        }
        (Cow::Borrowed(key), &content[end..])
    };
    let rest = rest.trim_start().strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (key, rest.trim()))
}

/// `key value`, or `key, key:`, of which the keys are left as they are.
fn split_yarn(content: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(keys) = content.strip_suffix(':') {
        return Some((Cow::Borrowed(keys), ""));
    }
    if content.starts_with('"') {
        let (key, rest) = quoted(content)?;
        return rest.starts_with(' ').then(|| (key, rest.trim()));
    }
    let (key, value) = content.split_once(' ')?;
    Some((Cow::Borrowed(key), value.trim()))
}

/// The text of a value in one line. `None` of what is more than a text.
pub(super) fn scalar(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim();
    if value.starts_with(['"', '\'']) {
        let (text, rest) = quoted(value)?;
        let rest = rest.trim_start();
        return (rest.is_empty() || rest.starts_with('#')).then_some(text);
    }
    if value.starts_with(['{', '[', '&', '*', '!', '|', '>', '%', '@', '`']) {
        return None;
    }
    Some(Cow::Borrowed(value.split(" #").next().unwrap_or(value).trim_end()))
}

/// A text in quotes, and what follows it.
pub(super) fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let quote = text.chars().next()?;
    let inner = &text[1..];
    let end = inner.find([quote, '\\'])?;
    let follows = |rest: &str| quote == '\'' && rest.starts_with('\'');
    if inner[end..].starts_with(quote) && !follows(&inner[end + 1..]) {
        return Some((Cow::Borrowed(&inner[..end]), &inner[end + 1..]));
    }
    let mut told = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if !follows(&inner[at + 1..]) {
                return Some((Cow::Owned(told), &inner[at + 1..]));
            }
            chars.next();
            told.push(quote);
        } else if c == '\\' && quote == '"' {
            match chars.next()?.1 {
                'n' => told.push('\n'),
                't' => told.push('\t'),
                escaped @ ('"' | '\\' | '/') => told.push(escaped),
                _ => return None,
            }
        } else {
            told.push(c);
        }
    }
    None
}

/// The members of a map in one line: `{integrity: sha512-…, tarball: https://…}`. `None` if there are others than texts.
pub(super) fn flow(value: &str) -> Option<Vec<(&str, Cow<'_, str>)>> {
    let mut rest = value.strip_prefix('{')?.trim_start();
    let mut members = Vec::new();
    while !rest.starts_with('}') {
        let (key, after) = rest.split_once(':')?;
        let after = after.trim_start();
        let value = if after.starts_with(['"', '\'']) {
            let (value, after) = quoted(after)?;
            rest = after;
            value
        } else {
            let end = after.find([',', '}'])?;
            rest = &after[end..];
            Cow::Borrowed(after[..end].trim_end())
        };
        if value.starts_with(['{', '[', '&', '*', '!']) {
            return None;
        }
        members.push((key.trim(), value));
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
    }
    (rest.trim_end() == "}").then_some(members)
}
