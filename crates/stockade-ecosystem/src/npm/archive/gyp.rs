//! `binding.gyp`: a build description that is a Python expression, and that runs commands while it is read.
//!
//! `<!(command)` in any of its texts is replaced with what the command prints, before anything is built; an `action` is
//! a command of the build; a condition is evaluated as Python. Escapes in the texts hide all of it from a search, so
//! texts are decoded as Python decodes them before they are looked at.

use stockade_model::{Code, Trigger};

use crate::archive::{Files, Lines, Manifest, extension};

const NAME: &str = "binding.gyp";
/// The most texts of one file that are looked at.
const MAX_TEXTS: usize = 50_000;
/// The most texts and marks of an `action` that are taken for its command.
const MAX_WORDS: usize = 1000;
/// What a Python module of the package is called with, instead of a command.
const MODULE: &str = "pymod_do_main";

/// Commands of all build descriptions in this folder and below: one can include the other, whatever it is called.
pub(super) fn read(files: &Files<'_>, folder: &str, manifest: &mut Manifest) {
    let binding = format!("{folder}{NAME}");
    let is_other =
        |path: &&str| path.starts_with(folder) && *path != binding && matches!(extension(path), "gyp" | "gypi");
    let included = files.paths().filter(is_other).collect::<Vec<_>>();
    for path in std::iter::once(binding.as_str()).chain(included) {
        if let Some(text) = files.text(path, manifest) {
            scan(files, folder, path, &text, manifest);
        }
    }
}

fn scan(files: &Files<'_>, folder: &str, path: &str, text: &str, manifest: &mut Manifest) {
    let (tokens, lines) = (tokens(text), Lines::of(text));
    if tokens.len() >= MAX_TEXTS {
        manifest.gaps.limit(format!("`{path}` has more than {MAX_TEXTS} texts; the rest was not looked at"));
    }
    for (index, token) in tokens.iter().enumerate() {
        let Token::Text(content, at) = token else { continue };
        let line = lines.line(*at);
        for command in commands(content) {
            let code = match command.strip_prefix(MODULE).map(|call| call.trim_start_matches([' ', '('])) {
                Some(call) => module(files, folder, call),
                None => Some(Code::Shell(command)),
            };
            if let Some(code) = code {
                manifest.start(Trigger::Install, NAME, code, path, line);
            }
        }
        if let Some(command) = Some(index).filter(|_| content == "action").and_then(|key| list_after(&tokens, key)) {
            manifest.start(Trigger::Install, NAME, Code::Shell(command), path, line);
        }
        if is_condition(&tokens, index) && is_computed(content) {
            manifest.start(Trigger::Install, NAME, Code::Python(content.clone()), path, line);
        }
    }
}

/// The file of a Python module that is called.
fn module(files: &Files<'_>, folder: &str, call: &str) -> Option<Code> {
    let name = call.split([' ', ')', ',']).next()?;
    let path = format!("{folder}{}.py", name.trim_end_matches(".py").replace('.', "/"));
    files.has(&path).then_some(Code::File(path))
}

/// The commands that a text is replaced with the output of: `<!(…)`, `<!@(…)`, and with `>` and `^` at later times.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('!') {
        rest = after;
        if !before.ends_with(['<', '>', '^']) {
            continue;
        }
        let call = after.strip_prefix('@').unwrap_or(after);
        let named = call.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let (name, call) = call.split_at_checked(named.unwrap_or(call.len())).unwrap_or_default();
        let Some(call) = call.strip_prefix('(') else { continue };
        let content = until_closed(call);
        // What is inside of a command is part of it, and is not looked at again.
        rest = call.get(content.len()..).unwrap_or_default();
        let content = content.trim();
        let list = content.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        let content = list.map_or_else(|| content.to_owned(), |list| texts(list).join(" "));
        found.push(if name.is_empty() { content } else { format!("{name} {content}") });
    }
    found
}

