//! Documents that lie, loop and grow.

use crate::{Coverage, Node, ProblemKind, Target, convert, read};

fn cyclone(rest: &str) -> Vec<u8> {
    let subject = r#""metadata":{"component":{"type":"application","name":"demo","bom-ref":"demo"}}"#;
    format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6",{subject},{rest}}}"#).into_bytes()
}

fn problems(document: &[u8]) -> Vec<String> {
    read(document).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_no_document_says_why() {
    let why = |document: &str| problems(document.as_bytes()).join("; ");
    assert_eq!(why("[]"), "the document is JSON, and no object");
    assert_eq!(why("{}"), "the document is neither CycloneDX nor SPDX as JSON");
    assert!(why("").starts_with("the document is not JSON: EOF"));
    assert!(why("<bom/>").starts_with("the document is not JSON: expected value"));
    assert_eq!(
        why(r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#),
        "the document is CycloneDX of the version `2.0`, which is not known here"
    );
    assert_eq!(
        why(r#"{"spdxVersion":"SPDX-9"}"#),
        "the document is SPDX of the version `SPDX-9`, which is not known here"
    );
    assert_eq!(why(r#"{"@context":"x"}"#), "the document is JSON-LD of `x`, which is not SPDX 3.0.1");
}

#[test]
fn what_is_too_deep_or_too_much_is_refused() {
    let deep = cyclone(&format!(r#""components":{}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(read(&deep).problems[0].kind, ProblemKind::Unreadable);
    let many = cyclone(&format!(r#""x":[{}0]"#, "0,".repeat(crate::json::MAX_VALUES)));
    assert!(problems(&many)[0].contains("it has too many values"));
}

#[test]
fn one_wrong_value_costs_that_value() {
    let document = cyclone(
        r#""components":[7,{"type":"library","name":"a","version":1,"purl":"nonsense","hashes":[{"alg":"SHA-1","content":"zz"}]}],"dependencies":{}"#,
    );
    let bom = read(&document).bom.unwrap();
    assert_eq!(bom.components.len(), 1);
    assert_eq!(bom.components[0].name, "a");
    assert_eq!(
        problems(&document),
        [
            "components[] is not an object",
            "components[].hashes[] is no digest: a digest is `sha256:<hex>` or `sha512-<base64>`",
            "components[].purl `nonsense` is no package URL",
            "components[].version is not a text",
            "dependencies is not a list",
        ]
    );
}

#[test]
fn circles_ghosts_and_twins_are_told() {
    let document = cyclone(
        r#""components":[{"type":"library","name":"a","bom-ref":"a"},{"type":"library","name":"b","bom-ref":"a"}],
        "dependencies":[{"ref":"demo","dependsOn":["a","ghost"]},{"ref":"a","dependsOn":["demo","a"]}]"#,
    );
    let read = read(&document);
    let bom = read.bom.unwrap();
    assert_eq!(bom.edges.len(), 3, "a circle is what the document says");
    assert!(bom.edges.iter().all(|edge| edge.from != Node::Component(0)), "the last twin is meant");
    let said: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "components[].bom-ref `a` is there twice; the last one is meant",
            "dependencies[].dependsOn names `ghost`, which is no part",
        ]
    );
}

#[test]
fn a_member_that_is_there_twice_is_told() {
    let document = cyclone(r#""components":[{"type":"library","name":"good","name":"evil"}]"#);
    assert_eq!(read(&document).bom.unwrap().components[0].name, "evil");
    assert_eq!(problems(&document), ["components[] names a member twice"]);
}

#[test]
fn what_has_no_place_is_told_once_with_a_number() {
    let document = cyclone(
        r#""vulnerabilities":[{}],"components":[{"type":"library","name":"a","cpe":"x"},{"type":"data","name":"b","cpe":"y"}]"#,
    );
    let said = [
        "components[].cpe is not carried over (2 times)",
        "components[].type is `data`, and is read as a library",
        "vulnerabilities is not carried over",
    ];
    assert_eq!(problems(&document), said);
    let converted = convert(&document, Target::Spdx23);
    assert_eq!(converted.problems, read(&document).problems);
    assert!(converted.document.is_some());
}

#[test]
fn a_flood_of_problems_is_counted() {
    let members: Vec<String> = (0..5000).map(|at| format!(r#""m{at}":1"#)).collect();
    let problems = problems(&cyclone(&members.join(",")));
    assert_eq!(problems.len(), crate::notes::MAX_PROBLEMS + 1);
    assert_eq!(problems[0], "the document has more problems than are told (4000 times)");
}

#[test]
fn parts_within_parts_are_parts() {
    let document = cyclone(
        r#""components":[{"type":"library","name":"a","components":[{"type":"library","group":"@acme","name":"b"}]}]"#,
    );
    let names: Vec<String> = read(&document).bom.unwrap().components.into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["@acme/b", "a"]);
}

#[test]
fn spdx_says_who_needs_it_in_either_direction() {
    let document = br#"{"spdxVersion":"SPDX-2.2","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"d",
        "documentDescribes":["SPDXRef-a"],"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: syft-v1.2","Person: Jane"]},
        "packages":[{"SPDXID":"SPDXRef-b","name":"b","licenseDeclared":"NONE","licenseConcluded":"MIT and ISC"},{"SPDXID":"SPDXRef-a","name":"a"}],
        "relationships":[{"spdxElementId":"SPDXRef-b","relationshipType":"DEV_DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-a"},
            {"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"NOASSERTION"},
            {"spdxElementId":"SPDXRef-a","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-b"}]}"#;
    let read = read(document);
    let bom = read.bom.unwrap();
    assert_eq!((bom.subject.name.as_str(), bom.components[0].name.as_str()), ("a", "b"));
    assert_eq!(bom.edges, [crate::Edge { from: Node::Subject, to: Node::Component(0) }]);
    assert_eq!(bom.subject.dependencies, Coverage::Incomplete);
    assert_eq!(bom.components[0].scope, Some(crate::Scope::Excluded));
    assert_eq!(bom.components[0].licences.len(), 2);
    assert_eq!(bom.tools[0].version.as_deref(), Some("v1.2"));
    assert_eq!(bom.authors, ["Jane"]);
    assert_eq!(read.problems.len(), 1);
    assert_eq!(read.problems[0].to_string(), "relationships[] of the type `CONTAINS` is not carried over");
}
