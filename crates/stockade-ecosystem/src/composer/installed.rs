//! What is installed in `vendor`: Composer's own list of it, which was the list alone before Composer 2.

use std::collections::HashSet;

use super::lockfile::Packages;
use crate::json::string;
use crate::locked::{Lines, Out, json, read};
use crate::{Parsed, ReadInstalled, Scope};

use serde_json::value::RawValue;

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| path == "composer/installed.json" || path.ends_with("/composer/installed.json"),
    parse: |_, bytes| read(bytes, installed),
    lists: |_| false,
    files: |_| Parsed::default(),
};

fn installed(text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let mut packages = Packages::default();
    if text.trim_start().starts_with('[') {
        let list: Result<&RawValue, _> = serde_json::from_str(text);
        match list {
            Ok(list) => packages.add(list, &lines, |_| Scope::Unknown, out),
            Err(error) => {
                out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX).max(1), "from here on it is not JSON");
            }
        }
        return packages.join(out);
    }
    let Some(file) = json(text, out) else { return };
    let Some(list) = file.get("packages") else {
        return out.problem(1, "it has no `packages`, so it is no list of Composer");
    };
    let names: Option<Vec<&RawValue>> =
        file.get("dev-package-names").and_then(|names| serde_json::from_str(names.get()).ok());
    let names: Option<HashSet<String>> =
        names.map(|names| names.into_iter().filter_map(|name| Some(string(name)?.to_ascii_lowercase())).collect());
    let scope = |name: &str| match &names {
        None => Scope::Unknown,
        Some(names) if names.contains(name) => Scope::Dev,
        Some(_) => Scope::Run,
    };
    packages.add(list, &lines, scope, out);
    packages.join(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Vec<String>, usize) {
        let parsed = (INSTALLED.parse)("vendor/composer/installed.json", text.as_bytes());
        let told = |entry: &crate::Locked| format!("{}: {} {:?}", entry.line, entry.release, entry.scope);
        (parsed.value.iter().map(told).collect(), parsed.problems.len())
    }

    #[test]
    fn both_forms_of_the_list_are_read() {
        let packages = "[\n{\"name\": \"acme/left\", \"version\": \"v1.0.0\", \"require\": {\"acme/right\": \"^2\", \"php\": \">=8\"}},\n{\"name\": \"Acme/Right\", \"version\": \"dev-main\"}\n]";
        assert_eq!(
            told(packages),
            (vec!["2: acme/left@v1.0.0 Unknown".to_owned(), "3: acme/right@dev-main Unknown".to_owned()], 0)
        );
        let newer = format!("{{\"packages\": {packages}, \"dev\": true, \"dev-package-names\": [\"acme/right\"]}}");
        assert_eq!(
            told(&newer),
            (vec!["2: acme/left@v1.0.0 Run".to_owned(), "3: acme/right@dev-main Dev".to_owned()], 0)
        );
        for text in ["", "{}", "[", "{\"packages\": 1}"] {
            assert_eq!(told(text).1, 1, "{text}");
        }
    }
}
