//! The history of a repository's lockfiles, as the installed git has it.
//!
//! A repository may be a stranger's, and its own configuration can name programs that git runs. So only plumbing is asked,
//! which reads objects and shows nothing to anybody: `rev-list`, `diff-tree` and `cat-file`. Nothing is fetched, also where
//! a clone left out what it would fetch when asked; what is not there is a gap.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use stockade_ecosystem::{ALL, Lockfile};
use stockade_engine::inventory::{File, Look, Part};
use tokio::io::{AsyncBufReadExt, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;

use crate::process;

/// How many commits are walked.
const MAX_COMMITS: usize = 1_000_000;
/// How many times a lockfile may have changed; of more, the newest are looked at.
const MAX_LOOKS: usize = 5_000;
/// The largest lockfile that is read, in bytes, and what all of them may have.
const MAX_BLOB: u64 = 128 << 20;
const MAX_BLOBS: u64 = 8 << 30;
/// How many entries are kept of all lockfiles.
const MAX_PARTS: usize = 2_000_000;
/// How much git may say about commits and paths, in bytes.
const MAX_SAID: u64 = 1 << 30;
/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_mins(10);
/// A name of an object, and how git says that it has none.
const NO_OBJECT: char = '0';

/// The longest complaint of git that is read, in bytes.
const MAX_COMPLAINT: u64 = 1_000;

/// What git is told whatever a repository's configuration says.
const ARGUMENTS: [&str; 5] =
    ["--no-pager", "--no-replace-objects", "--no-optional-locks", "-c", "core.fsmonitor=false"];
/// Nothing is asked of anybody, over any protocol.
const ENVIRONMENT: [(&str, &str); 4] =
    [("GIT_NO_LAZY_FETCH", "1"), ("GIT_ALLOW_PROTOCOL", "none"), ("GIT_TERMINAL_PROMPT", "0"), ("LC_ALL", "C")];

/// A commit that changed a lockfile, with all lockfiles that there are from then on.
struct Change {
    at: Timestamp,
    files: BTreeMap<String, String>,
}

/// What is read of a blob, and why not.
type Blob = Result<(Arc<[Part]>, Vec<String>), String>;
/// Blobs by what they are read as: the place of a sort of lockfile, and the object.
type Blobs = HashMap<(&'static str, String), Blob>;

/// The lockfiles below a folder, from each commit on that changed them and leads to where the repository is, the oldest first.
pub(crate) async fn history(folder: &Path, now: Timestamp) -> anyhow::Result<Vec<Look>> {
    let arguments = ["rev-parse", "--is-shallow-repository", "--verify", "HEAD^{commit}"];
    let said = ask(folder, &arguments, Vec::new()).await;
    let said = said.with_context(|| format!("`{}` has no history that git can read", folder.display()))?;
    let is_shallow = said.starts_with(b"true");
    let commits = commits(folder).await?;
    let mut gaps = Vec::new();
    if is_shallow {
        gaps.push("the repository is a shallow clone; what was before its oldest commit is not there".to_owned());
    }
    let mut changes = changes(folder, &commits, now).await?;
    if let Some(more) = changes.len().checked_sub(MAX_LOOKS).filter(|more| *more > 0) {
        changes.drain(..more);
        gaps.push(format!("lockfiles changed more than {MAX_LOOKS} times; the first {more} were not looked at"));
    }
    let blobs = blobs(folder, &changes).await?;
    let mut looks: Vec<Look> = changes.iter().map(|change| look(change, &blobs)).collect();
    if let Some(first) = looks.first_mut() {
        first.gaps.extend(gaps);
    }
    Ok(looks)
}

/// Commits with the first of their parents, the oldest first.
async fn commits(folder: &Path) -> anyhow::Result<Vec<(Timestamp, String)>> {
    let count = format!("--max-count={}", MAX_COMMITS + 1);
    let arguments = ["rev-list", "--first-parent", "--parents", "--timestamp", &count, "HEAD", "--"];
    let said = String::from_utf8(ask(folder, &arguments, Vec::new()).await?)?;
    let mut commits: Vec<(Timestamp, String)> = Vec::new();
    for line in said.lines() {
        let (second, names) = line.split_once(' ').context("git lists a commit without a time")?;
        let at = Timestamp::from_second(second.parse()?)?;
        // The commit and its first parent: told so, git compares these two alone.
        let pair: Vec<&str> = names.split(' ').take(2).collect();
        commits.push((at, pair.join(" ")));
    }
    ensure!(commits.len() <= MAX_COMMITS, "the history has more than {MAX_COMMITS} commits");
    commits.reverse();
    Ok(commits)
}

/// The commits that changed a lockfile.
async fn changes(folder: &Path, commits: &[(Timestamp, String)], now: Timestamp) -> anyhow::Result<Vec<Change>> {
    let arguments =
        ["diff-tree", "--stdin", "-r", "--root", "--raw", "--no-abbrev", "--no-renames", "-z", "--relative"];
    let input: String = commits.iter().map(|(_, pair)| pair.clone() + "\n").collect();
    let said = ask(folder, &arguments, input.into_bytes()).await?;
    let mut times = commits.iter().map(|(at, pair)| (*at, pair.split(' ').next().unwrap_or_default()));
    let mut changes: Vec<Change> = Vec::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut at = Timestamp::UNIX_EPOCH;
    let mut words = said.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    while let Some(word) = words.next() {
        let Some(entry) = word.strip_prefix(':') else {
            if !word.is_empty() {
                let (time, _) =
                    times.find(|(_, name)| *name == word).context("git tells of a commit it did not list")?;
                // A clock that was wrong does not change what came after what.
                at = time.max(at).min(now);
            }
            continue;
        };
        let path = words.next().context("git tells of a change of nothing")?;
        let [_, mode, _, object, ..] = entry.split(' ').collect::<Vec<_>>()[..] else {
            bail!("git tells of half a change")
        };
        if sorts(&path).next().is_none() {
            continue;
        }
        let is_file = mode.starts_with("100") && object.contains(|c| c != NO_OBJECT);
        let changed = if is_file {
            files.insert(path.into_owned(), object.to_owned()).as_deref() != Some(object)
        } else {
            files.remove(&*path).is_some()
        };
        match changes.last_mut() {
            _ if !changed => {}
            Some(last) if last.at == at => last.files.clone_from(&files),
            _ => changes.push(Change { at, files: files.clone() }),
        }
    }
    Ok(changes)
}

/// The sorts of lockfile that a path names.
fn sorts(path: &str) -> impl Iterator<Item = &'static Lockfile> {
    let all = ALL.iter().flat_map(|ecosystem| ecosystem.lockfiles.iter().copied());
    all.filter(move |lockfile| (lockfile.matches)(path))
}

/// Reads each blob once.
async fn blobs(folder: &Path, changes: &[Change]) -> anyhow::Result<Blobs> {
    let mut wanted: Vec<(&'static Lockfile, &str)> = Vec::new();
    let mut known = HashSet::new();
    for (path, object) in changes.iter().flat_map(|change| &change.files) {
        let new = sorts(path).filter(|sort| known.insert((sort.name, object.as_str())));
        wanted.extend(new.collect::<Vec<_>>().into_iter().map(|sort| (sort, object.as_str())));
    }
    let input: String = wanted.iter().flat_map(|(_, object)| [*object, "\n"]).collect();
    let mut left = MAX_PARTS;
    let mut blobs = Blobs::new();
    let reading = async |output: &mut ChildStdout| {
        let mut output = BufReader::new(output.take(MAX_BLOBS));
        for (sort, object) in wanted {
            let blob = match next_blob(&mut output, object).await? {
                Ok(bytes) => read(sort, &bytes, &mut left),
                Err(why) => Err(why),
            };
            blobs.insert((sort.name, object.to_owned()), blob);
        }
        Ok(())
    };
    converse(folder, &["cat-file", "--batch", "--buffer"], input.into_bytes(), reading).await?;
    Ok(blobs)
}

/// The next object that git prints; the inner error says why its bytes are not there.
async fn next_blob(
    output: &mut (impl AsyncBufReadExt + Unpin),
    object: &str,
) -> anyhow::Result<Result<Vec<u8>, String>> {
    let mut head = String::new();
    output.read_line(&mut head).await?;
    let words: Vec<&str> = head.trim_end().split(' ').collect();
    match words[..] {
        [name, "blob", size] if name == object => {
            let size: u64 = size.parse()?;
            if size > MAX_BLOB {
                tokio::io::copy(&mut (&mut *output).take(size + 1), &mut tokio::io::sink()).await?;
                return Ok(Err(format!("it has more than {MAX_BLOB} bytes")));
            }
            let mut bytes = Vec::new();
            let length = (&mut *output).take(size).read_to_end(&mut bytes).await?;
            ensure!(length as u64 == size, "the lockfiles have more than {MAX_BLOBS} bytes, or git ended early");
            output.read_u8().await?;
            Ok(Ok(bytes))
        }
        [name, why] if name == object => Ok(Err(format!("git says that it is {why}"))),
        _ => bail!("git gave another object than it was asked for"),
    }
}

fn read(sort: &Lockfile, bytes: &[u8], left: &mut usize) -> Blob {
    let parsed = (sort.parse)(bytes);
    *left = left.checked_sub(parsed.value.len()).ok_or("the history's lockfiles have too many entries")?;
    let problems = parsed.problems.into_iter().map(|problem| match problem.line {
        Some(line) => format!("line {line}: {}", problem.what),
        None => problem.what,
    });
    Ok((parsed.value.iter().map(Part::from).collect(), problems.collect()))
}

fn look(change: &Change, blobs: &Blobs) -> Look {
    let mut look = Look { at: change.at, files: Vec::new(), gaps: Vec::new() };
    for (path, object) in &change.files {
        for sort in sorts(path) {
            match blobs.get(&(sort.name, object.clone())) {
                Some(Ok((parts, problems))) => {
                    look.gaps.extend(problems.iter().map(|problem| format!("{path}: {problem}")));
                    look.files.push(File { path: path.clone(), parts: Arc::clone(parts) });
                }
                Some(Err(why)) => look.gaps.push(format!("{path}: {why}")),
                None => look.gaps.push(format!("{path}: it was not read")),
            }
        }
    }
    look
}

/// All that git prints.
async fn ask(folder: &Path, arguments: &[&str], input: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut said = Vec::new();
    let reading = async |output: &mut ChildStdout| {
        output.take(MAX_SAID + 1).read_to_end(&mut said).await?;
        ensure!(said.len() as u64 <= MAX_SAID, "git says more than {MAX_SAID} bytes about the history");
        Ok(())
    };
    converse(folder, arguments, input, reading).await?;
    Ok(said)
}

/// Tells git something and reads what it answers.
async fn converse(
    folder: &Path,
    arguments: &[&str],
    input: Vec<u8>,
    reading: impl AsyncFnOnce(&mut ChildStdout) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // From a file, so that neither waits for the other.
    let mut file = tempfile::tempfile().context("a temporary file could not be made")?;
    file.write_all(&input)?;
    std::io::Seek::rewind(&mut file)?;
    let mut command = process::command("git".as_ref());
    command.args(ARGUMENTS).args(arguments).envs(ENVIRONMENT).current_dir(folder);
    command.stdin(file).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("`git` could not be started; the history is read with it")?;
    let (mut output, complaint) = (child.stdout.take(), child.stderr.take());
    let output = output.as_mut().context("git has no output")?;
    let complaint = complaint.context("git has no output")?;
    let answer = async {
        let mut words = String::new();
        let complaining = async { complaint.take(MAX_COMPLAINT).read_to_string(&mut words).await };
        let (read, _) = tokio::join!(reading(output), complaining);
        if read.is_err() {
            let _ = child.start_kill();
        }
        let status = child.wait().await?;
        let line = words.lines().next().unwrap_or_default();
        ensure!(status.success() || read.is_err(), "`git {}` failed: {line}", arguments.first().unwrap_or(&""));
        read
    };
    tokio::time::timeout(PATIENCE, answer).await.context("git did not answer in time")?
}
