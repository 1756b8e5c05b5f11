//! How values are written: `str`, `repr`, `%`, `str.format` and format specifications.

use std::fmt::Write;
use std::iter::Peekable;
use std::rc::Rc;
use std::str::Chars;

use super::{MAX_INTEGER, MAX_RESULT, containers, integer, numbers};
use crate::value::{Arguments, HOLE, Known, Value};

/// The widest field that is padded.
const MAX_WIDTH: usize = 1_000_000;

/// The deepest list or dictionary that is written.
const MAX_SHOWN_DEPTH: u32 = 16;

/// `str(value)`.
pub(super) fn shown(value: &Value) -> Option<String> {
    match &value.known {
        Known::Text(text) | Known::Partial(text) => Some(text.to_string()),
        _ => represented(value, 0),
    }
}

/// `repr(value)`.
pub(super) fn represented(value: &Value, depth: u32) -> Option<String> {
    if depth > MAX_SHOWN_DEPTH {
        return None;
    }
    let many = |items: Vec<Option<String>>, open: char, close: char| {
        let items: Option<Vec<String>> = items.into_iter().collect();
        let text = items?.join(", ");
        (text.len() <= MAX_RESULT).then(|| format!("{open}{text}{close}"))
    };
    Some(match &value.known {
        Known::Nothing => "None".to_owned(),
        Known::Boolean(true) => "True".to_owned(),
        Known::Boolean(false) => "False".to_owned(),
        Known::Number(number) => number_shown(*number)?,
        Known::Text(text) => quoted(text),
        Known::Bytes(bytes) => format!("b{}", quoted_bytes(bytes)),
        Known::List(items) => many(items.borrow().iter().map(|item| represented(item, depth + 1)).collect(), '[', ']')?,
        Known::Map(entries) => {
            let pair =
                |(key, value): (&Rc<str>, &Value)| Some(format!("{}: {}", quoted(key), represented(value, depth + 1)?));
            many(entries.borrow().iter().map(pair).collect(), '{', '}')?
        }
        _ => return None,
    })
}

/// A number: whole ones are integers, as long as they are exact.
fn number_shown(number: f64) -> Option<String> {
    if !number.is_finite() || number.abs() > MAX_INTEGER {
        return None;
    }
    if number.fract() == 0.0 {
        return Some(format!("{number:.0}"));
    }
    (number.abs() >= 1e-4).then(|| number.to_string())
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() && u32::from(c) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn quoted_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

/// `format % argument`. What is not known is a [`HOLE`].
pub(crate) fn percent(format: &str, argument: &Value) -> Option<Rc<str>> {
    let mut values = match &argument.known {
        Known::List(items) => items.borrow().clone(),
        _ => vec![argument.clone()],
    }
    .into_iter();
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
        } else if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
        } else {
            out.push_str(&conversion(&mut chars, argument, &mut values)?);
        }
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    Some(out.into())
}

/// One `%(name)-05.2x`, after its percent sign.
fn conversion(
    chars: &mut Peekable<Chars<'_>>,
    argument: &Value,
    values: &mut impl Iterator<Item = Value>,
) -> Option<String> {
    let mut value = None;
    if chars.peek() == Some(&'(') {
        chars.next();
        let name: String = chars.by_ref().take_while(|&c| c != ')').collect();
        value = Some(match containers::entries(argument) {
            Some(entries) => entries.into_iter().find(|(key, _)| **key == *name).map(|(_, value)| value)?,
            None => Value::default(),
        });
    }
    let mut spec = Spec { fill: ' ', align: Some('>'), ..Spec::default() };
    while let Some(&flag @ ('-' | '+' | ' ' | '0' | '#')) = chars.peek() {
        chars.next();
        match flag {
            '-' => spec.align = Some('<'),
            '0' => spec.zero = true,
            '#' => spec.alternate = true,
            sign => spec.sign = Some(sign),
        }
    }
    spec.width = digits(chars, values)?;
    if chars.peek() == Some(&'.') {
        chars.next();
        spec.precision = Some(digits(chars, values)?);
    }
    while let Some('l' | 'h' | 'L') = chars.peek() {
        chars.next();
    }
    let kind = chars.next()?;
    let value = match value {
        Some(value) => value,
        None => values.next()?,
    };
    let text = match kind {
        's' => shown(&value),
        'r' | 'a' => represented(&value, 0),
        'c' => match integer(&value) {
            Some(code) => u32::try_from(code).ok().and_then(char::from_u32).map(String::from),
            None => shown(&value),
        },
        'd' | 'i' | 'u' => return padded_number(&value, 'd', &spec),
        'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => return padded_number(&value, kind, &spec),
        _ => return None,
    };
    let Some(mut text) = text else {
        return Some(HOLE.to_string());
    };
    if let Some(precision) = spec.precision {
        text = text.chars().take(precision).collect();
    }
    Some(pad(&text, &spec))
}

