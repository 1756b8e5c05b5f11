//! Versions: SemVer 2.0 with up to four numbers, of which missing ones are 0. Words are compared without regard to case.

use stockade_model::Malformed;

use crate::Version;
use crate::order::{END, MAX_BYTES, Placed, is_number, put_digits, put_word};

/// How many numbers a version may have.
const NUMBERS: usize = 4;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let key = key(text).ok_or_else(|| Malformed::new("a version", text, "it is no version of NuGet"))?;
    Ok(Version::Placed(Placed::new(super::ID, text, key)))
}

fn key(text: &str) -> Option<Vec<u8>> {
    const PRERELEASE: u8 = 1;
    const RELEASE: u8 = 2;
    const NUMBER: u8 = 1;
    const WORD: u8 = 2;
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return None;
    }
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let numbers: Vec<&str> = numbers.split('.').collect();
    if numbers.len() > NUMBERS || !numbers.iter().all(|number| is_number(number)) {
        return None;
    }
    let mut key = Vec::new();
    for at in 0..NUMBERS {
        put_digits(&mut key, numbers.get(at).copied().unwrap_or("0"));
    }
    let Some(pre) = pre else {
        key.push(RELEASE);
        return Some(key);
    };
    key.push(PRERELEASE);
    for identifier in pre.split('.') {
        if identifier.is_empty() || !identifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return None;
        }
        if is_number(identifier) {
            key.push(NUMBER);
            put_digits(&mut key, identifier);
        } else {
            key.push(WORD);
            put_word(&mut key, &identifier.to_ascii_lowercase());
        }
    }
    key.push(END);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{ascends, equal};

    #[test]
    fn versions_have_the_order_of_nuget() {
        ascends(key, &["0.0.0.1", "1.0.0-alpha", "1.0.0-Alpha.1", "1.0.0-beta", "1.0.0-rc.9", "1.0.0-rc.10", "1.0.0"]);
        ascends(key, &["1.0.0", "1.0.0.1", "1.0.1", "1.10", "2.0.0-1", "2.0.0-a", "2"]);
        equal(
            key,
            &[("1.0", "1.0.0.0"), ("1", "1.0.0"), ("1.0.0+a", "1.0.0+b"), ("1.0.0-RC", "1.0.0-rc"), ("01.2", "1.2")],
        );
        for text in ["", "1.2.3.4.5", "v1", "1.", "1-", "1.0.0-a..b", "1.*", "a.b"] {
            assert_eq!(key(text), None, "{text}");
        }
    }
}
