//! Versions: SemVer 2.0, with or without a `v`, as advisories and tags spell them; advisories leave out zeros at the end.
//!
//! A tag such as `v4` is no version: it is moved to each release of a line, and which it is on only its repository knows. So
//! it has no place in the order, and neither has a branch or a commit.

use stockade_model::Malformed;

use crate::Version;
use crate::order::{MAX_BYTES, is_number};

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let malformed = |why| Malformed::new("a version", text, why);
    if text.len() > MAX_BYTES {
        return Err(malformed("it is longer than 255 bytes"));
    }
    let bare = text.strip_prefix('v').unwrap_or(text);
    let version = semver::Version::parse(bare).ok().or_else(|| if bare == text { short(bare) } else { None });
    version.map(Version::SemVer).ok_or_else(|| malformed("it is no version with three numbers"))
}

/// `4`, `4.1`
fn short(text: &str) -> Option<semver::Version> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_short = parts.len() < 3 && parts.iter().all(|part| is_number(part));
    let zeros = ".0".repeat(3_usize.checked_sub(parts.len())?);
    is_short.then(|| semver::Version::parse(&format!("{text}{zeros}")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{ascends, equal};

    #[test]
    fn only_whole_versions_have_a_place() {
        let key = |text: &str| parse(text).ok().map(|version| version.key());
        ascends(key, &["0.28.0", "v1.0.0-rc.1", "1", "v1.0.1", "1.1", "v10.0.0"]);
        equal(key, &[("v1.2.3", "1.2.3"), ("4", "v4.0.0"), ("4.1", "4.1.0")]);
        for text in ["v4", "v4.1", "main", "", "1.2.3.4", "0123456789abcdef0123456789abcdef01234567", "1.", "4.x"] {
            assert_eq!(key(text), None, "{text}");
        }
    }
}
