//! Sources in which there is nothing to find are not parsed.
//!
//! Most files of most crates compute something and ask the platform for nothing, and to parse them takes most of the time
//! of an inspection. Nothing comes of a file unless the names that lead to something in the catalogue stand in it, or a
//! text that says something, or it runs by itself. That is seen by its words and texts alone, which take a tenth of the
//! time of a syntax tree. Of any other file only the modules and the foreign functions matter that it declares.
//!
//! What the reader of words is not sure of, it leaves to the parser.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::apis::Catalogue;
use crate::eval::DECODING;
use crate::ir::Language;
use crate::lexicon;

/// What stands at functions that run without being called, and the name of one.
const AT_LOAD: [&str; 8] = [
    "main",
    "proc_macro",
    "proc_macro_derive",
    "proc_macro_attribute",
    "link_section",
    "ctor",
    "dtor",
    "global_allocator",
];
/// Names of options whose value alone says something.
const OPTIONS: [&str; 3] = ["rejectUnauthorized", "strictSSL", "verify_ssl"];
/// What a declaration of foreign functions is in the catalogue: that is seen by more than this word.
const FOREIGN: &str = "extern";
/// What the catalogue calls `std`, and the names that parts of it have as well.
const STD: [&str; 3] = ["std", "core", "alloc"];

/// The words of the catalogue's paths.
struct Words {
    numbers: FxHashMap<&'static str, u16>,
    /// The words of each path.
    paths: Vec<Vec<u16>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words { numbers: FxHashMap::default(), paths: Vec::new() };
    for path in Catalogue::of(Language::Rust).telling().filter(|path| *path != [FOREIGN]) {
        let mut numbers: Vec<u16> = path.into_iter().map(|word| words.number(word.trim_end_matches('!'))).collect();
        numbers.sort_unstable();
        numbers.dedup();
        words.paths.push(numbers);
    }
    for word in AT_LOAD.iter().chain(&OPTIONS).chain(DECODING) {
        let number = words.number(word);
        words.paths.push(vec![number]);
    }
    words.paths.sort();
    words.paths.dedup();
    words
});

impl Words {
    fn number(&mut self, word: &'static str) -> u16 {
        let next = u16::try_from(self.numbers.len()).expect("the catalogue has some thousand words");
        *self.numbers.entry(word).or_insert(next)
    }
}

/// What matters of a source that need not be parsed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sifted<'a> {
    /// The modules that it declares: `mod a;`.
    pub(super) modules: Vec<&'a str>,
    /// The foreign functions that it declares, with the offsets of their names.
    pub(super) foreign: Vec<(&'a str, usize)>,
}

/// What matters of a source, if that can be said without its syntax; else it has to be parsed.
pub(super) fn sift(source: &str) -> Option<Sifted<'_>> {
    let mut sieve = Sieve { present: vec![false; WORDS.numbers.len()], ..Sieve::default() };
    let mut tokens = Tokens { source, at: 0 };
    while let Some(token) = tokens.next()? {
        sieve.declared(&token, tokens.at)?;
        sieve.note(&token)?;
        sieve.statement.push(token);
    }
    let leads = |path: &Vec<u16>| path.iter().all(|number| sieve.present[usize::from(*number)]);
    (!WORDS.paths.iter().any(leads)).then_some(sieve.found)
}

#[derive(Default)]
struct Sieve<'a> {
    /// The words so far.
    seen: FxHashSet<&'a str>,
    /// Those of them that are names of keys.
    keys: FxHashSet<&'a str>,
    /// Which of the catalogue's words are among them.
    present: Vec<bool>,
    statement: Statement<'a>,
    /// How many brackets are open.
    depth: u32,
    /// True in a block of foreign functions that is no part of anything else.
    is_foreign: bool,
    found: Sifted<'a>,
}

