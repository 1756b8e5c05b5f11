//! SARIF 2.1.0 (OASIS), as code hosts show findings beside the code.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stockade_engine::inspection::{Finding, Place};
use stockade_model::{Digest, Verdict};

use super::Report;
use super::sections::file_of;
use crate::describe::kebab;
use crate::output::line;

/// The schema that documents of this version name.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(report: &Report<'_>) -> anyhow::Result<String> {
    let findings = &report.assessment.findings;
    let mut rules: Vec<&Finding> = Vec::new();
    for finding in findings {
        if !rules.iter().any(|rule| rule.rule == finding.rule) {
            rules.push(finding);
        }
    }
    let result = |finding: &Finding| {
        let index = rules.iter().position(|rule| rule.rule == finding.rule);
        result(report, finding, index.unwrap_or_default())
    };
    let gaps = report.gaps();
    let notification = |gap: &stockade_model::Gap| {
        let text = format!("could not look: {}", gap.detail);
        json!({"level": "warning", "descriptor": {"id": kebab(&gap.kind)}, "message": {"text": text}})
    };
    document(Run {
        rules: rules.iter().map(|finding| rule(report, finding)).collect(),
        notifications: gaps.iter().map(notification).collect(),
        properties: json!({"sentence": report.headline(), "verdict": report.assessment.verdict().name()}),
        results: findings.iter().map(result).collect(),
    })
}

/// What a document says.
pub(crate) struct Run {
    pub(crate) rules: Vec<Value>,
    /// What could not be looked at.
    pub(crate) notifications: Vec<Value>,
    pub(crate) properties: Value,
    pub(crate) results: Vec<Value>,
}

/// The text of a document.
pub(crate) fn document(run: Run) -> anyhow::Result<String> {
    let Run { rules, notifications, properties, results } = run;
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "stockade",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "properties": properties,
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// What is to be known of a rule. Its explanation is ours, or that of the user who wrote the rule.
fn rule(report: &Report<'_>, finding: &Finding) -> Value {
    let name = line(&finding.rule);
    let described = report.rules.describe().find(|(rule, ..)| *rule == finding.rule);
    let (title, explanation) = described.map_or((&*name, &*name), |(_, title, _, explanation)| (title, explanation));
    json!({
        "id": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": explanation},
        "help": {"text": explanation, "markdown": explanation},
        "defaultConfiguration": {"level": level(finding.verdict)},
    })
}

fn result(report: &Report<'_>, finding: &Finding, rule: usize) -> Value {
    let name = line(&report.subject.name);
    let sentence = line(&finding.sentence);
    let mut locations: Vec<Value> = finding.places.iter().map(|place| location(report, place)).collect();
    if locations.is_empty() {
        locations.push(json!({"physicalLocation": {"artifactLocation": {"uri": uri(&name)}}}));
    }
    // The same finding of the same file is the same alert, wherever its line has moved to.
    let place = finding.places.first().map_or("", |place| place.path.as_str());
    let fingerprint = Digest::of(format!("{}\n{place}\n{sentence}", finding.rule).as_bytes());
    json!({
        "ruleId": line(&finding.rule),
        "ruleIndex": rule,
        "level": level(finding.verdict),
        "message": {"text": format!("{name} {sentence}")},
        "rank": f64::from(finding.score),
        "locations": locations,
        "partialFingerprints": {"stockade/v1": fingerprint.hex()},
    })
}

fn location(report: &Report<'_>, place: &Place) -> Value {
    let file = file_of(&place.path, &report.subject.inspection.starts);
    let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
    if place.line > 0 {
        physical["region"] = json!({"startLine": place.line, "snippet": {"text": line(&place.snippet)}});
    }
    json!({"physicalLocation": physical, "message": {"text": line(&place.what)}})
}

/// How a verdict is called there.
pub(crate) fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "note",
        Verdict::Hold => "warning",
        Verdict::Deny => "error",
    }
}

/// A path as a relative reference. A colon in its first segment would make that a scheme, so it is encoded as well.
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("lib/a b#c:d?.js"), "lib/a%20b%23c%3Ad%3F.js");
        assert_eq!(uri("ü"), "%C3%BC");
    }
}
