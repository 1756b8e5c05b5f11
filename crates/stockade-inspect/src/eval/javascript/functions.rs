//! Functions of the platform that depend on their arguments alone.

use std::rc::Rc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::super::truth;
use super::units::of_units;
use super::{
    MAX_ITEMS, bytes, bytes_value, float, json, list_value, number_at, numbers, pairs, paths, plain_text, text_value,
    whole,
};
use crate::decode::{self, Format};
use crate::ir::Language;
use crate::value::{Apply, Arguments, Entries, Known, Value};

/// What a function of the platform gives; `None` if that is not known.
pub(crate) fn function(path: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    if let Some(name) = path.strip_prefix("Math.") {
        return numbers::math(name, arguments).map(Value::number);
    }
    if let Some(name) = path.strip_prefix("path.") {
        return path_function(name, arguments);
    }
    match path.split_once('.') {
        Some(("Object", name)) => object(name, arguments),
        Some(("Array" | "Uint8Array" | "Uint8ClampedArray" | "Int8Array" | "Uint16Array" | "Uint32Array", "from")) => {
            array_from(path.starts_with("Uint8Array"), arguments, apply)
        }
        Some(("Array", "isArray")) => match arguments.at(0)?.known {
            Known::Unknown | Known::Api(_) => None,
            Known::List(_) => Some(Known::Boolean(true).into()),
            _ => Some(Known::Boolean(false).into()),
        },
        Some(("Array" | "Uint8Array", "of")) => list_value(arguments.positional.clone()),
        Some(("Buffer", name)) => buffer(name, arguments),
        Some(("String", name)) => string(name, arguments),
        Some(("Number", name)) => number(name, arguments),
        Some(("JSON", "parse")) => json::parse(arguments.at(0)?.as_text()?),
        Some(("JSON", "stringify")) => json::stringify(arguments.at(0)?),
        Some(("os", "homedir")) => Some(Known::Partial("~".into()).into()),
        Some(("os", "tmpdir")) => Some(Known::Partial("/tmp".into()).into()),
        Some(("process", "cwd")) => Some(Known::Partial(".".into()).into()),
        Some(("Promise", "resolve") | ("util", "promisify" | "deprecate")) => arguments.at(0).cloned(),
        Some(("Promise", "all" | "allSettled")) => {
            arguments.at(0).filter(|list| matches!(list.known, Known::List(_))).cloned()
        }
        Some(("Reflect", "apply")) => reflect_apply(arguments, apply),
        Some(("url", "parse" | "URL") | ("URL", "parse")) => paths::address(arguments),
        Some(("url", "fileURLToPath" | "pathToFileURL")) => {
            arguments.at(0).filter(|value| value.as_partial().is_some()).cloned()
        }
        Some(("TextDecoder()", "decode")) => text_value(String::from_utf8_lossy(&bytes::of_value(arguments.at(0)?)?)),
        Some(("TextEncoder()", "encode")) => bytes_value(arguments.at(0)?.as_text()?.as_bytes()),
        Some(("querystring", "unescape")) => decode_component(&plain_text(arguments.at(0)?)?),
        Some((module, name)) => decoder(module, name, arguments),
        None => global(path, arguments),
    }
}

