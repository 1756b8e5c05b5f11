//! `stockade scan`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{World, sarif, seen};

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

/// A list names digests, which nothing else about a release needs to be known for.
#[test]
fn bytes_on_a_list_are_found_whatever_they_are_called() {
    let Some(world) = world() else { return };
    let digest = stockade_model::Digest::of(b"bad");
    let locked = format!(r#""version": "1.1.0", "integrity": "{}""#, digest.sri());
    world.project.write("package-lock.json", LOCKFILE.replace(r#""version": "1.1.0""#, &locked));
    let folder = world.data().join("advisories");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ours.list"), format!("{digest} stolen token\n")).unwrap();
    let answer = world.json(["scan", "package-lock.json"]);
    let found: Vec<_> = answer["findings"].as_array().unwrap().iter().map(|found| &found["purl"]).collect();
    assert_eq!(found, [&json!("pkg:npm/left-demo@1.1.0")]);
    let [class, grade, verdict] = ["class", "grade", "verdict"].map(|key| answer["findings"][0][key].as_str().unwrap());
    assert_eq!((class, grade, verdict), ("malicious", "hash", "deny"));
}

/// A claim says where a name belongs. A lockfile says where it was taken from, which is another place if somebody was taken
/// in by the name.
#[test]
fn a_record_about_a_public_package_does_not_mean_one_that_was_taken_from_elsewhere() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    let scan = |stated: bool, claim: &str, address: &str| {
        let url = if stated { "url = \"https://registry.example/\"\n" } else { "" };
        world.settings(&format!("[upstream.npm]\n{url}[upstream.npm.claims]\n\"left-*\" = \"{claim}\"\n"));
        let locked = format!(r#""version": "1.1.0", "resolved": "{address}/left-demo/-/left-demo-1.1.0.tgz""#);
        world.project.write("package-lock.json", LOCKFILE.replace(r#""version": "1.1.0""#, &locked));
        let answer = world.json(["scan"]);
        let [grade, verdict] = ["grade", "verdict"].map(|key| answer["findings"][0][key].as_str().unwrap().to_owned());
        (grade, verdict, world.stockade(["scan"]).status)
    };
    let scanned = |claim: &str, address: &str| scan(true, claim, address);
    let allowed = ("name-collision".to_owned(), "allow".to_owned(), Some(0));
    let denied = ("version".to_owned(), "deny".to_owned(), Some(1));
    assert_eq!(scanned("https://acme.example/npm/", "https://acme.example/npm"), allowed);
    assert_eq!(scanned("https://acme.example/npm/", "https://registry.example"), denied);
    assert_eq!(scanned("https://acme.example/npm", "https://acme.example/npm-of-others"), denied);
    assert_eq!(scanned("hosted", "https://registry.example"), denied);
    // A claim may give a name back to the registry of all others.
    assert_eq!(scanned("https://registry.example", "https://registry.example"), denied);
    assert_eq!(scan(false, "https://registry.example/", "https://registry.example"), denied);
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

/// A project of Maven, by its artifact, and what else is in it.
fn maven(artifact: &str, parent: &str, rest: &str) -> String {
    let names = "<groupId>example.shop</groupId><artifactId>root</artifactId><version>1</version>";
    let inherited =
        format!("<parent>{names}<relativePath>{parent}</relativePath></parent><artifactId>{artifact}</artifactId>");
    let own = if parent.is_empty() { names } else { &inherited };
    format!("<project>\n{own}\n{rest}\n</project>\n")
}

#[test]
fn a_project_of_maven_is_read_with_its_parents() {
    let Some(world) = informed() else { return };
    let left = |version: &str| {
        format!("<dependency><groupId>example.left</groupId><artifactId>left</artifactId>{version}</dependency>")
    };
    let listed = format!(
        "<dependencyManagement><dependencies>{}</dependencies></dependencyManagement>",
        left("<version>1.1.0</version>")
    );
    let asks = format!("<dependencies>{}</dependencies>", left(""));
    world.project.write("build/parent/pom.xml", maven("root", "", &listed));
    world.project.write("build/web/pom.xml", maven("web", "../parent", &asks));
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    looked at 1 release in 2 files, with 1 advisory record
    not looked at:
      ./build/web/pom.xml: what its dependencies need in turn stands in no file: Maven finds that out when it builds
    status 2
    "#);
    // Named alone, it leads to one that nobody named.
    assert_snapshot!(seen(&world.stockade(["scan", "build/web"])), @r#"
    looked at 0 releases in 1 file, with 1 advisory record
    not looked at:
      build/web/pom.xml: line 3: the version of `example.left:left` is not known: a parent, or a list that is imported, has it
      build/web/pom.xml: what its dependencies need in turn stands in no file: Maven finds that out when it builds
      build/web/pom.xml: line 2: what its parent `example.shop:root:1` asks for is not known: `../parent` is not among what is read
    status 2
    "#);
    world.project.write("build/web/pom.xml", maven("web", "parent", &asks));
    world.project.write("build/web/parent/pom.xml", maven("root", "", &listed));
    assert_snapshot!(seen(&world.stockade(["scan", "build/web/pom.xml"])), @r#"
    looked at 1 release in 2 files, with 1 advisory record
    not looked at:
      build/web/pom.xml: what its dependencies need in turn stands in no file: Maven finds that out when it builds
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
    remark     go.mod: line 3: it is the oldest Go that may build this; the one that does may be newer
    remark     .github/workflows/ci.yml: line 4: that `acme/left` is v1.1.0 there only a comment says, and the commit may be another
    remark     .github/workflows/ci.yml: line 5: `acme/right` v4 is a name that can be moved to other code; a commit cannot
    looked at 7 releases in 5 files, with 6 advisory records, the newest of 2026-05-31
    status 1
    "#);
    world.project.write(".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n    - uses: acme/right@v4\n");
    let answer = world.stockade(["scan", ".github/workflows/ci.yml"]);
    assert_eq!(answer.status, Some(0), "a name that can be moved is said, and is no finding: {answer}");
    for (file, commit) in [("ci.yml", "0"), ("other.yml", "0"), ("third.yml", "1")] {
        let uses = format!("jobs:\n  a:\n    steps:\n    - uses: acme/left@{} # v1.2.0\n", commit.repeat(40));
        world.project.write(&format!(".github/workflows/{file}"), uses);
    }
    let answer = world.stockade(["scan", ".github"]);
    let moved =
        "third.yml: line 4: `acme/left` v1.2.0 is another commit than in .github/workflows/ci.yml:4: a tag was moved";
    assert!(answer.stdout.contains(moved) && answer.stdout.matches("another commit").count() == 1, "{answer}");
}

/// The answer as a document, on standard output alone.
fn document(world: &World, format: &str, arguments: &[&str]) -> String {
    world.stockade(["--format", format, "scan"].iter().chain(arguments)).stdout
}

#[test]
fn sarif_tells_malice_from_vulnerabilities_and_names_what_was_not_seen() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vulnerable(&world);
    world.project.write("pnpm-lock.yaml", "<<<<<<<\n");
    let sarif = sarif(&document(&world, "sarif", &[]));
    let run = &sarif["runs"][0];
    let told = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let (uri, line) = (&place["artifactLocation"]["uri"], &place["region"]["startLine"]);
        format!("{} {} {}:{}", result["ruleId"], result["level"], uri, line)
    };
    let results: Vec<String> = run["results"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(
        results,
        [
            r#""malicious/MAL-2026-1" "error" "package-lock.json":6"#,
            r#""vulnerable/GHSA-demo-demo-demo" "note" "package-lock.json":5"#
        ]
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let severity = |rule: &Value| rule["properties"]["security-severity"].clone();
    assert_eq!(rules.iter().map(severity).collect::<Vec<_>>(), ["10.0", "9.8"]);
    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let gap = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(gap.starts_with("not looked at: ") && gap.contains("pnpm-lock.yaml"), "{gap}");
}

#[test]
fn other_programs_are_told_the_same() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vulnerable(&world);
    assert_snapshot!(document(&world, "github", &[]), @r#"
    ::error file=package-lock.json,line=6,title=malicious%3A pkg%3Anpm/left-demo@1.1.0::MAL-2026-1: Malicious code in left-demo (npm), by right-demo@1.0.0 > left-demo@1.1.0
    ::notice file=package-lock.json,line=5,title=vulnerable%3A pkg%3Anpm/right-demo@1.0.0::GHSA-demo-demo-demo: right-demo trusts everybody; fixed in 1.0.1
    ::notice title=stockade::looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31
    "#);
    assert_snapshot!(document(&world, "junit", &[]), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="stockade scan" tests="4" failures="1" errors="0" skipped="0">
      <testsuite name="package-lock.json" tests="3" failures="1" errors="0" skipped="0">
        <testcase classname="package-lock.json" name="malicious pkg:npm/left-demo@1.1.0 MAL-2026-1"><failure message="line 6: Malicious code in left-demo (npm), by right-demo@1.0.0 &gt; left-demo@1.1.0"/></testcase>
        <testcase classname="package-lock.json" name="vulnerable pkg:npm/right-demo@1.0.0 GHSA-demo-demo-demo"><system-out>line 5: right-demo trusts everybody; fixed in 1.0.1</system-out></testcase>
        <testcase classname="package-lock.json" name="2 releases of package-lock.json"/>
      </testsuite>
      <testsuite name="coverage" tests="1" failures="0" errors="0" skipped="0">
        <testcase classname="coverage" name="looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31"/>
      </testsuite>
    </testsuites>
    "#);
    assert_snapshot!(document(&world, "markdown", &[]), @r#"
    ### stockade: 1 malicious, 1 vulnerable

    - **malicious** `pkg:npm/left-demo@1.1.0` `MAL-2026-1`: Malicious code in left-demo \(npm\), by right-demo@<!-- -->1.0.0 &gt; left-demo@<!-- -->1.1.0 at `package-lock.json:6`
    - **vulnerable** (9.8) `pkg:npm/right-demo@1.0.0` `GHSA-demo-demo-demo`: right-demo trusts everybody; fixed in 1.0.1 at `package-lock.json:5`

    looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31
    "#);
}

#[test]
fn cyclonedx_has_the_parts_and_what_is_wrong_with_them() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vulnerable(&world);
    for (format, name) in [("cyclonedx", "CycloneDX 1.6"), ("cyclonedx-1.7", "CycloneDX 1.7")] {
        let text = document(&world, format, &[]);
        world.project.write("found.json", &text);
        let valid = world.stockade(["sbom", "validate", "found.json"]);
        assert!(valid.stdout.starts_with(&format!("found.json is valid {name}\n")), "{valid}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let told = |one: &Value| format!("{} {} {}", one["id"], one["analysis"]["state"], one["affects"][0]["ref"]);
        assert_eq!(
            document["vulnerabilities"].as_array().unwrap().iter().map(told).collect::<Vec<_>>(),
            [
                r#""GHSA-demo-demo-demo" "in_triage" "pkg:npm/right-demo@1.0.0""#,
                r#""MAL-2026-1" "exploitable" "pkg:npm/left-demo@1.1.0""#
            ]
        );
        assert_eq!(document["vulnerabilities"][0]["ratings"][0]["score"], 9.8);
        assert_eq!(document["components"].as_array().unwrap().len(), 2);
    }
}

/// A statement about a product, and parts of it.
fn openvex(product: &Value, vulnerability: &str, status: &str) -> Value {
    json!({
        "vulnerability": {"name": vulnerability}, "products": [product], "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
    })
}

fn vex(world: &World, name: &str, statements: &[Value]) {
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex", "author": "Acme",
        "timestamp": "2026-05-01T00:00:00Z", "version": 1, "statements": statements,
    });
    world.project.write(name, document.to_string());
}

#[test]
fn a_statement_lifts_a_vulnerability_and_is_named() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    world.settings("[policy.advisories]\nvulnerable = \"hold\"\n");
    assert_eq!(world.stockade(["scan"]).status, Some(1));
    let right = json!({"@id": "pkg:npm/right-demo@1.0.0"});
    let statements = [
        openvex(&right, "GHSA-demo-demo-demo", "not_affected"),
        openvex(&json!({"@id": "pkg:npm/never"}), "GHSA-demo-demo-demo", "fixed"),
    ];
    vex(&world, "vex.json", &statements);
    assert_snapshot!(seen(&world.stockade(["scan", "--vex", "vex.json"])), @r#"
    vulnerable (9.8)  pkg:npm/right-demo@1.0.0  GHSA-demo-demo-demo: right-demo trusts everybody; fixed in 1.0.1
               ./package-lock.json:5
               not affected (vulnerable_code_not_in_execute_path), says vex.json
    looked at 2 releases in 1 file, with 1 advisory record, the newest of 2026-05-31; 2 statements, 1 of them about nothing that was found
    status 0
    "#);
    let sarif = sarif(&document(&world, "sarif", &["--vex", "vex.json"]));
    let suppression = &sarif["runs"][0]["results"][0]["suppressions"][0]["justification"];
    assert_eq!(suppression, "not affected (vulnerable_code_not_in_execute_path), says vex.json");
    let found: Value = serde_json::from_str(&document(&world, "cyclonedx", &["--vex", "vex.json"])).unwrap();
    assert_eq!(found["vulnerabilities"][0]["analysis"]["state"], "not_affected");
    assert!(document(&world, "junit", &["--vex", "vex.json"]).contains("<skipped message=\"not affected ("));
    // A later one takes it back.
    let later = json!({"timestamp": "2026-05-02T00:00:00Z"});
    let mut back = openvex(&right, "GHSA-demo-demo-demo", "affected");
    back.as_object_mut().unwrap().extend(later.as_object().unwrap().clone());
    vex(&world, "later.json", &[back]);
    assert_eq!(world.stockade(["scan", "--vex", "later.json", "--vex", "vex.json"]).status, Some(1));
}

#[test]
fn a_statement_lifts_it_in_any_format() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    world.settings("[policy.advisories]\nvulnerable = \"hold\"\n");
    let purl = "pkg:npm/right-demo@1.0.0";
    let product = json!({"name": "right", "product_id": "R", "product_identification_helper": {"purl": purl}});
    let csaf = json!({
        "document": {"category": "csaf_vex", "tracking": {"current_release_date": "2026-05-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [product]},
        "vulnerabilities": [{
            "ids": [{"system_name": "GitHub", "text": "GHSA-demo-demo-demo"}],
            "product_status": {"known_not_affected": ["R"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["R"]}],
        }],
    });
    let cyclonedx = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "components": [{"type": "library", "bom-ref": "r", "name": "right-demo", "version": "1.0.0", "purl": purl}],
        "vulnerabilities": [{
            "id": "GHSA-demo-demo-demo", "affects": [{"ref": "r"}],
            "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
        }],
    });
    for (name, document) in [("csaf.json", csaf), ("statements.cdx.json", cyclonedx)] {
        // Beside the project, since a bill of materials in it would be one of its files.
        let path = world.data().join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        let output = world.stockade(["scan", "--vex", path.to_str().unwrap()]);
        assert_eq!(output.status, Some(0), "{output}");
        assert!(output.stdout.contains("not affected ("), "{output}");
    }
}

#[test]
fn a_statement_lifts_no_more_than_it_says() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    world.settings("[policy.advisories]\nvulnerable = \"hold\"\n");
    let status = |product: &Value, vulnerability: &str, arguments: &[&str]| {
        vex(&world, "vex.json", &[openvex(product, vulnerability, "not_affected")]);
        world.stockade(["scan", "--vex", "vex.json"].iter().chain(arguments)).status
    };
    let shop = ["--product", "pkg:npm/shop@1.0.0"];
    let part = json!([{"@id": "pkg:npm/right-demo@1.0.0"}]);
    let of_part = |product: &str| json!({"@id": product, "subcomponents": part});
    assert_eq!(status(&of_part("pkg:npm/shop@1.0.0"), "GHSA-demo-demo-demo", &shop), Some(0));
    assert_eq!(status(&of_part("pkg:npm/shop"), "GHSA-demo-demo-demo", &shop), Some(0), "in every version of it");
    assert_eq!(status(&of_part("pkg:npm/shop@1.0.0"), "GHSA-demo-demo-demo", &[]), Some(1), "who knows what this is?");
    assert_eq!(status(&of_part("pkg:npm/other"), "GHSA-demo-demo-demo", &shop), Some(1), "of another product");
    assert_eq!(status(&of_part("pkg:npm/shop@2.0.0"), "GHSA-demo-demo-demo", &shop), Some(1), "of another version");
    assert_eq!(status(&json!({"@id": "pkg:npm/shop@1.0.0"}), "GHSA-demo-demo-demo", &shop), Some(1), "of no part");
    assert_eq!(status(&json!({"@id": "pkg:npm/right-demo@1.0.0"}), "CVE-2026-9", &[]), Some(1), "of something else");
    assert_eq!(status(&json!({"@id": "pkg:npm/right-demo@1.0.1"}), "GHSA-demo-demo-demo", &[]), Some(1));
    assert_eq!(status(&json!({"@id": "pkg:pypi/right-demo"}), "GHSA-demo-demo-demo", &[]), Some(1));
}

#[test]
fn no_statement_lifts_malice() {
    let Some(world) = world() else { return };
    world.malware("left-demo", "1.1.0");
    vex(&world, "vex.json", &[openvex(&json!({"@id": "pkg:npm/left-demo"}), "MAL-2026-1", "not_affected")]);
    assert_snapshot!(seen(&world.stockade(["scan", "--vex", "vex.json"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./package-lock.json:6, by right-demo@1.0.0 > left-demo@1.1.0
    looked at 2 releases in 1 file, with 1 advisory record; 1 statement, 0 of them about nothing that was found
    stockade: `vex.json` says that MAL-2026-1 is not affected in pkg:npm/left-demo@1.1.0; what is malicious is not lifted by that
    hint: an exception in the policy lifts it, with a reason, by whom and until when
    status 1
    "#);
}

#[test]
fn a_document_that_cannot_be_understood_is_an_error() {
    let Some(world) = world() else { return };
    vulnerable(&world);
    let statement = json!({"vulnerability": {"name": "CVE-1"}, "products": [], "status": "not_affected"});
    vex(&world, "vex.json", &[statement]);
    assert_snapshot!(seen(&world.stockade(["scan", "--vex", "vex.json"])), @r#"
    stockade: `vex.json`: statements[0]: says `not_affected` and neither a justification nor an impact statement
    status 2
    "#);
    world.project.write("vex.json", "{\n  \"@context\": 1,\n}");
    assert_snapshot!(seen(&world.stockade(["scan", "--vex", "vex.json"])), @r#"
    stockade: `vex.json`: line 3, column 1: trailing comma
    status 2
    "#);
    assert_eq!(world.stockade(["scan", "--vex", "nowhere.json"]).status, Some(2));
}

#[test]
fn what_somebody_published_is_looked_for_in_every_file() {
    let Some(world) = world() else { return };
    world.project.write("node_modules/left-demo/package.json", r#"{"name": "left-demo", "version": "1.1.0"}"#);
    world.project.write("node_modules/left-demo/bundle.js", "one\nfetch('https://evil.example/x')\n");
    world.project.write("deep/er/setup_bun.js", "");
    let digest = "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26";
    world.project.write("deep/hello.txt", "hello");
    let greeting = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let list = format!(
        "# an attack\n{digest}\nsha256:{greeting}\nfile:setup_*.js\npkg:npm/left-demo@1.1.0\nhost:evil[.]example\n\
         string:nowhere to be found\n"
    );
    world.project.write("list.txt", &list);
    let sweep = ["scan", "--iocs", "list.txt", "."];
    assert_snapshot!(seen(&world.stockade(sweep)), @r#"
    sha256:…  ./deep/hello.txt  (line 3)
    file:setup_*.js  ./deep/er/setup_bun.js  (line 4)
    pkg:npm/left-demo@1.1.0  ./node_modules/left-demo/package.json:1  (line 5)
    pkg:npm/left-demo@1.1.0  ./package-lock.json:6  (line 5)
    host:evil.example  ./node_modules/left-demo/bundle.js:2  (line 6)
    looked for 6 indicators in 7 files, 643 bytes
    status 1
    "#);
    let answer = world.json(sweep);
    assert_eq!(answer["coverage"]["indicators"], 6);
    let host =
        answer["findings"].as_array().unwrap().iter().find(|finding| finding["indicator"]["kind"] == "host").unwrap();
    assert_eq!(
        host,
        &json!({
            "indicator": {"kind": "host", "value": "evil.example", "source": "line 6"},
            "file": "./node_modules/left-demo/bundle.js", "line": 2, "offset": 19, "more": false,
        })
    );
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn a_sweep_says_what_it_did_not_look_at_and_what_it_cannot_look_for() {
    let Some(world) = world() else { return };
    world.project.write("list.txt", "host:evil.example\n");
    let sweep = || world.stockade(["scan", "--iocs", "list.txt"]);
    let answer = sweep();
    assert_eq!(answer.status, Some(0), "{answer}");
    assert!(answer.stdout.ends_with("no finding\n"), "{answer}");
    world.project.write("package-lock.json", "<<<<<<< HEAD\n");
    assert_eq!(sweep().status, Some(0), "no release is looked for");
    world.project.write("list.txt", "host:evil.example\npkg:npm/left-demo@1.1.0\n");
    assert_eq!(sweep().status, Some(2), "a lockfile that cannot be read may hide what is looked for");
    world.project.write("list.txt", "host:evil.example\nevil.example\n");
    assert_snapshot!(seen(&sweep()), @r#"
    stockade: `list.txt` line 2: it is no indicator
    hint: a line is a digest (`sha256:……`, or its hexadecimal digits), `file:NAME`, `pkg:TYPE/NAME@VERSION`, `host:NAME`, `string:TEXT` or `"TEXT"`; `#` begins a remark
    status 2
    "#);
    world.project.write("list.txt", "# nothing\n");
    assert_eq!(sweep().status, Some(2));
    let record =
        json!({"id": "MAL-2026-2", "database_specific": {"iocs": {"domains": ["evil.example"], "wallets": ["x"]}}});
    world.project.write("list.txt", record.to_string());
    assert_eq!(sweep().status, Some(2), "a record that is not understood is not looked for");
    world.project.write("a.js", "evil.example");
    assert_eq!(sweep().status, Some(1));
}

#[test]
fn what_a_program_of_go_is_made_of_is_read_from_it() {
    let Some(world) = World::or_skip() else { return };
    let go = |arguments: &[&str]| {
        let mut command = world.project.command("go");
        let caches = world.project.home().join("go");
        command.args(arguments).env("GOCACHE", caches.join("cache")).env("GOPATH", &caches);
        command.env("GOFLAGS", "-mod=vendor").env("GOPROXY", "off").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        command.output()
    };
    if go(&["version"]).is_err() {
        return eprintln!("skipped: there is no go");
    }
    world.project.write("go.mod", "module example.org/demo\n\ngo 1.20\n\nrequire example.org/left v1.2.3\n");
    world
        .project
        .write("main.go", "package main\n\nimport \"example.org/left\"\n\nfunc main() { println(left.Left) }\n");
    world.project.write("vendor/modules.txt", "# example.org/left v1.2.3\n## explicit; go 1.20\nexample.org/left\n");
    world.project.write("vendor/example.org/left/left.go", "package left\n\nconst Left = 1\n");
    let built = go(&["build", "-o", "bin/demo", "."]).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let answer = world.json(["scan", "bin"]);
    let file = &answer["coverage"]["files"][0];
    assert_eq!((&file["path"], &file["kind"]), (&json!("bin/demo"), &json!("go build info")), "{answer}");
    assert_eq!((&file["releases"], &file["problems"]), (&json!(2), &json!(null)), "the library and `left`");
}

#[test]
fn a_bill_of_materials_is_read_like_a_lockfile() {
    let Some(world) = World::or_skip() else { return };
    world.malware("left-demo", "1.1.0");
    std::fs::remove_file(world.project.path().join("package.json")).unwrap();
    let component = |name: &str, version: &str| {
        let purl = format!("pkg:npm/{name}@{version}");
        json!({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    };
    let mut bom = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "demo", "name": "demo"}},
        "components": [
            component("right-demo", "1.0.0"), component("left-demo", "1.1.0"),
            {"type": "library", "bom-ref": "d", "name": "d", "version": "1", "purl": "pkg:deb/debian/d@1"},
        ],
        "dependencies": [
            {"ref": "demo", "dependsOn": ["pkg:npm/right-demo@1.0.0"]},
            {"ref": "pkg:npm/right-demo@1.0.0", "dependsOn": ["pkg:npm/left-demo@1.1.0"]},
        ],
    });
    world.project.write("demo.cdx.json", bom.to_string());
    assert_snapshot!(seen(&world.stockade(["scan"])), @r#"
    malicious  pkg:npm/left-demo@1.1.0  MAL-2026-1: Malicious code in left-demo (npm)
               ./demo.cdx.json:1, by right-demo@1.0.0 > left-demo@1.1.0
    remark     left out: ./demo.cdx.json: 1 of its parts: of the kind `deb`, which is not known here
    looked at 2 releases in 1 file, with 1 advisory record
    status 1
    "#);
    bom["components"][1]["purl"] = json!("pkg:npm/left-demo");
    bom["components"][1].as_object_mut().unwrap().remove("version");
    world.project.write("demo.cdx.json", bom.to_string());
    let answer = world.stockade(["scan"]);
    assert_eq!(answer.status, Some(2), "{answer}");
    assert!(answer.stdout.contains("`left-demo`"), "{answer}");
}
