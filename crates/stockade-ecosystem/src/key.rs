//! Versions as bytes that sort as the versions do.
//!
//! An index on disk compares a version with the ends of thousands of ranges, and cannot parse all of them each time. Of
//! two versions of one ecosystem, the one that is lower has the lower key, byte by byte, and equal versions have equal
//! keys: `1.0` and `1.0.0` of Python have one. Keys of different ecosystems say nothing of each other. Whoever stores keys
//! stores a number of the format beside them, since what is written here is what was compared there.

use pep440_rs::{LocalSegment, PrereleaseKind};

use crate::Version;

/// Ends a list: what goes on is higher.
const END: u8 = 0;

impl Version {
    /// The key of the version in its ecosystem's order.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::SemVer(version) => semver(version),
            Self::Pep440(version) => pep440(version),
            Self::Maven(version) => version.key(),
            Self::Placed(version) => version.key().to_vec(),
        }
    }
}

/// Build metadata is not in it, because it does not count.
fn semver(version: &semver::Version) -> Vec<u8> {
    const PRERELEASE: u8 = 1;
    const RELEASE: u8 = 2;
    const NUMBER: u8 = 1;
    const WORD: u8 = 2;
    let mut key = Vec::new();
    for number in [version.major, version.minor, version.patch] {
        push_number(&mut key, number);
    }
    if version.pre.is_empty() {
        key.push(RELEASE);
        return key;
    }
    key.push(PRERELEASE);
    for identifier in version.pre.split('.') {
        if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            key.push(NUMBER);
            push_digits(&mut key, identifier);
        } else {
            key.push(WORD);
            push_word(&mut key, identifier);
        }
    }
    key.push(END);
    key
}

fn pep440(version: &pep440_rs::Version) -> Vec<u8> {
    const MORE: u8 = 1;
    const WORD: u8 = 1;
    const NUMBER: u8 = 2;
    let mut key = Vec::new();
    push_number(&mut key, version.epoch());
    let release = version.release();
    let length = release.iter().rposition(|number| *number != 0).map_or(0, |at| at + 1);
    for number in &release[..length] {
        key.push(MORE);
        push_number(&mut key, *number);
    }
    key.push(END);
    // A development version of a release comes before all its prereleases, those come before it.
    let (kind, number) = match version.pre() {
        Some(pre) => (pre_rank(pre.kind), pre.number),
        None if version.post().is_none() && version.dev().is_some() => (0, 0),
        None => (4, 0),
    };
    key.push(kind);
    push_number(&mut key, number);
    match version.post() {
        Some(number) => {
            key.push(MORE);
            push_number(&mut key, number);
        }
        None => key.push(END),
    }
    match version.dev() {
        Some(number) => {
            key.push(MORE);
            push_number(&mut key, number);
        }
        // What is no development version comes after those that lead to it.
        None => key.push(MORE + 1),
    }
    for segment in version.local() {
        match segment {
            LocalSegment::String(word) => {
                key.push(WORD);
                push_word(&mut key, word);
            }
            LocalSegment::Number(number) => {
                key.push(NUMBER);
                push_number(&mut key, *number);
            }
        }
    }
    key.push(END);
    key
}

const fn pre_rank(kind: PrereleaseKind) -> u8 {
    match kind {
        PrereleaseKind::Alpha => 1,
        PrereleaseKind::Beta => 2,
        PrereleaseKind::Rc => 3,
    }
}

/// A number as its length and its bytes without leading zeros, the weightiest first.
fn push_number(key: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    key.extend(u8::try_from(bytes.len()));
    key.extend_from_slice(bytes);
}

/// Digits without leading zeros, of which there may be more than any integer holds. No version has more than 255.
pub(crate) fn push_digits(key: &mut Vec<u8>, digits: &str) {
    key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(digits.as_bytes());
}

/// A word and its end. No word has a NUL in it.
pub(crate) fn push_word(key: &mut Vec<u8>, word: &str) {
    key.extend_from_slice(word.as_bytes());
    key.push(END);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{Ecosystem, known};

    /// The vectors of every ecosystem: all their versions, compared with each other.
    #[test]
    fn keys_have_the_order_of_versions() {
        let vectors = [include_str!("npm/testdata/versions.txt"), include_str!("pypi/testdata/versions.txt")];
        let maven = include_str!("maven/testdata/versions.txt");
        let quoted = vectors.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#'));
        let mut texts: Vec<String> =
            quoted.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
        let words = maven.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' ').step_by(2));
        texts.extend(words.map(str::to_owned));
        texts.sort();
        texts.dedup();
        assert!(texts.len() > 250);
        for ecosystem in known() {
            let versions: Vec<_> = texts.iter().filter_map(|text| (ecosystem.version)(text).ok()).collect();
            let keys: Vec<_> = versions.iter().map(super::Version::key).collect();
            for (at, a) in versions.iter().enumerate() {
                for (b, key) in versions.iter().zip(&keys) {
                    assert_eq!(Some(keys[at].cmp(key)), a.partial_cmp(b), "{a:?} {b:?}");
                }
            }
        }
    }

    fn agree(ecosystem: &Ecosystem, a: &str, b: &str) {
        if let (Ok(a), Ok(b)) = ((ecosystem.version)(a), (ecosystem.version)(b)) {
            assert_eq!(Some(a.key().cmp(&b.key())), a.partial_cmp(&b), "{a:?} {b:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn keys_of_anything_have_the_order_of_versions(
            a in "[0-2]{1,2}(\\.[0-2]{1,2}){0,3}([-.]?(a|rc|sp|dev|post|ga|foo|[0-2])[0-2]?){0,3}(\\+[a-z0-2.]{1,3})?",
            b in "[0-2]{1,2}(\\.[0-2]{1,2}){0,3}([-.]?(a|rc|sp|dev|post|ga|foo|[0-2])[0-2]?){0,3}(\\+[a-z0-2.]{1,3})?",
            c in "[-.0-1a-b]{1,8}",
            d in "[-.0-1a-b]{1,8}",
        ) {
            for ecosystem in known() {
                agree(ecosystem, &a, &b);
                agree(ecosystem, &c, &d);
            }
        }
    }
}