fn global(name: &str, arguments: &Arguments) -> Option<Value> {
    let text = || plain_text(arguments.at(0)?);
    match name {
        "atob" => {
            // Stricter than Node's buffers: what is not of the alphabet is an error.
            let text = text()?;
            text_value(bytes::latin1(&decode::base64(text.as_bytes())?))
        }
        "btoa" => {
            let bytes: Option<Vec<u8>> = text()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            text_value(BASE64_STANDARD.encode(bytes?))
        }
        "unescape" => text_value(unescape(&text()?)),
        "escape" => text_value(escape(&text()?)),
        "decodeURIComponent" => decode_component(&text()?),
        "decodeURI" => decode_address(&text()?),
        "encodeURIComponent" => text_value(encode(&text()?, b"-_.!~*'()")),
        "encodeURI" => text_value(encode(&text()?, b"-_.!~*'();/?:@&=+$,#")),
        "parseInt" => {
            let radix = number_at(arguments, 1, 0.0)?;
            Some(Value::number(numbers::parse_int(&text()?, radix)))
        }
        "parseFloat" => Some(Value::number(numbers::parse_float(&text()?))),
        "isNaN" => Some(Known::Boolean(numbers::number(arguments.at(0)?)?.is_nan()).into()),
        "isFinite" => Some(Known::Boolean(numbers::number(arguments.at(0)?)?.is_finite()).into()),
        "Number" | "BigInt" => Some(Value::number(number_at(arguments, 0, 0.0)?)),
        "String" if arguments.positional.is_empty() => Some(Value::text("")),
        "String" => match &arguments.at(0)?.known {
            Known::Partial(_) => arguments.at(0).cloned(),
            _ => text_value(text()?),
        },
        "Boolean" => Some(Known::Boolean(truth(arguments.at(0)?, Language::JavaScript)?).into()),
        "Object" | "structuredClone" if !arguments.positional.is_empty() => {
            arguments.at(0).filter(|value| !matches!(value.known, Known::Unknown | Known::Api(_))).cloned()
        }
        "Object" | "Map" | "WeakMap" => map(arguments),
        "Set" => match arguments.at(0).map(|value| &value.known) {
            None | Some(Known::Nothing) => Some(Value::list(Vec::new())),
            Some(Known::List(items)) => list_value(items.borrow().clone()),
            Some(_) => None,
        },
        "Array" => match arguments.positional.as_slice() {
            [Value { known: Known::Number(length), .. }] => filled(*length, &Known::Nothing.into()),
            _ => list_value(arguments.positional.clone()),
        },
        "Uint8Array" | "Uint8ClampedArray" => typed(true, arguments),
        "Int8Array" | "Uint16Array" | "Int16Array" | "Uint32Array" | "Int32Array" | "Float32Array" | "Float64Array" => {
            typed(false, arguments)
        }
        "Buffer" => bytes::from(arguments),
        "RegExp" => match &arguments.at(0)?.known {
            Known::Pattern(pattern) => Some(Known::Pattern(Rc::clone(pattern)).into()),
            Known::Text(pattern) => {
                let flags = match arguments.at(1) {
                    Some(flags) if !matches!(flags.known, Known::Nothing) => Rc::clone(flags.as_text()?),
                    _ => "".into(),
                };
                Some(Known::Pattern(Rc::new((Rc::clone(pattern), flags))).into())
            }
            _ => None,
        },
        "URL" | "Request" => paths::address(arguments),
        _ => None,
    }
}

fn path_function(name: &str, arguments: &Arguments) -> Option<Value> {
    let name = name.strip_prefix("posix.").or_else(|| name.strip_prefix("win32.")).unwrap_or(name);
    match name {
        "join" => Some(paths::join(arguments, false)),
        "resolve" => Some(paths::join(arguments, true)),
        "normalize" => Some(paths::known(&paths::normal(arguments.at(0)?.as_partial()?), arguments)),
        "basename" | "dirname" | "extname" => paths::part(name, arguments),
        _ => None,
    }
}

fn object(name: &str, arguments: &Arguments) -> Option<Value> {
    let first = arguments.at(0);
    let indexed = |items: &[Value]| {
        let key = |(at, item): (usize, &Value)| (Rc::<str>::from(at.to_string()), item.clone());
        items.iter().enumerate().map(key).collect::<Entries>()
    };
    let entries = || match &first?.known {
        Known::Map(entries) => Some(entries.borrow().clone()),
        Known::List(items) => Some(indexed(&items.borrow())),
        _ => None,
    };
    match name {
        "keys" | "getOwnPropertyNames" => {
            list_value(entries()?.into_keys().map(|key| Known::Text(key).into()).collect())
        }
        "values" => list_value(entries()?.into_values().collect()),
        "entries" => list_value(pairs(&entries()?)),
        "assign" => {
            let Known::Map(target) = &first?.known else { return None };
            for source in arguments.positional.iter().skip(1) {
                let Known::Map(source) = &source.known else { continue };
                let news = source.borrow().clone();
                let mut target = target.borrow_mut();
                for (key, value) in news {
                    super::enter(&mut target, key, value);
                }
            }
            first.cloned()
        }
        "fromEntries" => map(arguments),
        "create" => match first?.known {
            Known::Nothing => Some(Known::Map(Rc::default()).into()),
            _ => None,
        },
        "freeze" | "seal" | "preventExtensions" | "setPrototypeOf" => {
            first.filter(|value| !matches!(value.known, Known::Unknown)).cloned()
        }
        // The way to the constructor of functions that are asynchronous or generators.
        "getPrototypeOf" => match first?.known {
            Known::Function(_) => Some(Value::api("Function.prototype")),
            _ => None,
        },
        _ => None,
    }
}

/// `new Map(pairs)` and `Object.fromEntries(pairs)`.
fn map(arguments: &Arguments) -> Option<Value> {
    let mut entries = Entries::default();
    match arguments.at(0).map(|value| &value.known) {
        None | Some(Known::Nothing) => {}
        Some(Known::Map(from)) => entries.extend(from.borrow().clone()),
        Some(Known::List(list)) => {
            for pair in list.borrow().iter() {
                let Known::List(pair) = &pair.known else { return None };
                let pair = pair.borrow();
                super::enter(&mut entries, plain_text(pair.first()?)?.into(), pair.get(1).cloned().unwrap_or_default());
            }
        }
        Some(_) => return None,
    }
    Some(Value::map(entries))
}