/// What stands before the parenthesis that closes.
fn until_closed(text: &str) -> &str {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// The texts of a list.
fn texts(list: &str) -> Vec<String> {
    let text = |token| if let Token::Text(text, _) = token { Some(text) } else { None };
    tokens(list).into_iter().filter_map(text).collect()
}

/// The texts of the list that follows `key :`, as a line for a shell.
fn list_after(tokens: &[Token], key: usize) -> Option<String> {
    let mut rest = tokens.get(key.checked_add(1)?..)?.iter();
    if !matches!((rest.next()?, rest.next()?), (Token::Mark(':'), Token::Mark('['))) {
        return None;
    }
    let words = rest.take(MAX_WORDS).take_while(|token| !matches!(token, Token::Mark(']')));
    let words = words.filter_map(|token| if let Token::Text(text, _) = token { Some(quoted(text)) } else { None });
    let command = words.collect::<Vec<_>>().join(" ");
    (!command.is_empty()).then_some(command)
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:+@%,<>()".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// A text in a list before a dictionary: `['OS=="linux"', { … }]`.
fn is_condition(tokens: &[Token], index: usize) -> bool {
    let is = |offset: usize, mark: char| matches!(tokens.get(index.saturating_add(offset)), Some(Token::Mark(m)) if *m == mark);
    is(1, ',') && is(2, '{')
}

/// Conditions compare variables; one that calls, looks up or uses Python's own names does more.
fn is_computed(condition: &str) -> bool {
    condition.contains(['(', '[', '.']) || condition.contains("__")
}

#[derive(Debug)]
enum Token {
    /// A text, decoded, and where it begins.
    Text(String, usize),
    Mark(char),
}

/// The texts and marks of a Python expression. Texts that follow each other are one.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if tokens.len() >= MAX_TEXTS {
            break;
        }
        let at = source.len().saturating_sub(rest.len());
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '#' => after.find('\n').and_then(|end| after.get(end..)).unwrap_or_default(),
            '"' | '\'' => {
                let is_raw = source.get(..at).is_some_and(|before| before.ends_with(['r', 'R']));
                let (text, after) = literal(rest, c, is_raw);
                match tokens.last_mut() {
                    Some(Token::Text(before, _)) => before.push_str(&text),
                    _ => tokens.push(Token::Text(text, at)),
                }
                after
            }
            c if c.is_whitespace() || c.is_alphanumeric() || c == '\\' => after,
            c => {
                tokens.push(Token::Mark(c));
                after
            }
        };
    }
    tokens
}

/// Decodes a literal that begins with its quote. Returns what follows it.
fn literal(text: &str, quote: char, is_raw: bool) -> (String, &str) {
    let triple = quote.to_string().repeat(3);
    let end = if text.starts_with(&triple) { triple } else { quote.to_string() };
    let mut rest = text.get(end.len()..).unwrap_or_default();
    let mut out = String::new();
    loop {
        if let Some(after) = rest.strip_prefix(end.as_str()) {
            return (out, after);
        }
        let Some(c) = rest.chars().next() else { return (out, "") };
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '\\' {
            rest = escape(rest, is_raw, &mut out);
        } else if c == '\n' && end.len() == 1 {
            return (out, rest);
        } else {
            out.push(c);
        }
    }
}

/// Decodes what follows a backslash. Returns what follows that.
fn escape<'a>(text: &'a str, is_raw: bool, out: &mut String) -> &'a str {
    let Some(c) = text.chars().next() else { return "" };
    let after = text.get(c.len_utf8()..).unwrap_or_default();
    if is_raw {
        out.push('\\');
        out.push(c);
        return after;
    }
    let simple = match c {
        '\n' => return after,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        'x' => return number(after, 16, 2, out),
        'u' => return number(after, 16, 4, out),
        'U' => return number(after, 16, 8, out),
        '0'..='7' => return number(text, 8, 3, out),
        '\\' | '\'' | '"' => c,
        c => {
            out.push('\\');
            c
        }
    };
    out.push(simple);
    after
}

fn number<'a>(text: &'a str, radix: u32, most: usize, out: &mut String) -> &'a str {
    let length = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let (digits, after) = text.split_at_checked(length).unwrap_or((text, ""));
    let decoded = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    out.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_behind_every_escape() {
        let source = r#"{ # '<!(no)'
            'a': ["<!@(node -p \"require('x').include\")", '\x3c!(echo a)', "\u003c\041(" "echo b)", r'\x3c!(no)'],
            'b': '>!(["echo", "c d"])', 'c': '^!(echo (d))', 'd': '<(no)'
        }"#;
        let found: Vec<String> = texts(source).iter().flat_map(|text| commands(text)).collect();
        assert_eq!(found, [r#"node -p "require('x').include""#, "echo a", "echo b", "echo c d", "echo (d)"]);
    }

    #[test]
    fn nothing_that_is_broken_hangs_or_panics() {
        for source in ["'", "'\\", "'\\x", "'\\u12", "\"\"\"", "'<!(", "#", "<!@", "'\\\u{e9}'", "['action':["] {
            let tokens = tokens(source);
            assert!(tokens.len() < 20);
        }
    }
}
