//! `Cargo.toml`: what a project asks for.

use super::lockfile::{CARGO_LOCK, release};
use crate::locked::toml::{Toml, Value, get, members, text};
use crate::locked::{Locked, Out, is_below, read};
use crate::{Lockfile, Manifest, Scope};

pub(super) static CARGO_TOML: Manifest = Manifest {
    file: Lockfile {
        name: "Cargo.toml",
        matches: |path| path.rsplit('/').next() == Some("Cargo.toml") && !is_below(path, "vendor"),
        parse: |bytes| read(bytes, parse),
    },
    answered_by: &[&CARGO_LOCK],
    below: &[],
};

const SECTIONS: [(&str, Scope); 3] =
    [("dependencies", Scope::Run), ("build-dependencies", Scope::Build), ("dev-dependencies", Scope::Dev)];

fn parse(text: &str, out: &mut Out) {
    let file = Toml::read(text, out);
    let mut asks = false;
    for (section, scope) in SECTIONS {
        let of_targets =
            file.get("target").into_iter().flat_map(members).filter_map(|(_, target)| get(target, section));
        let of_workspace = file.get("workspace").and_then(|workspace| get(workspace, section));
        for (name, value) in file.get(section).into_iter().chain(of_targets).chain(of_workspace).flat_map(members) {
            asks |= asked(name, value, scope, file.line(value), out);
        }
    }
    if asks {
        out.problem_of_all("no lockfile of it is among what is read, so what its crates need is not known");
    }
}

/// False if it asks for nothing of a registry.
fn asked(name: &str, value: &Value<'_>, scope: Scope, line: u32, out: &mut Out) -> bool {
    let wanted = value.get_ref().as_str().or_else(|| text(value, "version"));
    let is_own = get(value, "path").is_some();
    if is_own && wanted.is_none() {
        return false;
    }
    let name = text(value, "package").unwrap_or(name);
    let exact = wanted.and_then(|wanted| release(name, wanted.trim().strip_prefix('=')?.trim()).ok());
    match exact {
        _ if is_own => {}
        Some(release) => {
            out.push(Locked { scope, direct: Some(true), ..Locked::new(release, line) });
        }
        None => out.open(line, name, wanted.unwrap_or("what its workspace or its repository has")),
    }
    !is_own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "[package]\nname = \"demo\"\n[dependencies]\nleft = \"=1.0.0\"\nright = { version = \"2\" }\nown = { path = \"../own\", version = \"1\" }\nalias = { package = \"real\", version = \"= 1.2.3\" }\nshared = { workspace = true }\n[target.'cfg(unix)'.dev-dependencies]\nunix = \"=3.0.0\"\n";
        let parsed = (CARGO_TOML.file.parse)(text.as_bytes());
        let mut told: Vec<_> =
            parsed.value.iter().map(|entry| format!("{:02} {} {:?}", entry.line, entry.release, entry.scope)).collect();
        told.sort();
        assert_eq!(told, ["04 left@1.0.0 Run", "07 real@1.2.3 Run", "10 unix@3.0.0 Dev"]);
        assert_eq!(parsed.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(5), Some(8), None]);
        assert_eq!((CARGO_TOML.file.parse)(b"[package]\nname = \"demo\"\n"), crate::Parsed::default());
        assert_eq!((CARGO_TOML.file.parse)(b"[package").problems.len(), 1);
    }
}
