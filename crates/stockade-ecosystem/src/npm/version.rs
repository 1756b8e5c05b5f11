//! Versions, read as npm reads those of a packument: SemVer 2.0, and loosely where old releases are odd.
//!
//! node-semver's loose form lets a version begin with `v` or `=`, have leading zeros, and go without the hyphen before a
//! prerelease. The registry takes none of that today, but thousands of old releases have it, and npm chooses among them.
//! A version that we could not place and npm could would be one that we hold for no reason.

use stockade_model::Malformed;

use crate::Version;

/// The longest version in bytes, as node-semver limits it.
const MAX_BYTES: usize = 256;
/// The largest number in a version: what JavaScript counts exactly.
const MAX_NUMBER: u64 = 9_007_199_254_740_991;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let malformed = |why| Malformed::new("a version", text, why);
    if text.len() > MAX_BYTES {
        return Err(malformed("it is longer than 256 bytes"));
    }
    let strict = semver::Version::parse(text).ok();
    let version =
        strict.or_else(|| loose(text)).ok_or_else(|| malformed("it does not follow SemVer, not even loosely"))?;
    let largest = version.major.max(version.minor).max(version.patch);
    if largest > MAX_NUMBER { Err(malformed("a number in it is too large")) } else { Ok(Version::SemVer(version)) }
}

/// The strict spelling of a loose version, parsed.
fn loose(text: &str) -> Option<semver::Version> {
    let text = text.trim().trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_whitespace());
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (major, text) = number(text)?;
    let (minor, text) = number(text.strip_prefix('.')?)?;
    let (patch, rest) = number(text.strip_prefix('.')?)?;
    // The hyphen is optional, unless it is all there is.
    let pre = rest.strip_prefix('-').filter(|pre| !pre.is_empty()).unwrap_or(rest);
    let pre: Vec<&str> = pre.split('.').map(without_zeros).collect();
    Some(semver::Version {
        major,
        minor,
        patch,
        pre: semver::Prerelease::new(&pre.join(".")).ok()?,
        build: match build {
            Some("") => return None,
            build => semver::BuildMetadata::new(build.unwrap_or_default()).ok()?,
        },
    })
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// A numeric identifier without its leading zeros; any other as it is.
fn without_zeros(identifier: &str) -> &str {
    let numeric = !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_digit());
    match identifier.trim_start_matches('0') {
        "" if numeric => "0",
        digits if numeric => digits,
        _ => identifier,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    /// Every line is what node-semver said: `"a" < "b"`, `"a" = "b"`, `"a" > "b"` or `"a" is none`.
    #[test]
    fn versions_have_the_order_that_npm_gives_them() {
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
    fn a_version_has_a_longest_length() {
        assert!(parse(&format!("1.0.0-{}", "a".repeat(MAX_BYTES))).is_err());
        assert!(parse(&format!("1.0.0-{}", "a".repeat(MAX_BYTES - 6))).is_ok());
    }
}