/// `Array.from` and `Uint8Array.from`, with what is called for each item.
fn array_from(of_bytes: bool, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let items: Vec<Value> = match &arguments.at(0)?.known {
        Known::List(items) => items.borrow().clone(),
        Known::Text(text) => text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect(),
        Known::Bytes(bytes) => bytes.iter().map(|byte| Value::number(f64::from(*byte))).collect(),
        Known::Map(entries) => {
            let entries = entries.borrow();
            match entries.get("length") {
                Some(length) => {
                    let length = length.as_number().filter(|length| (0.0..=float(MAX_ITEMS)).contains(length))?;
                    vec![Known::Nothing.into(); whole(length)]
                }
                None => pairs(&entries),
            }
        }
        _ => return None,
    };
    if items.len() > MAX_ITEMS {
        return None;
    }
    let items = match arguments.at(1) {
        Some(function) if matches!(function.known, Known::Function(_) | Known::Api(_)) => {
            let numbered = items.into_iter().enumerate();
            numbered.map(|(at, item)| apply(function, &[item, Value::number(float(at))])).collect()
        }
        _ => items,
    };
    let list = Value::list(items);
    if of_bytes { bytes_value(&bytes::of_value(&list)?) } else { Some(list) }
}

/// A typed array. One that is made with a length is going to be filled, so it is a list that can be.
fn typed(of_bytes: bool, arguments: &Arguments) -> Option<Value> {
    match &arguments.at(0)?.known {
        Known::Number(length) => filled(*length, &Value::number(0.0)),
        Known::Bytes(bytes) => Some(Known::Bytes(Rc::clone(bytes)).into()),
        Known::List(_) if of_bytes => bytes_value(&bytes::of_value(arguments.at(0)?)?),
        Known::List(items) => list_value(items.borrow().clone()),
        _ => None,
    }
}

fn filled(length: f64, value: &Value) -> Option<Value> {
    (0.0..=float(MAX_ITEMS)).contains(&length).then(|| Value::list(vec![value.clone(); whole(length)]))
}

fn buffer(name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "from" => bytes::from(arguments),
        "alloc" | "allocUnsafe" | "allocUnsafeSlow" => {
            let fill = arguments.at(1).and_then(Value::as_number).unwrap_or(0.0);
            filled(arguments.at(0)?.as_number()?, &Value::number(fill))
        }
        "concat" => {
            let Known::List(parts) = &arguments.at(0)?.known else { return None };
            let parts: Option<Vec<Rc<[u8]>>> = parts.borrow().iter().map(bytes::of_value).collect();
            bytes_value(&parts?.concat())
        }
        "byteLength" => Some(Value::number(float(arguments.at(0)?.as_bytes()?.len()))),
        "isBuffer" => match arguments.at(0)?.known {
            Known::Unknown | Known::Api(_) => None,
            Known::Bytes(_) => Some(Known::Boolean(true).into()),
            _ => Some(Known::Boolean(false).into()),
        },
        _ => None,
    }
}

fn string(name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "fromCharCode" => {
            let units: Option<Vec<u16>> =
                arguments.positional.iter().map(|value| numbers::number(value).map(numbers::uint16)).collect();
            text_value(of_units(&units?))
        }
        "fromCodePoint" => {
            let letters: Option<String> = arguments
                .positional
                .iter()
                .map(|value| {
                    numbers::number(value).and_then(|number| char::from_u32(u32::try_from(whole(number)).ok()?))
                })
                .collect();
            text_value(letters?)
        }
        "raw" => {
            let Known::List(strings) = &arguments.at(0)?.known else { return None };
            let mut text = String::new();
            for (at, part) in strings.borrow().iter().enumerate() {
                text.push_str(&plain_text(part)?);
                if let Some(value) = arguments.at(at + 1) {
                    text.push_str(&plain_text(value)?);
                }
            }
            text_value(text)
        }
        _ => None,
    }
}

fn number(name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "parseInt" | "parseFloat" => global(name, arguments),
        "isInteger" | "isSafeInteger" => match arguments.at(0)?.known {
            Known::Number(number) => Some(Known::Boolean(number.fract() == 0.0).into()),
            _ => None,
        },
        "isNaN" | "isFinite" => arguments.at(0)?.as_number().and_then(|_| global(name, arguments)),
        _ => None,
    }
}

