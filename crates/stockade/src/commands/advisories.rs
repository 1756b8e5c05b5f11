//! `stockade advisories`: what is known of releases, fetched, brought and carried. That something is not known is said as
//! loudly as what is: advisories that are too old name nobody.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use stockade_engine::Advisories as Known;
use stockade_engine::advisories::{self as engine, Brought, Bundle, Checked, Fetched, Imported, Updated};

use super::{Context, Exit};
use crate::args::Advisories;
use crate::errors::hinted;
use crate::output::columns;

/// Fetches, takes, writes or says.
pub(super) async fn advisories(context: Context<'_>, arguments: Advisories) -> anyhow::Result<Exit> {
    match arguments {
        Advisories::Update => update(&context).await,
        Advisories::Import { path, name, replace } => import(&context, &path, (name.as_deref(), replace)),
        Advisories::Export { file } => export(&context, &file),
        Advisories::Status => status(&context),
    }
}

/// What became of a feed.
#[derive(Serialize)]
struct Feed {
    url: String,
    kind: engine::Kind,
    /// `unchanged`, `changed` or `failed`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Updated> for Feed {
    fn from(updated: Updated) -> Self {
        let (url, kind) = (updated.feed.name(), updated.feed.kind);
        let (outcome, bytes, why) = match updated.outcome {
            Ok(Fetched::Unchanged) => ("unchanged", None, None),
            Ok(Fetched::Changed(bytes)) => ("changed", Some(bytes), None),
            Err(why) => ("failed", None, Some(why)),
        };
        Self { url, kind, outcome, bytes, why }
    }
}

/// What an update leads to.
#[derive(Serialize)]
struct Answer {
    feeds: Vec<Feed>,
    #[serde(flatten)]
    state: State,
}

async fn update(context: &Context<'_>) -> anyhow::Result<Exit> {
    let settings = &context.settings;
    if settings.advisories.feeds.is_empty() {
        let hint = "write `url` into `[[advisories.feeds]]` of the settings, or bring a file with `stockade advisories import`";
        return Err(hinted("no feed is configured, so nothing is fetched", hint));
    }
    let hosts = &settings.artifact_hosts;
    let updated = engine::update(&settings.advisories, hosts, &settings.data, &context.clock).await?;
    let feeds: Vec<Feed> = updated.into_iter().map(Feed::from).collect();
    let answer = Answer { feeds, state: State::of(context)? };
    context.printer.answer(&answer, || {
        let rows = answer.feeds.iter().map(|feed| {
            let says = match (feed.bytes, &feed.why) {
                (Some(bytes), _) => format!("changed, {bytes} bytes"),
                (_, Some(why)) => format!("failed: {why}"),
                _ => "unchanged".to_owned(),
            };
            vec![feed.url.clone(), says]
        });
        columns(0, &rows.collect::<Vec<_>>()) + &answer.state.line() + &answer.state.missing()
    })?;
    Ok(answer.state.exit())
}

/// What was brought.
#[derive(Serialize)]
struct Import<'a> {
    kind: &'static str,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<&'a Bundle>,
    #[serde(flatten)]
    state: State,
}

fn import(context: &Context<'_>, path: &Path, name: (Option<&str>, bool)) -> anyhow::Result<Exit> {
    let settings = &context.settings;
    let brought = engine::import(&settings.advisories, &settings.data, path, name)?;
    let state = State::of(context)?;
    let (answer, says) = match &brought {
        Brought::Bundle(Imported { bundle, already }) => {
            let was = if *already { "was there already" } else { "imported" };
            let says =
                format!("bundle {}, made {}, with {} records: {was}", bundle.sequence, bundle.made, bundle.records);
            let records = bundle.records;
            (Import { kind: "bundle", records, path: None, bundle: Some(bundle), state }, says)
        }
        Brought::File { path, kind, records } => {
            let says = format!("imported as {}", path.display());
            let records = u64::try_from(*records).unwrap_or(u64::MAX);
            (Import { kind: kind.as_str(), records, path: Some(path), bundle: None, state }, says)
        }
    };
    context.printer.answer(&answer, || format!("{says}\n{}{}", answer.state.line(), answer.state.missing()))?;
    Ok(answer.state.exit())
}

/// What was written.
#[derive(Serialize)]
struct Export<'a> {
    key: String,
    bundle: &'a Bundle,
}

