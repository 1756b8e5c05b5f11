//! From the facts of files to what a package can do: which file loads which, from every place where code starts to run,
//! so that each act gets the earliest event that reaches it; and what flows from one file to another.

mod calls;
mod paths;

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use stockade_model::{Code, Digest, Gap, GapKind, Member, Start, Tree, Trigger};

use self::paths::resolve;
use crate::eval::Unit;
use crate::facts::{Facts, Import, Moment};
use crate::inspection::{File, Inspection, VERSION};
use crate::ir::Language;
use crate::lower::Reading;
use crate::read;
use crate::rules::{Search, Searcher};

/// How many gaps of files are told one by one.
const MAX_GAPS: usize = 20;
/// Folders beside the packages of a project with tools of those who develop it, which builders take for no package:
/// some of those that setuptools leaves out of a flat layout.
const TOOLS: [&str; 4] = ["tools/", "scripts/", "ci/", "tasks/"];
/// Between a path and the name of a hook whose command stands in that file.
pub(crate) const HOOK: char = '#';

/// Looks at an artifact. Files that an earlier inspection has seen with the same content are not parsed again.
///
/// `is_test` tells tests, examples and documentation by their path: as code they are only read if something loads them.
/// `searcher` has rules of YARA that are looked for. Each
/// file is let go as soon as it was read: what is found takes the room of where it was found.
pub fn inspect(
    tree: Tree,
    earlier: &[&Inspection],
    is_test: fn(&str) -> bool,
    searcher: Option<&Searcher>,
) -> Inspection {
    let Tree { members, starts, needs, gaps } = tree;
    let searched = searcher.map(Searcher::digest).unwrap_or_default().to_owned();
    let mut inspection = Inspection { version: VERSION, starts, needs, gaps, searched, ..Inspection::default() };
    let mut search = searcher.map(Search::with);
    let known = seen_before(earlier, &inspection.searched);
    let run_as = run_as(&inspection.starts);
    let started: HashSet<&str> = inspection.starts.iter().filter_map(started).collect();
    let mut files = Vec::with_capacity(members.len());
    let installs = inspection.starts.iter().any(|start| start.trigger == Trigger::Install);
    let (mut aside, mut sifted) = (HashMap::new(), HashMap::new());
    for member in members {
        let digest = Digest::of(&member.bytes).hex();
        let language = run_as.get(&*member.path).copied();
        let bytes = installs.then(|| member.bytes.clone());
        let seen = known.get(&(&*digest, extension(&member.path))).copied();
        let file = match seen.filter(|file| language.is_none() || file.facts.language == language) {
            Some(seen) => File { path: member.path, trigger: Trigger::Never, triggers: Vec::new(), ..seen.clone() },
            None if is_test(&member.path) && !started.contains(&*member.path) && read::can_wait(&member) => {
                let file = not_read(&member, digest, search.as_mut());
                aside.insert(number(files.len()), member);
                file
            }
            None => read(member, digest, language, search.as_mut()),
        };
        if file.facts.sifted {
            sifted.extend(bytes.map(|bytes| (number(files.len()), bytes)));
        }
        files.push(file);
    }
    files.extend(inspection.starts.iter().filter_map(hook));
    read_what_is_loaded(&mut files, aside, &mut search);
    read_what_is_installed(&mut files, sifted, &inspection.starts);
    inspection.gaps.extend(search.map(Search::gaps).unwrap_or_default());
    inspection.files = files;
    let links = Links::of(&inspection);
    links.settle(&mut inspection, is_test);
    let gaps = links.gaps(&inspection);
    inspection.gaps.extend(gaps);
    inspection
}

/// The file that a start runs.
fn started(start: &Start) -> Option<&str> {
    match &start.code {
        Code::File(path) => Some(path),
        _ => None,
    }
}

/// A file that waits for something to load it: of its content only the digests are known, and matches of rules of YARA.
fn not_read(member: &Member, digest: String, search: Option<&mut Search<'_>>) -> File {
    let language = read::language(member);
    let shape = read::shape(&member.bytes, language, &digest);
    let found = search.map(|search| search.file(&member.path, &member.bytes));
    let (matches, whole) = found.unwrap_or_else(|| (Vec::new(), true));
    let (path, size, facts) = (member.path.clone(), member.bytes.len() as u64, Facts { language, ..Facts::default() });
    let (trigger, triggers) = (Trigger::Never, Vec::new());
    File { path, digest, size, trigger, facts, triggers, shape, matches, unsearched: !whole, unread: true }
}

