//! `npmrc` files: `key = value` lines, which npm, pnpm and Bun read.
//!
//! A credential counts for every registry below its host and path (`//host/path/:_authToken`), and `${NAME}` is the
//! environment.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stockade_model::Secret;
use url::Url;

use crate::client::marks::Marks;
use crate::{Configured, Credential, Problem, Upstream};

/// The longest line that is looked at.
const MAX_LINE: usize = 16 * 1024;

/// What follows a scope in the key that gives it a registry of its own.
pub(super) const SCOPES: &str = ":registry";

/// True of a key that gives a scope a registry of its own.
pub(super) fn is_of_scope(key: &str) -> bool {
    key.starts_with('@') && key.ends_with(SCOPES)
}

/// What files say, the most specific one first: credentials, and addresses of registries. The most specific one wins.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) credentials: BTreeMap<String, String>,
    pub(super) addresses: BTreeMap<String, String>,
}

impl Said {
    pub(super) fn of<'a>(
        files: impl DoubleEndedIterator<Item = &'a Configured>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut said = Self::default();
        for (_, bytes) in files.rev() {
            for (key, value) in lines(&String::from_utf8_lossy(bytes)) {
                if key.starts_with("//") {
                    said.credentials.insert(key, expand(&value, env));
                } else if key == "registry" || is_of_scope(&key) {
                    said.addresses.insert(key, expand(&value, env));
                }
            }
        }
        said
    }

    /// The registry at an address, with the credential for it.
    pub(super) fn upstream(&self, address: &str) -> Result<Upstream, Problem> {
        let mut upstream = Upstream::at(address)?;
        upstream.credential = credential(&upstream.url, &self.credentials).or(upstream.credential);
        Ok(upstream)
    }
}

/// The credential for an address: that of the longest configured prefix, as npm-registry-fetch looks it up.
fn credential(url: &Url, credentials: &BTreeMap<String, String>) -> Option<Credential> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut prefix = format!("//{}{port}{}", url.host_str()?, url.path());
    loop {
        let get = |key: &str| credentials.get(&format!("{prefix}:{key}")).filter(|value| !value.is_empty());
        if let Some(token) = get("_authToken") {
            return Some(Credential::Bearer(Secret::new(token)));
        }
        if let Some(encoded) = get("_auth") {
            return Some(Credential::Basic(Secret::new(encoded)));
        }
        if let (Some(user), Some(password)) = (get("username"), get("_password")) {
            return Some(Credential::basic(user, &decoded(password)?));
        }
        let parent = prefix.trim_end_matches('/').rfind('/').filter(|at| *at > 1)?;
        prefix.truncate(parent + 1);
    }
}

fn decoded(base64_text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64_text).ok()?).ok()
}

/// The settings of an `npmrc`: `key = value` lines, quotes stripped, comments (`;`, `#`) left out.
fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines()
        .filter(|line| line.len() <= MAX_LINE)
        .map(str::trim)
        .filter(|line| !line.starts_with([';', '#']))
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            Some((key.trim().to_owned(), quoted.unwrap_or(value).to_owned()))
        })
}

/// Keys that hold credentials, besides those of a single registry, which begin with `//`.
const SECRETS: [&str; 8] = ["_auth", "_authtoken", "_password", "cert", "key", "otp", "password", "username"];

pub(super) fn without_secrets(text: &str) -> String {
    let is_secret = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim().to_lowercase();
        let address =
            line.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'));
        key.starts_with("//") || SECRETS.contains(&key.trim_end_matches("[]")) || address
    };
    text.lines().filter(|line| !is_secret(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Replaces `${NAME}` as npm does: by the variable, or left as it is if there is none; `${NAME?}` becomes nothing then.
fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        let name = &rest[start + 2..end];
        out.push_str(&rest[..start]);
        match (env(name.trim_end_matches('?')), name.ends_with('?')) {
            (Some(value), _) => out.push_str(&value),
            (None, true) => {}
            (None, false) => out.push_str(&rest[start..=end]),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

/// How `setup` marks what it did here.
const MARKS: Marks = Marks("; ");

/// What npm needs besides our address, so that nothing goes past the gateway. `replace-registry-host=always` brings what a
/// lockfile resolved elsewhere. With `prefer-online` npm asks for tarballs that its own cache has; else it would install
/// those without a question, whatever was learnt about them since. Others pass over both.
pub(super) const NOTHING_PAST_US: [(&str, &str); 2] = [("replace-registry-host", "always"), ("prefer-online", "true")];

/// Lines keep their own ends, and a last line without one is remembered, so that undoing gives back every byte.
pub(super) fn point(text: &str, base: &str, scopes: &[String]) -> String {
    let registries =
        std::iter::once("registry".to_owned()).chain(scopes.iter().map(|scope| format!("{scope}{SCOPES}")));
    let others = NOTHING_PAST_US.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let written: Vec<(String, String)> = registries.map(|key| (key, format!("{base}/"))).chain(others).collect();
    let mut out = String::new();
    for line in unpoint(text).split_inclusive('\n') {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        if written.iter().any(|(ours, _)| ours == key) {
            MARKS.put_away(&mut out, line);
        } else {
            out.push_str(line);
        }
    }
    MARKS.end_line(&mut out);
    for (key, value) in written {
        MARKS.write(&mut out, &format!("{key}={value}"));
    }
    out
}

pub(super) fn unpoint(text: &str) -> String {
    MARKS.undone(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_can_be_left_out() {
        let text = "save-exact=true\n//registry.example/:_authToken=t\n_auth = x\nKEY=k\n@a:registry=https://u:p@a.example/\n\
                    registry=https://registry.example/a@b\nkeyed=1\r\n";
        assert_eq!(without_secrets(text), "save-exact=true\nregistry=https://registry.example/a@b\nkeyed=1\n");
    }

    #[test]
    fn setup_is_reversible() {
        let before = "fund=false\nregistry=https://registry.example/\n@acme:registry = https://npm.acme.example/\n";
        let pointed = point(before, "http://127.0.0.1:4873/x", &["@acme".to_owned()]);
        insta::assert_snapshot!(pointed, @r"
        fund=false
        ; stockade setup put away: registry=https://registry.example/
        ; stockade setup put away: @acme:registry = https://npm.acme.example/
        ; stockade setup wrote the next line
        registry=http://127.0.0.1:4873/x/
        ; stockade setup wrote the next line
        @acme:registry=http://127.0.0.1:4873/x/
        ; stockade setup wrote the next line
        replace-registry-host=always
        ; stockade setup wrote the next line
        prefer-online=true
        ");
        assert_eq!(unpoint(&pointed), before);
        assert_eq!(point(&pointed, "http://127.0.0.1:4873/x", &["@acme".to_owned()]), pointed, "twice is once");
        assert_eq!(unpoint(before), before);
        assert_eq!(unpoint(&point("", "http://b", &[])), "");
        for text in ["fund=false", "registry=x", "a=b\r\nregistry = x\r\n\r\n", "; c\n\n\n"] {
            assert_eq!(unpoint(&point(text, "http://b", &[])), text);
            assert_eq!(point(&point(text, "http://b", &[]), "http://b", &[]), point(text, "http://b", &[]), "{text:?}");
        }
        assert_eq!(unpoint(&(point("a=b", "http://b", &[]) + "c=d\n")), "a=b\nc=d\n");
    }
}
