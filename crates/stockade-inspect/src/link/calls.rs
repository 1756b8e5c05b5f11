//! Calls from file to file: what a call leads to runs at the event that sets the call off, through however many files, and
//! what one function takes and returns flows into another.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use stockade_model::{Gap, GapKind, Trigger};

use super::{Links, number, paths};
use crate::capability::Source;
use crate::facts::{Callback, Export, Moment, Reach, Use, module_in};
use crate::inspection::{CrossFlow, File, Inspection};
use crate::ir::Language;

/// How many flows across files are kept.
const MAX_FLOWS: usize = 2_000;
/// In how many places one name is looked for.
const MAX_LOOKS: usize = 20_000;
/// The longest name that is looked for, in bytes: what passes itself on grows without an end.
const MAX_NAME: usize = 1_000;
/// How many functions one name may mean.
const MAX_MEANT: usize = 10_000;
/// What a module itself is called.
const MODULE: &str = "default";
/// As a name: every name.
const ALL: &str = "*";
/// What is called where a class is.
const CONSTRUCTORS: [&str; 2] = ["constructor", "__init__"];

/// Follows what is called and loaded from what is run, and finds what flows across files.
pub(super) fn follow(links: &Links, inspection: &mut Inspection) {
    let calls = Calls::of(links, &inspection.files);
    if calls.cut {
        let what = "a name of it means too many functions for all of them to be followed";
        inspection.gaps.push(Gap::new(GapKind::Limit, what));
    }
    let mut flows = calls.flows();
    let events = Events::of(links, &calls);
    let (loaded, acts) = (events.loaded, events.acts);
    for ((file, trigger), triggers) in inspection.files.iter_mut().zip(loaded).zip(acts) {
        (file.trigger, file.triggers) = (trigger, triggers);
    }
    flows.sort();
    flows.dedup();
    flows.truncate(MAX_FLOWS);
    inspection.flows = flows;
}

/// A function of a file: the file, and the export.
type Function = (u32, u32);

/// Which functions each use means.
struct Calls<'a> {
    files: &'a [File],
    /// For each file, the files that a module is which it names.
    modules: Vec<FxHashMap<&'a str, Vec<u32>>>,
    /// For each file and each of its uses.
    meant: Vec<Vec<Rc<[Function]>>>,
    /// True if a name means more than was followed.
    cut: bool,
}

/// What a file exports, by name.
#[derive(Default)]
struct Names<'a> {
    functions: FxHashMap<&'a str, Vec<u32>>,
    /// By the last part of their names.
    methods: FxHashMap<&'a str, Vec<u32>>,
    /// What is another file's: the module and the name there.
    passed_on: FxHashMap<&'a str, FxHashSet<(&'a str, &'a str)>>,
}

impl<'a> Names<'a> {
    fn of(file: &'a File) -> Self {
        let mut names = Self::default();
        for (at, export) in file.facts.exports.iter().enumerate() {
            let name = inner(&export.name);
            if let Some((module, own)) = &export.of {
                let name = inner(name.strip_suffix(".*").unwrap_or(name));
                names.passed_on.entry(name).or_default().insert((module, inner(own)));
                continue;
            }
            names.functions.entry(name).or_default().push(number(at));
            if let Some((_, method)) = name.rsplit_once('.') {
                names.methods.entry(method).or_default().push(number(at));
            }
        }
        if file.facts.language == Some(Language::Python) {
            for import in &file.facts.imports {
                for name in &import.names {
                    names.passed_on.entry(name).or_default().insert((&import.module, name));
                }
            }
        }
        names
    }

    /// The functions of a name, the constructor of a class, and all that is in something, for `*`.
    fn of_name(&self, name: &str) -> impl Iterator<Item = u32> {
        let own = self.functions.get(name).into_iter().flatten();
        let constructors =
            CONSTRUCTORS.iter().filter_map(|constructor| self.functions.get(&*joined(name, constructor)));
        let mut all: Vec<u32> = own.chain(constructors.flatten()).copied().collect();
        if let Some(prefix) = name.strip_suffix(ALL) {
            let below = self.functions.iter().filter(|(name, _)| name.starts_with(prefix));
            let first = all.len();
            all.extend(below.flat_map(|(_, all)| all));
            all[first..].sort_unstable();
            all.truncate(MAX_MEANT);
        }
        all.into_iter()
    }
}

/// A name in a module: none for the module itself, and for all of it.
fn inner(name: &str) -> &str {
    if matches!(name, MODULE | ALL) { "" } else { name }
}

impl<'a> Calls<'a> {
    fn of(links: &'a Links, files: &'a [File]) -> Self {
        let mut modules: Vec<FxHashMap<&str, Vec<u32>>> = vec![FxHashMap::default(); files.len()];
        for (known, edges) in modules.iter_mut().zip(&links.edges) {
            for (_, target, module) in edges {
                let targets = known.entry(module).or_default();
                if !targets.contains(target) {
                    targets.push(*target);
                }
            }
        }
        let names = files.iter().map(Names::of).collect();
        let places = files.iter().enumerate().map(|(at, file)| (&*file.path, number(at))).collect();
        let mut finder = Finder { files, places, names, modules: &modules, known: FxHashMap::default(), cut: false };
        let meant = files.iter().enumerate().map(|(at, file)| finder.meant(number(at), file)).collect();
        let cut = finder.cut;
        Self { files, modules, meant, cut }
    }