fn export(context: &Context<'_>, file: &Path) -> anyhow::Result<Exit> {
    let settings = &context.settings;
    let now = (context.clock)();
    let (bundle, key) = engine::export(&settings.advisories, &settings.data, file, now)?;
    let key = key.to_string();
    let says = || format!("bundle {} with {} records, signed by {key}\n", bundle.sequence, bundle.records);
    context.printer.answer(&Export { key: key.clone(), bundle: &bundle }, says)?;
    context.printer.talk(&format!(
        "stockade: where it is imported, the settings have to name the key: `trust = [\"{key}\"]` in `[advisories]`\n"
    ));
    Ok(Exit::Allowed)
}

fn status(context: &Context<'_>) -> anyhow::Result<Exit> {
    let state = State::of(context)?;
    context.printer.answer(&state, || columns(0, &state.rows()) + &state.missing())?;
    Ok(state.exit())
}

/// What there is.
#[derive(Serialize)]
struct State {
    records: usize,
    newest: Option<Timestamp>,
    /// When the newest file of the index was made, its number, and how many files lie over the base.
    built: Option<Timestamp>,
    sequence: Option<u64>,
    overlays: usize,
    sources: Vec<Source>,
    feeds: Vec<OneFeed>,
    bundle: Option<Bundle>,
    /// What of the records could not be read, without their being missing.
    problems: Vec<String>,
    /// What is missing, or too old. While there is anything here, nothing is known for sure.
    gaps: Vec<String>,
}

#[derive(Serialize)]
struct Source {
    name: String,
    records: u64,
    problems: u64,
}

#[derive(Serialize)]
struct OneFeed {
    url: String,
    kind: engine::Kind,
    #[serde(flatten)]
    checked: Checked,
}

impl State {
    fn of(context: &Context<'_>) -> anyhow::Result<Self> {
        let settings = &context.settings;
        let known = Known::open(&settings.advisories, &settings.data, (context.clock)())?;
        let status = known.status();
        let status = status.as_ref();
        let sources = status.map(|status| status.sources.clone()).unwrap_or_default().into_iter();
        let feeds = settings.advisories.feeds.iter();
        let mut gaps: Vec<String> = known.problems.iter().map(|what| format!("could not be read: {what}")).collect();
        gaps.extend(known.stale.iter().cloned());
        if known.records == 0 {
            gaps.push("there are no advisories; nothing that is malicious by name is recognised".to_owned());
        }
        Ok(Self {
            records: known.records,
            newest: known.newest(),
            built: status.map(|status| status.built),
            sequence: status.map(|status| status.sequence),
            overlays: status.map_or(0, |status| status.overlays),
            sources: sources
                .map(|source| Source { name: source.name, records: source.records, problems: source.problems })
                .collect(),
            feeds: feeds
                .map(|feed| OneFeed { url: feed.name(), kind: feed.kind, checked: feed.checked(&settings.data) })
                .collect(),
            bundle: known.bundle().cloned(),
            problems: status.map(|status| status.first_problems.clone()).unwrap_or_default(),
            gaps,
        })
    }

    fn line(&self) -> String {
        let newest = self.newest.map(|newest| format!(", the newest of {newest}")).unwrap_or_default();
        let plural = if self.records == 1 { "" } else { "s" };
        format!("{} record{plural}{newest}\n", self.records)
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["records".to_owned(), self.line().trim().to_owned()]];
        let mut row = |what: &str, says: String| rows.push(vec![what.to_owned(), says]);
        if let (Some(built), Some(sequence)) = (self.built, self.sequence) {
            row("index", format!("number {sequence}, made {built}, with {} overlays", self.overlays));
        }
        for Source { name, records, problems } in &self.sources {
            let problems = if *problems == 0 { String::new() } else { format!(", {problems} problems") };
            row("source", format!("{name}: {records} records{problems}"));
        }
        for OneFeed { url, kind, checked } in &self.feeds {
            let at = |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| at.to_string());
            let (answered, changed) = (at(checked.answered), at(checked.changed));
            row("feed", format!("{url} ({}): answered {answered}, changed {changed}", kind.as_str()));
        }
        if let Some(bundle) = &self.bundle {
            let Bundle { sequence, made, fresh, records, .. } = bundle;
            row("bundle", format!("number {sequence}, made {made} of what answered {fresh}: {records} records"));
        }
        for problem in &self.problems {
            row("problem", problem.clone());
        }
        rows
    }

    fn missing(&self) -> String {
        if self.gaps.is_empty() { String::new() } else { format!("missing:\n  {}\n", self.gaps.join("\n  ")) }
    }

    fn exit(&self) -> Exit {
        if self.gaps.is_empty() { Exit::Allowed } else { Exit::Undecided }
    }
}
