//! Decoders that loaders of every language use. They follow the lenient ones of the platforms: a payload that the
//! platform would decode in spite of a missing pad is decoded here as well. What comes out is limited, whatever goes in.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most bytes that one compressed text may become: 32 MB. More is not what a loader of code holds.
pub(crate) const MAX_INFLATED: usize = 32 * 1024 * 1024;

/// How a deflate stream is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 1950.
    Zlib,
    /// RFC 1951, without anything around it.
    Raw,
    /// RFC 1952.
    Gzip,
}

/// Base64 in the standard or the URL-safe alphabet, with or without padding, with blanks in between. `None` if it has any
/// other character.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let foreign = |byte: &u8| sextet(*byte).is_none() && *byte != b'=' && !byte.is_ascii_whitespace();
    if text.iter().any(foreign) {
        return None;
    }
    Some(base64_lenient(text))
}

/// Base64 as Node and Python read it: what is not of the alphabet is skipped, and the first padding ends it.
pub(crate) fn base64_lenient(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().take_while(|&&byte| byte != b'=').filter_map(|&byte| sextet(byte));
    groups(digits, 6, text.len() / 4 * 3 + 3)
}

/// Pairs of hexadecimal digits. `None` if there is anything else, or half a pair.
pub(crate) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// Hexadecimal as Node reads it: as far as there are pairs of digits.
pub(crate) fn hex_lenient(text: &[u8]) -> Vec<u8> {
    let pairs = text.chunks_exact(2).map_while(|pair| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// Base32 of RFC 4648, in either case, with or without padding.
pub(crate) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let end = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
    let (digits, padding) = text.split_at(end);
    if padding.iter().any(|&byte| byte != b'=') {
        return None;
    }
    let digits: Option<Vec<u8>> = digits.iter().map(|&byte| quintet(byte)).collect();
    Some(groups(digits?.into_iter(), 5, text.len() / 8 * 5 + 5))
}

/// Base85 as Python's `b85decode` reads it.
pub(crate) fn base85(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 85] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    let digit = |byte: &u8| ALPHABET.iter().position(|known| known == byte).and_then(|at| u32::try_from(at).ok());
    let digits: Option<Vec<u32>> = text.iter().map(digit).collect();
    quintuples(&digits?)
}

/// Ascii85, with or without `<~` and `~>` around it; blanks do not count, `z` is four zeros.
pub(crate) fn ascii85(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"<~").unwrap_or(text);
    let text = text.strip_suffix(b"~>").unwrap_or(text);
    let mut digits = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'!'..=b'u' => digits.push(u32::from(byte - b'!')),
            b'z' if digits.len().is_multiple_of(5) => digits.extend([0; 5]),
            _ if byte.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    quintuples(&digits)
}

/// What a deflate stream holds, if it is whole and not over [`MAX_INFLATED`].
pub(crate) fn inflate(bytes: &[u8], format: Format) -> Option<Vec<u8>> {
    match format {
        Format::Zlib => read_limited(ZlibDecoder::new(bytes)),
        Format::Raw => read_limited(DeflateDecoder::new(bytes)),
        Format::Gzip => read_limited(MultiGzDecoder::new(bytes)),
    }
}

/// The letters moved by thirteen places.
pub(crate) fn rot13(text: &str) -> String {
    let moved = |letter: char, first: u8| {
        let place = u8::try_from(letter).unwrap_or(first).saturating_sub(first);
        char::from(first + (place + 13) % 26)
    };
    let one = |letter: char| match letter {
        'a'..='z' => moved(letter, b'a'),
        'A'..='Z' => moved(letter, b'A'),
        other => other,
    };
    text.chars().map(one).collect()
}

/// Percent-encoded bytes. What is no escape stays.
pub(crate) fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let escape = match (first, after) {
            (b'%', [high, low, tail @ ..]) => {
                nibble(*high).zip(nibble(*low)).map(|(high, low)| (high << 4 | low, tail))
            }
            _ => None,
        };
        match escape {
            Some((byte, tail)) => {
                out.push(byte);
                rest = tail;
            }
            None => out.push(first),
        }
    }
    out
}

