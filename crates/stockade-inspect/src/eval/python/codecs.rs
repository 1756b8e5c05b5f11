//! Encodings by their names: of characters, and those that Python calls so though they are none.

use super::{made, made_bytes};
use crate::decode::{self, Format};
use crate::value::Value;

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    /// True if the bytes of a unit are in little-endian order.
    Utf16(Option<bool>),
    Hex,
    Base64,
    Rot13,
    Zlib,
    Escapes,
}

fn named(name: &str) -> Option<Encoding> {
    let name: String = name.to_ascii_lowercase().replace(['-', ' '], "_");
    Some(match name.as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "utf_8_sig" | "cp65001" => Encoding::Utf8,
        "ascii" | "us_ascii" | "646" => Encoding::Ascii,
        "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "8859" | "cp819" => Encoding::Latin1,
        "utf_16" | "utf16" | "u16" => Encoding::Utf16(None),
        "utf_16_le" | "utf_16le" | "utf16_le" => Encoding::Utf16(Some(true)),
        "utf_16_be" | "utf_16be" | "utf16_be" => Encoding::Utf16(Some(false)),
        "hex" | "hex_codec" => Encoding::Hex,
        "base64" | "base_64" | "base64_codec" => Encoding::Base64,
        "rot13" | "rot_13" => Encoding::Rot13,
        "zlib" | "zip" | "zlib_codec" => Encoding::Zlib,
        "unicode_escape" | "string_escape" => Encoding::Escapes,
        _ => return None,
    })
}

/// True if decoding gives bytes and not text.
pub(super) fn gives_bytes(encoding: &str) -> bool {
    matches!(named(encoding), Some(Encoding::Hex | Encoding::Base64 | Encoding::Zlib))
}

/// `bytes.decode`, and `codecs.decode` of bytes.
pub(super) fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Option<Value> {
    match named(encoding)? {
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => made(text.strip_prefix('\u{feff}').filter(|_| encoding.ends_with("sig")).unwrap_or(text)),
            Err(_) if errors == "ignore" => made(&bytes.utf8_chunks().map(|chunk| chunk.valid()).collect::<String>()),
            Err(_) if errors == "replace" => made(&String::from_utf8_lossy(bytes)),
            Err(_) => None,
        },
        Encoding::Ascii if bytes.is_ascii() => made(std::str::from_utf8(bytes).ok()?),
        Encoding::Ascii if errors == "ignore" => {
            made(&bytes.iter().filter(|byte| byte.is_ascii()).map(|&byte| char::from(byte)).collect::<String>())
        }
        Encoding::Ascii => None,
        Encoding::Latin1 => made(&latin1(bytes)),
        Encoding::Utf16(order) => made(&utf16(bytes, order)?),
        Encoding::Hex => made_bytes(&decode::hex(bytes)?),
        Encoding::Base64 => made_bytes(&decode::base64_lenient(bytes)),
        Encoding::Rot13 => made(&decode::rot13(std::str::from_utf8(bytes).ok()?)),
        Encoding::Zlib => made_bytes(&decode::inflate(bytes, Format::Zlib)?),
        Encoding::Escapes => made(&unescaped(&latin1(bytes))?),
    }
}

/// `str.decode` of Python 2: binary codecs give text again where they can.
pub(super) fn decode_text(text: &str, encoding: &str) -> Option<Value> {
    match named(encoding)? {
        Encoding::Utf8 | Encoding::Ascii | Encoding::Latin1 | Encoding::Utf16(_) => made(text),
        Encoding::Rot13 => made(&decode::rot13(text)),
        Encoding::Escapes => made(&unescaped(text)?),
        Encoding::Hex => text_or_bytes(&decode::hex(text.as_bytes())?),
        Encoding::Base64 => text_or_bytes(&decode::base64_lenient(text.as_bytes())),
        Encoding::Zlib => {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            text_or_bytes(&decode::inflate(&bytes?, Format::Zlib)?)
        }
    }
}

/// `bytes.encode`, which only Python 2 has.
pub(super) fn decode_legacy(bytes: &[u8], encoding: &str) -> Option<Value> {
    match named(encoding)? {
        Encoding::Hex => made(&hex::encode(bytes)),
        Encoding::Base64 => made(&super::library::base64_text(bytes)),
        _ => None,
    }
}

fn text_or_bytes(bytes: &[u8]) -> Option<Value> {
    match std::str::from_utf8(bytes) {
        Ok(text) => made(text),
        Err(_) => made_bytes(bytes),
    }
}

/// `str.encode`, and `codecs.encode` of a text.
pub(super) fn encode(text: &str, encoding: &str) -> Option<Value> {
    match named(encoding)? {
        Encoding::Utf8 => made_bytes(text.as_bytes()),
        Encoding::Ascii => text.is_ascii().then(|| Value::bytes(text.as_bytes())),
        Encoding::Latin1 => {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            made_bytes(&bytes?)
        }
        Encoding::Utf16(order) => {
            let mark: &[u8] = if order.is_none() { &[0xff, 0xfe] } else { &[] };
            let little = order.unwrap_or(true);
            let units =
                text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
            made_bytes(&mark.iter().copied().chain(units).collect::<Vec<u8>>())
        }
        Encoding::Hex => made(&hex::encode(text)),
        Encoding::Base64 => made(&super::library::base64_text(text.as_bytes())),
        Encoding::Rot13 => made(&decode::rot13(text)),
        Encoding::Zlib => None,
        Encoding::Escapes => {
            text.chars().all(|c| c == ' ' || c.is_ascii_graphic() && c != '\\').then(|| Value::bytes(text.as_bytes()))
        }
    }
}

/// `codecs.encode` of bytes.
pub(super) fn encode_bytes(bytes: &[u8], encoding: &str) -> Option<Value> {
    match named(encoding)? {
        Encoding::Hex => made_bytes(hex::encode(bytes).as_bytes()),
        Encoding::Base64 => made_bytes(super::library::base64_text(bytes).as_bytes()),
        _ => None,
    }
}

pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn utf16(bytes: &[u8], order: Option<bool>) -> Option<String> {
    let (bytes, little) = match (order, bytes) {
        (None, [0xff, 0xfe, rest @ ..]) => (rest, true),
        (None, [0xfe, 0xff, rest @ ..]) => (rest, false),
        (order, all) => (all, order.unwrap_or(true)),
    };
    let units: Option<Vec<u16>> = bytes
        .chunks(2)
        .map(|pair| {
            let pair: [u8; 2] = pair.try_into().ok()?;
            Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
        })
        .collect();
    String::from_utf16(&units?).ok()
}

/// A text with its escapes read, as in a literal.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = escape.chars();
        chars.next();
        let kind = chars.next()?;
        rest = chars.as_str();
        let simple = match kind {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'a' => "\x07",
            'b' => "\x08",
            'f' => "\x0c",
            'v' => "\x0b",
            '\\' => "\\",
            '\'' => "'",
            '"' => "\"",
            '\n' => "",
            'x' | 'u' | 'U' => {
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
                out.push(char::from_u32(code)?);
                rest = rest.get(digits..)?;
                continue;
            }
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = [&kind.to_string(), rest.get(..more)?].concat();
                out.push(char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?);
                rest = rest.get(more..)?;
                continue;
            }
            other => {
                out.push('\\');
                out.push(other);
                continue;
            }
        };
        out.push_str(simple);
    }
    out.push_str(rest);
    Some(out)
}
