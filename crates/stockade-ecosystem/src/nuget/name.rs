//! Names of packages, which are called ids: `Left.Demo`, in which case does not count.

use stockade_model::{Malformed, Name};

/// The longest name in bytes; today's are shorter than 100 characters.
const MAX_BYTES: usize = 256;

pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a package's id", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 256 bytes"));
    }
    if !text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        return Err(malformed("it has a character that is no letter, digit, `-`, `_` or `.`"));
    }
    Ok(Name::normalised(text.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_in_lower_case() {
        for (text, name) in [("Left.Demo", "left.demo"), ("left-demo_2", "left-demo_2"), ("\u{c4}", "\u{e4}")] {
            assert_eq!(parse(text).unwrap().as_str(), name);
        }
        for name in ["", "a/b", "a b", "a@1", &"a".repeat(300)] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }
}