    fn flows(&self) -> Vec<CrossFlow> {
        let mut flows = Vec::new();
        for (user, (file, meant)) in self.files.iter().zip(&self.meant).enumerate() {
            for (used, functions) in file.facts.uses.iter().zip(meant) {
                for function in functions.iter() {
                    cross(&mut flows, (number(user), used), (function.0, self.export(*function)));
                }
            }
        }
        flows
    }

    fn export(&self, (file, at): Function) -> &'a Export {
        &self.files[file as usize].facts.exports[at as usize]
    }
}

/// Finds what a name means.
struct Finder<'a> {
    files: &'a [File],
    places: HashMap<&'a str, u32>,
    names: Vec<Names<'a>>,
    modules: &'a [FxHashMap<&'a str, Vec<u32>>],
    known: FxHashMap<(u32, String), Rc<[Function]>>,
    cut: bool,
}

/// What is found of one name, and where it was looked for.
#[derive(Default)]
struct Search {
    found: Vec<Function>,
    seen: FxHashSet<(u32, String)>,
    cut: bool,
}

impl Finder<'_> {
    fn meant(&mut self, at: u32, file: &File) -> Vec<Rc<[Function]>> {
        let meant = |used: &Use| {
            let name = if used.name == MODULE { "" } else { &used.name };
            match &*self.homes(at, &used.module, name) {
                [(target, name)] => self.functions(*target, name),
                homes => {
                    let all = homes.iter().flat_map(|(target, name)| self.functions(*target, name).to_vec());
                    let mut all: Vec<Function> = all.collect();
                    all.sort_unstable();
                    all.dedup();
                    all.into()
                }
            }
        };
        file.facts.uses.iter().map(meant).collect()
    }

    /// The files that a module is which a file calls so, and the name of something of it there.
    fn homes<'n>(&self, from: u32, module: &str, name: &'n str) -> Vec<(u32, Cow<'n, str>)> {
        let known = |module: &str| self.modules[from as usize].get(module).into_iter().flatten().copied();
        let mut homes: Vec<_> = known(module).map(|target| (target, Cow::Borrowed(name))).collect();
        let file = &self.files[from as usize];
        match file.facts.language {
            Some(Language::Rust) if module == paths::CRATE => {
                let found = paths::below_root(&self.places, &file.path, name);
                homes.extend(found.map(|(target, name)| (target, Cow::Borrowed(name))));
            }
            // What is imported from a package may be a module in it.
            Some(Language::Python) => {
                let (first, rest) = name.split_once('.').unwrap_or((name, ""));
                homes.extend(known(&module_in(module, first)).map(|target| (target, Cow::Borrowed(rest))));
            }
            _ => {}
        }
        homes
    }

    /// The functions that a name of a file means.
    fn functions(&mut self, file: u32, name: &str) -> Rc<[Function]> {
        let key = (file, name.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let mut search = Search::default();
        self.find(file, name, &mut search);
        self.cut |= search.cut || search.found.len() >= MAX_MEANT;
        search.found.sort_unstable();
        search.found.dedup();
        let found: Rc<[Function]> = search.found.into();
        self.known.insert(key, Rc::clone(&found));
        found
    }

    fn find(&self, file: u32, name: &str, search: &mut Search) {
        let names = &self.names[file as usize];
        let before = search.found.len();
        if before >= MAX_MEANT || search.seen.len() >= MAX_LOOKS || name.len() > MAX_NAME {
            search.cut = true;
            return;
        }
        if !search.seen.insert((file, name.to_owned())) {
            return;
        }
        search.found.extend(names.of_name(name).map(|at| (file, at)));
        for (prefix, rest) in splits(name) {
            for (module, own) in names.passed_on.get(prefix).into_iter().flatten() {
                let name = joined(own, rest);
                for (target, name) in self.homes(file, module, &name) {
                    self.find(target, &name, search);
                }
            }
        }
        // A method of what a function has made: which class that is, is not known.
        if search.found.len() == before
            && let Some((_, method)) = name.rsplit_once('.')
        {
            let methods = names.methods.get(method).into_iter().flatten();
            search.found.extend(methods.take(MAX_MEANT).map(|at| (file, *at)));
        }
    }
}

/// What a name can begin with, and the rest of it.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let whole = (!name.is_empty()).then_some((name, ""));
    std::iter::once(("", name)).chain(dots).chain(whole)
}

fn joined<'n>(name: &'n str, rest: &'n str) -> Cow<'n, str> {
    match (name.is_empty(), rest.is_empty()) {
        (true, _) => rest.into(),
        (_, true) => name.into(),
        _ => format!("{name}.{rest}").into(),
    }
}

