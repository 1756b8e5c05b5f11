//! Operators on known values, as the languages define them; what is not known stays unknown.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "numbers of the languages that are read are 64-bit floats, and each cast is bounded by a limit"
)]

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::expressions::MAX_TEXT;
use crate::ir::{Binary, Language, Unary};
use crate::value::{Arguments, Entries, HOLE, Known, Value};

/// How many items a list may have that an operator makes.
const MAX_LIST: usize = 1_000_000;
/// How many entries a map may gain one by one, and how many items are compared: what is larger is a table of data, and is
/// no longer followed.
const MAX_FOLLOWED: usize = 400;
/// The largest whole number up to which a 64-bit float has them all.
const MAX_EXACT: u64 = 1 << 53;
/// How long a text may be that stands for a list, in bytes.
const MAX_WORDS: usize = 64 * 1024;

/// The text that a value becomes where a text is wanted; `None` if that is not known.
pub(super) fn shown(value: &Value, language: Language) -> Option<Cow<'_, str>> {
    Some(match &value.known {
        Known::Text(text) | Known::Partial(text) => Cow::Borrowed(text),
        Known::Number(number) => Cow::Owned(number_text(*number)),
        Known::Boolean(truth) => match (language, truth) {
            (Language::Python, true) => "True".into(),
            (Language::Python, false) => "False".into(),
            (_, true) => "true".into(),
            (_, false) => "false".into(),
        },
        Known::Nothing if language == Language::JavaScript => "undefined".into(),
        Known::Nothing => "None".into(),
        Known::List(items) if language == Language::JavaScript => {
            let items = items.borrow();
            let mut text = String::new();
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                if matches!(item.known, Known::List(_) | Known::Map(_)) || text.len() > MAX_WORDS {
                    return None;
                }
                text.push_str(&shown(item, language)?);
            }
            text.into()
        }
        Known::Bytes(bytes) if language == Language::JavaScript => String::from_utf8_lossy(bytes).into_owned().into(),
        Known::Api(path) => interpreter(path)?.into(),
        _ => return None,
    })
}

/// The interpreter that a program runs in, whose path is known to nobody before.
fn interpreter(path: &str) -> Option<&str> {
    let path = path.strip_suffix("()").unwrap_or(path);
    matches!(path, "sys.executable" | "process.execPath" | "process.argv0").then_some(path)
}

/// A number as JavaScript and Python print whole ones.
pub(super) fn number_text(number: f64) -> String {
    if number.is_finite() && number.fract() == 0.0 && number.abs() < 1e21 {
        format!("{number:.0}")
    } else if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        number.to_string()
    }
}

/// The words of a command, an address, a path or a list of them, with holes where something is not known.
pub(super) fn words(value: &Value) -> Option<String> {
    Some(match &value.known {
        Known::Text(text) | Known::Partial(text) => text.to_string(),
        Known::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Known::Number(number) => number_text(*number),
        Known::List(items) => {
            let items = items.borrow();
            let words = items.iter().take(MAX_LIST).map(|item| match &item.known {
                Known::Text(word) if word.contains([' ', ';', '|', '&', '<', '>', '$', '"', '\n']) => {
                    format!("'{}'", word.replace('\'', "'\\''"))
                }
                _ => words(item).unwrap_or_else(|| HOLE.to_string()),
            });
            let mut text = words.collect::<Vec<_>>().join(" ");
            if text.len() > MAX_WORDS {
                text = text.chars().take(MAX_WORDS / 4).collect();
            }
            text
        }
        Known::Map(entries) => {
            let entries = entries.borrow();
            let of = |key: &str| entries.get(key).and_then(words);
            let host = of("hostname").or_else(|| of("host"));
            of("url").or_else(|| of("uri")).or_else(|| Some(format!("{}{}", host?, of("path").unwrap_or_default())))?
        }
        Known::Api(path) => interpreter(path)?.to_owned(),
        _ => return None,
    })
}

/// A command of a shell as it is written.
pub(super) fn command(name: &str, arguments: &Arguments) -> String {
    let mut text = name.to_owned();
    for value in &arguments.positional {
        text.push(' ');
        text.push_str(&words(value).unwrap_or_else(|| HOLE.to_string()));
        if text.len() > MAX_WORDS {
            break;
        }
    }
    text
}

/// `typeof`.
pub(super) fn type_of(value: &Value) -> Option<Known> {
    let name = match &value.known {
        Known::Nothing => "undefined",
        Known::Boolean(_) => "boolean",
        Known::Number(_) => "number",
        Known::Text(_) | Known::Partial(_) => "string",
        Known::Bytes(_) | Known::List(_) | Known::Map(_) | Known::Pattern(..) => "object",
        Known::Function(_) => "function",
        Known::Unknown | Known::Api(_) => return None,
    };
    Some(Known::Text(name.into()))
}

