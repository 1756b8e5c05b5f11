//! Whether a rule matches, and where.

use std::collections::HashSet;

use stockade_model::{Code, Trigger};

use super::document::{New, Pattern, Rule, Scope};
use super::{MAX_PLACES, programs};
use crate::capability::{Capability, Source};
use crate::difference::{Cleared, is_alone, place};
use crate::facts::Act;
use crate::inspection::{File, Inspection, Place};
use crate::value::HOLE;

/// An inspection that rules are matched against.
pub(super) struct Case<'a> {
    subject: &'a Inspection,
    known: Option<&'a Cleared<'a>>,
    /// For each file, whether its content was cleared before.
    seen: Vec<bool>,
    /// True if what is not in a file of its own is nothing new, whenever it runs.
    own_files: bool,
}

impl<'a> Case<'a> {
    pub(super) fn of(subject: &'a Inspection, known: Option<&'a Cleared<'a>>) -> Self {
        let seen = subject.files.iter().map(|file| known.is_some_and(|known| known.has_file(file))).collect();
        Self { subject, known, seen, own_files: false }
    }

    /// Of an artifact beside others of the same release. In each, the same code runs at other events.
    pub(super) fn beside(subject: &'a Inspection, siblings: &'a Cleared<'a>) -> Self {
        let seen = subject.files.iter().map(|file| !is_alone(file, siblings)).collect();
        Self { subject, known: Some(siblings), seen, own_files: true }
    }

    /// The places where a rule matches; `None` if it does not.
    pub(super) fn matches(&self, rule: &Rule) -> Option<Vec<Place>> {
        if rule.scope == Scope::Release {
            let all: Vec<usize> = (0..self.subject.files.len()).collect();
            return self.in_files(rule, &all);
        }
        let files = 0..self.subject.files.len();
        files
            .into_iter()
            .filter(|at| self.subject.files[*at].trigger != Trigger::Never || rule.is_about_the_unused())
            .find_map(|at| self.in_files(rule, &[at]))
    }

    fn in_files(&self, rule: &Rule, files: &[usize]) -> Option<Vec<Place>> {
        let mut places = Vec::new();
        for pattern in &rule.all {
            let found = self.find(pattern, files);
            if found.is_empty() {
                return None;
            }
            places.extend(found);
        }
        if !rule.any.is_empty() {
            let found: Vec<Place> = rule.any.iter().flat_map(|pattern| self.find(pattern, files)).collect();
            if found.is_empty() {
                return None;
            }
            places.extend(found);
        }
        if rule.none.iter().any(|pattern| !self.find(pattern, files).is_empty()) {
            return None;
        }
        let mut unique = HashSet::new();
        places.retain(|place| unique.insert(place.clone()));
        places.truncate(MAX_PLACES);
        Some(places)
    }

    fn find(&self, pattern: &Pattern, files: &[usize]) -> Vec<Place> {
        if !pattern.start.is_empty() {
            return self.starts(pattern);
        }
        if !pattern.need.is_empty() {
            return self.needs(pattern);
        }
        if let Some(least) = pattern.lost {
            let lost = self.known.map_or(0, |known| known.lost(self.subject));
            return if lost >= least {
                vec![Place { what: format!("lost {lost} percent"), ..nowhere() }]
            } else {
                Vec::new()
            };
        }
        let mut places = Vec::new();
        let mut details = HashSet::new();
        for at in files {
            let (file, seen) = (&self.subject.files[*at], self.seen[*at]);
            let spoken =
                pattern.language.is_empty() || file.facts.language.is_some_and(|is| pattern.language.contains(&is));
            if !spoken || (file.trigger == Trigger::Never && !pattern.trigger.contains(&Trigger::Never)) {
                continue;
            }
            for (place, detail) in self.in_file(pattern, *at, file, seen) {
                details.insert(detail);
                if places.len() < MAX_PLACES {
                    places.push(place);
                }
            }
        }
        let counted = pattern.mark.is_empty() && pattern.file.is_empty();
        let least = pattern.least.unwrap_or(1) as usize;
        if counted && details.len() < least { Vec::new() } else { places }
    }

