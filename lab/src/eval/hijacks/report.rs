//! What came out of the replays: whether an incident was caught, and which techniques were.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::judging::Judged;
use super::super::stats::Rate;
use super::spec::Replay;

/// The techniques by their numbers, from 1.
const TECHNIQUES: [&str; 32] = [
    "a new script at installation",
    "a script and a large new file",
    "a build description that runs a command",
    "an optional dependency on a commit",
    "a new dependency that is the carrier",
    "a dependency on itself",
    "code appended to a built file",
    "code out of sight: white space, invisible characters, look-alikes",
    "only one of two builds changed",
    "the published file is not its source's",
    "at the first call of a function",
    "only after a while, or in some place",
    "the environment, encoded and sent",
    "files with credentials",
    "decoded and executed",
    "another runtime or program, fetched and started",
    "a library or program in the package",
    "data in sound, a picture or a fixture of tests",
    "at the start of an interpreter",
    "a build backend or command of a source distribution",
    "a thread at import",
    "a build script or procedural macro",
    "a static initialiser, a service or an agent of Java",
    "a wallet's or the browser's functions replaced",
    "persistence in the system",
    "files for editors, agents and continuous integration",
    "publishes to a registry",
    "an agent on the machine is asked",
    "deletes recursively",
    "no verification of certificates",
    "removes its own traces",
    "a hook of an autoloader",
];

/// The hosts, each with the better of two outcomes where what it came to need was judged too: whoever holds one of the two
/// is safe from both. A dependency is no incident of its own.
pub(crate) fn followed(judged: Vec<Judged>, replays: &[Replay]) -> Vec<Judged> {
    let (mut hosts, mut dependencies) = (Vec::new(), BTreeMap::new());
    for each in judged {
        let piece = &each.case.new;
        let is_dependency = |replay: &Replay| {
            replay.ecosystem == piece.ecosystem
                && replay.dependency.as_ref().is_some_and(|with| with.name == piece.name)
        };
        match replays.iter().find(|replay| is_dependency(replay)) {
            Some(replay) => drop(dependencies.insert(replay.key.as_str(), each.outcome)),
            None => hosts.push(each),
        }
    }
    for host in &mut hosts {
        let key = replay_of(host, replays).map(|replay| replay.key.as_str());
        let with = key.and_then(|key| dependencies.get(key));
        if let Some(outcome) = with.filter(|with| with.verdict.is_alarm() && !host.outcome.verdict.is_alarm()) {
            host.outcome = outcome.clone();
        }
    }
    hosts
}

/// The replay that a case is of.
fn replay_of<'a>(judged: &Judged, replays: &'a [Replay]) -> Option<&'a Replay> {
    let piece = &judged.case.new;
    replays.iter().find(|replay| replay.ecosystem == piece.ecosystem && replay.host == piece.name)
}

/// Tables of what was caught by what changed and by technique, and what should have been said of each that was missed.
pub(crate) fn by_technique(judged: &[Judged], replays: &[Replay]) -> String {
    let known: Vec<(&Judged, &Replay)> =
        judged.iter().filter_map(|each| Some((each, replay_of(each, replays)?))).collect();
    let mut text =
        "\nEach is a real release of a popular package with the edit that an incident of the catalogue made \
                    to another. One incident has several techniques.\n\n| what shows most | caught (95 % interval) \
                    |\n|---|---|\n"
            .to_owned();
    let mut changes: BTreeMap<_, Vec<&Judged>> = BTreeMap::new();
    for (each, replay) in &known {
        changes.entry(replay.change).or_default().push(each);
    }
    for (change, judged) in changes {
        let _ = writeln!(text, "| {} | {} |", change.as_str(), caught(&judged).words());
    }
    text.push_str("\n| | technique | caught (95 % interval) |\n|---|---|---|\n");
    for (number, technique) in (1_u8..).zip(TECHNIQUES) {
        let with = known.iter().filter(|(_, replay)| replay.classes.contains(&number));
        let judged: Vec<&Judged> = with.map(|(each, _)| *each).collect();
        let _ = writeln!(text, "| {number} | {technique} | {} |", caught(&judged).words());
    }
    text.push_str(&translated(&known));
    text.push_str(&missed(&known));
    text
}

fn caught(judged: &[&Judged]) -> Rate {
    Rate::count(judged, |each| each.outcome.verdict.is_alarm())
}

/// Incidents of ecosystems that are not guarded here, and what their techniques became.
fn translated(known: &[(&Judged, &Replay)]) -> String {
    let lines = known.iter().filter_map(|(_, replay)| Some(format!("{}: {}", replay.key, replay.translated.as_ref()?)));
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\nReplayed in another ecosystem than their own:\n\n```text\n{}\n```\n", lines.join("\n"))
}

fn missed(known: &[(&Judged, &Replay)]) -> String {
    let missed = known.iter().filter(|(each, _)| !each.outcome.verdict.is_alarm());
    let lines: Vec<String> =
        missed.map(|(_, replay)| format!("{} ({}): {}", replay.key, replay.host, replay.expect)).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\nWhat there is to see in what was missed:\n\n```text\n{}\n```\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::super::subject::Verdict;
    use super::super::super::tally::tests::{hold, judged};
    use super::*;

    const REPLAYS: [(&str, &str); 2] = [
        (
            "52-a",
            "incident = 52\necosystem = 'npm'\nhost = 'a'\nclasses = [5]\nchange = 'dependency'\nexpect = 'e'\n\
             [dependency]\nname = 'b'\nold = '1'\nnew = '2'\nfile = []\nedit = []",
        ),
        ("01-c", "incident = 1\necosystem = 'npm'\nhost = 'c'\nclasses = [1]\nchange = 'trigger'\nexpect = 'a hook'"),
    ];

    #[test]
    fn a_host_is_caught_with_what_it_needs() {
        let replays = REPLAYS.map(|(key, text)| Replay::parse(key, text).unwrap());
        let all = vec![
            judged("npm", "a", "a-1.tgz", Verdict::Quiet),
            judged("npm", "b", "b-1.tgz", hold(&["x"])),
            judged("npm", "c", "c-1.tgz", Verdict::Quiet),
        ];
        let all = followed(all, &replays);
        assert_eq!(all.iter().map(|each| each.case.new.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        let text = by_technique(&all, &replays);
        assert!(text.contains("| dependency | 1 of 1,") && text.contains("| trigger | 0 of 1,"), "{text}");
        assert!(text.contains("| 5 | a new dependency that is the carrier | 1 of 1,"));
        assert!(text.contains("```text\n01-c (c): a hook\n```"));
    }
}
