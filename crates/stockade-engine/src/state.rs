//! What rulings rest on besides a release's own evidence: policy, advisories, and what people decided. When any of it
//! changes, a new epoch begins, and everything that was judged in an older one is judged again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use stockade_model::Digest;
use stockade_policy::Policy;

use crate::access::Token;
use crate::advisories::{self, MAX_DEPTH, Sources};
use crate::{Advisories, Engine, EngineError, Freeze, Store};

/// How often other processes' decisions, and new advisories, are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How many looks pass between two at the advisories' files.
const LOOKS_PER_ADVISORIES: u32 = 20;
/// How many files and folders of advisories are looked at for a change.
const MAX_STAMPED: usize = 1_000_000;

/// One epoch.
pub(crate) struct State {
    pub(crate) policy: Arc<Policy>,
    pub(crate) advisories: Arc<Advisories>,
    pub(crate) freeze: Option<Freeze>,
    /// Every token, by its hash.
    pub(crate) tokens: Arc<HashMap<Digest, Token>>,
    decisions: i64,
    stamp: Digest,
    /// What showed that there may be other advisories.
    signs: Digest,
    /// Names the epoch, the same in every process that has the same policy, advisories and decisions.
    pub(crate) epoch: Arc<str>,
}

/// What people decided: a freeze, who may do what, and the number that changes with any of it.
type Decided = (Option<Freeze>, Arc<HashMap<Digest, Token>>, i64);

impl State {
    pub(crate) async fn first(
        policy: Policy,
        sources: &Sources,
        (data, now): (&Path, Timestamp),
        store: &Store,
    ) -> Result<Self, EngineError> {
        let decisions = store.decisions_epoch().await?;
        let (freeze, tokens) = (store.frozen().await?, tokens(store).await?);
        let signs = stamp(&advisories::signs(data));
        let (advisories, stamp) = read(sources.clone(), data.to_owned(), now).await?;
        Ok(Self::new(Arc::new(policy), advisories, (stamp, signs), (freeze, tokens, decisions)))
    }

    fn new(
        policy: Arc<Policy>,
        advisories: Arc<Advisories>,
        (stamp, signs): (Digest, Digest),
        (freeze, tokens, decisions): Decided,
    ) -> Self {
        let stale = advisories.stale.join("\n");
        let named = Digest::of(format!("{} {} {decisions} {stale}", policy.digest(), stamp.hex()).as_bytes());
        let epoch = Arc::from(&named.hex()[..16]);
        Self { policy, advisories, freeze, tokens, decisions, stamp, signs, epoch }
    }
}

impl Engine {
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The name of the present epoch: it changes with the policy, the advisories and people's decisions.
    pub fn epoch(&self) -> Arc<str> {
        Arc::clone(&self.state().epoch)
    }

    /// Follows what other processes decide and what comes into the advisories' folders, for as long as it is polled. That an
    /// index is being made keeps no decision from counting.
    pub async fn follow(&self) {
        let decisions = async {
            loop {
                tokio::time::sleep(LOOK).await;
                said(self.look(false).await);
            }
        };
        let advisories = async {
            for looks in 0_u32.. {
                tokio::time::sleep(LOOK).await;
                said(self.look_at_advisories(looks % LOOKS_PER_ADVISORIES == 0).await);
            }
        };
        tokio::join!(decisions, advisories);
    }

    /// Begins a new epoch if anything has changed.
    pub(crate) async fn look(&self, at_advisories: bool) -> Result<(), EngineError> {
        if at_advisories {
            self.look_at_advisories(true).await?;
        }
        let _alone = self.0.changing.lock().await;
        let old = self.state();
        if self.0.store.decisions_epoch().await? != old.decisions {
            let stamps = (old.stamp.clone(), old.signs.clone());
            self.begin(&old, Arc::clone(&old.advisories), stamps).await?;
        }
        Ok(())
    }

