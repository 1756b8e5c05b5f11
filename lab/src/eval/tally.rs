//! Counts what came out of a corpus.

use std::collections::BTreeMap;

use super::family;
use super::judging::Judged;
use super::stats::Rate;
use super::subject::Verdict;

/// A family is caught if at least half of its members are.
const CAUGHT_SHARE: usize = 2;

/// How much of the malware was caught.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recall {
    pub(crate) archives: Rate,
    pub(crate) families: Rate,
}

pub(crate) fn recall(caught: &[bool], families: &[String]) -> Recall {
    let members = family::members(families);
    Recall {
        archives: Rate::count(caught, |caught| **caught),
        families: Rate::count(&members, |members| is_caught(members, caught)),
    }
}

/// Whether at least half of the members were caught.
pub(crate) fn is_caught(members: &[usize], caught: &[bool]) -> bool {
    let hits = members.iter().filter(|index| caught.get(**index).copied().unwrap_or(false)).count();
    hits * CAUGHT_SHARE >= members.len()
}

/// What came out for one sort of file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) alarms: Rate,
    pub(crate) denied: usize,
    pub(crate) gaps: usize,
    /// Packages with at least one alarm, of all: alarms of one package are rarely independent.
    pub(crate) packages: Rate,
}

/// A row for every ecosystem and kind of file, by name.
pub(crate) fn rows(judged: &[Judged]) -> BTreeMap<(&'static str, &'static str), Row> {
    let mut groups: BTreeMap<_, Vec<&Judged>> = BTreeMap::new();
    for each in judged {
        groups.entry((each.case.new.ecosystem, each.case.new.kind())).or_default().push(each);
    }
    groups.into_iter().map(|(key, judged)| (key, row(&judged))).collect()
}

/// Everything as one row.
pub(crate) fn row(judged: &[&Judged]) -> Row {
    let mut packages: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for each in judged {
        let alarm = packages.entry((each.case.new.ecosystem, &each.case.new.name)).or_default();
        *alarm |= each.outcome.verdict.is_alarm();
    }
    let count = |hit: fn(&Verdict) -> bool| judged.iter().filter(|each| hit(&each.outcome.verdict)).count();
    Row {
        alarms: Rate::count(judged, |each| each.outcome.verdict.is_alarm()),
        denied: count(|verdict| matches!(verdict, Verdict::Deny(_))),
        gaps: count(|verdict| matches!(verdict, Verdict::Gap(_))),
        packages: Rate::count(packages.values(), |alarm| **alarm),
    }
}

/// How often each rule was a reason, the most frequent first.
pub(crate) fn rules(judged: &[Judged]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in judged.iter().flat_map(|each| each.outcome.verdict.rules()) {
        *counts.entry(rule).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::cases::{Case, Piece, Place};
    use super::super::subject::Outcome;
    use super::*;

    /// A judged file of one of the ecosystems.
    pub(crate) fn judged(ecosystem: &'static str, name: &str, file: &str, verdict: Verdict) -> Judged {
        let (name, version, file) = (name.to_owned(), "1".to_owned(), file.to_owned());
        let place = Place::File(std::path::PathBuf::new());
        let case = Case { new: Piece { ecosystem, name, version, file, place }, old: None };
        Judged { case, outcome: Outcome { verdict, millis: 1.0, score: 0.0 } }
    }

    /// A verdict with the rules that are named.
    pub(crate) fn hold(rules: &[&str]) -> Verdict {
        Verdict::Hold(rules.iter().map(|rule| (*rule).to_owned()).collect())
    }

    #[test]
    fn a_family_is_caught_if_half_of_it_is() {
        let families = ["a", "a", "a", "b", "b", "c"].map(str::to_owned);
        let recall = recall(&[true, false, false, true, false, false], &families);
        assert_eq!(recall.archives, Rate { of: 6, hits: 2 });
        assert_eq!(recall.families, Rate { of: 3, hits: 1 });
    }

    #[test]
    fn rows_are_by_ecosystem_and_kind() {
        let all = [
            judged("pypi", "a", "a-1.tar.gz", hold(&["x", "y"])),
            judged("pypi", "a", "a-2.tar.gz", hold(&["y"])),
            judged("pypi", "b", "b-1.tar.gz", Verdict::Gap("no archive".to_owned())),
            judged("npm", "b", "b-1.tgz", Verdict::Deny(vec!["z".to_owned()])),
        ];
        let rows = rows(&all);
        let sdists = &rows[&("pypi", "sdist")];
        assert_eq!((sdists.alarms, sdists.gaps), (Rate { of: 3, hits: 2 }, 1));
        assert_eq!(sdists.packages, Rate { of: 2, hits: 1 });
        assert_eq!(rows[&("npm", "tarball")].denied, 1);
        assert_eq!(rules(&all)[0], ("y".to_owned(), 2));
    }
}