impl<'a> Sieve<'a> {
    /// Takes what is declared with a token that ends at an offset. Nothing where only the parser can tell.
    fn declared(&mut self, token: &Token<'a>, end: usize) -> Option<()> {
        use Token::{Other, Text, Word};
        match (self.statement.last_two(), token) {
            ((_, Some(Word(FOREIGN))) | (Some(Word(FOREIGN)), Some(Text(_))), Other(b'{')) if self.depth == 0 => {
                self.is_foreign = true;
            }
            // Foreign functions within something else, and `#[path = "b.rs"] mod a;`.
            ((_, Some(Word(FOREIGN))), Other(_)) | ((Some(Other(b'[')), Some(Word("path"))), Other(b'=')) => {
                return None;
            }
            ((Some(Word(FOREIGN)), Some(Text(_))), token) if *token != Word("fn") => return None,
            ((_, Some(Word("fn"))), Word(name)) if self.is_foreign && self.depth == 1 => {
                self.found.foreign.push((name, end - name.len()));
            }
            ((Some(Word("mod")), Some(Word(name))), Other(b';')) => {
                self.found.modules.extend((!self.statement.is_of_tests()?).then_some(*name));
            }
            ((Some(before), Some(Word(name))), after) if self.keys.contains(name) && is_parameter(before, after) => {
                return None;
            }
            _ => {}
        }
        match token {
            Other(b'(' | b'[' | b'{') => self.depth += 1,
            Other(b')' | b']' | b'}') => {
                self.depth = self.depth.checked_sub(1)?;
                self.is_foreign &= self.depth > 0;
            }
            _ => {}
        }
        Some(())
    }

    /// Notes a word. Nothing for a text that says something.
    fn note(&mut self, token: &Token<'a>) -> Option<()> {
        match token {
            Token::Word(word) if self.seen.insert(word) => {
                if lexicon::is_key_material(word) {
                    self.keys.insert(word);
                }
                let std = STD.contains(word).then_some("std");
                for number in [Some(*word), std].into_iter().flatten().filter_map(|word| WORDS.numbers.get(word)) {
                    self.present[usize::from(*number)] = true;
                }
            }
            Token::Text(text) if !self.statement.is_comment() && lexicon::says_something(text) => return None,
            _ => {}
        }
        Some(())
    }
}

/// True if a name between these may be that of a parameter.
fn is_parameter(before: &Token<'_>, after: &Token<'_>) -> bool {
    matches!(before, Token::Other(b'(' | b',' | b'|' | b'&' | b']') | Token::Word("mut" | "ref"))
        && matches!(after, Token::Other(b':' | b',' | b'|' | b')'))
}

/// The tokens of a statement so far.
#[derive(Default)]
struct Statement<'a>(Vec<Token<'a>>);

impl<'a> Statement<'a> {
    /// How many of its tokens are remembered: the first ones and the last four.
    const MAX: usize = 24;

    fn push(&mut self, token: Token<'a>) {
        if matches!(token, Token::Other(b';' | b'{' | b'}')) {
            return self.0.clear();
        }
        if self.0.len() == Self::MAX {
            self.0.remove(Self::MAX - 4);
        }
        self.0.push(token);
    }

    fn last_two(&self) -> (Option<&Token<'a>>, Option<&Token<'a>>) {
        match self.0.as_slice() {
            [] => (None, None),
            [last] => (None, Some(last)),
            [.., before, last] => (Some(before), Some(last)),
        }
    }

    /// True if it goes on with the text of a comment that is written as an attribute: `#[doc = "a"]`.
    fn is_comment(&self) -> bool {
        use Token::{Other, Word};
        matches!(self.0.as_slice(), [.., Other(b'#' | b'!'), Other(b'['), Word("doc"), Other(b'=')])
    }

