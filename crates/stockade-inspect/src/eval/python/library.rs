//! Functions of the standard library's modules that are pure.

use std::rc::Rc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

use super::{
    MAX_ITEMS, ascii_of, bytes_of, codecs, containers, format, functions, integer, items, made, made_bytes, made_list,
    numbers, size,
};
use crate::decode::{self, Format};
use crate::value::{Apply, Arguments, HOLE, Known, Value};

/// How many characters a line of `base64.encodebytes` has.
const BASE64_LINE: usize = 76;

/// The deepest document that is written as JSON.
const MAX_JSON_DEPTH: u32 = 32;

/// The longest literal that is read by `ast.literal_eval`: 1 MB.
const MAX_LITERAL: usize = 1024 * 1024;

/// What a function gives, by its path.
pub(super) fn function(path: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let (module, name) = path.rsplit_once('.')?;
    match module {
        "base64" | "pybase64" => base64_function(name, arguments),
        "binascii" => binascii(name, arguments),
        "zlib" | "zlib.decompressobj()" | "gzip" => inflated(module, name, arguments),
        "codecs" => codec(name, arguments),
        "urllib.parse" => url(name, arguments),
        "json" => json(name, arguments),
        "itertools" | "itertools.chain" => iterated(name, arguments, apply),
        "functools" if name == "reduce" => functions::reduce(arguments, apply),
        "operator" | "_operator" => operator(name, arguments),
        "re" => pattern(name, arguments),
        "textwrap" | "inspect" if matches!(name, "dedent" | "cleandoc") => made(&dedented(arguments.at(0)?.as_text()?)),
        "ast" if name == "literal_eval" => literal(arguments.at(0)?.as_text()?),
        "io" | "StringIO" | "cStringIO" | "_io" if matches!(name, "BytesIO" | "StringIO") => {
            let content = arguments.at(0)?;
            match &content.known {
                Known::Text(text) if !text.is_empty() => Some(content.clone()),
                Known::Bytes(bytes) if !bytes.is_empty() => Some(content.clone()),
                _ => None,
            }
        }
        "os" if name == "fspath" => arguments.at(0).cloned(),
        "os" if matches!(name, "fsencode" | "fsdecode") => arguments.at(0).cloned(),
        "posixpath" | "ntpath" => super::paths::function(name, arguments),
        "sys" if name == "intern" => arguments.at(0).cloned(),
        "html" if name == "unescape" => None,
        "math" => math(name, arguments.at(0)?),
        _ => None,
    }
}

fn base64_function(name: &str, arguments: &Arguments) -> Option<Value> {
    let data = ascii_of(arguments.at(0).or_else(|| arguments.named("s"))?)?;
    match name {
        "b64decode" => made_bytes(&decode::base64_lenient(&standard(&data, arguments)?)),
        "standard_b64decode" | "urlsafe_b64decode" | "decodebytes" | "decodestring" => {
            made_bytes(&decode::base64_lenient(&data))
        }
        "b32decode" => made_bytes(&decode::base32(&data)?),
        "b16decode" => made_bytes(&decode::hex(&data)?),
        "b85decode" => made_bytes(&decode::base85(&data)?),
        "a85decode" => made_bytes(&decode::ascii85(&data)?),
        "b64encode" | "standard_b64encode" => made_bytes(BASE64_STANDARD.encode(&data).as_bytes()),
        "urlsafe_b64encode" => made_bytes(BASE64_URL_SAFE.encode(&data).as_bytes()),
        "encodebytes" | "encodestring" => made_bytes(base64_text(&data).as_bytes()),
        "b16encode" => made_bytes(hex::encode_upper(&data).as_bytes()),
        "b32encode" => made_bytes(&base32(&data)),
        _ => None,
    }
}

