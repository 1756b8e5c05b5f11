//! The projects that are read together: which is the parent of which, and which import the versions of others.
//!
//! A parent is where its child says, if it is the one that is meant: Maven looks at the names, too. A list of versions is
//! imported by its names; here it is one of the same build, which its projects and their `modules` tell, since any other
//! comes from a repository.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use stockade_model::Release;

use super::super::release;
use super::chain::{Chain, Listed, Versions};
use super::model::{Asked, Model, Parent};
use crate::Scope;
use crate::locked::{Locked, Out};

/// What no file of Maven's says.
pub(super) const NEEDS: &str =
    "what its dependencies need in turn stands in no file: Maven finds that out when it builds";
/// How many parents one may have, one above the other.
const MAX_PARENTS: usize = 32;
/// How many lists may import each other.
const MAX_IMPORTS: usize = 16;
/// How much all projects of a build may inherit and import: entries of lists, each counted for each project.
const MAX_INHERITED: usize = 20_000_000;

/// A file of a build.
struct File {
    path: String,
    model: Model,
    parent: Option<usize>,
    /// Which files are of the same build: those of the same number.
    build: usize,
}

/// Projects that are read together.
#[derive(Default)]
pub(super) struct Build {
    files: Vec<File>,
    places: HashMap<String, usize>,
    named: HashMap<[String; 3], Vec<usize>>,
    /// The lists that were imported, as they are when all of theirs is known; `None` while that is found out.
    lists: RefCell<HashMap<usize, Option<Rc<Versions>>>>,
    inherited: Cell<usize>,
}

impl Build {
    pub(super) fn of(files: impl Iterator<Item = (impl AsRef<str>, Model)>) -> Self {
        let mut build = Self::default();
        for (at, (path, model)) in files.enumerate() {
            let path = normal(path.as_ref()).unwrap_or_default();
            build.places.insert(path.clone(), at);
            build.files.push(File { path, model, parent: None, build: at });
        }
        build.relate();
        for at in 0..build.files.len() {
            let names = build.chain(Some(at), &build.files[at].model).names();
            build.named.entry(names).or_default().push(at);
        }
        build
    }

