//! Methods of `str`.

use std::rc::Rc;

use super::{MAX_RESULT, bytes_of, character, codecs, counted, format, integer, items, made, made_list, truth};
use crate::value::{Arguments, HOLE, Known, Value};

/// The longest set of characters that is stripped, in bytes.
const MAX_SET: usize = 1024;

/// What a method of a known text gives.
pub(super) fn method(text: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "join" => join(text, arguments.at(0)?),
        "replace" => replace(text, arguments),
        "split" | "rsplit" => split(text, name == "rsplit", arguments),
        "splitlines" => made_list(lines(text, arguments)),
        "partition" | "rpartition" => partition(text, name == "rpartition", arguments),
        "strip" | "lstrip" | "rstrip" => made(strip(text, name, arguments)?),
        "removeprefix" => made(text.strip_prefix(argument(arguments)?).unwrap_or(text)),
        "removesuffix" => made(text.strip_suffix(argument(arguments)?).unwrap_or(text)),
        "encode" => codecs::encode(text, &encoding(arguments, "utf-8")?),
        "decode" => codecs::decode_text(text, &encoding(arguments, "utf-8")?),
        "format" => made(&format::braces(text, arguments)?),
        "format_map" => {
            let named = Arguments {
                positional: Vec::new(),
                named: super::containers::entries(arguments.at(0)?)?.into_iter().collect(),
            };
            made(&format::braces(text, &named)?)
        }
        "find" | "index" | "rfind" | "rindex" | "count" => search(text, name, arguments),
        "startswith" => affix(text, arguments, |text, part| text.starts_with(part)),
        "endswith" => affix(text, arguments, |text, part| text.ends_with(part)),
        "translate" => translate(text, arguments.at(0)?),
        "maketrans" => make_table(arguments),
        "zfill" | "ljust" | "rjust" | "center" => pad(text, name, arguments),
        "read" | "getvalue" if arguments.positional.is_empty() => made(text),
        "read" => None,
        "joinpath" => {
            let parts = std::iter::once(Value::text(text)).chain(arguments.positional.iter().cloned()).collect();
            super::paths::join(&Arguments { positional: parts, named: Vec::new() })
        }
        "expanduser" | "resolve" | "absolute" | "as_posix" | "__str__" | "__fspath__" => made(text),
        "__len__" => Some(counted(text.chars().count())),
        "__add__" => made(&[&**text, argument(arguments)?].concat()),
        "__contains__" => Some(truth(text.contains(argument(arguments)?))),
        _ => letters(text, name),
    }
}

/// What a method of a text with holes gives: the holes stay.
pub(super) fn partial_method(text: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "encode" | "decode" | "expanduser" | "resolve" | "absolute" | "as_posix" => made(text),
        "joinpath" => {
            let parts =
                std::iter::once(Known::Partial(Rc::clone(text)).into()).chain(arguments.positional.iter().cloned());
            super::paths::join(&Arguments { positional: parts.collect(), named: Vec::new() })
        }
        "strip" | "lstrip" | "rstrip" => made(strip(text, name, arguments)?),
        "replace" => replace(text, arguments),
        "format" => made(&format::braces(text, arguments)?),
        "join" => join(text, arguments.at(0)?),
        "lower" | "upper" => letters(text, name),
        _ => None,
    }
}

/// The methods without arguments.
fn letters(text: &str, name: &str) -> Option<Value> {
    let all = |test: fn(char) -> bool| Some(truth(!text.is_empty() && text.chars().all(test)));
    match name {
        "lower" | "casefold" => made(&text.to_lowercase()),
        "upper" => made(&text.to_uppercase()),
        "swapcase" => made(&text.chars().map(swapped).collect::<String>()),
        "title" => made(&title(text)),
        "capitalize" => {
            let mut chars = text.chars();
            let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            made(&(first + &chars.as_str().to_lowercase()))
        }
        "isdigit" | "isdecimal" => all(|c| c.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => Some(truth(text.is_ascii())),
        "isupper" => Some(truth(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))),
        "islower" => Some(truth(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))),
        "isidentifier" => {
            let mut chars = text.chars();
            let first = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
            Some(truth(first && chars.all(|c| c.is_alphanumeric() || c == '_')))
        }
        _ => None,
    }
}

