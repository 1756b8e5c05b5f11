//! Advisories that are about the same become one match.
//!
//! Aliases say which vulnerabilities are the same. Of attacks they often do not: two databases learn of a hijacked release
//! in one hour and do not know of each other. A release is attacked once, so all that is malicious about it is one match.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::Hit;
use crate::answer::Match;
use crate::class::Class;

/// Joins what is about the same; the worst first.
pub(super) fn join(hits: Vec<Hit>) -> Vec<Match> {
    let roots = roots(&hits);
    let mut groups: BTreeMap<usize, Vec<Hit>> = BTreeMap::new();
    for (hit, root) in hits.into_iter().zip(roots) {
        groups.entry(root).or_default().push(hit);
    }
    let mut matches: Vec<Match> = groups.into_values().filter_map(one).collect();
    matches.sort_by(|a, b| {
        let key = |found: &Match| (found.class, found.grade, Reverse(found.severity.tenths));
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    matches
}

/// For each hit the number of one that stands for all that are the same.
fn roots(hits: &[Hit]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..hits.len()).collect();
    let mut first: HashMap<(Class, &str), usize> = HashMap::new();
    for (number, hit) in hits.iter().enumerate() {
        let names = std::iter::once(&hit.record.id).chain(&hit.record.aliases).map(String::as_str);
        // All that is malicious has one name more.
        let shared = (hit.class == Class::Malicious).then_some("");
        for name in names.chain(shared) {
            let other = *first.entry((hit.class, name)).or_insert(number);
            let (a, b) = (root(&mut parents, number), root(&mut parents, other));
            parents[a.max(b)] = a.min(b);
        }
    }
    (0..hits.len()).map(|number| root(&mut parents, number)).collect()
}

fn root(parents: &mut [usize], mut number: usize) -> usize {
    while parents[number] != number {
        parents[number] = parents[parents[number]];
        number = parents[number];
    }
    number
}

/// One match of all of a group.
fn one(mut group: Vec<Hit>) -> Option<Match> {
    group.sort_by(|a, b| {
        let key = |hit: &Hit| (hit.because.grade, Reverse(hit.record.severity.tenths));
        key(a).cmp(&key(b)).then_with(|| a.record.id.cmp(&b.record.id))
    });
    let best = group.first()?;
    let (id, class, grade) = (best.record.id.clone(), best.class, best.because.grade);
    let summary = group.iter().map(|hit| &hit.record.summary).find(|summary| !summary.is_empty());
    let summary = summary.cloned().unwrap_or_default();
    let severity = group.iter().map(|hit| &hit.record.severity).max_by_key(|severity| severity.tenths);
    let severity = severity.cloned().unwrap_or_default();
    let ids = group.iter().flat_map(|hit| std::iter::once(&hit.record.id).chain(&hit.record.aliases));
    let mut aliases: Vec<String> = ids.filter(|alias| **alias != id).cloned().collect();
    aliases.sort_unstable();
    aliases.dedup();
    let mut fixed: Vec<(Vec<u8>, String)> = group.iter_mut().flat_map(|hit| std::mem::take(&mut hit.fixed)).collect();
    fixed.sort_unstable();
    fixed.dedup();
    Some(Match {
        id,
        aliases,
        class,
        grade,
        summary,
        severity,
        fixed: fixed.into_iter().map(|(_, version)| version).collect(),
        published: group.iter().filter_map(|hit| hit.record.published).min(),
        modified: group.iter().filter_map(|hit| hit.record.modified).max(),
        withdrawn: group.iter().filter_map(|hit| hit.record.withdrawn).max(),
        because: group.into_iter().map(|hit| hit.because).collect(),
        likelihood: None,
        exploited: false,
    })
}
