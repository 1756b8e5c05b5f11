//! Buffers and typed arrays of bytes.

use std::rc::Rc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::{bounds, bytes_value, list, number_at, plain_text, text_value, whole};
use crate::decode;
use crate::value::{Apply, Arguments, Known, Value};

pub(super) fn method(bytes: &Rc<[u8]>, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let offset = || number_at(arguments, 0, 0.0).map(whole);
    let read = |length: usize, little: bool| {
        let at = offset()?;
        let some = bytes.get(at..at.checked_add(length)?)?;
        let digits: Box<dyn Iterator<Item = &u8>> =
            if little { Box::new(some.iter().rev()) } else { Box::new(some.iter()) };
        Some(Value::number(digits.fold(0.0, |number, byte| number * 256.0 + f64::from(*byte))))
    };
    match name {
        "toString" | "toLocaleString" => to_text(bytes, arguments),
        "utf8Slice" => text_value(String::from_utf8_lossy(bytes)),
        "latin1Slice" | "asciiSlice" => text_value(latin1(bytes)),
        "slice" | "subarray" => {
            let (from, to) = bounds(arguments, 0, bytes.len())?;
            bytes_value(bytes.get(from..to)?)
        }
        "readUInt8" | "readUint8" => read(1, false),
        "readInt8" => offset().and_then(|at| bytes.get(at)).map(|byte| Value::number(f64::from(byte.cast_signed()))),
        "readUInt16BE" | "readUint16BE" => read(2, false),
        "readUInt16LE" | "readUint16LE" => read(2, true),
        "readUInt32BE" | "readUint32BE" => read(4, false),
        "readUInt32LE" | "readUint32LE" => read(4, true),
        "reverse" | "toReversed" => bytes_value(&bytes.iter().rev().copied().collect::<Vec<u8>>()),
        "equals" => {
            let other = arguments.at(0)?.as_bytes()?;
            Some(Known::Boolean(*other == **bytes).into())
        }
        "valueOf" => Some(Known::Bytes(Rc::clone(bytes)).into()),
        "map" | "filter" => {
            let mapped = list::method(&items(bytes), name, arguments, apply)?;
            Some(wrapped(&mapped).map_or(mapped, |bytes| Value::bytes(&bytes)))
        }
        _ if is_of_buffers(name) => None,
        _ => list::method(&items(bytes), name, arguments, apply).filter(|_| name != "set"),
    }
}

/// Whether only buffers have a method of this name, and lists do not.
pub(super) fn is_of_buffers(name: &str) -> bool {
    name.starts_with("readU") || matches!(name, "readInt8" | "utf8Slice" | "latin1Slice" | "equals")
}

/// `toString(encoding, from, to)`.
pub(super) fn to_text(bytes: &[u8], arguments: &Arguments) -> Option<Value> {
    let encoding = match arguments.at(0).map(|value| &value.known) {
        None | Some(Known::Nothing) => "utf8".to_owned(),
        Some(Known::Text(name)) => name.to_lowercase(),
        Some(_) => return None,
    };
    let (from, to) = bounds(arguments, 1, bytes.len())?;
    let bytes = bytes.get(from..to)?;
    text_value(match encoding.as_str() {
        "utf8" | "utf-8" | "unicode-1-1-utf-8" => String::from_utf8_lossy(bytes).into_owned(),
        "latin1" | "binary" | "iso-8859-1" => latin1(bytes),
        "ascii" => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
        "hex" => hex::encode(bytes),
        "base64" => BASE64_STANDARD.encode(bytes),
        "base64url" => BASE64_URL_SAFE_NO_PAD.encode(bytes),
        "utf16le" | "utf-16le" | "ucs2" | "ucs-2" => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| pair.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte)))
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => return None,
    })
}

/// The bytes of a text in an encoding of Node.
pub(super) fn of_text(text: &str, encoding: &str) -> Option<Vec<u8>> {
    Some(match encoding.to_lowercase().as_str() {
        "utf8" | "utf-8" => text.as_bytes().to_vec(),
        "base64" | "base64url" => decode::base64_lenient(text.as_bytes()),
        "hex" => decode::hex_lenient(text.as_bytes()),
        "latin1" | "binary" | "ascii" => text.encode_utf16().map(|unit| (unit & 0xff) as u8).collect(),
        "utf16le" | "utf-16le" | "ucs2" | "ucs-2" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => return None,
    })
}

/// A text with one character a byte.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes that a value holds: those of a buffer, or of a list of numbers.
pub(super) fn of_value(value: &Value) -> Option<Rc<[u8]>> {
    match &value.known {
        Known::Bytes(bytes) => Some(Rc::clone(bytes)),
        Known::List(list) => {
            let numbers = list.borrow();
            let bytes: Option<Vec<u8>> = numbers.iter().map(|item| item.as_number().map(low_byte)).collect();
            bytes.map(Into::into)
        }
        _ => None,
    }
}

/// The bytes that a list holds, if nothing but bytes is in it.
pub(super) fn in_list(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| {
        let number = item.as_number()?;
        let is_whole = number.fract() == 0.0 && number >= 0.0;
        u8::try_from(whole(number)).ok().filter(|_| is_whole)
    };
    items.iter().map(byte).collect()
}

/// True if bytes are text that a person can read.
pub(super) fn is_readable(bytes: &[u8]) -> bool {
    let readable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(readable))
}

/// A number as a typed array keeps it.
pub(super) fn low_byte(number: f64) -> u8 {
    super::numbers::int32(number).to_le_bytes()[0]
}

/// Numbers, as a typed array keeps them.
fn wrapped(value: &Value) -> Option<Vec<u8>> {
    of_value(value).map(|bytes| bytes.to_vec())
}

fn items(bytes: &[u8]) -> Rc<std::cell::RefCell<Vec<Value>>> {
    let numbers = bytes.iter().map(|byte| Value::number(f64::from(*byte)));
    Rc::new(std::cell::RefCell::new(numbers.collect()))
}

/// `Buffer.from(value, encoding)` and `new Buffer(value, encoding)`.
pub(super) fn from(arguments: &Arguments) -> Option<Value> {
    let value = arguments.at(0)?;
    match &value.known {
        Known::Text(text) => {
            let encoding = match arguments.at(1).map(|value| &value.known) {
                None | Some(Known::Nothing) => "utf8".to_owned(),
                Some(_) => plain_text(arguments.at(1)?)?,
            };
            bytes_value(&of_text(text, &encoding)?)
        }
        _ => bytes_value(&of_value(value)?),
    }
}