    /// Begins a new epoch if there are other advisories: at once where another process made an index of them, and otherwise
    /// where all their files are looked at.
    async fn look_at_advisories(&self, at_all: bool) -> Result<(), EngineError> {
        let old = self.state();
        let signs = stamp(&advisories::signs(&self.0.data));
        if !at_all && signs == old.signs {
            return Ok(());
        }
        let (advisories, stamp) = self.advisories_since(&old).await?;
        if stamp == old.stamp && signs == old.signs && advisories.stale == old.advisories.stale {
            return Ok(());
        }
        let _alone = self.0.changing.lock().await;
        self.begin(&self.state(), advisories, (stamp, signs)).await
    }

    async fn begin(
        &self,
        old: &State,
        advisories: Arc<Advisories>,
        stamps: (Digest, Digest),
    ) -> Result<(), EngineError> {
        // The number comes first: what is decided while we read is read again.
        let decisions = self.0.store.decisions_epoch().await?;
        let decided = (self.0.store.frozen().await?, tokens(&self.0.store).await?, decisions);
        let state = State::new(Arc::clone(&old.policy), advisories, stamps, decided);
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        Ok(())
    }

    /// The advisories as they are now, with what of their files was read. While another process makes an index, those that
    /// are there stay in effect.
    async fn advisories_since(&self, old: &State) -> Result<(Arc<Advisories>, Digest), EngineError> {
        let (sources, data, now) = (self.0.sources.clone(), self.0.data.clone(), self.now());
        let (known, stamp) = (Arc::clone(&old.advisories), old.stamp.clone());
        let looking = move || {
            let found = advisories::stamp(&sources, &data);
            if found != stamp && !advisories::is_being_made(&data) {
                let read = Advisories::read(&sources, &data, &found, now);
                tracing::info!(records = read.records, "the advisories were read again");
                return (Arc::new(read), found);
            }
            let stale = known.gaps(&sources, &data, now);
            if stale == known.stale {
                return (known, stamp);
            }
            (Arc::new(known.with_stale(stale)), stamp)
        };
        Ok(tokio::task::spawn_blocking(looking).await?)
    }
}

fn said(outcome: Result<(), EngineError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "decisions or advisories could not be looked at");
    }
}

async fn tokens(store: &Store) -> Result<Arc<HashMap<Digest, Token>>, EngineError> {
    let tokens = store.tokens().await?.into_iter().map(|token| (token.hash.clone(), token));
    Ok(Arc::new(tokens.collect()))
}

async fn read(sources: Sources, data: PathBuf, now: Timestamp) -> Result<(Arc<Advisories>, Digest), EngineError> {
    let reading = move || {
        // The stamp comes first: what changes while we read is read again.
        let stamp = advisories::stamp(&sources, &data);
        (Arc::new(Advisories::read(&sources, &data, &stamp, now)), stamp)
    };
    Ok(tokio::task::spawn_blocking(reading).await?)
}

/// What tells whether the files of the advisories have changed: names, lengths and times, as deep as they are read.
pub(crate) fn stamp(sources: &[PathBuf]) -> Digest {
    let mut text = String::new();
    let mut left = MAX_STAMPED;
    for source in sources {
        add(source, 0, &mut left, &mut text);
    }
    Digest::of(text.as_bytes())
}

fn add(path: &Path, depth: usize, left: &mut usize, text: &mut String) {
    let Some(less) = left.checked_sub(1) else { return };
    *left = less;
    let metadata = std::fs::metadata(path);
    text.push_str(&line(path, metadata.as_ref().ok()));
    if depth < MAX_DEPTH && metadata.is_ok_and(|metadata| metadata.is_dir()) {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            add(&path, depth + 1, left, text);
        }
    }
}

fn line(path: &Path, metadata: Option<&std::fs::Metadata>) -> String {
    let length = metadata.map_or(0, std::fs::Metadata::len);
    let modified = metadata.and_then(|metadata| metadata.modified().ok());
    let modified = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{} {length} {}\n", path.display(), modified.as_nanos())
}
