//! `stockade scan`.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, seen};

const LOCKFILE: &str = r#"{
  "name": "demo", "lockfileVersion": 3,
  "packages": {
    "": { "name": "demo", "dependencies": { "right-demo": "^1.0.0" } },
    "node_modules/right-demo": { "version": "1.0.0", "dependencies": { "left-demo": "^1.0.0" } },
    "node_modules/left-demo": { "version": "1.1.0" }
  }
}"#;

/// A world without a client's part in it: no package manager is run.
fn world() -> Option<World> {
    let world = World::or_skip()?;
    world.project.write("package-lock.json", LOCKFILE);
    Some(world)
}

fn vulnerable(world: &World) {
    let folder = world.data().join("advisories");
    std::fs::create_dir_all(&folder).unwrap();
    let record = json!({
        "id": "GHSA-demo-demo-demo", "modified": "2026-05-31T00:00:00Z", "summary": "right-demo trusts everybody",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": "npm", "name": "right-demo"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.1"}]}],
        }],
    });
    std::fs::write(folder.join("GHSA.json"), record.to_string()).unwrap();
}

#[test]
fn what_is_malicious_or_vulnerable_is_said_with_the_way_to_it() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vulnerable(&world);
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./package-lock.json:6, by right-demo@1.0.0 > left-demo@1.1.0
    vulnerable (9.8)  pkg:npm/right-demo@1.0.0  GHSA-demo-demo-demo: right-demo trusts everybody; fixed in 1.0.1
               ./package-lock.json:5
    looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31
    status 1
    "#);
    let answer = world.json(["scan", "package-lock.json"]);
    let first = &answer["findings"][0];
    assert_eq!((&first["class"], &first["verdict"], &first["line"]), (&json!("malicious"), &json!("deny"), &json!(6)));
    assert_eq!(first["path"], json!(["right-demo@1.0.0", "left-demo@1.1.0"]));
    assert_eq!(answer["coverage"]["releases"], 2);
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn what_is_installed_counts_whatever_a_lockfile_says() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    world.project.write("node_modules/left-demo/package.json", r#"{"name": "left-demo", "version": "1.1.0"}"#);
    let record = "Metadata-Version: 2.1\nName: right-demo\nVersion: 1.0.0\n";
    world.project.write(".venv/lib/python3.13/site-packages/right_demo-1.0.0.dist-info/METADATA", record);
    let answer = world.stockade(["scan"]);
    assert_eq!(answer.status, Some(1), "{answer}");
    assert!(answer.stdout.contains("malicious  pkg:npm/left-demo@1.1.0"), "{answer}");
    assert!(answer.stdout.contains("looked at 2 releases in 3 files"), "{answer}");
}

#[test]
fn a_policy_says_what_a_finding_means() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    assert_eq!(world.stockade(["scan"]).status, Some(0), "a vulnerable release is no attack");
    world.settings("[policy.advisories]\nvulnerable = \"hold\"\n");
    assert_eq!(world.stockade(["scan"]).status, Some(1));
    let exception = "[[policy.exception]]\nmatch = \"pkg:npm/right-demo\"\nreason = \"not reached\"\nby = \"alice\"\n\
        expires = 2026-12-31\nwaives = [\"advisory\"]\n";
    world.settings(&format!("[policy.advisories]\nvulnerable = \"hold\"\n{exception}"));
    assert_eq!(world.stockade(["scan"]).status, Some(0));
}