/// The text with the alternative characters of the call put back.
fn standard(data: &[u8], arguments: &Arguments) -> Option<Vec<u8>> {
    let Some(others) = arguments.at(1).or_else(|| arguments.named("altchars")) else {
        return Some(data.to_vec());
    };
    if matches!(others.known, Known::Nothing) {
        return Some(data.to_vec());
    }
    match *ascii_of(others)? {
        [plus, slash] => {
            let back = |byte: u8| match byte {
                byte if byte == plus => b'+',
                byte if byte == slash => b'/',
                byte => byte,
            };
            Some(data.iter().map(|&byte| back(byte)).collect())
        }
        _ => None,
    }
}

/// Base64 in lines, each with its end.
pub(super) fn base64_text(data: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(data);
    let mut out = String::with_capacity(text.len() + text.len() / BASE64_LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(BASE64_LINE));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out
}

fn base32(data: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = Vec::with_capacity(data.len().div_ceil(5) * 8);
    for chunk in data.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(chunk.get(at).copied().unwrap_or(0)));
        let digits = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or(0);
            out.push(if at < digits { ALPHABET.get(digit).copied().unwrap_or(b'=') } else { b'=' });
        }
    }
    out
}

fn binascii(name: &str, arguments: &Arguments) -> Option<Value> {
    let data = ascii_of(arguments.at(0)?)?;
    match name {
        "unhexlify" | "a2b_hex" => made_bytes(&decode::hex(&data)?),
        "a2b_base64" => made_bytes(&decode::base64_lenient(&data)),
        "hexlify" | "b2a_hex" => made_bytes(hex::encode(&data).as_bytes()),
        "b2a_base64" => made_bytes(format!("{}\n", BASE64_STANDARD.encode(&data)).as_bytes()),
        _ => None,
    }
}

fn inflated(module: &str, name: &str, arguments: &Arguments) -> Option<Value> {
    let unpack = |data: &[u8], format| decode::inflate(data, format);
    match (module, name) {
        ("zlib", "decompress") => {
            let data = bytes_of(arguments.at(0)?)?;
            let bits = match arguments.at(1).or_else(|| arguments.named("wbits")) {
                Some(bits) => integer(bits)?,
                None => 15,
            };
            made_bytes(&match bits {
                ..0 => unpack(&data, Format::Raw)?,
                24..=31 => unpack(&data, Format::Gzip)?,
                32.. => unpack(&data, Format::Gzip).or_else(|| unpack(&data, Format::Zlib))?,
                _ => unpack(&data, Format::Zlib)?,
            })
        }
        ("zlib.decompressobj()", "decompress") => {
            let data = bytes_of(arguments.at(0)?)?;
            let formats = [Format::Zlib, Format::Gzip, Format::Raw];
            made_bytes(&formats.into_iter().find_map(|format| unpack(&data, format))?)
        }
        ("gzip", "decompress") => made_bytes(&unpack(&bytes_of(arguments.at(0)?)?, Format::Gzip)?),
        ("gzip", "GzipFile" | "open") => {
            let file = arguments.named("fileobj").or_else(|| arguments.at(0))?;
            match &file.known {
                Known::Bytes(data) => made_bytes(&unpack(data, Format::Gzip)?),
                _ => None,
            }
        }
        _ => None,
    }
}

fn codec(name: &str, arguments: &Arguments) -> Option<Value> {
    let (value, encoding) = (arguments.at(0)?, super::text::encoding_at(arguments, 1, "utf-8")?);
    match (name, &value.known) {
        ("decode", Known::Text(text)) if codecs::gives_bytes(&encoding) => {
            codecs::decode(text.as_bytes(), &encoding, "strict")
        }
        ("decode", Known::Text(text)) => codecs::decode_text(text, &encoding),
        ("decode", _) => {
            let errors = arguments.at(2).or_else(|| arguments.named("errors")).and_then(Value::as_text);
            codecs::decode(&bytes_of(value)?, &encoding, errors.map_or("strict", |errors| errors))
        }
        ("encode", Known::Text(text)) => codecs::encode(text, &encoding),
        ("encode", _) => codecs::encode_bytes(&bytes_of(value)?, &encoding),
        ("escape_decode" | "unicode_escape_decode", _) => {
            let bytes = ascii_of(value)?;
            let text = codecs::unescaped(&codecs::latin1(&bytes))?;
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            let first = if name == "escape_decode" { made_bytes(&bytes?)? } else { made(&text)? };
            made_list(vec![first, super::counted(text.len())])
        }
        _ => None,
    }
}

