//! The official schemas are whole, and they refuse what is wrong.

use super::full;
use crate::licence::NEWER;
use crate::{
    Analysis, Format, Licence, Status, Target, Unchecked, Vulnerability, read, validate, write, write_vulnerabilities,
};

#[test]
fn every_schema_compiles_and_refuses() {
    for (format, document) in [
        (Format::CycloneDx12, r#"{"bomFormat":"CycloneDX","specVersion":"1.2","version":"one"}"#),
        (Format::CycloneDx13, r#"{"bomFormat":"CycloneDX","specVersion":"1.3","version":"one"}"#),
        (Format::CycloneDx14, r#"{"bomFormat":"CycloneDX","specVersion":"1.4","version":"one"}"#),
        (Format::CycloneDx15, r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":"one"}"#),
        (Format::CycloneDx16, r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":"one"}"#),
        (Format::CycloneDx17, r#"{"bomFormat":"CycloneDX","specVersion":"1.7","version":"one"}"#),
        (Format::Spdx23, r#"{"spdxVersion":"SPDX-2.3"}"#),
        (Format::Spdx301, r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"No"}]}"#),
    ] {
        let (found, invalid) = validate(document.as_bytes()).unwrap();
        assert_eq!(found, format);
        assert!(!invalid.is_empty(), "{format}");
    }
    let cyclone = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}"#;
    assert_eq!(validate(cyclone), Ok((Format::CycloneDx16, vec![])));
}

#[test]
fn an_error_has_its_place() {
    let document = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library"}]}"#;
    let (_, invalid) = validate(document).unwrap();
    assert_eq!(invalid[0].place, "/components/0");
    assert_eq!(invalid[0].what, r#""name" is a required property"#);
}

#[test]
fn what_cannot_be_checked_is_not_called_valid() {
    assert_eq!(validate(br#"{"spdxVersion":"SPDX-2.2"}"#), Err(Unchecked::NoSchema(Format::Spdx22)));
    assert!(matches!(validate(b"{"), Err(Unchecked::Unreadable(_))));
}

#[test]
fn every_identifier_of_a_licence_is_allowed() {
    let known = include_str!("../../schemas/spdx.SNAPSHOT.schema.json");
    let newer = NEWER.iter().filter(|id| known.contains(&format!("\"{id}\"")));
    assert_eq!(newer.count(), 0, "the schema has learned of a licence");
    let mut bom = full();
    bom.subject.licences = spdx::identifiers::LICENSES.iter().map(|licence| Licence::read(licence.name)).collect();
    assert!(bom.subject.licences.len() > 600);
    for target in Target::ALL {
        assert_eq!(validate(&write(&bom, target)), Ok((target.format(), vec![])));
    }
}

#[test]
fn vulnerabilities_are_written_as_the_schemas_say() {
    let bom = full();
    let affects: Vec<_> = bom.components.iter().filter_map(|part| part.purl.clone()).collect();
    assert!(!affects.is_empty());
    let statuses = [Status::NotAffected, Status::Fixed, Status::Affected, Status::UnderInvestigation];
    let analyses = statuses.map(|status| Some(Analysis { status, why: Some("a reason".to_owned()) }));
    let vectors = ["CVSS:4.0/AV:N", "CVSS:3.1/AV:N", "CVSS:3.0/AV:N", "AV:N", "unknown"];
    let one = |(at, analysis): (usize, Option<Analysis>)| Vulnerability {
        id: format!("CVE-2026-{at}"),
        aliases: vec!["GHSA-demo-demo-demo".to_owned(), "odd".to_owned()],
        is_malicious: at.is_multiple_of(2),
        description: "something".to_owned(),
        recommendation: Some("update".to_owned()),
        tenths: [0, 1, 40, 70, 100].get(at).copied(),
        vector: vectors.get(at).map(|vector| (*vector).to_owned()),
        affects: affects.clone(),
        analysis,
    };
    let all: Vec<Vulnerability> = analyses.into_iter().chain([None, None]).enumerate().map(one).collect();
    for (newest, format) in [(false, Format::CycloneDx16), (true, Format::CycloneDx17)] {
        let document = write_vulnerabilities(&bom, newest, &all);
        assert_eq!(validate(&document), Ok((format, vec![])));
        assert_eq!(read(&document).bom, Some(bom.normal()), "the list is the same without them");
        assert_ne!(write_vulnerabilities(&bom, newest, &all[1..]), document);
    }
    let text = String::from_utf8(write_vulnerabilities(&bom, false, &all)).unwrap();
    for said in [r#""score": 4.0"#, r#""severity": "critical""#, r#""method": "CVSSv31""#, r#""state": "resolved""#] {
        assert!(text.contains(said), "{said}");
    }
}