#[test]
fn what_was_not_looked_at_is_no_clean_bill() {
    let Some(world) = world() else { return };
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 2 releases in 1 file, with 0 advisory records
    not looked at:
      there are no advisories; `stockade doctor` says where they are put
    status 2
    "#);
    world.malware("other", "1.0.0");
    assert_eq!(world.stockade(["scan"]).status, Some(0));
    world.project.write(
        "package-lock.json",
        LOCKFILE.replace("\"node_modules/left-demo\"", "<<<<<<< HEAD\n\"node_modules/left-demo\""),
    );
    let broken = world.stockade(["scan"]);
    assert_eq!(broken.status, Some(2), "{broken}");
    assert!(broken.stdout.contains("package-lock.json"), "{broken}");
    std::fs::remove_file(world.project.path().join("package-lock.json")).unwrap();
    std::fs::remove_file(world.project.path().join("package.json")).unwrap();
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 0 releases in 0 files, with 1 advisory record
    there is no lockfile and no installed tree that is known; nothing was looked at
    status 2
    "#);
    assert_snapshot!(seen(&world.stockade(["scan", "nowhere"])), @r#"
    stockade: `nowhere` does not exist
    status 2
    "#);
}

/// A world with an advisory, so that nothing but files can be a gap.
fn informed() -> Option<World> {
    let world = World::or_skip()?;
    world.malware("left-demo", "1.1.0");
    std::fs::remove_file(world.project.path().join("package.json")).unwrap();
    Some(world)
}

#[test]
fn files_that_others_include_are_read_once() {
    let Some(world) = informed() else { return };
    world.project.write("requirements.txt", "-r parts/base.txt\n-c limits.txt\nleft==1.0\n");
    world.project.write("parts/base.txt", "-r ../requirements.txt\n-r base.txt\nright==1.0\n");
    world.project.write("limits.txt", "right==1.0\n");
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 3 releases in 3 files, with 1 advisory record
    no finding
    status 0
    "#);
    world.project.write("limits.txt", "-r gone.txt\n-r https://u:s3cret@files.example/more.txt\n-r ../outside.txt\n");
    std::fs::write(world.project.path().parent().unwrap().join("outside.txt"), "right==6.6.6\n").unwrap();
    assert_snapshot!(seen(&world.stockade(["scan", "requirements.txt"])), @r#"
    looked at 2 releases in 3 files, with 1 advisory record
    not looked at:
      limits.txt: line 3: it takes more from `../outside.txt`, which is outside of what is scanned
      limits.txt: line 1: it takes more from `gone.txt`, which is not there
      limits.txt: line 2: it takes more from `https://files.example/more.txt`, which is not fetched
    status 2
    "#);
}

#[test]
fn a_manifest_without_a_lockfile_is_a_gap() {
    let Some(world) = informed() else { return };
    let manifest = r#"{"dependencies": {"left-demo": "1.1.0", "right-demo": "^1.0.0"}}"#;
    world.project.write("package.json", manifest);
    world.project.write("parts/package.json", manifest);
    world.project.write("parts/empty/package.json", "{}");
    world.project.write("parts/node_modules/right-demo/test/package.json", manifest);
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./package.json:1
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./parts/package.json:1
    looked at 2 releases in 2 files, with 1 advisory record
    not looked at:
      ./package.json: line 1: which `right-demo` is taken is not decided: ^1.0.0
      ./package.json: no lockfile of it is among what is read, so what its packages need is not known
      ./parts/package.json: line 1: which `right-demo` is taken is not decided: ^1.0.0
      ./parts/package.json: no lockfile of it is among what is read, so what its packages need is not known
    status 1
    "#);
    world.project.write("node_modules/.package-lock.json", LOCKFILE.replace("1.1.0", "1.0.0"));
    let installed = world.stockade(["scan"]);
    assert!(
        !installed.stdout.contains("./package.json") && installed.stdout.contains("./parts/package.json"),
        "{installed}"
    );
    world.project.write("package-lock.json", LOCKFILE.replace("1.1.0", "1.0.0"));
    let answered = world.stockade(["scan"]);
    assert_eq!(answered.status, Some(0), "{answered}");
    assert!(answered.stdout.contains("looked at 4 releases in 2 files"), "{answered}");
}

#[test]
fn ecosystems_that_are_only_read_are_asked_of_advisories_too() {
    let Some(world) = informed() else { return };
    let record = |osv: &str, name: &str| {
        json!({
            "id": format!("MAL-{osv}"), "modified": "2026-05-31T00:00:00Z", "summary": "it steals",
            "affected": [{"package": {"ecosystem": osv, "name": name}, "versions": ["1.1.0"]}],
        })
    };
    let folder = world.data().join("advisories");
    for (osv, name) in [
        ("Go", "mod.example/left"),
        ("RubyGems", "left"),
        ("Packagist", "acme/left"),
        ("NuGet", "Left"),
        ("GitHub Actions", "acme/left"),
    ] {
        std::fs::write(folder.join(format!("{}.json", osv.replace(' ', ""))), record(osv, name).to_string()).unwrap();
    }
    world.project.write("go.mod", "module mod.example/demo\nrequire mod.example/left v1.1.0\ngo 1.22\n");
    world.project.write(
        "Gemfile.lock",
        "GEM\n  remote: https://registry.example/\n  specs:\n    left (1.1.0)\n\nDEPENDENCIES\n  left\n",
    );
    world.project.write("composer.lock", r#"{"packages": [{"name": "acme/left", "version": "v1.1.0"}]}"#);
    let nuget = r#"{"version": 1, "dependencies": {"net8.0": {"LEFT": {"type": "Direct", "resolved": "1.1"}}}}"#;
    world.project.write("packages.lock.json", nuget);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    world.project.write(
        ".github/workflows/ci.yml",
        format!("jobs:\n  a:\n    steps:\n    - uses: acme/left@{commit} # v1.1.0\n    - uses: acme/right@v4\n"),
    );
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:composer/acme/left@v1.1.0  MAL-Packagist: it steals
               ./composer.lock:1
    malicious  pkg:gem/left@1.1.0  MAL-RubyGems: it steals
               ./Gemfile.lock:4
    malicious  pkg:github/acme/left@v1.1.0  MAL-GitHub Actions: it steals
               ./.github/workflows/ci.yml:4
    malicious  pkg:golang/mod.example/left@v1.1.0  MAL-Go: it steals
               ./go.mod:2
    malicious  pkg:nuget/left@1.1  MAL-NuGet: it steals
               ./packages.lock.json:1
    notice     ./go.mod: line 3: it is the oldest Go that may build this; the one that does may be newer
    notice     ./.github/workflows/ci.yml: line 4: that `acme/left` is v1.1.0 there only a comment says, and the commit may be another
    notice     ./.github/workflows/ci.yml: line 5: `acme/right` v4 is a name that can be moved to other code; a commit cannot
    looked at 7 releases in 5 files, with 6 advisory records, the newest of 2026-05-31
    status 1
    "#);
    world.project.write(".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n    - uses: acme/right@v4\n");
    let answer = world.stockade(["scan", ".github/workflows/ci.yml"]);
    assert_eq!(answer.status, Some(0), "a name that can be moved is said, and is no finding: {answer}");
}