/// Reads, of the files that were put aside, those that another one loads, and what those load.
fn read_what_is_loaded(files: &mut [File], mut aside: HashMap<u32, Member>, search: &mut Option<Search<'_>>) {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let places: HashMap<&str, u32> = paths.iter().enumerate().map(|(at, path)| (&**path, number(at))).collect();
    let mut queue: Vec<u32> = (0..number(files.len())).filter(|at| !aside.contains_key(at)).collect();
    while let Some(file) = queue.pop().filter(|_| !aside.is_empty()).and_then(|at| files.get(at as usize)) {
        let loaded = loaded_by(&places, file);
        let loaded: Vec<(u32, Member)> = loaded.into_iter().filter_map(|at| Some((at, aside.remove(&at)?))).collect();
        for (at, member) in loaded {
            let digest = std::mem::take(&mut files[at as usize].digest);
            files[at as usize] = read(member, digest, None, search.as_mut());
            queue.push(at);
        }
    }
}

/// Reads the whole of the files that were only sifted, where they may run while the package is installed: there it
/// counts what calls what.
fn read_what_is_installed(files: &mut [File], mut sifted: HashMap<u32, Bytes>, starts: &[Start]) {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let places: HashMap<&str, u32> = paths.iter().enumerate().map(|(at, path)| (&**path, number(at))).collect();
    let begun = starts.iter().filter(|start| start.trigger == Trigger::Install).filter_map(started);
    let mut queue: Vec<u32> = begun.filter_map(|path| places.get(path).copied()).collect();
    let mut seen: HashSet<u32> = queue.iter().copied().collect();
    while let Some(at) = queue.pop() {
        let file = &mut files[at as usize];
        if let Some(bytes) = sifted.remove(&at) {
            file.facts = read::facts(&file.path, &bytes, file.facts.language, Reading::Whole, &mut |_| ());
        }
        let loaded = loaded_by(&places, file);
        queue.extend(loaded.into_iter().filter(|at| seen.insert(*at)));
    }
}

/// The files that a file loads.
fn loaded_by(places: &HashMap<&str, u32>, file: &File) -> Vec<u32> {
    let loaded = file.facts.imports.iter().flat_map(Import::modules);
    loaded.flat_map(|module| resolve(places, &file.path, file.facts.language, &module)).collect()
}

/// Looks at a file that was not seen before.
fn read(member: Member, digest: String, language: Option<Language>, mut search: Option<&mut Search<'_>>) -> File {
    let mut layers = |unit: &Unit| search.iter_mut().for_each(|search| search.layer(unit));
    let facts = read::facts(&member.path, &member.bytes, language, Reading::Sifted, &mut layers);
    let shape = read::shape(&member.bytes, facts.language, &digest);
    let found = search.map(|search| search.file(&member.path, &member.bytes));
    let (matches, whole) = found.unwrap_or_else(|| (Vec::new(), true));
    let (path, size) = (member.path, member.bytes.len() as u64);
    let (trigger, triggers) = (Trigger::Never, Vec::new());
    File { path, digest, size, trigger, facts, triggers, shape, matches, unsearched: !whole, unread: false }
}

/// The files of earlier inspections by what decides what is known of them: content, and the extension that tells the
/// language. Only those that were read, and searched for the same rules of YARA, to their end.
fn seen_before<'a>(earlier: &[&'a Inspection], searched: &str) -> HashMap<(&'a str, &'a str), &'a File> {
    let current = earlier.iter().filter(|inspection| inspection.version == VERSION && inspection.searched == searched);
    let files = current.flat_map(|inspection| &inspection.files);
    let files = files.filter(|file| !file.path.contains(HOOK) && !file.unsearched && !file.unread);
    files.map(|file| ((&*file.digest, extension(&file.path)), file)).collect()
}

