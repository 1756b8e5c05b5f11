//! Package names: `left-demo`, `@acme/left`.

use stockade_model::{Malformed, Name};

/// The longest name, scope included (validate-npm-package-name).
const MAX_BYTES: usize = 214;

/// Checks a name by the rules for what may exist in the registry, which are wider than those for new names: old packages
/// have upper case and the marks that `encodeURIComponent` leaves alone. Names are compared as they are; there is no
/// normal form.
pub fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a package name", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 214 bytes"));
    }
    let bare = match text.strip_prefix('@') {
        Some(scoped) => {
            let (scope, bare) = scoped.split_once('/').ok_or_else(|| malformed("a scope needs a name after `/`"))?;
            part(scope).map_err(malformed)?;
            bare
        }
        None => text,
    };
    part(bare).map_err(malformed)?;
    if matches!(bare, "node_modules" | "favicon.ico") {
        return Err(malformed("the name is reserved"));
    }
    Ok(Name::normalised(text))
}

fn part(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a part of it is empty");
    }
    if text.starts_with(['.', '_']) {
        return Err("no part of it may begin with `.` or `_`");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    if text.bytes().all(allowed) { Ok(()) } else { Err("it has a character that would have to be encoded in a URL") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_exist_are_names() {
        for name in ["a", "left-demo", "@acme/left", "JSONStream", "lodash.merge", "@types/node", "a~b!c*d'e(f)"] {
            assert_eq!(parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(MAX_BYTES + 1);
        for name in [
            "",
            ".a",
            "_a",
            "@acme",
            "@/a",
            "@acme/",
            "@acme/.a",
            "@acme/a/b",
            "a/b",
            "a b",
            "ä",
            "..",
            &long,
            "node_modules",
        ] {
            assert!(parse(name).is_err(), "{name}");
        }
    }
}
