//! What the platform's functions do: a table for each language, as data.
//!
//! One entry a line: `<path> <capability> [key=value …]`. A path is canonical, with dots; `*` is any segment, `a|b` are
//! alternatives, and what a call returns is the path with `()`. A value names arguments: a position, a keyword,
//! alternatives of them with `|`, `any`, `last`, an option of a command (`-e`: what follows it), or `stdin`. Later lines
//! of one path add to it. `with` names arguments of which one has to be given. `alias a b` says that `a` is another name
//! of `b`.

use std::sync::LazyLock;

use crate::capability::{Capability, Source};
use crate::ir::Language;
use rustc_hash::{FxHashMap as HashMap, FxHashSet};

/// The table of a language.
pub(crate) struct Catalogue {
    exact: HashMap<String, Vec<Entry>>,
    /// Paths with a `*`, by their segments.
    wild: HashMap<String, Vec<Wild>>,
    aliases: HashMap<String, String>,
    /// The first segments of all paths: most paths of a program begin with none of them.
    firsts: FxHashSet<String>,
}

/// A path's segments, and its entries.
type Wild = (Vec<String>, Vec<Entry>);

/// What one entry says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) capability: Option<Capability>,
    pub(crate) when: When,
    /// What the detail is made of: the first of these that is known.
    pub(crate) details: Vec<Pick>,
    /// A detail that does not depend on arguments.
    pub(crate) detail: Option<String>,
    /// A whole command line.
    pub(crate) shell: Vec<Pick>,
    /// A command's words.
    pub(crate) command: Vec<Pick>,
    pub(crate) arguments: Vec<Pick>,
    /// Text that is run as code.
    pub(crate) code: Vec<Pick>,
    pub(crate) language: Option<Language>,
    /// A file that is run.
    pub(crate) script: Vec<Pick>,
    /// Functions that are called.
    pub(crate) calls: Vec<Pick>,
    /// What the result comes from.
    pub(crate) result: Option<Source>,
    /// What the parameters of callbacks come from.
    pub(crate) callback: Option<Source>,
    /// It applies to calls with this many arguments only.
    pub(crate) arity: Option<usize>,
    /// It applies only if one of these is given, or may be among what is not known.
    pub(crate) with: Vec<Pick>,
    /// An argument and whether it says that a file is written.
    pub(crate) mode: Option<(Vec<Pick>, bool)>,
    /// A keyword that has to be false.
    pub(crate) when_false: Option<String>,
    /// The name is what the last `*` of the path matched.
    pub(crate) name_from_path: bool,
}

/// What has to happen for an act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum When {
    /// A call.
    #[default]
    Called,
    /// An access.
    Read,
    /// An assignment.
    Assigned,
}

/// Which argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pick {
    At(usize),
    Named(String),
    Any,
    Last,
    After(String),
}