    /// True if it declares a module of tests, which nobody builds who depends on the crate; `None` if that is not clear.
    fn is_of_tests(&self) -> Option<bool> {
        let is_test = |token: &&Token<'_>| **token == Token::Word("test");
        let only = [b'#', b'['].map(Token::Other).into_iter().chain([Token::Word("cfg"), Token::Other(b'(')]);
        match self.0.iter().filter(is_test).count() {
            0 if self.0.len() < Self::MAX => Some(false),
            1 if self.0.get(4).as_ref().is_some_and(is_test) && self.0.iter().take(4).eq(&only.collect::<Vec<_>>()) => {
                (self.0.get(5) == Some(&Token::Other(b')'))).then_some(true)
            }
            _ => None,
        }
    }
}

/// A token, as far as it matters.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// A name or a key word; of a raw one what follows `r#`.
    Word(&'a str),
    /// The text of a literal.
    Text(Cow<'a, str>),
    /// Anything else, by its first byte.
    Other(u8),
}

/// The tokens of a source (The Rust Reference, chapter 2).
struct Tokens<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The next token; `Some(None)` at the end, and `None` where it is not clear what is one.
    #[expect(clippy::option_option, reason = "the end is not the same as not to know")]
    fn next(&mut self) -> Option<Option<Token<'a>>> {
        let bytes = self.source.as_bytes();
        loop {
            let Some(&byte) = bytes.get(self.at) else { return Some(None) };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c' => self.at += 1,
                b'/' if bytes.get(self.at + 1) == Some(&b'/') => {
                    let rest = &bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'/' if bytes.get(self.at + 1) == Some(&b'*') => self.comment()?,
                b'"' => return Some(Some(self.text()?)),
                b'\'' => return Some(Some(self.character()?)),
                b'0'..=b'9' => {
                    self.at = self.end_of_word(self.at);
                    return Some(Some(Token::Other(byte)));
                }
                _ if is_word(byte) => return Some(Some(self.word()?)),
                _ => {
                    self.at += 1;
                    return Some(Some(Token::Other(byte)));
                }
            }
        }
    }

    /// Comments of this sort lie in each other.
    fn comment(&mut self) -> Option<()> {
        let bytes = self.source.as_bytes();
        let mut depth = 0_u32;
        loop {
            let next = memchr::memchr2(b'/', b'*', bytes.get(self.at..)?)?;
            self.at += next;
            match bytes.get(self.at..self.at + 2)? {
                b"/*" => {
                    depth += 1;
                    self.at += 2;
                }
                b"*/" => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Some(());
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn end_of_word(&self, from: usize) -> usize {
        let rest = &self.source.as_bytes()[from..];
        from + rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len())
    }

    /// A word, or a literal that begins with one.
    fn word(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let end = self.end_of_word(start);
        let (word, rest) = (&self.source[start..end], &self.source.as_bytes()[end..]);
        self.at = end;
        // Some of what is not of ASCII is blank, and parts words.
        if !word.is_ascii() && !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        match (word, rest.first()) {
            ("r", Some(b'#')) if rest.get(1).is_some_and(|byte| is_word(*byte)) => {
                self.at = self.end_of_word(end + 1);
                Some(Token::Word(&self.source[end + 1..self.at]))
            }
            ("r", Some(b'#' | b'"')) => self.raw(),
            // Bytes are no text.
            ("br", Some(b'#' | b'"')) => self.raw().map(|_| Token::Other(b'"')),
            ("b", Some(b'"')) => self.end_of_text().map(|_| Token::Other(b'"')),
            ("b", Some(b'\'')) => self.character(),
            // In an older edition this is a word and a text.
            ("c" | "cr", Some(b'#' | b'"')) => None,
            _ => Some(Token::Word(word)),
        }
    }

    fn text(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let escapes = self.end_of_text()?;
        let literal = &self.source[start..self.at];
        if !escapes {
            return Some(Token::Text(literal[1..literal.len() - 1].into()));
        }
        Some(Token::Text(syn::parse_str::<syn::LitStr>(literal).ok()?.value().into()))
    }

    /// Goes to the end of a text, and says whether there are escapes in it.
    fn end_of_text(&mut self) -> Option<bool> {
        let bytes = self.source.as_bytes();
        let mut escapes = false;
        self.at += 1;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Some(escapes);
            }
            escapes = true;
            self.at += 2;
        }
    }

    /// A raw text, whose `#` come first.
    fn raw(&mut self) -> Option<Token<'a>> {
        let bytes = self.source.as_bytes();
        let marks = bytes[self.at..].iter().take_while(|byte| **byte == b'#').count();
        let from = self.at + marks + 1;
        if bytes.get(from - 1) != Some(&b'"') {
            return None;
        }
        let end = format!("\"{}", "#".repeat(marks));
        let length = self.source.get(from..)?.find(&end)?;
        self.at = from + length + end.len();
        Some(Token::Text(self.source[from..from + length].into()))
    }

    /// A character, or the name of a lifetime, whose `'` is left away.
    fn character(&mut self) -> Option<Token<'a>> {
        let rest = &self.source[self.at + 1..];
        let mut characters = rest.char_indices();
        let (_, first) = characters.next()?;
        if first == '\\' {
            // The one that is escaped may be a `'`.
            let after = characters.nth(1)?.0;
            self.at += 1 + after + rest[after..].find('\'')? + 1;
        } else if let Some((at, '\'')) = characters.next() {
            self.at += 1 + at + 1;
        } else {
            self.at += 1;
        }
        Some(Token::Other(b'\''))
    }
}

