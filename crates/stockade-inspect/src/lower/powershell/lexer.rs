//! Tokens of PowerShell. What a token is depends on where it stands: `peek` is for the beginning of commands and for
//! expressions, `peek_argument` for what follows a command's name.

use std::rc::Rc;

/// A token. Texts are raw: escapes are still in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    End,
    /// `;` or the end of a line.
    Separator,
    /// `(` also of `$(` and `@(`; `{`; `[`; `@` for `@{`.
    Open(char),
    Close(char),
    Word(&'s str),
    /// `-name`, without the dash.
    Parameter(&'s str),
    /// Without the dollar.
    Variable(&'s str),
    /// A text in which nothing is replaced.
    Plain(&'s str),
    /// A text in which variables are replaced.
    Expandable(&'s str),
    Operator(&'static str),
}

/// Operators, longer ones first.
const OPERATORS: &[&str] = &[
    "2>&1", "&&", "||", "+=", "-=", "*=", "/=", "%=", "++", "--", "..", "::", "2>", ">>", "|", "&", "=", "+", "-", "*",
    "/", "%", ",", "!", ".", ">", "<", "?", ":",
];

/// The reader of tokens.
pub(super) struct Lexer<'s> {
    source: &'s str,
    pos: usize,
    /// Where the text begins in the script, or where all of it stands.
    base: u32,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self::at_base(source, 0)
    }

    pub(super) fn at_base(source: &'s str, base: u32) -> Self {
        Self { source, pos: 0, base }
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    /// The offset of what comes next.
    pub(super) fn at(&self) -> u32 {
        self.base.saturating_add(u32::try_from(self.pos).unwrap_or(u32::MAX))
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn skip_all(&mut self) {
        self.pos = self.source.len();
    }

    pub(super) fn skip_one(&mut self) {
        self.pos += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// Blanks, continued lines and comments.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            self.pos += match rest.as_bytes() {
                [b' ' | b'\t' | b'\r', ..] => 1,
                [b'`', b'\n', ..] => 2,
                [b'`', b'\r', b'\n', ..] | [0xef, 0xbb, 0xbf, ..] => 3,
                [b'<', b'#', ..] => rest.find("#>").map_or(rest.len(), |end| end + 2),
                [b'#', ..] => rest.find('\n').unwrap_or(rest.len()),
                _ => return,
            };
        }
    }

    pub(super) fn skip_newlines(&mut self) {
        loop {
            self.skip_blanks();
            if !self.rest().starts_with('\n') {
                return;
            }
            self.pos += 1;
        }
    }

    pub(super) fn skip_separators(&mut self) {
        loop {
            self.skip_newlines();
            if !self.rest().starts_with(';') {
                return;
            }
            self.pos += 1;
        }
    }

    /// Past the next closing bracket of a kind.
    pub(super) fn skip_to(&mut self, close: char) {
        let rest = self.rest();
        self.pos += rest.find(close).map_or(rest.len(), |at| at + 1);
    }

    /// What follows the word that comes next.
    pub(super) fn after_word(&self) -> &'s str {
        let rest = self.rest();
        let word = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        word.trim_start()
    }

    pub(super) fn peek(&mut self) -> Token<'s> {
        self.skip_blanks();
        self.read(false).0
    }

    pub(super) fn next(&mut self) -> Token<'s> {
        self.skip_blanks();
        let (token, length) = self.read(false);
        self.pos += length;
        token
    }

    pub(super) fn peek_argument(&mut self) -> Token<'s> {
        self.skip_blanks();
        self.read(true).0
    }

    pub(super) fn next_argument(&mut self) -> Token<'s> {
        self.skip_blanks();
        let (token, length) = self.read(true);
        self.pos += length;
        token
    }

    /// A variable that a path goes on after, as one word: `$env:TEMP\x`.
    pub(super) fn next_path(&mut self) -> Option<&'s str> {
        self.skip_blanks();
        let rest = self.rest();
        let (Token::Word(word), length) = argument_word(rest) else { return None };
        let is_path = rest.starts_with('$') && word.contains(['\\', '/']);
        is_path.then(|| {
            self.pos += length;
            word
        })
    }

    /// True if something comes next without a blank before it.
    pub(super) fn follows(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.follows(text);
        self.pos += if found { text.len() } else { 0 };
        found
    }

    /// The name of a command, with its folder.
    pub(super) fn next_command(&mut self) -> Rc<str> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace() || "|;(){}'\"$,&<>=".contains(*c));
        let word = rest.get(..end.map_or(rest.len(), |(at, _)| at)).unwrap_or_default();
        self.pos += word.len();
        unescaped(word).into()
    }

    /// The token here, and its length.
    fn read(&self, argument: bool) -> (Token<'s>, usize) {
        let rest = self.rest();
        let open = |token, length| (token, length);
        match rest.as_bytes() {
            [] => open(Token::End, 0),
            [b'\n' | b';', ..] => open(Token::Separator, 1),
            [b'(', ..] => open(Token::Open('('), 1),
            [b'$' | b'@', b'(', ..] => open(Token::Open('('), 2),
            [b'@', b'{', ..] => open(Token::Open('@'), 2),
            [b'{', ..] => open(Token::Open('{'), 1),
            [b'[', ..] => open(Token::Open('['), 1),
            [close @ (b')' | b'}' | b']'), ..] => open(Token::Close(char::from(*close)), 1),
            [b'@', b'\'', ..] => here(rest, "'@", Token::Plain),
            [b'@', b'"', ..] => here(rest, "\"@", Token::Expandable),
            [b'\'', ..] => quoted(rest, '\'', Token::Plain),
            [b'"', ..] => quoted(rest, '"', Token::Expandable),
            [b'$', ..] => variable(rest),
            [b'@', next, ..] if next.is_ascii_alphabetic() => {
                let (token, length) = variable(rest);
                (token, length)
            }
            [b'-', next, ..] if next.is_ascii_alphabetic() => {
                let name = rest.get(1..).unwrap_or_default();
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                let colon = usize::from(argument && name.get(end..).is_some_and(|after| after.starts_with(':')));
                (Token::Parameter(name.get(..end).unwrap_or_default()), 1 + end + colon)
            }
            _ if argument => argument_word(rest),
            [b'.', b'\\' | b'/', ..] | [b'.', b'.', b'\\' | b'/', ..] => {
                word(rest, |c| !c.is_whitespace() && !";|)}".contains(c))
            }
            [digit, ..] if digit.is_ascii_digit() => number(rest),
            [letter, ..] if letter.is_ascii_alphabetic() || *letter == b'_' || *letter == b'`' => {
                word(rest, |c| c.is_alphanumeric() || "_-`".contains(c))
            }
            _ => operator(rest),
        }
    }

    /// The names of the variables up to a closing bracket, which is taken.
    pub(super) fn variables_until(&mut self, close: char) -> Vec<String> {
        /// The most parameters of a function.
        const MAX_PARAMETERS: usize = 100;
        let mut names = Vec::new();
        while names.len() < MAX_PARAMETERS {
            self.skip_newlines();
            match self.next() {
                Token::End => break,
                Token::Close(found) if found == close => break,
                Token::Variable(name) => names.push(name.to_ascii_lowercase()),
                _ => {}
            }
        }
        names
    }

    /// The parameters that a function declares at the beginning of its body: `{ param($a, $b) …`.
    pub(super) fn declared_parameters(&self) -> Vec<String> {
        let inner = self.rest().trim_start().strip_prefix('{').map(str::trim_start).unwrap_or_default();
        let has = inner.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("param"));
        if !has {
            return Vec::new();
        }
        let from = inner.find('(').map_or(inner.len(), |at| at + 1);
        let mut lexer = Lexer::new(inner.get(from..).unwrap_or_default());
        lexer.variables_until(')')
    }
}