fn url(name: &str, arguments: &Arguments) -> Option<Value> {
    let text = || arguments.at(0)?.as_text();
    match name {
        "unquote" => made(&String::from_utf8_lossy(&decode::percent(text()?.as_bytes()))),
        "unquote_plus" => made(&String::from_utf8_lossy(&decode::percent(text()?.replace('+', " ").as_bytes()))),
        "unquote_to_bytes" => made_bytes(&decode::percent(&ascii_of(arguments.at(0)?)?)),
        "quote" | "quote_plus" => {
            let safe = match arguments.at(1).or_else(|| arguments.named("safe")) {
                Some(safe) => safe.as_text()?.to_string(),
                None if name == "quote" => "/".to_owned(),
                None => String::new(),
            };
            let quoted = quote(&ascii_of(arguments.at(0)?)?, safe.as_bytes());
            made(&if name == "quote" { quoted } else { quoted.replace("%20", "+") })
        }
        "urlencode" => {
            let pairs = containers::entries(arguments.at(0)?)?;
            let encoded = pairs.iter().map(|(key, value)| {
                let value = match &value.known {
                    Known::Bytes(bytes) => quote(bytes, b""),
                    _ => format::shown(value).map_or(HOLE.to_string(), |text| quote(text.as_bytes(), b"")),
                };
                format!("{}={value}", quote(key.as_bytes(), b""))
            });
            made(&encoded.collect::<Vec<_>>().join("&").replace("%20", "+"))
        }
        "urljoin" => {
            let (base, path) = (text()?, arguments.at(1)?.as_partial()?);
            if path.contains("://") {
                return made(path);
            }
            let host = base.find("://").map_or(0, |at| at + 3);
            let root = base.get(host..)?.find('/').map_or(base.len(), |at| host + at);
            let end = if path.starts_with('/') {
                root
            } else {
                base.rfind('/').filter(|&at| at >= root).map_or(root, |at| at + 1)
            };
            let between = if end == root && !path.starts_with('/') { "/" } else { "" };
            made(&[base.get(..end)?, between, path].concat())
        }
        _ => None,
    }
}

fn quote(bytes: &[u8], safe: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

fn json(name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "loads" => {
            let text = ascii_of(arguments.at(0)?)?;
            from_json(&serde_json::from_slice(&text).ok()?, 0)
        }
        "dumps" => {
            let mut out = String::new();
            to_json(arguments.at(0)?, &mut out, 0)?;
            made(&out)
        }
        _ => None,
    }
}

fn from_json(json: &serde_json::Value, depth: u32) -> Option<Value> {
    use serde_json::Value as Json;
    if depth > MAX_JSON_DEPTH * 4 {
        return None;
    }
    Some(match json {
        Json::Null => Known::Nothing.into(),
        Json::Bool(truth) => super::truth(*truth),
        Json::Number(number) => Value::number(number.as_f64()?),
        Json::String(text) => Value::text(text),
        Json::Array(items) => {
            made_list(items.iter().map(|item| from_json(item, depth + 1)).collect::<Option<Vec<Value>>>()?)?
        }
        Json::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| Some((Rc::from(key.as_str()), from_json(value, depth + 1)?)));
            Value::map(entries.collect::<Option<crate::value::Entries>>()?)
        }
    })
}

