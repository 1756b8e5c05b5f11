//! The peer beside us, as a section of the report.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::stats::{Rate, quantile};
use super::super::tables::one_line;
use super::{Compared, RELEASE};

/// The section.
pub(super) fn markdown(compared: &[Compared]) -> String {
    let mut text = format!(
        "## peer\n\nGuardDog {RELEASE} on a sample of the same archives: its scan of a local archive, its sandbox, its \
         own threshold (score 5 of 10), no rule that needs a registry's answers. What it could not scan is no alarm. \
         The time is without its start-up, and at the lowest priority.\n\n\
         | | GuardDog flags | fails | half take | stockade flags |\n|---|---|---|---|---|\n"
    );
    for each in compared {
        let flags = Rate::count(&each.answers, |answer| answer.is_alarm());
        let fails = each.answers.iter().filter(|answer| answer.score.is_none()).count();
        let middle = 0.5;
        let mut seconds: Vec<f64> = each.answers.iter().map(|answer| answer.seconds).collect();
        let half = quantile(&mut seconds, middle).unwrap_or_default();
        let ours = each.outcomes.as_ref().map_or_else(
            || "–".to_owned(),
            |outcomes| Rate::count(outcomes, |outcome| outcome.verdict.is_alarm()).words(),
        );
        let _ = writeln!(text, "| {} | {} | {fails} | {half:.2} s | {ours} |", each.group.name, flags.words());
    }
    for (title, is_malware) in [("Missed by GuardDog", true), ("False alarms of GuardDog", false)] {
        let _ = write!(text, "\n{title}:\n\n```text\n{}\n```\n", lines(compared, is_malware).join("\n"));
    }
    text
}

/// Where the peer is wrong, and how.
fn lines(compared: &[Compared], is_malware: bool) -> Vec<String> {
    let groups = compared.iter().filter(|each| each.group.is_malware == is_malware);
    let answered = groups.flat_map(|each| each.group.cases.iter().zip(&each.answers));
    let wrong = answered.filter(|(_, answer)| answer.is_alarm() != is_malware);
    let mut lines: Vec<String> = wrong
        .map(|(case, answer)| match answer.score {
            Some(score) => one_line(&format!("{}: {score}", case.words())),
            None => one_line(&format!("{}: not scanned", case.words())),
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// Every case with what both say.
pub(super) fn json(compared: &[Compared]) -> Value {
    let cases = compared.iter().flat_map(|each| {
        each.group.cases.iter().zip(&each.answers).enumerate().map(|(index, (case, answer))| {
            json!({
                "group": each.group.name,
                "name": case.new.name,
                "version": case.new.version,
                "file": case.new.file,
                "guarddog": answer,
                "stockade": each.outcomes.as_ref().and_then(|outcomes| outcomes.get(index)),
            })
        })
    });
    json!({ "cases": cases.collect::<Vec<_>>() })
}
