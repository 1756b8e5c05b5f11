//! New releases are inspected before somebody asks for their files, so that the first install does not wait.
//!
//! A listing that is asked for tells of them. Only packages of which somebody has a release are looked at, one release at
//! a time, and only while nobody waits for an inspection. What is dropped, because the queue is full or the process
//! ends, is inspected when it is asked for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;
use stockade_ecosystem::{Index, Listed, Version};
use stockade_model::{Release, Verdict};
use stockade_policy::Ruling;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::baseline::BASELINE_WINDOW;
use crate::{Engine, EngineError};

/// How many releases wait to be inspected; further ones are dropped.
const MAX_QUEUED: usize = 64;
/// How many releases of one listing are queued.
const MAX_OF_A_LISTING: usize = 3;
/// How long a release is not queued again.
const AGAIN_AFTER: Duration = Duration::from_hours(1);
/// How many such releases are remembered.
const MAX_REMEMBERED: u64 = 10_000;
/// How long to wait while somebody waits for an inspection.
const PAUSE: Duration = Duration::from_millis(200);
/// How often that is done for one release.
const MAX_PAUSES: u32 = 300;

/// What is to be inspected, and what was queued lately.
pub(crate) struct Warming {
    queue: Sender<Release>,
    queued: Mutex<Option<Receiver<Release>>>,
    lately: Cache<Release, ()>,
}

impl Default for Warming {
    fn default() -> Self {
        let (queue, queued) = channel(MAX_QUEUED);
        let lately = Cache::builder().max_capacity(MAX_REMEMBERED).time_to_live(AGAIN_AFTER).build();
        Self { queue, queued: Mutex::new(Some(queued)), lately }
    }
}

impl Warming {
    pub(crate) fn len(&self) -> usize {
        MAX_QUEUED.saturating_sub(self.queue.capacity())
    }
}

/// True for a new release that a client would choose, or will when its time has come.
pub(crate) fn is_worth_it(index: &Index, listed: &Listed, ruling: &Ruling, now: Timestamp) -> bool {
    let is_new = || index.published(listed).is_some_and(|(at, _)| now.duration_since(at) <= BASELINE_WINDOW);
    let is_stable = listed.order.as_ref().is_some_and(|order| !Version::is_prerelease(order));
    is_stable && listed.is_usable() && (ruling.verdict == Verdict::Allow || ruling.lifted().is_some()) && is_new()
}

/// The highest of these releases.
pub(crate) fn first(index: &Index, mut fresh: Vec<usize>) -> Vec<Release> {
    fresh.sort_by(|a, b| {
        let order = |at: &usize| index.releases.get(*at).and_then(|listed| listed.order.as_ref());
        order(b).partial_cmp(&order(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    fresh.iter().take(MAX_OF_A_LISTING).filter_map(|at| Some(index.release(index.releases.get(*at)?))).collect()
}

impl Engine {
    /// Queues new releases of a package that somebody uses.
    pub(crate) async fn warm_up(&self, mut fresh: Vec<Release>) -> Result<(), EngineError> {
        let warming = &self.0.inspections.warming;
        fresh.retain(|release| !warming.lately.contains_key(release));
        let Some(first) = fresh.first() else { return Ok(()) };
        if !self.0.store.is_in_use(&first.package).await? {
            return Ok(());
        }
        for release in fresh {
            warming.lately.insert(release.clone(), ());
            let _ = warming.queue.try_send(release);
        }
        Ok(())
    }

    /// Queues releases that were published here.
    pub(crate) fn inspect_soon(&self, published: Vec<Release>) {
        for release in published {
            let _ = self.0.inspections.warming.queue.try_send(release);
        }
    }

    /// Inspects what is queued, for as long as it is polled. The second caller has nothing to do.
    pub async fn warm(&self) {
        let queued = self.0.inspections.warming.queued.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut queued) = queued else { return };
        while let Some(release) = queued.recv().await {
            for _ in 0..MAX_PAUSES {
                if self.0.inspections.numbers.waiting() == 0 {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            match self.look_at(&release).await {
                Ok(_) => tracing::debug!(%release, "a new release was inspected"),
                Err(error) => tracing::info!(%release, %error, "a new release could not be inspected yet"),
            }
            // What is held now is written down, so that people see it.
            if let Err(error) = self.listing(&release.package).await {
                tracing::info!(%release, %error, "its listing could not be made");
            }
        }
    }
}