/// Digits of some bits each, as bytes; bits that do not fill a byte are dropped.
fn groups(digits: impl Iterator<Item = u8>, bits: u32, capacity: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    let (mut held, mut count) = (0_u32, 0_u32);
    for digit in digits {
        held = held << bits | u32::from(digit);
        count += bits;
        if count >= 8 {
            count -= 8;
            out.push((held >> count & 0xff) as u8);
        }
        held &= (1 << count) - 1;
    }
    out
}

/// Five digits of base 85 are four bytes; fewer at the end are one byte less than digits.
fn quintuples(digits: &[u32]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() / 5 * 4 + 4);
    for chunk in digits.chunks(5) {
        let mut number = 0_u64;
        for at in 0..5 {
            number = number * 85 + u64::from(chunk.get(at).copied().unwrap_or(84));
        }
        let bytes = u32::try_from(number).ok()?.to_be_bytes();
        out.extend_from_slice(bytes.get(..chunk.len().saturating_sub(1))?);
    }
    Some(out)
}

fn read_limited(reader: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(MAX_INFLATED as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= MAX_INFLATED).then_some(out)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn quintet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::Engine;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_takes_both_alphabets_and_does_without_padding() {
        assert_eq!(base64(b"aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64(b"aGVs\nbG8"), Some(b"hello".to_vec()));
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
        assert_eq!(base64(b"aGVs*bG8"), None);
        assert_eq!(base64_lenient(b"aGVs*bG8=ignored"), b"hello");
    }

    #[test]
    fn hex_ends_where_it_ends() {
        assert_eq!(hex(b"68656c6C6f"), Some(b"hello".to_vec()));
        assert_eq!(hex(b"6"), None);
        assert_eq!(hex_lenient(b"6865zz6c"), b"he");
    }

    #[test]
    fn base32_and_85_agree_with_python() {
        assert_eq!(base32(b"NBSWY3DP"), Some(b"hello".to_vec()));
        assert_eq!(base32(b"nbsq===="), Some(b"he".to_vec()));
        assert_eq!(base32(b"n1"), None);
        assert_eq!(base85(b"Xk~0{Zv"), Some(b"hello".to_vec()));
        assert_eq!(base85(b"~~~~~"), None);
        assert_eq!(ascii85(b"<~BOu!rDZ~>"), Some(b"hello".to_vec()));
        assert_eq!(ascii85(b"z"), Some(vec![0; 4]));
    }

    #[test]
    fn other_texts() {
        assert_eq!(rot13("Uryyb, 1"), "Hello, 1");
        assert_eq!(percent(b"a%20b%zz%4"), b"a b%zz%4");
        assert_eq!(inflate(b"no stream", Format::Zlib), None);
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 1024 * 1024];
        for _ in 0..=MAX_INFLATED / zeros.len() {
            encoder.write_all(&zeros).unwrap();
        }
        assert_eq!(inflate(&encoder.finish().unwrap(), Format::Zlib), None);
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(base64(base64::prelude::BASE64_STANDARD.encode(&bytes).as_bytes()), Some(bytes.clone()));
            let bare = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(base64(bare.as_bytes()), Some(bytes.clone()));
            prop_assert_eq!(hex(hex::encode(&bytes).as_bytes()), Some(bytes.clone()));

            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            prop_assert_eq!(inflate(&encoder.finish().unwrap(), Format::Zlib), Some(bytes.clone()));
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            prop_assert_eq!(inflate(&encoder.finish().unwrap(), Format::Raw), Some(bytes.clone()));
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            prop_assert_eq!(inflate(&encoder.finish().unwrap(), Format::Gzip), Some(bytes));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            base64(&bytes);
            base32(&bytes);
            base85(&bytes);
            ascii85(&bytes);
            percent(&bytes);
            hex_lenient(&bytes);
            for format in [Format::Zlib, Format::Raw, Format::Gzip] {
                inflate(&bytes, format);
            }
        }
    }
}
