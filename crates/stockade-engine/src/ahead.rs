//! What a client asks for next is fetched while it reads what it has.
//!
//! Some clients wait for each file before they ask for the next: Maven for hundreds of build descriptions, each of which
//! names the next ones, and pip and uv for a file after its description. Whoever asks for something of a release that is
//! new here waits for several questions to the upstream, and would wait for them again and again.
//!
//! What is foreseen is ruled on, and recorded, as if it had been asked for, but it is given to nobody. What was foreseen
//! wrongly costs a request to the upstream; what could not be fetched is fetched when it is asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use moka::sync::Cache;
use stockade_ecosystem::Foresight;
use stockade_model::Release;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::artifact::{Case, Content};
use crate::{Engine, EngineError};

/// How many files are looked at ahead of their description at the same time.
const MAX_FILES: usize = 64;
/// How many files wait to be fetched ahead of those that name them; more are fetched when they are asked for.
const MAX_WAITING: usize = 1024;
/// How many of them are under way at the same time.
const MAX_UNDER_WAY: usize = 16;
/// How many files one may name.
const MAX_NAMED: usize = 256;
/// How many files may be read together, how many bytes they may have in all, and how often more of them may be found to be
/// needed.
const MAX_TOGETHER: usize = 256;
const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_ROUNDS: usize = 16;
/// How far is looked ahead of what was asked for: as many files, each named by the one before. An upstream that makes up
/// packages must not lead us on for ever.
const MAX_STEPS: usize = 8;
/// How long a file is not looked ahead from again.
const AGAIN_AFTER: Duration = Duration::from_hours(1);
/// How many such files are remembered.
const MAX_REMEMBERED: u64 = 20_000;

/// What is under way, and what was looked ahead from lately.
pub(crate) struct Ahead {
    files: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    under_way: Semaphore,
    lately: Cache<Release, ()>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            files: Arc::new(Semaphore::new(MAX_FILES)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            under_way: Semaphore::new(MAX_UNDER_WAY),
            lately: Cache::builder().max_capacity(MAX_REMEMBERED).time_to_live(AGAIN_AFTER).build(),
        }
    }
}

impl Engine {
    /// Looks at the file of which a client has just asked for the description: in a moment it asks for the file.
    pub(crate) fn look_at_described(&self, case: &Case) {
        if !case.state.policy.inspects() || case.is_pinned() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.0.ahead.files).try_acquire_owned() else { return };
        let (engine, release) = (self.clone(), case.release.clone());
        tokio::spawn(async move {
            if let Err(error) = engine.look_at(&release).await {
                tracing::debug!(%release, %error, "it could not be looked at ahead");
            }
            drop(turn);
        });
    }

    /// Fetches what a client asks for that reads this file, and what it asks for then.
    pub(crate) fn look_ahead(&self, release: &Release, content: &Content) {
        let Content::Memory(bytes) = content else { return };
        self.look_on(release.clone(), bytes.clone(), MAX_STEPS);
    }

    /// Looks ahead from a file, unless that was done lately.
    fn look_on(&self, release: Release, bytes: Bytes, steps: usize) {
        let Some(foresight) = self.foresight(&release) else { return };
        if steps == 0 || self.0.ahead.lately.contains_key(&release) {
            return;
        }
        self.0.ahead.lately.insert(release.clone(), ());
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.foresee(foresight, (release, bytes), steps).await {
                tracing::debug!(%error, "what is asked for next could not be foreseen");
            }
        });
    }

    fn foresight(&self, release: &Release) -> Option<Foresight> {
        let (registry, _) = self.0.upstreams.of(&release.package).ok()?;
        registry.foresight(&registry.artifact_file(release))
    }

    async fn foresee(&self, foresight: Foresight, first: (Release, Bytes), steps: usize) -> Result<(), EngineError> {
        let mut asked = HashSet::from([first.0.clone()]);
        let mut files = vec![first];
        let mut needs = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let read = files.clone();
            let foreseen = tokio::task::spawn_blocking(move || foresight(&read)).await?;
            needs = foreseen.needs;
            let is_new = |release: &Release| asked.len() < MAX_TOGETHER && asked.insert(release.clone());
            let with: Vec<Release> = foreseen.with.into_iter().filter(is_new).collect();
            let arrived = join_all(with.into_iter().map(|release| self.read_with(release))).await;
            let before = files.len();
            files.extend(arrived.into_iter().flatten());
            if files.len() == before || files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > MAX_BYTES {
                break;
            }
        }
        let lately = |need: &Release| self.0.ahead.lately.contains_key(need);
        for need in needs.into_iter().take(MAX_NAMED).filter(|need| !lately(need)) {
            let Ok(turn) = Arc::clone(&self.0.ahead.waiting).try_acquire_owned() else { break };
            tokio::spawn(self.clone().step(need, steps - 1, turn));
        }
        Ok(())
    }

    /// A file that is read with others: nothing is foreseen from it alone.
    async fn read_with(&self, release: Release) -> Option<(Release, Bytes)> {
        self.0.ahead.lately.insert(release.clone(), ());
        match self.fetched_ahead(&release).await {
            Ok(bytes) => Some((release, bytes?)),
            Err(error) => {
                tracing::debug!(%release, %error, "it could not be fetched ahead");
                None
            }
        }
    }

    /// Fetches a file and looks on from there.
    fn step(self, release: Release, steps: usize, turn: OwnedSemaphorePermit) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            match self.fetched_ahead(&release).await {
                Ok(Some(bytes)) => self.look_on(release, bytes, steps),
                Ok(None) => {}
                Err(error) => tracing::debug!(%release, %error, "it could not be fetched ahead"),
            }
            drop(turn);
        })
    }

    /// The bytes of a small file, if they may leave.
    async fn fetched_ahead(&self, release: &Release) -> Result<Option<Bytes>, EngineError> {
        let _turn = self.0.ahead.under_way.acquire().await;
        match self.content(release).await? {
            Some(Content::Memory(bytes)) => Ok(Some(bytes)),
            Some(Content::File(_)) | None => Ok(None),
        }
    }
}
