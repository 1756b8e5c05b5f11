//! `stockade setup`: points clients at the gateway, and back.
//!
//! A client that points at the gateway no longer says where packages come from. So that is written into the settings
//! first, and only then the client's file is changed.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stockade_ecosystem::ALL;

use super::init::upstream;
use super::{Context, Exit};
use crate::args::Setup;
use crate::errors::hinted;
use crate::files;
use crate::inherit::{self, Inherited};
use crate::settings::Settings;

/// What was done for one client.
#[derive(Serialize)]
struct Done {
    client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    changed: bool,
    /// What its user has to write, because it has no file that could be changed for all projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<String>,
    /// The file still names the gateway, in a line that `setup` did not write or that was rewritten since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    names_gateway: bool,
    /// The settings file, where the upstream had to be written into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_in: Option<PathBuf>,
}

impl Done {
    /// Nothing, yet.
    fn of(inherited: &Inherited) -> Self {
        let client = inherited.client.name;
        Self { client, file: None, changed: false, by_hand: None, names_gateway: false, stated_in: None }
    }
}

/// Points clients at the gateway, or gives them back.
pub(super) async fn setup(context: Context<'_>, arguments: Setup) -> anyhow::Result<Exit> {
    let Setup { clients, undo } = arguments;
    let all = chosen(inherit::all(&context.settings).await, &clients)?;
    let mut done = Vec::new();
    for (at, inherited) in all.iter().enumerate() {
        let settings = &context.settings;
        done.push(if undo { unpoint(settings, inherited)? } else { point(settings, inherited, &all, at)? });
    }
    let text = || done.iter().map(|done| told(done, undo)).collect();
    context.printer.answer(&done, text)?;
    if !undo {
        context.printer.talk("stockade: `stockade serve` has to run for them to install anything\n");
    }
    Ok(Exit::Allowed)
}

/// The clients that are named, or all that are installed.
fn chosen(all: Vec<Inherited>, names: &[String]) -> anyhow::Result<Vec<Inherited>> {
    refuse_unknown(names)?;
    // What cannot be set up is passed over only if nobody named it.
    let wanted = |inherited: &Inherited| match names {
        [] => inherited.config.is_ok() || inherited.printed.is_none(),
        names => names.iter().any(|name| name == inherited.client.name),
    };
    let (found, missing): (Vec<_>, Vec<_>) =
        all.into_iter().filter(wanted).partition(|inherited| inherited.printed.is_some());
    match (found.as_slice(), missing.as_slice()) {
        (_, [missing, ..]) if !names.is_empty() => {
            let hint = "install it, or leave it out";
            Err(hinted(format!("`{}` cannot be asked where its configuration is", missing.client.name), hint))
        }
        ([], _) => Err(hinted("no client was found", "install one, or look at `stockade doctor`")),
        _ => Ok(found),
    }
}

/// Fails if one of these is the name of no client.
pub(super) fn refuse_unknown(names: &[String]) -> anyhow::Result<()> {
    let known = || ALL.iter().flat_map(|ecosystem| ecosystem.clients);
    let Some(name) = names.iter().find(|name| !known().any(|client| client.name == **name)) else { return Ok(()) };
    let known: Vec<String> = known().map(|client| format!("`{}`", client.name)).collect();
    let hint = format!("the clients are {}", known.join(", "));
    Err(hinted(format!("`{name}` is no client that stockade can set up"), hint))
}

fn point(settings: &Settings, inherited: &Inherited, all: &[Inherited], at: usize) -> anyhow::Result<Done> {
    if let Some(by_hand) = inherited.client.by_hand {
        let text = by_hand(&format!("{}/{}", settings.address(), inherited.ecosystem.id));
        return Ok(Done { by_hand: Some(text), ..Done::of(inherited) });
    }
    let file = configured_in(inherited)?;
    inherited.refuse_ourselves(settings)?;
    inherited.config()?;
    // Clients of one ecosystem have one upstream, which is written down with the first of them.
    let is_first = all[..at].iter().all(|before| before.ecosystem.id != inherited.ecosystem.id);
    let stated_in = if is_first { state(settings, inherited, all)? } else { None };
    let base = format!("{}/{}", settings.address(), inherited.ecosystem.id);
    let before = files::read_text(&file)?.unwrap_or_default();
    let after = (inherited.client.point)(&before, &base, &inherited.scopes());
    if !after.contains(&base) {
        let what = format!("`{}` says where packages come from in a way that setup cannot rewrite", file.display());
        return Err(hinted(what, format!("write `{base}` into it by hand")));
    }
    let changed = change(&file, &before, &after)?;
    Ok(Done { file: Some(file), changed, stated_in, ..Done::of(inherited) })
}

