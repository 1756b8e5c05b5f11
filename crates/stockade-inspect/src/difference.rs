//! What a release can do that no cleared release before it could.
//!
//! The union of the cleared history is the baseline: a capability that the package had last month is not new. Files are
//! compared by content and by shape, so that what was moved, renamed or reformatted says nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use stockade_model::{Code, Start, Trigger};

use crate::capability::{Capability, Source};
use crate::facts::{Act, MarkKind};
use crate::inspection::{Alone, Change, Difference, File, Inspection, Place};
use crate::lexicon::Topic;

/// How many details and places of one change are told.
const MAX_TOLD: usize = 5;
/// How many hosts, files and paths are told.
const MAX_LISTED: usize = 100;
/// The latest event that a difference is about.
const LATEST: Trigger = Trigger::Call;

/// What the cleared releases could do.
#[derive(Debug, Default)]
pub(crate) struct Cleared<'a> {
    digests: HashSet<&'a str>,
    shapes: HashSet<&'a str>,
    capabilities: HashMap<Capability, Trigger>,
    details: HashSet<(Capability, String)>,
    lines: HashSet<(Capability, String, String)>,
    flows: HashSet<(Source, Capability)>,
    flow_details: HashSet<(Source, Capability, String)>,
    mentions: HashSet<(Topic, &'a str)>,
    topics: HashSet<Topic>,
    marks: HashMap<MarkKind, u32>,
    starts: HashSet<(Trigger, &'a str, String)>,
    events: HashSet<Trigger>,
    needs: HashSet<&'a str>,
    need_kinds: HashSet<stockade_model::NeedFrom>,
    paths: HashSet<&'a str>,
    /// Bytes of code of the newest release.
    size: u64,
}

impl<'a> Cleared<'a> {
    /// The union of inspections, the newest of the same line first.
    pub(crate) fn of(cleared: &[&'a Inspection]) -> Self {
        let mut known = Self::default();
        for inspection in cleared {
            known.add(inspection);
        }
        known.size = cleared.first().map_or(0, |newest| weight(newest));
        known
    }

    fn add(&mut self, inspection: &'a Inspection) {
        for file in &inspection.files {
            self.digests.insert(&file.digest);
            self.shapes.insert(&file.shape);
            self.paths.insert(&file.path);
            if file.trigger == Trigger::Never {
                continue;
            }
            for mark in &file.facts.marks {
                let amount = self.marks.entry(mark.kind).or_insert(0);
                *amount = (*amount).max(mark.amount);
            }
            for mention in &file.facts.mentions {
                self.mentions.insert((mention.topic, &mention.word));
                self.topics.insert(mention.topic);
            }
            for flow in &file.facts.flows {
                let Some(to) = file.facts.acts.get(flow.to as usize) else { continue };
                for (source, _) in &flow.from {
                    self.flow(*source, to);
                }
            }
        }
        for (_, act, trigger) in inspection.acts() {
            let known = self.capabilities.entry(act.capability).or_insert(trigger);
            *known = (*known).min(trigger);
            self.details.insert((act.capability, plain(&act.detail)));
            self.lines.insert((act.capability, plain(&act.detail), plain(&act.at.snippet)));
        }
        for flow in &inspection.flows {
            let (file, act) = flow.to;
            let to = inspection.files.get(file as usize).and_then(|file| file.facts.acts.get(act as usize));
            for (source, ..) in &flow.from {
                if let Some(to) = to {
                    self.flow(*source, to);
                }
            }
        }
        for start in &inspection.starts {
            self.starts.insert(key(start));
            self.events.insert(start.trigger);
        }
        for need in &inspection.needs {
            self.needs.insert(&need.name);
            self.need_kinds.insert(need.from);
        }
    }

    fn flow(&mut self, source: Source, to: &Act) {
        self.flows.insert((source, to.capability));
        self.flow_details.insert((source, to.capability, plain(&to.detail)));
    }

    /// True if a file with this content, or this content in another layout, was cleared.
    pub(crate) fn has_file(&self, file: &File) -> bool {
        self.digests.contains(&*file.digest) || (!file.shape.is_empty() && self.shapes.contains(&*file.shape))
    }

    pub(crate) fn has_path(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// True if an act of this capability was reached that early.
    pub(crate) fn has_capability(&self, capability: Capability, trigger: Trigger) -> bool {
        self.capabilities.get(&capability).is_some_and(|known| *known <= trigger)
    }

    pub(crate) fn has_detail(&self, act: &Act) -> bool {
        self.details.contains(&(act.capability, plain(&act.detail)))
    }

    pub(crate) fn has_line(&self, act: &Act) -> bool {
        self.lines.contains(&(act.capability, plain(&act.detail), plain(&act.at.snippet)))
    }

    pub(crate) fn has_flow(&self, source: Source, to: &Act) -> bool {
        self.flows.contains(&(source, to.capability))
    }

    pub(crate) fn has_flow_detail(&self, source: Source, to: &Act) -> bool {
        self.flow_details.contains(&(source, to.capability, plain(&to.detail)))
    }

    pub(crate) fn has_mention(&self, topic: Topic, word: &str) -> bool {
        self.mentions.contains(&(topic, word))
    }

    pub(crate) fn has_topic(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    /// The largest amount of a mark.
    pub(crate) fn mark(&self, kind: MarkKind) -> Option<u32> {
        self.marks.get(&kind).copied()
    }

    pub(crate) fn has_start(&self, start: &Start) -> bool {
        self.starts.contains(&key(start))
    }

    pub(crate) fn has_event(&self, trigger: Trigger) -> bool {
        self.events.contains(&trigger)
    }

    pub(crate) fn has_need(&self, name: &str) -> bool {
        self.needs.contains(name)
    }

    pub(crate) fn has_need_kind(&self, kind: stockade_model::NeedFrom) -> bool {
        self.need_kinds.contains(&kind)
    }

    /// How much less code the subject has than the newest cleared release, in percent.
    pub(crate) fn lost(&self, subject: &Inspection) -> u32 {
        let (old, new) = (self.size, weight(subject));
        if new >= old { 0 } else { u32::try_from((old - new) * 100 / old.max(1)).unwrap_or(100) }
    }
}

/// Bytes of code that something runs.
fn weight(inspection: &Inspection) -> u64 {
    let code = inspection.files.iter().filter(|file| file.facts.language.is_some() && file.trigger != Trigger::Never);
    code.map(|file| file.size).sum()
}

/// A detail or line without what changes between builds: hashes, numbers of versions, blanks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace()) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 {
            plain.push_str(word);
        } else {
            plain.extend(word.chars().filter(|c| !c.is_ascii_digit()));
        }
    }
    plain
}

/// What makes two starts the same. One more class that extends a tool which the package extends already (a goal of a
/// plugin, a processor of annotations) is nothing new: what it does is told by its acts.
fn key(start: &Start) -> (Trigger, &str, String) {
    let code = match (&start.code, start.name.split_once(' ')) {
        (Code::File(_), Some((kind, _))) => return (start.trigger, kind, String::new()),
        (Code::File(path), None) => path.clone(),
        (Code::Shell(text) | Code::Python(text), _) => text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    (start.trigger, &start.name, code)
}

/// The difference to tell a person: against the newest cleared release, less what any cleared one had.
pub(crate) fn between(subject: &Inspection, newest: &Inspection, known: &Cleared<'_>) -> Difference {
    let mut difference =
        Difference { gained: gained(subject, known), lost: lost(subject, newest), ..Difference::default() };
    difference.starts =
        subject.starts.iter().filter(|start| start.trigger < LATEST && !known.has_start(start)).cloned().collect();
    difference.starts.truncate(MAX_LISTED);
    difference.needs = subject.needs.iter().filter(|need| !known.has_need(&need.name)).cloned().collect();
    let kept: HashSet<&str> = subject.needs.iter().map(|need| &*need.name).collect();
    difference.dropped_needs = newest.needs.iter().filter(|need| !kept.contains(&*need.name)).cloned().collect();
    let hosts =
        subject.files.iter().filter(|file| file.trigger != Trigger::Never).flat_map(|file| &file.facts.mentions);
    let hosts =
        hosts.filter(|mention| mention.topic == Topic::Address && !known.has_mention(Topic::Address, &mention.word));
    difference.hosts = hosts.map(|mention| mention.word.clone()).collect();
    difference.hosts.sort();
    difference.hosts.dedup();
    difference.hosts.truncate(MAX_LISTED);
    let (same, mut new): (Vec<&File>, Vec<&File>) = subject.files.iter().partition(|file| known.has_file(file));
    // Code comes first, since not all may be listed.
    new.sort_by_key(|file| file.facts.language.is_none());
    difference.unchanged = u32::try_from(same.len()).unwrap_or(u32::MAX);
    difference.changed = new.iter().take(MAX_LISTED).map(|file| file.path.clone()).collect();
    let here: HashSet<&str> = subject.files.iter().map(|file| &*file.path).collect();
    let gone = newest.files.iter().filter(|file| !here.contains(&*file.path));
    difference.removed = gone.take(MAX_LISTED).map(|file| file.path.clone()).collect();
    difference
}

/// The files of an artifact that are code of its own: what is in no other artifact of its release, tests aside. What
/// builds a source distribution is in no wheel, and what was compiled is in no source distribution: neither tells
/// anything. But a file that others have as well, with another content, is not there to build.
pub(crate) fn is_alone(file: &File, siblings: &Cleared<'_>) -> bool {
    file.facts.language.is_some()
        && file.trigger != Trigger::Never
        && !siblings.has_file(file)
        && (file.trigger != Trigger::Install || has_counterpart(file, siblings))
}

/// Source distributions often have a folder above the packages.
fn has_counterpart(file: &File, siblings: &Cleared<'_>) -> bool {
    siblings.paths.iter().any(|path| is_below(path, &file.path) || is_below(&file.path, path))
}

/// True if it is the same path, or the same below one more folder.
fn is_below(longer: &str, path: &str) -> bool {
    longer == path || longer.split_once('/').is_some_and(|(_, rest)| rest == path)
}

/// The code that no other artifact of the release has, and what it can do.
pub(crate) fn alone(subject: &Inspection, siblings: &Cleared<'_>) -> Vec<Alone> {
    let files = subject.files.iter().filter(|file| is_alone(file, siblings));
    let mut alone: Vec<Alone> = files
        .map(|file| {
            let triggers = file.triggers.iter().copied().chain(std::iter::repeat(file.trigger));
            let acts = file.facts.acts.iter().zip(triggers).filter(|(act, _)| !siblings.has_line(act));
            let can = changes(acts.map(|(act, trigger)| (file, act, trigger)));
            Alone { path: file.path.clone(), differs: has_counterpart(file, siblings), can }
        })
        .collect();
    alone.sort_by_key(|file| std::cmp::Reverse(file.can.len()));
    alone.truncate(MAX_LISTED);
    alone
}

fn gained(subject: &Inspection, known: &Cleared<'_>) -> Vec<Change> {
    let acts = subject.acts().filter(|(file, act, trigger)| {
        let file_is_known = known.has_file(file) && known.has_capability(act.capability, *trigger);
        *trigger <= LATEST
            && !file_is_known
            && (!known.has_capability(act.capability, *trigger) || !known.has_detail(act))
    });
    changes(acts)
}

fn lost(subject: &Inspection, newest: &Inspection) -> Vec<Change> {
    let here: HashSet<Capability> =
        subject.acts().filter(|(.., trigger)| *trigger <= LATEST).map(|(_, act, _)| act.capability).collect();
    changes(newest.acts().filter(|(_, act, trigger)| *trigger <= LATEST && !here.contains(&act.capability)))
}

fn changes<'a>(acts: impl Iterator<Item = (&'a File, &'a Act, Trigger)>) -> Vec<Change> {
    let mut changes: BTreeMap<(Trigger, Capability), Change> = BTreeMap::new();
    for (file, act, trigger) in acts {
        let change = changes.entry((trigger, act.capability)).or_insert_with(|| Change {
            capability: act.capability,
            trigger,
            details: Vec::new(),
            places: Vec::new(),
        });
        if !act.detail.is_empty() && change.details.len() < MAX_TOLD && !change.details.contains(&act.detail) {
            change.details.push(act.detail.clone());
        }
        if change.places.len() < MAX_TOLD {
            change.places.push(place(file, act));
        }
    }
    changes.into_values().collect()
}

/// An act's place.
pub(crate) fn place(file: &File, act: &Act) -> Place {
    let name = act.capability.name();
    let what = if act.detail.is_empty() { name.to_owned() } else { format!("{name} {}", act.detail) };
    Place {
        path: file.path.clone(),
        line: act.at.line,
        what,
        snippet: act.at.snippet.clone(),
        layers: act.layers.clone(),
    }
}
