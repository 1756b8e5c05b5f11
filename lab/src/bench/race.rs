//! The peer and stockade on the same archives, one after the other. An archive is a process of each program, as users
//! start them; and it is a request to a worker that runs already, as it is in the gateway, which is set beside what the
//! peer takes without its start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::median;
use crate::eval::cases::{Case, Place, Reader};
use crate::eval::subject::Subject;
use crate::eval::{peer, worker};

/// How often each archive is given to each. They take turns, and who begins changes.
const ROUNDS: usize = 5;
/// An archive that takes the peer longer than this is given to each only once, in seconds.
const LONG: f64 = 20.0;
/// Which archives of an ecosystem are chosen: so many percent of all are smaller. The last is the largest.
const SIZES: [usize; 8] = [10, 25, 45, 50, 55, 75, 90, 100];
/// Those that stand for the archive in the middle.
const MIDDLE: [usize; 3] = [45, 50, 55];
/// The largest.
const LARGEST: usize = 100;
/// A package that is chosen whatever its size.
const FAMOUS: &str = "next";
/// Bytes in a KiB.
const KIB: u64 = 1024;

/// Both programs.
struct Programs {
    peer: PathBuf,
    stockade: PathBuf,
    /// Where both run: nothing is there that they could read.
    folder: tempfile::TempDir,
}

/// Seconds that each took, round by round.
#[derive(Default)]
struct Times {
    /// From its start until it would begin to scan.
    start: Vec<f64>,
    peer: Vec<f64>,
    command: Vec<f64>,
    worker: Vec<f64>,
    /// What the peer could not do.
    failed: Option<String>,
}

/// How many times as long the peer takes: process beside process, and without the starts.
struct Ratios {
    commands: f64,
    inspections: f64,
}

/// Lets both inspect the same archives, and prints what each took.
pub(super) fn run(peer: PathBuf, stockade: PathBuf, cases: &[Case]) -> anyhow::Result<()> {
    let programs = Programs { peer, stockade, folder: tempfile::tempdir()? };
    println!("guarddog {}", peer::RELEASE);
    for ecosystem in ["npm", "pypi"] {
        let mut middle = Vec::new();
        for (percent, case) in chosen(cases, ecosystem) {
            let times = programs.race(case)?;
            let ratios = times.ratios();
            println!("{ecosystem:<4} {percent:>3} % {}", times.line(case, &ratios));
            match percent {
                LARGEST => println!("{ecosystem}, the largest archive: {}", ratios.words()),
                percent if MIDDLE.contains(&percent) => middle.push(ratios),
                _ => {}
            }
        }
        println!("{ecosystem}, the archive in the middle: {}", Ratios::middle(&middle).words());
    }
    Ok(())
}

/// Archives of an ecosystem by size, each with how many percent are smaller, and the famous one.
fn chosen<'a>(cases: &'a [Case], ecosystem: &str) -> Vec<(usize, &'a Case)> {
    let mut own: Vec<&Case> = cases.iter().filter(|case| case.new.ecosystem == ecosystem).collect();
    own.sort_by_cached_key(|case| (case.new.size(), case.new.file.clone()));
    let last = own.len().saturating_sub(1);
    let at = |percent: usize| own.get(last * percent / LARGEST).map(|case| (percent, *case));
    let mut chosen: Vec<_> = SIZES.into_iter().filter_map(at).collect();
    let famous = own.iter().position(|case| case.new.name == FAMOUS).filter(|at| *at < last);
    chosen.extend(famous.and_then(|at| Some((at * LARGEST / last, *own.get(at)?))));
    chosen
}