/// A text between quotes; a doubled quote does not end it.
fn quoted<'s>(rest: &'s str, quote: char, token: fn(&'s str) -> Token<'s>) -> (Token<'s>, usize) {
    let mut skip = false;
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if skip {
            skip = false;
        } else if character == '`' && quote == '"' {
            skip = true;
        } else if character == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                skip = true;
                continue;
            }
            return (token(rest.get(1..at).unwrap_or_default()), at + 1);
        }
    }
    (token(rest.get(1..).unwrap_or_default()), rest.len())
}

/// A text over lines: `@'`, line end, text, line end, `'@`.
fn here<'s>(rest: &'s str, close: &str, token: fn(&'s str) -> Token<'s>) -> (Token<'s>, usize) {
    let body = rest.get(2..).unwrap_or_default();
    let end = body.find(&format!("\n{close}"));
    let text = body.get(..end.unwrap_or(body.len())).unwrap_or_default();
    let text = text.split_once('\n').map_or("", |(_, text)| text);
    let length = end.map_or(rest.len(), |end| 2 + end + 1 + close.len());
    (token(text.trim_end_matches('\r')), length)
}

fn variable(rest: &str) -> (Token<'_>, usize) {
    let name = rest.get(1..).unwrap_or_default();
    if let Some(braced) = name.strip_prefix('{') {
        let end = braced.find('}').unwrap_or(braced.len());
        return (Token::Variable(braced.get(..end).unwrap_or_default()), (end + 3).min(rest.len()));
    }
    let end = variable_length(name);
    match name.chars().next() {
        _ if end > 0 => (Token::Variable(name.get(..end).unwrap_or_default()), end + 1),
        Some(special @ ('$' | '?' | '^' | '_')) => {
            (Token::Variable(name.get(..special.len_utf8()).unwrap_or_default()), 1 + special.len_utf8())
        }
        _ => (Token::Word(rest.get(..1).unwrap_or_default()), 1),
    }
}