/// `-a`, `+a`, `~a`.
pub(super) fn sign(operator: Unary, value: &Value) -> Option<Known> {
    let number = to_number(value)?;
    Some(Known::Number(match operator {
        Unary::Minus => -number,
        Unary::Invert => f64::from(!to_int32(number)),
        _ => number,
    }))
}

/// A value as JavaScript makes a number of it.
fn to_number(value: &Value) -> Option<f64> {
    Some(match &value.known {
        Known::Number(number) => *number,
        Known::Boolean(truth) => f64::from(u8::from(*truth)),
        Known::Text(text) => {
            let text = text.trim();
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            match hex {
                Some(digits) => u64::from_str_radix(digits, 16).map_or(f64::NAN, |number| number as f64),
                None if text.is_empty() => 0.0,
                None => text.parse().unwrap_or(f64::NAN),
            }
        }
        Known::List(items) if items.borrow().is_empty() => 0.0,
        _ => return None,
    })
}

/// 32 bits of a number, as bit operators of JavaScript take them.
fn to_int32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    let whole = number.trunc().rem_euclid(4_294_967_296.0);
    (whole as u32).cast_signed()
}

/// An operator on two values.
pub(super) fn binary(operator: Binary, left: &Value, right: &Value, language: Language) -> Value {
    known_binary(operator, left, right, language).unwrap_or_default().into()
}

fn known_binary(operator: Binary, left: &Value, right: &Value, language: Language) -> Option<Known> {
    use Binary::{Add, Equal, In, InstanceOf, Multiply, NotEqual, NotIn, Remainder};
    match operator {
        Add => add(left, right, language),
        Multiply if language == Language::Python => repeated(left, right).or_else(|| arithmetic(operator, left, right)),
        Remainder if language == Language::Python && left.as_partial().is_some() => {
            let text = super::python::percent(left.as_text()?, right)?;
            Some(if text.contains(HOLE) { Known::Partial(text) } else { Known::Text(text) })
        }
        Binary::Divide if language == Language::Python && is_path(left) | is_path(right) => {
            super::python::divided(left, right).map(|value| value.known)
        }
        Equal => equal(left, right, language).map(Known::Boolean),
        NotEqual => equal(left, right, language).map(|equal| Known::Boolean(!equal)),
        In => contains(right, left, language).map(Known::Boolean),
        NotIn => contains(right, left, language).map(|found| Known::Boolean(!found)),
        InstanceOf => None,
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => compare(operator, left, right),
        Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::ShiftLeft
        | Binary::ShiftRight
        | Binary::ShiftRightUnsigned => bits(operator, left, right, language),
        _ => arithmetic(operator, left, right),
    }
}

/// A part of a path that Python joins with `/`.
fn is_path(value: &Value) -> bool {
    value.as_partial().is_some() || matches!(&value.known, Known::Api(path) if path.starts_with("pathlib.Path"))
}

fn add(left: &Value, right: &Value, language: Language) -> Option<Known> {
    match (&left.known, &right.known) {
        (Known::Number(a), Known::Number(b)) => Some(Known::Number(a + b)),
        (Known::Bytes(a), Known::Bytes(b)) if language != Language::JavaScript && a.len() + b.len() <= MAX_TEXT => {
            Some(Known::Bytes([&**a, &**b].concat().into()))
        }
        (Known::List(a), Known::List(b)) if language == Language::Python => {
            let mut items = a.borrow().clone();
            items.extend(b.borrow().iter().cloned());
            (items.len() <= MAX_LIST).then(|| Known::List(Rc::new(RefCell::new(items))))
        }
        (
            Known::Unknown | Known::Api(_) | Known::Function(_) | Known::Map(_),
            Known::Unknown | Known::Api(_) | Known::Function(_) | Known::Map(_),
        ) => None,
        _ => {
            let texts = matches!(left.known, Known::Text(_) | Known::Partial(_))
                || matches!(right.known, Known::Text(_) | Known::Partial(_));
            let coerces = language == Language::JavaScript
                && !matches!(
                    (&left.known, &right.known),
                    (
                        Known::Boolean(_) | Known::Nothing | Known::Number(_),
                        Known::Boolean(_) | Known::Nothing | Known::Number(_)
                    )
                );
            if !(texts || coerces) {
                return Some(Known::Number(to_number(left)? + to_number(right)?));
            }
            let (a, b) = (shown(left, language), shown(right, language));
            let whole = a.is_some()
                && b.is_some()
                && !matches!(left.known, Known::Partial(_))
                && !matches!(right.known, Known::Partial(_));
            let hole = || Cow::Owned(HOLE.to_string());
            let text = a.unwrap_or_else(hole).into_owned() + &b.unwrap_or_else(hole);
            if text.len() > MAX_TEXT {
                return None;
            }
            Some(if whole { Known::Text(text.into()) } else { Known::Partial(text.into()) })
        }
    }
}