    fn in_file(&self, pattern: &Pattern, at: usize, file: &File, seen: bool) -> Vec<(Place, String)> {
        if !pattern.act.is_empty() {
            return self.acts(pattern, file, seen);
        }
        if !pattern.flow.is_empty() {
            return self.flows(pattern, at, file, seen);
        }
        let right_time = pattern.trigger.is_empty() || pattern.trigger.contains(&file.trigger);
        if !right_time {
            return Vec::new();
        }
        if !pattern.mark.is_empty() {
            return self.marks(pattern, file, seen);
        }
        if !pattern.mention.is_empty() {
            return self.mentions(pattern, file, seen);
        }
        self.paths(pattern, file, seen)
    }

    fn acts(&self, pattern: &Pattern, file: &File, seen: bool) -> Vec<(Place, String)> {
        let triggers = file.triggers.iter().copied().chain(std::iter::repeat(file.trigger));
        let acts = file.facts.acts.iter().zip(triggers).filter(|(act, trigger)| {
            pattern.act.contains(&act.capability)
                && (pattern.trigger.is_empty() || pattern.trigger.contains(trigger))
                && pattern.peeled.is_none_or(|peeled| peeled != act.layers.is_empty())
                && pattern.speaks_of(&act.detail)
                && !pattern.excuses(act)
                && (!pattern.written || names_what_is_written(&act.detail, file))
                && (pattern.detail.is_empty() || !is_of_this_machine(act))
                && self.is_new_act(pattern.new, act, *trigger, seen)
        });
        acts.map(|(act, _)| (place(file, act), act.detail.clone())).collect()
    }

    fn is_new_act(&self, new: Option<New>, act: &Act, trigger: Trigger, seen: bool) -> bool {
        let Some(new) = new else { return true };
        let Some(known) = self.known else { return false };
        if seen && self.own_files {
            return false;
        }
        let first = !known.has_capability(act.capability, trigger);
        match new {
            New::First => first,
            New::Detail => first || (!seen && !known.has_detail(act)),
            New::Place => first || (!seen && !known.has_line(act)),
        }
    }

    fn flows(&self, pattern: &Pattern, at: usize, file: &File, seen: bool) -> Vec<(Place, String)> {
        let mut found = Vec::new();
        for flow in &file.facts.flows {
            let from = flow.from.iter().map(|(source, act)| {
                (*source, act.and_then(|act| file.facts.acts.get(act as usize)).map(|act| place(file, act)))
            });
            self.flow(pattern, (file, flow.to), from.collect(), seen, &mut found);
        }
        for flow in self.subject.flows.iter().filter(|flow| flow.to.0 as usize == at) {
            let from = flow.from.iter().map(|(source, file, act)| {
                let origin = self.subject.files.get(*file as usize);
                let act = origin
                    .zip(*act)
                    .and_then(|(origin, act)| Some(place(origin, origin.facts.acts.get(act as usize)?)));
                (*source, act)
            });
            let all_seen =
                seen && flow.from.iter().all(|(_, file, _)| self.seen.get(*file as usize).copied().unwrap_or(false));
            self.flow(pattern, (file, flow.to.1), from.collect(), all_seen, &mut found);
        }
        found
    }

    fn flow(
        &self,
        pattern: &Pattern,
        (file, to): (&File, u32),
        from: Vec<(Source, Option<Place>)>,
        seen: bool,
        found: &mut Vec<(Place, String)>,
    ) {
        let Some(act) = file.facts.acts.get(to as usize) else { return };
        let trigger = file.triggers.get(to as usize).copied().unwrap_or(file.trigger);
        let right = pattern.to.contains(&act.capability)
            && (pattern.trigger.is_empty() || pattern.trigger.contains(&trigger))
            && pattern.peeled.is_none_or(|peeled| peeled != act.layers.is_empty())
            && pattern.speaks_of(&act.detail)
            && !pattern.excuses(act);
        if !right {
            return;
        }
        for (source, origin) in from.into_iter().filter(|(source, _)| pattern.flow.contains(source)) {
            if self.is_new_flow(pattern.new, source, act, trigger, seen) {
                found.push((place(file, act), format!("{} to {}", source.name(), act.detail)));
                found.extend(origin.map(|origin| (origin, source.name().to_owned())));
            }
        }
    }

