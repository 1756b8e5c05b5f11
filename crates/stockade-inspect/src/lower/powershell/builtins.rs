//! What functions and methods of PowerShell and .NET give that only transform values, so that a script in layers is read
//! to its end.

use std::rc::Rc;

use crate::decode;
use crate::value::{Apply, Arguments, Known, Value};

/// The most characters of one result: 8 MiB.
const MAX_RESULT: usize = 8 * 1024 * 1024;

/// What a function or operator gives; `None` if that is not known.
pub(crate) fn function(path: &str, arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    match path {
        "system.convert.frombase64string" => bytes(decode::base64(&arguments.at(0)?.as_bytes()?)?),
        "system.convert.fromhexstring" => bytes(decode::hex(&arguments.at(0)?.as_bytes()?)?),
        "frombase64utf16" => text(&wide(&decode::base64(&arguments.at(0)?.as_bytes()?)?)),
        "system.text.encoding.utf8.getstring"
        | "system.text.encoding.ascii.getstring"
        | "system.text.encoding.default.getstring"
        | "system.text.encoding.utf7.getstring"
        | "system.text.utf8encoding.new().getstring"
        | "system.text.asciiencoding.new().getstring" => text(&String::from_utf8_lossy(&data(arguments.at(0)?)?)),
        "system.text.encoding.unicode.getstring" | "system.text.unicodeencoding.new().getstring" => {
            text(&wide(&data(arguments.at(0)?)?))
        }
        "system.text.encoding.utf8.getbytes" | "system.text.encoding.ascii.getbytes" => {
            bytes(arguments.at(0)?.as_bytes()?.to_vec())
        }
        "system.convert.toint32" | "system.convert.tobyte" | "system.convert.toint16" => parsed(arguments),
        "char" | "system.convert.tochar" => text(&character(arguments.at(0)?)?),
        "char[]" => characters(arguments.at(0)?),
        "string" | "system.string" | "system.convert.tostring" => Some(arguments.at(0)?.clone()),
        "int" | "byte" | "int32" | "uint32" | "long" => arguments.at(0)?.as_number().map(Value::number),
        "byte[]" => bytes(data(arguments.at(0)?)?),
        "system.string.join" => join(arguments.at(1)?, arguments.at(0)?.as_text()?),
        "system.string.concat" => join(&Value::list(arguments.positional.clone()), ""),
        "-join" => join(arguments.at(0)?, arguments.at(1).map_or(Some(""), |by| by.as_text().map(|text| &**text))?),
        "-split" => {
            let by = arguments.at(1)?.as_text()?;
            let parts = arguments.at(0)?.as_text()?.split(plain(by)?).map(Value::text).collect();
            Some(Value::list(parts))
        }
        "-replace" => replace(arguments),
        "system.net.webutility.urldecode" | "system.uri.unescapedatastring" => {
            text(&String::from_utf8_lossy(&decode::percent(arguments.at(0)?.as_text()?.as_bytes())))
        }
        _ => None,
    }
}

/// What a method of a known value gives; `None` if that is not known.
pub(crate) fn method(receiver: &Known, name: &str, arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    let Known::Text(receiver) = receiver else { return None };
    let at = |position: usize| arguments.at(position).and_then(Value::as_text);
    match name {
        "replace" => text(&receiver.replace(&**at(0)?, at(1)?)),
        "tolower" | "tolowerinvariant" => text(&receiver.to_lowercase()),
        "toupper" | "toupperinvariant" => text(&receiver.to_uppercase()),
        "trim" => text(receiver.trim()),
        "tostring" => text(receiver),
        "tochararray" => Some(Value::list(receiver.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect())),
        "split" => Some(Value::list(receiver.split(&**at(0)?).map(Value::text).collect())),
        "substring" => {
            let from = index(arguments.at(0)?)?;
            let length = arguments.at(1).map_or(Some(usize::MAX), index)?;
            text(&receiver.chars().skip(from).take(length).collect::<String>())
        }
        "remove" => {
            let from = index(arguments.at(0)?)?;
            text(&receiver.chars().take(from).collect::<String>())
        }
        "insert" => {
            let from = index(arguments.at(0)?)?;
            let head: String = receiver.chars().take(from).collect();
            let tail: String = receiver.chars().skip(from).collect();
            text(&format!("{head}{}{tail}", at(1)?))
        }
        _ => None,
    }
}

fn text(result: &str) -> Option<Value> {
    (result.len() <= MAX_RESULT).then(|| Value::text(result))
}

fn bytes(result: Vec<u8>) -> Option<Value> {
    (result.len() <= MAX_RESULT).then(|| Known::Bytes(result.into()).into())
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    String::from_utf16_lossy(&units.collect::<Vec<_>>())
}

