//! Feeds, fetched: what has not changed is not sent again, and what cannot be used does not take the place of what can.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{ETAG, LAST_MODIFIED};
use sha2::{Digest as _, Sha256};
use stockade_advisory::{Builder, Reading};
use stockade_ecosystem::Upstream;
use stockade_model::{Algorithm, Digest};

use super::files;
use super::reading::add_file;
use super::sources::{Checked, FOLDER, Failure, Feed, Kind, Sources};
use crate::upstream::{Ask, Dialler};
use crate::{Clock, EngineError, PATIENCE};

/// How long a feed may take as a whole.
const DEADLINE: Duration = Duration::from_mins(30);
/// The longest answer in bytes: all records of all ecosystems together have two.
const MAX_OSV: u64 = 4 << 30;
/// The longest answer of other kinds.
const MAX_OTHER: u64 = 256 << 20;

/// How many lengths a pause may have.
const CHANCES: u32 = 1000;

/// What became of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The feed.
    pub feed: Feed,
    /// What it answered.
    pub outcome: Result<Fetched, String>,
}

/// What a feed answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// What is here already.
    Unchanged,
    /// So many bytes.
    Changed(u64),
}

/// Fetches all feeds, one after the other. What goes wrong with one is written down beside what it answered before.
pub async fn update(
    sources: &Sources,
    hosts: &[String],
    data: &Path,
    clock: &Clock,
) -> Result<Vec<Updated>, EngineError> {
    let folder = folder(data)?;
    let _alone = tokio::task::spawn_blocking(move || files::lock(&folder)).await??;
    fetch(sources, |_| true, hosts, data, clock).await
}

/// Fetches each feed again when this time has passed since it was last tried, by whomever, for as long as it is polled. Where
/// somebody else is at it, it is left to them. What fails is the gap that it always is, and is tried again like the others.
pub async fn keep(sources: Sources, hosts: Vec<String>, data: PathBuf, clock: Clock, (every, chance): (Duration, u64)) {
    loop {
        match fetch_due(&sources, every, &hosts, &data, &clock).await {
            Ok(updated) => updated.iter().for_each(say),
            Err(error) => tracing::warn!(%error, "the feeds of advisories could not be fetched"),
        }
        tokio::time::sleep(pause(&sources, every, &data, clock(), chance)).await;
    }
}

async fn fetch_due(
    sources: &Sources,
    every: Duration,
    hosts: &[String],
    data: &Path,
    clock: &Clock,
) -> Result<Vec<Updated>, EngineError> {
    let folder = folder(data)?;
    let Some(_alone) = tokio::task::spawn_blocking(move || files::lock_if_free(&folder)).await?? else {
        return Ok(Vec::new());
    };
    let due = |checked: &Checked| wait(checked, every, clock()).is_zero();
    fetch(sources, due, hosts, data, clock).await
}

fn say(updated: &Updated) {
    let feed = updated.feed.name();
    match &updated.outcome {
        Ok(Fetched::Changed(bytes)) => tracing::info!(feed, bytes, "new advisories"),
        Ok(Fetched::Unchanged) => tracing::debug!(feed, "no new advisories"),
        Err(why) => tracing::warn!(feed, why, "advisories could not be fetched"),
    }
}

/// How long until the next feed is due, and a little more, so that not all gateways ask at once.
fn pause(sources: &Sources, every: Duration, data: &Path, now: Timestamp, chance: u64) -> Duration {
    let next = sources.feeds.iter().map(|feed| wait(&feed.checked(data), every, now)).min().unwrap_or(every);
    let tenth = every / 10;
    let more = u32::try_from(chance % u64::from(CHANCES)).unwrap_or_default();
    next.clamp(tenth, every) + tenth * more / CHANCES
}

/// How long until a feed is due. What was tried later than now was tried by another clock.
fn wait(checked: &Checked, every: Duration, now: Timestamp) -> Duration {
    let tried = checked.answered.max(checked.failed.as_ref().map(|failure| failure.at));
    let since = tried.and_then(|tried| Duration::try_from(now.duration_since(tried)).ok());
    since.map_or(Duration::ZERO, |since| every.saturating_sub(since))
}

/// The folder of what feeds answered. Whoever writes there has it locked.
fn folder(data: &Path) -> Result<PathBuf, EngineError> {
    crate::objects::layout(data, Vec::new())?;
    Ok(data.join(FOLDER))
}

/// Fetches those feeds that are wanted, with the folder locked.
async fn fetch(
    sources: &Sources,
    is_wanted: impl Fn(&Checked) -> bool,
    hosts: &[String],
    data: &Path,
    clock: &Clock,
) -> Result<Vec<Updated>, EngineError> {
    let upstreams: Vec<Upstream> =
        sources.feeds.iter().map(|feed| Upstream { url: feed.url.clone(), credential: None }).collect();
    let dialler = Dialler::new(upstreams.iter(), hosts, &[], PATIENCE)?;
    // What is not finished is of a process that was killed.
    files::sweep(&data.join(FOLDER), |name| !name.starts_with(files::UNFINISHED));
    let mut all = Vec::new();
    for feed in &sources.feeds {
        let known = feed.checked(data);
        if !is_wanted(&known) {
            continue;
        }
        // Nobody wants to read fractions of it.
        let now = Timestamp::from_second(clock().as_second()).unwrap_or_default();
        let fetching = Fetching { dialler: &dialler, feed, data, now };
        let outcome = match tokio::time::timeout(DEADLINE, fetching.fetch(&known)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("it took longer than {} minutes", DEADLINE.as_secs() / 60)),
        };
        let (checked, outcome) = match outcome {
            Ok((checked, fetched)) => (checked, Ok(fetched)),
            Err(why) => {
                let failed = Some(Failure { at: fetching.now, why: why.clone() });
                (Checked { failed, ..known }, Err(why))
            }
        };
        files::put(&feed.state(data), &serde_json::to_vec(&checked).map_err(io::Error::other)?)?;
        all.push(Updated { feed: feed.clone(), outcome });
    }
    Ok(all)
}

