//! How pnpm names what it installs.
//!
//! Up to version 5 of its format `/left/1.0.0_peer@2.0.0`, in version 6 `/left@1.0.0(peer@2.0.0)`, from 9 on
//! `left@1.0.0(peer@2.0.0)`. With another registry, its host stands before the first `/`. What no registry has is named
//! by its address: `file:…`, `https://…`, `github.com/a/b/0123abc`, or `left@https://…`.

/// The name and the version in a key. What is of no registry has an address for a version.
pub(super) fn split(key: &str) -> Option<(&str, &str)> {
    let key = without_peers(key);
    let Some(path) = key.strip_prefix('/') else {
        return at(key).or_else(|| {
            let path = key.strip_prefix(registry(key)?)?.strip_prefix('/')?;
            slash(path).or_else(|| at(path))
        });
    };
    // The older has another `/` before the version.
    let slashes = path.matches('/').count();
    let is_old = slashes > usize::from(path.starts_with('@'));
    if is_old { slash(path) } else { at(path) }
}

/// The host of another registry than the usual one.
pub(super) fn registry(key: &str) -> Option<&str> {
    let key = without_peers(key);
    let (host, _) = key.split_once('/')?;
    let is_host = host.contains('.') && !host.contains('@') && !key.contains(':');
    is_host.then_some(host)
}

/// The key without what it was installed with.
pub(super) fn without_peers(key: &str) -> &str {
    let end = key.find('(').unwrap_or(key.len());
    &key[..end]
}

/// `left@1.0.0`, `@acme/left@1.0.0`, `left@https://…`
fn at(key: &str) -> Option<(&str, &str)> {
    let scope = usize::from(key.starts_with('@'));
    let at = key.get(scope..)?.find('@')? + scope;
    let (name, version) = (&key[..at], &key[at + 1..]);
    let is_name = !name.is_empty() && !name.contains(':') && name.matches('/').count() == scope;
    (is_name && !version.is_empty()).then_some((name, version))
}

/// `left/1.0.0_peer@2.0.0`, `@acme/left/1.0.0`
fn slash(path: &str) -> Option<(&str, &str)> {
    let scope = if path.starts_with('@') { path.find('/')? + 1 } else { 0 };
    let end = path.get(scope..)?.find('/')? + scope;
    let version = &path[end + 1..];
    // No version has a `_`, and what follows it may have anything.
    let version = version.split('_').next().unwrap_or(version);
    (!version.is_empty() && version.starts_with(|c: char| c.is_ascii_digit())).then_some((&path[..end], version))
}

#[cfg(test)]
mod tests {
    use super::{registry, split};

    #[test]
    fn keys_of_every_version_are_names_and_versions() {
        for key in [
            "/left/1.0.0",
            "/left/1.0.0_peer@2.0.0+@acme/b@1.0.0",
            "/left/1.0.0_0123abcd",
            "/left@1.0.0",
            "/left@1.0.0(@acme/peer@2.0.0)(b@1.0.0)",
            "left@1.0.0",
            "left@1.0.0(peer@2.0.0(b@1.0.0))",
            "registry.example/left/1.0.0",
            "registry.example/left@1.0.0",
        ] {
            assert_eq!(split(key), Some(("left", "1.0.0")), "{key}");
        }
        for key in ["/@acme/left/1.0.0-rc.1", "/@acme/left@1.0.0-rc.1(a@1.0.0)", "@acme/left@1.0.0-rc.1"] {
            assert_eq!(split(key), Some(("@acme/left", "1.0.0-rc.1")), "{key}");
        }
        assert_eq!(registry("registry.example/left/1.0.0"), Some("registry.example"));
        assert_eq!(registry("/left/1.0.0"), None);
        assert_eq!(split("left@https://h.example/l.tgz"), Some(("left", "https://h.example/l.tgz")));
        assert_eq!(split("left@file:../left"), Some(("left", "file:../left")));
        for key in ["", "/", "@", "left", "file:../left", "github.com/acme/left/0123abcd", "@h.example/a.tgz", "/left/"]
        {
            assert_eq!(split(key), None, "{key}");
        }
    }
}
