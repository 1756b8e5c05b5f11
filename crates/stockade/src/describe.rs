//! Rulings, evidence and gaps in words.

use jiff::Timestamp;
use stockade_engine::duration;
use stockade_model::{Clock, Comparison, Evidence, Finding, Gap, NewNeed, Reason, Verdict};

use crate::output::{columns, count};

/// A heading with rows below it, or nothing if there are none.
pub(crate) fn section(title: &str, rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { format!("{title}:\n{}", columns(2, rows)) }
}

/// What a ruling's sentence says after the name of the release.
pub(crate) fn predicate(sentence: &str) -> &str {
    let after_name = || {
        let (_, rest) = sentence.split_once(" by stockade: `")?;
        let (_, rest) = rest.split_once("` ")?;
        Some(rest.split_once(' ')?.1)
    };
    after_name().unwrap_or(sentence)
}

/// One row for each reason: verdict, rule, sentence.
pub(crate) fn reasons(reasons: &[Reason]) -> Vec<Vec<String>> {
    let row = |reason: &Reason| {
        let until = reason.until.map(|until| format!(" (until {until})")).unwrap_or_default();
        vec![reason.verdict.name().to_owned(), reason.rule.clone(), format!("{}{until}", reason.sentence)]
    };
    reasons.iter().map(row).collect()
}

/// One row for each gap: kind, detail.
pub(crate) fn gaps(gaps: &[Gap]) -> Vec<Vec<String>> {
    gaps.iter().map(|gap| vec![kebab(&gap.kind), gap.detail.clone()]).collect()
}

/// The rows of the evidence: what, and what of it.
pub(crate) fn evidence(evidence: &[Evidence], now: Timestamp) -> Vec<Vec<String>> {
    let rows = evidence.iter().flat_map(|evidence| one(evidence, now));
    rows.map(|(what, words)| vec![what.to_owned(), words]).collect()
}

/// The same of what is in the files, and nothing of anything else.
pub(crate) fn content(one: &Evidence, now: Timestamp) -> Vec<Vec<String>> {
    if let Evidence::Inspection { .. } = one { evidence(std::slice::from_ref(one), now) } else { Vec::new() }
}

fn one(evidence: &Evidence, now: Timestamp) -> Vec<(&'static str, String)> {
    match evidence {
        Evidence::Published { at, clock } => vec![("age", age(*at, clock, now))],
        Evidence::Manifest { publisher, install_hook, provenance, deprecated } => {
            let mut rows: Vec<(&str, String)> = publisher.iter().map(|who| ("publisher", who.clone())).collect();
            rows.push(("hook", said(*install_hook, "its code runs when it is installed", "none runs at installation")));
            rows.push((
                "provenance",
                said(*provenance, "the index offers an attestation, not verified", "none is offered"),
            ));
            rows.extend(deprecated.iter().map(|words| ("deprecated", words.clone())));
            rows
        }
        Evidence::Advisory { id, malware, summary } => {
            let kind = said(*malware, "malware", "vulnerable");
            vec![("advisory", format!("`{id}`, {kind}: {summary}"))]
        }
        Evidence::Claimed { integrity } => vec![("claim", format!("the index claims {integrity}"))],
        Evidence::Integrity { digest, comparison } => vec![("digest", compared(&digest.to_string(), comparison))],
        Evidence::Decision { verdict, digest, reason, by, expires } => {
            let done = if *verdict == Verdict::Allow { "approved" } else { verdict.done() };
            let until = expires.map(|expires| format!(" until {expires}")).unwrap_or_default();
            vec![("decision", format!("{done} by {by}{until}, for {digest}: {reason}"))]
        }
        Evidence::Fixes { id, of } => vec![("fix", format!("`{id}` of {of}, which was given out here"))],
        Evidence::Frozen { since, reason, by } => {
            vec![("freeze", format!("{by} froze everything that was published since {since}: {reason}"))]
        }
        Evidence::Inspection { against, findings, needs, .. } => inspection(against.as_deref(), findings, needs, now),
    }
}

fn inspection(
    against: Option<&str>,
    findings: &[Finding],
    needs: &[NewNeed],
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let found = match findings.len() {
        0 => "no finding".to_owned(),
        number => count(number, "finding"),
    };
    let compared = against.map_or_else(|| "alone".to_owned(), |version| format!("compared with {version}"));
    let mut rows = vec![("inspection", format!("{found}, {compared}"))];
    rows.extend(findings.iter().map(|finding| ("finding", found_by(finding))));
    let since = |need: &NewNeed| match need.since {
        Some(since) if since <= now => format!("first published {} ago", duration(now.duration_since(since))),
        Some(_) => "first published in the future".to_owned(),
        None => "nothing says since when".to_owned(),
    };
    let need = |need: &NewNeed| {
        format!(
            "`{}`, {}, {}",
            need.name,
            since(need),
            count(need.releases.try_into().unwrap_or(usize::MAX), "release")
        )
    };
    rows.extend(needs.iter().map(|one| ("new need", need(one))));
    rows
}

/// `install-hook-gained asks to hold, for package.json:7`. What it says is a reason of the ruling, unless it asks for
/// nothing.
fn found_by(finding: &Finding) -> String {
    let Finding { rule, verdict, sentence, .. } = finding;
    if *verdict == Verdict::Allow {
        let place = finding.unsaid_place().map(|place| format!(" ({place})")).unwrap_or_default();
        return format!("{rule}: {sentence}{place}");
    }
    let place = finding.place().map(|place| format!(", for {place}")).unwrap_or_default();
    format!("{rule} asks to {}{place}", verdict.name())
}

fn said(yes: bool, if_yes: &str, if_no: &str) -> String {
    (if yes { if_yes } else { if_no }).to_owned()
}

fn age(at: Timestamp, clock: &Clock, now: Timestamp) -> String {
    let ago = if at <= now { format!("{} ago", duration(now.duration_since(at))) } else { "in the future".to_owned() };
    let clock = match clock {
        Clock::Registry => "as the registry says",
        Clock::Mirror { .. } => "by a mirror's clock",
        Clock::Files => "by the upstream's date of its files",
        Clock::Listed => "at the latest, by the upstream's date of its index",
        Clock::FirstSeen => "when this gateway first saw it; nobody else says when",
        Clock::Hosted => "here",
    };
    format!("published {ago}, at {at}, {clock}")
}

fn compared(digest: &str, comparison: &Comparison) -> String {
    match comparison {
        Comparison::Matches => format!("{digest}, as claimed and as first seen"),
        Comparison::NotAsClaimed { claimed } => format!("{digest}, but the index claims {claimed}"),
        Comparison::NotAsPinned { pinned, since } => format!("{digest}, but {pinned} was first seen, at {since}"),
    }
}

/// The name of a value as documents spell it.
pub(crate) fn kebab(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_loses_its_beginning_where_the_release_stands_elsewhere() {
        let sentence = "would be held by stockade: `@acme/left` 1.1.0 is 5 hours old; policy asks 72 hours";
        assert_eq!(predicate(sentence), "is 5 hours old; policy asks 72 hours");
        assert_eq!(predicate("something else"), "something else");
    }
}