    fn is_new_flow(&self, new: Option<New>, source: Source, to: &Act, trigger: Trigger, seen: bool) -> bool {
        let Some(new) = new else { return true };
        let Some(known) = self.known else { return false };
        if seen && self.own_files {
            return false;
        }
        let first = !known.has_flow(source, to) || !known.has_capability(to.capability, trigger);
        match new {
            New::First => first,
            New::Detail => first || (!seen && !known.has_flow_detail(source, to)),
            New::Place => first || (!seen && (!known.has_flow_detail(source, to) || !known.has_line(to))),
        }
    }

    fn marks(&self, pattern: &Pattern, file: &File, seen: bool) -> Vec<(Place, String)> {
        let marks = file.facts.marks.iter().filter(|mark| {
            pattern.mark.contains(&mark.kind)
                && pattern.least.is_none_or(|least| mark.amount >= least)
                && pattern.most.is_none_or(|most| mark.amount <= most)
                && self.is_new(pattern.new, seen, |known| match pattern.new {
                    Some(New::First) => known.mark(mark.kind).is_some(),
                    Some(New::Detail) => {
                        known.mark(mark.kind).is_some_and(|amount| amount.saturating_mul(2) >= mark.amount)
                    }
                    _ => false,
                })
        });
        let places = marks.map(|mark| {
            let what = format!("{} {}", name_of(mark.kind), mark.amount);
            let place = Place {
                path: file.path.clone(),
                line: mark.at.line,
                what,
                snippet: mark.at.snippet.clone(),
                layers: Vec::new(),
            };
            (place, String::new())
        });
        places.collect()
    }

    fn mentions(&self, pattern: &Pattern, file: &File, seen: bool) -> Vec<(Place, String)> {
        let mentions = file.facts.mentions.iter().filter(|mention| {
            pattern.mention.contains(&mention.topic)
                && !pattern.not.contains(&mention.word)
                && pattern.peeled.is_none_or(|peeled| peeled == (mention.layers > 0))
                && pattern.speaks_of(&mention.word)
                && self.is_new(pattern.new, seen, |known| match pattern.new {
                    Some(New::First) => known.has_topic(mention.topic),
                    _ => known.has_mention(mention.topic, &mention.word),
                })
        });
        let places = mentions.map(|mention| {
            let what = format!("mentions {}", mention.word);
            let place = Place {
                path: file.path.clone(),
                line: mention.at.line,
                what,
                snippet: mention.at.snippet.clone(),
                layers: Vec::new(),
            };
            (place, mention.word.clone())
        });
        places.collect()
    }

    fn paths(&self, pattern: &Pattern, file: &File, seen: bool) -> Vec<(Place, String)> {
        let path = file.path.to_ascii_lowercase();
        let right =
            pattern.file.iter().any(|end| path.ends_with(&**end) || (end.ends_with('/') && path.contains(&**end)))
                && pattern.least.is_none_or(|least| file.size >= u64::from(least))
                && self.is_new(pattern.new, seen, |known| known.has_path(&file.path));
        if !right {
            return Vec::new();
        }
        let what = format!("ships {}", file.path);
        vec![(Place { path: file.path.clone(), what, ..nowhere() }, file.path.clone())]
    }