/// Digits, or `*`, which takes the next value.
fn digits(chars: &mut Peekable<Chars<'_>>, values: &mut impl Iterator<Item = Value>) -> Option<usize> {
    if chars.peek() == Some(&'*') {
        chars.next();
        return super::size(&values.next()?);
    }
    let mut number = 0_usize;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = number.saturating_mul(10).saturating_add(digit as usize);
    }
    (number <= MAX_WIDTH).then_some(number)
}

/// A format specification: `[[fill]align][sign][#][0][width][,][.precision][type]`.
#[derive(Debug, Default)]
struct Spec {
    fill: char,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let mut spec = Self { fill: ' ', ..Self::default() };
        let mut chars = text.chars().peekable();
        let aligns = |c: char| matches!(c, '<' | '>' | '^' | '=');
        let mut ahead = text.chars();
        match (ahead.next(), ahead.next()) {
            (Some(fill), Some(align)) if aligns(align) => {
                (spec.fill, spec.align) = (fill, Some(align));
                chars.next();
                chars.next();
            }
            (Some(align), _) if aligns(align) => {
                spec.align = Some(align);
                chars.next();
            }
            _ => {}
        }
        if let Some(&sign @ ('+' | '-' | ' ')) = chars.peek() {
            spec.sign = Some(sign);
            chars.next();
        }
        if chars.peek() == Some(&'#') {
            spec.alternate = true;
            chars.next();
        }
        if chars.peek() == Some(&'0') {
            spec.zero = true;
            chars.next();
        }
        let mut none = std::iter::empty();
        spec.width = digits(&mut chars, &mut none)?;
        if let Some(&grouping @ (',' | '_')) = chars.peek() {
            spec.grouping = Some(grouping);
            chars.next();
        }
        if chars.peek() == Some(&'.') {
            chars.next();
            spec.precision = Some(digits(&mut chars, &mut none)?);
        }
        spec.kind = chars.next();
        if chars.next().is_some() { None } else { Some(spec) }
    }
}

/// `format(value, spec)`. A value that is not known is a [`HOLE`].
pub(super) fn formatted(value: &Value, spec: &str) -> Option<String> {
    if matches!(value.known, Known::Unknown | Known::Api(_) | Known::Function(_)) {
        return Some(HOLE.to_string());
    }
    if spec.is_empty() {
        return Some(shown(value).unwrap_or_else(|| HOLE.to_string()));
    }
    let mut spec = Spec::parse(spec)?;
    match (&value.known, spec.kind) {
        (Known::Text(text) | Known::Partial(text), None | Some('s')) => {
            let text: String = match spec.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.to_string(),
            };
            if spec.zero {
                spec.fill = '0';
            }
            spec.align = spec.align.or(Some('<'));
            Some(pad(&text, &spec))
        }
        (Known::Number(_) | Known::Boolean(_), kind) => {
            spec.align = spec.align.or(Some('>'));
            let kind = kind.unwrap_or(if spec.precision.is_some() { 'g' } else { 'n' });
            padded_number(value, kind, &spec)
        }
        _ => None,
    }
}

