//! `stockade inventory`: what the projects have, kept; and who has, or had, what an advisory is about.
//!
//! Adding looks at a project and writes down what is there. Asking opens no project: it is one look-up in the store, however
//! many projects there are. A project that was not read whole is said with every answer, and without a hit that is exit
//! status 2: it may be the one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use jiff::Timestamp;
use serde::Serialize;
use stockade_engine::EngineError;
use stockade_engine::advisory::Grade;
use stockade_engine::inventory::{
    Affected, Bill, Coverage, File, Found, Hit, Look, Part, Project, Recorded, Span, Unread, Way, is_name,
};
use stockade_model::Purl;

use super::{Context, Exit};
use crate::args::{Inventory, InventoryAdd};
use crate::errors::hinted;
use crate::output::{columns, count};
use crate::scan::{self, see};
use crate::{files, git, subject};

/// How many places in a project's files are shown to a person.
const SHOWN: usize = 3;
/// How many projects are shown to a person that are old, or were not read whole.
const LINES: usize = 20;

/// Adds, lists, asks or removes.
pub(super) async fn inventory(context: Context<'_>, arguments: Inventory) -> anyhow::Result<Exit> {
    match arguments {
        Inventory::Add(arguments) => add(&context, arguments).await,
        Inventory::List { project } => list(&context, project).await,
        Inventory::Affected { what } => affected(&context, &what).await,
        Inventory::Remove { project } => remove(&context, &project).await,
    }
}

/// What was written down.
#[derive(Serialize)]
struct Added {
    project: String,
    at: Timestamp,
    files: usize,
    releases: usize,
    #[serde(flatten)]
    recorded: Recorded,
    /// What could not be read, and why.
    unseen: Vec<String>,
    /// What was read and somebody should know, and what is none of what is kept.
    remarks: Vec<String>,
}

async fn add(context: &Context<'_>, arguments: InventoryAdd) -> anyhow::Result<Exit> {
    let InventoryAdd { mut paths, project, at, git_history } = arguments;
    if paths.is_empty() {
        paths.push(PathBuf::from("."));
    }
    let project = named(project, &paths)?;
    let now = (context.clock)();
    let at = at.map_or(Ok(now), |at| instant(&at, now))?;
    let mut looks = Vec::new();
    if git_history {
        let [folder] = paths.as_slice() else { anyhow::bail!("`--git-history` is of one folder") };
        ensure!(folder.is_dir(), "`{}` is no folder; `--git-history` is of one", folder.display());
        looks = git::history(folder, now).await?;
    }
    let (seen, remarks) = look(&paths, at)?;
    let look = match (seen.files.is_empty(), looks.last()) {
        (false, _) => seen,
        // Nothing is checked out, as in a mirror: what its newest commit has is there.
        (true, Some(newest)) => Look { at, ..newest.clone() },
        (true, None) => return Err(nothing()),
    };
    let (files, releases) = (look.files.len(), look.files.iter().map(|file| file.parts.len()).sum());
    looks.push(look);
    let mut unseen: Vec<String> = Vec::new();
    for gap in looks.iter().flat_map(|look| &look.gaps) {
        if !unseen.contains(gap) {
            unseen.push(gap.clone());
        }
    }
    let engine = context.engine_of_records().await?;
    let recorded = engine.store().record_looks(&project, looks).await?;
    let added = Added { project, at, files, releases, recorded, unseen, remarks };
    context.printer.answer(&added, || added.told())?;
    Ok(if added.unseen.is_empty() { Exit::Allowed } else { Exit::Undecided })
}

fn nothing() -> anyhow::Error {
    let what =
        "there is no lockfile, no installed tree and no bill of materials that is known; nothing was written down";
    hinted(what, "name them; `stockade inventory remove` forgets a project")
}

impl Added {
    fn told(&self) -> String {
        let Self { project, at, files, releases, recorded, unseen, remarks } = self;
        let Recorded { looks, snapshots, came, went } = recorded;
        let seen = format!("{} in {}", count(*releases, "release"), count(*files, "file"));
        let changed = match snapshots {
            0 => "as before".to_owned(),
            _ => format!("{came} came, {went} went"),
        };
        let looks = if *looks > 1 { format!("; {} of the history", count(looks - 1, "look")) } else { String::new() };
        let gaps = if unseen.is_empty() { String::new() } else { not_looked_at(unseen) };
        let mut text = format!("{project}: {seen}, on {}: {changed}{looks}\n{gaps}", day(*at));
        for remark in remarks {
            let _ = writeln!(text, "remark: {remark}");
        }
        text
    }
}

