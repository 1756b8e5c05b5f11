//! Methods of `bytes`, and of lists that stand for a `bytearray`.

use super::{MAX_RESULT, bytes_of, codecs, counted, integer, items, made, made_bytes, made_list, text, truth};
use crate::value::{Arguments, Known, Value};

/// The longest byte string that is searched for.
const MAX_NEEDLE: usize = 256;

/// What a method of known bytes gives.
pub(super) fn method(bytes: &[u8], name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "decode" => {
            let errors = arguments.at(1).or_else(|| arguments.named("errors")).and_then(Value::as_text);
            codecs::decode(bytes, &text::encoding(arguments, "utf-8")?, errors.map_or("strict", |errors| errors))
        }
        "encode" => codecs::decode_legacy(bytes, &text::encoding(arguments, "utf-8")?),
        "hex" => hexadecimal(bytes, arguments),
        "fromhex" => from_hex(arguments.at(0)?),
        "join" => join(bytes, arguments.at(0)?),
        "replace" => replace(bytes, arguments),
        "split" => split(bytes, arguments),
        "strip" | "lstrip" | "rstrip" => strip(bytes, name, arguments),
        "startswith" => Some(truth(bytes.starts_with(&bytes_of(arguments.at(0)?)?))),
        "endswith" => Some(truth(bytes.ends_with(&bytes_of(arguments.at(0)?)?))),
        "removeprefix" => made_bytes(bytes.strip_prefix(&*bytes_of(arguments.at(0)?)?).unwrap_or(bytes)),
        "removesuffix" => made_bytes(bytes.strip_suffix(&*bytes_of(arguments.at(0)?)?).unwrap_or(bytes)),
        "find" | "index" => match (position(bytes, &needle(arguments)?), name) {
            (Some(found), _) => Some(counted(found)),
            (None, "find") => Some(Value::number(-1.0)),
            (None, _) => None,
        },
        "count" => Some(counted(count(bytes, &needle(arguments)?))),
        "upper" => made_bytes(&bytes.to_ascii_uppercase()),
        "lower" => made_bytes(&bytes.to_ascii_lowercase()),
        "swapcase" => made_bytes(&bytes.iter().map(|&byte| swapped(byte)).collect::<Vec<u8>>()),
        "translate" => translate(bytes, arguments),
        "tolist" => items(&Value::bytes(bytes)).and_then(made_list),
        "tobytes" | "copy" | "getbuffer" => made_bytes(bytes),
        "read" | "getvalue" if arguments.positional.is_empty() => made_bytes(bytes),
        "__len__" => Some(counted(bytes.len())),
        _ => None,
    }
}

fn swapped(byte: u8) -> u8 {
    if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte }
}

/// What is searched for: bytes that are not too many to search for at every place.
fn needle(arguments: &Arguments) -> Option<Vec<u8>> {
    let value = arguments.at(0)?;
    if arguments.positional.len() > 1 {
        return None;
    }
    match super::byte(value) {
        Some(byte) => Some(vec![byte]),
        None => bytes_of(value).filter(|bytes| bytes.len() <= MAX_NEEDLE).map(|bytes| bytes.to_vec()),
    }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => Some(0),
        [one] => bytes.iter().position(|byte| byte == one),
        _ => bytes.windows(part.len()).position(|window| window == part),
    }
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    if part.is_empty() { bytes.len() + 1 } else { pieces(bytes, part, usize::MAX).len() - 1 }
}

/// The pieces of bytes between a separator.
fn pieces<'a>(bytes: &'a [u8], separator: &[u8], limit: usize) -> Vec<&'a [u8]> {
    let (mut rest, mut out) = (bytes, Vec::new());
    while out.len() < limit {
        let Some((left, right)) = position(rest, separator)
            .and_then(|found| Some((rest.get(..found)?, rest.get(found + separator.len()..)?)))
        else {
            break;
        };
        out.push(left);
        rest = right;
    }
    out.push(rest);
    out
}

fn hexadecimal(bytes: &[u8], arguments: &Arguments) -> Option<Value> {
    let digits = hex::encode(bytes);
    let Some(separator) = arguments.at(0) else {
        return made(&digits);
    };
    if arguments.positional.len() > 1 {
        return None;
    }
    let separator = separator.as_text()?;
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    made(&pairs.join(separator))
}

/// `bytes.fromhex`, which skips blanks.
pub(super) fn from_hex(value: &Value) -> Option<Value> {
    let digits: Vec<u8> = value.as_bytes()?.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    made_bytes(&crate::decode::hex(&digits)?)
}

/// The bytes between the items.
pub(super) fn join(between: &[u8], parts: &Value) -> Option<Value> {
    let mut out = Vec::new();
    for (position, part) in items(parts)?.iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(&bytes_of(part)?);
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    made_bytes(&out)
}

fn replace(bytes: &[u8], arguments: &Arguments) -> Option<Value> {
    let (old, new) = (bytes_of(arguments.at(0)?)?, bytes_of(arguments.at(1)?)?);
    if old.is_empty() || old.len() > MAX_NEEDLE || arguments.positional.len() > 2 {
        return None;
    }
    let pieces = pieces(bytes, &old, usize::MAX);
    if pieces.len().saturating_mul(new.len()).saturating_add(bytes.len()) > MAX_RESULT {
        return None;
    }
    made_bytes(&pieces.join(&*new))
}

fn split(bytes: &[u8], arguments: &Arguments) -> Option<Value> {
    let limit = match arguments.at(1).or_else(|| arguments.named("maxsplit")) {
        Some(limit) => usize::try_from(integer(limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let parts: Vec<&[u8]> = match arguments.at(0).map(|separator| &separator.known) {
        None | Some(Known::Nothing) => bytes.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty()).collect(),
        Some(Known::Bytes(separator)) if (1..=MAX_NEEDLE).contains(&separator.len()) => pieces(bytes, separator, limit),
        Some(_) => return None,
    };
    made_list(parts.into_iter().map(Value::bytes).collect())
}

/// Whether each byte is in a set.
fn members(set: &[u8]) -> [bool; 256] {
    let mut members = [false; 256];
    for &byte in set {
        if let Some(place) = members.get_mut(usize::from(byte)) {
            *place = true;
        }
    }
    members
}

fn strip(bytes: &[u8], name: &str, arguments: &Arguments) -> Option<Value> {
    let set = match arguments.at(0) {
        Some(set) => members(&bytes_of(set)?),
        None => members(b" \t\n\r\x0b\x0c"),
    };
    let kept = |byte: &u8| !set.get(usize::from(*byte)).is_some_and(|&inside| inside);
    let start = if name == "rstrip" { 0 } else { bytes.iter().position(kept).unwrap_or(bytes.len()) };
    let end = if name == "lstrip" { bytes.len() } else { bytes.iter().rposition(kept).map_or(0, |last| last + 1) };
    made_bytes(bytes.get(start..end).unwrap_or_default())
}

fn translate(bytes: &[u8], arguments: &Arguments) -> Option<Value> {
    let table = bytes_of(arguments.at(0)?)?;
    let dropped = match arguments.at(1).or_else(|| arguments.named("delete")) {
        Some(dropped) => members(&bytes_of(dropped)?),
        None => members(b""),
    };
    let kept = bytes.iter().filter(|&&byte| !dropped.get(usize::from(byte)).is_some_and(|&inside| inside));
    let out: Option<Vec<u8>> = kept.map(|&byte| table.get(usize::from(byte)).copied()).collect();
    made_bytes(&out?)
}
