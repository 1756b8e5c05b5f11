//! A peer on the same files: the open scanner of packages that is used most, at its own threshold.
//!
//! It takes seconds for an archive, so it judges a sample: archives of malware, one of each of the largest families, and
//! harmless files of each kind. Its answers are kept, so a stopped run goes on where it was.

mod process;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cases::{self, Case, Reader};
use super::store::{self, Store};
use super::subject::Outcome;
use super::{family, judging, report, results};
use process::Peer;

/// The release that is measured.
pub(crate) const RELEASE: &str = "3.2.0";
/// A score from which the peer's own label says more than `low`.
const FLAGGED: f64 = 5.0;
/// Archives of malware, whatever their family.
const MALICIOUS: usize = 150;
/// Families, the largest, of which one archive each.
const FAMILIES: usize = 100;
/// Harmless source distributions, and as many wheels.
const OF_PYPI: usize = 60;
/// Harmless packages of npm that are small, and that are large.
const SMALL_OF_NPM: usize = 60;
const LARGE_OF_NPM: usize = 30;
/// From which size a package of npm is large.
const LARGE: u64 = 512 << 10;

/// What the peer says of an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answer {
    /// None if there was an error.
    score: Option<f64>,
    label: Option<String>,
    rules: Vec<String>,
    seconds: f64,
    error: Option<String>,
}

impl Answer {
    fn is_alarm(&self) -> bool {
        self.score.is_some_and(|score| score >= FLAGGED)
    }
}

/// Cases that are a row of the table.
struct Group {
    name: &'static str,
    is_malware: bool,
    cases: Vec<Case>,
}

/// A group, and what both say of each of its cases.
struct Compared {
    group: Group,
    answers: Vec<Answer>,
    /// None without an inspector.
    outcomes: Option<Vec<Outcome>>,
}

/// Lets the peer judge the sample, and sets it beside our own results.
pub(super) fn run(corpora: &Path) -> anyhow::Result<()> {
    let store: Store<Answer> = Store::open(&results(corpora).join(format!("guarddog-{RELEASE}.jsonl")))?;
    let python = process::prepare(corpora, RELEASE)?;
    let mut peer = Peer::open(&python)?;
    let mut compared = Vec::new();
    for group in groups(corpora)? {
        println!("guarddog, {}: {} archives", group.name, group.cases.len());
        let answers = answers(&group.cases, &store, &mut peer)?;
        let outcomes = ours(&group.cases, corpora);
        compared.push(Compared { group, answers, outcomes });
    }
    report::keep("peer", &table::json(&compared), corpora, RELEASE)?;
    report::replace("peer", &table::markdown(&compared))?;
    println!("peer: written");
    Ok(())
}

/// The peer's own program, as its users run it.
pub(crate) fn program(corpora: &Path) -> anyhow::Result<PathBuf> {
    Ok(process::prepare(corpora, RELEASE)?.with_file_name("guarddog"))
}

fn answers(cases: &[Case], store: &Store<Answer>, peer: &mut Peer) -> anyhow::Result<Vec<Answer>> {
    let mut reader = Reader::default();
    let mut answers = Vec::new();
    for case in cases {
        let subject = reader.read(&case.new)?;
        let key = store::digest_of(&[subject.file.as_bytes(), &subject.bytes]);
        let answer = if let Some(answer) = store.get(&key) {
            answer
        } else {
            let answer = peer.ask(&key, &subject)?;
            store.put(&key, &answer)?;
            answer
        };
        answers.push(answer);
    }
    Ok(answers)
}

/// What our own inspector says; nothing if there is none.
fn ours(cases: &[Case], corpora: &Path) -> Option<Vec<Outcome>> {
    let (_, outcomes) = super::outcomes(corpora).ok()?;
    let judged =
        judging::judge_all(cases, &outcomes).inspect_err(|error| println!("  not judged here: {error:#}")).ok()?;
    Some(judged.into_iter().map(|judged| judged.outcome).collect())
}

fn groups(corpora: &Path) -> anyhow::Result<Vec<Group>> {
    let malicious = cases::of("malicious", corpora)?;
    let families = family::of_all(&malicious, &results(corpora))?;
    let benign = cases::of("benign", corpora)?;
    let malware = |name, cases| Group { name, is_malware: true, cases };
    let harmless = |name, most, belongs: fn(&Case) -> bool| {
        let cases = benign.iter().filter(|case| belongs(case)).cloned().collect();
        Group { name, is_malware: false, cases: sampled(cases, most) }
    };
    Ok(vec![
        malware("malware, archives", sampled(malicious.clone(), MALICIOUS)),
        malware("malware, largest families", one_of_each(&malicious, &families, FAMILIES)),
        harmless("PyPI, sdists", OF_PYPI, |case| case.new.kind() == "sdist"),
        harmless("PyPI, wheels", OF_PYPI, |case| case.new.kind() == "wheel"),
        harmless("npm, small", SMALL_OF_NPM, |case| case.new.ecosystem == "npm" && !is_large(case)),
        harmless("npm, large", LARGE_OF_NPM, |case| case.new.ecosystem == "npm" && is_large(case)),
    ])
}

fn sampled(mut cases: Vec<Case>, most: usize) -> Vec<Case> {
    cases::sample(&mut cases, most);
    cases
}

/// One archive of each of the largest families, chosen as a sample is.
fn one_of_each(all: &[Case], families: &[String], most: usize) -> Vec<Case> {
    let members = family::members(families).into_iter().take(most);
    let chosen = members.map(|members| members.iter().filter_map(|index| all.get(*index)).cloned().collect());
    chosen.flat_map(|members: Vec<Case>| sampled(members, 1)).collect()
}

fn is_large(case: &Case) -> bool {
    case.new.size() >= LARGE
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Piece, Place};
    use super::*;

    #[test]
    fn each_of_the_largest_families_is_there_once() {
        let case = |name: &str| Case {
            new: Piece {
                ecosystem: "pypi",
                name: name.to_owned(),
                version: "1".to_owned(),
                file: "a.tar.gz".to_owned(),
                place: Place::Blob(String::new()),
            },
            old: None,
        };
        let all = ["a", "b", "c", "d"].map(case);
        let families = ["x", "y", "y", "x"].map(str::to_owned);
        let names: Vec<String> = one_of_each(&all, &families, 5).into_iter().map(|case| case.new.name).collect();
        assert_eq!(names.len(), 2);
        assert!(["a", "d"].contains(&names[0].as_str()) && ["b", "c"].contains(&names[1].as_str()));
        assert_eq!(one_of_each(&all, &families, 1).len(), 1);
    }
}
