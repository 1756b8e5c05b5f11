//! Lockfiles that are damaged, by accident or on purpose: nothing is passed over without a word.

#![expect(clippy::disallowed_methods, reason = "what is damaged is in files")]

use proptest::prelude::*;
use stockade_ecosystem::composer::COMPOSER;
use stockade_ecosystem::gem::GEM;
use stockade_ecosystem::github::ACTIONS;
use stockade_ecosystem::golang::GOLANG;
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::nuget::NUGET;
use stockade_ecosystem::pypi::PYPI;
use stockade_ecosystem::{ALL, Ecosystem, Locked, Lockfile, Parsed, known};

/// A file in version 3 with these entries, each in a line, the first in line 4.
fn package_lock(entries: &str) -> String {
    format!("{{\"lockfileVersion\": 3,\n\"packages\": {{\n\"\": {{\"dependencies\": {{}}}},\n{entries}\n}}}}\n")
}

const LEFT: &str = "\"node_modules/left\": {\"version\": \"1.0.0\"}";
const RIGHT: &str = "\"node_modules/right\": {\"version\": \"2.0.0\"}";

fn parse(ecosystem: &Ecosystem, name: &str, bytes: &[u8]) -> Parsed<Vec<Locked>> {
    let lockfile = ecosystem.lockfiles.iter().find(|lockfile| lockfile.name == name).unwrap();
    (lockfile.parse)(bytes)
}

/// Each entry with its line, and each problem.
fn told(parsed: &Parsed<Vec<Locked>>) -> String {
    let entries = parsed.value.iter().map(|entry| format!("{}: {}", entry.line, entry.release));
    let problems = parsed.problems.iter().map(|problem| format!("{:?} {}", problem.line, problem.what));
    entries.chain(problems).collect::<Vec<_>>().join("\n")
}

fn npm(text: &str) -> String {
    told(&parse(&NPM, "package-lock.json", text.as_bytes()))
}

