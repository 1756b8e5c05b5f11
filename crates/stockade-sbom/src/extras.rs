//! Notes for what a format has no place for: a name that begins with `stockade:`, and a text.

use crate::address::is_absolute;
use crate::notes::{Notes, shown};
use crate::{Bom, Component, Coverage, Evidence, Scope, Tool};

/// What the names of all notes begin with.
pub(crate) const PREFIX: &str = "stockade:";

const GAP: &str = "gap";
const SCOPE: &str = "scope";
const EVIDENCE: &str = "evidence";
const DOWNLOAD: &str = "download";
const DEPENDENCIES: &str = "dependencies";
const COMPLETE: &str = "complete";
const TOOL: &str = "tool";

/// Among how many tools a note finds the one that it is about. A document of a person has a few.
const MAX_TOOLS: usize = 1000;

/// A note: its name without [`PREFIX`], and its text.
pub(crate) type Extra = (&'static str, String);

/// What could not be looked at.
pub(crate) fn gaps(gaps: &[String]) -> impl Iterator<Item = Extra> {
    gaps.iter().map(|gap| (GAP, gap.clone()))
}

/// What no SPDX has a place for at a part.
pub(crate) fn component(component: &Component) -> Vec<Extra> {
    let scope = component.scope.map(|scope| (SCOPE, scope.name().to_owned()));
    let evidence = component.evidence.iter().map(|at| (EVIDENCE, format!("{}:{}", at.file, at.line)));
    let download = component.download.clone().filter(|address| !is_absolute(address)).map(|at| (DOWNLOAD, at));
    gaps(&component.gaps).chain(scope).chain(evidence).chain(download).collect()
}

/// The note that everything that a part needs is among the edges.
pub(crate) fn complete() -> Extra {
    (DEPENDENCIES, COMPLETE.to_owned())
}

/// What no SPDX has a place for at the document.
pub(crate) fn document(bom: &Bom) -> Vec<Extra> {
    let ambiguous = bom.tools.iter().filter(|tool| parted(&joined(tool)) != **tool);
    let tools = ambiguous.filter_map(|tool| {
        let pair = (&tool.name, &tool.version);
        Some((TOOL, serde_json::to_string(&pair).ok()?))
    });
    gaps(&bom.gaps).chain(tools).collect()
}

/// Takes a note in at a part. False if it is none of ours.
pub(crate) fn read_component(
    name: &str,
    text: &str,
    component: &mut Component,
    place: &str,
    notes: &mut Notes,
) -> bool {
    let Some(name) = name.strip_prefix(PREFIX) else { return false };
    match name {
        GAP => component.gaps.push(text.to_owned()),
        SCOPE if let Some(scope) = Scope::ALL.into_iter().find(|scope| scope.name() == text) => {
            component.scope = Some(scope);
        }
        EVIDENCE if let Some(evidence) = evidence(text) => component.evidence.push(evidence),
        DOWNLOAD => component.download = Some(text.to_owned()),
        DEPENDENCIES if text == COMPLETE => component.dependencies = Coverage::Complete,
        _ => notes.malformed(place, format!("is a note {} that is not understood", shown(name))),
    }
    true
}

/// Takes a note in at the document. False if it is none of ours.
pub(crate) fn read_document(name: &str, text: &str, bom: &mut Bom, place: &str, notes: &mut Notes) -> bool {
    let Some(name) = name.strip_prefix(PREFIX) else { return false };
    match name {
        GAP => bom.gaps.push(text.to_owned()),
        TOOL if let Ok((name, version)) = serde_json::from_str(text) => {
            let tool = Tool { name, version };
            let same = parted(&joined(&tool));
            match bom.tools.iter_mut().take(MAX_TOOLS).find(|other| **other == same) {
                Some(other) => *other = tool,
                None => bom.tools.push(tool),
            }
        }
        _ => notes.malformed(place, format!("is a note {} that is not understood", shown(name))),
    }
    true
}

fn evidence(text: &str) -> Option<Evidence> {
    let (file, line) = text.rsplit_once(':')?;
    Some(Evidence { file: file.to_owned(), line: line.parse().ok()? })
}

/// A tool as SPDX writes it: `name-version`.
pub(crate) fn joined(tool: &Tool) -> String {
    match &tool.version {
        Some(version) => format!("{}-{version}", tool.name),
        None => tool.name.clone(),
    }
}

/// The reverse: a version begins with a digit, or with `v` and a digit.
pub(crate) fn parted(text: &str) -> Tool {
    let is_version = |text: &str| text.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
    let at = text.match_indices('-').map(|(at, _)| at).find(|at| *at > 0 && is_version(&text[at + 1..]));
    match at {
        Some(at) => Tool { name: text[..at].to_owned(), version: Some(text[at + 1..].to_owned()) },
        None => Tool { name: text.to_owned(), version: None },
    }
}
