//! What keys of versions are made of.

/// Ends a word, and a list in which whatever goes on is higher.
pub(super) const END: u8 = 0;

/// The longest version in bytes, so that lengths fit into a byte.
pub(super) const MAX_BYTES: usize = 255;

/// Digits as their number: the more there are without leading zeros, the higher.
pub(super) fn put_digits(key: &mut Vec<u8>, digits: &str) {
    let digits = digits.trim_start_matches('0');
    key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(digits.as_bytes());
}

pub(super) fn put_word(key: &mut Vec<u8>, word: &str) {
    key.extend_from_slice(word.as_bytes());
    key.push(END);
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the tests of an order have in common: `lowest` to highest, and what is equal.
#[cfg(test)]
pub(super) fn ascends(key: fn(&str) -> Option<Vec<u8>>, versions: &[&str]) {
    let keys: Vec<_> = versions.iter().map(|text| key(text).unwrap_or_else(|| panic!("{text} has no key"))).collect();
    for (at, a) in keys.iter().enumerate() {
        for (to, b) in keys.iter().enumerate() {
            assert_eq!(a.cmp(b), at.cmp(&to), "{} {}", versions[at], versions[to]);
        }
    }
}

#[cfg(test)]
pub(super) fn equal(key: fn(&str) -> Option<Vec<u8>>, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert!(key(a).is_some(), "{a} has no key");
        assert_eq!(key(a), key(b), "{a} {b}");
    }
}
