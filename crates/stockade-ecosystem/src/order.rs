//! Versions of ecosystems of which only files are read, each as its place in the order; and what the keys of such places
//! are made of.

use std::cmp::Ordering;

use stockade_model::EcosystemId;

/// A version as its place in the order of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    of: EcosystemId,
    key: Vec<u8>,
    numbers: [u64; 3],
    word: String,
}

impl Placed {
    pub(crate) fn new(of: EcosystemId, text: &str, key: Vec<u8>) -> Self {
        let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (release, rest) = text.split_at(end);
        let mut parts = release.split('.').filter(|part| !part.is_empty());
        let numbers = std::array::from_fn(|_| parts.next().map_or(0, |part| part.parse().unwrap_or(u64::MAX)));
        // Metadata of a build is no word.
        let rest = rest.split('+').next().unwrap_or_default().trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        Self { of, key, numbers, word: rest[..end].to_ascii_lowercase() }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// True if a word stands behind the numbers that is none of a later release.
    pub(crate) fn is_prerelease(&self) -> bool {
        !matches!(self.word.as_str(), "" | "p" | "pl" | "patch" | "stable")
    }
}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.of == other.of).then(|| self.key.cmp(&other.key))
    }
}

/// Ends a word, and a list in which whatever goes on is higher.
pub(crate) const END: u8 = 0;

/// The longest version in bytes, so that lengths fit into a byte.
pub(crate) const MAX_BYTES: usize = 255;

/// Digits as their number: the more there are without leading zeros, the higher.
pub(crate) fn put_digits(key: &mut Vec<u8>, digits: &str) {
    let digits = digits.trim_start_matches('0');
    key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(digits.as_bytes());
}

pub(crate) fn put_word(key: &mut Vec<u8>, word: &str) {
    key.extend_from_slice(word.as_bytes());
    key.push(END);
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the tests of an order have in common: `lowest` to highest, and what is equal.
#[cfg(test)]
pub(crate) fn ascends(key: fn(&str) -> Option<Vec<u8>>, versions: &[&str]) {
    let keys: Vec<_> = versions.iter().map(|text| key(text).unwrap_or_else(|| panic!("{text} has no key"))).collect();
    for (at, a) in keys.iter().enumerate() {
        for (to, b) in keys.iter().enumerate() {
            assert_eq!(a.cmp(b), at.cmp(&to), "{} {}", versions[at], versions[to]);
        }
    }
}

#[cfg(test)]
pub(crate) fn equal(key: fn(&str) -> Option<Vec<u8>>, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert!(key(a).is_some(), "{a} has no key");
        assert_eq!(key(a), key(b), "{a} {b}");
    }
}

/// Compares a key with what the real tool said of each line: `"a" < "b"`, `"a" = "b"`, `"a" > "b"`, `"a" is none`. What it
/// has a place for and we have none is returned: such a version is unclear, and nothing is said wrongly of it.
#[cfg(test)]
pub(crate) fn agrees(key: fn(&str) -> Option<Vec<u8>>, vectors: &str) -> Vec<String> {
    let text = |json: &str| serde_json::from_str::<String>(json).unwrap();
    let mut unplaced = std::collections::BTreeSet::new();
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        if let Some(none) = line.strip_suffix(" is none") {
            assert_eq!(key(&text(none)), None, "{line}");
            continue;
        }
        let (sign, order) =
            [("<", std::cmp::Ordering::Less), ("=", std::cmp::Ordering::Equal), (">", std::cmp::Ordering::Greater)]
                .into_iter()
                .find(|(sign, _)| line.contains(&format!("\" {sign} \"")))
                .unwrap();
        let (a, b) = line.split_once(&format!(" {sign} ")).unwrap();
        let (a, b) = (text(a), text(b));
        match (key(&a), key(&b)) {
            (Some(a), Some(b)) => assert_eq!(a.cmp(&b), order, "{line}"),
            (a_key, b_key) => {
                unplaced.extend(a_key.is_none().then_some(a));
                unplaced.extend(b_key.is_none().then_some(b));
            }
        }
    }
    unplaced.into_iter().collect()
}
