//! Names of modules: paths of addresses, `example.org/left/v2`, in which upper and lower case differ.

use stockade_model::{Malformed, Name};

/// The longest name in bytes.
const MAX_BYTES: usize = 1024;

/// Checks a name. Which hosts and characters a path may have, Go has long rules for; here it must not be mistaken for
/// something else.
pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a module's path", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 1024 bytes"));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'`\\@?#".contains(c)) {
        return Err(malformed("it has a character that no path of a module has"));
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(malformed("it is no path below a host"));
    }
    Ok(Name::normalised(text))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_paths_and_keep_their_case() {
        for name in ["stdlib", "mod.example/Left", "mod.example/left/v2", "gopkg.example/left.v1"] {
            assert_eq!(parse(name).unwrap().as_str(), name);
        }
        for name in ["", "/left", "left/", "a//b", "./left", "a/../b", "a b", "a@v1", "a\0", &"a".repeat(2000)] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }
}