fn reflect_apply(arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let Known::List(values) = &arguments.at(2)?.known else { return None };
    let values = values.borrow().clone();
    Some(apply(arguments.at(0)?, &values))
}

/// Decompressors, of Node and of the packages that everybody uses.
fn decoder(module: &str, name: &str, arguments: &Arguments) -> Option<Value> {
    let input = || bytes::of_value(arguments.at(0)?);
    let latin = || match &arguments.at(0)?.known {
        Known::Text(text) => Some(bytes::of_text(text, "latin1")?),
        _ => input().map(|bytes| bytes.to_vec()),
    };
    let format = match name {
        "inflateSync" | "inflate" | "unzlibSync" if module != "fflate" || name == "unzlibSync" => Format::Zlib,
        "inflateRawSync" | "inflateRaw" | "inflateSync" => Format::Raw,
        "gunzipSync" | "ungzip" => Format::Gzip,
        "unzipSync" | "decompressSync" => either(&latin()?),
        _ => Format::Zlib,
    };
    match (module, name) {
        ("zlib", name) if name.ends_with("Sync") && is_inflater(name) => {
            bytes_value(&decode::inflate(&input()?, format)?)
        }
        ("fflate" | "Bun", name) if is_inflater(name) && name.ends_with("Sync") => {
            bytes_value(&decode::inflate(&input()?, format)?)
        }
        ("pako", "inflate" | "ungzip" | "inflateRaw") => {
            let input = latin()?;
            // Like the package: `inflate` takes either wrapping.
            let format = if name == "inflateRaw" { format } else { either(&input) };
            let output = decode::inflate(&input, format)?;
            let as_text = arguments.at(1).is_some_and(|options| match &options.known {
                Known::Map(entries) => entries.borrow().contains_key("to"),
                _ => false,
            });
            if as_text { text_value(String::from_utf8_lossy(&output)) } else { bytes_value(&output) }
        }
        ("js-base64" | "base-64" | "Base64", "decode" | "atob" | "fromBase64") => {
            let bytes = decode::base64_lenient(plain_text(arguments.at(0)?)?.as_bytes());
            text_value(String::from_utf8(bytes).unwrap_or_else(|error| bytes::latin1(error.as_bytes())))
        }
        ("base64-js", "toByteArray") => bytes_value(&decode::base64_lenient(plain_text(arguments.at(0)?)?.as_bytes())),
        _ => None,
    }
}

fn is_inflater(name: &str) -> bool {
    matches!(name, "inflateSync" | "inflateRawSync" | "gunzipSync" | "unzipSync" | "unzlibSync" | "decompressSync")
}

/// Gzip by its first two bytes, and zlib otherwise.
fn either(bytes: &[u8]) -> Format {
    if bytes.starts_with(&[0x1f, 0x8b]) { Format::Gzip } else { Format::Zlib }
}

fn decode_component(text: &str) -> Option<Value> {
    text_value(String::from_utf8(decode::percent(text.as_bytes())).ok()?)
}

/// `decodeURI` leaves the escapes of what would change the address.
fn decode_address(text: &str) -> Option<Value> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = rest.get(..3).filter(|_| *first == b'%');
        match escape.map(decode::percent) {
            Some(byte) if byte.len() == 1 && !byte.iter().any(|byte| b";/?:@&=+$,#".contains(byte)) => {
                out.extend(byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    text_value(String::from_utf8(out).ok()?)
}

fn encode(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

/// `%uXXXX` and `%XX`, which are units and no bytes of UTF-8.
fn unescape(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let hexadecimal = |from: usize, digits: usize| {
        let some = units.get(from..from + digits)?;
        some.iter().try_fold(0_u16, |value, unit| {
            let digit = char::from_u32(u32::from(*unit))?.to_digit(16)?;
            Some(value << 4 | u16::try_from(digit).ok()?)
        })
    };
    let (mut out, mut at) = (Vec::with_capacity(units.len()), 0);
    while let Some(unit) = units.get(at) {
        let percent = *unit == u16::from(b'%');
        let long = (percent && units.get(at + 1) == Some(&u16::from(b'u'))).then(|| hexadecimal(at + 2, 4)).flatten();
        let short = percent.then(|| hexadecimal(at + 1, 2)).flatten();
        let (value, length) = match (long, short) {
            (Some(value), _) => (value, 6),
            (None, Some(value)) => (value, 3),
            _ => (*unit, 1),
        };
        out.push(value);
        at += length;
    }
    of_units(&out)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"@*_+-./".contains(&byte) => out.push(char::from(byte)),
            Ok(byte) => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
            Err(_) => {
                out.push_str("%u");
                out.push_str(&hex::encode_upper(unit.to_be_bytes()));
            }
        }
    }
    out
}