/// What may stand in a name.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proc_macro2::{TokenStream, TokenTree};
    use proptest::prelude::*;

    use super::*;

    fn words(source: &str) -> Option<Vec<String>> {
        let mut tokens = Tokens { source, at: 0 };
        let mut found = Vec::new();
        while let Some(token) = tokens.next()? {
            match token {
                Token::Word(word) => found.push(word.to_owned()),
                Token::Text(text) => found.push(format!("{text:?}")),
                Token::Other(_) => {}
            }
        }
        Some(found)
    }

    /// The words and texts of the parser's own tokens, in order, without those of comments.
    fn parsed(tokens: TokenStream, found: &mut Vec<String>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_comment = |at: usize| {
            let before = tokens.get(at.wrapping_sub(2)..at).unwrap_or_default();
            matches!(before, [TokenTree::Ident(word), TokenTree::Punct(_)] if word == "doc")
        };
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => parsed(group.stream(), found),
                TokenTree::Ident(word) if word != "doc" => found.push(word.to_string().trim_start_matches("r#").into()),
                TokenTree::Literal(literal) if !is_comment(at) => {
                    if let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                        found.push(format!("{:?}", text.value()));
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn words_and_texts_are_those_of_the_parser() {
        let own = [
            include_str!("sieve.rs"),
            include_str!("items.rs"),
            include_str!("expressions.rs"),
            include_str!("tests.rs"),
            include_str!("../shell/words.rs"),
            include_str!("../javascript/tests.rs"),
        ];
        let odd = r##"
            /* a /* std::fs */ " */ let r#type = 'a'; let x: &'static str = "a\"b\\"; '\''; '"'; b'\''; b'"'; '\u{1F600}';
            r"\"; r#"a"b"#; 1u8..2; 0x1F_u32; 1e5f64; b"x\""; "line \
                 goes on"; 'outer: loop { break 'outer; } '€'; x::<'a>; // std::process "
            let größe = "ß";
        "##;
        for source in own.into_iter().chain([odd]) {
            let mut expected = Vec::new();
            parsed(source.parse().unwrap(), &mut expected);
            let found: Vec<String> = words(source).unwrap().into_iter().filter(|word| word != "doc").collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_not_clear_is_left_to_the_parser() {
        for source in ["\"", "/* /* */", "'\\", "r#\"a\"", "c\"a\"", "cr#\"a\"#", "m!(cr\"\\\")", "\"\\xZZ\""] {
            assert_eq!(words(source), None, "{source}");
        }
    }

    fn modules(source: &str) -> Option<Vec<&str>> {
        sift(source).map(|sifted| sifted.modules)
    }

    #[test]
    fn only_what_leads_somewhere_is_parsed() {
        let plain = "//! std::process::Command::new(\"sh\")\nmod a;\npub mod r#b;\nmod c { mod d; }\nfn e() -> &'static str { \"x\" }";
        assert_eq!(modules(plain).unwrap(), ["a", "b", "d"]);
        let foreign = "mod a;\nunsafe extern \"C\" { #[x(y)] pub fn b(c: u8); type D; }\nextern { fn e(); }";
        assert_eq!(sift(foreign).unwrap(), Sifted { modules: vec!["a"], foreign: vec![("b", 42), ("e", 74)] });
        assert_eq!((&foreign[42..45], &foreign[74..77]), ("b(c", "e()"));
        for source in [
            "use std::process::Command as C; fn f() { C::new(\"sh\"); }",
            "fn f() { core::arch::asm!(\"nop\"); }",
            "fn f() { extern \"C\" { fn system(); } }",
            "m! { extern \"C\" { fn system(); } }",
            "mod t { unsafe extern { fn system(); } }",
            "macro_rules! m { ($abi:literal) => { extern $abi { fn f(); } } }",
            "fn main() {}",
            "#[proc_macro] pub fn f(x: T) -> T { crate::g(x) }",
            "const X: &str = \"https://a.invalid\";",
            "const X: &str = \"h\\x74tps://a.invalid\";",
            "const X: &str = \"~/.ssh/id_rsa\";",
            "fn f(x: u8, mut private_key: &str) -> &str { private_key }",
            "fn f() { g(|secret_key| secret_key) }",
            "fn f(#[x] secret_key: X) {}",
            "mod\u{2028}a;",
            "use std::process\u{200e}::Command;",
            "#[path = \"x.rs\"] mod a;",
            "fn f(x: X) { x.decrypt(); }",
        ] {
            assert_eq!(modules(source), None, "{source}");
        }
        assert_eq!(modules("mod\u{b}a; mod\u{c}b ; /* mod c; */ mod größe;").unwrap(), ["a", "b", "größe"]);
        assert_eq!(modules("#[cfg(test)]\nmod tests; #[cfg(unix)] pub(crate) mod unix;").unwrap(), ["unix"]);
        for unclear in
            ["#[cfg(any(test, unix))] mod a;", "#[cfg(unix)] #[cfg(test)] mod a;", "#[cfg(test = \"x\")] mod a;"]
        {
            assert_eq!(modules(unclear), None, "{unclear}");
        }
        assert_eq!(modules("const PRIVATE_KEY: u32 = 1; fn f() -> u32 { PRIVATE_KEY }").unwrap(), [""; 0]);
        assert!(modules("#![doc = \"https://a.invalid\"] #[doc = \"https://a.invalid\"] fn f() {}").is_some());
        assert_eq!(modules("fn f() { a[doc = \"https://a.invalid\"]; }"), None);
        assert!(modules("pub type F = unsafe extern \"system\" fn(u32); extern crate core;").is_some());
    }

    proptest! {
        #[test]
        fn no_text_panics(parts in prop::collection::vec(
            prop_oneof![
                Just("\""), Just("'"), Just("\\"), Just("r#"), Just("b"), Just("c"), Just("#"), Just("/*"), Just("*/"), Just("//"),
                Just("\n"), Just("extern"), Just("fn"), Just("mod"), Just("{"), Just("}"), Just(";"), Just("€"), Just("a1"), Just(" "),
            ],
            0..40,
        )) {
            let source = parts.concat();
            for (name, at) in sift(&source).unwrap_or_default().foreign {
                prop_assert_eq!(&source[at..at + name.len()], name);
            }
        }
    }
}