    /// Of what a repository has: there a parent is found by its names.
    pub(super) fn published<'a>(files: impl Iterator<Item = (&'a Release, Model)>) -> Self {
        let mut build = Self::default();
        for (at, (release, model)) in files.enumerate() {
            let (group, artifact) = release.package.name.split();
            let names = [group.unwrap_or_default(), artifact, &release.version].map(str::to_owned);
            build.named.entry(names).or_insert_with(|| vec![at]);
            build.files.push(File { path: String::new(), model, parent: None, build: 0 });
        }
        for at in 0..build.files.len() {
            let parent = build.files[at].model.parent.as_ref().and_then(Parent::written);
            build.files[at].parent = parent.and_then(|names| build.named.get(&names)?.first().copied());
        }
        build
    }

    /// The parents and the imported lists of all files that are not among them.
    pub(super) fn absent_ones(&self) -> Vec<Release> {
        let mut names: Vec<[String; 3]> = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let chain = self.chain(Some(at), &file.model);
            let imports = file.model.managed.iter().filter(|managed| managed.is("scope", "import"));
            names.extend(file.model.parent.as_ref().and_then(Parent::written));
            names.extend(imports.map(|import| named(import, &chain)));
        }
        names.retain(|names| !self.named.contains_key(names));
        names.sort();
        names.dedup();
        names.iter().filter_map(|[group, artifact, version]| release(group, artifact, version).ok()).collect()
    }

    /// What the first file and its parents say that it needs to run.
    pub(super) fn needs(&self) -> Vec<Release> {
        let Some(first) = self.files.first() else { return Vec::new() };
        let chain = self.chain(Some(0), &first.model);
        let versions = self.versions(Some(0), &chain, &Wanted::of(&chain), 0, None);
        let asked = chain.models.iter().flat_map(|model| &model.asked).filter(|asked| asked.scope.is_none());
        let found = asked.filter_map(|asked| chain.judge(asked, &versions).ok());
        found.filter(|locked| locked.scope == Scope::Run).map(|locked| locked.release).collect()
    }

    /// Finds parents and modules.
    fn relate(&mut self) {
        for at in 0..self.files.len() {
            self.files[at].parent = self.parent(at).ok();
        }
        for at in 0..self.files.len() {
            let file = &self.files[at];
            let modules = file.model.modules.iter().filter_map(|module| self.place(&file.path, module));
            for other in modules.chain(file.parent).collect::<Vec<_>>() {
                let (one, other) = (self.build_of(at), self.build_of(other));
                self.files[one].build = other;
            }
        }
        for at in 0..self.files.len() {
            self.files[at].build = self.build_of(at);
        }
    }

    /// The first file of the build that one is of.
    fn build_of(&self, mut at: usize) -> usize {
        while self.files[at].build != at {
            at = self.files[at].build;
        }
        at
    }

    /// A file at a path relative to another one's folder; a folder means its `pom.xml`.
    fn place(&self, from: &str, path: &str) -> Option<usize> {
        let path = format!("{from}/../{}", path.replace('\\', "/"));
        let at = |path: &str| self.places.get(&normal(path)?).copied();
        at(&path).or_else(|| at(&format!("{path}/pom.xml")))
    }

    /// The parent of a file, or why it is not here.
    fn parent(&self, at: usize) -> Result<usize, String> {
        let file = &self.files[at];
        let Some(parent) = &file.model.parent else { return Err(String::new()) };
        let Some(path) = &parent.path else { return Err("it is said to be in no folder".to_owned()) };
        let shown = path.escape_debug();
        let found = self.place(&file.path, path).filter(|found| *found != at);
        let found = found.ok_or_else(|| format!("`{shown}` is not among what is read"))?;
        let other = &self.files[found].model;
        let chain = Chain { models: vec![other], is_open: false };
        let is_meant = |name: &str, names: &[String; 3], place: usize| {
            let inherited = other.parent.as_ref().and_then(|parent| parent.names.get(name));
            let written = other.own.get(name).or(inherited);
            let wanted = parent.names.get(name);
            wanted.is_some() && (wanted == written || wanted == Some(&names[place]))
        };
        let names = chain.names();
        let is_meant =
            ["groupId", "artifactId", "version"].iter().zip(0..).all(|(name, at)| is_meant(name, &names, at));
        is_meant.then_some(found).ok_or_else(|| format!("`{shown}` is `{}`", names.join(":").escape_debug()))
    }

    fn chain<'a>(&'a self, at: Option<usize>, model: &'a Model) -> Chain<'a> {
        let mut models = vec![model];
        let mut next = at.and_then(|at| self.files[at].parent);
        while let Some(parent) = next.filter(|_| models.len() <= MAX_PARENTS) {
            models.push(&self.files[parent].model);
            next = self.files[parent].parent;
        }
        let is_open = models.last().is_some_and(|last| last.parent.is_some());
        Chain { models, is_open }
    }

    /// Tells what a project asks for.
    pub(super) fn tell(&self, at: Option<usize>, model: &Model, out: &mut Out) {
        let chain = self.chain(at, model);
        let versions = self.versions(at, &chain, &Wanted::of(&chain), 0, Some(out));
        for asked in &model.asked {
            add(chain.judge(asked, &versions), asked.line, out);
        }
        if !model.asked.is_empty() {
            out.problem_of_all(NEEDS);
        }
        let Some(parent) = &model.parent else { return };
        self.absent(at, parent, &chain, out);
        self.inherit(at, parent, &chain, &versions, out);
    }

    /// Says which parent is not here, and why.
    fn absent(&self, at: Option<usize>, parent: &Parent, chain: &Chain<'_>, out: &mut Out) {
        let why = match at.map(|at| self.parent(at)) {
            Some(Ok(_)) if chain.models.len() <= MAX_PARENTS => return,
            Some(Ok(_)) => "its parents lead to each other, or are too many".to_owned(),
            Some(Err(why)) => why,
            None => "it is read alone".to_owned(),
        };
        let name = ["groupId", "artifactId", "version"].map(|name| parent.names.get(name).map_or("?", String::as_str));
        let name = name.join(":");
        out.problem(parent.line, format!("what its parent `{}` asks for is not known: {why}", name.escape_debug()));
    }

    /// Adds what is inherited and became something else than where it was written.
    fn inherit(&self, at: Option<usize>, parent: &Parent, chain: &Chain<'_>, versions: &Versions, out: &mut Out) {
        let own: HashSet<_> = chain.models[0].asked.iter().map(|asked| (asked.scope, chain.key(asked))).collect();
        let mut next = at.and_then(|at| self.files[at].parent);
        for model in chain.models.iter().skip(1) {
            let Some(above) = next else { break };
            next = self.files[above].parent;
            if model.asked.is_empty() {
                continue;
            }
            if !self.is_affordable(model.asked.len()) {
                return out.problem(parent.line, "it inherits too much, and not all of that was looked at");
            }
            let there = self.chain(Some(above), model);
            let theirs = self.versions(Some(above), &there, &Wanted::of(&there), 0, None);
            let inherited = model.asked.iter().filter(|asked| !asked.is("inherited", "false"));
            for asked in inherited.filter(|asked| !own.contains(&(asked.scope, chain.key(asked)))) {
                let told = chain.judge(asked, versions);
                if told != there.judge(asked, &theirs) {
                    add(told, parent.line, out);
                }
            }
        }
    }

    fn is_affordable(&self, entries: usize) -> bool {
        self.inherited.set(self.inherited.get().saturating_add(entries));
        self.inherited.get() <= MAX_INHERITED
    }

    /// The lists that count for a project. Of those that are not here, its own file says so.
    fn versions(
        &self,
        at: Option<usize>,
        chain: &Chain<'_>,
        wanted: &Wanted<'_>,
        depth: usize,
        mut out: Option<&mut Out>,
    ) -> Versions {
        let mut versions = Versions::default();
        let mut seen = HashSet::new();
        for (model, level) in chain.models.iter().zip(0..) {
            // A plugin's version may be where a parent uses it.
            let plugins = model.asked.iter().filter(|asked| level > 0 && asked.scope == Some(Scope::Build));
            for asked in plugins.filter(|asked| asked.field("version").is_some() && wanted.has(asked)) {
                versions.own.entry(chain.key(asked)).or_insert_with(|| Listed::of(asked, chain));
            }
        }
        for (model, level) in chain.models.iter().zip(0..) {
            if !self.is_affordable(model.managed.len()) {
                if let Some(out) = &mut out {
                    out.problem_of_all("it inherits too much, and not all of that was looked at");
                }
                break;
            }
            for managed in model.managed.iter().filter(|managed| wanted.has(managed)) {
                let key = chain.key(managed);
                if !managed.is("scope", "import") {
                    versions.own.entry(key).or_insert_with(|| Listed::of(managed, chain));
                    continue;
                }
                let name = format!("{}:{}", key.0.escape_debug(), key.1.escape_debug());
                if !seen.insert(key) {
                    continue;
                }
                match (self.imported(at, managed, chain, depth), &mut out) {
                    (Ok(imported), _) => versions.imported.push(imported),
                    (Err(why), Some(out)) if level == 0 => {
                        out.problem(
                            managed.line,
                            format!("the versions of `{name}` are imported and not known: {why}"),
                        );
                    }
                    _ => {}
                }
            }
        }
        versions
    }

    /// A list that is imported, if it is of the same build.
    fn imported(
        &self,
        at: Option<usize>,
        managed: &Asked,
        chain: &Chain<'_>,
        depth: usize,
    ) -> Result<Rc<Versions>, &'static str> {
        let absent = "it is none of the same build";
        let at = at.ok_or(absent)?;
        let names = named(managed, chain);
        let same = |other: &usize| self.build_of(*other) == self.build_of(at);
        let found: Vec<usize> = self.named.get(&names).into_iter().flatten().copied().filter(same).collect();
        let found = match found.as_slice() {
            [] => return Err(absent),
            [found] => *found,
            _ => return Err("several of the same build are called that"),
        };
        if let Some(known) = self.lists.borrow().get(&found) {
            return known.clone().ok_or("lists import each other");
        }
        if depth >= MAX_IMPORTS {
            return Err("too many lists import each other");
        }
        self.lists.borrow_mut().insert(found, None);
        let chain = self.chain(Some(found), &self.files[found].model);
        let versions = Rc::new(self.versions(Some(found), &chain, &Wanted::All, depth + 1, None));
        self.lists.borrow_mut().insert(found, Some(Rc::clone(&versions)));
        Ok(versions)
    }
}

