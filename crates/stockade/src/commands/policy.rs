//! `stockade policy check`: what a policy says, and what in it can have no effect.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stockade_ecosystem::{ALL, by_id};
use stockade_engine::Entry;
use stockade_engine::inspection::Rules;
use stockade_model::{EcosystemId, Name, Package, Pattern, Purl, Release};
use stockade_policy::{Exception, Policy, YOUNG_NEED};

use super::{Context, Exit, log};
use crate::describe::kebab;
use crate::output::columns;
use crate::settings::policy_file;

/// How many entries of the log are looked through for uses of exceptions.
const MAX_LOOKED_AT: usize = 20_000;
/// A name that stands for packages that no entry names.
const ANY: &str = "any-package";

/// What a policy says.
#[derive(Debug, Serialize)]
struct Checked {
    from: String,
    digest: String,
    mode: String,
    cooldown: Vec<Cooldown>,
    lists: Vec<List>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Cooldown {
    #[serde(rename = "for")]
    what: String,
    age: String,
}

#[derive(Debug, Serialize)]
struct List {
    name: &'static str,
    entries: usize,
}

/// Reads a policy and reports on it. What cannot be read is an error with its line and column.
pub(super) async fn check(context: Context<'_>, file: Option<&Path>) -> anyhow::Result<Exit> {
    let (policy, from) = match file {
        Some(file) => (&policy_file(file)?, file.display().to_string()),
        None => (&context.settings.policy, context.settings.policy_from.clone()),
    };
    let mut warnings = unknown_ecosystems(policy);
    warnings.extend(policy.patterns().filter_map(not_normal));
    warnings.extend(unknown_rules(policy, &*context.settings.rules()?));
    let entries = if log::exists(&context.settings) {
        Some(log::store(&context.settings)?.newest_entries(MAX_LOOKED_AT).await?)
    } else {
        None
    };
    let now = (context.clock)();
    warnings.extend(policy.exceptions().iter().filter_map(|exception| idle(exception, entries.as_deref(), now)));
    let checked = Checked {
        from,
        digest: policy.digest().to_string(),
        mode: kebab(&policy.mode()),
        cooldown: cooldowns(policy),
        lists: lists(policy),
        warnings,
    };
    context.printer.answer(&checked, || told(&checked))?;
    Ok(Exit::Allowed)
}

/// A policy in one line.
pub(super) fn line(policy: &Policy, from: &str) -> String {
    let mut cooldowns: Vec<String> = general(policy).into_iter().map(|(_, age)| age).collect();
    cooldowns.dedup();
    format!("{}, cooldown {} ({from})", kebab(&policy.mode()), cooldowns.join(" / "))
}

/// The cooldown of packages that no entry speaks of, in each ecosystem.
fn general(policy: &Policy) -> Vec<(&'static EcosystemId, String)> {
    let age =
        |id: &EcosystemId| policy.cooldown(&Package { ecosystem: id.clone(), name: Name::normalised(ANY) }).to_string();
    ALL.iter().map(|ecosystem| (&ecosystem.id, age(&ecosystem.id))).collect()
}

fn cooldowns(policy: &Policy) -> Vec<Cooldown> {
    let general = general(policy).into_iter().map(|(id, age)| Cooldown { what: format!("pkg:{id}/…"), age });
    let documents = documents(policy);
    let entries = documents.iter().filter_map(|document| document["cooldown"]["for"].as_array()).flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let special = entries.map(|entry| Cooldown { what: text(&entry["match"]), age: text(&entry["age"]) });
    general.chain(special).collect()
}

fn lists(policy: &Policy) -> Vec<List> {
    let documents = documents(policy);
    let entries = |name: &str| documents.iter().filter_map(|document| document[name].as_array()).map(Vec::len).sum();
    ["deny", "allow", "rule", "exception"].map(|name| List { name, entries: entries(name) }).into()
}

/// The documents of a policy, as its canonical text has them.
fn documents(policy: &Policy) -> Vec<Value> {
    let canonical: Value = serde_json::from_str(policy.canonical()).unwrap_or_default();
    canonical["layers"].as_array().cloned().unwrap_or_default()
}

/// What the policy says of rules of the inspection that there are not.
fn unknown_rules(policy: &Policy, rules: &Rules) -> Vec<String> {
    let is_known = |rule: &str| rule == YOUNG_NEED || rules.describe().any(|(known, ..)| known == rule);
    let unknown = policy.inspection_rules().filter(|rule| !is_known(rule));
    unknown.map(|rule| format!("`inspection.{rule}`: there is no such rule; is it spelled as in a finding?")).collect()
}

fn unknown_ecosystems(policy: &Policy) -> Vec<String> {
    let unknown = policy.ecosystems().filter(|id| by_id(id).is_none());
    unknown.map(|id| format!("`cooldown.{id}` has no effect: stockade knows no such ecosystem")).collect()
}

/// A pattern that can never match, because names are compared in their normal form.
fn not_normal(pattern: &Pattern) -> Option<String> {
    let purl: Purl = pattern.as_str().parse().ok()?;
    let id = pattern.ecosystem()?;
    let Some(ecosystem) = by_id(id) else {
        return Some(format!("`{pattern}` has no effect: stockade knows no ecosystem `{id}`"));
    };
    let name = purl.package.name.as_str();
    if name.contains('*') {
        return None;
    }
    match (ecosystem.name)(name) {
        Ok(normal) if normal.as_str() == name => None,
        Ok(normal) => Some(format!("`{pattern}` never matches: the normal form of the name is `{}`", normal.as_str())),
        Err(malformed) => Some(format!("`{pattern}` never matches: {malformed}")),
    }
}

/// An exception without effect: it has ended, or nothing that was ruled on needed it.
fn idle(exception: &Exception, entries: Option<&[Entry]>, now: Timestamp) -> Option<String> {
    let (pattern, by, expires) = (exception.pattern(), exception.by(), exception.expires());
    if exception.expired(now) {
        return Some(format!("the exception for `{pattern}` by {by} expired at {expires}; remove it"));
    }
    let unused = !entries?.iter().any(|entry| needed(exception, entry));
    unused.then(|| format!("the exception for `{pattern}` by {by} was not needed so far; is it still?"))
}

fn needed(exception: &Exception, entry: &Entry) -> bool {
    let ruling = &entry.body["ruling"];
    let reasons = ruling["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty());
    reasons
        && serde_json::from_value(ruling["release"].clone()).is_ok_and(|release: Release| exception.matches(&release))
}

fn told(checked: &Checked) -> String {
    let Checked { from, digest, mode, cooldown, lists, warnings } = checked;
    let row = |what: &str, words: String| vec![what.to_owned(), words];
    let mut rows = vec![row("from", from.clone()), row("digest", digest.clone()), row("mode", mode.clone())];
    rows.extend(cooldown.iter().map(|cooldown| row("cooldown", format!("{}: {}", cooldown.what, cooldown.age))));
    rows.extend(lists.iter().map(|list| row(list.name, list.entries.to_string())));
    let mut text = columns(0, &rows);
    for warning in warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}
