//! Crate names: `left-demo`, `left_demo`, `RustyLeft`.
//!
//! Two names that differ only in case, or in `-` and `_`, cannot both be in the registry, but they are not the same for a
//! client. The index has one file for every spelling in upper and lower case, so there the case says nothing, and
//! advisories, decisions and addresses of files spell a crate as they like. So our name is in lower case, and what the
//! index says is the spelling in the addresses of files ([`super::entry`]). `-` and `_` stay what they are, because the
//! index has a file for only one of them. When cargo is told that there is no `left_demo`, it asks for `left-demo` as well,
//! to say what was meant. That is another name, and is asked and answered as one.

use stockade_model::{Malformed, Name};

/// The longest name that the registry takes.
const MAX_BYTES: usize = 64;

/// Checks a name by the rules of the registry, and writes it in lower case.
pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a crate's name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 64 bytes"));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(malformed("it begins with a letter"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(malformed("it has a character that is no letter, digit, `-` or `_`"));
    }
    Ok(Name::normalised(text.to_ascii_lowercase()))
}

/// The folder of a name in an index, without its `/` at the end: `1`, `2`, `3/a`, `ab/cd`.
pub(super) fn prefix(name: &str) -> String {
    let piece = |range: std::ops::Range<usize>| name.get(range).unwrap_or_default();
    match name.len() {
        length @ (0..=2) => length.to_string(),
        3 => format!("3/{}", piece(0..1)),
        _ => format!("{}/{}", piece(0..2), piece(2..4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_lower_case_and_keep_what_joins_them() {
        for (text, name) in [
            ("a", "a"),
            ("left-demo", "left-demo"),
            ("left_demo", "left_demo"),
            ("RustyLeft", "rustyleft"),
            ("x86", "x86"),
            ("a--b__", "a--b__"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), name);
        }
        assert!(parse(&"a".repeat(MAX_BYTES)).is_ok());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(MAX_BYTES + 1);
        for name in [
            "", "-a", "_a", "1a", "a b", "a/b", "a.b", "a+b", "\u{e4}", "a\u{e4}", "..", "a\0", "a\n", "\u{212a}",
            &long,
        ] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_a_folder() {
        for (name, folder) in [("a", "1"), ("ab", "2"), ("abc", "3/a"), ("abcd", "ab/cd"), ("Left-demo", "Le/ft")] {
            assert_eq!(prefix(name), folder);
        }
    }
}
