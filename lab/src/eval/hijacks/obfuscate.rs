//! JavaScript as the usual obfuscators write it: strings in a table that is turned before it is used, members by computed
//! names, names that say nothing.
//!
//! It reads just enough of the language for the replays' own code: no regular expressions and no comments; a name that is
//! declared is used for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::random::Random;

/// The most that the table is turned by.
const MOST_TURNS: usize = 400;
/// What indices into the table begin with.
const MOST_OFFSET: usize = 500;

/// A token, and whether white space came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Template(&'a str),
    Mark(char),
    Space,
}

pub(crate) fn obfuscate(code: &str, seed: &str) -> String {
    let mut random = Random::new(seed);
    let tokens = tokens(code);
    let names = names(&tokens, &mut random);
    let (table, read, index) = (name(&mut random), name(&mut random), name(&mut random));
    let offset = random.below(MOST_OFFSET) + 1;
    let mut strings = Strings { known: Vec::new(), read: read.clone(), offset };
    let body = body(&tokens, &names, &mut strings);
    let mut encoded: Vec<String> = strings.known.iter().map(|text| format!("'{}'", STANDARD.encode(text))).collect();
    let turns = random.below(MOST_TURNS) + 1;
    let by = turns % encoded.len().max(1);
    encoded.rotate_right(by);
    format!(
        "const {table}=[{}];(function({index},_0xt){{while(_0xt--){{{index}['push']({index}['shift']());}}}}({table},{turns:#x}));\
         const {read}=function({index}){{return atob({table}[{index}-{offset:#x}]);}};{body}",
        encoded.join(",")
    )
}

/// The strings of the code, and how they are read from the table.
struct Strings {
    known: Vec<String>,
    read: String,
    offset: usize,
}

impl Strings {
    fn call(&mut self, text: &str) -> String {
        let at = self.known.iter().position(|known| known == text).unwrap_or_else(|| {
            self.known.push(text.to_owned());
            self.known.len() - 1
        });
        format!("{}({:#x})", self.read, at + self.offset)
    }
}

/// The code with everything replaced.
fn body(tokens: &[Token<'_>], names: &BTreeMap<&str, String>, strings: &mut Strings) -> String {
    let mut code = String::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let next = tokens.get(index + 1);
        match token {
            Token::Mark('.') if is_member(tokens, index) => {
                if let Some(Token::Word(member)) = next {
                    let _ = write!(code, "[{}]", strings.call(member));
                    index += 1;
                }
            }
            Token::Word(word) => code.push_str(names.get(word).map_or(word, String::as_str)),
            Token::Text(text) if is_key(tokens, index) => {
                let _ = write!(code, "[{}]", strings.call(text));
            }
            Token::Text(text) => code.push_str(&strings.call(text)),
            Token::Template(text) => code.push_str(text),
            Token::Mark(mark) => code.push(*mark),
            Token::Space if between_words(tokens, index) => code.push(' '),
            Token::Space => {}
        }
        index += 1;
    }
    code
}

/// Whether a string is the key of an object's member.
fn is_key(tokens: &[Token<'_>], index: usize) -> bool {
    let (before, after) = tokens.split_at_checked(index).unwrap_or_default();
    let solid = |token: &&Token<'_>| **token != Token::Space;
    let opens = matches!(before.iter().rev().find(solid), Some(Token::Mark('{' | ',')));
    opens && matches!(after.iter().skip(1).find(solid), Some(Token::Mark(':')))
}

/// Whether a dot is followed by the name of a member. After a number it is none.
fn is_member(tokens: &[Token<'_>], index: usize) -> bool {
    let number = index
        .checked_sub(1)
        .and_then(|before| tokens.get(before))
        .is_some_and(|token| matches!(token, Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit())));
    let spread = matches!(index.checked_sub(1).and_then(|before| tokens.get(before)), Some(Token::Mark('.' | '?')));
    !number && !spread && matches!(tokens.get(index + 1), Some(Token::Word(_)))
}

fn between_words(tokens: &[Token<'_>], index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| tokens.get(before));
    let is_word =
        |token: Option<&Token<'_>>| matches!(token, Some(Token::Word(_) | Token::Text(_) | Token::Template(_)));
    is_word(before) && is_word(tokens.get(index + 1))
}

/// A name for everything that is declared.
fn names<'a>(tokens: &[Token<'a>], random: &mut Random) -> BTreeMap<&'a str, String> {
    let words: Vec<&Token<'a>> = tokens.iter().filter(|token| **token != Token::Space).collect();
    let declared: BTreeSet<&str> = words
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Word("const" | "let" | "var" | "function"), Token::Word(name)] => Some(*name),
            _ => None,
        })
        .collect();
    declared.into_iter().map(|declared| (declared, name(random))).collect()
}

fn name(random: &mut Random) -> String {
    format!("_0x{}", random.hex(6))
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = match first {
            '\'' | '"' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(match first {
            '\'' | '"' => Token::Text(token.get(1..length - 1).unwrap_or_default()),
            '`' => Token::Template(token),
            c if c.is_whitespace() => Token::Space,
            c if is_word(c) => Token::Word(token),
            c => Token::Mark(c),
        });
        rest = after;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_members_and_names_are_gone() {
        let code = "const path = require('node:path');\nconsole.log(path.join('a', 'b'), 1.5, [...x]);";
        let text = obfuscate(code, "seed");
        assert_eq!(text, obfuscate(code, "seed"));
        for word in ["node:path", "log", "join", "path "] {
            assert!(!text.contains(word), "{text}");
        }
        let object = obfuscate("f({ 'a-b': 1 });", "seed");
        assert!(object.contains("({[_0x"), "{object}");
        assert!(text.contains("require(_0x") && text.contains("1.5,[...x]"), "{text}");
    }
}
