//! Goes through folders with as many threads as there are processors. Links are not followed, and what is neither a file nor a
//! folder is passed over: a pipe has no content, only a reader who waits.

use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::Swept;
use super::search::Searcher;

/// How many files and folders are looked at.
const MAX_ENTRIES: u64 = 50_000_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 512;
/// How many files of one folder a thread takes at once.
const BATCH: usize = 256;

/// Something that a thread takes and does.
enum Work {
    Folder(PathBuf, usize),
    Files(Vec<PathBuf>),
}

/// What is to be done.
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    entries: AtomicU64,
}

struct Waiting {
    work: Vec<Work>,
    /// How many threads do something, from which more work may come.
    busy: usize,
}

/// Lets searchers look at all files at and below these paths.
pub(super) fn walk<'m>(paths: &[&Path], searcher: impl Fn() -> Searcher<'m> + Sync) -> io::Result<Vec<Swept>> {
    let work = |path: &&Path| {
        if path.is_dir() { Work::Folder(path.to_path_buf(), 0) } else { Work::Files(vec![path.to_path_buf()]) }
    };
    let waiting = Waiting { work: paths.iter().rev().map(work).collect(), busy: 0 };
    let queue = Queue { waiting: Mutex::new(waiting), changed: Condvar::new(), entries: AtomicU64::new(0) };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let run = || {
            let mut searcher = searcher();
            while let Some(work) = queue.take() {
                let more = queue.perform(work, &mut searcher);
                queue.done(more);
            }
            searcher.finish()
        };
        let running = (0..threads).map(|_| std::thread::Builder::new().spawn_scoped(scope, run));
        let running = running.collect::<io::Result<Vec<_>>>()?;
        let ended = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|part| part.map_err(|_| io::Error::other("a thread that reads files broke off"))).collect()
    })
}

impl Queue {
    /// The next work; `None` if there is none and will be none.
    fn take(&self) -> Option<Work> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(work) = waiting.work.pop() {
                waiting.busy += 1;
                return Some(work);
            }
            if waiting.busy == 0 {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, more: Vec<Work>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.work.extend(more);
        waiting.busy -= 1;
        self.changed.notify_all();
    }

    /// Does some work, and says what came up.
    fn perform(&self, work: Work, searcher: &mut Searcher<'_>) -> Vec<Work> {
        match work {
            Work::Files(files) => {
                for file in &files {
                    searcher.file(file);
                }
                Vec::new()
            }
            Work::Folder(folder, depth) => {
                let entries = std::fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
                match entries {
                    Ok(entries) => self.folder(&folder, &entries, depth, searcher),
                    Err(error) => {
                        searcher.unseen(&folder, &error);
                        Vec::new()
                    }
                }
            }
        }
    }

    fn folder(&self, folder: &Path, entries: &[DirEntry], depth: usize, searcher: &mut Searcher<'_>) -> Vec<Work> {
        let count = entries.len() as u64;
        if self.entries.fetch_add(count, Ordering::Relaxed) + count > MAX_ENTRIES {
            searcher.unseen(folder, &format!("there are more than {MAX_ENTRIES} files; the rest was not looked at"));
            return Vec::new();
        }
        let (mut files, mut more) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => more.push(Work::Folder(entry.path(), depth + 1)),
                Ok(kind) if kind.is_dir() => searcher.unseen(&entry.path(), &"it is too deep"),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                Ok(_) => {}
                Err(error) => searcher.unseen(&entry.path(), &error),
            }
        }
        if files.len() > BATCH {
            more.extend(files.chunks(BATCH).map(|files| Work::Files(files.to_vec())));
        } else {
            for file in &files {
                searcher.file(file);
            }
        }
        more
    }
}
