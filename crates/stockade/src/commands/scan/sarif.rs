//! SARIF: each advisory is a rule, whose name begins with its class, so that malice can be told from vulnerabilities.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stockade_engine::advisory::Class;
use stockade_model::Digest;

use super::{Answer, Finding, place};
use crate::describe::kebab;
use crate::output::line;
use crate::report::sarif::{Run, document, level, uri};

/// The severity of what is malicious, which has no score: the highest, or code hosts show it below everything.
const MALICIOUS: f32 = 10.0;

pub(super) fn write(answer: &Answer) -> anyhow::Result<String> {
    let rules: BTreeMap<String, &Finding> =
        answer.findings.iter().rev().map(|finding| (name(finding), finding)).collect();
    let places: BTreeMap<&str, usize> = rules.keys().map(String::as_str).zip(0..).collect();
    let coverage = &answer.coverage;
    let notification = |gap: &str| {
        let text = format!("not looked at: {}", line(gap));
        json!({"level": "warning", "descriptor": {"id": "not-looked-at"}, "message": {"text": text}})
    };
    document(Run {
        rules: rules.iter().map(|(name, finding)| rule(name, finding)).collect(),
        notifications: coverage.gaps().map(notification).collect(),
        properties: json!({"sentence": line(&coverage.sentence()), "coverage": coverage}),
        results: answer.findings.iter().map(|finding| result(finding, &places)).collect(),
    })
}

/// `malicious/MAL-2026-1`
fn name(finding: &Finding) -> String {
    line(&format!("{}/{}", kebab(&finding.class), finding.id))
}

fn rule(name: &str, finding: &Finding) -> Value {
    let score = if finding.class == Class::Malicious { Some(MALICIOUS) } else { finding.score };
    let mut properties = json!({"tags": ["security", kebab(&finding.class)]});
    if let Some(score) = score {
        properties["security-severity"] = json!(format!("{score:.1}"));
    }
    let summary = line(&finding.summary);
    let summary = if summary.is_empty() { name } else { &summary };
    json!({
        "id": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": help(finding)},
        "defaultConfiguration": {"level": level(finding.verdict)},
        "properties": properties,
    })
}

fn help(finding: &Finding) -> String {
    match (finding.class, finding.fixed.as_slice()) {
        (Class::Malicious, _) => {
            "the release is an attack: remove it, and take every secret that it could reach for stolen".to_owned()
        }
        (_, []) => "no release is named that fixes it".to_owned(),
        (_, fixed) => line(&format!("fixed in {}", fixed.join(", "))),
    }
}

fn result(finding: &Finding, rules: &BTreeMap<&str, usize>) -> Value {
    let (name, file, purl) = (name(finding), place(&finding.file), finding.purl.to_string());
    let mut physical = json!({"artifactLocation": {"uri": uri(&file)}});
    if finding.line > 0 {
        physical["region"] = json!({"startLine": finding.line});
    }
    let text = format!("{purl} is {}: {}", finding.class(), finding.sentence());
    // The same advisory about the same release of the same file is the same alert, wherever its line has moved to.
    let fingerprint = Digest::of(format!("{name}\n{file}\n{purl}").as_bytes());
    let mut result = json!({
        "ruleId": name,
        "ruleIndex": rules.get(name.as_str()),
        "level": level(finding.verdict),
        "message": {"text": line(&text)},
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{"name": purl, "kind": "package"}],
        }],
        "partialFingerprints": {"stockade/v1": fingerprint.hex()},
        "properties": {"scope": finding.scope, "verdict": finding.verdict.name(), "grade": finding.grade},
    });
    if let Some(excuse) = finding.excuse() {
        result["suppressions"] = json!([{"kind": "external", "justification": line(&excuse)}]);
    }
    result
}
