//! What a sandbox blocked, as SARIF: for code hosts that show it with a build.

use serde_json::{Value, json};
use stockade_model::Digest;
use stockade_sandbox::sandbox::Tier;

use super::report::{Blocked, Object, Report};
use crate::output::line;
use crate::report::sarif::{Run, document, uri};

/// The rules, in the order of the objects.
const RULES: [(Object, &str, &str); 4] = [
    (Object::Program, "sandbox-program", "a program was to be run that the profile does not have"),
    (Object::Host, "sandbox-host", "a host was to be reached that no rule of the profile allows"),
    (Object::Socket, "sandbox-socket", "a socket of this machine was to be reached"),
    (Object::File, "sandbox-file", "a file was to be used that the profile does not have"),
];

pub(crate) fn write(report: &Report) -> anyhow::Result<String> {
    let rules = RULES.map(|(_, id, text)| json!({"id": id, "shortDescription": {"text": text}})).to_vec();
    let gap = |gap: &String| json!({"level": "warning", "message": {"text": format!("not enforced: {}", line(gap))}});
    // Of what was only watched, nothing was prevented.
    let level = if report.tier == Tier::Observe { "error" } else { "warning" };
    document(Run {
        rules,
        notifications: report.gaps.iter().map(gap).collect(),
        properties: json!({"profile": report.profile, "tier": report.tier}),
        results: report.blocked.iter().map(|blocked| result(blocked, level)).collect(),
    })
}

fn result(blocked: &Blocked, level: &str) -> Value {
    let index = RULES.iter().position(|(object, ..)| *object == blocked.object).unwrap_or_default();
    let sentence = blocked.sentence();
    let program = blocked.program.to_string_lossy();
    let place = json!({"artifactLocation": {"uri": uri(program.trim_start_matches('/'))}});
    let package = blocked.cause.as_ref().map(|cause| line(&format!("{} {}", cause.package, cause.version)));
    let logical: Vec<Value> = package.iter().map(|name| json!({"name": name, "kind": "package"})).collect();
    json!({
        "ruleId": RULES[index].1,
        "ruleIndex": index,
        "level": level,
        "message": {"text": format!("{sentence}: {}", line(&blocked.why))},
        "locations": [{"physicalLocation": place, "logicalLocations": logical}],
        "occurrenceCount": blocked.times,
        "partialFingerprints": {"stockade/v1": Digest::of(sentence.as_bytes()).hex()},
    })
}
