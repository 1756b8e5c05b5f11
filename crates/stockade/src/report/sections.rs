//! The content of a report, before it has a format.

use std::collections::HashSet;

use stockade_engine::inspection::{Act, Alone, Capability, Change, Difference, File, Finding, Inspection, Place};
use stockade_model::{Code, Need, Start, Trigger, Verdict};

use super::{Inspected, Report, words};
use crate::describe::kebab;
use crate::output::{count, line};

/// How many places an item shows, of a finding and of what runs before anybody asks for it.
const PLACES: usize = 3;
/// How many details an item shows.
const DETAILS: usize = 3;
/// How many items of a list are shown: needs, hosts, files.
const LISTED: usize = 10;
/// How many characters of a detail are shown.
const DETAIL_LENGTH: usize = 80;
/// How many characters of a line of code are shown.
const SNIPPET_LENGTH: usize = 100;
/// What stands between the path of a manifest and the name of a hook in it.
const HOOK: char = '#';
/// What the inspector writes for a part of a text that is not known before it runs.
const UNKNOWN: char = '\u{fffc}';

/// A heading with what is below it.
pub(super) struct Section {
    pub(super) title: String,
    /// False if it may be folded away where a format can do that.
    pub(super) matters: bool,
    pub(super) items: Vec<Item>,
}

/// One thing that was found.
#[derive(Default)]
pub(super) struct Item {
    /// What a rule asks for.
    pub(super) verdict: Option<Verdict>,
    pub(super) parts: Vec<Part>,
    pub(super) places: Vec<Line>,
    /// How many more places there are.
    pub(super) more: usize,
}

/// Words of ours, or words of a stranger's that are to be read literally.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Words(String),
    Literal(String),
}

/// A place with the line that is there.
pub(super) struct Line {
    /// `lib/a.js:3`
    pub(super) at: String,
    pub(super) snippet: String,
    /// How it was hidden, and on which condition it runs.
    pub(super) remark: String,
}

/// Everything, in the order in which it matters.
pub(super) fn of(report: &Report<'_>, all: bool) -> Vec<Section> {
    let fold = Fold { all, starts: &report.subject.inspection.starts };
    let mut sections = vec![fold.findings(&report.assessment.findings)];
    match (&report.assessment.difference, report.old) {
        (Some(difference), Some(old)) => {
            if old.is_folder && !report.subject.is_folder {
                sections.push(fold.not_in(old, &report.subject.inspection, difference));
            }
            sections.extend(fold.difference(difference));
        }
        (None, Some(old)) => {
            let beside = report.beside.and_then(|beside| beside.alone.as_deref());
            let both = [(&report.subject.name, report.assessment.alone.as_deref()), (&old.name, beside)];
            let told = both
                .map(|(name, alone)| fold.alone(&format!("code only in {}", line(name)), alone.unwrap_or_default()));
            sections.extend(told);
        }
        _ => sections.extend(fold.abilities(report)),
    }
    let gaps =
        report.gaps().into_iter().map(|gap| Item::of(vec![words(format!("{}: {}", kebab(&gap.kind), gap.detail))]));
    sections.push(Section::new("could not look", true, gaps.collect()));
    if report.old.is_none() {
        sections.push(fold.needs("needs", false, &report.subject.inspection.needs));
        if all {
            sections.push(partly_read(report));
        }
    }
    sections.retain(|section| !section.items.is_empty());
    sections
}

/// How much is left out.
struct Fold<'a> {
    all: bool,
    /// They tell the paths of hooks from those of files.
    starts: &'a [Start],
}

