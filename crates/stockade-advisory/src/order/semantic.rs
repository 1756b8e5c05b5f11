//! Go: SemVer 2.0. A module's versions begin with `v`, which advisories leave out; those of the toolchain begin with `go`
//! and may have two numbers, and `go1.21rc2` leads to `go1.21.0`.

use stockade_ecosystem::Version;

use super::key::{MAX_BYTES, is_number};

pub(super) fn go(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let bare = text.strip_prefix("go").or_else(|| text.strip_prefix('v')).unwrap_or(text);
    let version = semver::Version::parse(bare).ok().or_else(|| toolchain(bare))?;
    Some(Version::SemVer(version).key())
}

/// A version of an ecosystem whose own order is not known, for ranges that say that they are of SemVer.
pub(super) fn strict(text: &str) -> Option<Vec<u8>> {
    let version = semver::Version::parse(text).ok().filter(|_| text.len() <= MAX_BYTES)?;
    Some(Version::SemVer(version).key())
}

/// `1.21`, `1.21rc2`.
fn toolchain(text: &str) -> Option<semver::Version> {
    let (major, rest) = text.split_once('.')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, word) = rest.split_at(end);
    let stage = ["beta", "rc"].into_iter().find_map(|stage| Some((stage, word.strip_prefix(stage)?)));
    let pre = match stage {
        Some((stage, number)) if is_number(number) => format!("-{stage}.{number}"),
        None if word.is_empty() => String::new(),
        _ => return None,
    };
    semver::Version::parse(&format!("{major}.{minor}.0{pre}")).ok()
}

#[cfg(test)]
mod tests {
    use super::super::key::{ascends, equal};
    use super::*;

    #[test]
    fn versions_of_modules_and_of_the_toolchain_have_an_order() {
        ascends(go, &["v0.0.0-20200101000000-abcdefabcdef", "0.0.1", "v1.2.3-rc.1", "v1.2.3", "v1.10.0"]);
        ascends(go, &["go1.20.9", "go1.21rc1", "go1.21rc2", "go1.21", "go1.21.1", "go1.21.10"]);
        equal(go, &[("v1.2.3", "1.2.3"), ("v2.0.0+incompatible", "2.0.0"), ("go1.21", "1.21.0")]);
        for text in ["", "v1", "(devel)", "1.x", "go1.21rc", &"1".repeat(MAX_BYTES + 1)] {
            assert_eq!(go(text), None, "{text}");
        }
    }
}
