//! What Python's pure functions and methods give on known values.
//!
//! Loaders hide code behind ordinary functions: they join, slice, decode and decompress. Those are executed here, so that
//! what they give is known; every result is limited, and whatever is not known whole stays unknown, or keeps holes.

mod binary;
mod codecs;
mod containers;
mod format;
mod functions;
mod library;
mod numbers;
mod origins;
mod paths;
#[cfg(test)]
mod tests;
mod text;

use std::cmp::Ordering;
use std::rc::Rc;

use crate::value::{Apply, Arguments, HOLE, Known, Value};

pub(crate) use format::percent;
pub(crate) use paths::{divided, path_method, path_of};

/// The longest text or byte string that a builtin gives: 16 MB.
const MAX_RESULT: usize = 16 * 1024 * 1024;

/// The most items that a builtin gives.
const MAX_ITEMS: usize = 1_000_000;

/// The largest integer that a number holds exactly: 2^53.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// What a method of a known value gives; `None` if that is not known.
pub(crate) fn method(receiver: &Known, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let result = match receiver {
        Known::Text(text) => text::method(text, name, arguments),
        Known::Partial(text) => text::partial_method(text, name, arguments),
        Known::Bytes(bytes) => binary::method(bytes, name, arguments),
        Known::List(items) => containers::list_method(items, name, arguments, apply),
        Known::Map(entries) => containers::map_method(entries, name, arguments),
        Known::Number(number) => numbers::method(*number, name, arguments),
        _ => None,
    }?;
    if matches!(name, "pop" | "popleft" | "get" | "setdefault" | "__getitem__") {
        return Some(result);
    }
    Some(origins::kept(result, std::iter::once(receiver).chain(arguments.all().map(|value| &value.known))))
}

/// What a function of the platform gives; `None` if that is not known.
pub(crate) fn function(path: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let path = path.strip_prefix("builtins.").unwrap_or(path);
    let result = match path.rsplit_once('.') {
        Some(("os.path", name)) => paths::function(name, arguments),
        Some((name, "__str__" | "__repr__")) if !name.contains('.') => functions::described(name),
        Some((kind @ ("str" | "bytes" | "bytearray" | "list" | "dict" | "int" | "string" | "float"), name)) => {
            functions::of_type(kind, name, arguments, apply)
        }
        Some(_) => library::function(path, arguments, apply),
        None => functions::builtin(path, arguments, apply),
    }?;
    if matches!(path, "next" | "min" | "max" | "operator.getitem") {
        return Some(result);
    }
    Some(origins::kept(result, arguments.all().map(|value| &value.known)))
}

/// The value of a constant of the platform.
pub(crate) fn constant(path: &str) -> Option<Value> {
    let text = match path {
        "string.ascii_lowercase" | "string.lowercase" => "abcdefghijklmnopqrstuvwxyz",
        "string.ascii_uppercase" | "string.uppercase" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "string.ascii_letters" | "string.letters" => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "string.digits" => "0123456789",
        "string.hexdigits" => "0123456789abcdefABCDEF",
        "string.octdigits" => "01234567",
        "string.punctuation" => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "string.whitespace" => " \t\n\r\x0b\x0c",
        "string.printable" => concat!(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\x0b\x0c"
        ),
        "os.sep" | "os.path.sep" => "/",
        "os.extsep" | "os.curdir" => ".",
        "os.pardir" => "..",
        "os.pathsep" => ":",
        "os.linesep" => "\n",
        "sys.byteorder" => "little",
        _ => return None,
    };
    Some(Value::text(text))
}

/// A text as a result: partly known if it has holes.
fn made(text: &str) -> Option<Value> {
    if text.len() > MAX_RESULT {
        return None;
    }
    let known = if text.contains(HOLE) { Known::Partial(text.into()) } else { Known::Text(text.into()) };
    Some(known.into())
}

fn made_bytes(bytes: &[u8]) -> Option<Value> {
    (bytes.len() <= MAX_RESULT).then(|| Value::bytes(bytes))
}

fn made_list(items: Vec<Value>) -> Option<Value> {
    (items.len() <= MAX_ITEMS).then(|| Value::list(items))
}

fn truth(truth: bool) -> Value {
    Known::Boolean(truth).into()
}

fn nothing() -> Value {
    Known::Nothing.into()
}