/// JSON as Python writes it; what is not known is a hole.
fn to_json(value: &Value, out: &mut String, depth: u32) -> Option<()> {
    if depth > MAX_JSON_DEPTH || out.len() > super::MAX_RESULT {
        return None;
    }
    match &value.known {
        Known::Nothing => out.push_str("null"),
        Known::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Known::Number(_) => out.push_str(&format::shown(value)?),
        Known::Text(text) | Known::Partial(text) => out.push_str(&json_string(text)?),
        Known::List(items) => {
            out.push('[');
            for (at, item) in items.borrow().iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                to_json(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Known::Map(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.borrow().iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&json_string(key)?);
                out.push_str(": ");
                to_json(item, out, depth + 1)?;
            }
            out.push('}');
        }
        _ => out.push(HOLE),
    }
    Some(())
}

/// A string with what is not ASCII escaped, but for holes.
fn json_string(text: &str) -> Option<String> {
    let plain = serde_json::to_string(text).ok()?;
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_ascii() || c == HOLE {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Some(out)
}

fn iterated(name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let first = arguments.at(0);
    match name {
        "chain" => {
            let parts: Option<Vec<Vec<Value>>> = arguments.positional.iter().map(items).collect();
            made_list(parts?.concat())
        }
        "from_iterable" => {
            let parts: Option<Vec<Vec<Value>>> = items(first?)?.iter().map(items).collect();
            made_list(parts?.concat())
        }
        "cycle" => {
            let around = items(first?)?;
            (!around.is_empty()).then(|| containers::endless(around))
        }
        "repeat" => match arguments.at(1) {
            Some(times) => {
                let times = size(times)?;
                if times > MAX_ITEMS { None } else { made_list(vec![first?.clone(); times]) }
            }
            None => Some(containers::endless(vec![first?.clone()])),
        },
        "islice" => {
            let all = items(first?)?;
            let bounds: Option<Vec<usize>> = arguments.positional.iter().skip(1).map(size).collect();
            let (start, stop, step) = match *bounds?.as_slice() {
                [stop] => (0, stop, 1),
                [start, stop] => (start, stop, 1),
                [start, stop, step] => (start, stop, step.max(1)),
                _ => return None,
            };
            made_list(all.into_iter().take(stop).skip(start).step_by(step).collect())
        }
        "starmap" => {
            let function = first?;
            let rows: Option<Vec<Vec<Value>>> = items(arguments.at(1)?)?.iter().map(items).collect();
            made_list(rows?.into_iter().map(|row| apply(function, &row)).collect())
        }
        _ => None,
    }
}

fn operator(name: &str, arguments: &Arguments) -> Option<Value> {
    let (left, right) = (arguments.at(0)?, arguments.at(1));
    match (name, right) {
        ("getitem", Some(at)) => item(left, at),
        ("not_", None) => super::truthy(left).map(|truth| super::truth(!truth)),
        ("neg", None) => Some(Value::number(-numbers::number(left)?)),
        ("invert" | "inv", None) => super::from_integer(-i128::from(integer(left)?) - 1),
        (_, Some(right)) => {
            numbers::operate(name.trim_matches('_'), left, right).or_else(|| numbers::operate(name, left, right))
        }
        _ => None,
    }
}

/// `container[at]`.
fn item(container: &Value, at: &Value) -> Option<Value> {
    if let Known::Map(entries) = &container.known {
        return entries.borrow().get(&*super::key(at)?).cloned();
    }
    let all = items(container)?;
    let at = integer(at)?;
    let back = usize::try_from(at.unsigned_abs()).ok()?;
    all.get(if at < 0 { all.len().checked_sub(back)? } else { back }).cloned()
}

fn math(name: &str, value: &Value) -> Option<Value> {
    let number = numbers::number(value)?;
    let result = match name {
        "floor" => number.floor(),
        "ceil" => number.ceil(),
        "trunc" => number.trunc(),
        "sqrt" => number.sqrt(),
        "fabs" => number.abs(),
        _ => return None,
    };
    result.is_finite().then(|| Value::number(result))
}

/// Regular expressions that are plain texts, and those that count characters.
fn pattern(name: &str, arguments: &Arguments) -> Option<Value> {
    let pattern = arguments.at(0)?.as_text()?;
    let plain = |pattern: &str| !pattern.is_empty() && !pattern.contains(|c: char| ".^$*+?{}[]\\|()".contains(c));
    match name {
        "sub" if plain(pattern) && arguments.positional.len() == 3 => {
            let (new, text) = (arguments.at(1)?.as_text()?, arguments.at(2)?.as_text()?);
            if new.contains('\\') || text.len().saturating_mul(new.len().max(1)) > super::MAX_RESULT * 4 {
                return None;
            }
            made(&text.replace(&**pattern, new))
        }
        "split" if plain(pattern) && arguments.positional.len() == 2 => {
            made_list(arguments.at(1)?.as_text()?.split(&**pattern).map(Value::text).collect())
        }
        "findall" if arguments.positional.len() == 2 => {
            let (dots, rest) = match pattern.strip_suffix('?') {
                Some(dots) => (dots, true),
                None => (&**pattern, false),
            };
            if dots.is_empty() || !dots.bytes().all(|byte| byte == b'.') || (rest && dots.len() == 1) {
                return None;
            }
            let shortest = if rest { dots.len() - 1 } else { dots.len() };
            let mut out = Vec::new();
            for line in arguments.at(1)?.as_text()?.split('\n') {
                let chars: Vec<char> = line.chars().collect();
                let chunks = chars.chunks(dots.len()).filter(|chunk| chunk.len() >= shortest);
                out.extend(chunks.map(|chunk| Value::text(&chunk.iter().collect::<String>())));
            }
            made_list(out)
        }
        "escape" => {
            let special = |c: char| ".^$*+?{}[]\\|()-&~# \t\n\r\x0b\x0c".contains(c);
            made(&pattern.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect::<String>())
        }
        _ => None,
    }
}

/// The text without the blanks that all its lines begin with.
fn dedented(text: &str) -> String {
    let lines = || text.split('\n').filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let margin = lines().map(indent).min().unwrap_or(0);
    let cut = |line: &str| {
        if line.trim().is_empty() { String::new() } else { line.get(margin..).unwrap_or(line).to_owned() }
    };
    text.split('\n').map(cut).collect::<Vec<_>>().join("\n")
}

/// `ast.literal_eval`.
fn literal(text: &str) -> Option<Value> {
    if text.len() > MAX_LITERAL {
        return None;
    }
    let program = crate::lower::python::lower(text.trim(), &mut crate::ir::Names::default());
    match program.body.as_slice() {
        [crate::ir::Statement::Do(only)] if program.problems.is_empty() => literal_value(&program, *only, 0),
        _ => None,
    }
}

fn literal_value(program: &crate::ir::Program, at: crate::ir::Expr, depth: u32) -> Option<Value> {
    use crate::ir::{Expression, Unary};
    if depth > MAX_JSON_DEPTH {
        return None;
    }
    Some(match program.expression(at) {
        Expression::Nothing => Known::Nothing.into(),
        Expression::Boolean(truth) => super::truth(*truth),
        Expression::Number(number) => Value::number(*number),
        Expression::Text(text) => Known::Text(Rc::clone(text)).into(),
        Expression::Bytes(bytes) => Known::Bytes(Rc::clone(bytes)).into(),
        Expression::Unary(Unary::Minus, inner) => {
            Value::number(-numbers::number(&literal_value(program, *inner, depth + 1)?)?)
        }
        Expression::List(parts) => {
            let parts: Option<Vec<Value>> = parts.iter().map(|&part| literal_value(program, part, depth + 1)).collect();
            made_list(parts?)?
        }
        Expression::Map(pairs) => {
            let pair = |&(key, value): &(crate::ir::Expr, crate::ir::Expr)| {
                let key = super::key(&literal_value(program, key, depth + 1)?)?;
                Some((key, literal_value(program, value, depth + 1)?))
            };
            Value::map(pairs.iter().map(pair).collect::<Option<crate::value::Entries>>()?)
        }
        _ => return None,
    })
}
