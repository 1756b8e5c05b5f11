//! Enough of Rust's lexical grammar to tell code from comments and strings, and tests from the rest.
//!
//! It is not a parser. The rules look at tokens, so that a word in a comment or a brace in a string misleads none of
//! them.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// A string of any sort: plain, raw, of bytes, for C.
    Text,
    /// A character, a byte or a lifetime.
    Quote,
    Comment,
    Mark,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Where it begins, from one.
    pub(super) line: usize,
}

impl<'a> Token<'a> {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }

    /// What stands between the quotes of a string, escapes unread.
    pub(super) fn content(&self) -> Option<&'a str> {
        let open = self.text.find('"')?;
        let close = self.text.rfind('"')?;
        (self.kind == Kind::Text).then(|| self.text.get(open + 1..close)).flatten()
    }
}

/// A file of Rust as tokens.
pub(super) struct Code<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) comments: Vec<Token<'a>>,
    /// For every token: whether it is part of an attribute.
    pub(super) in_attribute: Vec<bool>,
    /// For every token: whether it is part of an item that only tests compile.
    pub(super) in_test: Vec<bool>,
}

impl<'a> Code<'a> {
    pub(super) fn read(source: &'a str) -> Self {
        let (comments, tokens) = Lexer::new(source).partition(|token| token.kind == Kind::Comment);
        let mut code = Self { tokens, comments, in_attribute: Vec::new(), in_test: Vec::new() };
        code.in_attribute = vec![false; code.tokens.len()];
        code.in_test = vec![false; code.tokens.len()];
        code.mark_attributes();
        code
    }

    /// The index of the token that closes the bracket at `open`, or of the last token.
    pub(super) fn close(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            if is_open(token) {
                depth += 1;
            } else if is_close(token) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
        }
        self.tokens.len().saturating_sub(1)
    }

    /// The index of the token that opens the bracket which closes at `close`, or of the first token.
    pub(super) fn open(&self, close: usize) -> usize {
        let mut depth = 0_usize;
        for index in (0..=close).rev() {
            if is_close(&self.tokens[index]) {
                depth += 1;
            } else if is_open(&self.tokens[index]) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
        }
        0
    }

    /// The index of the token that ends the item which begins at `start`: its `;`, or the end of its braces.
    pub(super) fn item_end(&self, start: usize) -> usize {
        let mut index = start;
        while let Some(token) = self.tokens.get(index) {
            if token.is(";") || is_close(token) {
                return index;
            }
            let close = if is_open(token) { self.close(index) } else { index };
            if token.is("{") {
                return close;
            }
            index = close + 1;
        }
        self.tokens.len().saturating_sub(1)
    }

    pub(super) fn is(&self, index: usize, text: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(text))
    }

    fn mark_attributes(&mut self) {
        let mut index = 0;
        while index < self.tokens.len() {
            let inner = self.is(index, "#") && self.is(index + 1, "!") && self.is(index + 2, "[");
            let outer = self.is(index, "#") && self.is(index + 1, "[");
            if !inner && !outer {
                index += 1;
                continue;
            }
            let open = if inner { index + 2 } else { index + 1 };
            let close = self.close(open);
            self.in_attribute[index..=close].fill(true);
            if self.is_for_tests(open + 1, close) {
                let end = if inner { self.tokens.len() - 1 } else { self.item_end(self.after_attributes(close + 1)) };
                self.in_test[index..=end].fill(true);
            }
            index = close + 1;
        }
    }

    /// Whether an attribute is `cfg(test)`, `cfg(all(test, …))`, `test` or `some::test`.
    fn is_for_tests(&self, start: usize, end: usize) -> bool {
        let words: Vec<&str> =
            self.tokens[start..end].iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect();
        let arguments = (start..end).find(|&index| self.is(index, "(")).unwrap_or(end);
        if words.first() == Some(&"cfg") {
            return words.contains(&"test") && !words.contains(&"not");
        }
        arguments > start && self.is(arguments - 1, "test")
    }

    fn after_attributes(&self, mut index: usize) -> usize {
        while self.is(index, "#") && self.is(index + 1, "[") {
            index = self.close(index + 1) + 1;
        }
        index
    }
}

fn is_open(token: &Token<'_>) -> bool {
    token.is("(") || token.is("[") || token.is("{")
}

