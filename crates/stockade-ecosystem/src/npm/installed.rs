//! What is installed in `node_modules`.
//!
//! npm writes a list of it (`.package-lock.json`), which a package that runs when it is installed can change, as it can
//! change its own `package.json`. So both are read. Packages have folders in them that look like installed packages, for
//! their tests: only the file right below `node_modules/NAME` names one.

use crate::json::{Collect, document, string};
use crate::locked::{Lines, Locked, Out, licence, read};
use crate::{Origin, Parsed, ReadInstalled};

use super::lockfile::{PACKAGE_LOCK, origin, release};

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| path.ends_with("node_modules/.package-lock.json") || folder(path).is_some(),
    parse: |path, bytes| match folder(path) {
        Some(name) => read(bytes, |text, out| manifest(name, text, out)),
        None => (PACKAGE_LOCK.parse)(bytes),
    },
    lists: |_| false,
    files: |_| Parsed::default(),
};

/// The name of the folder that a `package.json` is in, if it is one of an installed package. pnpm has them below
/// `.pnpm/left@1.0.0/node_modules`.
fn folder(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/package.json")?;
    let name = match folder.rfind("node_modules/") {
        Some(at) if at == 0 || folder[..at].ends_with('/') => &folder[at + "node_modules/".len()..],
        _ => return None,
    };
    let is_name = if name.starts_with('@') { name.matches('/').count() == 1 } else { !name.contains('/') };
    (is_name && !name.starts_with('.')).then_some(name)
}

fn manifest(folder: &str, text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let members = match document(text, Collect) {
        Ok(Some(members)) => members,
        Ok(None) => return out.problem(1, "it is not an object"),
        Err(error) => {
            return out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX), "from here on it is not JSON");
        }
    };
    for key in members.repeated() {
        if matches!(key, "name" | "version") {
            out.problem_of_all(format!("it has `{key}` twice"));
        }
    }
    let told = |key: &str| members.get(key).and_then(string);
    let (Some(name), Some(version)) = (told("name").or(Some(folder.into())), told("version")) else {
        return out.problem(1, format!("`{}` has no version, so it cannot be said what it is", folder.escape_debug()));
    };
    let line = members.get("version").and_then(|version| lines.line_of(version.get())).unwrap_or(1);
    let Some(release) = out.take(line, release(&name, &version)) else { return };
    let mut locked = Locked::new(release, line);
    // Older npm wrote where it had it from.
    locked.origin = told("_resolved").map_or(Origin::Registry(None), |address| origin(&address));
    locked.licence = told("license").as_deref().and_then(licence);
    locked.integrity = told("_integrity").and_then(|text| out.integrity(line, &locked.release, &text));
    out.push(locked);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_right_below_node_modules_is_a_package() {
        let named = |path: &str| folder(path).map(str::to_owned);
        for (path, name) in [
            ("node_modules/left/package.json", "left"),
            ("a/node_modules/@acme/left/package.json", "@acme/left"),
            ("a/node_modules/b/node_modules/left/package.json", "left"),
            ("node_modules/.pnpm/left@1.0.0/node_modules/left/package.json", "left"),
        ] {
            assert_eq!(named(path).as_deref(), Some(name), "{path}");
        }
        for path in [
            "package.json",
            "left/package.json",
            "node_modules/package.json",
            "node_modules/left/test/package.json",
            "node_modules/.cache/package.json",
            "node_modules/@acme/package.json",
            "my_node_modules/left/package.json",
            "node_modules/left/package.json5",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }

    #[test]
    fn a_manifest_names_a_release() {
        let read = |text: &str| (INSTALLED.parse)("node_modules/old/package.json", text.as_bytes());
        let parsed = read("{\n  \"name\": \"left\",\n  \"version\": \"1.0.0\"\n}");
        assert_eq!((parsed.value[0].release.to_string(), parsed.value[0].line), ("left@1.0.0".to_owned(), 3));
        assert!(parsed.problems.is_empty());
        let licence =
            |text: &str| read(&format!("{{\"version\":\"1.0.0\",\"license\":{text}}}")).value[0].licence.clone();
        assert_eq!(licence("\"MIT OR Apache-2.0\"").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(licence("{\"type\":\"MIT\"}"), None);
        for text in
            ["", "[]", "{\"name\":\"left\"}", "{\"version\":\"x\"}", "{\"version\":\"1.0.0\",\"version\":\"2.0.0\"}"]
        {
            assert_eq!(read(text).problems.len(), 1, "{text}");
        }
    }
}
