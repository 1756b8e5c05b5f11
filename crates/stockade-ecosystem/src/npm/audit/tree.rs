//! The older audit. A client sends its tree of dependencies, and is answered a report that says of each advisory where in
//! the tree it applies, and how many there are of each severity.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use stockade_model::{Malformed, Release};

use super::{SEVERITIES, advisory, number, read};
use crate::npm::{package, version};
use crate::{Advice, Version};

/// How many releases a tree may have.
const MAX_RELEASES: usize = 100_000;
/// How many places of a release are told.
const MAX_PLACES: usize = 100;
/// What clients take for "there is no fix".
const NO_FIX: &str = "<0.0.0";

/// A tree, or a part of one.
#[derive(Deserialize)]
struct Node {
    version: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Node>,
}

impl Node {
    /// pnpm sends a workspace as a tree of its projects, which are no releases: they have no integrity at all.
    fn is_project(&self, depth: usize) -> bool {
        depth == 0 && self.integrity.is_none() && !self.dependencies.is_empty()
    }
}

/// The releases of a tree, each with the names that lead to it.
type Places = BTreeMap<Release, Vec<String>>;

fn places(body: &[u8]) -> Result<Places, Malformed> {
    let malformed = |why| Malformed::new("an audit request", "", why);
    // The nesting that the parser allows is the depth that a tree may have.
    let tree: Node = serde_json::from_slice(body).map_err(|_| malformed("it is not a tree of dependencies"))?;
    let mut found = Places::new();
    let mut path = Vec::new();
    gather(&tree, &mut path, &mut found)?;
    Ok(found)
}

fn gather<'a>(node: &'a Node, path: &mut Vec<&'a str>, found: &mut Places) -> Result<(), Malformed> {
    for (name, below) in &node.dependencies {
        let depth = path.len();
        path.push(name);
        if !below.is_project(depth)
            && let Some(version) = &below.version
        {
            if found.len() >= MAX_RELEASES {
                return Err(Malformed::new("an audit request", "", "it asks about more than 100,000 releases"));
            }
            let places = found.entry(package(name)?.release(version)).or_default();
            if places.len() < MAX_PLACES {
                places.push(path.join(">"));
            }
        }
        gather(below, path, found)?;
        path.pop();
    }
    Ok(())
}

pub(super) fn asked(body: &[u8]) -> Result<Vec<Release>, Malformed> {
    Ok(places(body)?.into_keys().collect())
}

/// The report, of a registry's answer in today's form and of our own advisories.
pub(super) fn answer(asked: &[u8], theirs: &[u8], ours: &[Advice]) -> Result<Vec<u8>, Malformed> {
    let places = places(asked)?;
    let mut report = Report::default();
    for (name, advisories) in &read(theirs)? {
        for raw in advisories {
            report.add_theirs(name, raw, &places)?;
        }
    }
    for advice in ours {
        report.add_ours(advice, &places);
    }
    Ok(report.written(places.len()))
}

/// What of a registry's advisory is looked at.
#[derive(Deserialize)]
struct Theirs {
    id: u64,
    #[serde(default)]
    severity: String,
    vulnerable_versions: Option<String>,
}

#[derive(Default)]
struct Report {
    advisories: Map<String, Value>,
    actions: Vec<Value>,
    counts: BTreeMap<&'static str, u64>,
}

impl Report {
    fn add_theirs(&mut self, name: &str, raw: &RawValue, places: &Places) -> Result<(), Malformed> {
        let malformed = |_| Malformed::new("an audit's answer", "", "an advisory in it cannot be read");
        let known: Theirs = serde_json::from_str(raw.get()).map_err(malformed)?;
        let mut members: Map<String, Value> = serde_json::from_str(raw.get()).map_err(malformed)?;
        let range = known.vulnerable_versions.as_deref();
        let is_meant = |release: &Release| {
            release.package.name.as_str() == name && range.is_none_or(|range| may_contain(range, &release.version))
        };
        let severity = SEVERITIES.into_iter().find(|word| *word == known.severity).unwrap_or("high");
        let ghsa = members.get("url").and_then(Value::as_str).and_then(|url| url.rsplit('/').next()).map(str::to_owned);
        members.extend(told(ghsa.as_deref(), &[], NO_FIX));
        self.add(number(&format!("{} {name}", known.id)), severity, name, members, &meant(places, is_meant));
        Ok(())
    }

