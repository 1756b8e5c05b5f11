//! A corpus's results as a section of the report, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::family;
use super::judging::Judged;
use super::stats::{Rate, quantile};
use super::subject::Verdict;
use super::tally::{self, Recall, Row};

/// Rules in the table of reasons.
const MOST_RULES: usize = 25;

/// What is written of a corpus.
pub(crate) struct Section {
    pub(crate) markdown: String,
    pub(crate) json: Value,
}

pub(crate) fn section(name: &str, judged: &[Judged], families: &[String], sample: Option<usize>) -> Section {
    let mut markdown = match name {
        "malicious" => malicious(judged, families),
        "hijacks" => hijacks(judged),
        _ => harmless(name, judged),
    };
    markdown.push_str(&reasons(judged));
    if let Some(sample) = sample {
        let _ = writeln!(markdown, "\nOnly a sample of at most {sample}, chosen by the digest of the names.");
    }
    let alarm_is_right = matches!(name, "malicious" | "hijacks");
    markdown.push_str(&wrong(judged, families, alarm_is_right));
    Section { markdown, json: whole(judged, families, sample) }
}

fn malicious(judged: &[Judged], families: &[String]) -> String {
    let caught: Vec<bool> = judged.iter().map(|each| each.outcome.verdict.is_alarm()).collect();
    let recall = tally::recall(&caught, families);
    let row = tally::row(&judged.iter().collect::<Vec<_>>());
    let largest = family::members(families).first().map_or(0, Vec::len);
    format!(
        "## malware\n\nPyPI archives of malware, each judged alone: {} archives of {} projects in {} families, the \
         largest of {largest}. A family is what has the same sequence of Python tokens when names, strings and numbers \
         are masked; it is caught if at least half of its members are. What could not be inspected was not caught.\n\n\
         | | caught (95 % interval) |\n|---|---|\n| archives | {} |\n| families | {} |\n\n\
         {} denied, {} held, {} not inspected. {}\n",
        row.alarms.of,
        row.packages.of,
        recall.families.of,
        recall.archives.words(),
        recall.families.words(),
        row.denied,
        row.alarms.hits - row.denied,
        row.gaps,
        times(judged),
    )
}

fn hijacks(judged: &[Judged]) -> String {
    let mut text = "## hijacks\n\nReplays of hijacked releases without their payload's effect, each judged beside the \
                    harmless release before it.\n\n| | file | caught (95 % interval) | denied | not inspected |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for ((ecosystem, kind), Row { alarms, denied, gaps, .. }) in tally::rows(judged) {
        let _ = writeln!(text, "| {ecosystem} | {kind} | {} | {denied} | {gaps} |", alarms.words());
    }
    let _ = writeln!(text, "\n{}", times(judged));
    text
}

fn harmless(name: &str, judged: &[Judged]) -> String {
    let what = match name {
        "updates" => "## updates\n\nReleases of popular packages, each judged beside the release before it.",
        _ => "## harmless releases\n\nThe newest release of popular packages, each file judged alone.",
    };
    let mut text = format!(
        "{what} An alarm is a release that would be held or denied.\n\n\
         | | file | false alarms (95 % interval) | denied | not inspected | packages with one |\n\
         |---|---|---|---|---|---|\n"
    );
    let everything = tally::row(&judged.iter().collect::<Vec<_>>());
    let rows = tally::rows(judged).into_iter().map(|((ecosystem, kind), row)| (ecosystem, kind, row));
    for (ecosystem, kind, row) in rows.chain([("all", "", everything)]) {
        let Row { alarms, denied, gaps, packages } = row;
        let _ = writeln!(
            text,
            "| {ecosystem} | {kind} | {} | {denied} | {gaps} | {} of {} |",
            alarms.words(),
            packages.hits,
            packages.of
        );
    }
    let _ = writeln!(text, "\n{}", times(judged));
    text
}

fn times(judged: &[Judged]) -> String {
    let (middle, most) = (0.5, 0.95);
    let mut millis: Vec<f64> = judged.iter().map(|each| each.outcome.millis).collect();
    let at = |millis: &mut [f64], share| quantile(millis, share).unwrap_or_default();
    let (half, nearly, all) = (at(&mut millis, middle), at(&mut millis, most), at(&mut millis, 1.0));
    format!("Half took at most {half:.0} ms, 95 of 100 at most {nearly:.0} ms, the slowest {all:.0} ms.")
}

fn reasons(judged: &[Judged]) -> String {
    let rules = tally::rules(judged);
    if rules.is_empty() {
        return String::new();
    }
    let mut text = "\n| reason of an alarm | releases |\n|---|---|\n".to_owned();
    for (rule, count) in rules.iter().take(MOST_RULES) {
        let _ = writeln!(text, "| {rule} | {count} |");
    }
    text
}

