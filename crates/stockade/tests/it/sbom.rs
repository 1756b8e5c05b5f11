//! `stockade sbom`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use stockade_testkit::{Npm, PythonTool};

use crate::world::{World, seen};

const LOCKFILE: &str = r#"{
  "name": "demo", "lockfileVersion": 3,
  "packages": {
    "": { "name": "demo", "dependencies": { "right-demo": "^1.0.0" }, "devDependencies": { "tool": "1" } },
    "node_modules/right-demo": {
      "version": "1.0.0", "license": "MIT OR Apache-2.0", "dependencies": { "@acme/left": "^1.0.0" },
      "resolved": "https://registry.example/right-demo/-/right-demo-1.0.0.tgz",
      "integrity": "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
    },
    "node_modules/@acme/left": { "version": "1.1.0" },
    "node_modules/tool": { "version": "1.0.0", "dev": true, "dependencies": { "@acme/left": "0.9" },
      "resolved": "git+ssh://git@host.test/tool.git#0123456789012345678901234567890123456789" },
    "node_modules/tool/node_modules/@acme/left": { "version": "0.9.0", "dev": true }
  }
}"#;

fn world() -> Option<World> {
    let world = World::or_skip()?;
    world.project.write("package-lock.json", LOCKFILE);
    Some(world)
}

fn bill(world: &World, arguments: &[&str]) -> Value {
    let output = world.stockade(["sbom"].iter().chain(arguments));
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

fn component<'a>(bill: &'a Value, reference: &str) -> &'a Value {
    let all = bill["components"].as_array().unwrap();
    all.iter().find(|component| component["bom-ref"] == reference).unwrap_or_else(|| panic!("{reference}: {bill:#}"))
}

