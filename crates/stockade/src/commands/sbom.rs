//! `stockade sbom`: what a project is made of, as a bill of materials that other programs read.
//!
//! It is made of what `stockade scan` reads, and nothing is fetched. Equal input gives equal bytes: the time at which it
//! is made is in it only if it is said. What could not be looked at stands in it as a gap, and the exit status is then 2.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use stockade_engine::sbom::{self, Bom, Element, Invalid, Problem, ProblemKind, Standard, Target};

use super::Exit;
use crate::args::{Bill, Format, Global, Sbom, SbomCommand};
use crate::errors::hinted;
use crate::output::{Printer, count, line};
use crate::settings::variable;
use crate::{bill, clock, files, scan, subject};

/// The variable by which builds that are to be reproduced say what time it is, in seconds since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// What stands for the instant at which the command runs.
const NOW: &str = "now";

/// Writes, converts or validates one.
pub(super) fn sbom(global: &Global, printer: &Printer, arguments: Sbom) -> anyhow::Result<Exit> {
    match arguments.command {
        None => write(global, printer, arguments.bill),
        Some(SbomCommand::Convert { file, output }) => convert(global, printer, &file, output.as_deref()),
        Some(SbomCommand::Validate { file }) => validate(printer, &file),
    }
}

/// The format of a document; CycloneDX 1.6 unless another is asked for.
fn target(global: &Global) -> anyhow::Result<Target> {
    match global.format {
        None | Some(Format::Cyclonedx) => Ok(Target::CycloneDx16),
        Some(Format::Cyclonedx17) => Ok(Target::CycloneDx17),
        Some(Format::Spdx) => Ok(Target::Spdx23),
        Some(Format::Spdx301) => Ok(Target::Spdx301),
        Some(_) => Err(hinted(
            "that is no format of a bill of materials",
            "`--format` takes `cyclonedx`, `cyclonedx-1.7`, `spdx` or `spdx-3.0.1` here",
        )),
    }
}

fn write(global: &Global, printer: &Printer, arguments: Bill) -> anyhow::Result<Exit> {
    let target = target(global)?;
    let created = created(global, arguments.created.as_deref())?;
    let paths = if arguments.paths.is_empty() { vec![PathBuf::from(".")] } else { arguments.paths };
    let base = bill::base(&paths);
    let seen = scan::see(&paths)?;
    let mut subject = bill::project(base);
    subject.name = arguments.name.unwrap_or(subject.name);
    subject.version = arguments.project_version;
    subject.supplier = arguments.supplier;
    let mut bom = bill::of(&seen, base, subject);
    bom.created = created;
    bom.authors = arguments.author;
    put(printer, arguments.output.as_deref(), sbom::write(&bom, target))?;
    printer.talk(&summary(&bom.normal(), seen.found.len()));
    Ok(if bom.gaps.is_empty() { Exit::Allowed } else { Exit::Undecided })
}

/// When the document was made: only if that is said, since it would differ each time.
fn created(global: &Global, stated: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
    match (stated, variable(EPOCH)) {
        (Some(NOW), _) => Ok(Some(clock::clock(global.now)())),
        (Some(text), _) => {
            let hint = "write `now`, `2026-12-31` or `2026-12-31T12:00:00Z`";
            subject::instant(text).map(Some).ok_or_else(|| hinted(format!("`{text}` is no instant"), hint))
        }
        (None, Some(seconds)) => {
            let at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            let what = || hinted(format!("`{EPOCH}` is no number of seconds"), "unset it, or give `--created`");
            at.map(Some).ok_or_else(what)
        }
        (None, None) => Ok(None),
    }
}

fn put(printer: &Printer, output: Option<&Path>, document: Vec<u8>) -> anyhow::Result<()> {
    if let Some(path) = output {
        return files::replace(path, &document);
    }
    printer.document(&String::from_utf8(document)?);
    Ok(())
}

/// What a person may want to know of a document that they do not read.
fn summary(bom: &Bom, files: usize) -> String {
    let mut text = format!(
        "stockade: {} of {}, {}\n",
        count(bom.components.len(), "release"),
        count(files, "file"),
        count(bom.edges.len(), "edge")
    );
    for gap in &bom.gaps {
        let _ = writeln!(text, "stockade: not looked at: {}", line(gap));
    }
    for (standard, missing) in elements(bom) {
        if !missing.is_empty() {
            let _ = writeln!(text, "stockade: {standard} ask for more: {}", missing.join(", "));
        }
    }
    text
}

