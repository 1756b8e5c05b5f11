//! Entries whose keys are places in a tree of folders: what is needed lies in the folder itself, or in one above.

use std::collections::HashMap;

use memchr::memmem::FinderRev;

use crate::locked::Out;

/// The most bytes of paths that are looked up for one file: 512 MiB. A file of 5,000 entries has a hundredth.
const MAX_WORK: usize = 512 << 20;

/// The entries by their paths; `None` for those that are not entries, such as the project's own folders.
pub(super) struct Paths<'a> {
    entries: HashMap<&'a str, Option<u32>>,
    /// What is between a folder and what lies in it.
    between: &'static str,
    last: FinderRev<'static>,
    buffer: String,
    work: usize,
}

impl<'a> Paths<'a> {
    pub(super) fn new(between: &'static str) -> Self {
        let last = FinderRev::new(between);
        Self { entries: HashMap::new(), between, last, buffer: String::new(), work: 0 }
    }

    /// Adds a path. True if it is there already.
    pub(super) fn add(&mut self, path: &'a str, entry: Option<u32>) -> bool {
        self.entries.insert(path, entry).is_some()
    }

    /// What lies at a path.
    pub(super) fn at(&self, path: &str) -> Found {
        match self.entries.get(path) {
            Some(Some(entry)) => Found::Entry(*entry),
            Some(None) => Found::Own,
            None => Found::Nothing,
        }
    }

    /// What `from` finds under a name.
    pub(super) fn find(&mut self, from: &str, name: &str) -> Found {
        let mut folder = from;
        loop {
            self.work = self.work.saturating_add(folder.len() + name.len());
            if self.work > MAX_WORK {
                return Found::Own;
            }
            self.buffer.clear();
            if !folder.is_empty() {
                self.buffer.push_str(folder);
                self.buffer.push('/');
            }
            self.buffer.push_str(self.between);
            self.buffer.push_str(name);
            match self.entries.get(self.buffer.as_str()) {
                Some(Some(entry)) => return Found::Entry(*entry),
                Some(None) => return Found::Own,
                None if folder.is_empty() => return Found::Nothing,
                None => folder = self.above(folder),
            }
        }
    }

    /// Says it if it was too much to look for all.
    pub(super) fn finish(&self, out: &mut Out) {
        if self.work > MAX_WORK {
            out.problem_of_all("its paths are so long that it was not found out who needs whom");
        }
    }

    /// The folder in which a path is looked for next.
    fn above<'p>(&self, path: &'p str) -> &'p str {
        if self.between.is_empty() {
            // A name may have a scope before it.
            let (above, _) = path.rsplit_once('/').unwrap_or_default();
            let scope = above.rsplit('/').next().unwrap_or_default();
            return if scope.starts_with('@') {
                above[..above.len() - scope.len()].trim_end_matches('/')
            } else {
                above
            };
        }
        match self.last.rfind(path) {
            Some(at) => path[..at].trim_end_matches('/'),
            None => path.rsplit_once('/').map_or("", |(above, _)| above),
        }
    }
}

/// What is found under a name.
pub(super) enum Found {
    /// An entry.
    Entry(u32),
    /// A folder of the project.
    Own,
    Nothing,
}

impl IntoIterator for Found {
    type Item = u32;
    type IntoIter = std::option::IntoIter<u32>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Entry(entry) => Some(entry).into_iter(),
            Self::Own | Self::Nothing => None.into_iter(),
        }
    }
}
