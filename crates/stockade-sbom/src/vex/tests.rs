//! What is read of each format, and what is refused.

use serde_json::{Value, json};

use super::*;

fn read(document: &Value) -> Result<Vec<Statement>, String> {
    read_vex(document.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn said(statements: &[Statement]) -> Vec<String> {
    let subject = |subject: &Subject| {
        let parts: Vec<String> = subject.parts.iter().map(ToString::to_string).collect();
        format!("{} [{}]", subject.product, parts.join(" "))
    };
    let said = |statement: &Statement| {
        let about: Vec<String> = statement.about.iter().map(subject).collect();
        let why = statement.why.as_deref().unwrap_or_default();
        format!("{} {}: {} ({why})", statement.vulnerability.join("="), statement.status.name(), about.join(", "))
    };
    statements.iter().map(said).collect()
}

fn openvex(statement: &Value) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex/1", "author": "Acme",
        "timestamp": "2026-01-08T18:02:03.647787998-06:00", "version": 1, "statements": [statement],
    })
}

fn cyclonedx(analysis: &Value, affects: &Value, product: &Value) -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": product},
        "components": [{"bom-ref": "left", "purl": "pkg:npm/left-demo@1.1.0"}],
        "vulnerabilities": [{
            "id": "CVE-2026-1", "references": [{"id": "GHSA-demo-demo-demo"}], "analysis": analysis, "affects": affects,
        }],
    })
}