/// `"a" * 3` and `[a] * 3` of Python.
fn repeated(left: &Value, right: &Value) -> Option<Known> {
    let (value, count) = match (&left.known, &right.known) {
        (Known::Number(count), _) => (right, *count),
        (_, Known::Number(count)) => (left, *count),
        _ => return None,
    };
    let count = count.max(0.0) as usize;
    match &value.known {
        Known::Text(text) if text.len().saturating_mul(count) <= MAX_TEXT => {
            Some(Known::Text(text.repeat(count).into()))
        }
        Known::Bytes(bytes) if bytes.len().saturating_mul(count) <= MAX_TEXT => {
            Some(Known::Bytes(bytes.repeat(count).into()))
        }
        Known::List(items) if items.borrow().len().saturating_mul(count) <= MAX_LIST => {
            let items = items.borrow();
            let all = std::iter::repeat_n(items.iter(), count).flatten().cloned().collect();
            Some(Known::List(Rc::new(RefCell::new(all))))
        }
        _ => None,
    }
}

fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Option<Known> {
    let (a, b) = (to_number(left)?, to_number(right)?);
    let number = match operator {
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::FloorDivide => (a / b).floor(),
        Binary::Remainder => a % b,
        Binary::Power => a.powf(b),
        _ => return None,
    };
    Some(Known::Number(number))
}

fn bits(operator: Binary, left: &Value, right: &Value, language: Language) -> Option<Known> {
    let (a, b) = (to_number(left)?, to_number(right)?);
    if language == Language::Python {
        if a.abs() > 9e15 || b.abs() > 9e15 {
            return None;
        }
        let (a, b) = (a as i64, b as i64);
        let number = match operator {
            Binary::And => a & b,
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::ShiftLeft if (0..64).contains(&b) => {
                let wide = i128::from(a) << b;
                i64::try_from(wide).ok().filter(|n| n.unsigned_abs() < MAX_EXACT)?
            }
            Binary::ShiftLeft => return None,
            _ => a.checked_shr(u32::try_from(b).ok()?)?,
        };
        return Some(Known::Number(number as f64));
    }
    let shift = (to_int32(b) & 31).cast_unsigned();
    let (a, b) = (to_int32(a), to_int32(b));
    Some(Known::Number(match operator {
        Binary::And => f64::from(a & b),
        Binary::Or => f64::from(a | b),
        Binary::Xor => f64::from(a ^ b),
        Binary::ShiftLeft => f64::from(a.wrapping_shl(shift)),
        Binary::ShiftRight => f64::from(a.wrapping_shr(shift)),
        _ => f64::from(a.cast_unsigned().wrapping_shr(shift)),
    }))
}

/// Whether two values are equal. JavaScript's `==` and `===` are one here: they differ only for mixed types.
fn equal(left: &Value, right: &Value, language: Language) -> Option<bool> {
    Some(match (&left.known, &right.known) {
        (Known::Unknown | Known::Partial(_) | Known::Api(_), _)
        | (_, Known::Unknown | Known::Partial(_) | Known::Api(_)) => return None,
        (Known::Text(a), Known::Text(b)) => a == b,
        (Known::Number(a), Known::Number(b)) => a == b,
        (Known::Boolean(a), Known::Boolean(b)) => a == b,
        (Known::Bytes(a), Known::Bytes(b)) => a == b,
        (Known::Nothing, Known::Nothing) => true,
        (Known::Nothing, _) | (_, Known::Nothing) => false,
        (Known::Number(_), Known::Text(_)) | (Known::Text(_), Known::Number(_)) if language == Language::JavaScript => {
            to_number(left)? == to_number(right)?
        }
        _ => return None,
    })
}

fn contains(container: &Value, item: &Value, language: Language) -> Option<bool> {
    match &container.known {
        Known::Text(text) => item.as_text().map(|part| text.contains(&**part)),
        Known::List(items) if items.borrow().len() > MAX_FOLLOWED => None,
        Known::List(items) => {
            let mut unsure = false;
            for known in items.borrow().iter() {
                match equal(known, item, language) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => unsure = true,
                }
            }
            (!unsure).then_some(false)
        }
        Known::Map(entries) if entries.borrow().len() >= MAX_FOLLOWED => None,
        Known::Map(entries) => Some(entries.borrow().contains_key(&*shown(item, language)?)),
        _ => None,
    }
}

