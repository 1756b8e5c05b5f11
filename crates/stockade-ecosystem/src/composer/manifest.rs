//! `composer.json`: what a project asks for.

use super::lockfile::COMPOSER_LOCK;
use super::release;
use crate::json::{object, string};
use crate::locked::{Lines, Locked, Out, is_below, json, read};
use crate::{Lockfile, Manifest, Scope};

pub(super) static COMPOSER_JSON: Manifest = Manifest {
    file: Lockfile {
        name: "composer.json",
        matches: |path| path.rsplit('/').next() == Some("composer.json") && !is_below(path, "vendor"),
        parse: |bytes| read(bytes, parse),
    },
    // Composer keeps a list of all that it installed.
    below: &["vendor/composer"],
    answered_by: &[&COMPOSER_LOCK],
};

fn parse(text: &str, out: &mut Out) {
    let Some(file) = json(text, out) else { return };
    let lines = Lines::of(text);
    let mut asks = false;
    for (section, scope) in [("require", Scope::Run), ("require-dev", Scope::Dev)] {
        let names = file.get(section).and_then(object).into_iter().flat_map(|members| members.0);
        for (name, wanted) in names.filter(|(name, _)| name.contains('/')) {
            asks = true;
            let line = lines.line_of(wanted.get()).unwrap_or(1);
            let wanted = string(wanted).unwrap_or_default();
            let version = wanted.trim().trim_start_matches('=').trim();
            // Only what has a place in the order is one version.
            match release(&name, version)
                .ok()
                .filter(|_| super::version::parse(version).is_ok() && has_all_numbers(version))
            {
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

/// True of `1.2.3`; of `1.2.x-dev` it is a line of development.
fn has_all_numbers(version: &str) -> bool {
    !version.contains(['x', '*', ' ', '|', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "{\"require\": {\"php\": \">=8\",\n\"acme/left\": \"1.0.0\",\n\"acme/right\": \"^2.0\"}, \"require-dev\": {\n\"acme/dev\": \"v3.0\"}}";
        let parsed = (COMPOSER_JSON.file.parse)(text.as_bytes());
        let told: Vec<_> = parsed.value.iter().map(|entry| format!("{} {}", entry.line, entry.release)).collect();
        assert_eq!(told, ["2 acme/left@1.0.0", "4 acme/dev@v3.0"]);
        assert_eq!(parsed.problems[0].what, "which `acme/right` is taken is not decided: ^2.0");
        assert_eq!(parsed.problems.len(), 2);
        assert_eq!((COMPOSER_JSON.file.parse)(b"{\"require\": {\"php\": \"*\"}}"), crate::Parsed::default());
    }
}
