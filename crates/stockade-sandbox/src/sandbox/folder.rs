//! Whose build a process belongs to, by the folder that it works in, for clients that say it nowhere else.

use std::ffi::OsStr;
use std::path::Path;

use super::watch::Cause;
use crate::profile::matches;

/// What a build is called.
pub(super) const BUILD: &str = "build";
/// Stand for the name and the version of what is built.
const PACKAGE: &str = "$PACKAGE";
const VERSION: &str = "$VERSION";

/// What is built in a folder, if it or one that it lies in ends as one of these patterns says, and that one: the innermost,
/// and the first pattern.
pub(super) fn built_in<'a>(folder: &'a Path, patterns: &[String]) -> Option<(Cause, &'a Path)> {
    folder.ancestors().find_map(|folder| {
        let cause = patterns.iter().find_map(|pattern| captured_all(pattern, folder))?;
        Some((cause, folder))
    })
}

fn captured_all(pattern: &str, folder: &Path) -> Option<Cause> {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let mut parts: Vec<&str> = folder.iter().rev().take(wanted.len()).filter_map(OsStr::to_str).collect();
    parts.reverse();
    let mut cause = Cause { package: String::new(), version: String::new(), hook: BUILD.to_owned() };
    let fits = parts.len() == wanted.len()
        && wanted.iter().zip(parts).all(|(wanted, part)| match captured(wanted, PACKAGE, part) {
            Some(package) => {
                package.clone_into(&mut cause.package);
                true
            }
            None => match captured(wanted, VERSION, part) {
                Some(version) => {
                    version.clone_into(&mut cause.version);
                    true
                }
                None => !wanted.contains('$') && matches(wanted, part),
            },
        });
    (fits && !cause.package.is_empty()).then_some(cause)
}

/// What stands in a name where a pattern has a variable. What follows it there is found from the end.
fn captured<'a>(pattern: &str, variable: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once(variable)?;
    let rest = name.strip_prefix(before)?;
    match after.strip_suffix('*') {
        Some("") => Some(rest),
        Some(mark) => rest.rsplit_once(mark).map(|(value, _)| value),
        None => rest.strip_suffix(after),
    }
    .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_builds_say_what_is_built() {
        let built = |folder: &str, patterns: &str| {
            let patterns: Vec<String> = patterns.split(' ').map(str::to_owned).collect();
            built_in(Path::new(folder), &patterns)
                .map(|(cause, folder)| format!("{} {} in {}", cause.package, cause.version, folder.display()))
        };
        let mine = "my_pkg  in /tmp/pip-install-x1/my_pkg_0a1b";
        let one = "pip-install-*/$PACKAGE_*";
        assert_eq!(built("/tmp/pip-install-x1/my_pkg_0a1b", one).as_deref(), Some(mine));
        assert_eq!(built("/tmp/pip-install-x1/my_pkg_0a1b/src/deep", one).as_deref(), Some(mine));
        assert_eq!(built("/tmp/pip-install-x1", one), None);
        assert_eq!(built("/tmp/other/my_pkg_0a1b", one), None);
        let scoped = "node_modules/@*/$PACKAGE node_modules/$PACKAGE";
        assert_eq!(built("/p/node_modules/one/lib", scoped).as_deref(), Some("one  in /p/node_modules/one"));
        assert_eq!(built("/p/node_modules/@a/one/lib", scoped).as_deref(), Some("one  in /p/node_modules/@a/one"));
        let deep = "/p/node_modules/@a/one/node_modules/two";
        assert_eq!(built(deep, scoped), Some(format!("two  in {deep}")));
        let two = "sdists-v*/*/$PACKAGE/$VERSION";
        assert_eq!(
            built("/c/uv/sdists-v9/pypi/num/1.2/hash/src", two).as_deref(),
            Some("num 1.2 in /c/uv/sdists-v9/pypi/num/1.2")
        );
        assert_eq!(built("/c/uv/sdists-v9/pypi", two), None);
    }
}
