//! `stockade scan`: is a compromised release among what a project has, or a vulnerable one?
//!
//! Lockfiles and installed trees are read as they are, and no package manager is run. What a file names is asked of the
//! local advisories and of the policy; nothing is fetched, and no store is opened. The answer says what was looked at: a file that was
//! not read whole, or advisories that are not there, is exit status 2, and never "no finding".

mod cyclonedx;
mod github;
mod junit;
mod markdown;
mod sarif;
mod text;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use stockade_ecosystem::{Locked, Origin};
use stockade_engine::Advisories;
use stockade_engine::advisory::{self, Class, Match, Question};
use stockade_model::{Evidence, Integrity, Purl, Release, Verdict};
use stockade_policy::Policy;

use super::{Context, Exit};
use crate::args::{Format, Scan};
use crate::bill;
use crate::output::count;
use crate::scan::{Found, Seen, see};
use crate::vex::{Lifted, Statements};

/// What the scan says.
#[derive(Serialize)]
struct Answer {
    findings: Vec<Finding>,
    coverage: Coverage,
}

/// A release with an advisory, at one place.
#[derive(Serialize)]
struct Finding {
    purl: Purl,
    id: String,
    aliases: Vec<String>,
    class: Class,
    grade: stockade_engine::advisory::Grade,
    summary: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixed: Vec<String>,
    /// The score of CVSS, computed from its vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    /// How likely it is, by EPSS, that it is used within thirty days.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f32>,
    /// It is known to be used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exploited: bool,
    #[serde(skip)]
    severity: stockade_engine::advisory::Severity,
    /// What the policy makes of it.
    verdict: Verdict,
    /// Why it does not count, if somebody who knows the project says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifted: Option<Lifted>,
    file: PathBuf,
    line: u32,
    scope: &'static str,
    /// How the project comes to need it, from what it asks for itself; empty where the file does not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<String>,
}

/// What was looked at.
#[derive(Serialize)]
struct Coverage {
    files: Vec<File>,
    releases: usize,
    advisories: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vex: Option<Vex>,
    /// What was not looked at, and why.
    unseen: Vec<String>,
    /// What nobody can look at here: it names no release that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct File {
    path: PathBuf,
    kind: &'static str,
    releases: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// What was read and somebody should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
}

/// What was said of vulnerabilities, and how much of it was about nothing that was found.
#[derive(Serialize)]
struct Vex {
    statements: usize,
    unused: usize,
}

/// Scans.
pub(super) fn scan(context: &Context<'_>, arguments: Scan) -> anyhow::Result<Exit> {
    let paths = if arguments.paths.is_empty() { vec![PathBuf::from(".")] } else { arguments.paths };
    let (settings, now) = (&context.settings, (context.clock)());
    let mut statements = Statements::read(&arguments.vex, arguments.product.as_deref())?;
    // Opening the advisories and reading what there is take about as long as each other, and do not need each other.
    let (advisories, seen) = std::thread::scope(|scope| {
        let advisories = scope.spawn(|| Advisories::open(&settings.advisories, &settings.data, now));
        let seen = see(&paths);
        (joined(advisories), seen)
    });
    let (advisories, seen) = (advisories?, seen?);
    let asked = Asked { advisories: &advisories, policy: &settings.policy, now };
    let mut answer = asked.answer(&seen);
    if !arguments.vex.is_empty() {
        answer.lift(&mut statements, context);
    }
    match context.printer.format() {
        Format::Sarif => context.printer.document(&sarif::write(&answer)?),
        Format::Junit => context.printer.document(&junit::write(&answer)),
        Format::Markdown => context.printer.document(&markdown::write(&answer)),
        Format::Github => context.printer.document(&github::write(&answer)),
        format @ (Format::Cyclonedx | Format::Cyclonedx17) => {
            let base = bill::base(&paths);
            let bom = bill::of(&seen, base, bill::project(base));
            context.printer.document(&cyclonedx::write(&answer, bom, format == Format::Cyclonedx17)?);
        }
        _ => context.printer.answer(&answer, || text::write(&answer))?,
    }
    let exit = answer.exit();
    // The process ends with it: a hundred thousand pieces of memory need not be given back one by one before.
    std::mem::forget((answer, seen, advisories));
    Ok(exit)
}

/// What is asked.
struct Asked<'a> {
    advisories: &'a Advisories,
    policy: &'a Policy,
    now: jiff::Timestamp,
}

