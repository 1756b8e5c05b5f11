//! Lockfiles, read. Beside each file is what it says, one entry a line, and then the problems.
//!
//! Clients wrote those of npm, pnpm, Yarn, Bun, uv, Pipenv and cargo, with other addresses since; Yarn 4's lacks
//! what it needs to build natively. Those of Poetry, PDM, Gradle and Maven, the first version of cargo's and `requirements.txt` are written by hand after their formats,
//! and so are those of the ecosystems that are only read.

#![expect(clippy::disallowed_methods, reason = "what clients wrote is in files")]

use std::fmt::Write as _;

use stockade_ecosystem::cargo::CARGO;
use stockade_ecosystem::composer::COMPOSER;
use stockade_ecosystem::gem::GEM;
use stockade_ecosystem::github::ACTIONS;
use stockade_ecosystem::golang::GOLANG;
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::nuget::NUGET;
use stockade_ecosystem::pypi::PYPI;
use stockade_ecosystem::{Ecosystem, Locked, Parsed};

/// The file as it is named in a project, and as it is named here.
const NPM_FILES: &[(&str, &str)] = &[
    ("package-lock.json", "npm-6.json"),
    ("package-lock.json", "npm-10-v1.json"),
    ("package-lock.json", "npm-10-v2.json"),
    ("npm-shrinkwrap.json", "npm-10-v3.json"),
    ("pnpm-lock.yaml", "pnpm-7.yaml"),
    ("pnpm-lock.yaml", "pnpm-8.yaml"),
    ("pnpm-lock.yaml", "pnpm-12.yaml"),
    ("yarn.lock", "yarn-1.lock"),
    ("yarn.lock", "yarn-4.lock"),
    ("bun.lock", "bun-1.lock"),
];

#[test]
fn lockfiles_of_npms_clients_say_what_is_beside_them() {
    check(&NPM, NPM_FILES);
}

#[test]
fn lockfiles_of_pythons_clients_say_what_is_beside_them() {
    check(
        &PYPI,
        &[
            ("uv.lock", "uv.lock"),
            ("pylock.dev.toml", "pylock.toml"),
            ("requirements-dev.txt", "requirements-uv.txt"),
            ("requirements/base.txt", "requirements.txt"),
            ("Pipfile.lock", "Pipfile.lock"),
            ("poetry.lock", "poetry-2.lock"),
            ("poetry.lock", "poetry-1.0.lock"),
            ("pdm.windows.lock", "pdm.lock"),
        ],
    );
}

#[test]
fn lockfiles_of_cargo_say_what_is_beside_them() {
    check(&CARGO, &[("a/Cargo.lock", "v1.lock"), ("Cargo.lock", "v4.lock")]);
}

/// Of our own lockfile, every release, each with its digest, and all that they need.
#[test]
fn our_own_lockfile_is_read_whole() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let parsed = parse(&CARGO, "Cargo.lock", text.as_bytes());
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.value.len(), text.matches("\nsource = ").count());
    assert!(parsed.value.iter().all(|entry| entry.integrity.is_some()));
    let lines: Vec<&str> = text.lines().collect();
    for entry in &parsed.value {
        let line = usize::try_from(entry.line).unwrap();
        let name = format!("name = \"{}\"", entry.release.package.name);
        assert_eq!((lines[line - 1], lines[line].to_ascii_lowercase()), ("[[package]]", name));
    }
}

#[test]
fn lockfiles_of_the_java_world_say_what_is_beside_them() {
    check(
        &MAVEN,
        &[
            ("gradle.lockfile", "gradle.lockfile"),
            ("gradle/verification-metadata.xml", "verification.xml"),
            ("pom.xml", "pom.xml"),
        ],
    );
}

#[test]
fn files_of_ecosystems_that_are_only_read_say_what_is_beside_them() {
    check(&GOLANG, &[("go.mod", "go.mod"), ("go.sum", "go.sum"), ("go.work", "go.work")]);
    check(&GEM, &[("Gemfile.lock", "Gemfile.lock")]);
    check(&COMPOSER, &[("composer.lock", "composer.lock")]);
    check(
        &NUGET,
        &[
            ("packages.lock.json", "packages.lock.json"),
            ("obj/project.assets.json", "project.assets.json"),
            ("bin/demo.deps.json", "demo.deps.json"),
            ("packages.config", "packages.config"),
        ],
    );
    check(&ACTIONS, &[(".github/workflows/ci.yml", "ci.yml")]);
}

fn check(ecosystem: &Ecosystem, files: &[(&str, &str)]) {
    let folder = format!("{}/src/{}/testdata/lockfiles", env!("CARGO_MANIFEST_DIR"), ecosystem.id);
    let mut wrong = Vec::new();
    for (path, file) in files {
        let bytes = std::fs::read(format!("{folder}/{file}")).unwrap();
        let told = told(&parse(ecosystem, path, &bytes));
        let beside = format!("{folder}/{file}.txt");
        if std::fs::read_to_string(&beside).is_ok_and(|expected| expected == told) {
            continue;
        }
        let written = std::env::temp_dir().join(format!("{file}.txt"));
        std::fs::write(&written, told).unwrap();
        wrong.push(format!("{beside} is not what is read; see {}", written.display()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn parse(ecosystem: &Ecosystem, path: &str, bytes: &[u8]) -> Parsed<Vec<Locked>> {
    let manifests = ecosystem.manifests.iter().map(|manifest| &manifest.file);
    let mut files = ecosystem.lockfiles.iter().copied().chain(manifests);
    (files.find(|file| (file.matches)(path)).unwrap().parse)(bytes)
}

/// Everything that was read, for a person.
fn told(parsed: &Parsed<Vec<Locked>>) -> String {
    let mut told = String::new();
    for entry in &parsed.value {
        let direct = match entry.direct {
            Some(true) => "direct",
            Some(false) => "indirect",
            None => "unknown",
        };
        let digest = entry.integrity.as_ref().map_or_else(
            || "no digest".to_owned(),
            |claim| {
                let digests: Vec<String> =
                    claim.deciding().map(|digest| digest.to_string().chars().take(15).collect()).collect();
                digests.join(" ")
            },
        );
        let needs: Vec<String> =
            entry.needs.iter().map(|at| parsed.value[usize::try_from(*at).unwrap()].release.to_string()).collect();
        let (line, release, scope, origin) = (entry.line, &entry.release, entry.scope, &entry.origin);
        writeln!(told, "{line}: {release} {scope:?} {direct} {origin:?} {digest} [{}]", needs.join(", ")).unwrap();
    }
    for problem in &parsed.problems {
        writeln!(told, "problem {:?}: {}", problem.line, problem.what).unwrap();
    }
    for notice in &parsed.notices {
        writeln!(told, "notice {:?}: {}", notice.line, notice.what).unwrap();
    }
    for include in &parsed.includes {
        writeln!(told, "include {}: {}", include.line, include.path).unwrap();
    }
    told
}
