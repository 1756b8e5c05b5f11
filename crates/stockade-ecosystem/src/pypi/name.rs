//! Package names: `left-demo`, which is the same as `Left.Demo` and `left__demo` (PEP 503).

use stockade_model::{Malformed, Name};

/// The longest name in bytes: with a version and tags it still fits into the name of a file.
const MAX_BYTES: usize = 200;

/// Checks a name (PEP 508) and brings it into its normal form.
pub fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a package name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 200 bytes"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(malformed("it has a character that is no letter, no digit and none of `-`, `_`, `.`"));
    }
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if !end(text.as_bytes().first()) || !end(text.as_bytes().last()) {
        return Err(malformed("it begins or ends with a mark"));
    }
    Ok(Name::normalised(normalised(text)))
}

/// Lower case, and every run of `-`, `_` and `.` is one `-`.
pub(super) fn normalised(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is the normal form of all, as `packaging.utils.canonicalize_name` has it.
    #[test]
    fn names_have_a_normal_form() {
        for names in [
            &["left-demo", "Left.Demo", "left__demo", "LEFT-_.demo", "left...demo"][..],
            &["a", "A"],
            &["7", "7"],
            &["zope-interface", "zope.interface", "Zope_Interface"],
        ] {
            for name in names {
                assert_eq!(parse(name).unwrap().as_str(), names[0], "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(MAX_BYTES + 1);
        for name in
            ["", "-a", "a-", ".a", "a_", "..", "a b", "a/b", "a%2fb", "a\0", "a\n", "\u{e4}", "@acme/left", "a+", &long]
        {
            assert!(parse(name).is_err(), "{name:?}");
        }
        assert!(parse(&long[1..]).is_ok());
    }
}