impl Asked<'_> {
    fn answer(&self, seen: &Seen) -> Answer {
        let Seen { found, unseen, left_out, .. } = seen;
        let mut unseen = unseen.clone();
        let advisories = self.advisories;
        if advisories.records == 0 {
            unseen.push("there are no advisories; `stockade doctor` says where they are put".to_owned());
        }
        unseen.extend(advisories.shortfalls());
        let mut findings = Vec::new();
        for file in found {
            let problems = file.problems.iter().map(|problem| format!("{}: {problem}", file.path.display()));
            unseen.extend(problems);
            findings.extend(self.of_file(file, &mut unseen));
        }
        sort(&mut findings);
        let releases = found.iter().map(|file| file.locked.len()).sum();
        let files = found.iter().map(|file| File {
            releases: file.locked.len(),
            path: file.path.clone(),
            kind: file.kind,
            problems: file.problems.clone(),
            notices: file.notices.clone(),
        });
        let (newest, vex) = (advisories.newest(), None);
        let (files, left_out) = (files.collect(), left_out.clone());
        let coverage = Coverage { files, releases, advisories: advisories.records, newest, vex, unseen, left_out };
        Answer { findings, coverage }
    }

    /// What the advisories say of the entries of a file.
    fn of_file(&self, file: &Found, unseen: &mut Vec<String>) -> Vec<Finding> {
        let package = |at: &usize| &file.locked[*at].release.package;
        let mut order: Vec<usize> = (0..file.locked.len()).collect();
        order.sort_by(|a, b| file.locked[*a].release.cmp(&file.locked[*b].release));
        let packages: Vec<&[usize]> = order.chunk_by(|a, b| package(a) == package(b)).collect();
        // Some packages have many advisories and most have none, so threads take what is next.
        let shares = Mutex::new(packages.chunks(SHARE).enumerate());
        let next = || shares.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work =
            || std::iter::from_fn(next).map(|(at, share)| (at, self.of_packages(share, file))).collect::<Vec<_>>();
        let threads = packages.len().div_ceil(SHARE).min(super::workers());
        let mut answers: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running.into_iter().flat_map(joined).collect()
        });
        answers.sort_by_key(|(at, _)| *at);
        let mut findings = Vec::with_capacity(answers.iter().map(|(_, (found, _))| found.len()).sum());
        for (_, (found, gaps)) in answers {
            findings.extend(found);
            unseen.extend(gaps);
        }
        findings
    }

    /// What the advisories say of some packages of a file, each given by its entries, and what they could not say.
    fn of_packages(&self, packages: &[&[usize]], file: &Found) -> (Vec<Finding>, Vec<String>) {
        let (mut findings, mut unseen) = (Vec::new(), Vec::new());
        for entries in packages {
            let Some(package) = entries.first().map(|at| &file.locked[*at].release.package) else { continue };
            let questions = entries.iter().map(|at| self.question(&file.locked[*at])).collect::<Vec<_>>();
            let answers = match self.advisories.answers(package, &questions) {
                Ok(answers) => answers,
                Err(error) => {
                    unseen.push(format!("{}: {error}", package.name));
                    continue;
                }
            };
            for (at, answer) in entries.iter().zip(answers) {
                let locked = &file.locked[*at];
                unseen.extend(answer.unclear.iter().map(|unclear| {
                    format!("{}: `{}` cannot be compared with it", Purl::of(&locked.release), unclear.id)
                }));
                findings.extend(answer.matches.into_iter().map(|found| self.finding(found, file, *at)));
            }
        }
        (findings, unseen)
    }

    /// What is asked of an entry: its version, and its bytes whatever they are called.
    fn question<'b>(&'b self, locked: &'b Locked) -> Question<'b> {
        let digests = locked.integrity.as_ref().map_or(&[][..], Integrity::digests);
        let origin = match &locked.origin {
            Origin::Registry(Some(address)) => self.advisories.origin(&locked.release.package, address),
            _ => advisory::Origin::Unknown,
        };
        Question { digests, origin, ..Question::version(&locked.release.version) }
    }

    fn finding(&self, found: Match, file: &Found, at: usize) -> Finding {
        let locked = &file.locked[at];
        Finding {
            verdict: self.verdict(&locked.release, &found),
            purl: Purl::of(&locked.release),
            id: found.id,
            aliases: found.aliases,
            class: found.class,
            grade: found.grade,
            summary: found.summary,
            fixed: found.fixed,
            score: found.severity.tenths.map(|tenths| f32::from(tenths) / 10.0),
            probability: found.likelihood.map(|likelihood| likelihood.probability),
            exploited: found.exploited,
            severity: found.severity,
            lifted: None,
            file: file.path.clone(),
            line: locked.line,
            scope: file.scope(at),
            path: file.path_to(at),
        }
    }

    /// What the policy makes of one advisory about a release. Of a release in a lockfile nothing else is known, so the
    /// reasons that are about anything else do not count.
    fn verdict(&self, release: &Release, found: &Match) -> Verdict {
        let malware = found.blocks_by_default();
        let evidence = [Evidence::Advisory { id: found.id.clone(), malware, summary: String::new() }];
        let ruling = self.policy.decide(release, &evidence, &[], self.now);
        let about = ruling.reasons.iter().filter(|reason| matches!(reason.rule.as_str(), "malware" | "advisory"));
        about.map(|reason| reason.verdict).max().unwrap_or(Verdict::Allow)
    }
}

