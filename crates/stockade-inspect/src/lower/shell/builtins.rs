//! What commands that only transform text print, so that `echo … | base64 -d | sh` is read to its end.

use std::rc::Rc;

use crate::decode;
use crate::value::{Apply, Arguments, Known, Value};

/// The most characters that one command prints here: 4 MiB.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// What a command prints; `None` if that is not known. The last newline is left out, as `$(…)` does.
pub(crate) fn function(path: &str, arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    let output = match path {
        "echo" => echo(arguments)?,
        "printf" => printf(arguments)?,
        "cat" | "tee" | "sponge" if arguments.positional.iter().all(is_option) => {
            return arguments.named("stdin").cloned();
        }
        "frombase64utf16" => {
            let bytes = decode::base64(&arguments.at(0)?.as_bytes()?)?;
            let unit = |pair: &[u8]| pair.try_into().map(u16::from_le_bytes).unwrap_or_default();
            let units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
            String::from_utf16_lossy(&units)
        }
        "base64.decode" => return transformed(arguments, |bytes| decode::base64(bytes.trim_ascii())),
        "openssl.decode" if has(arguments, "-base64") || has(arguments, "base64") => {
            return transformed(arguments, |bytes| decode::base64(bytes.trim_ascii()));
        }
        "xxd.decode" => return transformed(arguments, |bytes| decode::hex(&without_blanks(bytes))),
        "gunzip" | "zcat" | "gzip.decode" => {
            return transformed(arguments, |bytes| decode::inflate(bytes, decode::Format::Gzip));
        }
        "rev" => {
            input(arguments)?.lines().map(|line| line.chars().rev().collect::<String>()).collect::<Vec<_>>().join("\n")
        }
        "tr" => translate(arguments)?,
        _ => return None,
    };
    (output.len() <= MAX_OUTPUT).then(|| Value::text(&output))
}

fn is_option(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.starts_with('-'))
}

fn has(arguments: &Arguments, option: &str) -> bool {
    arguments.positional.iter().any(|value| value.as_text().is_some_and(|text| &**text == option))
}

fn input(arguments: &Arguments) -> Option<Rc<str>> {
    arguments.named("stdin")?.as_text().cloned()
}

/// The input through a decoder: text if it is, else bytes.
fn transformed(arguments: &Arguments, decoder: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Value> {
    let bytes = decoder(&arguments.named("stdin")?.as_bytes()?)?;
    let value = match String::from_utf8(bytes) {
        Ok(text) => Value::text(&text),
        Err(error) => Known::Bytes(error.into_bytes().into()).into(),
    };
    Some(value)
}

fn without_blanks(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

fn echo(arguments: &Arguments) -> Option<String> {
    let mut escapes = false;
    let mut words: Vec<Rc<str>> = Vec::new();
    for value in &arguments.positional {
        let text = value.as_text()?;
        if words.is_empty() && matches!(&**text, "-n" | "-e" | "-ne" | "-en" | "-E") {
            escapes |= text.contains('e');
        } else {
            words.push(Rc::clone(text));
        }
    }
    let text = words.join(" ");
    Some(if escapes { unescape(&text) } else { text })
}

/// `printf` with `%s`, `%b`, `%d`, `%c` and `%%`.
fn printf(arguments: &Arguments) -> Option<String> {
    let mut values = arguments.positional.iter();
    let format = values.next()?.as_text()?;
    let mut output = String::new();
    let format = unescape(format);
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            output.push(character);
            continue;
        }
        match rest.next()? {
            '%' => output.push('%'),
            's' | 'd' | 'i' => output.push_str(values.next().map_or(Some(""), |value| value.as_text().map(|t| &**t))?),
            'b' => output
                .push_str(&values.next().map_or(Some(String::new()), |value| value.as_text().map(|t| unescape(t)))?),
            'c' => output.extend(values.next()?.as_text()?.chars().next()),
            _ => return None,
        }
    }
    Some(output)
}