fn swapped(c: char) -> char {
    let other = |mut letters: Box<dyn Iterator<Item = char>>| letters.next().unwrap_or(c);
    if c.is_uppercase() { other(Box::new(c.to_lowercase())) } else { other(Box::new(c.to_uppercase())) }
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

fn argument(arguments: &Arguments) -> Option<&str> {
    Some(arguments.at(0)?.as_text()?)
}

/// The encoding that is named first or by its keyword.
pub(super) fn encoding(arguments: &Arguments, default: &str) -> Option<Rc<str>> {
    encoding_at(arguments, 0, default)
}

pub(super) fn encoding_at(arguments: &Arguments, position: usize, default: &str) -> Option<Rc<str>> {
    match arguments.at(position).or_else(|| arguments.named("encoding")) {
        Some(name) => name.as_text().cloned(),
        None => Some(default.into()),
    }
}

/// The text between the items, with holes for those that are not known.
pub(super) fn join(between: &str, parts: &Value) -> Option<Value> {
    let parts = items(parts)?;
    let mut out = String::new();
    let mut known = false;
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            out.push_str(between);
        }
        match &part.known {
            Known::Text(part) | Known::Partial(part) => {
                out.push_str(part);
                known = true;
            }
            Known::Bytes(_) => return None,
            _ => out.push(HOLE),
        }
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    if known || parts.is_empty() { made(&out) } else { None }
}

