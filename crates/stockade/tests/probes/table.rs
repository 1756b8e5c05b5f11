//! The outcome as a table for the documents.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::attempts::all;
use crate::expected;
use crate::harness::{Found, column};
use crate::probe::{Report, Said};

const INTRODUCTION: &str = "\
# probes

What the install hook of a malicious package can do. Each probe is made bare, where it has to work, and in the sandbox of
`stockade run`. What counts is the effect that somebody outside sees: *blocked* is also what only a throw-away copy knows of.
In brackets is what the kernel told the probe. All of it is inert.

";

/// The whole document.
pub(crate) fn render(found: &[Found]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version: Vec<&str> = kernel.trim().split('.').take(2).collect();
    let _ = writeln!(
        text,
        "Made on Linux {} by `cargo test -p stockade --test probes -- --table docs/probes.md`.\n",
        version.join(".")
    );
    let modes: Vec<(&Found, &String)> =
        found.iter().flat_map(|found| found.sandboxed.keys().map(move |mode| (found, mode))).collect();
    let names: Vec<String> = modes.iter().map(|(found, mode)| column(found, mode)).collect();
    let _ = writeln!(text, "| | probe | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    let mut notes = Notes::default();
    for (index, probe) in all().enumerate() {
        let cell = |(found, mode): &(&Found, &String)| {
            let (bare, report) = (&found.bare.reports[index], &found.sandboxed[*mode].reports[index]);
            notes.cell(bare, report, &column(found, mode))
        };
        let cells: Vec<String> = modes.iter().map(cell).collect();
        // A bar would begin a cell.
        let what = probe.what.replace('|', "\\|");
        let _ = writeln!(text, "| {} | {what} | {} |", probe.id, cells.join(" | "));
    }
    text + &notes.render()
}

/// Reasons, in the order of their first mention.
#[derive(Default)]
struct Notes(BTreeMap<&'static str, usize>);

impl Notes {
    fn cell(&mut self, bare: &Report, report: &Report, column: &str) -> String {
        if !bare.effect {
            let why = expected::untestable(bare).unwrap_or("it does not work bare");
            return format!("not testable [{}]", self.number(why));
        }
        if report.effect {
            let why = expected::allowed(&report.id, column).map_or("not on purpose", |expected| expected.reason);
            return format!("**allowed** [{}]", self.number(why));
        }
        match &report.said {
            Said::Refused(why) if why.starts_with('E') => format!("blocked ({why})"),
            Said::Killed(signal) => format!("blocked (signal {signal})"),
            _ => "blocked".to_owned(),
        }
    }

    fn number(&mut self, why: &'static str) -> usize {
        let next = self.0.len() + 1;
        *self.0.entry(why).or_insert(next)
    }

    fn render(&self) -> String {
        let mut notes: Vec<_> = self.0.iter().collect();
        notes.sort_by_key(|(_, number)| **number);
        let mut text = String::new();
        for (why, number) in notes {
            let _ = writeln!(text, "\n[{number}] {why}.");
        }
        text
    }
}
