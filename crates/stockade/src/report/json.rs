//! For programs: everything.

use serde::Serialize;
use stockade_engine::inspection::{Alone, Difference, Finding, Inspection};
use stockade_model::{Gap, Verdict};

use super::Report;

#[derive(Serialize)]
struct Document<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a str>,
    sentence: String,
    verdict: Verdict,
    score: u8,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'a Difference>,
    /// The code that each of two artifacts of one release has and the other has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    alone: Option<Pair<'a>>,
    gaps: Vec<Gap>,
    inspection: &'a Inspection,
}

#[derive(Serialize)]
struct Pair<'a> {
    subject: Option<&'a [Alone]>,
    against: Option<&'a [Alone]>,
}

pub(super) fn write(report: &Report<'_>) -> anyhow::Result<String> {
    let document = Document {
        subject: &report.subject.name,
        against: report.old.map(|old| old.name.as_str()),
        sentence: report.headline(),
        verdict: report.assessment.verdict(),
        score: report.assessment.score(),
        findings: &report.assessment.findings,
        difference: report.assessment.difference.as_ref().filter(|_| report.old.is_some()),
        alone: report
            .beside
            .map(|beside| Pair { subject: report.assessment.alone.as_deref(), against: beside.alone.as_deref() }),
        gaps: report.gaps(),
        inspection: &report.subject.inspection,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