impl Fold<'_> {
    fn limit(&self, limit: usize) -> usize {
        if self.all { usize::MAX } else { limit }
    }

    fn cut(&self, text: &str, length: usize) -> String {
        let text = shown(text.trim());
        match text.char_indices().nth(self.limit(length)) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// A hook stands in the manifest that declares it.
    fn at(&self, path: &str, line: u32) -> String {
        at(file_of(path, self.starts), line)
    }

    fn findings(&self, findings: &[Finding]) -> Section {
        let item = |finding: &Finding| {
            let mut parts = vec![words(format!("{}: ", line(&finding.rule)))];
            parts.extend(sentence(&finding.sentence));
            let mut item = Item { verdict: Some(finding.verdict), parts, ..Item::default() };
            self.places(&mut item, &finding.places, PLACES);
            item
        };
        Section::new("findings", true, findings.iter().map(item).collect())
    }

    /// What an artifact can do, by what makes it run.
    fn abilities(&self, report: &Report<'_>) -> Vec<Section> {
        let inspection = &report.subject.inspection;
        let mut sections = Vec::new();
        for trigger in words::TRIGGERS {
            if trigger == Trigger::Never && !self.all {
                continue;
            }
            let early = trigger <= Trigger::Start;
            let starts = inspection.starts.iter().filter(|start| start.trigger == trigger && (early || self.all));
            let mut items: Vec<Item> = starts.map(|start| self.start(start)).collect();
            let acts = inspection.acts().filter(|(_, _, when)| *when == trigger);
            items.extend(self.acts(&acts.map(|(file, act, _)| (file, act)).collect::<Vec<_>>(), early));
            sections.push(Section::new(words::when(trigger), early, items));
        }
        sections
    }

    fn acts(&self, acts: &[(&File, &Act)], early: bool) -> Vec<Item> {
        let mut capabilities: Vec<Capability> = acts.iter().map(|(_, act)| act.capability).collect();
        capabilities.sort_by_key(|capability| words::rank(*capability));
        capabilities.dedup();
        let item = |capability: Capability| {
            let of_it: Vec<&(&File, &Act)> = acts.iter().filter(|(_, act)| act.capability == capability).collect();
            let details = of_it.iter().map(|(_, act)| act.detail.as_str());
            let mut item = Item::of(self.ability(capability, details));
            let limit = self.limit(if early { PLACES } else { 1 });
            item.places = of_it.iter().take(limit).map(|(file, act)| self.line_of_act(file, act)).collect();
            item.more = of_it.len() - item.places.len();
            item
        };
        capabilities.into_iter().map(item).collect()
    }

    fn line_of_act(&self, file: &File, act: &Act) -> Line {
        let mut remarks: Vec<String> = Vec::new();
        if !act.layers.is_empty() {
            remarks.push(format!("under {}", act.layers.join(", ")));
        }
        if self.all {
            remarks.extend(act.conditions.iter().map(|condition| format!("if {condition}")));
        }
        Line {
            at: self.at(&file.path, act.at.line),
            snippet: self.cut(&act.at.snippet, SNIPPET_LENGTH),
            remark: self.cut(&remarks.join("; "), SNIPPET_LENGTH),
        }
    }

    /// `talks to a.invalid, b.invalid and 2 more`
    fn ability<'d>(&self, capability: Capability, details: impl Iterator<Item = &'d str>) -> Vec<Part> {
        let mut distinct: Vec<String> = Vec::new();
        for detail in details.map(|detail| self.cut(detail, DETAIL_LENGTH)) {
            if !detail.is_empty() && !distinct.contains(&detail) {
                distinct.push(detail);
            }
        }
        let more = distinct.len().saturating_sub(self.limit(DETAILS));
        distinct.truncate(self.limit(DETAILS));
        let mut parts = vec![words(words::does(capability, !distinct.is_empty()))];
        for (at, detail) in distinct.into_iter().enumerate() {
            parts.push(words(if at == 0 { " " } else { ", " }));
            parts.push(Part::Literal(detail));
        }
        if more > 0 {
            parts.push(words(format!(" and {more} more")));
        }
        parts
    }

    /// What an artifact has that the folder has not which it may have been made of.
    fn not_in(&self, folder: &Inspected, artifact: &Inspection, difference: &Difference) -> Section {
        let there: HashSet<&str> = folder.inspection.files.iter().map(|file| &*file.path).collect();
        let item = |path: &String| {
            let mut item = Item::of(vec![Part::Literal(self.at(path, 0))]);
            if there.contains(path.as_str()) {
                item.parts.push(words(", with another content"));
            }
            item
        };
        let mut items: Vec<Item> = difference.changed.iter().map(item).collect();
        let unseen = artifact.files.len().saturating_sub(items.len() + difference.unchanged as usize);
        if unseen > 0 {
            items.push(Item::of(vec![words(format!("and {} that are not listed", count(unseen, "file")))]));
        }
        self.list(&format!("not in {}", line(&folder.name)), true, items)
    }

    /// A file with all that it can do, and where.
    fn alone(&self, title: &str, alone: &[Alone]) -> Section {
        let item = |file: &Alone| {
            let mut item = Item::of(vec![Part::Literal(self.at(&file.path, 0))]);
            if file.differs {
                item.parts.push(words(", with another content"));
            }
            for (at, change) in file.can.iter().enumerate() {
                item.parts.push(words(if at == 0 { ": " } else { "; " }));
                item.parts.extend(self.ability(change.capability, change.details.iter().map(String::as_str)));
            }
            let places: Vec<Place> = file.can.iter().flat_map(|change| change.places.iter().cloned()).collect();
            self.places(&mut item, &places, PLACES);
            item
        };
        self.list(title, true, alone.iter().map(item).collect())
    }

    fn difference(&self, difference: &Difference) -> Vec<Section> {
        let hosts = difference.hosts.iter().map(|host| Item::of(vec![Part::Literal(self.cut(host, DETAIL_LENGTH))]));
        let starts = difference.starts.iter().map(|start| self.start(start));
        vec![
            self.changes("gained", true, &difference.gained),
            self.list("new hosts", true, hosts.collect()),
            self.list("code that starts by itself", true, starts.collect()),
            self.needs("new needs", true, &difference.needs),
            self.changes("lost", false, &difference.lost),
            self.needs("needs no more", false, &difference.dropped_needs),
            self.files(difference),
        ]
    }

    fn changes(&self, title: &str, matters: bool, changes: &[Change]) -> Section {
        let item = |change: &Change| {
            let mut parts = vec![words(format!("{}, ", words::when(change.trigger)))];
            parts.extend(self.ability(change.capability, change.details.iter().map(String::as_str)));
            let mut item = Item::of(parts);
            self.places(&mut item, &change.places, if matters { PLACES } else { 1 });
            item
        };
        Section::new(title, matters, changes.iter().map(item).collect())
    }

    fn files(&self, difference: &Difference) -> Section {
        let (changed, removed) = (difference.changed.len(), difference.removed.len());
        let unchanged = difference.unchanged;
        let mut summary = format!("{} changed, {unchanged} unchanged", count(changed, "file"));
        if removed > 0 {
            summary = format!("{summary}, {removed} removed");
        }
        let mut items = vec![Item::of(vec![words(summary)])];
        if self.all {
            let named =
                |word: &'static str| move |path: &String| Item::of(vec![words(word), Part::Literal(line(path))]);
            items.extend(difference.changed.iter().map(named("changed ")));
            items.extend(difference.removed.iter().map(named("removed ")));
        }
        Section::new("files", false, items)
    }

    fn start(&self, start: &Start) -> Item {
        let mut parts = vec![words("runs "), Part::Literal(line(&start.name))];
        let code = match &start.code {
            Code::File(path) | Code::Shell(path) | Code::Python(path) => self.cut(path, SNIPPET_LENGTH),
        };
        if code != start.name {
            parts.extend([words(": "), Part::Literal(code)]);
        }
        let place = Line { at: at(&start.path, start.line), snippet: String::new(), remark: String::new() };
        Item { parts, places: vec![place], ..Item::default() }
    }

    fn needs(&self, title: &str, matters: bool, needs: &[Need]) -> Section {
        let item = |need: &Need| {
            let wanted = format!("{} {}", need.name, need.wanted);
            let mut parts = vec![Part::Literal(self.cut(&wanted, DETAIL_LENGTH))];
            parts.extend(words::remark(need).map(|remark| words(format!(", {remark}"))));
            Item::of(parts)
        };
        self.list(title, matters, needs.iter().map(item).collect())
    }

    fn list(&self, title: &str, matters: bool, mut items: Vec<Item>) -> Section {
        let more = items.len().saturating_sub(self.limit(LISTED));
        if more > 0 {
            items.truncate(LISTED);
            items.push(Item::of(vec![words(format!("and {more} more"))]));
        }
        Section::new(title, matters, items)
    }

    fn places(&self, item: &mut Item, places: &[Place], limit: usize) {
        let shown = places.iter().take(self.limit(limit));
        item.places = shown.map(|place| self.line_of_place(place)).collect();
        item.more = places.len() - item.places.len();
    }

    fn line_of_place(&self, place: &Place) -> Line {
        let layers = if place.layers.is_empty() { String::new() } else { format!("under {}", place.layers.join(", ")) };
        Line {
            at: self.at(&place.path, place.line),
            snippet: self
                .cut(if place.snippet.trim().is_empty() { &place.what } else { &place.snippet }, SNIPPET_LENGTH),
            remark: self.cut(&layers, SNIPPET_LENGTH),
        }
    }
}