    fn add_ours(&mut self, advice: &Advice, places: &Places) {
        let name = advice.package.name.as_str();
        let is_meant = |release: &Release| release.package == advice.package && advice.asked.contains(&release.version);
        let Value::Object(mut members) = advisory(advice) else { return };
        let cves: Vec<&str> =
            advice.aliases.iter().map(String::as_str).filter(|alias| alias.starts_with("CVE-")).collect();
        // Of several fixes, each of its own line, only the last is one for all versions.
        let fixed = advice.fixed.last().map_or_else(|| NO_FIX.to_owned(), |fixed| format!(">={fixed}"));
        members.extend(told(Some(&advice.id), &cves, &fixed));
        let number = number(&format!("{} {name}", advice.id));
        self.add(number, super::severity(advice), name, members, &meant(places, is_meant));
    }

    /// Adds an advisory that is about these releases.
    fn add(
        &mut self,
        id: u64,
        severity: &'static str,
        name: &str,
        mut members: Map<String, Value>,
        meant: &[(&Release, &Vec<String>)],
    ) {
        if meant.is_empty() {
            return;
        }
        let findings: Vec<Value> =
            meant.iter().map(|(release, paths)| json!({ "version": release.version, "paths": paths })).collect();
        let paths = meant.iter().flat_map(|(_, paths)| paths.iter());
        let resolves: Vec<Value> = paths
            .map(|path| json!({ "id": id, "path": path, "dev": false, "optional": false, "bundled": false }))
            .collect();
        let own = [
            ("id", json!(id)),
            ("module_name", json!(name)),
            ("severity", json!(severity)),
            ("findings", json!(findings)),
        ];
        members.extend(own.map(|(key, value)| (key.to_owned(), value)));
        self.actions.push(json!({ "action": "review", "module": name, "resolves": resolves }));
        self.advisories.insert(id.to_string(), Value::Object(members));
        *self.counts.entry(severity).or_default() += 1;
    }

    fn written(self, releases: usize) -> Vec<u8> {
        let counts: BTreeMap<&str, u64> =
            SEVERITIES.into_iter().map(|word| (word, self.counts.get(word).copied().unwrap_or_default())).collect();
        json!({
            "actions": self.actions,
            "advisories": self.advisories,
            "muted": [],
            "metadata": {
                "vulnerabilities": counts,
                "dependencies": releases,
                "devDependencies": 0,
                "optionalDependencies": 0,
                "totalDependencies": releases,
            },
        })
        .to_string()
        .into_bytes()
    }
}

fn meant(places: &Places, is_meant: impl Fn(&Release) -> bool) -> Vec<(&Release, &Vec<String>)> {
    places.iter().filter(|(release, _)| is_meant(release)).collect()
}

/// What a report says of an advisory that today's answers do not.
fn told(name: Option<&str>, cves: &[&str], fixed: &str) -> [(String, Value); 3] {
    [("github_advisory_id", json!(name)), ("cves", json!(cves)), ("patched_versions", json!(fixed))]
        .map(|(key, value)| (key.to_owned(), value))
}

/// True if a version is in a range as registries write them in advisories, `>= 1.0.0 < 1.2.3 || = 2.0.0`, or if that cannot
/// be told.
fn may_contain(range: &str, text: &str) -> bool {
    let Ok(asked) = version::parse(text) else { return true };
    let alternatives: Option<Vec<bool>> = range.split("||").map(|all| holds(all, &asked)).collect();
    alternatives.is_none_or(|alternatives| alternatives.contains(&true))
}

/// Whether all comparisons of an alternative hold; `None` if one of them cannot be read.
fn holds(alternative: &str, asked: &Version) -> Option<bool> {
    let mut all = true;
    let mut operator = "";
    for word in alternative.split([' ', ',']).filter(|word| !word.is_empty()) {
        let end = word.find(|c| !matches!(c, '<' | '>' | '=')).unwrap_or(word.len());
        let (sign, rest) = word.split_at(end);
        operator = if sign.is_empty() { operator } else { sign };
        if rest.is_empty() {
            continue;
        }
        let order = asked.partial_cmp(&version::parse(rest).ok()?)?;
        all &= match operator {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "" | "=" => order.is_eq(),
            _ => return None,
        };
        operator = "";
    }
    Some(all)
}

#[cfg(test)]
mod tests;
