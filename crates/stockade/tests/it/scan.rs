//! `stockade scan`.

use insta::assert_snapshot;
use serde_json::{Value, json};

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
    assert!(answer.stdout.contains("looked at 2 releases in 2 files"), "{answer}");
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
    let sarif: Value = serde_json::from_str(&document(&world, "sarif", &[])).unwrap();
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
    let sarif: Value = serde_json::from_str(&document(&world, "sarif", &["--vex", "vex.json"])).unwrap();
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
