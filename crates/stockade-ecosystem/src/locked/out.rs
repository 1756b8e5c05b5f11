//! What a reader writes into: entries and problems, both bounded.

use std::fmt::Display;

use stockade_model::{Integrity, Malformed, MalformedDigest, redacted};

use super::{Locked, MAX_ENTRIES, MAX_PROBLEMS, Parsed};
use crate::{Include, Problem};

/// The fewest digits of a commit that is written short.
const MIN_COMMIT: usize = 7;

/// The entries and the problems of a file that is being read.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) entries: Vec<Locked>,
    problems: Vec<Problem>,
    notices: Vec<Problem>,
    includes: Vec<Include>,
    /// How many problems there were besides.
    more: usize,
    is_full: bool,
}

impl Out {
    /// Adds an entry and returns its place; `None` if there are too many.
    pub(crate) fn push(&mut self, entry: Locked) -> Option<u32> {
        if self.entries.len() >= MAX_ENTRIES {
            if !self.is_full {
                self.is_full = true;
                self.problem(entry.line, format!("more than {MAX_ENTRIES} entries; none is read from here on"));
            }
            return None;
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).ok()
    }

    /// Makes room for as many entries. One that grows as they come is moved again and again.
    pub(crate) fn expect(&mut self, entries: usize) {
        self.entries.reserve(entries.min(MAX_ENTRIES));
    }

    /// Adds a problem in a line.
    pub(crate) fn problem(&mut self, line: u32, what: impl Into<String>) {
        self.add(Problem::at(line, what));
    }

    /// Adds a problem of the whole file.
    pub(crate) fn problem_of_all(&mut self, what: impl Into<String>) {
        self.add(Problem::new(what));
    }

    /// Says of something wanted that no version of it is named. No lockfile is there to say it.
    pub(crate) fn open(&mut self, line: u32, name: &str, wanted: &str) {
        let (name, wanted) = (name.escape_debug(), wanted.escape_debug());
        self.problem(line, format!("which `{name}` is taken is not decided: {wanted}"));
    }

    /// Adds what was understood and somebody should know. As many are kept as of entries.
    pub(crate) fn notice(&mut self, line: u32, what: impl Into<String>) {
        if self.notices.len() < MAX_ENTRIES {
            self.notices.push(Problem::at(line, without_secrets(&what.into())));
        }
    }

    /// Adds a file of which more is taken.
    pub(crate) fn include(&mut self, line: u32, path: &str) {
        if self.includes.len() < MAX_PROBLEMS {
            self.includes.push(Include { path: path.to_owned(), line });
        } else {
            self.problem(line, format!("it takes more from `{}`, and from too many other files", path.escape_debug()));
        }
    }

    /// Adds what the other side of a merge has besides entries.
    pub(super) fn join(&mut self, other: Parsed<Vec<Locked>>) {
        for problem in other.problems {
            self.add(problem);
        }
        let of_other = other.notices.into_iter().filter(|notice| !self.notices.contains(notice)).collect::<Vec<_>>();
        self.notices.extend(of_other);
        for Include { path, line } in other.includes {
            if !self.includes.iter().any(|known| known.path == path) {
                self.include(line, &path);
            }
        }
    }

    pub(super) fn add(&mut self, mut problem: Problem) {
        problem.what = without_secrets(&problem.what);
        if self.problems.len() < MAX_PROBLEMS {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        } else {
            self.more += 1;
        }
    }

    /// The value, or its error as a problem.
    pub(crate) fn take<T>(&mut self, line: u32, value: Result<T, Malformed>) -> Option<T> {
        value.map_err(|error| self.problem(line, error.to_string())).ok()
    }

    /// Reads digests that are written as subresource integrity, or with a `:` and in hexadecimal digits.
    pub(crate) fn integrity(&mut self, line: u32, of: impl Display, text: &str) -> Option<Integrity> {
        self.digests(line, of, Integrity::parse(text))
    }

    /// The digests, or a problem that says whose they are.
    pub(crate) fn digests(
        &mut self,
        line: u32,
        of: impl Display,
        digests: Result<Integrity, MalformedDigest>,
    ) -> Option<Integrity> {
        digests.map_err(|error| self.problem(line, format!("the digest of {of} cannot be read: {error}"))).ok()
    }

    /// What came of it.
    pub(crate) fn parsed(mut self) -> Parsed<Vec<Locked>> {
        if self.more > 0 {
            self.problems.push(Problem::new(format!("there are {} more problems", self.more)));
        }
        for entry in &mut self.entries {
            entry.needs.sort_unstable();
            entry.needs.dedup();
        }
        let Self { entries: value, problems, notices, includes, .. } = self;
        Parsed { value, problems, notices, includes }
    }
}

/// A sentence, in which addresses may be repeated, without what may be a credential in them.
fn without_secrets(text: &str) -> String {
    let mut rest = text;
    let mut told = String::with_capacity(text.len());
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = after.find(|c: char| c.is_whitespace() || c == '`').unwrap_or(after.len());
        told.push_str(before);
        let address = redacted(&format!("x://{}", &after[..end]));
        told.push_str(address.strip_prefix("x://").unwrap_or_default());
        rest = &after[end..];
    }
    told + rest
}

/// An address as it is written, without what may be a credential.
pub(crate) fn address(text: &str) -> String {
    redacted(text.trim())
}

/// The address of a repository, without what may be a credential and with the commit.
pub(crate) fn git_address(text: &str, commit: Option<&str>) -> String {
    let written = text.rsplit_once('#').map(|(_, fragment)| fragment);
    let is_commit = |text: &&str| text.len() >= MIN_COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match commit.or(written).filter(is_commit) {
        Some(commit) => format!("{}#{commit}", address(text)),
        None => address(text),
    }
}