fn not_looked_at(what: &[String]) -> String {
    format!("not looked at:\n  {}\n", what.join("\n  "))
}

/// The project's name: what is given, or that of the folder that is looked at.
fn named(given: Option<String>, paths: &[PathBuf]) -> anyhow::Result<String> {
    let of_folder = || {
        let folder = paths.iter().find(|path| path.is_dir()).map_or(Path::new("."), PathBuf::as_path);
        Some(files::real(folder).file_name()?.to_string_lossy().into_owned())
    };
    let name = given.or_else(of_folder).filter(|name| is_name(name));
    name.ok_or_else(|| hinted("the project has no name, or one that is empty or too long", "give one with `--project`"))
}

fn instant(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let at = subject::instant(text);
    let at =
        at.ok_or_else(|| hinted(format!("`{text}` is no instant"), "write `2026-12-31` or `2026-12-31T12:00:00Z`"))?;
    ensure!(at <= now, "`{text}` is yet to come");
    Ok(at)
}

/// What there is now, and what is to be said of it.
fn look(paths: &[PathBuf], at: Timestamp) -> anyhow::Result<(Look, Vec<String>)> {
    let mut look = Look { at, files: Vec::new(), gaps: Vec::new() };
    let mut others = Vec::new();
    for path in paths {
        match bill(path)? {
            Some(bill) => {
                let shown = path.display();
                look.gaps.extend(bill.problems.iter().map(|problem| format!("{shown}: {problem}")));
                look.files.push(File { path: shown.to_string(), parts: bill.parts.into() });
            }
            None => others.push(path.clone()),
        }
    }
    let seen = see(&others)?;
    look.gaps.extend(seen.unseen);
    let mut remarks = seen.left_out;
    for scan::Found { path, locked, problems, notices, .. } in &seen.found {
        let path = below(path, &others);
        look.gaps.extend(problems.iter().map(|problem| format!("{path}: {problem}")));
        remarks.extend(notices.iter().map(|notice| format!("{path}: {notice}")));
        look.files.push(File { path, parts: locked.iter().map(Part::from).collect() });
    }
    Ok((look, remarks))
}

/// A bill of materials, if a file is one.
fn bill(path: &Path) -> anyhow::Result<Option<Bill>> {
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if !is_json || !path.is_file() {
        return Ok(None);
    }
    Ok(files::read(path)?.and_then(|document| Bill::read(&document)))
}

/// Where a file is in the project: below the folder that is looked at, if that is one.
fn below(path: &Path, paths: &[PathBuf]) -> String {
    let path = match paths {
        [folder] => path.strip_prefix(folder).ok().filter(|path| *path != Path::new("")).unwrap_or(path),
        _ => path,
    };
    path.to_string_lossy().into_owned()
}

async fn list(context: &Context<'_>, project: Option<String>) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    let is_one = project.is_some();
    let projects = engine.store().projects(project.clone()).await?;
    if let (Some(project), true) = (project, projects.is_empty()) {
        return Err(unknown(&project));
    }
    context.printer.answer(&projects, || if is_one { spans(&projects) } else { listed(&projects) })?;
    Ok(Exit::Allowed)
}

fn unknown(project: &str) -> anyhow::Error {
    hinted(format!("no project is called `{project}`"), "`stockade inventory list` shows them")
}

fn listed(projects: &[Project]) -> String {
    if projects.is_empty() {
        return "there are no projects; `stockade inventory add` adds one\n".to_owned();
    }
    let row = |project: &Project| {
        let newest = project.spans.last();
        let seen = newest.map(|span| format!("last looked at on {}", day(span.seen))).unwrap_or_default();
        let has = newest.map(|span| count(span.releases, "release")).unwrap_or_default();
        vec![project.name.clone(), has, seen, newest.map(whole).unwrap_or_default()]
    };
    columns(0, &projects.iter().map(row).collect::<Vec<_>>())
}

