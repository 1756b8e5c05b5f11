//! `stockade scan`: is a compromised release among what a project has, or a vulnerable one?
//!
//! Lockfiles and installed trees are read as they are, and no package manager is run. What a file names is asked of the
//! local advisories and of the policy; nothing is fetched, and no store is opened. The answer says what was looked at: a file that was
//! not read whole, or advisories that are not there, is exit status 2, and never "no finding".

use std::path::PathBuf;

use serde::Serialize;
use stockade_engine::Advisories;
use stockade_engine::advisory::{Class, Question};
use stockade_model::{Evidence, Purl, Release, Verdict};
use stockade_policy::Policy;

use super::{Context, Exit};
use crate::args::Scan;
use crate::scan::{Found, Seen, see};

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
    /// What the policy makes of it.
    verdict: Verdict,
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

/// Scans.
pub(super) fn scan(context: &Context<'_>, arguments: Scan) -> anyhow::Result<Exit> {
    let paths = if arguments.paths.is_empty() { vec![PathBuf::from(".")] } else { arguments.paths };
    let (settings, now) = (&context.settings, (context.clock)());
    let advisories = Advisories::open(&settings.advisories, &settings.data, now)?;
    let seen = see(&paths)?;
    let answer = answered(&advisories, &settings.policy, seen, now);
    context.printer.answer(&answer, || told(&answer))?;
    Ok(answer.exit())
}

fn answered(advisories: &Advisories, policy: &Policy, seen: Seen, now: jiff::Timestamp) -> Answer {
    let Seen { found, mut unseen, left_out, .. } = seen;
    if advisories.records == 0 {
        unseen.push("there are no advisories; `stockade doctor` says where they are put".to_owned());
    }
    unseen.extend(advisories.problems.iter().map(|problem| format!("advisories could not be read: {problem}")));
    unseen.extend(advisories.stale.iter().map(|stale| format!("advisories are not up to date: {stale}")));
    let mut findings = Vec::new();
    for file in &found {
        let problems = file.problems.iter().map(|problem| format!("{}: {problem}", file.path.display()));
        unseen.extend(problems);
        findings.extend(of_file(advisories, policy, file, now, &mut unseen));
    }
    let key = |finding: &Finding| (finding.verdict == Verdict::Allow, finding.class, finding.grade);
    findings.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.purl.to_string().cmp(&b.purl.to_string())));
    let releases = found.iter().map(|file| file.locked.len()).sum();
    let files = found.into_iter().map(|file| File {
        releases: file.locked.len(),
        path: file.path,
        kind: file.kind,
        problems: file.problems,
        notices: file.notices,
    });
    let newest = advisories.newest();
    let coverage =
        Coverage { files: files.collect(), releases, advisories: advisories.records, newest, unseen, left_out };
    Answer { findings, coverage }
}

/// What the advisories say of the entries of a file.
fn of_file(
    advisories: &Advisories,
    policy: &Policy,
    file: &Found,
    now: jiff::Timestamp,
    unseen: &mut Vec<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut order: Vec<usize> = (0..file.locked.len()).collect();
    order.sort_by(|a, b| file.locked[*a].release.cmp(&file.locked[*b].release));
    for of_package in order.chunk_by(|a, b| file.locked[*a].release.package == file.locked[*b].release.package) {
        let Some(package) = of_package.first().map(|at| &file.locked[*at].release.package) else { continue };
        let questions =
            of_package.iter().map(|at| Question::version(&file.locked[*at].release.version)).collect::<Vec<_>>();
        let answers = match advisories.answers(package, &questions) {
            Ok(answers) => answers,
            Err(error) => {
                unseen.push(format!("{}: {error}", package.name));
                continue;
            }
        };
        for (at, answer) in of_package.iter().zip(answers) {
            let locked = &file.locked[*at];
            unseen.extend(
                answer.unclear.iter().map(|unclear| {
                    format!("{}: `{}` cannot be compared with it", Purl::of(&locked.release), unclear.id)
                }),
            );
            findings.extend(answer.matches.into_iter().map(|found| Finding {
                verdict: verdict(policy, &locked.release, &found, now),
                purl: Purl::of(&locked.release),
                id: found.id,
                aliases: found.aliases,
                class: found.class,
                grade: found.grade,
                summary: found.summary,
                fixed: found.fixed,
                probability: found.likelihood.map(|likelihood| likelihood.probability),
                exploited: found.exploited,
                score: found.severity.tenths.map(|tenths| f32::from(tenths) / 10.0),
                file: file.path.clone(),
                line: locked.line,
                scope: file.scope(*at),
                path: file.path_to(*at),
            }));
        }
    }
    findings
}

/// What the policy makes of one advisory about a release. Of a release in a lockfile nothing else is known, so the reasons
/// that are about anything else do not count.
fn verdict(
    policy: &Policy,
    release: &Release,
    found: &stockade_engine::advisory::Match,
    now: jiff::Timestamp,
) -> Verdict {
    let malware = found.blocks_by_default();
    let evidence = [Evidence::Advisory { id: found.id.clone(), malware, summary: String::new() }];
    let ruling = policy.decide(release, &evidence, &[], now);
    let about = ruling.reasons.iter().filter(|reason| matches!(reason.rule.as_str(), "malware" | "advisory"));
    about.map(|reason| reason.verdict).max().unwrap_or(Verdict::Allow)
}

impl Answer {
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

fn told(answer: &Answer) -> String {
    let Coverage { files, releases, advisories, newest, unseen, left_out } = &answer.coverage;
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (looked, records) = (count(files.len(), "file"), count(*advisories, "advisory record"));
    let newest = newest.map(|newest| format!(", the newest of {}", newest.strftime("%Y-%m-%d"))).unwrap_or_default();
    let mut lines: Vec<String> = answer.findings.iter().map(line).collect();
    let notices = files.iter().flat_map(|file| file.notices.iter().map(|notice| (&file.path, notice)));
    lines.extend(notices.map(|(path, notice)| format!("notice     {}: {notice}", path.display())));
    lines.push(format!("looked at {} in {looked}, with {records}{newest}", count(*releases, "release")));
    if files.is_empty() {
        lines.push("there is no lockfile and no installed tree that is known; nothing was looked at".to_owned());
    }
    if !left_out.is_empty() {
        lines.push(format!("left out:\n  {}", left_out.join("\n  ")));
    }
    if !unseen.is_empty() {
        lines.push(format!("not looked at:\n  {}", unseen.join("\n  ")));
    } else if answer.findings.is_empty() && !files.is_empty() {
        lines.push("no finding".to_owned());
    }
    lines.join("\n") + "\n"
}

fn line(finding: &Finding) -> String {
    let class = match (finding.class, finding.verdict) {
        (Class::Malicious, Verdict::Allow) => "perhaps malicious",
        (Class::Malicious, _) => "malicious",
        (Class::Vulnerable, _) => "vulnerable",
        (Class::Notice, _) => "notice",
    };
    let score = finding.score.map(|score| format!(" ({score:.1})")).unwrap_or_default();
    let fixed =
        if finding.fixed.is_empty() { String::new() } else { format!("; fixed in {}", finding.fixed.join(", ")) };
    let through = match finding.path.as_slice() {
        [] | [_] => String::new(),
        path => format!(", by {}", path.join(" > ")),
    };
    format!(
        "{class}{score}  {}  {}: {}{fixed}\n           {}:{}{through}",
        finding.purl,
        finding.id,
        finding.summary,
        finding.file.display(),
        finding.line
    )
}
