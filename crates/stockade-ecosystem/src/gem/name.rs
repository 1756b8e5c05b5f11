//! Names of gems: letters, digits, `-`, `_` and `.`, in which upper and lower case differ.

use stockade_model::{Malformed, Name};

/// The longest name in bytes; a file's name has it in it.
const MAX_BYTES: usize = 255;

pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a gem's name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 255 bytes"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(malformed("it has a character that is no letter, digit, `-`, `_` or `.`"));
    }
    Ok(Name::normalised(text))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_keep_their_case() {
        for name in ["left", "Left", "left-demo_2.x"] {
            assert_eq!(parse(name).unwrap().as_str(), name);
        }
        for name in ["", "a b", "a/b", "a!", "\u{e4}", &"a".repeat(256)] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }
}
