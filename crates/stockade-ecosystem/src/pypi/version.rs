//! Versions, as PEP 440 has them: `1.0`, `1!2.0rc1`, `1.0.post2.dev3+local`.

use stockade_model::Malformed;

use crate::Version;

/// The longest version in bytes. PEP 440 sets no limit; the longest that people publish are a fifth of it.
const MAX_BYTES: usize = 256;
/// The most digits of a number: enough for a time with microseconds, and less than what a comparison of our library takes
/// for "no number at all".
const MAX_DIGITS: usize = 18;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let malformed = |why| Malformed::new("a version", text, why);
    if text.len() > MAX_BYTES {
        return Err(malformed("it is longer than 256 bytes"));
    }
    if text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > MAX_DIGITS) {
        return Err(malformed("a number in it is too large"));
    }
    let version = text.trim().parse().map_err(|_| malformed("it does not follow PEP 440"))?;
    Ok(Version::Pep440(version))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    /// Every line is what packaging said: `"a" < "b"`, `"a" = "b"`, `"a" > "b"` or `"a" is none`.
    #[test]
    fn versions_have_the_order_that_pip_gives_them() {
        let vectors = include_str!("testdata/versions.txt");
        let text = |json: &str| serde_json::from_str::<String>(json).unwrap();
        for line in vectors.lines().filter(|line| !line.starts_with('#')) {
            if let Some(none) = line.strip_suffix(" is none") {
                assert!(parse(&text(none)).is_err(), "{line}");
                continue;
            }
            let signs = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)];
            let (sign, expect) = signs.into_iter().find(|(sign, _)| line.contains(&format!("\"{sign}\""))).unwrap();
            let (a, b) = line.split_once(&format!("\"{sign}\"")).unwrap();
            let (a, b) = (text(&format!("{a}\"")), text(&format!("\"{b}")));
            let order = parse(&a).unwrap().partial_cmp(&parse(&b).unwrap());
            assert_eq!(order, Some(expect), "{line}");
        }
    }

    #[test]
    fn a_version_has_limits() {
        assert!(parse(&format!("1.0+{}", "a".repeat(MAX_BYTES - 4))).is_ok());
        assert!(parse(&format!("1.0+{}", "a".repeat(MAX_BYTES - 3))).is_err());
        assert!(parse(&"9".repeat(MAX_DIGITS)).is_ok());
        for text in ["9", "1.", "1.0.dev", "1.0a", "1.0.post", "1.0+"] {
            assert!(parse(&format!("{text}{}", "9".repeat(MAX_DIGITS))).is_err() || !text.ends_with('9'), "{text}");
            assert!(parse(&format!("{text}{}", "9".repeat(MAX_DIGITS + 1))).is_err(), "{text}");
        }
    }
}