/// What each list of minimum elements misses, in words.
fn elements(bom: &Bom) -> [(&'static str, Vec<String>); 2] {
    let of = |standard| {
        let missing = sbom::missing(bom, standard);
        let number = |element: Element, of_list: bool| {
            missing.iter().filter(|missing| missing.element == element && missing.of.is_none() == of_list).count()
        };
        let words = |element: Element| match (number(element, true), number(element, false)) {
            (0, 0) => None,
            (0, parts) => Some(format!("{element} of {}", count(parts, "part"))),
            _ => Some(element.to_string()),
        };
        let mut all: Vec<Element> = missing.iter().map(|missing| missing.element).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(words).collect()
    };
    [("NTIA's minimum elements", of(Standard::Ntia2021)), ("CISA's, of 2025,", of(Standard::Cisa2025))]
}

fn convert(global: &Global, printer: &Printer, file: &Path, output: Option<&Path>) -> anyhow::Result<Exit> {
    let target = target(global)?;
    let converted = sbom::convert(&document(file)?, target);
    for problem in &converted.problems {
        printer.talk(&format!("stockade: {}: {}\n", file.display(), line(&problem.to_string())));
    }
    let Some(document) = converted.document else {
        return Err(hinted(
            format!("`{}` could not be read", file.display()),
            "it has to be CycloneDX or SPDX, as JSON",
        ));
    };
    put(printer, output, document)?;
    Ok(if converted.problems.iter().all(is_told) { Exit::Allowed } else { Exit::Undecided })
}

/// True if a problem is only that something was understood and has no place in what is written.
fn is_told(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Lost
}

fn document(file: &Path) -> anyhow::Result<Vec<u8>> {
    files::read(file)?.ok_or_else(|| anyhow::anyhow!("`{}` does not exist", file.display()))
}

/// What is to be said of a document.
#[derive(Serialize)]
struct Answer {
    file: PathBuf,
    format: sbom::Format,
    /// Where it is not as its schema says.
    invalid: Vec<Invalid>,
    /// Where it contradicts itself, or cannot be understood.
    problems: Vec<Problem>,
    /// What is missing that lists of minimum elements ask for, in words. A valid document may lack it.
    ntia: Vec<String>,
    cisa: Vec<String>,
}

fn validate(printer: &Printer, file: &Path) -> anyhow::Result<Exit> {
    let bytes = document(file)?;
    let checked = sbom::validate(&bytes);
    let (format, invalid) = checked.map_err(|error| anyhow::anyhow!("`{}`: {error}", file.display()))?;
    let read = sbom::read(&bytes);
    let [(_, ntia), (_, cisa)] = read.bom.as_ref().map(elements).unwrap_or_default();
    let problems = read.problems.into_iter().filter(|problem| !is_told(problem)).collect();
    let answer = Answer { file: file.to_owned(), format, invalid, problems, ntia, cisa };
    printer.answer(&answer, || said(&answer))?;
    Ok(match (answer.invalid.is_empty(), answer.problems.is_empty()) {
        (false, _) => Exit::Refused,
        (true, false) => Exit::Undecided,
        (true, true) => Exit::Allowed,
    })
}

fn said(answer: &Answer) -> String {
    let Answer { file, format, invalid, problems, ntia, cisa } = answer;
    let valid = if invalid.is_empty() { "valid" } else { "not valid" };
    let mut text = format!("{} is {valid} {format}\n", file.display());
    for Invalid { place, what } in invalid {
        let place = if place.is_empty() { "the document" } else { place };
        let _ = writeln!(text, "  {}: {}", line(place), line(what));
    }
    for problem in problems {
        let _ = writeln!(text, "  {}", line(&problem.to_string()));
    }
    for (list, missing) in [("NTIA's", ntia), ("CISA's", cisa)] {
        if !missing.is_empty() {
            let _ = writeln!(text, "missing of {list} minimum elements: {}", missing.join(", "));
        }
    }
    text
}