/// What of files was not understood, while the rest of them was.
fn partly_read(report: &Report<'_>) -> Section {
    let files = report.subject.inspection.files.iter();
    let gaps = files.flat_map(|file| file.facts.gaps.iter().filter(|gap| !gap.whole).map(move |gap| (file, gap)));
    let item = |(file, gap): (&File, &stockade_engine::inspection::FileGap)| {
        Item::of(vec![Part::Literal(at(&file.path, gap.line)), words(format!(": {}", line(&gap.what)))])
    };
    Section::new("read in part", false, gaps.map(item).collect())
}

impl Section {
    fn new(title: &str, matters: bool, items: Vec<Item>) -> Self {
        Self { title: title.to_owned(), matters, items }
    }
}

impl Item {
    fn of(parts: Vec<Part>) -> Self {
        Self { parts, ..Self::default() }
    }
}

fn words(text: impl Into<String>) -> Part {
    Part::Words(text.into())
}

/// The parts of a sentence in which literals stand in backticks.
fn sentence(text: &str) -> Vec<Part> {
    let text = shown(text);
    let pieces = text.split('`').enumerate();
    let part = |(at, piece): (usize, &str)| {
        let piece = piece.to_owned();
        if at % 2 == 1 { Part::Literal(piece) } else { Part::Words(piece) }
    };
    pieces.filter(|(_, piece)| !piece.is_empty()).map(part).collect()
}

/// A text on one line, in which what is not known is left out visibly.
fn shown(text: &str) -> String {
    line(text).replace(UNKNOWN, "…")
}

/// `lib/a.js:3`, `lib/a.js`
pub(super) fn at(path: &str, number: u32) -> String {
    if number == 0 { line(path) } else { format!("{}:{number}", line(path)) }
}

/// The file of a path that may name a hook in a manifest.
pub(super) fn file_of<'a>(path: &'a str, starts: &[Start]) -> &'a str {
    let hook = path
        .rsplit_once(HOOK)
        .filter(|(manifest, name)| starts.iter().any(|start| start.path == *manifest && start.name == *name));
    hook.map_or(path, |(manifest, _)| manifest)
}
