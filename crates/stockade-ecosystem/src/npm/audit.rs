//! Audits: which of these releases have advisories?
//!
//! Today's clients send an object of names with lists of versions and are answered an object of names with lists of
//! advisories. Older ones (npm 6, Yarn 1, pnpm up to 10) send their tree and are answered a report ([`tree`]); a registry is
//! asked in today's form for them too.

mod tree;

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stockade_model::{Digest, Malformed, Release};

use super::packument;
use crate::{Advice, AdviceKind, Audit, AuditForm};

static NAMES: Audit = Audit { path: BULK, asked: packument::audited, question, answer, nothing: b"{}" };
static TREE: Audit = Audit { path: BULK, asked: tree::asked, question, answer: tree::answer, nothing: b"{}" };

/// Where a registry is asked.
const BULK: &str = "-/npm/v1/security/advisories/bulk";

pub(super) fn of(form: AuditForm) -> &'static Audit {
    match form {
        AuditForm::Names => &NAMES,
        AuditForm::Tree => &TREE,
    }
}

fn question(releases: &[Release]) -> Vec<u8> {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for release in releases {
        asked.entry(release.package.name.as_str()).or_default().push(&release.version);
    }
    serde_json::to_vec(&asked).unwrap_or_default()
}

/// A registry's answer: advisories by name, each as it was.
fn read(theirs: &[u8]) -> Result<BTreeMap<String, Vec<Box<RawValue>>>, Malformed> {
    serde_json::from_slice(theirs)
        .map_err(|_| Malformed::new("an audit's answer", "", "it is not an object of names with lists of advisories"))
}

/// The registry's answer, each advisory as it was, and ours after it.
fn answer(_asked: &[u8], theirs: &[u8], ours: &[Advice]) -> Result<Vec<u8>, Malformed> {
    let malformed = |_| Malformed::new("an audit's answer", "", "it cannot be written");
    let mut merged = read(theirs)?;
    for advice in ours {
        let list = merged.entry(advice.package.name.as_str().to_owned()).or_default();
        list.push(serde_json::value::to_raw_value(&advisory(advice)).map_err(malformed)?);
    }
    serde_json::to_vec(&merged).map_err(malformed)
}

fn advisory(advice: &Advice) -> Value {
    json!({
        "id": number(&advice.id),
        "url": advice.url(),
        "title": advice.title(),
        "severity": severity(advice),
        "vulnerable_versions": versions(advice),
        "cwe": if advice.is_about_malice() { json!(["CWE-506"]) } else { json!([]) },
        "cvss": { "score": f64::from(advice.score.unwrap_or(0)) / 10.0, "vectorString": advice.vector },
    })
}

/// Clients want a number, and take what has one number for one advisory. Of a digest as many bits as JavaScript counts
/// exactly tell all that there are apart.
fn number(id: &str) -> u64 {
    u64::from_str_radix(&Digest::of(id.as_bytes()).hex()[..12], 16).unwrap_or_default()
}

/// The severities that clients know.
const SEVERITIES: [&str; 5] = ["info", "low", "moderate", "high", "critical"];

/// What nobody has said how severe it is counts as high, as clients count it.
fn severity(advice: &Advice) -> &'static str {
    match (advice.kind, advice.score) {
        (AdviceKind::Malware, _) | (AdviceKind::Vulnerable, Some(90..)) => "critical",
        (AdviceKind::PerhapsMalware, _) | (AdviceKind::Vulnerable, Some(70..)) => "high",
        (AdviceKind::Notice | AdviceKind::Unclear(_), _) => "info",
        (AdviceKind::Vulnerable, Some(40..)) => "moderate",
        (AdviceKind::Vulnerable, Some(_)) => "low",
        (AdviceKind::Vulnerable, None) => match advice.word.as_deref() {
            Some("medium") => "moderate",
            word => SEVERITIES.into_iter().find(|known| word == Some(known)).unwrap_or("high"),
        },
    }
}

/// The range that clients compare versions with. Some of them take no prerelease for part of a range that does not name it,
/// so that those that were asked about are named.
fn versions(advice: &Advice) -> String {
    let run = |(first, last): &(String, String)| {
        if first == last { first.clone() } else { format!(">={first} <={last}") }
    };
    let named = |version: &&String| {
        version.contains('-') && !advice.affected.iter().any(|(first, last)| first == last && first == *version)
    };
    let parts: Vec<String> =
        advice.affected.iter().map(run).chain(advice.asked.iter().filter(named).cloned()).collect();
    parts.join(" || ")
}

#[cfg(test)]
mod tests;
