//! Makes the pieces of a replay: compressed, encoded, hidden in a picture, or written so that nobody can read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::carriers;
use super::obfuscate::obfuscate;
use super::random::Random;
use super::spec::{Generate, Piece, Replay};

const KILOBYTE: usize = 1024;
/// Invisible characters that each stand for half a byte.
const SELECTORS: u32 = 0xfe00;

/// Pieces by name.
pub(crate) type Pieces = BTreeMap<String, Vec<u8>>;

/// Every piece of a replay; a later one may contain an earlier one.
pub(crate) fn make(replay: &Replay) -> anyhow::Result<Pieces> {
    let mut pieces = Pieces::new();
    for piece in &replay.pieces {
        let seed = format!("{} {}", replay.key, piece.name);
        let bytes = one(piece, &seed, &pieces).with_context(|| format!("the piece `{}`", piece.name))?;
        pieces.insert(piece.name.clone(), bytes);
    }
    Ok(pieces)
}

fn one(piece: &Piece, seed: &str, pieces: &Pieces) -> anyhow::Result<Vec<u8>> {
    let mut random = Random::new(seed);
    let size = piece.kilobytes * KILOBYTE;
    let mut bytes = match piece.generate {
        Some(Generate::Javascript) => random.javascript(size).into_bytes(),
        Some(Generate::Noise) => random.bytes(size),
        None => fill(&piece.text, pieces)?.into_bytes(),
    };
    for step in &piece.steps {
        bytes = apply(step, bytes, seed).with_context(|| format!("the step `{step}`"))?;
    }
    Ok(bytes)
}

/// A text with the pieces that it names in it.
pub(crate) fn fill(text: &str, pieces: &Pieces) -> anyhow::Result<String> {
    let mut text = text.to_owned();
    for (name, bytes) in pieces {
        let place = format!("{{{{{name}}}}}");
        if text.contains(&place) {
            let piece = std::str::from_utf8(bytes).with_context(|| format!("the piece `{name}` is no text"))?;
            text = text.replace(&place, piece);
        }
    }
    Ok(text)
}

fn apply(step: &str, bytes: Vec<u8>, seed: &str) -> anyhow::Result<Vec<u8>> {
    let (step, argument) = step.split_once(' ').unwrap_or((step, ""));
    Ok(match step {
        "base64" => STANDARD.encode(bytes).into_bytes(),
        "base64url" => URL_SAFE.encode(bytes).into_bytes(),
        "hex" => hex::encode(bytes).into_bytes(),
        "zlib" => zlib(&bytes)?,
        "gzip" => gzip(&bytes)?,
        "reverse" => bytes.into_iter().rev().collect(),
        "xor" => xor(&bytes, argument.as_bytes()),
        "codes" => codes(&bytes).into_bytes(),
        "escape" => escaped(&bytes).into_bytes(),
        "unicode" => unicode(&String::from_utf8(bytes)?).into_bytes(),
        "chunks" => chunks(&String::from_utf8(bytes)?, argument.parse()?).into_bytes(),
        "squeeze" => squeeze(&String::from_utf8(bytes)?).into_bytes(),
        "obfuscate" => obfuscate(&String::from_utf8(bytes)?, seed).into_bytes(),
        "layers" => layers(bytes, argument.parse()?)?,
        "selectors" => selectors(&bytes).into_bytes(),
        "indent" => [" ".repeat(argument.parse()?).into_bytes(), bytes].concat(),
        "wav" => carriers::wav(&bytes),
        "png" => carriers::png(&bytes),
        "elf" => carriers::elf(&bytes),
        "pe" => carriers::pe(&bytes),
        _ => bail!("there is no such step"),
    })
}

pub(super) fn zlib(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn xor(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    bytes.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// `104,105`.
fn codes(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

/// `\x68\x69`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02x}");
    }
    text
}

/// `\u0068\u0069`.
fn unicode(plain: &str) -> String {
    let mut text = String::new();
    for unit in plain.encode_utf16() {
        let _ = write!(text, "\\u{unit:04x}");
    }
    text
}

/// `'abc','def','g'`.
fn chunks(text: &str, length: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let chunks = letters.chunks(length.max(1)).map(|chunk| format!("'{}'", chunk.iter().collect::<String>()));
    chunks.collect::<Vec<_>>().join(",")
}

/// Code whose lines all end where a statement or a bracket does, on one line.
fn squeeze(code: &str) -> String {
    code.lines().map(str::trim).collect()
}

/// Python that unpacks and executes Python, so many times.
fn layers(code: Vec<u8>, count: usize) -> anyhow::Result<Vec<u8>> {
    (0..count).try_fold(code, |code, _| {
        let mut packed = STANDARD.encode(zlib(&code)?).into_bytes();
        packed.reverse();
        let packed = String::from_utf8(packed)?;
        Ok(format!(
            "_=lambda d:__import__('zlib').decompress(__import__('base64').b64decode(d[::-1]));exec(_(b'{packed}'))"
        )
        .into_bytes())
    })
}

/// Characters that no editor shows.
fn selectors(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_u32(SELECTORS + u32::from(half))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &str, text: &str) -> String {
        String::from_utf8(apply(step, text.as_bytes().to_vec(), "seed").unwrap()).unwrap()
    }

    #[test]
    fn steps_do_what_they_say() {
        assert_eq!(step("base64", "hi"), "aGk=");
        assert_eq!(step("hex", "hi"), "6869");
        assert_eq!(step("codes", "hi"), "104,105");
        assert_eq!(step("escape", "hi"), "\\x68\\x69");
        assert_eq!(step("unicode", "hi"), "\\u0068\\u0069");
        assert_eq!(step("chunks 2", "abc"), "'ab','c'");
        assert_eq!(step("squeeze", "a;\n  b;\n"), "a;b;");
        assert_eq!(step("xor a", "ab"), "\0\u{3}");
        assert_eq!(step("indent 3", "a"), "   a");
        assert_eq!(step("reverse", "ab"), "ba");
        assert_eq!(step("selectors", "hi").chars().count(), 4);
        assert!(step("layers 2", "pass").starts_with("_=lambda d:"));
        assert!(apply("frobnicate", Vec::new(), "").is_err());
    }

    #[test]
    fn a_text_has_its_pieces_and_other_braces_stay() {
        let pieces = Pieces::from([("a".to_owned(), b"x".to_vec()), ("b".to_owned(), vec![0xff])]);
        assert_eq!(fill("{{a}} {{}} ${{ c }} {{a}}", &pieces).unwrap(), "x {{}} ${{ c }} x");
        assert!(fill("{{b}}", &pieces).is_err());
    }
}
