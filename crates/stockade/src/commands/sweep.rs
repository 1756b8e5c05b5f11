//! `stockade scan --iocs`: is anything here that somebody published about an attack?
//!
//! No policy is asked and no advisory: the list says what to look for, and whatever is found is a finding.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Exit;
use crate::files::real;
use crate::output::{Printer, bytes};
use crate::sweep::{Finding, Indicators, Swept, sweep as swept};

/// What the sweep says.
#[derive(Serialize)]
struct Answer {
    findings: Vec<Finding>,
    coverage: Coverage,
}

/// What was looked at.
#[derive(Serialize)]
struct Coverage {
    indicators: usize,
    files: u64,
    bytes: u64,
    /// What was not looked at, and why.
    unseen: Vec<String>,
}

/// Sweeps.
pub(super) fn sweep(printer: &Printer, list: &Path, paths: Vec<PathBuf>) -> anyhow::Result<Exit> {
    let paths = if paths.is_empty() { vec![PathBuf::from(".")] } else { paths };
    let indicators = Indicators::read(list)?;
    let Swept { mut findings, files, bytes, mut unseen } = swept(&indicators, &paths)?;
    // The list itself has everything that it names.
    findings.retain(|finding| finding.file.file_name() != list.file_name() || real(&finding.file) != real(list));
    unseen.extend(indicators.unread);
    let coverage = Coverage { indicators: indicators.all.len(), files, bytes, unseen };
    let answer = Answer { findings, coverage };
    printer.answer(&answer, || told(&answer))?;
    Ok(answer.exit())
}

impl Answer {
    fn exit(&self) -> Exit {
        if !self.findings.is_empty() {
            Exit::Refused
        } else if self.coverage.unseen.is_empty() && self.coverage.files > 0 {
            Exit::Allowed
        } else {
            Exit::Undecided
        }
    }
}

fn told(answer: &Answer) -> String {
    let Coverage { indicators, files, bytes: read, unseen } = &answer.coverage;
    let plural = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let looked = plural(*indicators as u64, "indicator");
    let mut lines: Vec<String> = answer.findings.iter().map(line).collect();
    lines.push(format!("looked for {looked} in {}, {}", plural(*files, "file"), bytes(*read)));
    if !unseen.is_empty() {
        lines.push(format!("not looked at:\n  {}", unseen.join("\n  ")));
    } else if *files == 0 {
        lines.push("there is no file; nothing was looked at".to_owned());
    } else if answer.findings.is_empty() {
        lines.push("no finding".to_owned());
    }
    lines.join("\n") + "\n"
}

fn line(finding: &Finding) -> String {
    let place = match (finding.line, finding.offset) {
        (Some(line), _) => format!(":{line}"),
        (None, Some(offset)) => format!(", byte {offset}"),
        (None, None) => String::new(),
    };
    let more = if finding.more { ", and more" } else { "" };
    format!("{}  {}{place}{more}  ({})", finding.indicator.what, finding.file.display(), finding.indicator.source)
}