    /// True if something is new in the sense asked for: in a file that is, and not known in general.
    fn is_new(&self, new: Option<New>, seen: bool, is_known: impl Fn(&Cleared<'_>) -> bool) -> bool {
        match (new, self.known) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(known)) => !seen && !is_known(known),
        }
    }

    fn starts(&self, pattern: &Pattern) -> Vec<Place> {
        let starts = self.subject.starts.iter().filter(|start| {
            let told = format!("{} {}", start.name, text_of(&start.code));
            let harmless = match &start.code {
                Code::Shell(command) => programs::are_all_of(command, &pattern.not),
                Code::File(path) => pattern.not.iter().any(|known| path == known || start.name == *known),
                Code::Python(_) => false,
            };
            pattern.start.contains(&start.trigger)
                && pattern.speaks_of(&told)
                && !harmless
                && self.is_new(pattern.new, false, |known| match pattern.new {
                    Some(New::First) => known.has_event(start.trigger),
                    _ => known.has_start(start),
                })
        });
        let places = starts.map(|start| Place {
            path: start.path.clone(),
            line: start.line,
            what: format!("{} {}", start.name, text_of(&start.code)),
            ..nowhere()
        });
        places.take(MAX_PLACES).collect()
    }

    fn needs(&self, pattern: &Pattern) -> Vec<Place> {
        let needs = self.subject.needs.iter().filter(|need| {
            pattern.need.contains(&need.from)
                && (pattern.role.is_empty() || pattern.role.contains(&need.role))
                && pattern.speaks_of(&need.name)
                && !pattern.not.contains(&need.name)
                && self.is_new(pattern.new, false, |known| match pattern.new {
                    Some(New::First) => known.has_need_kind(need.from),
                    _ => known.has_need(&need.name),
                })
        });
        let places: Vec<Place> =
            needs.map(|need| Place { what: format!("needs {} {}", need.name, need.wanted), ..nowhere() }).collect();
        let least = pattern.least.unwrap_or(1) as usize;
        if places.len() < least { Vec::new() } else { places.into_iter().take(MAX_PLACES).collect() }
    }
}

/// True if a command has the name of a file in it that the same file writes. A name without an ending is a word like any
/// other.
fn names_what_is_written(command: &str, file: &File) -> bool {
    let written = file.facts.acts.iter().filter(|act| act.capability == Capability::Write);
    let names = written.filter_map(|act| act.detail.rsplit(['/', '\\', HOLE]).next());
    let mut names =
        names.filter(|name| name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && !end.is_empty()));
    names.any(|name| {
        command.split(|c: char| c.is_whitespace() || "/\\'\"".contains(c) || c == HOLE).any(|word| word == name)
    })
}

impl Pattern {
    fn speaks_of(&self, detail: &str) -> bool {
        if self.detail.is_empty() {
            return true;
        }
        let detail = detail.to_ascii_lowercase();
        self.detail.iter().any(|word| speaks_of(&detail, &word.to_ascii_lowercase()))
    }

    /// True if an act is one of those that the rule does not mean: a command that runs nothing but such programs, or a
    /// detail that is one of them.
    fn excuses(&self, act: &Act) -> bool {
        match act.capability {
            _ if self.not.is_empty() => false,
            Capability::Execute => programs::are_all_of(&act.detail, &self.not),
            _ => self.not.contains(&act.detail),
        }
    }
}

/// True if an act talks to the machine that it runs on.
fn is_of_this_machine(act: &Act) -> bool {
    let authority = act.detail.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // Before an `@` stands who asks, and not whom (RFC 3986, section 3.2).
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let own = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
    act.capability == Capability::Network
        && own.iter().any(|own| host.strip_prefix(own).is_some_and(|port| port.is_empty() || port.starts_with(':')))
}

/// True if a text has a word in it. A dot and a few letters are the ending of a file's name.
fn speaks_of(text: &str, word: &str) -> bool {
    let ending = word.strip_prefix('.').filter(|ending| (1..=4).contains(&ending.len()));
    let is_ending = ending.is_some_and(|ending| ending.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let ends = |after: &str| !is_ending || !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    text.match_indices(word).any(|(at, _)| ends(&text[at + word.len()..]))
}

fn text_of(code: &Code) -> &str {
    match code {
        Code::File(text) | Code::Shell(text) | Code::Python(text) => text,
    }
}

fn nowhere() -> Place {
    Place { path: String::new(), line: 0, what: String::new(), snippet: String::new(), layers: Vec::new() }
}

fn name_of(kind: crate::facts::MarkKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
