//! How many inspections there were, and how long they took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of inspections' durations, in milliseconds.
const BUCKETS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

/// The same in seconds, for whoever shows them.
pub const SECONDS: [f64; BUCKETS.len()] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    buckets: [AtomicU64; BUCKETS.len()],
    done: AtomicU64,
    failed: AtomicU64,
    milliseconds: AtomicU64,
    waiting: AtomicU64,
}

/// What was inspected since the process began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// How many files.
    pub files: u64,
    /// How many of them could not be inspected.
    pub failed: u64,
    /// How long it took in all.
    pub took: Duration,
    /// How many took at most so long, by the bounds of [`SECONDS`]; each is in one bucket.
    pub buckets: [u64; BUCKETS.len()],
    /// How many requests wait for an inspection now.
    pub waiting: u64,
    /// How many new releases are to be inspected before somebody asks for them.
    pub queued: u64,
}

/// Somebody who waits for an inspection.
pub(crate) struct Waits<'a>(&'a AtomicU64);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Numbers {
    pub(crate) fn inspected(&self, took: Duration, failed: bool) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Some(at) = BUCKETS.iter().position(|bound| took <= *bound) {
            self.buckets[at].fetch_add(1, Ordering::Relaxed);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.milliseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// Counts somebody who waits, for as long as what this gives is alive.
    pub(crate) fn waits(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, queued: usize) -> Inspected {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Inspected {
            files: of(&self.done),
            failed: of(&self.failed),
            took: Duration::from_millis(of(&self.milliseconds)),
            buckets: std::array::from_fn(|at| of(&self.buckets[at])),
            waiting: self.waiting(),
            queued: u64::try_from(queued).unwrap_or(u64::MAX),
        }
    }
}