/// `tr a-z n-za-m`, `tr -d x`.
fn translate(arguments: &Arguments) -> Option<String> {
    let text = input(arguments)?;
    let words: Vec<&str> =
        arguments.positional.iter().map(|value| value.as_text().map(|t| &**t)).collect::<Option<_>>()?;
    match words[..] {
        ["-d", removed] => {
            let removed = expand(removed);
            Some(text.chars().filter(|character| !removed.contains(character)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (expand(from), expand(to));
            let one = |character: char| match from.iter().position(|known| *known == character) {
                Some(at) => to.get(at).or(to.last()).copied().unwrap_or(character),
                None => character,
            };
            Some(text.chars().map(one).collect())
        }
        _ => None,
    }
}

/// The characters of a set of `tr`.
fn expand(set: &str) -> Vec<char> {
    /// The most characters of a set.
    const MAX_SET: usize = 4096;
    let set: Vec<char> = unescape(set).chars().collect();
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(&first) = set.get(at) {
        if let (Some('-'), Some(&last)) = (set.get(at + 1), set.get(at + 2)) {
            all.extend((first..=last).take(MAX_SET));
            at += 3;
        } else {
            all.push(first);
            at += 1;
        }
        if all.len() >= MAX_SET {
            break;
        }
    }
    all
}

/// Escapes of `echo -e`, `printf` and `$'…'`.
pub(super) fn unescape(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        output.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let (character, used) = escape(rest);
        match character {
            Some(character) => output.push(character),
            None => output.push('\\'),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    output.push_str(rest);
    output
}

/// The character of the escape after a backslash, and its length.
fn escape(rest: &str) -> (Option<char>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 0) };
    let simple = match first {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'e' | 'E' => Some('\u{1b}'),
        'f' => Some('\u{c}'),
        'v' => Some('\u{b}'),
        '\\' | '\'' | '"' => Some(first),
        _ => None,
    };
    if simple.is_some() {
        return (simple, 1);
    }
    let (skip, radix, most) = match first {
        'x' => (1, 16, 2),
        'u' => (1, 16, 4),
        'U' => (1, 16, 8),
        '0'..='7' => (0, 8, if first == '0' { 4 } else { 3 }),
        _ => return (None, 0),
    };
    let digits = rest.chars().skip(skip).take(most).take_while(|digit| digit.is_digit(radix)).count();
    let number = rest.get(skip..skip + digits).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    match number.and_then(char::from_u32) {
        Some(character) => (Some(character), skip + digits),
        None => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(path: &str, words: &[&str], stdin: Option<&str>) -> Option<String> {
        let positional = words.iter().map(|word| Value::text(word)).collect();
        let named = stdin.map(|text| ("stdin".into(), Value::text(text))).into_iter().collect();
        let value = function(path, &Arguments { positional, named }, &mut |_, _| Value::default())?;
        value.as_text().map(ToString::to_string)
    }

    #[test]
    fn text_goes_through_pipelines() {
        assert_eq!(printed("echo", &["-e", "a\\x62", "c"], None).as_deref(), Some("ab c"));
        assert_eq!(printed("printf", &["%s-\\151%%", "x"], None).as_deref(), Some("x-i%"));
        assert_eq!(printed("base64.decode", &["-d"], Some("aWQK\n")).as_deref(), Some("id\n"));
        assert_eq!(printed("xxd.decode", &["-r", "-p"], Some("69 64")).as_deref(), Some("id"));
        assert_eq!(printed("rev", &[], Some("di")).as_deref(), Some("id"));
        assert_eq!(printed("tr", &["a-y", "b-z"], Some("hc")).as_deref(), Some("id"));
        assert_eq!(printed("frombase64utf16", &["aQBkAA=="], None).as_deref(), Some("id"));
        assert_eq!(printed("curl", &["x"], None), None);
    }
}