fn padded_number(value: &Value, kind: char, spec: &Spec) -> Option<String> {
    let Some(number) = numbers::number(value) else {
        return Some(HOLE.to_string());
    };
    let whole = || integer(&Value::number(number.trunc())).map(i64::unsigned_abs);
    let precision = spec.precision.unwrap_or(6);
    let digits = match kind {
        'n' => number_shown(number.abs())?,
        'd' => whole()?.to_string(),
        'x' => prefixed("0x", format!("{:x}", whole()?), spec),
        'X' => prefixed("0X", format!("{:X}", whole()?), spec),
        'o' => prefixed("0o", format!("{:o}", whole()?), spec),
        'b' => prefixed("0b", format!("{:b}", whole()?), spec),
        'c' => char::from_u32(u32::try_from(whole()?).ok()?)?.to_string(),
        'f' | 'F' => format!("{:.*}", precision, number.abs()),
        '%' => format!("{:.*}%", precision, number.abs() * 100.0),
        'g' | 'G' if number.fract() == 0.0 && number.abs() < 1e6 => number_shown(number.abs())?,
        _ => return None,
    };
    let digits = match (spec.grouping, kind) {
        (Some(grouping), 'd' | 'n') => grouped(&digits, grouping),
        (Some(_), _) => return None,
        (None, _) => digits,
    };
    let sign = match (number < 0.0, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    if spec.zero && spec.align != Some('<') {
        let missing = spec.width.saturating_sub(sign.len() + digits.len());
        return Some(format!("{sign}{}{digits}", "0".repeat(missing)));
    }
    Some(pad(&format!("{sign}{digits}"), spec))
}

fn prefixed(prefix: &str, digits: String, spec: &Spec) -> String {
    if spec.alternate { format!("{prefix}{digits}") } else { digits }
}

fn grouped(digits: &str, separator: char) -> String {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

fn pad(text: &str, spec: &Spec) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    let fill = |count: usize| String::from(spec.fill).repeat(count);
    match spec.align {
        Some('<') => text.to_owned() + &fill(missing),
        Some('^') => fill(missing / 2) + text + &fill(missing - missing / 2),
        _ => fill(missing) + text,
    }
}

/// `text.format(…)`. What is not known is a [`HOLE`].
pub(super) fn braces(text: &str, arguments: &Arguments) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut automatic) = (text, 0_usize);
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
            out.push_str(tail.get(..1)?);
            rest = after;
            continue;
        }
        let end = closing(tail)?;
        out.push_str(&field(tail.get(1..end)?, arguments, &mut automatic)?);
        rest = tail.get(end + 1..)?;
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Where the brace ends that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return (depth == 1).then_some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// One `{name!r:spec}`, without its braces.
fn field(text: &str, arguments: &Arguments, automatic: &mut usize) -> Option<String> {
    let (name, spec) = text.split_once(':').unwrap_or((text, ""));
    let (name, conversion) = match name.split_once('!') {
        Some((name, conversion)) => (name, Some(conversion)),
        None => (name, None),
    };
    let value = looked_up(name, arguments, automatic)?;
    let spec = if spec.contains('{') { braces_within(spec, arguments, automatic)? } else { spec.to_owned() };
    match conversion {
        None => formatted(&value, &spec),
        Some("s") => formatted(&Value::text(&shown(&value).unwrap_or_else(|| HOLE.to_string())), &spec),
        Some(_) => formatted(&Value::text(&represented(&value, 0).unwrap_or_else(|| HOLE.to_string())), &spec),
    }
}

/// The fields in a specification, which have none in theirs.
fn braces_within(spec: &str, arguments: &Arguments, automatic: &mut usize) -> Option<String> {
    let mut out = String::new();
    let mut rest = spec;
    while let Some((plain, tail)) = rest.split_once('{') {
        out.push_str(plain);
        let (name, after) = tail.split_once('}')?;
        out.push_str(&shown(&looked_up(name, arguments, automatic)?)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The argument that a field names: a position, a keyword, with members or items of it.
fn looked_up(name: &str, arguments: &Arguments, automatic: &mut usize) -> Option<Value> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, path) = name.split_at(end);
    let value = if first.is_empty() {
        *automatic += 1;
        arguments.at(automatic.saturating_sub(1)).cloned()
    } else if let Ok(position) = first.parse::<usize>() {
        arguments.at(position).cloned()
    } else {
        arguments.named(first).cloned()
    };
    let mut value = value.unwrap_or_default();
    for key in path.split(['.', '[']).skip(1) {
        let key = key.trim_end_matches(']');
        value = match &value.known {
            Known::List(items) => items.borrow().get(key.parse::<usize>().ok()?).cloned()?,
            Known::Map(entries) => entries.borrow().get(key).cloned()?,
            _ => Value::default(),
        };
    }
    Some(value)
}
