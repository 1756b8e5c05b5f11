//! The pure part of JavaScript's standard library, on known values.
//!
//! What hides a text from readers is put together from these: so they are executed, as far as everything they look at is
//! known, and within limits. Where a value comes from is the caller's business.

mod bytes;
mod functions;
mod json;
mod list;
mod numbers;
mod paths;
mod pattern;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod units;

use std::cell::RefCell;
use std::rc::Rc;

pub(crate) use self::functions::function;
use super::operators::{enter, shown};
use crate::ir::Language;
use crate::value::{Apply, Arguments, Entries, HOLE, Known, Value};

/// The longest text or byte string that a function gives, in bytes: 16 MB.
const MAX_RESULT: usize = 16 * 1024 * 1024;
/// The longest list that a function gives, in items.
const MAX_ITEMS: usize = 1_000_000;

/// What a method of a known value gives; `None` if that is not known.
pub(crate) fn method(receiver: &Known, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    match receiver {
        Known::Text(receiver) => text::method(receiver, name, arguments, apply),
        Known::Partial(receiver) => text::partial(receiver, name),
        Known::List(items) => list::method(items, name, arguments, apply),
        Known::Bytes(receiver) => bytes::method(receiver, name, arguments, apply),
        Known::Number(number) => numbers::method(*number, name, arguments),
        Known::Boolean(truth) if name == "toString" => Some(Value::text(if *truth { "true" } else { "false" })),
        Known::Pattern(pattern) => text::pattern_method(&pattern.0, &pattern.1, name, arguments),
        Known::Map(entries) => map_method(entries, name, arguments, apply),
        _ if name == "valueOf" => Some(receiver.clone().into()),
        _ => None,
    }
}

/// The methods of `Map`, and those of objects that loaders use.
fn map_method(
    entries: &Rc<RefCell<Entries>>,
    name: &str,
    arguments: &Arguments,
    apply: &mut Apply<'_>,
) -> Option<Value> {
    let key = || arguments.at(0).and_then(plain_text);
    let find = |key: &str| entries.borrow().get(key).cloned();
    Some(match name {
        "get" => find(&key()?).unwrap_or(Known::Nothing.into()),
        "set" => {
            enter(&mut entries.borrow_mut(), key()?.as_str().into(), arguments.at(1).cloned().unwrap_or_default());
            Known::Map(Rc::clone(entries)).into()
        }
        "has" | "hasOwnProperty" => Known::Boolean(find(&key()?).is_some()).into(),
        "delete" => Known::Boolean(entries.borrow_mut().shift_remove(&*key()?).is_some()).into(),
        "keys" => Value::list(entries.borrow().keys().map(|key| Known::Text(Rc::clone(key)).into()).collect()),
        "values" => Value::list(entries.borrow().values().cloned().collect()),
        "entries" => Value::list(pairs(&entries.borrow())),
        "forEach" => {
            let function = arguments.at(0)?;
            let all = entries.borrow().clone();
            for (key, value) in all {
                apply(function, &[value, Known::Text(key).into()]);
            }
            Known::Nothing.into()
        }
        "toString" | "toJSON" => find("href").unwrap_or_else(|| Value::text("[object Object]")),
        "valueOf" => Known::Map(Rc::clone(entries)).into(),
        _ => return None,
    })
}

/// Key and value of each entry, as lists of two.
fn pairs(entries: &Entries) -> Vec<Value> {
    let pair = |(key, value): (&Rc<str>, &Value)| Value::list(vec![Known::Text(Rc::clone(key)).into(), value.clone()]);
    entries.iter().map(pair).collect()
}

/// The text that a value becomes, if all of it is known.
fn plain_text(value: &Value) -> Option<String> {
    match value.known {
        Known::Partial(_) => None,
        _ => shown(value, Language::JavaScript).map(std::borrow::Cow::into_owned),
    }
}

/// A text, if it is not too long.
fn text_value(text: impl AsRef<str>) -> Option<Value> {
    let text = text.as_ref();
    (text.len() <= MAX_RESULT).then(|| Value::text(text))
}

/// A text of which a part is not known, where it has holes.
fn partial_value(text: &str) -> Value {
    let known = if text.contains(HOLE) { Known::Partial(text.into()) } else { Known::Text(text.into()) };
    known.into()
}

/// Bytes, if they are not too many.
fn bytes_value(bytes: &[u8]) -> Option<Value> {
    (bytes.len() <= MAX_RESULT).then(|| Value::bytes(bytes))
}

/// A list, if it is not too long.
fn list_value(items: Vec<Value>) -> Option<Value> {
    (items.len() <= MAX_ITEMS).then(|| Value::list(items))
}

/// The number at a position of the arguments: a default where nothing stands, and `None` where it is not known.
fn number_at(arguments: &Arguments, position: usize, default: f64) -> Option<f64> {
    match arguments.at(position).map(|value| &value.known) {
        None | Some(Known::Nothing) => Some(default),
        Some(_) => arguments.at(position).and_then(numbers::number),
    }
}

/// A count as a number: counts here are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "nothing that is counted here comes near 2^53")]
fn float(count: usize) -> f64 {
    count as f64
}

/// A number as a count: none if it is negative or not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, as is wanted here")]
fn whole(number: f64) -> usize {
    number as usize
}

/// A bound as `slice` takes it: counted from the end if negative, and kept within the length.
fn bound(number: f64, length: usize) -> usize {
    let length = float(length);
    whole(if number < 0.0 { length + number } else { number.min(length) })
}

/// The two bounds of `slice`.
fn bounds(arguments: &Arguments, first: usize, length: usize) -> Option<(usize, usize)> {
    let from = bound(number_at(arguments, first, 0.0)?, length);
    let to = bound(number_at(arguments, first + 1, f64::INFINITY)?, length);
    Some((from, to.max(from)))
}
