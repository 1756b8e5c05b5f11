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

/// What is built in a folder, if it or one that it lies in ends as a pattern says, and that one.
pub(super) fn built_in<'a>(folder: &'a Path, pattern: &str) -> Option<(Cause, &'a Path)> {
    let wanted: Vec<&str> = pattern.split('/').collect();
    folder.ancestors().find_map(|folder| {
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
        (fits && !cause.package.is_empty()).then_some((cause, folder))
    })
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
        let built = |folder: &str, pattern: &str| {
            built_in(Path::new(folder), pattern)
                .map(|(cause, folder)| format!("{} {} in {}", cause.package, cause.version, folder.display()))
        };
        let mine = "my_pkg  in /tmp/pip-install-x1/my_pkg_0a1b";
        let one = "pip-install-*/$PACKAGE_*";
        assert_eq!(built("/tmp/pip-install-x1/my_pkg_0a1b", one).as_deref(), Some(mine));
        assert_eq!(built("/tmp/pip-install-x1/my_pkg_0a1b/src/deep", one).as_deref(), Some(mine));
        assert_eq!(built("/tmp/pip-install-x1", one), None);
        assert_eq!(built("/tmp/other/my_pkg_0a1b", one), None);
        let two = "sdists-v*/*/$PACKAGE/$VERSION";
        assert_eq!(
            built("/c/uv/sdists-v9/pypi/num/1.2/hash/src", two).as_deref(),
            Some("num 1.2 in /c/uv/sdists-v9/pypi/num/1.2")
        );
        assert_eq!(built("/c/uv/sdists-v9/pypi", two), None);
    }
}