fn spans(projects: &[Project]) -> String {
    let row = |span: &Span| {
        let to = if day(span.at) == day(span.seen) { String::new() } else { format!("to {}", day(span.seen)) };
        vec![day(span.at), to, count(span.releases, "release"), count(span.files, "file"), whole(span)]
    };
    columns(0, &projects.iter().flat_map(|project| &project.spans).map(row).collect::<Vec<_>>())
}

fn whole(span: &Span) -> String {
    span.gaps.first().map(|gap| format!("not read whole: {gap}")).unwrap_or_default()
}

async fn remove(context: &Context<'_>, project: &str) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    if !engine.store().remove_project(project).await? {
        return Err(unknown(project));
    }
    context.printer.talk(&format!("stockade: nothing is known of `{project}` any more\n"));
    Ok(Exit::Allowed)
}

async fn affected(context: &Context<'_>, what: &str) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    let affected = engine.affected(what).await.map_err(|error| match error {
        EngineError::NoAdvisory(_) => {
            hinted(format!("no advisory here is called `{what}`"), "`stockade doctor` says where advisories are put")
        }
        other => other.into(),
    })?;
    context.printer.answer(&affected, || told(&affected))?;
    Ok(exit(&affected))
}

fn exit(affected: &Affected) -> Exit {
    match affected {
        Affected { hits, .. } if !hits.is_empty() => Exit::Refused,
        affected if affected.is_nobody() => Exit::Allowed,
        _ => Exit::Undecided,
    }
}

fn told(affected: &Affected) -> String {
    let Affected { hits, coverage: Coverage { projects, oldest, old, unread }, unclear, .. } = affected;
    let mut lines: Vec<String> = Vec::new();
    for (title, now) in [("have it now:", true), ("had it:", false)] {
        let mut hits = hits.iter().filter(|found| found.now == now).peekable();
        lines.extend(hits.peek().map(|_| title.to_owned()));
        lines.extend(hits.map(hit));
    }
    let oldest = oldest.map(|oldest| format!(", the oldest look of {}", day(oldest))).unwrap_or_default();
    lines.push(format!("asked of {}{oldest}", count(*projects, "project")));
    if *projects == 0 {
        lines.push("there are no projects; `stockade inventory add` adds one".to_owned());
    }
    let old = old.iter().map(|old| format!("old: {} was last looked at on {}", old.project, day(old.seen)));
    lines.extend(first(old));
    let unread = unread
        .iter()
        .map(|Unread { project, at, gaps }| format!("not read whole: {project} on {}: {}", day(*at), gaps.join("; ")));
    lines.extend(first(unread));
    lines.extend(first(unclear.iter().map(|unclear| format!("not clear: {unclear}"))));
    if affected.is_nobody() {
        lines.push("nobody has it, and nobody had it".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The first of many lines, and how many there are besides.
fn first(mut lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(LINES);
    let mut first: Vec<String> = lines.by_ref().take(LINES).collect();
    first.extend((more > 0).then(|| format!("and {more} more; `--format json` has all")));
    first
}

fn hit(found: &Found) -> String {
    let Found { hit: Hit { project, release, since, until, .. }, grade, places, .. } = found;
    let times = match until {
        None => format!("since {}, still there", day(*since)),
        Some(until) => format!("from {} to {}", day(*since), day(*until)),
    };
    let doubt = match grade {
        Some(Grade::SuspectWildcard) => "; the advisory may not mean it",
        Some(Grade::NameCollision) => "; it may only have the name",
        _ => "",
    };
    let mut lines = vec![format!("  {project}  {}  {times}{doubt}", Purl::of(release))];
    lines.extend(places.iter().take(SHOWN).map(|way| format!("    {}", place(way))));
    if let Some(more) = places.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("    and in {}", count(more, "more place")));
    }
    lines.join("\n")
}

fn place(way: &Way) -> String {
    let line = if way.line == 0 { String::new() } else { format!(":{}", way.line) };
    let through = match way.path.as_slice() {
        [] => String::new(),
        [_] => ", direct".to_owned(),
        path => format!(", by {}", path.join(" > ")),
    };
    format!("{}{line}{through}", way.file)
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