/// Bytes: as they are, or a list of numbers.
fn data(value: &Value) -> Option<Vec<u8>> {
    match &value.known {
        Known::Bytes(bytes) => Some(bytes.to_vec()),
        Known::List(items) => {
            items.borrow().iter().map(|item| index(item).and_then(|n| u8::try_from(n).ok())).collect()
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in bounds: it is asked before")]
fn index(value: &Value) -> Option<usize> {
    let number = value.as_number()?;
    (0.0..2e9).contains(&number).then_some(number as usize)
}

fn character(value: &Value) -> Option<String> {
    match value.as_text() {
        Some(text) if text.chars().count() == 1 => Some(text.to_string()),
        Some(_) => None,
        None => Some(char::from_u32(u32::try_from(index(value)?).ok()?)?.to_string()),
    }
}

/// A list of characters of a text or of numbers.
fn characters(value: &Value) -> Option<Value> {
    let all: Vec<Value> = match &value.known {
        Known::Text(text) => text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect(),
        Known::Bytes(bytes) => bytes.iter().map(|byte| Value::text(&char::from(*byte).to_string())).collect(),
        Known::List(items) => {
            let items = items.borrow();
            items.iter().map(|item| character(item).map(|text| Value::text(&text))).collect::<Option<_>>()?
        }
        _ => vec![Value::text(&character(value)?)],
    };
    Some(Value::list(all))
}

/// `[Convert]::ToInt32('41', 16)`.
fn parsed(arguments: &Arguments) -> Option<Value> {
    let Some(digits) = arguments.at(0)?.as_text() else {
        return arguments.at(0)?.as_number().map(Value::number);
    };
    let radix = arguments.at(1).map_or(Some(10), index)?;
    let radix = u32::try_from(radix).ok().filter(|radix| (2..=36).contains(radix))?;
    i32::from_str_radix(digits.trim_start_matches("0x"), radix).ok().map(|number| Value::number(number.into()))
}

fn join(list: &Value, by: &str) -> Option<Value> {
    let one = |value: &Value| match &value.known {
        Known::Text(text) => Some(Rc::clone(text)),
        Known::Number(number) => Some(number.to_string().into()),
        _ => None,
    };
    match &list.known {
        Known::List(items) => {
            let parts: Vec<Rc<str>> = items.borrow().iter().map(one).collect::<Option<_>>()?;
            text(&parts.join(by))
        }
        _ => text(&one(list)?),
    }
}

/// A pattern that is only a text.
fn plain(pattern: &str) -> Option<&str> {
    let special = pattern.chars().any(|c| "\\^$.|?*+()[]{}".contains(c));
    (!special && !pattern.is_empty()).then_some(pattern)
}

/// `-replace`, with a pattern that is only a text.
fn replace(arguments: &Arguments) -> Option<Value> {
    let receiver = arguments.at(0)?.as_text()?;
    let (pattern, with) = match &arguments.at(1)?.known {
        Known::List(items) => {
            let items = items.borrow();
            (
                items.first()?.as_text()?.to_string(),
                items.get(1).map_or(Some("".into()), |with| with.as_text().cloned())?,
            )
        }
        Known::Text(pattern) => (pattern.to_string(), "".into()),
        _ => return None,
    };
    text(&receiver.replace(plain(&pattern)?, &with))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, values: Vec<Value>) -> Option<String> {
        let arguments = Arguments { positional: values, named: Vec::new() };
        let value = function(path, &arguments, &mut |_, _| Value::default())?;
        value.as_text().map(ToString::to_string)
    }

    #[test]
    fn layers_are_opened() {
        assert_eq!(call("frombase64utf16", vec![Value::text("aQBkAA==")]).as_deref(), Some("id"));
        let utf8 = "system.text.encoding.utf8.getstring";
        assert_eq!(call(utf8, vec![Value::bytes(b"id")]).as_deref(), Some("id"));
        let numbers = [105.0, 100.0].map(Value::number).to_vec();
        assert_eq!(call(utf8, vec![Value::list(numbers)]).as_deref(), Some("id"));
        assert_eq!(call("char", vec![Value::number(65.0)]).as_deref(), Some("A"));
        let pair = Value::list(vec![Value::text("i"), Value::text("d")]);
        assert_eq!(call("-join", vec![pair.clone(), Value::text("-")]).as_deref(), Some("i-d"));
        assert_eq!(call("-replace", vec![Value::text("aid"), pair]).as_deref(), Some("add"));
        assert_eq!(call("-replace", vec![Value::text("a"), Value::text(".")]), None);
    }
}