/// How long the name of a variable is: `a`, `env:PATH`, `script:b`.
pub(super) fn variable_length(name: &str) -> usize {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
    let scoped = name.get(end..).and_then(|after| after.strip_prefix(':')).filter(|_| end > 0);
    match scoped {
        Some(after) if after.starts_with(is_name) => end + 1 + after.find(|c| !is_name(c)).unwrap_or(after.len()),
        _ => end,
    }
}

fn word(rest: &str, belongs: impl Fn(char) -> bool) -> (Token<'_>, usize) {
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    (Token::Word(rest.get(..end).unwrap_or_default()), end)
}

fn number(rest: &str) -> (Token<'_>, usize) {
    let mut end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let after = rest.get(end..).unwrap_or_default();
    if after.starts_with('.')
        && after.get(1..2).is_some_and(|digit| digit.as_bytes()[..].iter().all(u8::is_ascii_digit))
    {
        let fraction = after.get(1..).unwrap_or_default();
        end += 1 + fraction.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(fraction.len());
    }
    (Token::Word(rest.get(..end).unwrap_or_default()), end)
}

fn operator(rest: &str) -> (Token<'_>, usize) {
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(*operator)) {
        return (Token::Operator(operator), operator.len());
    }
    let length = rest.chars().next().map_or(0, char::len_utf8);
    (Token::Word(rest.get(..length).unwrap_or_default()), length)
}

/// A word after a command's name: everything up to a blank.
fn argument_word(rest: &str) -> (Token<'_>, usize) {
    if rest.starts_with(['|', '&', '>', '<', ',']) || rest.starts_with("2>") {
        return operator(rest);
    }
    let mut skip = false;
    let end = rest.find(|c: char| {
        let escaped = skip;
        skip = c == '`' && !escaped;
        !escaped && (c.is_whitespace() || ";|(){}'\",&<>".contains(c))
    });
    let end = end.unwrap_or(rest.len());
    (Token::Word(rest.get(..end).unwrap_or_default()), end)
}

/// A word without its backticks.
pub(super) fn unescaped(word: &str) -> String {
    word.chars().filter(|&c| c != '`').collect()
}
