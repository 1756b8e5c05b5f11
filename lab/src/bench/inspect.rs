//! Inspections: beside the peer that people use for it, over all harmless releases of the corpora, by language, and of an
//! update whose earlier release is known.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use stockade_engine::inspection::Inspection;

use super::server::own_cpu;
use super::{median, race, stockade};
use crate::eval::cases::{self, Case, Reader};
use crate::eval::stats::quantile;
use crate::eval::subject::{Outcome, Verdict};
use crate::eval::{self, judging, peer, worker};

/// How many updates are inspected, of all ecosystems together.
const UPDATES: usize = 300;
/// How often the packages of a language are inspected.
const ROUNDS: usize = 3;
/// How many packages of a language are inspected at most.
const PACKAGES: usize = 40;
/// The least source of such a package, in bytes: below this the time is that of a request.
const LEAST_SOURCE: u64 = 64 * 1024;
/// How much of such a package is source, in percent.
const LEAST_SHARE: u64 = 80;
/// Bytes in a MB.
const MB: f64 = 1_000_000.0;
/// What source is, by language and by the end of a file's name.
const LANGUAGES: [(&str, &str, &[&str]); 2] =
    [("JavaScript", "npm", &[".js", ".mjs", ".cjs"]), ("Python", "pypi", &[".py"])];

pub(super) fn run() -> anyhow::Result<()> {
    let program = stockade()?;
    let corpora = eval::corpora();
    let cases = cases::of("benign", &corpora)?;
    whole("harmless releases", &cases)?;
    for (language, ecosystem, ends) in LANGUAGES {
        let own: Vec<&Case> = cases.iter().filter(|case| case.new.ecosystem == ecosystem).collect();
        throughput(language, &own, ends)?;
    }
    updates(&corpora)?;
    race::run(peer::program(&corpora)?, program, &cases)
}

/// How long releases take, one after the other, each looked at alone.
fn whole(what: &str, cases: &[Case]) -> anyhow::Result<()> {
    let mut reader = Reader::default();
    let judged = cases.iter().map(|case| worker::judge(&reader.read(&case.new)?, None));
    let outcomes: Vec<Outcome> = judged.collect::<anyhow::Result<_>>()?;
    let is_gap = |verdict: &Verdict| matches!(verdict, Verdict::Gap(_));
    let gaps = outcomes.iter().filter(|outcome| is_gap(&outcome.verdict)).count();
    println!("{}: {what}, {gaps} with something that could not be looked at", outcomes.len());
    println!("  {}", milliseconds(outcomes.iter().map(|outcome| outcome.millis).collect()));
    Ok(())
}

fn milliseconds(mut millis: Vec<f64>) -> String {
    let mut at = |share| quantile(&mut millis, share).unwrap_or(f64::NAN);
    let [half, most, nearly, all] = [0.5, 0.9, 0.99, 1.0].map(&mut at);
    format!("median {half:.1} ms, p90 {most:.1} ms, p99 {nearly:.0} ms, the longest {all:.0} ms")
}

/// Source a second of one core, from the archive to the findings, of packages that are hardly anything else.
fn throughput(language: &str, cases: &[&Case], ends: &[&str]) -> anyhow::Result<()> {
    let mut reader = Reader::default();
    let (mut subjects, mut bytes) = (Vec::new(), 0);
    for case in cases {
        let subject = reader.read(&case.new)?;
        let Ok(inspection) = worker::inspection(&subject)? else { continue };
        if let Some(source) = source(&inspection, ends) {
            bytes += source;
            subjects.push(subject);
        }
        if subjects.len() == PACKAGES {
            break;
        }
    }
    ensure!(!subjects.is_empty(), "there is no package that is {language} alone");
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), own_cpu());
        for subject in &subjects {
            worker::judge(subject, None)?;
        }
        walls.push(megabytes(bytes) / begun.elapsed().as_secs_f64());
        cpus.push(megabytes(bytes) / (own_cpu() - before));
    }
    println!(
        "{language}: {:.1} MB/s, {:.1} MB for a second of CPU; {} packages with {:.1} MB of source",
        median(walls),
        median(cpus),
        subjects.len(),
        megabytes(bytes),
    );
    Ok(())
}

/// The bytes of source that were read of a package that has hardly anything else, and enough of it.
fn source(inspection: &Inspection, ends: &[&str]) -> Option<u64> {
    let is_source = |path: &str| ends.iter().any(|end| path.ends_with(end));
    let read = || inspection.files.iter().filter(|file| !file.unread);
    let all: u64 = read().map(|file| file.size).sum();
    let source = read().filter(|file| is_source(&file.path)).map(|file| file.size).sum();
    let hundred = 100;
    (source >= LEAST_SOURCE && source * hundred >= all * LEAST_SHARE).then_some(source)
}

#[expect(clippy::cast_precision_loss, reason = "corpora are far below 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MB
}

/// Updates, each alone, and beside the release before it, whose inspection is known: only what changed is read.
fn updates(corpora: &Path) -> anyhow::Result<()> {
    let mut cases = cases::of("updates", corpora)?;
    cases::sample(&mut cases, UPDATES);
    let took = judging::in_threads(&cases, |reader, case| {
        let (new, old) = (reader.read(&case.new)?, case.old.as_ref().map(|old| reader.read(old)).transpose()?);
        Ok((worker::judge(&new, None)?.millis, worker::judge(&new, old.as_ref())?.millis))
    })?;
    let (alone, beside): (Vec<f64>, Vec<f64>) = took.into_iter().unzip();
    let shares = beside.iter().zip(&alone).map(|(beside, alone)| beside / alone).collect();
    println!("{} updates, each alone: {}", cases.len(), milliseconds(alone));
    println!("  beside the release before: {}", milliseconds(beside));
    println!("  a typical one takes {:.2} of what it takes alone", median(shares));
    Ok(())
}

#[cfg(test)]
mod tests {
    use stockade_engine::inspection::{Facts, File};
    use stockade_model::Trigger;

    use super::*;

    #[test]
    fn a_package_is_source_if_hardly_anything_else_is_in_it() {
        let file = |path: &str, size| File {
            path: path.to_owned(),
            digest: String::new(),
            size,
            trigger: Trigger::Import,
            facts: Facts::default(),
            triggers: Vec::new(),
            shape: String::new(),
            matches: Vec::new(),
            unsearched: false,
            unread: false,
        };
        let source_of = |files| source(&Inspection { files, ..Inspection::default() }, &[".py"]);
        let much = LEAST_SOURCE;
        assert_eq!(source_of(vec![file("a.py", much), file("b.md", much / 8)]), Some(much));
        assert_eq!(source_of(vec![file("a.py", much), file("b.md", much)]), None);
        assert_eq!(source_of(vec![file("a.py", much - 1)]), None);
    }
}