fn replace(text: &str, arguments: &Arguments) -> Option<Value> {
    let (old, new) = (arguments.at(0)?.as_text()?, arguments.at(1)?.as_text()?);
    let limit = match arguments.at(2).or_else(|| arguments.named("count")) {
        Some(limit) => usize::try_from(integer(limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let found = if old.is_empty() { text.len() + 1 } else { text.matches(&**old).take(limit).count() };
    if found.saturating_mul(new.len()).saturating_add(text.len()) > MAX_RESULT {
        return None;
    }
    made(&text.replacen(&**old, new, limit))
}

fn split(text: &str, from_right: bool, arguments: &Arguments) -> Option<Value> {
    let separator = arguments.at(0).or_else(|| arguments.named("sep"));
    let limit = match arguments.at(1).or_else(|| arguments.named("maxsplit")) {
        Some(limit) => usize::try_from(integer(limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let parts: Vec<&str> = match separator.map(|separator| &separator.known) {
        None | Some(Known::Nothing) => words(text, from_right, limit),
        Some(Known::Text(separator)) if !separator.is_empty() => {
            let count = limit.saturating_add(1);
            if from_right {
                let mut parts: Vec<&str> = text.rsplitn(count, &**separator).collect();
                parts.reverse();
                parts
            } else {
                text.splitn(count, &**separator).collect()
            }
        }
        Some(_) => return None,
    };
    made_list(parts.into_iter().map(Value::text).collect())
}

/// The words of a text; what is over the limit stays together.
fn words(text: &str, from_right: bool, limit: usize) -> Vec<&str> {
    let (mut rest, mut parts) = (if from_right { text.trim_end() } else { text.trim_start() }, Vec::new());
    while !rest.is_empty() && parts.len() < limit {
        let cut = if from_right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let Some(cut) = cut else {
            break;
        };
        let (left, right) = rest.split_at(cut);
        if from_right {
            parts.push(right.trim_start());
            rest = left.trim_end();
        } else {
            parts.push(left);
            rest = right.trim_start();
        }
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if from_right {
        parts.reverse();
    }
    parts
}

fn lines(text: &str, arguments: &Arguments) -> Vec<Value> {
    let keep = arguments.at(0).or_else(|| arguments.named("keepends"));
    let keep = keep.and_then(super::truthy).unwrap_or(false);
    let (mut rest, mut out) = (text, Vec::new());
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        let ending = if tail.starts_with("\r\n") { 2 } else { usize::from(!tail.is_empty()) };
        let shown = if keep { rest.get(..end + ending).unwrap_or(line) } else { line };
        out.push(Value::text(shown));
        rest = tail.get(ending..).unwrap_or_default();
    }
    out
}

fn partition(text: &str, from_right: bool, arguments: &Arguments) -> Option<Value> {
    let separator = argument(arguments)?;
    if separator.is_empty() {
        return None;
    }
    let halves = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match halves {
        Some((left, right)) => [left, separator, right],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    };
    made_list(parts.into_iter().map(Value::text).collect())
}

fn strip<'a>(text: &'a str, name: &str, arguments: &Arguments) -> Option<&'a str> {
    let set = match arguments.at(0).map(|set| &set.known) {
        None | Some(Known::Nothing) => None,
        Some(Known::Text(set)) if set.len() <= MAX_SET => Some(set),
        Some(_) => return None,
    };
    let strips = |c: char| set.map_or(c.is_whitespace(), |set| set.contains(c));
    Some(match name {
        "strip" => text.trim_matches(strips),
        "lstrip" => text.trim_start_matches(strips),
        _ => text.trim_end_matches(strips),
    })
}

fn search(text: &str, name: &str, arguments: &Arguments) -> Option<Value> {
    let (part, start) = (argument(arguments)?, arguments.at(1));
    if arguments.positional.len() > 2 {
        return None;
    }
    let length = if text.is_ascii() { text.len() } else { text.chars().count() };
    let skipped = match start.map(integer) {
        None => 0,
        Some(start) => {
            let start = start?;
            let back = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
            if start < 0 { length.saturating_sub(back) } else { back.min(length) }
        }
    };
    let offset = text.char_indices().nth(skipped).map_or(text.len(), |(offset, _)| offset);
    let rest = text.get(offset..).unwrap_or_default();
    let found = match name {
        "count" if part.is_empty() => return Some(counted(length - skipped + 1)),
        "count" => return Some(counted(rest.matches(part).count())),
        "find" | "index" => rest.find(part),
        _ => rest.rfind(part),
    };
    match found {
        Some(found) => {
            let before = rest.get(..found).unwrap_or_default();
            Some(counted(skipped + before.chars().count()))
        }
        None if name.ends_with("find") => Some(Value::number(-1.0)),
        None => None,
    }
}

/// `startswith` and `endswith`, with one text or several.
fn affix(text: &str, arguments: &Arguments, test: fn(&str, &str) -> bool) -> Option<Value> {
    if arguments.positional.len() > 1 {
        return None;
    }
    match &arguments.at(0)?.known {
        Known::Text(part) => Some(truth(test(text, part))),
        Known::List(parts) => {
            let parts = parts.borrow();
            let parts: Option<Vec<&Rc<str>>> = parts.iter().map(Value::as_text).collect();
            Some(truth(parts?.into_iter().any(|part| test(text, part))))
        }
        _ => None,
    }
}

/// A table maps numbers of characters, written as keys, to texts, numbers, or nothing.
fn translate(text: &str, table: &Value) -> Option<Value> {
    let Known::Map(table) = &table.known else { return None };
    let table = table.borrow();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match table.get(&*u32::from(c).to_string()).map(|to| &to.known) {
            None => out.push(c),
            Some(Known::Nothing) => {}
            Some(Known::Text(to)) => out.push_str(to),
            Some(Known::Number(_)) => {
                let code = table.get(&*u32::from(c).to_string()).and_then(super::size)?;
                out.push(char::from_u32(u32::try_from(code).ok()?)?);
            }
            Some(_) => return None,
        }
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    made(&out)
}

/// `str.maketrans`.
pub(super) fn make_table(arguments: &Arguments) -> Option<Value> {
    let code = |text: &str| -> Option<Rc<str>> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Some(u32::from(one).to_string().into()),
            _ => None,
        }
    };
    let mut entries = crate::value::Entries::default();
    match (arguments.at(0)?, arguments.at(1)) {
        (map, None) => {
            for (from, to) in super::containers::entries(map)? {
                entries.insert(code(&from).unwrap_or(from), to);
            }
        }
        (from, Some(to)) => {
            if let (Some(from), Some(to)) = (bytes_of(from), bytes_of(to)) {
                let mut table: Vec<u8> = (0..=255).collect();
                for (from, to) in from.iter().zip(to.iter()) {
                    if let Some(place) = table.get_mut(usize::from(*from)) {
                        *place = *to;
                    }
                }
                return Some(Value::bytes(&table));
            }
            let (from, to) = (from.as_text()?, to.as_text()?);
            for (from, to) in from.chars().zip(to.chars()) {
                entries.insert(u32::from(from).to_string().into(), character(to));
            }
            if let Some(dropped) = arguments.at(2) {
                for c in dropped.as_text()?.chars() {
                    entries.insert(u32::from(c).to_string().into(), Known::Nothing.into());
                }
            }
        }
    }
    Some(Value::map(entries))
}

fn pad(text: &str, name: &str, arguments: &Arguments) -> Option<Value> {
    let width = super::size(arguments.at(0)?)?;
    if width > MAX_RESULT / 4 {
        return None;
    }
    let fill = match arguments.at(1) {
        Some(fill) => fill.as_text()?.chars().next()?,
        None => ' ',
    };
    let missing = width.saturating_sub(text.chars().count());
    let filled = |count: usize| String::from(fill).repeat(count);
    made(&match name {
        "zfill" => {
            let sign = usize::from(text.starts_with(['+', '-']));
            let (sign, digits) = text.split_at(sign);
            [sign, &"0".repeat(missing), digits].concat()
        }
        "ljust" => text.to_owned() + &filled(missing),
        "rjust" => filled(missing) + text,
        _ => {
            let left = missing / 2 + (missing & width & 1);
            [&*filled(left), text, &filled(missing - left)].concat()
        }
    })
}