/// The earliest events that reach files and acts.
struct Events<'a> {
    links: &'a Links,
    calls: &'a Calls<'a>,
    loaded: Vec<Trigger>,
    acts: Vec<Vec<Trigger>>,
    /// What was called so far, at what.
    called: FxHashMap<Function, Trigger>,
    used: FxHashMap<(u32, u32), Trigger>,
    queue: VecDeque<Step>,
}

/// What is still to be followed.
enum Step {
    Load(u32),
    Use(u32, u32, Trigger),
}

impl<'a> Events<'a> {
    fn of(links: &'a Links, calls: &'a Calls<'a>) -> Self {
        let loaded: Vec<Trigger> = calls.files.iter().map(|file| file.trigger).collect();
        let acts = calls.files.iter().map(|file| vec![Trigger::Never; file.facts.acts.len()]).collect();
        let (called, used, queue) = (FxHashMap::default(), FxHashMap::default(), VecDeque::new());
        let mut events = Self { links, calls, loaded, acts, called, used, queue };
        for file in 0..number(calls.files.len()) {
            events.run(file);
        }
        while let Some(step) = events.queue.pop_front() {
            match step {
                Step::Load(file) => {
                    events.run(file);
                    events.load_with(file);
                }
                Step::Use(file, used, event) => events.follow_use(file, used, event),
            }
        }
        events
    }

    /// What a file does when it is loaded.
    fn run(&mut self, file: u32) {
        let facts = &self.calls.files[file as usize].facts;
        let event = |moment| self.links.event(file, self.loaded[file as usize], moment);
        for (trigger, act) in self.acts[file as usize].iter_mut().zip(&facts.acts) {
            *trigger = (*trigger).min(event(act.moment));
        }
        let uses = facts.uses.iter().enumerate().filter(|(_, used)| used.moment != Moment::Later);
        self.queue.extend(uses.map(|(at, used)| Step::Use(file, number(at), event(used.moment))));
        if self.links.extensions.contains(&file) {
            facts.exports.iter().for_each(|export| self.reach(file, &export.reach, self.loaded[file as usize]));
        }
    }

    /// What is loaded with a file.
    fn load_with(&mut self, file: u32) {
        let links = self.links;
        for (moment, target, _) in &links.edges[file as usize] {
            self.load(*target, links.event(file, self.loaded[file as usize], *moment));
        }
    }

    fn load(&mut self, file: u32, event: Trigger) {
        if event < self.loaded[file as usize] {
            self.loaded[file as usize] = event;
            self.queue.push_back(Step::Load(file));
        }
    }

    fn follow_use(&mut self, file: u32, at: u32, event: Trigger) {
        if !is_earlier(self.used.entry((file, at)), event) {
            return;
        }
        let calls = self.calls;
        let used = &calls.files[file as usize].facts.uses[at as usize];
        for function in calls.meant[file as usize][at as usize].iter() {
            let export = calls.export(*function);
            if is_earlier(self.called.entry(*function), event) {
                self.reach(function.0, &export.reach, event);
            }
            for Callback { argument, reach } in &used.callbacks {
                if argument.is_none_or(|argument| export.calls.contains(&argument)) {
                    self.reach(file, reach, event);
                }
            }
        }
    }

    fn reach(&mut self, file: u32, reach: &Reach, event: Trigger) {
        for act in &reach.acts {
            if let Some(trigger) = self.acts[file as usize].get_mut(*act as usize) {
                *trigger = (*trigger).min(event);
            }
        }
        self.queue.extend(reach.uses.iter().map(|at| Step::Use(file, *at, event)));
        let calls = self.calls;
        for import in &reach.imports {
            let import = &calls.files[file as usize].facts.imports[*import as usize];
            let modules = import.modules().collect::<Vec<_>>();
            let targets = modules.iter().filter_map(|module| calls.modules[file as usize].get(&**module));
            targets.flatten().for_each(|target| self.load(*target, event));
        }
    }
}

/// Takes an event down if it is the first or earlier than the one before.
fn is_earlier<K>(known: std::collections::hash_map::Entry<'_, K, Trigger>, event: Trigger) -> bool {
    use std::collections::hash_map::Entry;
    match known {
        Entry::Occupied(before) if *before.get() <= event => false,
        entry => {
            entry.insert_entry(event);
            true
        }
    }
}

fn cross(flows: &mut Vec<CrossFlow>, (user, used): (u32, &Use), (owner, export): (u32, &Export)) {
    let own = |source: &Source| *source != Source::Parameter;
    let returned: Vec<_> =
        export.returns.iter().filter(|(source, _)| own(source)).map(|(source, act)| (*source, owner, *act)).collect();
    if !returned.is_empty() {
        flows.extend(used.reaches.iter().map(|to| CrossFlow { from: returned.clone(), to: (user, *to) }));
    }
    for (parameter, act) in &export.passes {
        let passed = used.arguments.get(usize::from(*parameter)).map(Vec::as_slice).unwrap_or_default();
        let from: Vec<_> =
            passed.iter().filter(|(source, _)| own(source)).map(|(source, act)| (*source, user, *act)).collect();
        if !from.is_empty() {
            flows.push(CrossFlow { from, to: (owner, *act) });
        }
    }
}