fn csaf(vulnerability: &Value) -> Value {
    let named = |id: &str, purl: &str| json!({"product": {"product_id": id, "name": id, "product_identification_helper": {"purl": purl}}});
    json!({
        "document": {"category": "csaf_vex", "tracking": {"current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {
            "branches": [{"branches": [named("L", "pkg:npm/left-demo@1.1.0"), named("S", "pkg:npm/shop")]}],
            "full_product_names": [{"product_id": "N", "name": "no package"}],
            "product_groups": [{"group_id": "G", "product_ids": ["LS"]}],
            "relationships": [{
                "category": "default_component_of", "product_reference": "L", "relates_to_product_reference": "S",
                "full_product_name": {"product_id": "LS", "name": "left in shop"},
            }],
        },
        "vulnerabilities": [vulnerability],
    })
}

#[test]
fn openvex_names_products_and_narrows_them_to_parts() {
    let statements = read(&openvex(&json!({
        "vulnerability": {"@id": "https://osv.example/CVE-2026-1", "name": "CVE-2026-1", "aliases": ["GHSA-demo-demo-demo"]},
        "products": [
            {"@id": "pkg:npm/left-demo@1.1.0"},
            {"@id": "https://acme.example/shop", "identifiers": {"purl": "pkg:npm/shop@1"},
             "subcomponents": [{"@id": "pkg:npm/left-demo"}]},
            {"@id": "pkg:npm/other", "subcomponents": [{"@id": "https://acme.example/unknown"}]},
            {"@id": "pkg:oci/image@sha256%3Aab"},
        ],
        "status": "not_affected", "justification": "vulnerable_code_not_present", "impact_statement": "we do not parse",
    })))
    .unwrap();
    assert_eq!(
        said(&statements),
        ["CVE-2026-1=https://osv.example/CVE-2026-1=GHSA-demo-demo-demo not affected: pkg:npm/left-demo@1.1.0 [], \
          pkg:npm/shop@1 [pkg:npm/left-demo], pkg:oci/image@sha256:ab [] (vulnerable_code_not_present: we do not parse)"]
    );
    assert_eq!(statements[0].at.map(|at| at.to_string()).as_deref(), Some("2026-01-09T00:02:03.647787998Z"));
}

#[test]
fn the_first_openvex_is_read_too() {
    let statements = read(&openvex(&json!({
        "vulnerability": "CVE-2026-1", "products": ["pkg:npm/shop@1"], "subcomponents": ["pkg:npm/left-demo@1.1.0"],
        "status": "fixed", "timestamp": "2026-02-01T00:00:00Z",
    })))
    .unwrap();
    assert_eq!(said(&statements), ["CVE-2026-1 fixed: pkg:npm/shop@1 [pkg:npm/left-demo@1.1.0] ()"]);
    assert_eq!(statements[0].at.map(|at| at.to_string()).as_deref(), Some("2026-02-01T00:00:00Z"));
}

#[test]
fn cyclonedx_names_parts_by_reference() {
    let analysis = json!({"state": "false_positive", "justification": "code_not_reachable", "detail": "never called"});
    let affects = json!([
        {"ref": "left"}, {"ref": "urn:cdx:1/1#pkg%3Anpm%2Fother%402.0.0"}, {"ref": "somebody else's"},
        {"ref": "pkg:npm/third@1", "versions": [{"version": "2"}, {"version": "3", "status": "unaffected"}]},
    ]);
    let statements = read(&cyclonedx(&analysis, &affects, &json!({"bom-ref": "shop"}))).unwrap();
    assert_eq!(
        said(&statements),
        ["CVE-2026-1=GHSA-demo-demo-demo not affected: pkg:npm/left-demo@1.1.0 [], pkg:npm/other@2.0.0 [], \
          pkg:npm/third@2 [] (code_not_reachable: never called)"]
    );
    let affects = json!([{"ref": "left"}, {"ref": "shop"}]);
    let product = json!({"bom-ref": "shop", "purl": "pkg:npm/shop@1"});
    let statements = read(&cyclonedx(&json!({"state": "exploitable"}), &affects, &product)).unwrap();
    assert_eq!(
        said(&statements),
        ["CVE-2026-1=GHSA-demo-demo-demo affected: pkg:npm/shop@1 [pkg:npm/left-demo@1.1.0], pkg:npm/shop@1 [] ()"]
    );
    assert_eq!(read(&cyclonedx(&Value::Null, &affects, &product)).unwrap(), [], "nothing is said without an analysis");
}

#[test]
fn csaf_follows_its_tree() {
    let statements = read(&csaf(&json!({
        "cve": "CVE-2026-1", "ids": [{"system_name": "x", "text": "GHSA-demo-demo-demo"}],
        "product_status": {"known_not_affected": ["LS", "N"], "known_affected": ["L"]},
        "flags": [{"label": "component_not_present", "group_ids": ["G"]}],
        "threats": [{"category": "impact", "details": "not built in", "product_ids": ["LS"]}],
    })))
    .unwrap();
    assert_eq!(
        said(&statements),
        [
            "CVE-2026-1=GHSA-demo-demo-demo not affected: pkg:npm/shop [pkg:npm/left-demo@1.1.0] \
             (component_not_present: not built in)",
            "CVE-2026-1=GHSA-demo-demo-demo not affected:  ()",
            "CVE-2026-1=GHSA-demo-demo-demo affected: pkg:npm/left-demo@1.1.0 [] ()",
        ]
    );
}

#[test]
fn what_cannot_be_understood_is_an_error_with_its_place() {
    let error = |document: &Value| read(document).unwrap_err();
    let statement = |status: &str, product: &str| {
        openvex(&json!({"vulnerability": {"name": "CVE-2026-1"}, "products": [{"@id": product}], "status": status}))
    };
    assert_eq!(
        error(&statement("not_affected", "pkg:npm/a")),
        "statements[0]: says `not_affected` and neither a justification nor an impact statement"
    );
    assert!(error(&statement("fine", "pkg:npm/a")).starts_with("line 1, column "));
    let broken = error(&statement("fixed", "pkg:npm"));
    assert!(broken.starts_with("statements[0].products[0]: "), "{broken}");
    assert_eq!(
        error(&openvex(&json!({"vulnerability": {}, "status": "fixed"}))),
        "statements[0].vulnerability: has no name"
    );
    assert_eq!(
        error(&csaf(&json!({"cve": "CVE-2026-1", "product_status": {"fixed": ["X"]}}))),
        "vulnerabilities[0].product_status: names the product `X`, which `product_tree` does not have"
    );
    assert_eq!(error(&csaf(&json!({}))), "vulnerabilities[0]: has neither `cve` nor `ids`");
    assert_eq!(error(&json!({})), "the document: is neither OpenVEX nor CSAF nor CycloneDX");
    assert!(read_vex(b"{").unwrap_err().to_string().starts_with("line 1, column 1: "));
    assert!(read_vex(b"").is_err() && read_vex(b"[]").is_err() && read_vex(b"\xff").is_err());
}

#[test]
fn a_short_document_cannot_say_endlessly_much() {
    let many: Vec<String> = (0..1_100).map(|at| format!("pkg:npm/p{at}")).collect();
    let statement = json!({
        "vulnerability": "CVE-2026-1", "products": many.clone(), "subcomponents": many.clone(), "status": "fixed",
    });
    let full = "the document: names more than 1000000 products and parts";
    assert_eq!(read(&openvex(&statement)).unwrap_err(), full);
    let helper = json!({"purls": many});
    let product = |id: &str| json!({"product_id": id, "name": id, "product_identification_helper": helper});
    let document = json!({
        "document": {"category": "csaf_vex"},
        "product_tree": {
            "full_product_names": [product("A"), product("B")],
            "relationships": [{
                "product_reference": "A", "relates_to_product_reference": "B", "full_product_name": {"product_id": "AB"},
            }],
        },
    });
    assert_eq!(read(&document).unwrap_err(), full);
}
