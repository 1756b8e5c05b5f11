//! Addresses that every validator takes for one (RFC 3986), made of what others wrote.
//!
//! An address is only carried, never followed. What may not stand in it is encoded rather than refused, so that a strange
//! one neither breaks the document that it is in nor disappears.

use std::fmt::Write as _;

/// What may stand in any part of an address, besides letters and digits.
const ANYWHERE: &str = "-._~!$&'()*+,;=";

/// The address as it can be written; `None` if there is none.
pub(crate) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (scheme, rest) = split_scheme(text).unwrap_or(("", text));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
            (is_authority(&rest[..end]).then_some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    let (start, path) = match (scheme, authority) {
        ("", Some(authority)) => (format!("//{authority}"), path),
        (scheme, Some(authority)) => (format!("{scheme}://{authority}"), path),
        // Two slashes that no host follows would be read as if one did.
        ("", None) => (String::new(), rest.trim_start_matches('/')),
        (scheme, None) => (format!("{scheme}:"), rest.trim_start_matches('/')),
    };
    // A colon in the first part of what has no scheme would make one.
    let allowed = if start.is_empty() { "/?@" } else { "/?@:" };
    let address = start + &encoded(path, allowed);
    (!address.is_empty()).then_some(address)
}

/// True if an address says by itself on which host something is.
pub(crate) fn is_absolute(address: &str) -> bool {
    split_scheme(address).is_some_and(|(_, rest)| rest.starts_with("//"))
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(fine);
    (is_scheme && !rest.is_empty()).then_some((scheme, rest))
}

/// `user@host:port`, without the brackets of numeric addresses.
fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let plain = |text: &str, more: &str| {
        text.chars().all(|letter| letter.is_ascii_alphanumeric() || ANYWHERE.contains(letter) || more.contains(letter))
    };
    !host.is_empty()
        && plain(host, "")
        && plain(user, ":")
        && port.len() <= 5
        && port.bytes().all(|b| b.is_ascii_digit())
}

fn encoded(text: &str, allowed: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut fragment = false;
    for (at, letter) in text.char_indices() {
        let pair = text.as_bytes().get(at + 1..at + 3);
        let is_pair = letter == '%' && pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let begins_fragment = letter == '#' && !fragment;
        fragment |= begins_fragment;
        let is_plain = letter.is_ascii_alphanumeric() || ANYWHERE.contains(letter) || allowed.contains(letter);
        if is_plain || is_pair || begins_fragment {
            encoded.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                // A text takes everything.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_as_it_is() {
        for text in [
            "https://user:word@host.example:8080/a/@b/c%20d?x=1#y",
            "git+ssh://git@host.example/a.git#main",
            "file:../a",
            "../a/b.tgz",
            "//host.example/a",
        ] {
            assert_eq!(address(text).as_deref(), Some(text));
        }
        assert!(is_absolute("https://host.example") && !is_absolute("file:../a") && !is_absolute("../a"));
    }

    #[test]
    fn what_may_not_stand_in_one_is_encoded() {
        let is = |text, expected| assert_eq!(address(text).as_deref(), Some(expected), "{text}");
        is("https://host.example/a b<ü>", "https://host.example/a%20b%3C%C3%BC%3E");
        is("C:\\a", "C:%5Ca");
        is(":", "%3A");
        is("a#b#c%", "a#b%23c%25");
        is("//a:b/c", "a%3Ab/c");
        is("https://a b/c", "https:a%20b/c");
        assert_eq!(address("  "), None);
        assert_eq!(address("//"), None);
    }
}
