//! Versions: SemVer 2.0, strictly, as cargo and the registry read them.

use stockade_model::Malformed;

use crate::Version;

/// The longest version in bytes. The registry has none near it, and a version becomes part of names and sentences.
const MAX_BYTES: usize = 256;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    read(text).map(Version::SemVer)
}

pub(super) fn read(text: &str) -> Result<semver::Version, Malformed> {
    let malformed = |why| Malformed::new("a version", text, why);
    if text.len() > MAX_BYTES {
        return Err(malformed("it is longer than 256 bytes"));
    }
    semver::Version::parse(text).map_err(|_| malformed("it does not follow SemVer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_semver() {
        let ordered = [
            "0.0.1-alpha",
            "0.0.1-alpha.1",
            "0.0.1-alpha.beta",
            "0.0.1-beta.2",
            "0.0.1-beta.11",
            "0.0.1-rc.1",
            "0.0.1",
            "0.0.2",
            "0.10.0",
            "1.0.0",
            "18446744073709551615.0.0",
        ];
        for pair in ordered.windows(2) {
            assert!(parse(pair[0]).unwrap() < parse(pair[1]).unwrap(), "{pair:?}");
        }
        let order = parse("1.0.0+a").unwrap().partial_cmp(&parse("1.0.0+b").unwrap());
        assert_eq!(order, Some(std::cmp::Ordering::Equal), "build metadata does not count");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let long = format!("1.0.0-{}", "a".repeat(MAX_BYTES));
        for text in [
            "",
            "1",
            "1.0",
            "v1.0.0",
            "=1.0.0",
            "01.0.0",
            "1.0.0-01",
            "1.0.0 ",
            " 1.0.0",
            "1.0.0+",
            "1.0.0-",
            "1.0.0-a..b",
            "1.0.0\n",
            "1.0.0/..",
            "1.0.0%2b",
            "1.0.0-\u{e4}",
            "18446744073709551616.0.0",
            &long,
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