/// The worst first, and what was lifted last.
fn sort(findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let counts_not = finding.verdict == Verdict::Allow;
        (finding.lifted.is_some(), counts_not, finding.class, finding.grade, finding.purl.to_string())
    });
}

impl Answer {
    /// Lifts what others say does nothing here. What is malicious is not lifted: who has it has it, whatever it is used
    /// for.
    fn lift(&mut self, statements: &mut Statements, context: &Context<'_>) {
        for finding in &mut self.findings {
            let Some(release) = finding.purl.release() else { continue };
            let names = std::iter::once(&finding.id).chain(&finding.aliases).map(String::as_str);
            let Some(lifted) = statements.lifted(names, &release) else { continue };
            if finding.class == Class::Malicious {
                context.printer.talk(&format!(
                    "stockade: `{}` says that {} is {} in {}; what is malicious is not lifted by that\n\
                     hint: an exception in the policy lifts it, with a reason, by whom and until when\n",
                    lifted.by.display(),
                    finding.id,
                    lifted.status.name(),
                    finding.purl
                ));
            } else {
                finding.verdict = Verdict::Allow;
                finding.lifted = Some(lifted);
            }
        }
        sort(&mut self.findings);
        let (statements, unused) = statements.counts();
        self.coverage.vex = Some(Vex { statements, unused });
    }

    fn exit(&self) -> Exit {
        if self.findings.iter().any(|finding| finding.verdict > Verdict::Allow) {
            Exit::Refused
        } else if self.coverage.unseen.is_empty() && !self.coverage.files.is_empty() {
            Exit::Allowed
        } else {
            Exit::Undecided
        }
    }
}

impl Finding {
    /// What it is, in a word or two.
    fn class(&self) -> &'static str {
        match (self.class, self.verdict) {
            (Class::Malicious, Verdict::Allow) => "perhaps malicious",
            (Class::Malicious, _) => "malicious",
            (Class::Vulnerable, _) => "vulnerable",
            (Class::Notice, _) => "notice",
        }
    }

    /// What is to be known of it besides its name and identifier: `…; known to be used; fixed in 1.0.1, by a > b`.
    fn sentence(&self) -> String {
        let used = if self.exploited { "; known to be used" } else { "" };
        let fixed = if self.fixed.is_empty() { String::new() } else { format!("; fixed in {}", self.fixed.join(", ")) };
        format!("{}{used}{fixed}{}", self.summary, self.through())
    }

    fn through(&self) -> String {
        match self.path.as_slice() {
            [] | [_] => String::new(),
            path => format!(", by {}", path.join(" > ")),
        }
    }

    /// Why it does not count: `not affected (never called), says vex.json`.
    fn excuse(&self) -> Option<String> {
        let Lifted { status, why, by } = self.lifted.as_ref()?;
        let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        Some(format!("{}{why}, says {}", status.name(), by.display()))
    }
}

impl Coverage {
    /// `looked at 2 releases in 1 file, with 2 advisory records, the newest of 2026-05-31`
    fn sentence(&self) -> String {
        let newest = self.newest.map(|newest| format!(", the newest of {}", newest.strftime("%Y-%m-%d")));
        let vex = self.vex.as_ref().map(|Vex { statements, unused }| {
            format!("; {}, {unused} of them about nothing that was found", count(*statements, "statement"))
        });
        format!(
            "looked at {} in {}, with {}{}{}",
            count(self.releases, "release"),
            count(self.files.len(), "file"),
            count(self.advisories, "advisory record"),
            newest.unwrap_or_default(),
            vex.unwrap_or_default()
        )
    }

    /// Everything that was not looked at. Nothing at all is not, either.
    fn gaps(&self) -> impl Iterator<Item = &str> {
        let nothing = self.files.is_empty().then_some(NOTHING);
        self.unseen.iter().map(String::as_str).chain(nothing)
    }

    /// What was looked at and somebody should know, and what nobody can look at here.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let noticed = |file: &File| {
            let place = place(&file.path);
            file.notices.iter().map(|notice| format!("{place}: {notice}")).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(noticed).chain(self.left_out.iter().map(|what| format!("left out: {what}")))
    }
}

/// How many packages a thread asks about before it takes more.
const SHARE: usize = 128;

/// What a thread returns; its panic goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What is said where there is nothing to look at.
const NOTHING: &str = "there is no lockfile and no installed tree that is known; nothing was looked at";

/// A path below the working folder as others name it: with `/`, and from there.
fn place(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(".").or_else(|_| path.strip_prefix(&here)).unwrap_or(path);
    below.to_string_lossy().trim_start_matches('/').to_owned()
}