#[test]
fn a_lockfile_becomes_parts_with_everything_that_it_says() {
    let Some(world) = world() else { return };
    let output = world.stockade(["sbom", "--name", "shop", "--project-version", "2.0.0"]);
    assert_eq!(output.status, Some(0), "{output}");
    let bill: Value = serde_json::from_str(&output.stdout).unwrap();
    let right = component(&bill, "pkg:npm/right-demo@1.0.0");
    assert_eq!(right["licenses"], json!([{"expression": "MIT OR Apache-2.0"}]));
    assert_eq!(right["hashes"], json!([{"alg": "SHA-512", "content": "0".repeat(128)}]));
    assert_eq!(right["scope"], "required");
    assert_eq!(
        right["externalReferences"],
        json!([{"type": "distribution", "url": "https://registry.example/right-demo/-/right-demo-1.0.0.tgz"}])
    );
    assert_eq!(right["evidence"]["occurrences"], json!([{"location": "package-lock.json", "line": 5}]));
    let tool = bill["components"].as_array().unwrap().iter().find(|part| part["name"] == "tool").unwrap();
    assert_eq!(tool["scope"], "excluded");
    let vcs = tool["purl"].as_str().unwrap();
    assert_eq!(
        vcs,
        "pkg:npm/tool@1.0.0?vcs_url=git%2Bssh%3A%2F%2Fhost.test%2Ftool.git%400123456789012345678901234567890123456789"
    );
    let edges: Vec<String> = bill["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| format!("{} > {}", edge["ref"].as_str().unwrap(), edge["dependsOn"]).replace(vcs, "TOOL"))
        .collect();
    assert_eq!(
        edges,
        [
            r#"shop@2.0.0 > ["pkg:npm/right-demo@1.0.0","TOOL"]"#,
            "pkg:npm/%40acme/left@0.9.0 > null",
            "pkg:npm/%40acme/left@1.1.0 > null",
            r#"pkg:npm/right-demo@1.0.0 > ["pkg:npm/%40acme/left@1.1.0"]"#,
            r#"TOOL > ["pkg:npm/%40acme/left@0.9.0"]"#,
        ]
    );
    let complete = &bill["compositions"][0];
    assert_eq!((&complete["aggregate"], complete["dependencies"].as_array().unwrap().len()), (&json!("complete"), 5));
    assert_eq!(bill["metadata"]["lifecycles"], json!([{"phase": "pre-build"}]));
    assert_eq!(bill["metadata"]["tools"]["components"][0]["name"], "stockade");
    assert_eq!(bill["metadata"].get("timestamp"), None);
    assert_eq!(world.registry.requests().len(), 0, "nobody is asked");
}

#[test]
fn every_format_is_valid_and_the_same_each_time() {
    let Some(world) = world() else { return };
    let formats = [
        ("cyclonedx", "CycloneDX 1.6"),
        ("cyclonedx-1.7", "CycloneDX 1.7"),
        ("spdx", "SPDX 2.3"),
        ("spdx-3.0.1", "SPDX 3.0.1"),
    ];
    for (format, name) in formats {
        let write = || world.stockade(["sbom", "--format", format, "--output", "bill.json"]);
        assert_eq!((write().status, write().stdout), (Some(0), String::new()));
        let first = world.project.read("bill.json").unwrap();
        write();
        assert_eq!(world.project.read("bill.json").unwrap(), first, "{name}");
        let said = world.stockade(["sbom", "validate", "bill.json"]);
        assert!(said.stdout.starts_with(&format!("bill.json is valid {name}\n")), "{said}");
        assert_eq!(said.status, Some(0));
        let converted = world.stockade(["sbom", "convert", "bill.json", "--format", "cyclonedx"]);
        assert_eq!(converted.status, Some(0), "{converted}");
        let back: Value = serde_json::from_str(&converted.stdout).unwrap();
        assert_eq!(back["components"], bill(&world, &[])["components"], "{name}");
    }
}

#[test]
fn a_release_that_is_locked_and_installed_is_one_part() {
    let Some(world) = world() else { return };
    let manifest = |licence: &str| format!(r#"{{"name": "right-demo", "version": "1.0.0", "license": "{licence}"}}"#);
    world.project.write("node_modules/right-demo/package.json", manifest("MIT OR Apache-2.0"));
    world
        .project
        .write("node_modules/extra/package.json", r#"{"name": "extra", "version": "3.0.0", "license": "ISC"}"#);
    let both = bill(&world, &[]);
    assert_eq!(both["components"].as_array().unwrap().len(), 5);
    let right = component(&both, "pkg:npm/right-demo@1.0.0");
    let places = right["evidence"]["occurrences"].as_array().unwrap();
    let places: Vec<&str> = places.iter().filter_map(|place| place["location"].as_str()).collect();
    assert_eq!(places, ["node_modules/right-demo/package.json", "package-lock.json"]);
    assert_eq!(right["licenses"], json!([{"expression": "MIT OR Apache-2.0"}]));
    let incomplete = both["compositions"].as_array().unwrap().iter().find(|one| one["aggregate"] == "incomplete");
    let subject = &both["metadata"]["component"]["bom-ref"];
    assert_eq!(incomplete.unwrap()["dependencies"], json!([subject]), "nobody asked for `extra`");
    for file in ["package-lock.json", "package.json"] {
        std::fs::remove_file(world.project.path().join(file)).unwrap();
    }
    let installed = bill(&world, &[]);
    assert_eq!(installed["metadata"]["lifecycles"], json!([{"phase": "discovery"}]));
    assert_eq!(installed.get("compositions"), None, "what needs what is not known");
}

#[test]
fn one_name_with_other_bytes_is_another_part() {
    let Some(world) = world() else { return };
    world.project.write("other/package-lock.json", LOCKFILE.replace("sha512-AAAA", "sha512-BAAA"));
    let bill = bill(&world, &[]);
    let rights = bill["components"].as_array().unwrap().iter().filter(|part| part["name"] == "right-demo");
    let references: Vec<&str> = rights.filter_map(|part| part["bom-ref"].as_str()).collect();
    assert_eq!(references, ["pkg:npm/right-demo@1.0.0", "pkg:npm/right-demo@1.0.0#2"]);
    assert_eq!(bill["components"].as_array().unwrap().len(), 5, "the others are the same");
}

#[test]
fn what_was_not_looked_at_is_in_it() {
    let Some(world) = world() else { return };
    world.project.write("pnpm-lock.yaml", "<<<<<<<\n");
    let output = world.stockade(["sbom"]);
    assert_eq!(output.status, Some(2), "{output}");
    let bill: Value = serde_json::from_str(&output.stdout).unwrap();
    let gap = &bill["metadata"]["properties"][0];
    assert_eq!(gap["name"], "stockade:gap");
    assert!(gap["value"].as_str().unwrap().starts_with("pnpm-lock.yaml: "), "{gap}");
    assert!(output.stderr.contains("stockade: not looked at: pnpm-lock.yaml: "), "{output}");
    for file in ["pnpm-lock.yaml", "package-lock.json", "package.json"] {
        std::fs::remove_file(world.project.path().join(file)).unwrap();
    }
    let empty = world.stockade(["sbom"]);
    assert_eq!(empty.status, Some(2), "{empty}");
    assert!(empty.stdout.contains("there is no file that names a release"), "{empty}");
}

#[test]
fn what_lists_of_minimum_elements_miss_is_said() {
    let Some(world) = world() else { return };
    let output = world.stockade(["sbom", "--output", "bill.json"]);
    assert_snapshot!(output.stderr, @r#"
    stockade: 4 releases of 1 file, 4 edges
    stockade: NTIA's minimum elements ask for more: supplier of 5 parts, version of 1 part, identifier of 1 part, author, timestamp
    stockade: CISA's, of 2025, ask for more: supplier of 5 parts, version of 1 part, identifier of 1 part, author, timestamp, hash of 4 parts, licence of 4 parts
    "#);
    let told = ["sbom", "--author", "Acme", "--supplier", "Acme", "--project-version", "1", "--created", "now"];
    let output = world.stockade(told);
    let bill: Value = serde_json::from_str(&output.stdout).unwrap();
    assert!(bill["metadata"]["timestamp"].as_str().unwrap().starts_with("2026-"), "{output}");
    assert_snapshot!(output.stderr, @r#"
    stockade: 4 releases of 1 file, 4 edges
    stockade: NTIA's minimum elements ask for more: supplier of 4 parts, identifier of 1 part
    stockade: CISA's, of 2025, ask for more: supplier of 4 parts, identifier of 1 part, hash of 4 parts, licence of 4 parts
    "#);
    let mut command = world.command();
    command.args(["sbom"]).env("SOURCE_DATE_EPOCH", "86400");
    let output = world.project.finish(&mut command);
    assert!(output.stdout.contains("\"timestamp\": \"1970-01-02T00:00:00Z\""), "{output}");
}

#[test]
fn what_is_no_bill_is_said() {
    let Some(world) = world() else { return };
    world
        .project
        .write("bad.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "x"}]}"#);
    assert_snapshot!(seen(&world.stockade(["sbom", "validate", "bad.json"])), @r#"
    bad.json is not valid CycloneDX 1.6
      /components/0: "name" is a required property
      /components/0/type: "x" is not one of "application", "framework" or 11 other candidates
      components[].name is missing
      metadata.component is missing: it is not said what this is a list of
    missing of NTIA's minimum elements: supplier of 2 parts, name of 2 parts, version of 2 parts, identifier of 2 parts, dependencies of 2 parts, author, timestamp
    missing of CISA's minimum elements: supplier of 2 parts, name of 2 parts, version of 2 parts, identifier of 2 parts, dependencies of 2 parts, author, timestamp, hash of 2 parts, licence of 2 parts, tool, generation context
    status 1
    "#);
    assert_eq!(world.json(["sbom", "validate", "bad.json"])["format"], "CycloneDX 1.6");
    let ghost = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"type": "library", "name": "a",
        "bom-ref": "a"}}, "dependencies": [{"ref": "a", "dependsOn": ["ghost"]}]}"#;
    world.project.write("ghost.json", ghost);
    let ghost = world.stockade(["sbom", "validate", "ghost.json"]);
    assert_eq!(ghost.status, Some(2), "as its schema says, and not whole: {ghost}");
    assert!(ghost.stdout.contains("`ghost`"), "{ghost}");
    assert_snapshot!(seen(&world.stockade(["sbom", "validate", "package-lock.json"])), @r#"
    stockade: `package-lock.json`: it is neither CycloneDX nor SPDX as JSON
    status 2
    "#);
    assert_snapshot!(seen(&world.stockade(["sbom", "convert", "package-lock.json"])), @r#"
    stockade: package-lock.json: the document is neither CycloneDX nor SPDX as JSON
    stockade: `package-lock.json` could not be read
    hint: it has to be CycloneDX or SPDX, as JSON
    status 2
    "#);
    assert_snapshot!(seen(&world.stockade(["sbom", "--format", "sarif"])), @r#"
    stockade: this command has no such format
    hint: `stockade --help` names the commands of each format
    status 2
    "#);
}

/// The version that the bills' own tests ask.
const CYCLONEDX: &str = "11.12.0";
/// Prints what is wrong, and nothing if nothing is.
const VALIDATE: &str = "
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
for path, version, parts, edges, vulnerabilities in zip(*[iter(sys.argv[1:])] * 5):
    text = open(path).read()
    wrong = make_schemabased_validator(OutputFormat.JSON, SchemaVersion[version]).validate_str(text)
    if wrong:
        print(path, wrong)
    bom = Bom.from_json(json.loads(text))
    found = [len(bom.components), sum(len(entry.dependencies) for entry in bom.dependencies), len(bom.vulnerabilities)]
    if found != [int(parts), int(edges), int(vulnerabilities)]:
        print(path, found)
";

#[test]
fn the_library_of_the_field_reads_the_same() {
    let Some(world) = world() else { return };
    let Some(python) = PythonTool::library_or_skip("cyclonedx-python-lib[json-validation]", CYCLONEDX) else { return };
    world.malware("right-demo", "1.0.0");
    let mut command = world.project.command(python.to_str().unwrap());
    command.args(["-c", VALIDATE]);
    for (subcommand, format, version, vulnerabilities) in [
        ("sbom", "cyclonedx", "V1_6", "0"),
        ("sbom", "cyclonedx-1.7", "V1_7", "0"),
        ("scan", "cyclonedx", "V1_6", "1"),
        ("scan", "cyclonedx-1.7", "V1_7", "1"),
    ] {
        let name = format!("{subcommand}-{version}.json");
        world.project.write(&name, world.stockade([subcommand, "--format", format]).stdout);
        command.args([&name, version, "4", "4", vulnerabilities]);
    }
    let said = world.project.finish(&mut command);
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
}

/// The version of SPDX's own library.
const SPDX: &str = "0.8.5";
/// Prints what is wrong, and how many parts and edges there are.
const READ_SPDX: &str = "
import sys
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
document = parse_file(sys.argv[1])
for wrong in validate_full_spdx_document(document):
    print(wrong.validation_message)
edges = [edge for edge in document.relationships if edge.relationship_type == RelationshipType.DEPENDS_ON]
print(len(document.packages), len([edge for edge in edges if isinstance(edge.related_spdx_element_id, str)]))
";

#[test]
fn the_library_of_spdx_reads_the_same() {
    let Some(world) = world() else { return };
    let Some(python) = PythonTool::library_or_skip("spdx-tools", SPDX) else { return };
    world.project.write("bill.spdx.json", world.stockade(["sbom", "--format", "spdx"]).stdout);
    let mut command = world.project.command(python.to_str().unwrap());
    let said = world.project.finish(command.args(["-c", READ_SPDX, "bill.spdx.json"]));
    assert_eq!((said.status, said.stdout.as_str()), (Some(0), "5 4\n"), "the project is a part: {said}");
}

/// Prints the releases that npm's own reader of lockfiles finds, and who of them needs whom.
const READ_TREE: &str = "
const npm = require('fs').realpathSync(process.argv[1]);
const Arborist = require('module').createRequire(npm)('@npmcli/arborist');
const said = (node) => `${node.packageName}@${node.version}`;
new Arborist({ path: '.' }).loadVirtual().then((tree) => {
  const nodes = [...tree.inventory.values()].filter((node) => node.location.includes('node_modules') && !node.isLink);
  const edges = nodes.flatMap((node) => [...node.edgesOut.values()].filter((edge) => edge.to).map((edge) => [node, edge.to]));
  console.log(JSON.stringify([nodes.map(said), edges.map(([from, to]) => `${said(from)} > ${said(to.target)}`)]));
});
";

#[test]
fn npms_own_reader_reads_the_same() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    for file in ["npm-6.json", "npm-10-v1.json", "npm-10-v2.json", "npm-10-v3.json"] {
        let world = World::with(&npm);
        let lockfiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../stockade-ecosystem/src/npm/testdata/lockfiles/");
        world.project.write("package-lock.json", std::fs::read(format!("{lockfiles}{file}")).unwrap());
        std::fs::remove_file(world.project.path().join("package.json")).unwrap();
        let mut node = world.project.command("node");
        let said = world.project.finish(node.arg("-e").arg(READ_TREE).arg(npm.program()));
        let mut theirs: [Vec<String>; 2] =
            serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        let mut ours = parts_and_edges(&bill(&world, &[]));
        for list in theirs.iter_mut().chain(&mut ours) {
            list.sort();
            list.dedup();
        }
        assert!(theirs[0].len() > 10 && theirs[1].len() > 3, "{file}: {theirs:?}");
        assert_eq!(ours, theirs, "{file}");
    }
}

/// The parts of a bill by name and version, and who of them needs whom.
fn parts_and_edges(bill: &Value) -> [Vec<String>; 2] {
    let said = |part: &Value| {
        let group = part["group"].as_str().map(|group| format!("{group}/")).unwrap_or_default();
        format!("{group}{}@{}", part["name"].as_str().unwrap(), part["version"].as_str().unwrap())
    };
    let parts = || bill["components"].as_array().unwrap().iter();
    let by_reference = |wanted: &Value| parts().find(|part| part["bom-ref"] == *wanted).map(said);
    let edges = bill["dependencies"].as_array().unwrap().iter().flat_map(|entry| {
        let from = by_reference(&entry["ref"]);
        let needs = entry["dependsOn"].as_array().into_iter().flatten();
        needs.filter_map(move |need| Some(format!("{} > {}", from.as_ref()?, by_reference(need)?)))
    });
    [parts().map(said).collect(), edges.collect()]
}
