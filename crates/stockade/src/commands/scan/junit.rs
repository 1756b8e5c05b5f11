//! The XML of `JUnit`, as most build servers show results: a suite for each file, a case for each finding, and a case for what
//! was looked at. What the policy says no to has failed; what was not looked at is an error; what was lifted is skipped.

use std::fmt::Write as _;

use stockade_model::Verdict;

use super::{Answer, File, Finding, place};
use crate::output::{count, line};

/// What is written of a case within it.
enum Outcome {
    Passed(String),
    Failed(String),
    Skipped(String),
    Error(String),
}

/// A case: its name and what came of it.
type Case = (String, Outcome);

pub(super) fn write(answer: &Answer) -> String {
    let mut suites: Vec<(String, Vec<Case>)> = answer.coverage.files.iter().map(|file| suite(file, answer)).collect();
    suites.push(("coverage".to_owned(), coverage(answer)));
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"stockade scan\" {}>", counts(all));
    for (name, cases) in &suites {
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", escaped(name), counts(cases.iter()));
        for case in cases {
            out.push_str(&written(name, case));
        }
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn suite(file: &File, answer: &Answer) -> (String, Vec<Case>) {
    let findings = answer.findings.iter().filter(|finding| finding.file == file.path);
    let mut cases: Vec<Case> = findings.map(case).collect();
    let looked = format!("{} of {}", count(file.releases, "release"), file.kind);
    let outcome = if file.problems.is_empty() {
        Outcome::Passed(String::new())
    } else {
        Outcome::Error(format!("not read whole: {}", file.problems.join("; ")))
    };
    cases.push((looked, outcome));
    (place(&file.path), cases)
}

fn case(finding: &Finding) -> Case {
    let name = format!("{} {} {}", finding.class(), finding.purl, finding.id);
    let text = format!("line {}: {}", finding.line, finding.sentence());
    let outcome = match (finding.excuse(), finding.verdict) {
        (Some(excuse), _) => Outcome::Skipped(excuse),
        (None, Verdict::Allow) => Outcome::Passed(text),
        (None, Verdict::Hold | Verdict::Deny) => Outcome::Failed(text),
    };
    (name, outcome)
}

fn coverage(answer: &Answer) -> Vec<Case> {
    let sentence = answer.coverage.sentence();
    let remarks = answer.coverage.remarks().map(|remark| ("remark".to_owned(), Outcome::Passed(remark)));
    let gaps: Vec<Case> =
        answer.coverage.gaps().map(|gap| ("not looked at".to_owned(), Outcome::Error(gap.to_owned()))).collect();
    let looked = if gaps.is_empty() { vec![(sentence, Outcome::Passed(String::new()))] } else { gaps };
    looked.into_iter().chain(remarks).collect()
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for (_, outcome) in cases {
        tests += 1;
        match outcome {
            Outcome::Passed(_) => {}
            Outcome::Failed(_) => failures += 1,
            Outcome::Error(_) => errors += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn written(suite: &str, (name, outcome): &Case) -> String {
    let inside = match outcome {
        Outcome::Passed(text) if text.is_empty() => String::new(),
        Outcome::Passed(text) => format!("<system-out>{}</system-out>", escaped(text)),
        Outcome::Failed(text) => format!("<failure message=\"{}\"/>", escaped(text)),
        Outcome::Error(text) => format!("<error message=\"{}\"/>", escaped(text)),
        Outcome::Skipped(text) => format!("<skipped message=\"{}\"/>", escaped(text)),
    };
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(suite), escaped(name));
    if inside.is_empty() { format!("{head}/>\n") } else { format!("{head}>{inside}</testcase>\n") }
}

/// Text as it may stand in an element or an attribute. Characters that XML does not have are gone before.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in line(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_ends_no_attribute() {
        assert_eq!(escaped("a\"/><x>&\n\u{1b}\u{ffff}"), "a&quot;/&gt;&lt;x&gt;&amp;   ");
    }
}