fn is_close(token: &Token<'_>) -> bool {
    token.is(")") || token.is("]") || token.is("}")
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn new(source: &'a str) -> Self {
        Self { source, at: 0, line: 1 }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let space = self.rest().len() - self.rest().trim_start().len();
        self.line += newlines(&self.rest()[..space]);
        self.at += space;
        let rest = self.rest();
        let (kind, length) = first(rest)?;
        let text = rest.get(..length).unwrap_or(rest);
        let token = Token { kind, text, line: self.line };
        self.line += newlines(text);
        self.at += text.len();
        Some(token)
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// The kind and the length of the first token.
fn first(rest: &str) -> Option<(Kind, usize)> {
    let start = rest.chars().next()?;
    Some(match start {
        '/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Kind::Comment, block_comment(rest)),
        '"' => (Kind::Text, plain_string(rest)),
        '\'' => (Kind::Quote, quote(rest)),
        _ if start.is_ascii_digit() => (Kind::Number, number(rest)),
        _ if is_word(start) => word(rest),
        _ => (Kind::Mark, start.len_utf8()),
    })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn run_of(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn plain_string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn quote(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|&(_, c)| c == '\'').map_or(rest.len(), |(at, _)| at + 1)
        }
        Some((at, _)) => match chars.next() {
            Some((close, '\'')) => close + 1,
            _ => at + run_of(&rest[at..], is_word),
        },
        None => rest.len(),
    }
}

fn number(rest: &str) -> usize {
    let whole = run_of(rest, is_word);
    let fraction = rest[whole..].strip_prefix('.').map_or(0, |rest| run_of(rest, is_word));
    let is_float = rest[whole..].get(1..).and_then(|rest| rest.chars().next()).is_some_and(|c| c.is_ascii_digit());
    if fraction > 0 && is_float { whole + 1 + fraction } else { whole }
}

fn word(rest: &str) -> (Kind, usize) {
    let length = run_of(rest, is_word);
    let (prefix, after) = rest.split_at(length);
    let hashes = run_of(after, |c| c == '#');
    let raw = matches!(prefix, "r" | "br" | "cr");
    if raw && after[hashes..].starts_with('"') {
        let close = format!("\"{}", &after[..hashes]);
        let body = length + hashes + 1;
        return (Kind::Text, rest[body..].find(&close).map_or(rest.len(), |at| body + at + close.len()));
    }
    match (prefix, after.chars().next()) {
        ("b" | "c", Some('"')) => (Kind::Text, length + plain_string(after)),
        ("b", Some('\'')) => (Kind::Quote, length + quote(after)),
        ("r", Some('#')) => (Kind::Word, length + 1 + run_of(&after[1..], is_word)),
        _ => (Kind::Word, length),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Kind};

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        let code = Code::read(source);
        code.tokens.iter().map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn strings_characters_and_lifetimes_are_told_apart() {
        let source = r##"x(r#"a"b"#, b"\"", 'q', '\'', 'long, b'\\', r#match)"##;
        let expected = [
            (Kind::Word, "x"),
            (Kind::Mark, "("),
            (Kind::Text, r##"r#"a"b"#"##),
            (Kind::Mark, ","),
            (Kind::Text, r#"b"\"""#),
            (Kind::Mark, ","),
            (Kind::Quote, "'q'"),
            (Kind::Mark, ","),
            (Kind::Quote, r"'\''"),
            (Kind::Mark, ","),
            (Kind::Quote, "'long"),
            (Kind::Mark, ","),
            (Kind::Quote, r"b'\\'"),
            (Kind::Mark, ","),
            (Kind::Word, "r#match"),
            (Kind::Mark, ")"),
        ];
        assert_eq!(kinds(source), expected);
    }

    #[test]
    fn numbers_end_where_they_end() {
        let numbers = |source| {
            let all = kinds(source).into_iter().filter(|(kind, _)| *kind == Kind::Number);
            all.map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(numbers("0..1_000u64 + 1.5 + 7.max(2) + 0xFF"), ["0", "1_000u64", "1.5", "7", "2", "0xFF"]);
    }

    #[test]
    fn comments_are_no_code_and_lines_count_through_everything() {
        let code = Code::read("/* a /* b */ \n c */ x // y\n\"two\nlines\" z");
        assert_eq!(code.comments.len(), 2);
        let lines: Vec<_> = code.tokens.iter().map(|token| (token.text, token.line)).collect();
        assert_eq!(lines, [("x", 2), ("\"two\nlines\"", 3), ("z", 4)]);
        assert_eq!(code.tokens[1].content(), Some("two\nlines"));
    }

    #[test]
    fn items_for_tests_are_known() {
        let tested = |source| {
            let code = Code::read(source);
            let words =
                code.tokens.iter().zip(&code.in_test).filter(|(token, test)| **test && token.text.starts_with("in_"));
            words.map(|(token, _)| token.text.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(tested("#[cfg(test)]\n#[rustfmt::skip]\nmod t { fn in_a() {} }\nfn in_b() {}"), ["in_a"]);
        assert_eq!(tested("#[cfg(all(test, unix))] use in_a; fn in_b() {}"), ["in_a"]);
        assert_eq!(
            tested("#[tokio::test(flavor = \"x\")] async fn in_a() -> [u8; 3] { in_b } fn in_c() {}"),
            ["in_a", "in_b"]
        );
        assert_eq!(tested("#![cfg(test)] fn in_a() {} fn in_b() {}"), ["in_a", "in_b"]);
        assert!(tested("#[cfg(not(test))] fn in_a() {} #[derive(Debug)] struct in_b;").is_empty());
    }
}