/// Which entries of lists are needed: a project has ten dependencies, and its lists a thousand.
enum Wanted<'a> {
    All,
    Of(HashSet<&'a str>),
}

impl<'a> Wanted<'a> {
    fn of(chain: &Chain<'a>) -> Self {
        let asked = chain.models.iter().flat_map(|model| &model.asked);
        let artifacts: HashSet<&str> = asked.filter_map(|asked| asked.field("artifactId")).collect();
        if artifacts.iter().any(|artifact| artifact.contains('$')) { Self::All } else { Self::Of(artifacts) }
    }

    fn has(&self, listed: &Asked) -> bool {
        let is_wanted = |artifact: &str| match self {
            Self::All => true,
            Self::Of(artifacts) => artifact.contains('$') || artifacts.contains(artifact),
        };
        listed.is("scope", "import") || listed.field("artifactId").is_some_and(is_wanted)
    }
}

/// What a list is called that is imported.
fn named(import: &Asked, chain: &Chain<'_>) -> [String; 3] {
    ["groupId", "artifactId", "version"].map(|name| chain.resolved(import.field(name).unwrap_or_default()))
}

fn add(told: Result<Locked, String>, line: u32, out: &mut Out) {
    match told {
        Ok(locked) => {
            out.push(Locked { line, ..locked });
        }
        Err(why) => out.problem(line, why),
    }
}

/// A path without detours; `None` if it leads out of everything.
fn normal(path: &str) -> Option<String> {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", None) if is_absolute => return None,
            _ => parts.push(part),
        }
    }
    Some(format!("{}{}", if is_absolute { "/" } else { "" }, parts.join("/")))
}
