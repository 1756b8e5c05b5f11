//! `package.json`: what a project asks for. That of an installed package names a release, and asks for nothing here.

use super::lockfile::{BUN_LOCK, PACKAGE_LOCK, PNPM_LOCK, YARN_LOCK, release};
use crate::json::{object, string};
use crate::locked::{Lines, Locked, Out, is_below, json, read};
use crate::{Lockfile, Manifest, Scope};

pub(super) static PACKAGE_JSON: Manifest = Manifest {
    file: Lockfile {
        name: "package.json",
        matches: |path| path.rsplit('/').next() == Some("package.json") && !is_below(path, "node_modules"),
        parse: |bytes| read(bytes, parse),
    },
    answered_by: &[&PACKAGE_LOCK, &PNPM_LOCK, &YARN_LOCK, &BUN_LOCK],
    // npm keeps a list of all that it installed.
    below: &["node_modules"],
};

/// What begins the version of a folder of the project.
const OWN: [&str; 4] = ["workspace:", "file:", "link:", "portal:"];

fn parse(text: &str, out: &mut Out) {
    let Some(file) = json(text, out) else { return };
    let lines = Lines::of(text);
    let mut asks = false;
    let sections =
        [("dependencies", Scope::Run), ("optionalDependencies", Scope::Optional), ("devDependencies", Scope::Dev)];
    for (section, scope) in sections {
        let names = file.get(section).and_then(object).into_iter().flat_map(|members| members.0);
        for (name, wanted) in names {
            let line = lines.line_of(wanted.get()).unwrap_or(1);
            let wanted = string(wanted).unwrap_or_default();
            let is_own = OWN.iter().any(|own| wanted.starts_with(own));
            asks |= !is_own;
            // Another name may be meant: `npm:left@1.0.0`.
            let alias = wanted.strip_prefix("npm:").and_then(|meant| meant.rsplit_once('@'));
            let (meant, range) = alias.unwrap_or((&name, &wanted));
            let exact = semver::Version::parse(range.trim().trim_start_matches(['=', 'v'])).ok();
            match exact.and_then(|exact| release(meant, &exact.to_string()).ok()) {
                _ if is_own => {}
                Some(release) => {
                    out.push(Locked { scope, direct: Some(true), ..Locked::new(release, line) });
                }
                None => out.open(line, &name, &wanted),
            }
        }
    }
    if asks {
        out.problem_of_all("no lockfile of it is among what is read, so what its packages need is not known");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "{\"dependencies\": {\n\"left\": \"1.0.0\",\n\"right\": \"^2.0.0\",\n\"alias\": \"npm:@acme/left@=1.2.3\",\n\"own\": \"workspace:*\",\n\"tag\": \"latest\"}, \"devDependencies\": {\n\"dev\": \"v3.0.0\"}}";
        let parsed = (PACKAGE_JSON.file.parse)(text.as_bytes());
        let told: Vec<_> = parsed.value.iter().map(|entry| format!("{} {}", entry.line, entry.release)).collect();
        assert_eq!(told, ["2 left@1.0.0", "4 @acme/left@1.2.3", "7 dev@3.0.0"]);
        let problems: Vec<_> = parsed.problems.iter().map(|problem| (problem.line, problem.what.as_str())).collect();
        assert_eq!(
            problems[..2],
            [
                (Some(3), "which `right` is taken is not decided: ^2.0.0"),
                (Some(6), "which `tag` is taken is not decided: latest")
            ]
        );
        assert_eq!(problems.len(), 3);
        assert_eq!((PACKAGE_JSON.file.parse)(b"{\"name\": \"left\"}"), crate::Parsed::default());
        assert_eq!(
            (PACKAGE_JSON.file.parse)(b"{\"dependencies\": {\"own\": \"file:../own\"}}"),
            crate::Parsed::default()
        );
        assert_eq!((PACKAGE_JSON.file.parse)(b"{").problems.len(), 1);
    }
}