impl Catalogue {
    /// The table of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        macro_rules! table {
            ($file:literal) => {{
                static TABLE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(include_str!($file)));
                &TABLE
            }};
        }
        match language {
            Language::JavaScript => table!("javascript.txt"),
            Language::Python => table!("python.txt"),
            Language::Jvm => table!("jvm.txt"),
            Language::Rust => table!("rust.txt"),
            Language::Shell => table!("shell.txt"),
            Language::PowerShell => table!("powershell.txt"),
        }
    }

    /// The entries of a path, exact before wild.
    pub(crate) fn find(&self, path: &str) -> &[Entry] {
        let first = path.split('.').next().unwrap_or(path);
        if !self.firsts.contains(first) && !self.firsts.contains("*") {
            return &[];
        }
        if let Some(entries) = self.exact.get(path) {
            return entries;
        }
        let candidates = [first, "*"].into_iter().filter_map(|key| self.wild.get(key)).flatten();
        let segments: Vec<&str> = path.split('.').collect();
        let matches = |pattern: &[String]| {
            pattern.len() == segments.len() && pattern.iter().zip(&segments).all(|(want, is)| want == "*" || want == is)
        };
        candidates.into_iter().find(|(pattern, _)| matches(pattern)).map_or(&[], |(_, entries)| entries)
    }

    /// True if the table knows anything that begins as a path does.
    pub(crate) fn has_root(&self, path: &str) -> bool {
        self.firsts.contains(path.split('.').next().unwrap_or(path))
    }

    /// The paths that come to an act, to data from somewhere, or to more code. Without `*` and `()`: `a.B.new.run`.
    pub(crate) fn telling(&self) -> impl Iterator<Item = Vec<&str>> {
        let tell = |entries: &[Entry]| entries.iter().any(Entry::tells);
        let exact = self.exact.iter().filter(move |(_, entries)| tell(entries));
        let exact = exact.map(|(path, _)| path.split('.').collect());
        let wild = self.wild.values().flatten().filter(move |(_, entries)| tell(entries));
        let wild = wild.map(|(path, _)| path.iter().map(String::as_str).filter(|segment| *segment != "*").collect());
        exact
            .chain(wild)
            .map(|path: Vec<&str>| path.into_iter().map(|segment| segment.trim_end_matches("()")).collect())
    }

    /// The path that this one is another name of, by its longest prefix that is an alias.
    pub(crate) fn canonical(&self, path: &str) -> Option<String> {
        if self.aliases.is_empty() {
            return None;
        }
        if let Some(target) = self.aliases.get(path) {
            return Some(target.clone());
        }
        let ends = path.char_indices().rev().filter(|(_, c)| *c == '.').map(|(at, _)| at);
        ends.into_iter().find_map(|end| {
            let target = self.aliases.get(&path[..end])?;
            Some(format!("{target}{}", &path[end..]))
        })
    }

    fn parse(text: &str) -> Self {
        let mut table = Self {
            exact: HashMap::default(),
            wild: HashMap::default(),
            aliases: HashMap::default(),
            firsts: FxHashSet::default(),
        };
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [first, ..] if first.starts_with('#') => {}
                ["alias", from, to] => {
                    for from in alternatives(from) {
                        table.aliases.insert(from, (*to).to_owned());
                    }
                }
                [path, capability, keys @ ..] => table.enter(path, capability, keys),
                [] | [_] => {}
            }
        }
        table
    }

    fn enter(&mut self, path: &str, capability: &str, keys: &[&str]) {
        let entry = Entry::parse(capability, keys);
        for path in alternatives(path) {
            self.firsts.insert(path.split('.').next().unwrap_or(&path).to_owned());
            if !path.split('.').any(|segment| segment == "*") {
                self.exact.entry(path).or_default().push(entry.clone());
                continue;
            }
            let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
            let list = self.wild.entry(segments[0].clone()).or_default();
            match list.iter_mut().find(|(known, _)| *known == segments) {
                Some((_, entries)) => entries.push(entry.clone()),
                None => list.push((segments, vec![entry.clone()])),
            }
        }
    }
}

/// The paths that a path with alternatives in its segments stands for.
fn alternatives(path: &str) -> Vec<String> {
    let mut paths = vec![String::new()];
    for segment in path.split('.') {
        let longer = paths.iter().flat_map(|path| {
            segment.split('|').map(
                move |choice| {
                    if path.is_empty() { choice.to_owned() } else { format!("{path}.{choice}") }
                },
            )
        });
        paths = longer.collect();
    }
    paths
}

impl Entry {
    /// True if more comes of it than calls of functions that it is given.
    fn tells(&self) -> bool {
        let runs = [&self.shell, &self.command, &self.code, &self.script].into_iter().any(|picks| !picks.is_empty());
        self.capability.is_some() || self.result.is_some() || self.callback.is_some() || runs
    }

    fn parse(capability: &str, keys: &[&str]) -> Self {
        let mut entry = Self { capability: capability.parse().ok(), ..Self::default() };
        for key in keys {
            let (key, value) = key.split_once('=').unwrap_or((key, ""));
            let picks = || value.split('|').filter_map(Pick::parse).collect::<Vec<_>>();
            match key {
                "read" => entry.when = When::Read,
                "assigned" => entry.when = When::Assigned,
                "name" if value == "*" => entry.name_from_path = true,
                "url" | "host" | "path" | "name" => entry.details.extend(picks()),
                "detail" => entry.detail = Some(value.replace('_', " ")),
                "shell" => entry.shell = picks(),
                "command" => entry.command = picks(),
                "arguments" => entry.arguments = picks(),
                "code" => entry.code = picks(),
                "language" => entry.language = language(value),
                "script" => entry.script = picks(),
                "calls" => entry.calls = picks(),
                "result" => entry.result = value.parse().ok(),
                "callback" => entry.callback = value.parse().ok(),
                "arity" => entry.arity = value.parse().ok(),
                "with" => entry.with = picks(),
                "mode" => entry.mode = Some((vec![], value == "w")),
                "when" => entry.when_false = value.split(':').next().map(str::to_owned),
                _ => {}
            }
        }
        if let Some((picks, _)) = &mut entry.mode {
            *picks = vec![Pick::At(1), Pick::Named("mode".to_owned())];
        }
        entry
    }
}

fn language(name: &str) -> Option<Language> {
    Some(match name {
        "javascript" => Language::JavaScript,
        "python" => Language::Python,
        "shell" => Language::Shell,
        "powershell" => Language::PowerShell,
        _ => return None,
    })
}

impl Pick {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" => return None,
            "any" => Self::Any,
            "last" => Self::Last,
            _ if text.starts_with('-') || text.starts_with('/') => Self::After(text.to_owned()),
            _ => text.parse().map_or_else(|_| Self::Named(text.to_owned()), Self::At),
        })
    }
}
