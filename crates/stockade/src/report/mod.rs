//! What was found in an artifact, or between two, for people and for programs.
//!
//! There is one report ([`Report`]), made of sections of items with places, and a writer for each format. Nearly every
//! word in it was chosen by a stranger, so all of it becomes single lines without controls here, before any writer sees
//! it; what a writer's own format would read as more than text, the writer escapes.

mod html;
mod json;
pub(crate) mod markdown;
pub(crate) mod sarif;
mod sections;
#[cfg(test)]
mod tests;
mod text;
mod words;

use stockade_engine::inspection::{Alone, Assessment, Difference, Inspection, Rules};
use stockade_model::{Gap, Verdict};

use crate::args::Format;
use crate::commands::Exit;
use crate::output::{Printer, count, line};
use sections::Section;

/// Something that was inspected.
pub(crate) struct Inspected {
    /// What a person calls it: `left-demo 1.1.0`, `left-demo-1.1.0.tgz`.
    pub(crate) name: String,
    /// What was found.
    pub(crate) inspection: Inspection,
    /// True if it is a folder: the source of a release, or a release that somebody unpacked.
    pub(crate) is_folder: bool,
}

/// A report.
pub(crate) struct Report<'a> {
    /// What it is about.
    pub(crate) subject: &'a Inspected,
    /// What that was compared with.
    pub(crate) old: Option<&'a Inspected>,
    /// What is said of that, if both are artifacts of one release.
    pub(crate) beside: Option<&'a Assessment>,
    /// What the rules say.
    pub(crate) assessment: &'a Assessment,
    /// The rules that were asked.
    pub(crate) rules: &'a Rules,
}

impl Report<'_> {
    /// What the exit status says: a finding outweighs a gap, because it stays when the gap is gone.
    pub(crate) fn exit(&self) -> Exit {
        match self.assessment.verdict() {
            Verdict::Allow if self.gaps().is_empty() => Exit::Allowed,
            Verdict::Allow => Exit::Undecided,
            Verdict::Hold | Verdict::Deny => Exit::Refused,
        }
    }

    /// Prints it as the arguments want it.
    pub(crate) fn print(&self, printer: &Printer) -> anyhow::Result<()> {
        match printer.format() {
            Format::Json => printer.document(&json::write(self)?),
            Format::Sarif => printer.document(&sarif::write(self)?),
            Format::Markdown => printer.document(&markdown::write(self, printer.is_verbose())),
            Format::Html => printer.document(&html::write(self)),
            // The others are no formats of a report, and are refused before.
            _ => printer.styled(&text::write(self, printer.is_verbose())),
        }
        Ok(())
    }

    /// What could not be looked at, here or in what it was compared with.
    fn gaps(&self) -> Vec<Gap> {
        let ours = self.subject.inspection.gaps.iter().map(|gap| Gap::new(gap.kind, line(&gap.detail)));
        let mut gaps: Vec<Gap> = ours.collect();
        if let Some(old) = self.old {
            let name = line(&old.name);
            let theirs = old.inspection.gaps.iter();
            gaps.extend(theirs.map(|gap| Gap::new(gap.kind, format!("in {name}: {}", line(&gap.detail)))));
        }
        gaps
    }

    /// The report in one sentence, for whoever has a second.
    fn headline(&self) -> String {
        let name = line(&self.subject.name);
        let mut parts = Vec::new();
        let mut title = name;
        if let Some(old) = self.old {
            let between = if self.beside.is_some() { "|" } else { "->" };
            title = format!("{} {between} {title}", line(&old.name));
            parts.push(match (&self.assessment.difference, &self.assessment.alone) {
                (Some(difference), _) => gains(difference),
                (None, Some(own)) => alone(own),
                (None, None) => "not compared".to_owned(),
            });
        }
        let found = match self.assessment.findings.len() {
            0 => "no finding".to_owned(),
            number => count(number, "finding"),
        };
        parts.push(found);
        match self.assessment.verdict() {
            Verdict::Allow if self.assessment.findings.is_empty() => {}
            Verdict::Allow => parts.push("asks for nothing".to_owned()),
            verdict => parts.push(format!("asks to {}", verdict.name())),
        }
        match self.gaps().len() {
            0 => {}
            1 => parts.push("one thing could not be looked at".to_owned()),
            number => parts.push(format!("{number} things could not be looked at")),
        }
        format!("{title}: {}", parts.join("; "))
    }

    /// Everything that is to be said, in order. `all` leaves nothing out.
    fn sections(&self, all: bool) -> Vec<Section> {
        sections::of(self, all)
    }
}

/// How much code an artifact has that the other one of its release has not.
fn alone(alone: &[Alone]) -> String {
    match (alone.len(), alone.iter().filter(|file| !file.can.is_empty()).count()) {
        (0, _) => "has no code of its own".to_owned(),
        (files, 0) => format!("has {} of code of its own, that can do nothing", count(files, "file")),
        (files, able) => format!("has {} of code of its own, {able} of which can do something", count(files, "file")),
    }
}

fn gains(difference: &Difference) -> String {
    let counted = [
        (difference.gained.len(), "capability", "capabilities"),
        (difference.hosts.len(), "host", "hosts"),
        (difference.starts.len(), "start of code", "starts of code"),
        (difference.needs.len(), "need", "needs"),
    ];
    let several =
        |(number, one, more): (usize, &str, &str)| format!("{number} {}", if number == 1 { one } else { more });
    let gained: Vec<String> = counted.into_iter().filter(|(number, _, _)| *number > 0).map(several).collect();
    if gained.is_empty() { "gains nothing".to_owned() } else { format!("gains {}", gained.join(", ")) }
}