fn extension(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Files that a start runs as code, whatever they are called.
fn run_as(starts: &[Start]) -> HashMap<&str, Language> {
    let files = starts.iter().filter_map(started);
    files.filter(|path| extension(path) == "pth").map(|path| (path, Language::Python)).collect()
}

/// The command of a hook as a file of its own, beside the manifest that declares it.
fn hook(start: &Start) -> Option<File> {
    let (text, language) = match &start.code {
        Code::Shell(text) => (text, Language::Shell),
        Code::Python(text) => (text, Language::Python),
        Code::File(_) => return None,
    };
    let mut facts = crate::eval::facts(text, language);
    let spots =
        facts.acts.iter_mut().map(|act| &mut act.at).chain(facts.mentions.iter_mut().map(|mention| &mut mention.at));
    for spot in spots {
        spot.line = start.line;
    }
    facts.marks = crate::surface::of_text(text);
    Some(File {
        path: format!("{}{HOOK}{}", start.path, start.name),
        digest: Digest::of(text.as_bytes()).hex(),
        size: text.len() as u64,
        trigger: start.trigger,
        facts,
        triggers: Vec::new(),
        shape: String::new(),
        matches: Vec::new(),
        unsearched: false,
        unread: false,
    })
}

/// Which file loads which.
struct Links {
    /// For each file, the files that it loads: when, and which.
    edges: Vec<Vec<(Moment, u32, String)>>,
    starts: Vec<(Trigger, u32)>,
    /// The files that are run as programs, and not only loaded.
    programs: HashSet<u32>,
    /// Classes of which a compiler or builder calls the methods.
    extensions: HashSet<u32>,
}

impl Links {
    fn of(inspection: &Inspection) -> Self {
        let files: HashMap<&str, u32> =
            inspection.files.iter().enumerate().map(|(at, file)| (&*file.path, number(at))).collect();
        let mut edges: Vec<Vec<(Moment, u32, String)>> = Vec::with_capacity(inspection.files.len());
        for file in &inspection.files {
            let imports = file.facts.imports.iter();
            let modules = imports.flat_map(|import| import.modules().map(|module| (import.moment, module)));
            let targets = modules.flat_map(|(moment, module)| {
                let found = resolve(&files, &file.path, file.facts.language, &module);
                found.into_iter().map(move |target| (moment, target, module.clone()))
            });
            edges.push(targets.collect());
        }
        let mut starts = Vec::new();
        for start in &inspection.starts {
            let Code::File(path) = &start.code else { continue };
            starts.extend(files.get(&**path).map(|at| (start.trigger, *at)));
        }
        let hooks = inspection.files.iter().enumerate().filter(|(_, file)| file.path.contains(HOOK));
        starts.extend(hooks.map(|(at, file)| (file.trigger, number(at))));
        let started = starts.iter().filter(|(trigger, _)| matches!(trigger, Trigger::Install | Trigger::Command));
        let called = edges.iter().flatten().filter(|(.., module)| extension(module) == "py");
        let programs = started.map(|(_, at)| *at).chain(called.map(|(_, at, _)| *at)).collect();
        let is_class = |at: u32| inspection.files[at as usize].facts.language == Some(Language::Jvm);
        let extensions = starts.iter().filter(|(trigger, at)| *trigger == Trigger::Install && is_class(*at));
        let extensions = extensions.map(|(_, at)| *at).collect();
        Self { edges, starts, programs, extensions }
    }

    /// Gives files and acts their triggers, and finds what flows across files.
    fn settle(&self, inspection: &mut Inspection, is_test: fn(&str) -> bool) {
        let mut reached: Vec<Option<Trigger>> = vec![None; inspection.files.len()];
        let mut queue: VecDeque<(Trigger, u32)> = self.starts.iter().copied().collect();
        while let Some((trigger, at)) = queue.pop_front() {
            let slot = &mut reached[at as usize];
            if slot.is_some_and(|known| known <= trigger) {
                continue;
            }
            *slot = Some(trigger);
            for (moment, target, _) in &self.edges[at as usize] {
                queue.push_back((self.event(at, trigger, *moment), *target));
            }
        }
        let packages = packages(&inspection.starts);
        let spoken = self.spoken(inspection);
        for (file, reached) in inspection.files.iter_mut().zip(&reached) {
            file.trigger = reached.unwrap_or_else(|| unreached(file, &packages, &spoken, is_test));
        }
        calls::follow(self, inspection);
    }

    /// What sets code off that runs at a moment of a file which that event loads.
    fn event(&self, file: u32, loaded: Trigger, moment: Moment) -> Trigger {
        match moment {
            Moment::Load => loaded,
            Moment::Later if self.extensions.contains(&file) => loaded,
            Moment::Script if self.programs.contains(&file) => loaded,
            Moment::Script => loaded.max(Trigger::Command),
            Moment::Later => loaded.max(Trigger::Call),
        }
    }

    /// The languages of the files where code starts.
    fn spoken(&self, inspection: &Inspection) -> HashSet<Language> {
        let started = self.starts.iter().filter_map(|(_, at)| inspection.files.get(*at as usize));
        started.filter_map(|file| file.facts.language).collect()
    }

    /// The files that could not be read as the code that they are, and that may run: not those that only another program
    /// than the package's reads, such as a template of a script for browsers in a package of Python, and not sources of
    /// Rust that no other names, which no compiler sees.
    fn gaps(&self, inspection: &Inspection) -> Vec<Gap> {
        let spoken = self.spoken(inspection);
        let named: HashSet<u32> = self.edges.iter().flatten().map(|(_, at, _)| *at).collect();
        let started: HashSet<u32> = self.starts.iter().map(|(_, at)| *at).collect();
        let runs = |at: u32, file: &File| {
            let loose = !named.contains(&at) && !started.contains(&at);
            let foreign = file.facts.language.is_none_or(|is| is == Language::Rust || !spoken.contains(&is));
            file.trigger != Trigger::Never && !(loose && foreign)
        };
        let files = inspection.files.iter().enumerate().filter(|(at, file)| runs(number(*at), file));
        let mut gaps: Vec<Gap> = files
            .filter_map(|(_, file)| {
                let gap = file.facts.gaps.iter().find(|gap| gap.whole)?;
                Some(Gap::new(GapKind::Limit, format!("`{}` could not be parsed: {}", file.path, gap.what)))
            })
            .collect();
        let more = gaps.len().saturating_sub(MAX_GAPS);
        gaps.truncate(MAX_GAPS);
        if more > 0 {
            gaps.push(Gap::new(GapKind::Limit, format!("{more} more files could not be parsed")));
        }
        gaps
    }
}

/// The folders of the modules that are loaded at an import: whatever lies in them can be loaded by its name.
fn packages(starts: &[Start]) -> Vec<String> {
    let loaded = starts.iter().filter(|start| start.trigger == Trigger::Import);
    let folders = loaded.filter_map(|start| match &start.code {
        Code::File(path) => path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")),
        _ => None,
    });
    folders.collect()
}

/// When a file runs that nothing of the package loads: modules of a package of Python and classes of Java are loaded by
/// their names. Scripts beside the package are not.
///
/// What no program that installs or loads the package speaks is not run at all: scripts of a shell, and of Python in a
/// package of another language. Nor are tools of those who develop it.
fn unreached(file: &File, packages: &[String], spoken: &HashSet<Language>, is_test: fn(&str) -> bool) -> Trigger {
    if is_test(&file.path) {
        return Trigger::Never;
    }
    match file.facts.language {
        Some(Language::Jvm) => Trigger::Import,
        Some(Language::Python) if packages.iter().any(|folder| is_module(&file.path, folder)) => Trigger::Import,
        Some(Language::Python) if TOOLS.iter().any(|folder| file.path.starts_with(folder)) => Trigger::Never,
        Some(Language::Shell | Language::PowerShell) => Trigger::Never,
        Some(Language::Python) if !spoken.is_empty() && !spoken.contains(&Language::Python) => Trigger::Never,
        _ => Trigger::Call,
    }
}

/// True if a file can be loaded by a name from a package: it lies in its folder, and in no archive there.
fn is_module(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|inside| !inside.contains("!/"))
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Facts of a text, for tools that look at one file.
pub fn facts(path: &str, bytes: &[u8]) -> Facts {
    read::facts(path, bytes, None, Reading::Whole, &mut |_| ())
}

#[cfg(test)]
mod tests;
