//! For comments on a pull request.

use std::fmt::Write as _;

use super::{Answer, Finding, place};
use crate::output::{count, line};
use crate::report::markdown::{code, plain};

pub(super) fn write(answer: &Answer) -> String {
    let mut out = format!("### stockade: {}\n", plain(&headline(answer)));
    let (lifted, open): (Vec<&Finding>, Vec<&Finding>) =
        answer.findings.iter().partition(|finding| finding.lifted.is_some());
    if !open.is_empty() {
        out.push('\n');
        out.extend(open.into_iter().map(item));
    }
    if !lifted.is_empty() {
        let items: String = lifted.iter().map(|finding| item(finding)).collect();
        let title = format!("{} said not to matter here", count(lifted.len(), "finding"));
        let _ = write!(out, "\n<details><summary>{title}</summary>\n\n{items}\n</details>\n");
    }
    let gaps: Vec<&str> = answer.coverage.gaps().collect();
    if !gaps.is_empty() {
        out.push_str("\n**not looked at**\n\n");
        out.extend(gaps.into_iter().map(|gap| format!("- {}\n", plain(&line(gap)))));
    }
    let mut remarks = answer.coverage.remarks().peekable();
    if remarks.peek().is_some() {
        out.push_str("\n**remarks**\n\n");
    }
    out.extend(remarks.map(|remark| format!("- {}\n", plain(&line(&remark)))));
    let _ = writeln!(out, "\n{}", plain(&answer.coverage.sentence()));
    out
}

fn headline(answer: &Answer) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for finding in answer.findings.iter().filter(|finding| finding.lifted.is_none()) {
        match counted.iter_mut().find(|(class, _)| *class == finding.class()) {
            Some((_, number)) => *number += 1,
            None => counted.push((finding.class(), 1)),
        }
    }
    let mut parts: Vec<String> = counted.into_iter().map(|(class, number)| format!("{number} {class}")).collect();
    if parts.is_empty() {
        parts.push("no finding".to_owned());
    }
    let gaps = answer.coverage.gaps().count();
    let gaps = (gaps > 0).then(|| format!("; {} not looked at", count(gaps, "thing")));
    format!("{}{}", parts.join(", "), gaps.unwrap_or_default())
}

fn item(finding: &Finding) -> String {
    let score = finding.score.map(|score| format!(" ({score:.1})")).unwrap_or_default();
    let excuse = finding.excuse().map(|excuse| format!("; {excuse}")).unwrap_or_default();
    format!(
        "- **{}**{score} {} {}: {} at {}\n",
        finding.class(),
        code(&finding.purl.to_string()),
        code(&line(&finding.id)),
        plain(&line(&format!("{}{excuse}", finding.sentence()))),
        code(&line(&format!("{}:{}", place(&finding.file), finding.line)))
    )
}