impl Programs {
    fn race(&self, case: &Case) -> anyhow::Result<Times> {
        let subject = Reader::default().read(&case.new)?;
        let Place::File(path) = &case.new.place else { anyhow::bail!("`{}` is no file", case.new.file) };
        let mut times = Times::default();
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                self.peer(case, path, &mut times)?;
                self.ours(&subject, path, &mut times)?;
            } else {
                self.ours(&subject, path, &mut times)?;
                self.peer(case, path, &mut times)?;
            }
            if times.peer.last().is_some_and(|took| *took > LONG) {
                break;
            }
        }
        Ok(times)
    }

    fn peer(&self, case: &Case, path: &Path, times: &mut Times) -> anyhow::Result<()> {
        times.start.push(self.timed(Command::new(&self.peer).arg("--version"))?.0);
        let mut scan = Command::new(&self.peer);
        let (took, output) =
            self.timed(scan.args([case.new.ecosystem, "scan", "--output-format", "json"]).arg(path))?;
        times.peer.push(took);
        let answer: Option<serde_json::Value> = serde_json::from_slice(&output).ok();
        let errors = answer.as_ref().and_then(|answer| answer.get("errors")).map(ToString::to_string);
        if errors.as_deref() != Some("{}") {
            times.failed = Some(errors.unwrap_or_else(|| "no answer".to_owned()));
        }
        Ok(())
    }

    fn ours(&self, subject: &Subject, path: &Path, times: &mut Times) -> anyhow::Result<()> {
        let mut inspect = Command::new(&self.stockade);
        let (took, output) = self.timed(inspect.args(["inspect", "--format", "json"]).arg(path))?;
        serde_json::from_slice::<serde_json::Value>(&output).context("`stockade inspect` gave no report")?;
        times.command.push(took);
        let begun = Instant::now();
        worker::judge(subject, None)?;
        times.worker.push(begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Seconds that a command took, and what it printed. Its status is a verdict.
    fn timed(&self, command: &mut Command) -> anyhow::Result<(f64, Vec<u8>)> {
        command.current_dir(self.folder.path());
        let name = command.get_program().to_string_lossy().into_owned();
        let begun = Instant::now();
        let output = command.output().with_context(|| format!("`{name}` could not be started"))?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(output.status.code().is_some(), "`{name}` was ended by a signal");
        Ok((took, output.stdout))
    }
}

impl Times {
    /// Round by round, since what else runs on the machine slows both.
    fn ratios(&self) -> Ratios {
        let commands = self.peer.iter().zip(&self.command).map(|(peer, own)| peer / own);
        let inspections = self.scans().zip(&self.worker).map(|(scan, own)| scan / own);
        Ratios { commands: median(commands.collect()), inspections: median(inspections.collect()) }
    }

    /// What the peer takes without its start.
    fn scans(&self) -> impl Iterator<Item = f64> {
        self.peer.iter().zip(&self.start).map(|(peer, start)| (peer - start).max(0.0))
    }

    fn line(&self, case: &Case, ratios: &Ratios) -> String {
        let peer = median(self.peer.clone());
        let failed = self.failed.as_ref().map_or_else(String::new, |why| format!(" (it failed: {why})"));
        format!(
            "{:<40} {:>6} KiB: guarddog {peer:.3} s, {:.3} s without its start{failed}; stockade {:.3} s, a running \
             worker {:.4} s; {}",
            case.new.file,
            case.new.size() / KIB,
            median(self.scans().collect()),
            median(self.command.clone()),
            median(self.worker.clone()),
            ratios.words(),
        )
    }
}

impl Ratios {
    fn middle(all: &[Self]) -> Self {
        let of = |ratio: fn(&Self) -> f64| median(all.iter().map(ratio).collect());
        Self { commands: of(|ratios| ratios.commands), inspections: of(|ratios| ratios.inspections) }
    }

    fn words(&self) -> String {
        format!("{:.0} times as a command, {:.0} times without starts", self.commands, self.inspections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::cases::Piece;

    #[test]
    fn archives_are_chosen_by_size_and_the_famous_one_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let case = |name: String, size: usize| {
            let path = folder.path().join(&name);
            std::fs::write(&path, vec![0; size]).unwrap();
            let piece = |name: String, file| Piece {
                ecosystem: "npm",
                name,
                version: "1".to_owned(),
                file,
                place: Place::File(path.clone()),
            };
            Case { new: piece(name.clone(), name), old: None }
        };
        let mut cases: Vec<Case> = (0..=200).rev().map(|size| case(format!("p{size}"), size)).collect();
        let sizes = |cases: &[Case]| chosen(cases, "npm").iter().map(|(_, case)| case.new.size()).collect::<Vec<_>>();
        assert_eq!(sizes(&cases), [20, 50, 90, 100, 110, 150, 180, 200]);
        cases.push(case(FAMOUS.to_owned(), 60));
        assert_eq!(sizes(&cases).len(), 9);
        cases.retain(|case| case.new.name != FAMOUS);
        cases.push(case(FAMOUS.to_owned(), 300));
        assert_eq!(sizes(&cases).last(), Some(&300));
        assert_eq!(sizes(&cases).len(), 8);
        assert!(chosen(&cases, "pypi").is_empty());
    }

    #[test]
    fn ratios_are_paired_and_leave_the_start_out() {
        let times = Times {
            start: vec![1.0, 1.0, 5.0],
            peer: vec![2.0, 4.0, 9.0],
            command: vec![1.0, 2.0, 3.0],
            worker: vec![0.1, 0.3, 0.8],
            failed: None,
        };
        let ratios = times.ratios();
        assert!((ratios.commands - 2.0).abs() < 1e-9 && (ratios.inspections - 10.0).abs() < 1e-9);
    }
}