fn compare(operator: Binary, left: &Value, right: &Value) -> Option<Known> {
    let order = match (&left.known, &right.known) {
        (Known::Text(a), Known::Text(b)) => Some(a.cmp(b)),
        _ => to_number(left)?.partial_cmp(&to_number(right)?),
    };
    let Some(order) = order else { return Some(Known::Boolean(false)) };
    Some(Known::Boolean(match operator {
        Binary::Less => order.is_lt(),
        Binary::LessOrEqual => order.is_le(),
        Binary::Greater => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// `a[b]` by a number, or by a key that is no text.
pub(super) fn index(object: &Value, key: &Value) -> Value {
    let Known::Number(number) = key.known else {
        return Value::default();
    };
    let place = |length: usize| -> Option<usize> {
        let at = if number < 0.0 { number + length as f64 } else { number };
        (at >= 0.0 && at < length as f64).then_some(at as usize)
    };
    match &object.known {
        Known::List(items) => {
            let items = items.borrow();
            place(items.len()).and_then(|at| items.get(at).cloned()).unwrap_or(Known::Nothing.into())
        }
        Known::Text(text) if text.is_ascii() => {
            let at = place(text.len());
            at.and_then(|at| text.get(at..=at)).map_or(Known::Nothing.into(), Value::text)
        }
        Known::Text(text) => {
            let length = text.chars().count();
            let found = place(length).and_then(|at| text.chars().nth(at));
            found.map_or(Known::Nothing.into(), |c| Value::text(c.encode_utf8(&mut [0; 4])))
        }
        Known::Bytes(bytes) => {
            let at = place(bytes.len());
            at.and_then(|at| bytes.get(at)).map_or(Known::Nothing.into(), |byte| Value::number(f64::from(*byte)))
        }
        Known::Map(entries) => entries.borrow().get(&*number_text(number)).cloned().unwrap_or_default(),
        _ => Value::default(),
    }
}

/// `a[b] = value` by a number.
pub(super) fn put(object: &Value, key: &Value, value: Value) {
    let Known::Number(number) = key.known else { return };
    match &object.known {
        Known::List(items) => {
            let mut items = items.borrow_mut();
            let length = items.len();
            let at = if number < 0.0 { number + length as f64 } else { number };
            if at < 0.0 || at >= MAX_LIST as f64 {
                return;
            }
            let at = at as usize;
            if at >= length {
                items.resize(at + 1, Known::Nothing.into());
            }
            if let Some(place) = items.get_mut(at) {
                *place = value;
            }
        }
        Known::Map(entries) => {
            let key = number_text(number);
            enter(&mut entries.borrow_mut(), key.into(), value);
        }
        _ => {}
    }
}

/// Gives a key of a map a value.
pub(super) fn enter(entries: &mut Entries, key: Rc<str>, value: Value) {
    if entries.len() < MAX_FOLLOWED || entries.contains_key(&key) {
        entries.insert(key, value);
    }
}

/// `a[b:c:d]`.
pub(super) fn slice(object: &Value, bounds: &[Option<Value>; 3]) -> Value {
    let number = |at: usize| match &bounds[at] {
        None => Some(None),
        Some(value) if matches!(value.known, Known::Nothing) => Some(None),
        Some(value) => value.as_number().map(Some),
    };
    let (Some(from), Some(to), Some(step)) = (number(0), number(1), number(2)) else { return Value::default() };
    let pick = |length: usize| positions(length, from, to, step.unwrap_or(1.0));
    match &object.known {
        Known::Text(text) => {
            let chars: Vec<char> = text.chars().collect();
            let text: String = pick(chars.len()).filter_map(|at| chars.get(at)).collect();
            Value::text(&text)
        }
        Known::Bytes(bytes) => {
            let bytes: Vec<u8> = pick(bytes.len()).filter_map(|at| bytes.get(at)).copied().collect();
            Value::bytes(&bytes)
        }
        Known::List(items) => {
            let items = items.borrow();
            Value::list(pick(items.len()).filter_map(|at| items.get(at)).cloned().collect())
        }
        _ => Value::default(),
    }
}

/// The positions that a slice of Python takes, in order.
fn positions(length: usize, from: Option<f64>, to: Option<f64>, step: f64) -> Box<dyn Iterator<Item = usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let step = step as i64;
    if step == 0 {
        return Box::new(std::iter::empty());
    }
    let place = |bound: f64, low: i64, high: i64| {
        let bound = bound as i64;
        (if bound < 0 { bound.saturating_add(length) } else { bound }).clamp(low, high)
    };
    let (first, end) = if step > 0 {
        (from.map_or(0, |from| place(from, 0, length)), to.map_or(length, |to| place(to, 0, length)))
    } else {
        (from.map_or(length - 1, |from| place(from, -1, length - 1)), to.map_or(-1, |to| place(to, -1, length - 1)))
    };
    let mut at = first;
    Box::new(std::iter::from_fn(move || {
        let inside = if step > 0 { at < end } else { at > end };
        let here = usize::try_from(at).ok().filter(|_| inside)?;
        at = at.saturating_add(step);
        Some(here)
    }))
}
