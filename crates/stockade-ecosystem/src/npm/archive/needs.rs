//! What `package.json` asks to be installed with the package, and from where.

use serde_json::{Map, Value};
use stockade_model::{NeedFrom, NeedRole};

use crate::archive::{Manifest, extension};

/// Members with a table of packages. What is optional counts as that even if it is also an ordinary one.
const TABLES: [(&str, NeedRole); 3] = [
    ("optionalDependencies", NeedRole::Optional),
    ("dependencies", NeedRole::Run),
    ("peerDependencies", NeedRole::Peer),
];

/// Prefixes of addresses of repositories.
const REPOSITORIES: [&str; 8] = ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:", "ssh:"];
/// Prefixes of paths.
const PATHS: [&str; 8] = ["file:", "link:", "portal:", "workspace:", "./", "../", "/", "~/"];
/// Sites whose addresses of a repository are cloned.
const HOSTS: [&str; 3] = ["github.com/", "gitlab.com/", "bitbucket.org/"];

pub(super) fn read(document: &Map<String, Value>, manifest: &mut Manifest) {
    let optional = document.get("optionalDependencies").and_then(Value::as_object);
    for (table, role) in TABLES {
        for (name, wanted) in document.get(table).and_then(Value::as_object).into_iter().flatten() {
            let again = role == NeedRole::Run && optional.is_some_and(|optional| optional.contains_key(name));
            if let Some(wanted) = wanted.as_str().filter(|_| !again) {
                manifest.need(name, wanted, from(wanted), role);
            }
        }
    }
    let bundled = document.get("bundleDependencies").or_else(|| document.get("bundledDependencies"));
    match bundled {
        Some(Value::Array(names)) => {
            for name in names.iter().filter_map(Value::as_str) {
                manifest.need(name, "*", NeedFrom::Path, NeedRole::Bundled);
            }
        }
        Some(Value::Bool(true)) => {
            for (name, _) in document.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
                manifest.need(name, "*", NeedFrom::Path, NeedRole::Bundled);
            }
        }
        _ => {}
    }
}

/// Where a package comes from, by what is wanted of it: a range, or one of many kinds of addresses.
fn from(wanted: &str) -> NeedFrom {
    let wanted = wanted.trim();
    let lower = wanted.to_ascii_lowercase();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
    if lower.starts_with("npm:") {
        NeedFrom::Alias
    } else if begins(&REPOSITORIES) {
        NeedFrom::Git
    } else if begins(&PATHS) {
        NeedFrom::Path
    } else if let Some(address) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) {
        if is_repository(address) { NeedFrom::Git } else { NeedFrom::Url }
    } else if lower.contains("://") {
        NeedFrom::Url
    } else if is_shorthand(wanted) {
        NeedFrom::Git
    } else {
        NeedFrom::Registry
    }
}

fn is_repository(address: &str) -> bool {
    let address = address.split(['#', '?']).next().unwrap_or(address).trim_end_matches('/');
    let known = HOSTS.iter().find_map(|host| address.strip_prefix(host));
    extension(address) == "git" || known.is_some_and(|path| path.matches('/').count() == 1)
}

/// `user/repository`, on the largest site.
fn is_shorthand(wanted: &str) -> bool {
    let path = wanted.split('#').next().unwrap_or(wanted);
    let is_part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@:%|<>=".contains(c));
    path.split_once('/').is_some_and(|(user, name)| is_part(user) && is_part(name) && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_comes_from_where_npm_takes_it() {
        let cases = [
            ("^1.0.0", NeedFrom::Registry),
            (">= 1.2 < 3 || latest", NeedFrom::Registry),
            ("", NeedFrom::Registry),
            ("npm:other@1", NeedFrom::Alias),
            ("git+ssh://git@git.example/a.git", NeedFrom::Git),
            ("git@git.example:a/b", NeedFrom::Git),
            ("github:a/b#main", NeedFrom::Git),
            ("a/b", NeedFrom::Git),
            ("a/b#semver:^1", NeedFrom::Git),
            ("https://github.com/a/b", NeedFrom::Git),
            ("https://github.com/a/b/archive/main.tar.gz", NeedFrom::Url),
            ("https://files.example/a.git", NeedFrom::Git),
            ("HTTP://files.example/a.tgz", NeedFrom::Url),
            ("file:../a", NeedFrom::Path),
            ("workspace:*", NeedFrom::Path),
        ];
        for (wanted, expected) in cases {
            assert_eq!(from(wanted), expected, "{wanted}");
        }
    }
}
