//! The one place where the evaluation meets the inspector: the program's own worker processes, as the gateway runs them.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use anyhow::ensure;
use stockade_engine::inspection::{Inspection, Inspector, Rules, assess};
use tokio::runtime::{Builder, Runtime};

use super::subject::{Outcome, Subject, Verdict};

/// How many processes inspect at once: as many as there are threads that judge.
const WORKERS: usize = 2;

struct Bench {
    runtime: Runtime,
    inspector: Inspector,
}

static BENCH: LazyLock<anyhow::Result<Bench>> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    Ok(Bench { runtime, inspector: Inspector::new(binary()?, WORKERS) })
});

/// The program that inspects. Results are kept for as long as it is the same, byte for byte.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    let program = crate::target().join("release").join("stockade");
    ensure!(program.exists(), "there is no release build; `cargo build --release` makes it");
    Ok(program)
}

/// What the inspector says of a release, beside the release before it if there is one.
///
/// An error ends the evaluation. A file that the inspector cannot read is no error, but a `Verdict::Gap`.
pub(crate) fn judge(new: &Subject, old: Option<&Subject>) -> anyhow::Result<Outcome> {
    let bench = BENCH.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let before = old.map(|old| inspect(bench, old, Vec::new()));
    let before: Vec<Arc<Inspection>> = match before {
        Some(Ok(before)) => vec![before],
        Some(Err(gap)) => return Ok(Outcome { verdict: Verdict::Gap(gap), millis: 0.0, score: 0.0 }),
        None => Vec::new(),
    };
    let begun = Instant::now();
    let inspection = match inspect(bench, new, before.clone()) {
        Ok(inspection) => inspection,
        Err(gap) => return Ok(Outcome { verdict: Verdict::Gap(gap), millis: millis(begun), score: 0.0 }),
    };
    let cleared: Vec<&Inspection> = before.iter().map(AsRef::as_ref).collect();
    let assessment = assess(&inspection, &cleared, &[], Rules::builtin());
    let rules = |least: stockade_model::Verdict| {
        let findings = assessment.findings.iter().filter(|finding| finding.verdict >= least);
        findings.map(|finding| finding.rule.clone()).collect::<Vec<_>>()
    };
    let verdict = match assessment.verdict() {
        stockade_model::Verdict::Deny => Verdict::Deny(rules(stockade_model::Verdict::Hold)),
        stockade_model::Verdict::Hold => Verdict::Hold(rules(stockade_model::Verdict::Hold)),
        stockade_model::Verdict::Allow => match inspection.gaps.first() {
            Some(gap) => Verdict::Gap(gap.detail.clone()),
            None => Verdict::Quiet,
        },
    };
    Ok(Outcome { verdict, millis: millis(begun), score: f64::from(assessment.score()) })
}

/// What the inspector finds in a release, by itself.
pub(crate) fn inspection(subject: &Subject) -> anyhow::Result<Result<Arc<Inspection>, String>> {
    let bench = BENCH.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    Ok(inspect(bench, subject, Vec::new()))
}

fn inspect(bench: &Bench, subject: &Subject, earlier: Vec<Arc<Inspection>>) -> Result<Arc<Inspection>, String> {
    let ecosystem = match subject.ecosystem {
        "crates" => "cargo",
        ecosystem => ecosystem,
    };
    let bytes = subject.bytes.clone().into();
    let inspected = bench.inspector.inspect(ecosystem, &subject.file, bytes, earlier);
    bench.runtime.block_on(inspected).map(Arc::new).map_err(|gap| gap.detail)
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
