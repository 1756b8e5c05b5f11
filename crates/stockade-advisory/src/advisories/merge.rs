//! Advisories that are about the same become one match.
//!
//! Aliases say which vulnerabilities are the same. Of attacks they often do not: two databases learn of a hijacked release
//! in one hour and do not know of each other. A release is attacked once, so all that is malicious about it is one match.

use std::cmp::Reverse;

use super::Hit;
use crate::answer::Match;
use crate::class::Class;

/// Joins what is about the same; the worst first.
pub(super) fn join(hits: Vec<Hit>) -> Vec<Match> {
    let mut groups: Vec<Vec<Hit>> = Vec::new();
    for hit in hits {
        let (same, mut others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group: &Vec<Hit>| group.iter().any(|known| is_same(known, &hit)));
        let mut group: Vec<Hit> = same.into_iter().flatten().collect();
        group.push(hit);
        others.push(group);
        groups = others;
    }
    let mut matches: Vec<Match> = groups.into_iter().filter_map(one).collect();
    matches.sort_by(|a, b| {
        let key = |found: &Match| (found.class, found.grade, Reverse(found.severity.tenths));
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    matches
}

fn is_same(a: &Hit, b: &Hit) -> bool {
    if a.class != b.class {
        return false;
    }
    let names = |hit: &Hit, name: &String| hit.record.id == *name || hit.record.aliases.contains(name);
    a.class == Class::Malicious || names(a, &b.record.id) || b.record.aliases.iter().any(|alias| names(a, alias))
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
