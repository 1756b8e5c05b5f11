//! Licences: an SPDX expression where the text is one, and a name otherwise.
//!
//! A document may say `MIT AND Apache-2.0` or list both; it means the same, so here it is always the list. A text that is
//! no expression must not be written where a format asks for one, since the whole document would be invalid.

use serde::Serialize;
use spdx::{Expression, ParseMode};

/// How long a text may be that is tried as an expression, in bytes. What is longer is the text of a licence.
const MAX_EXPRESSION: usize = 4096;

/// How many brackets an expression may have. Each pair is looked through again.
const MAX_BRACKETS: usize = 64;

/// Deprecated identifiers are still what most packages declare; everything else is as the specification says.
const MODE: ParseMode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };

/// Licences that the list has got since the newest schema of CycloneDX, which allows no other identifiers than it knows.
pub(crate) const NEWER: [&str; 19] = [
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "atc-game",
];

/// What the identifier of a licence that the list does not have begins with.
pub(crate) const REFERENCE: &str = "LicenseRef-";

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Licence {
    /// An SPDX licence expression.
    Expression(String),
    /// What is none: a name, an address, a sentence.
    Name(String),
}

impl Licence {
    /// What a text is.
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let is_expression = text.len() <= MAX_EXPRESSION
            && text.matches('(').count() <= MAX_BRACKETS
            && Expression::parse_mode(text, MODE).is_ok()
            && !words(text).any(|(_, word)| says_nothing(word));
        if is_expression { Self::Expression(canonical(text)) } else { Self::Name(text.to_owned()) }
    }

    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Self::Expression(text) | Self::Name(text) => text,
        }
    }

    /// The licences of this one that all apply, each by itself, and each as what its text is.
    pub(crate) fn normal(&self) -> Vec<Self> {
        let text = self.text().trim();
        if text.is_empty() || says_nothing(text) {
            return Vec::new();
        }
        match Self::read(text) {
            Self::Expression(text) => conjuncts(&text).into_iter().map(Self::Expression).collect(),
            name @ Self::Name(_) => vec![name],
        }
    }

    /// The identifier, if it is one licence of the list that CycloneDX knows, and nothing more.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Expression(text) => {
                spdx::license_id(text).map(|id| id.name).filter(|name| name == text && !NEWER.contains(name))
            }
            Self::Name(_) => None,
        }
    }
}

/// The expression with one space between its words and operators in capitals, since not every reader takes others.
fn canonical(expression: &str) -> String {
    let mut text = String::with_capacity(expression.len());
    for token in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        let operator = ["AND", "OR", "WITH"].into_iter().find(|operator| operator.eq_ignore_ascii_case(token));
        if !text.is_empty() && !text.ends_with('(') && token != ")" {
            text.push(' ');
        }
        text.push_str(operator.unwrap_or(token));
    }
    text
}

/// What SPDX writes where there is no licence, or nobody says. The list that the parser has takes both for licences.
pub(crate) fn says_nothing(word: &str) -> bool {
    word == "NONE" || word == "NOASSERTION"
}

/// One expression in which all of these apply.
pub(crate) fn joined<'a>(expressions: impl Iterator<Item = &'a str>) -> String {
    let part = |text: &str| {
        let is_choice = words(text).any(|(depth, word)| depth == 0 && word == "OR");
        if is_choice { format!("({text})") } else { text.to_owned() }
    };
    let parts: Vec<&str> = expressions.collect();
    match parts[..] {
        [one] => one.to_owned(),
        _ => parts.into_iter().map(part).collect::<Vec<_>>().join(" AND "),
    }
}

/// The parts of an expression between its outermost `AND`s. `AND` binds tighter than `OR`.
fn conjuncts(expression: &str) -> Vec<String> {
    let mut whole = vec![expression.trim()];
    let mut parts = Vec::new();
    while let Some(text) = whole.pop() {
        let has = |operator: &str| words(text).any(|(depth, word)| depth == 0 && word == operator);
        if let Some(inner) = unwrapped(text) {
            whole.push(inner);
        } else if has("OR") || !has("AND") {
            parts.push(text.to_owned());
        } else {
            whole.extend(split(text));
        }
    }
    parts
}

/// The inside of brackets around the whole text.
fn unwrapped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_i64;
    for letter in inner.chars() {
        depth += i64::from(letter == '(') - i64::from(letter == ')');
        if depth < 0 {
            return None;
        }
    }
    Some(inner.trim())
}

fn split(text: &str) -> Vec<&str> {
    let mut from = 0;
    let mut parts = Vec::new();
    for (_, and) in words(text).filter(|(depth, word)| *depth == 0 && *word == "AND") {
        let at = and.as_ptr() as usize - text.as_ptr() as usize;
        parts.push(text[from..at].trim());
        from = at + and.len();
    }
    parts.push(text[from..].trim());
    parts
}

/// The words of an expression, each with how many brackets are open before it.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut depth = 0_usize;
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            if first == '(' || first == ')' {
                depth = if first == '(' { depth + 1 } else { depth.saturating_sub(1) };
                rest = &rest[1..];
                continue;
            }
            let end = rest.find(|letter: char| letter.is_whitespace() || letter == '(' || letter == ')');
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            return Some((depth, word));
        }
    })
}

/// The references of an expression to licences that the list does not have.
pub(crate) fn references(expression: &str) -> impl Iterator<Item = &str> {
    words(expression).map(|(_, word)| word).filter(|word| word.starts_with(REFERENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let mut parts: Vec<String> = Licence::read(text).normal().iter().map(|part| part.text().to_owned()).collect();
        parts.sort();
        parts
    }

    #[test]
    fn what_applies_together_is_a_list() {
        assert_eq!(parts("MIT"), ["MIT"]);
        assert_eq!(parts("MIT AND Apache-2.0"), ["Apache-2.0", "MIT"]);
        assert_eq!(parts("MIT OR Apache-2.0 AND ISC"), ["MIT OR Apache-2.0 AND ISC"]);
        assert_eq!(parts("(MIT OR Apache-2.0) AND (ISC AND (Zlib))"), ["ISC", "MIT OR Apache-2.0", "Zlib"]);
        assert_eq!(parts("MIT or  ( ISC and Zlib )"), ["MIT OR (ISC AND Zlib)"]);
        assert_eq!(parts("(MIT) OR (ISC)"), ["(MIT) OR (ISC)"]);
        assert_eq!(parts("GPL-2.0+ AND GPL-2.0-only WITH Classpath-exception-2.0").len(), 2);
    }

    #[test]
    fn what_is_joined_splits_into_the_same() {
        for list in [&["MIT"][..], &["Apache-2.0 OR MIT", "ISC"], &["LicenseRef-a", "MIT OR ISC AND Zlib"]] {
            assert_eq!(parts(&joined(list.iter().copied())), list);
        }
    }

    #[test]
    fn what_is_no_expression_is_a_name() {
        for text in ["Apache License, Version 2.0", "MIT/X11", "SEE LICENSE IN LICENSE.md", "MIT AND", "(MIT", ")"] {
            assert_eq!(Licence::read(text), Licence::Name(text.to_owned()), "{text}");
        }
        let nested = format!("{}MIT{}", "(".repeat(MAX_BRACKETS + 1), ")".repeat(MAX_BRACKETS + 1));
        assert_eq!(Licence::read(&nested), Licence::Name(nested.clone()));
        assert!(Licence::Name(" ".to_owned()).normal().is_empty());
        assert!(Licence::read("NOASSERTION").normal().is_empty());
    }
}