fn unpoint(settings: &Settings, inherited: &Inherited) -> anyhow::Result<Done> {
    if inherited.client.by_hand.is_some() {
        return Ok(Done::of(inherited));
    }
    let file = configured_in(inherited)?;
    let before = files::read_text(&file)?.unwrap_or_default();
    let after = (inherited.client.unpoint)(&before);
    let changed = change(&file, &before, &after)?;
    let names_gateway = after.contains(&format!("{}/", settings.address()));
    Ok(Done { file: Some(file), changed, names_gateway, ..Done::of(inherited) })
}

/// Writes a file's new text. One in which nothing is left was not there before.
fn change(file: &Path, before: &str, after: &str) -> anyhow::Result<bool> {
    if before == after {
        return Ok(false);
    }
    if after.is_empty() {
        files::remove(file)?;
    } else {
        files::replace(file, after.as_bytes())?;
    }
    Ok(true)
}

fn configured_in(inherited: &Inherited) -> anyhow::Result<PathBuf> {
    let name = inherited.client.name;
    let file = inherited.printed.as_deref().and_then(inherited.client.configured_in);
    let unknown = || hinted(format!("`{name}` does not say where its configuration is"), "look at `stockade doctor`");
    file.map(PathBuf::from).ok_or_else(unknown)
}

/// Writes the upstream into the settings, unless it is there.
fn state(settings: &Settings, inherited: &Inherited, all: &[Inherited]) -> anyhow::Result<Option<PathBuf>> {
    let (id, file) = (inherited.ecosystem.id.as_str(), &settings.file);
    let together = inherit::together(all).into_iter().find(|(ecosystem, _)| ecosystem.id == inherited.ecosystem.id);
    let config = match together {
        Some((_, Ok(config))) => config,
        _ => inherited.config()?.clone(),
    };
    match settings.stated.get(id) {
        Some(stated) if stated.url.is_some() => Ok(None),
        Some(_) => {
            let hint = format!("write `url` into `[upstream.{id}]` in {}", file.display());
            Err(hinted(format!("the settings have `[upstream.{id}]` without `url`"), hint))
        }
        None => {
            let mut text = files::read_text(file)?.unwrap_or_default();
            // Another client of the same ecosystem was here a moment ago.
            let table: toml::Table = text.parse().unwrap_or_default();
            if table.get("upstream").is_some_and(|upstream| upstream.get(id).is_some()) {
                return Ok(None);
            }
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&upstream(id, &config));
            files::replace(file, text.as_bytes())?;
            Ok(Some(file.clone()))
        }
    }
}

fn told(done: &Done, undo: bool) -> String {
    let Done { client, file, changed, by_hand, names_gateway, stated_in } = done;
    if let Some(by_hand) = by_hand {
        let lines: String = by_hand.lines().flat_map(|line| ["  ", line, "\n"]).collect();
        return format!("{client}: has no setting for all projects; write into each one's own file:\n{lines}");
    }
    let Some(file) = file else { return format!("{client}: nothing to undo\n") };
    let file = file.display();
    let stated = stated_in.as_ref().map(|file| format!("{client}: wrote its upstream into {}\n", file.display()));
    let what = match (changed, undo) {
        (true, false) => format!("points at the gateway, in {file}"),
        (false, false) => format!("points at the gateway already, in {file}"),
        (true, true) => format!("{file} is as it was"),
        (false, true) => format!("nothing to undo in {file}"),
    };
    let left = if *names_gateway { "; it still names the gateway, in a line that is not setup's: edit it" } else { "" };
    format!("{}{client}: {what}{left}\n", stated.unwrap_or_default())
}