struct Fetching<'a> {
    dialler: &'a Dialler,
    feed: &'a Feed,
    data: &'a Path,
    now: Timestamp,
}

impl Fetching<'_> {
    async fn fetch(&self, known: &Checked) -> Result<(Checked, Fetched), String> {
        let content = self.feed.content(self.data);
        let is_whole = is_of(content.clone(), known.sha256.clone()).await?;
        let mut headers = Vec::new();
        if is_whole {
            headers.extend(known.etag.as_deref().map(|tag| ("if-none-match", tag)));
            headers.extend(known.last_modified.as_deref().map(|at| ("if-modified-since", at)));
        }
        let ask = Ask { headers: &headers, ..Ask::get(self.feed.url.clone()) };
        let response = self.dialler.send(&ask).await.map_err(|error| error.to_string())?;
        if response.status() == StatusCode::NOT_MODIFIED {
            let unchanged = Checked { answered: Some(self.now), failed: None, ..known.clone() };
            return if is_whole {
                Ok((unchanged, Fetched::Unchanged))
            } else {
                Err("it answered 304 unasked".to_owned())
            };
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
        let stored = |error: io::Error| format!("what it answered could not be stored: {error}");
        let mut file = files::unfinished(content.parent().unwrap_or(self.data)).map_err(stored)?;
        let (mut hasher, mut length) = (Sha256::new(), 0);
        let most = if self.feed.kind == Kind::Osv { MAX_OSV } else { MAX_OTHER };
        let taking = Dialler::each_chunk(response, most, |chunk| {
            hasher.update(chunk);
            length += chunk.len() as u64;
            file.write_all(chunk)
        });
        taking.await.map_err(|error| error.to_string())?;
        let sha256 = Digest::new(Algorithm::Sha256, &hasher.finalize()).map_err(|error| error.to_string())?;
        let is_other = !is_whole || known.sha256.as_ref() != Some(&sha256);
        if is_other {
            let kind = self.feed.kind;
            let keeping = move || {
                check(file.path(), kind)?;
                files::name(file, &content).map_err(stored)
            };
            tokio::task::spawn_blocking(keeping).await.map_err(|error| error.to_string())??;
        }
        let changed = if is_other { Some(self.now) } else { known.changed };
        let fetched = if is_other { Fetched::Changed(length) } else { Fetched::Unchanged };
        let answered = Some(self.now);
        Ok((Checked { answered, changed, failed: None, sha256: Some(sha256), etag, last_modified }, fetched))
    }
}

/// True if a file has the bytes that it is said to have.
async fn is_of(path: PathBuf, sha256: Option<Digest>) -> Result<bool, String> {
    let looking = move || sha256.is_some_and(|sha256| crate::objects::digest_of(&path).is_ok_and(|is| is == sha256));
    tokio::task::spawn_blocking(looking).await.map_err(|error| error.to_string())
}

/// Says why a file cannot be what it should be. What of a zip of records cannot be read is said of each record later.
pub(super) fn check(path: &Path, kind: Kind) -> Result<(), String> {
    let is_zip = kind == Kind::Osv && super::reading::is_zip(path);
    let mut builder = Builder::reading(if is_zip { Reading::Nothing } else { Reading::All });
    add_file(&mut builder, path, kind).map_err(|problem| problem.what)?;
    if let Some(lost) = builder.first_lost() {
        return Err(lost.to_string());
    }
    if builder.is_empty() && kind != Kind::List {
        return Err(format!("there is nothing in it of the kind `{}`", kind.as_str()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_due_when_its_time_has_passed_whatever_it_answered() {
        const EVERY: Duration = Duration::from_mins(15);
        let wait = |answered: Option<&str>, failed: Option<&str>| {
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let failed = failed.map(|text| Failure { at: at(text), why: "it was away".to_owned() });
            let checked = Checked { answered: answered.map(at), failed, ..Checked::default() };
            super::wait(&checked, EVERY, "2026-06-01T12:00:00Z".parse().unwrap()).as_secs()
        };
        assert_eq!(wait(None, None), 0);
        assert_eq!(wait(Some("2026-06-01T11:45:00Z"), None), 0);
        assert_eq!(wait(Some("2026-06-01T11:50:00Z"), None), 5 * 60);
        assert_eq!(wait(Some("2026-06-01T11:00:00Z"), Some("2026-06-01T11:50:00Z")), 5 * 60);
        assert_eq!(wait(None, Some("2026-06-01T11:46:00Z")), 60);
        assert_eq!(wait(Some("2026-06-01T13:00:00Z"), None), 0, "another clock");
    }

    #[test]
    fn a_pause_is_never_short_and_never_much_too_long() {
        const EVERY: Duration = Duration::from_mins(10);
        let data = tempfile::TempDir::with_prefix("stockade-").unwrap();
        let feed = Feed { url: "https://feeds.example/all.zip".parse().unwrap(), kind: Kind::Osv };
        let sources = Sources { feeds: vec![feed], ..Sources::default() };
        let pause = |chance| pause(&sources, EVERY, data.path(), Timestamp::UNIX_EPOCH, chance).as_secs();
        assert_eq!((pause(0), pause(500), pause(999)), (60, 90, 119), "it was never fetched");
    }
}
