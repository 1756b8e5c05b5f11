//! Values that must not be seen: credentials, and addresses that may carry one.

use std::fmt;

/// A credential. It prints as `***` and cannot be serialised, so it cannot reach a log, an error or a report.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Takes the credential in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself, to put into a request's header and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An address without user, password, query and fragment: the parts where credentials hide.
pub fn redacted(url: &str) -> String {
    if !url.contains(['?', '#', '@']) {
        return url.to_owned();
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("npm_s3cr3t");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "npm_s3cr3t");
    }

    #[test]
    fn an_address_loses_what_may_be_secret() {
        assert_eq!(redacted("https://user:pw@registry.example/a/b?token=1#x"), "https://registry.example/a/b");
        assert_eq!(redacted("https://registry.example?token=1"), "https://registry.example");
        assert_eq!(redacted("/a/b?token=1"), "/a/b");
        assert_eq!(redacted("https://registry.example/@scope/x"), "https://registry.example/@scope/x");
    }
}