/// A count or position as a number.
#[expect(clippy::cast_precision_loss, reason = "nothing that is counted here comes near 2^53")]
fn counted(count: usize) -> Value {
    Value::number(count as f64)
}

/// An integer as a number, unless it has too many digits.
#[expect(clippy::cast_precision_loss, reason = "what would lose digits is refused")]
fn from_integer(integer: i128) -> Option<Value> {
    let number = integer as f64;
    (number.abs() <= MAX_INTEGER).then(|| Value::number(number))
}

/// The integer of a number, a truth value, or the digits of a key.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
fn integer(value: &Value) -> Option<i64> {
    match &value.known {
        Known::Number(number) if number.fract() == 0.0 && number.abs() <= MAX_INTEGER => Some(*number as i64),
        Known::Boolean(truth) => Some(i64::from(*truth)),
        _ => None,
    }
}

/// A position or count that is not negative.
fn size(value: &Value) -> Option<usize> {
    usize::try_from(integer(value)?).ok()
}

/// The bytes of a byte string, or of a list that stands for a `bytearray`.
fn bytes_of(value: &Value) -> Option<Rc<[u8]>> {
    match &value.known {
        Known::Bytes(bytes) => Some(Rc::clone(bytes)),
        Known::List(items) => items.borrow().iter().map(byte).collect(),
        _ => None,
    }
}

/// The same, or the bytes of a text: what decoders of text take.
fn ascii_of(value: &Value) -> Option<Rc<[u8]>> {
    bytes_of(value).or_else(|| value.as_bytes())
}

fn byte(value: &Value) -> Option<u8> {
    u8::try_from(integer(value)?).ok()
}

/// The items of what can be iterated over, if they are not too many.
fn items(value: &Value) -> Option<Vec<Value>> {
    let items: Vec<Value> = match &value.known {
        Known::List(items) => items.borrow().clone(),
        Known::Text(text) => text.chars().take(MAX_ITEMS + 1).map(character).collect(),
        Known::Bytes(bytes) => bytes.iter().take(MAX_ITEMS + 1).map(|&byte| Value::number(f64::from(byte))).collect(),
        Known::Map(entries) if containers::cycle(entries).is_none() => {
            entries.borrow().keys().map(|key| Value::text(key)).collect()
        }
        _ => return None,
    };
    let taint = &value.taint;
    if items.len() > MAX_ITEMS {
        return None;
    }
    Some(if taint.is_none() { items } else { items.into_iter().map(|item| item.tainted(taint)).collect() })
}

fn character(character: char) -> Value {
    Value::text(character.encode_utf8(&mut [0; 4]))
}

/// The key of a map that a value is.
fn key(value: &Value) -> Option<Rc<str>> {
    match &value.known {
        Known::Text(text) => Some(Rc::clone(text)),
        Known::Number(_) | Known::Boolean(_) | Known::Nothing => format::shown(value).map(Into::into),
        _ => None,
    }
}

/// Whether a value counts as true.
fn truthy(value: &Value) -> Option<bool> {
    Some(match &value.known {
        Known::Nothing => false,
        Known::Boolean(truth) => *truth,
        Known::Number(number) => *number != 0.0,
        Known::Text(text) => !text.is_empty(),
        Known::Bytes(bytes) => !bytes.is_empty(),
        Known::List(items) => !items.borrow().is_empty(),
        Known::Map(entries) => !entries.borrow().is_empty(),
        Known::Function(_) => true,
        _ => return None,
    })
}

/// Whether two values are equal, if that is known.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (&left.known, &right.known) {
        (Known::Text(a), Known::Text(b)) => a == b,
        (Known::Bytes(a), Known::Bytes(b)) => a == b,
        (Known::Nothing, Known::Nothing) => true,
        (Known::Number(_) | Known::Boolean(_), Known::Number(_) | Known::Boolean(_)) => {
            numbers::number(left)?.partial_cmp(&numbers::number(right)?)? == Ordering::Equal
        }
        (Known::Unknown | Known::Partial(_) | Known::Api(_), _)
        | (_, Known::Unknown | Known::Partial(_) | Known::Api(_))
        | (Known::List(_) | Known::Map(_), Known::List(_) | Known::Map(_)) => return None,
        _ => false,
    })
}
