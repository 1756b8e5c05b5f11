//! Names of packages: `acme/left-demo`, in which case does not count.

use stockade_model::{Malformed, Name};

/// The longest name in bytes.
const MAX_BYTES: usize = 255;

pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a package's name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 255 bytes"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)) {
        return Err(malformed("it has a character that is no letter, digit, `-`, `_`, `.` or `/`"));
    }
    if text.matches('/').count() > 1 || text.starts_with('/') || text.ends_with('/') {
        return Err(malformed("it is no name of a vendor and a package"));
    }
    Ok(Name::normalised(text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_in_lower_case() {
        for (text, name) in [("Acme/Left", "acme/left"), ("acme/left-demo_2.x", "acme/left-demo_2.x"), ("left", "left")]
        {
            assert_eq!(parse(text).unwrap().as_str(), name);
        }
        for name in ["", "a/b/c", "/a", "a/", "a b", "\u{e4}/b"] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }
}
