//! The shape of Python source: its tokens, with every name, string and number masked.
//!
//! Malware is published by the hundred from one template, in which names, addresses and encoded text are made anew. Two
//! files of one template have one shape. Comments and white space are no part of it, keywords and operators are.

use sha2::{Digest, Sha256};

/// Words that are not names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

const NAME: u8 = b'n';
const NUMBER: u8 = b'0';
const TEXT: u8 = b's';

/// The shape of sources that are read one after another.
#[derive(Default)]
pub(crate) struct Shape {
    hash: Sha256,
    tokens: usize,
}

impl Shape {
    /// Reads on with another source.
    pub(crate) fn read(&mut self, source: &[u8]) {
        let mut rest = source;
        while let Some(first) = rest.first() {
            let length = self.token(*first, rest).max(1);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// The digest of the shape; none if there was no token.
    pub(crate) fn digest(self) -> Option<String> {
        (self.tokens > 0).then(|| hex::encode(self.hash.finalize()))
    }

    /// Reads what `rest` begins with, and returns its length.
    fn token(&mut self, first: u8, rest: &[u8]) -> usize {
        match first {
            b' ' | b'\t' | b'\r' | b'\n' | b'\\' => 1,
            b'#' => until(rest, |byte| byte == b'\n'),
            b'"' | b'\'' => self.add(TEXT, text(rest)),
            b'0'..=b'9' => self.add(NUMBER, until(rest, |byte| !is_word(byte) && byte != b'.')),
            _ if is_word(first) => self.word(rest),
            _ => self.add(first, 1),
        }
    }

    /// A name, a keyword, or a string with letters before it.
    fn word(&mut self, rest: &[u8]) -> usize {
        let length = until(rest, |byte| !is_word(byte));
        let (word, after) = rest.split_at(length);
        let is_prefix = length <= 2 && word.iter().all(|byte| b"rbfuRBFU".contains(byte));
        if is_prefix && matches!(after.first(), Some(b'"' | b'\'')) {
            return self.add(TEXT, length + text(after));
        }
        match KEYWORDS.iter().position(|keyword| keyword.as_bytes() == word) {
            Some(index) => self.add(0x80 | u8::try_from(index).unwrap_or(0), length),
            None => self.add(NAME, length),
        }
    }

    fn add(&mut self, token: u8, length: usize) -> usize {
        self.hash.update([token]);
        self.tokens += 1;
        length
    }
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// How many bytes there are before the first that `ends`.
fn until(rest: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len())
}

/// The length of the string that `rest` begins with. One that is not closed ends with its line, or with the source.
fn text(rest: &[u8]) -> usize {
    let quote = rest.first().copied().unwrap_or_default();
    let is_long = rest.len() > 2 && rest.iter().take(3).all(|byte| *byte == quote);
    let mut at = if is_long { 3 } else { 1 };
    while let Some(byte) = rest.get(at).copied() {
        match byte {
            b'\\' => at += 1,
            b'\n' if !is_long => return at,
            _ if byte == quote && !is_long => return at + 1,
            _ if byte == quote && rest.get(at..at + 3) == rest.get(..3) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(source: &str) -> Option<String> {
        let mut shape = Shape::default();
        shape.read(source.as_bytes());
        shape.digest()
    }

    #[test]
    fn what_a_template_fills_in_makes_no_difference() {
        let a = "import os\nx = b'YWJj'  # first\nexec(f(x, 10))\n";
        let b = "import sys\nqq = rb\"\"\"other\ntext \\\" here\"\"\"\nexec( gg(qq, 0x2f) )";
        assert_eq!(shape(a), shape(b));
    }

    #[test]
    fn what_the_program_does_makes_one() {
        assert_ne!(shape("a = b + c"), shape("a = b - c"));
        assert_ne!(shape("if a: b"), shape("while a: b"));
        assert_ne!(shape("a = 1"), shape("a = 'one'"));
        assert_ne!(shape("f(''); g"), shape("f('); g')"));
    }

    #[test]
    fn an_empty_source_has_no_shape_and_a_broken_one_has() {
        assert_eq!(shape("# only a comment\n"), None);
        assert!(shape("a = 'not closed\nb = \"\"\"not closed either").is_some());
        assert_eq!(shape("a = 'x\nb"), shape("c = 'y\nd"));
        assert!(shape("é = \\\n 'x'").is_some());
    }
}
