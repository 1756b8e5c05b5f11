//! Names of repositories: `acme/left-demo`, in which case does not count.

use stockade_model::{Malformed, Name};

/// The longest name in bytes: an owner has 39, a repository 100.
const MAX_BYTES: usize = 140;

pub(super) fn parse(text: &str) -> Result<Name, Malformed> {
    let malformed = |why| Malformed::new("a repository's name", text, why);
    if text.len() > MAX_BYTES {
        return Err(malformed("it is longer than 140 bytes"));
    }
    let is_part = |part: &str| {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !matches!(part, "" | "." | "..") && part.bytes().all(is_fine)
    };
    match text.split_once('/') {
        Some((owner, repository)) if is_part(owner) && is_part(repository) => {
            Ok(Name::normalised(text.to_ascii_lowercase()))
        }
        _ => Err(malformed("it is no name of an owner and a repository")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_in_lower_case() {
        assert_eq!(parse("Acme/Left-demo_2.x").unwrap().as_str(), "acme/left-demo_2.x");
        for name in ["", "acme", "acme/", "/left", "a/b/c", "a b/c", "./a", "../a", &"a/".repeat(100)] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }
}
