//! For people.

use super::{Answer, Coverage, Finding, NOTHING};

pub(super) fn write(answer: &Answer) -> String {
    let Coverage { files, unseen, .. } = &answer.coverage;
    let mut lines: Vec<String> = answer.findings.iter().map(line).collect();
    lines.extend(answer.coverage.remarks().map(|remark| format!("remark     {remark}")));
    lines.push(answer.coverage.sentence());
    if files.is_empty() {
        lines.push(NOTHING.to_owned());
    }
    if !unseen.is_empty() {
        lines.push(format!("not looked at:\n  {}", unseen.join("\n  ")));
    } else if answer.findings.is_empty() && !files.is_empty() {
        lines.push("no finding".to_owned());
    }
    lines.join("\n") + "\n"
}

fn line(finding: &Finding) -> String {
    let class = finding.class();
    let score = finding.score.map(|score| format!(" ({score:.1})")).unwrap_or_default();
    let used = if finding.exploited { "; known to be used" } else { "" };
    let fixed =
        if finding.fixed.is_empty() { String::new() } else { format!("; fixed in {}", finding.fixed.join(", ")) };
    let lifted = finding.excuse().map(|excuse| format!("\n           {excuse}")).unwrap_or_default();
    format!(
        "{class}{score}  {}  {}: {}{used}{fixed}\n           {}:{}{}{lifted}",
        finding.purl,
        finding.id,
        finding.summary,
        finding.file.display(),
        finding.line,
        finding.through()
    )
}