#[test]
fn both_sides_of_an_unfinished_merge_are_read() {
    let (ours, middle, theirs) = ("<<<<<<< HEAD", "=======", ">>>>>>> feature");
    let merged = package_lock(&format!("{LEFT},\n{ours}\n{RIGHT}\n{middle}\n{}\n{theirs}", RIGHT.replace('2', "3")));
    insta::assert_snapshot!(npm(&merged), @r"
    4: left@1.0.0
    6: right@2.0.0
    8: right@3.0.0
    Some(5) a merge was not finished here; what both sides have is read
    ");
}

#[test]
fn all_encodings_that_clients_take_are_read() {
    let text = package_lock(LEFT);
    let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [text.clone().into_bytes(), format!("\u{feff}{text}").into_bytes(), little.clone(), big] {
        assert_eq!(told(&parse(&NPM, "package-lock.json", &bytes)), "4: left@1.0.0");
    }
    let odd = told(&parse(&NPM, "package-lock.json", &little[..little.len() - 1]));
    assert!(odd.contains("it breaks off in the middle of a character"), "{odd}");
    let latin = [b"# caf\xe9\nleft==1.0\n".as_slice()].concat();
    insta::assert_snapshot!(told(&parse(&PYPI, "requirements.txt", &latin)), @"
    2: left@1.0
    Some(1) it has bytes that are no text in its encoding; they are read as `\u{fffd}`
    ");
}

#[test]
fn of_a_file_that_breaks_off_the_rest_is_read() {
    let whole = package_lock(&format!("{LEFT},\n{RIGHT}"));
    let cut = &whole[..whole.find("2.0.0").unwrap()];
    insta::assert_snapshot!(npm(cut), @"
    4: left@1.0.0
    Some(5) it breaks off
    ");
    insta::assert_snapshot!(npm(&whole.replace(",\n\"node_modules/right", "\n\"node_modules/right")), @"
    4: left@1.0.0
    Some(5) from here on it is not JSON, or nested too deep
    ");
}

#[test]
fn what_nests_too_deep_ends_the_file_and_not_the_program() {
    let deep = format!("\"node_modules/a\": {{\"x\": {}", "[".repeat(1_000_000));
    let told = npm(&package_lock(&format!("{LEFT},\n{deep}")));
    assert!(told.starts_with("4: left@1.0.0\nSome(6) from here on it is not JSON, or nested too deep"), "{told}");
    let nested = "\"a\": {\"version\": \"1.0.0\", \"dependencies\": {".repeat(100_000);
    let told = npm(&format!("{{\"lockfileVersion\": 1, \"dependencies\": {{\n{nested}"));
    assert_eq!(told, "Some(2) from here on it is not JSON, or nested too deep");
    for (name, text) in [("uv.lock", "a = [".repeat(100_000)), ("pylock.toml", "[a.".repeat(100_000))] {
        assert!(!parse(&PYPI, name, text.as_bytes()).problems.is_empty());
    }
    let pom = "<project>".repeat(100_000);
    assert!(!parse(&MAVEN, "pom.xml", pom.as_bytes()).problems.is_empty());
    let yaml: String = (0..1_000).map(|depth| " ".repeat(depth) + "a:\n").collect();
    assert!(!parse(&NPM, "pnpm-lock.yaml", yaml.as_bytes()).problems.is_empty());
}

#[test]
fn what_is_there_twice_is_there_twice() {
    let twice = package_lock(&format!("{LEFT},\n{}", LEFT.replace("1.0.0", "6.6.6")));
    insta::assert_snapshot!(npm(&twice), @"
    4: left@1.0.0
    5: left@6.6.6
    Some(5) `node_modules/left` is there twice
    ");
    let version = package_lock("\"node_modules/left\": {\"version\": \"1.0.0\", \"version\": \"6.6.6\"}");
    insta::assert_snapshot!(npm(&version), @"
    4: left@6.6.6
    Some(4) `node_modules/left` has `version` twice
    ");
}

#[test]
fn the_two_halves_of_version_2_are_compared() {
    let text = format!(
        "{{\"lockfileVersion\": 2, \"packages\": {{{LEFT}}},\n\"dependencies\": {{\"left\": {{\"version\": \"6.6.6\"}},\n\"hidden\": {{\"version\": \"git+ssh://git@code.example/hidden.git#0123456\"}}}}}}"
    );
    insta::assert_snapshot!(npm(&text), @"
    1: left@1.0.0
    2: left@6.6.6
    Some(2) npm 6 would install left@6.6.6, which `packages` does not have there
    Some(3) npm 6 would install something at `node_modules/hidden`, which `packages` does not have
    ");
}

#[test]
fn what_is_needed_and_not_there_is_said() {
    let text = package_lock("\"node_modules/left\": {\"version\": \"1.0.0\", \"dependencies\": {\"gone\": \"1\"}}");
    insta::assert_snapshot!(npm(&text), @"
    4: left@1.0.0
    Some(4) `node_modules/left` needs `gone`, which has no entry
    ");
}

#[test]
fn credentials_are_in_no_entry_and_no_problem() {
    let lock = "lockfileVersion: '9.0'\npackages:\n  left@https://user:s3cret@h.example/l.tgz?token=s3cret:\n    resolution: {tarball: x}\n";
    let texts = [
        (
            "package-lock.json",
            package_lock(
                "\"node_modules/l\": {\"version\": \"1.0.0\", \"resolved\": \"https://u:s3cret@h.example/l.tgz?s3cret\"}",
            ),
        ),
        (
            "package-lock.json",
            package_lock("\"node_modules/l\": {\"version\": \"https://u:s3cret@h.example/x?s3cret\"}"),
        ),
        ("pnpm-lock.yaml", lock.to_owned()),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\na@1:\n  version \"1.0.0\"\n  dependencies:\n    b \"https://u:s3cret@h.example/\"\n"
                .to_owned(),
        ),
    ];
    for (name, text) in texts {
        let parsed = parse(&NPM, name, text.as_bytes());
        assert!(!parsed.value.is_empty() || !parsed.problems.is_empty());
        assert!(!format!("{parsed:?}").contains("s3cret"), "{parsed:?}");
    }
}

#[test]
fn a_circle_of_needs_is_one() {
    let text = package_lock(
        "\"node_modules/a\": {\"version\": \"1.0.0\", \"dependencies\": {\"b\": \"1\"}},\n\"node_modules/b\": {\"version\": \"1.0.0\", \"dependencies\": {\"a\": \"1\", \"b\": \"1\"}}",
    );
    let parsed = parse(&NPM, "package-lock.json", text.as_bytes());
    let needs: Vec<_> = parsed.value.iter().map(|entry| entry.needs.clone()).collect();
    assert_eq!((needs, parsed.problems), (vec![vec![1], vec![0, 1]], Vec::new()));
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      a:\n        specifier: 1.0.0\n        version: 1.0.0\npackages:\n  a@1.0.0:\n    engines: {}\n  b@1.0.0:\n    engines: {}\nsnapshots:\n  a@1.0.0:\n    dependencies:\n      b: 1.0.0\n  b@1.0.0:\n    dependencies:\n      a: 1.0.0\n";
    let parsed = parse(&NPM, "pnpm-lock.yaml", pnpm.as_bytes());
    let needs: Vec<_> = parsed.value.iter().map(|entry| entry.needs.clone()).collect();
    assert_eq!((needs, parsed.problems), (vec![vec![1], vec![0]], Vec::new()));
}

/// The samples of ecosystems that are only read, and by what name they are known.
const READ: [(&Ecosystem, &str, &str); 8] = [
    (&GOLANG, "go.mod", "golang/testdata/lockfiles/go.mod"),
    (&GEM, "Gemfile.lock", "gem/testdata/lockfiles/Gemfile.lock"),
    (&COMPOSER, "composer.lock", "composer/testdata/lockfiles/composer.lock"),
    (&NUGET, "packages.lock.json", "nuget/testdata/lockfiles/packages.lock.json"),
    (&NUGET, "project.assets.json", "nuget/testdata/lockfiles/project.assets.json"),
    (&NUGET, "deps.json", "nuget/testdata/lockfiles/demo.deps.json"),
    (&NUGET, "packages.config", "nuget/testdata/lockfiles/packages.config"),
    (&ACTIONS, "workflow", "github/testdata/lockfiles/ci.yml"),
];

#[test]
fn what_is_damaged_is_said_in_ecosystems_that_are_only_read() {
    for (ecosystem, name, sample) in READ {
        let text = std::fs::read_to_string(format!("{}/src/{sample}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let whole = parse(ecosystem, name, text.as_bytes());
        assert!(!whole.value.is_empty() && whole.problems.is_empty(), "{name}");
        let (first, rest) = text.split_once('\n').unwrap();
        let merged = format!("<<<<<<< ours\n{first}\n=======\n{first}\n>>>>>>> theirs\n{rest}");
        let merged = parse(ecosystem, name, merged.as_bytes());
        let entries = merged.value.iter().map(|entry| &entry.release);
        assert!(whole.value.iter().all(|entry| entries.clone().any(|release| *release == entry.release)), "{name}");
        assert_eq!(merged.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(1)], "{name}");
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse(ecosystem, name, &wide), whole, "{name}");
        let cut = parse(ecosystem, name, &text.as_bytes()[..text.len() / 2]);
        // YAML may end anywhere.
        let is_told = !cut.problems.is_empty() || name == "workflow";
        assert!(is_told && cut.value.len() <= whole.value.len(), "{name}: {cut:?}");
        for nested in ["[", "{\"a\":", "<a>", "- ", "(\n"] {
            let deep = format!("{text}\n{}", nested.repeat(100_000));
            parse(ecosystem, name, deep.as_bytes());
            let told = told(&parse(ecosystem, name, nested.repeat(100_000).as_bytes()));
            assert!(!told.is_empty(), "{name} {nested}");
        }
    }
}

#[test]
fn a_number_may_have_any_length_or_is_said_to_have_none() {
    let long = "9".repeat(40);
    let gem = |version: &str| {
        format!("GEM\n  remote: https://registry.example/\n  specs:\n    left ({version})\n\nDEPENDENCIES\n")
    };
    assert_eq!(told(&parse(&GEM, "Gemfile.lock", gem(&long).as_bytes())), format!("4: left@{long}"));
    let longer = told(&parse(&GEM, "Gemfile.lock", gem(&"9".repeat(4000)).as_bytes()));
    assert!(longer.contains("is not a version"), "{longer}");
    let module = format!("module a.example/a\nrequire b.example/b v{long}.0.0\ngo 1.22\n");
    assert!(told(&parse(&GOLANG, "go.mod", module.as_bytes())).contains("is not a version"));
}

#[test]
fn an_empty_file_says_that_it_is_none() {
    for lockfile in lockfiles() {
        let parsed = (lockfile.parse)(b"");
        // Of these, an empty one asks for nothing.
        let may_be_empty = [
            "requirements.txt",
            "gradle.lockfile",
            "Cargo.lock",
            "go.sum",
            "Cargo.toml",
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "build.gradle",
            "libs.versions.toml",
            "csproj",
        ]
        .contains(&lockfile.name);
        assert_eq!(parsed.problems.is_empty(), may_be_empty, "{}: {parsed:?}", lockfile.name);
    }
}

fn lockfiles() -> impl Iterator<Item = &'static Lockfile> {
    known().flat_map(|ecosystem| {
        let manifests = ecosystem.manifests.iter().map(|manifest| &manifest.file);
        ecosystem.lockfiles.iter().copied().chain(manifests)
    })
}

/// What must hold of anything that was read.
fn holds(parsed: &Parsed<Vec<Locked>>, lines: usize) {
    for entry in &parsed.value {
        let ecosystem = known().find(|ecosystem| ecosystem.id == entry.release.package.ecosystem).unwrap();
        assert_eq!((ecosystem.name)(entry.release.package.name.as_str()).as_ref(), Ok(&entry.release.package.name));
        // Elsewhere a branch is a version, too, without a place in the order.
        let is_guarded = ALL.iter().any(|guarded| guarded.id == ecosystem.id);
        assert!(!is_guarded || (ecosystem.version)(&entry.release.version).is_ok(), "{:?}", entry.release);
        assert!((1..=lines + 1).contains(&usize::try_from(entry.line).unwrap()), "{} of {lines}", entry.line);
        assert!(entry.needs.is_sorted());
        assert!(entry.needs.iter().all(|at| usize::try_from(*at).unwrap() < parsed.value.len()));
    }
}

/// Real files, of each ecosystem.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for ecosystem in known() {
        let folder = format!("{}/src/{}/testdata/lockfiles", env!("CARGO_MANIFEST_DIR"), ecosystem.id);
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        samples.extend(files.map(|file| std::fs::read(file).unwrap()));
    }
    samples
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Pieces of real files, cut anywhere and joined in any way, by every reader.
    #[test]
    fn readers_take_anything(pieces in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..400, any::<[u8; 2]>()), 1..6)) {
        let samples = samples();
        let mut bytes = Vec::new();
        for (sample, start, length, noise) in pieces {
            let sample = sample.get(&samples);
            let start = start.index(sample.len());
            bytes.extend_from_slice(&sample[start..sample.len().min(start + length)]);
            bytes.extend_from_slice(&noise[..usize::from(noise[0] % 3)]);
        }
        let lines = bytes.split(|byte| *byte == b'\n').count();
        for lockfile in lockfiles() {
            holds(&(lockfile.parse)(&bytes), lines.max(bytes.len()));
        }
        for linked in known().filter_map(|ecosystem| ecosystem.linked) {
            (linked.leads)(&bytes);
            let read = (linked.parse)(&[("pom.xml", &bytes), ("a/pom.xml", &bytes[bytes.len() / 2..])]);
            for parsed in &read {
                holds(parsed, lines.max(bytes.len()));
            }
        }
        for read in known().filter_map(|ecosystem| ecosystem.installed) {
            (read.files)(&bytes);
            for path in [
                "node_modules/a/package.json", "node_modules/.package-lock.json", "a.dist-info/METADATA",
                "vendor/modules.txt", "specifications/left-1.0.gemspec", "vendor/composer/installed.json",
            ] {
                holds(&(read.parse)(path, &bytes), lines.max(bytes.len()));
            }
        }
    }

    /// A real file that ends anywhere: no entry of it is another than before.
    #[test]
    fn a_file_that_ends_early_invents_nothing(sample in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
        let samples = samples();
        let whole = sample.get(&samples);
        let cut = &whole[..end.index(whole.len())];
        let lockfile = lockfiles().find(|lockfile| lockfile.name == "package-lock.json").unwrap();
        let names = |bytes: &[u8]| (lockfile.parse)(bytes).value.into_iter().map(|entry| entry.release).collect::<Vec<_>>();
        let all = names(whole);
        prop_assert!(names(cut).iter().all(|release| all.contains(release)));
    }
}
