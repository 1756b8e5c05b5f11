//! Versions: `Gem::Version`. A version is numbers and words; a word is lower than nothing, and a number higher. Zeros at the
//! end of the numbers before the first word, and at the end of all, do not count. `-` means `.pre.`.

use stockade_model::Malformed;

use crate::Version;
use crate::order::{MAX_BYTES, Placed, is_number, put_digits, put_word};

const WORD: u8 = 1;
const END: u8 = 2;
const NUMBER: u8 = 3;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let key = key(text).ok_or_else(|| Malformed::new("a version", text, "it is no version of RubyGems"))?;
    Ok(Version::Placed(Placed::new(super::ID, text, key)))
}

fn key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() > MAX_BYTES || !is_version(text) {
        return None;
    }
    let dotted = text.replace('-', ".pre.");
    let segments = segments(&dotted);
    let words = segments.iter().position(|segment| !is_number(segment)).unwrap_or(segments.len());
    let (numbers, rest) = segments.split_at(words);
    let mut key = Vec::new();
    for segment in without_zeros(numbers).iter().chain(without_zeros(rest)) {
        if is_number(segment) {
            key.push(NUMBER);
            put_digits(&mut key, segment);
        } else {
            key.push(WORD);
            put_word(&mut key, segment);
        }
    }
    key.push(END);
    Some(key)
}

/// Begins with a number; parts between dots are letters and digits, and one `-` may begin what comes before a release.
fn is_version(text: &str) -> bool {
    let (release, pre) = text.split_once('-').map_or((text, None), |(release, pre)| (release, Some(pre)));
    let part = |part: &str, hyphen: bool| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || (hyphen && byte == b'-'))
    };
    text.is_empty()
        || is_number(release.split('.').next().unwrap_or_default())
            && release.split('.').all(|text| part(text, false))
            && pre.is_none_or(|pre| pre.split('.').all(|text| part(text, true)))
}

/// Runs of digits and runs of letters.
fn segments(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for mut part in text.split('.') {
        while let Some(first) = part.chars().next() {
            let end = part.find(|c: char| c.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(part.len());
            let (segment, rest) = part.split_at(end);
            segments.push(segment);
            part = rest;
        }
    }
    segments
}

fn without_zeros<'a, 'b>(segments: &'a [&'b str]) -> &'a [&'b str] {
    let zero = |text: &&str| text.bytes().all(|byte| byte == b'0');
    let length = segments.iter().rposition(|segment| !zero(segment)).map_or(0, |at| at + 1);
    &segments[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{agrees, ascends, equal};

    #[test]
    fn versions_have_the_order_that_gem_version_gives_them() {
        assert_eq!(agrees(key, include_str!("testdata/versions.txt")), [""; 0]);
    }

    /// What `Gem::Version` of RubyGems documents and tests of itself.
    #[test]
    fn versions_have_the_order_of_rubygems() {
        ascends(
            key,
            &["0.0.1", "1.0.a.2", "1.0.b1", "1.0", "1.0.1", "1.1", "1.8.2.a9", "1.8.2.a10", "1.8.2.b", "1.8.2"],
        );
        ascends(key, &["0.beta.1", "0.0.1", "2.0.0.rc1", "2.0.0.rc2", "2.0.0", "3.2.0.2", "3.2.0.3", "10"]);
        ascends(key, &["1-1", "1", "1.1"]);
        equal(key, &[("1.0", "1"), ("1.0.a", "1.a"), ("", "0"), (" 1.2 ", "1.2"), ("1.a.0", "1.a"), ("01", "1")]);
        equal(key, &[("1-1", "1.pre.1"), ("1.0-a", "1.pre.a")]);
        for text in
            ["junk", "1.0\n2.0", "1..2", "1.2 3.4", "2.3422222.222.222222222.22222.ads0as.dasd0.ddd2222.2.qd3e.", ".1"]
        {
            assert_eq!(key(text), None, "{text}");
        }
    }
}
