//! Package names: `org.acme/left-demo`, a group and an artifact in it.
//!
//! Everybody else writes `org.acme:left-demo`, advisories among them. A purl separates namespace and name with `/`, and
//! one spelling is enough in a log, so a name in either spelling becomes the purl's.

use stockade_model::{Malformed, Name};

/// The longest name, group included, in bytes. Paths are longer than that, since they name artifact and version twice.
const MAX_BYTES: usize = 512;

/// Checks a name and normalises it. There are no rules on upper case: names are compared as they are.
pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a package name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 512 bytes"));
    }
    let (group, artifact) =
        text.split_once([':', '/']).ok_or_else(|| malformed("it needs a group and an artifact: `group:artifact`"))?;
    if !group.split('.').all(is_id) {
        return Err(malformed("a part of its group is empty, or has a character that no group has"));
    }
    if !is_id(artifact) || artifact.bytes().all(|byte| byte == b'.') {
        return Err(malformed("its artifact is empty, or has a character that no artifact has"));
    }
    Ok(Name::normalised(format!("{group}/{artifact}")))
}

/// What Maven accepts as an identifier in a build description.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        for name in ["org.acme:left-demo", "org.acme/left-demo"] {
            assert_eq!(parse(name).unwrap().as_str(), "org.acme/left-demo");
            assert_eq!(parse(name).unwrap().split(), (Some("org.acme"), "left-demo"));
        }
        for name in ["junit:junit", "a:b_2.13", "Org.Acme:X", "g:a.b.gradle.plugin", "g:.a"] {
            assert_eq!(parse(name).unwrap().as_str(), name.replace(':', "/"));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("a:{}", "b".repeat(MAX_BYTES));
        for name in [
            "", "a", ":", "/", "a:", ":b", ".a:b", "a.:b", "a..b:c", "a:b:c", "a/b/c", "a:b/c", "a:..", "a:.", "..:a",
            "a b:c", "a:b c", "ä:b", "a:b\0", "a:b\n", "a:%2e", "a\\b:c", "a:*", "${g}:a", &long,
        ] {
            assert!(parse(name).is_err(), "{name}");
        }
    }
}
