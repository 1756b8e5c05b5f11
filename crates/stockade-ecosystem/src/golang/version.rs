//! Versions: SemVer 2.0. Those of a module begin with `v`, which advisories leave out; those of the toolchain begin with
//! `go` and may have two numbers, and `go1.21rc2` leads to `go1.21.0`.

use stockade_model::Malformed;

use crate::Version;
use crate::order::{MAX_BYTES, is_number};

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    read(text).map(Version::SemVer).ok_or_else(|| Malformed::new("a version", text, "it is none of a module"))
}

fn read(text: &str) -> Option<semver::Version> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let bare = text.strip_prefix("go").or_else(|| text.strip_prefix('v')).unwrap_or(text);
    semver::Version::parse(bare).ok().or_else(|| toolchain(bare))
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
    use super::*;
    use crate::order::{agrees, ascends, equal};

    fn go(text: &str) -> Option<Vec<u8>> {
        read(text).map(|version| Version::SemVer(version).key())
    }

    #[test]
    fn versions_have_the_order_that_go_gives_them() {
        assert_eq!(agrees(go, include_str!("testdata/versions.txt")), [""; 0]);
    }

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