/// Misses of malware by family, and false alarms one by one; what could not be inspected in both.
fn wrong(judged: &[Judged], families: &[String], alarm_is_right: bool) -> String {
    let mut lines = Vec::new();
    if families.is_empty() {
        let wrong = judged.iter().filter(|each| is_wrong(&each.outcome.verdict, alarm_is_right));
        lines.extend(wrong.map(line));
    } else {
        for members in family::members(families) {
            let members: Vec<&Judged> = members.iter().filter_map(|index| judged.get(*index)).collect();
            let missed: Vec<_> = members.iter().filter(|each| is_wrong(&each.outcome.verdict, true)).collect();
            let first = missed.first().map(|first| format!("{} of {}: {}", missed.len(), members.len(), line(first)));
            lines.extend(first);
        }
    }
    let title = match (families.is_empty(), alarm_is_right) {
        (true, true) => "Missed",
        (true, false) => "False alarms, and what could not be inspected",
        (false, _) => "Missed, as one of each family with how many of it",
    };
    if lines.is_empty() {
        return format!("\n{title}: none.\n");
    }
    format!("\n{title}:\n\n```text\n{}\n```\n", lines.join("\n"))
}

fn is_wrong(verdict: &Verdict, alarm_is_right: bool) -> bool {
    matches!(verdict, Verdict::Gap(_)) || verdict.is_alarm() != alarm_is_right
}

/// `npm a 1 -> 2 (a-2.tgz): rule, rule`.
fn line(judged: &Judged) -> String {
    let words = judged.case.words();
    one_line(&match &judged.outcome.verdict {
        Verdict::Quiet => words,
        Verdict::Hold(rules) => format!("{words}: {}", rules.join(", ")),
        Verdict::Deny(rules) => format!("{words}: denied, {}", rules.join(", ")),
        Verdict::Gap(why) => format!("{words}: not inspected, {why}"),
    })
}

/// Text of an archive's making may have anything in it; in a report it is a line, and ends no fence.
pub(crate) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|each| if each.is_control() || each == '`' { ' ' } else { each }).collect();
    text.trim_end().to_owned()
}

/// Every case with what came out.
fn whole(judged: &[Judged], families: &[String], sample: Option<usize>) -> Value {
    let cases = judged.iter().enumerate().map(|(index, each)| {
        let piece = &each.case.new;
        json!({
            "ecosystem": piece.ecosystem,
            "kind": piece.kind(),
            "name": piece.name,
            "version": piece.version,
            "file": piece.file,
            "old": each.case.old.as_ref().map(|old| old.version.clone()),
            "family": families.get(index),
            "outcome": each.outcome,
        })
    });
    json!({ "sample": sample, "cases": cases.collect::<Vec<_>>() })
}

/// How much was caught of the malware whose results were written by [`section`].
pub(crate) fn recall(json: &Value) -> Recall {
    let cases = json.get("cases").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let caught: Vec<bool> = cases.iter().map(is_alarm).collect();
    let families: Vec<String> =
        cases.iter().map(|case| case["family"].as_str().unwrap_or_default().to_owned()).collect();
    tally::recall(&caught, &families)
}

fn is_alarm(case: &Value) -> bool {
    matches!(case["outcome"]["verdict"].as_str(), Some("hold" | "deny"))
}

/// How many of the cases that were written by [`section`] and that `belongs` were alarms.
pub(crate) fn alarms(json: &Value, belongs: impl Fn(&Value) -> bool) -> Rate {
    let cases = json.get("cases").and_then(Value::as_array).into_iter().flatten();
    Rate::count(cases.filter(|case| belongs(case)), |case| is_alarm(case))
}

#[cfg(test)]
mod tests {
    use super::super::tally::tests::{hold, judged};
    use super::*;

    #[test]
    fn a_section_has_the_table_and_every_false_alarm() {
        let all = [
            judged("npm", "a", "a-1.tgz", hold(&["install-script"])),
            judged("npm", "b", "b-1.tgz", Verdict::Quiet),
            judged("npm", "c", "c-1.tgz", Verdict::Gap("`x`\ny".to_owned())),
        ];
        let section = section("benign", &all, &[], Some(3));
        let text = section.markdown;
        assert!(text.contains("| npm | tarball | 1 of 3, 33.3 % (6.1–79.2) | 0 | 1 | 1 of 3 |"), "{text}");
        assert!(
            text.contains("```text\nnpm a 1 (a-1.tgz): install-script\nnpm c 1 (c-1.tgz): not inspected,  x  y\n```")
        );
        assert!(text.contains("| install-script | 1 |"));
        assert_eq!(alarms(&section.json, |case| case["ecosystem"] == "npm"), Rate { of: 3, hits: 1 });
    }

    #[test]
    fn misses_of_malware_are_by_family() {
        let all = [
            judged("pypi", "a", "a-1.tar.gz", Verdict::Quiet),
            judged("pypi", "b", "b-1.tar.gz", Verdict::Quiet),
            judged("pypi", "c", "c-1.tar.gz", hold(&["x"])),
        ];
        let families = ["f", "f", "g"].map(str::to_owned);
        let section = section("malicious", &all, &families, None);
        assert_eq!(recall(&section.json).families, Rate { of: 2, hits: 1 });
        let text = section.markdown;
        assert!(text.contains("| archives | 1 of 3, 33.3 % (6.1–79.2) |\n| families | 1 of 2, 50.0 % (9.5–90.5) |"));
        assert!(text.contains("```text\n2 of 2: pypi a 1 (a-1.tar.gz)\n```"), "{text}");
    }
}
