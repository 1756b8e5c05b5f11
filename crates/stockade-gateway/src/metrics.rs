//! Numbers for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stockade_engine::{Inspected, SECONDS};

/// Upper bounds of the buckets of durations, in microseconds.
const BUCKETS: [u64; 16] =
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 15_000, 100_000, 1_000_000];

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: AtomicU64,
    pub(crate) served: AtomicU64,
    pub(crate) served_bytes: AtomicU64,
    pub(crate) held: AtomicU64,
    pub(crate) denied: AtomicU64,
    pub(crate) tampered: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// From the request of a file to its ruling.
    pub(crate) decisions: Histogram,
    /// From the request of a listing to a body that can be sent, where nothing had to be rendered.
    pub(crate) kept: Histogram,
    /// The same, where it was judged or rendered anew.
    pub(crate) rendered: Histogram,
}

/// A histogram of durations.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    microseconds: AtomicU64,
}

/// Measures one duration.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a duration that is only reported and decides nothing")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl Histogram {
    pub(crate) fn record(&self, watch: &Stopwatch) {
        let took = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(at) = BUCKETS.iter().position(|bound| took <= *bound) {
            count(&self.buckets[at], 1);
        }
        count(&self.count, 1);
        count(&self.microseconds, took);
    }
}

impl Metrics {
    /// The exposition format, version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, value) in [
            ("requests_total", "Requests of any kind.", &self.requests),
            ("artifacts_served_total", "Files that were given out with a clearance.", &self.served),
            ("artifacts_served_bytes_total", "Their bytes.", &self.served_bytes),
            ("artifacts_held_total", "Requests for files that were refused for now.", &self.held),
            ("artifacts_denied_total", "Requests for files that were refused.", &self.denied),
            ("tampering_total", "Requests that found bytes other than the claimed or pinned ones.", &self.tampered),
            ("failures_total", "Requests that could not be answered.", &self.failed),
        ] {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(
                text,
                "# HELP stockade_{name} {help}\n# TYPE stockade_{name} counter\nstockade_{name} {value}"
            );
        }
        self.decisions.write(&mut text, "decision_seconds", "From the request of a file to its ruling.");
        self.kept.write(&mut text, "listing_kept_seconds", "From the request of a listing to one that is at hand.");
        self.rendered.write(
            &mut text,
            "listing_rendered_seconds",
            "From the request of a listing to its new rendering.",
        );
        text
    }
}

/// What was given out and is malware, in the same format.
pub(crate) fn served_malware(releases: usize) -> String {
    let (name, help) =
        ("stockade_served_malware", "Releases that were given out and that the advisories call malware.");
    format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {releases}\n")
}

/// What was inspected, in the same format.
pub(crate) fn inspected(inspected: &Inspected) -> String {
    let Inspected { files, failed, took, buckets, waiting, queued } = inspected;
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("inspections_total", "counter", "Files that were looked into.", files),
        ("inspection_gaps_total", "counter", "Files that could not be looked into.", failed),
        ("inspections_waiting", "gauge", "Requests that wait for an inspection.", waiting),
        ("inspections_queued", "gauge", "New releases that are inspected before they are asked for.", queued),
    ] {
        let _ = writeln!(text, "# HELP stockade_{name} {help}\n# TYPE stockade_{name} {kind}\nstockade_{name} {value}");
    }
    let name = "stockade_inspection_seconds";
    let _ = writeln!(text, "# HELP {name} From a file to what is in it.\n# TYPE {name} histogram");
    let mut below = 0;
    for (bound, bucket) in SECONDS.iter().zip(buckets) {
        below += bucket;
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
    }
    let sum = took.as_secs_f64();
    let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {files}\n{name}_sum {sum}\n{name}_count {files}");
    text
}

impl Histogram {
    fn write(&self, text: &mut String, name: &str, help: &str) {
        let name = format!("stockade_{name}");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut below = 0;
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let bound = Duration::from_micros(*bound).as_secs_f64();
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
    }
}
