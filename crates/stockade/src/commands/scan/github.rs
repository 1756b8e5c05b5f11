//! Commands that a workflow of GitHub makes annotations of.

use std::fmt::Write as _;

use stockade_model::Verdict;

use super::{Answer, Finding, place};
use crate::output::line;

pub(super) fn write(answer: &Answer) -> String {
    let mut out = String::new();
    for finding in &answer.findings {
        out.push_str(&annotation(finding));
    }
    for gap in answer.coverage.gaps() {
        let _ = writeln!(out, "::warning title={}::{}", property("stockade: not looked at"), message(gap));
    }
    for remark in answer.coverage.remarks() {
        let _ = writeln!(out, "::notice title=stockade::{}", message(&remark));
    }
    let _ = writeln!(out, "::notice title=stockade::{}", message(&answer.coverage.sentence()));
    out
}

fn annotation(finding: &Finding) -> String {
    let command = match finding.verdict {
        Verdict::Deny => "error",
        Verdict::Hold => "warning",
        Verdict::Allow => "notice",
    };
    let excuse = finding.excuse().map(|excuse| format!("; {excuse}")).unwrap_or_default();
    format!(
        "::{command} file={},line={},title={}::{}\n",
        property(&place(&finding.file)),
        // What is no line is the first.
        finding.line.max(1),
        property(&format!("{}: {}", finding.class(), finding.purl)),
        message(&format!("{}: {}{excuse}", finding.id, finding.sentence()))
    )
}

/// Text behind the second `::`. There, only the end of a line and the sign of an escape mean something.
fn message(text: &str) -> String {
    line(text).replace('%', "%25").replace('\r', "%0D")
}

/// Text of a property, which a comma ends, and a colon in some versions.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_writes_no_command() {
        assert_eq!(message("50%\n::error::x"), "50%25 ::error::x");
        assert_eq!(property("a,line=1::b%"), "a%2Cline=1%3A%3Ab%25");
    }
}
