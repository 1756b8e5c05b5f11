//! `stockade lock`: lockfiles that are the same with a gateway and without. What a client writes while it points at a
//! gateway may name the gateway, and then nobody else can install from it.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use stockade_ecosystem::Client;

use super::{Context, Exit};
use crate::args::Lock;
use crate::errors::hinted;
use crate::inherit::{self, Inherited};
use crate::lockfiles::Addresses;
use crate::{files, settings};

/// What is to be said of a lockfile.
#[derive(Serialize)]
struct Seen {
    file: PathBuf,
    client: &'static str,
    /// It names the gateway, or did until now.
    names_gateway: bool,
}

/// Looks at lockfiles, and gives them the registries' addresses back if they are to be canonical.
pub(super) async fn lock(context: Context<'_>, arguments: Lock) -> anyhow::Result<Exit> {
    let (Lock::Check(chosen) | Lock::Canonicalise(chosen)) = &arguments;
    let writes = matches!(arguments, Lock::Canonicalise(_));
    let gateway = chosen.gateway.as_ref().map_or_else(|| context.settings.address(), ToString::to_string);
    let gateway = gateway.trim_end_matches('/');
    let all = inherit::all(&context.settings).await;
    let engine = context.engine_of(&all).await?;
    let mut seen = Vec::new();
    for (inherited, path) in lockfiles(&all, &chosen.files)? {
        let Some(registry) = inherited.ecosystem.registry else { continue };
        let Some(bytes) = files::read(&path)? else { continue };
        let base = format!("{gateway}/{}", inherited.ecosystem.id);
        let engine = registry.files_are_elsewhere().then_some(&engine);
        let silent = inherited.is_borrowed.then_some(inherited.client);
        let addresses = Addresses { base: &base, registry, config: inherited.config()?, engine, silent };
        let restored =
            addresses.restored(&bytes).await.with_context(|| format!("`{}` could not be looked at", path.display()))?;
        if let Some(restored) = restored.as_ref().filter(|_| writes) {
            files::replace(&path, restored)?;
        }
        seen.push(Seen { file: path, client: inherited.client.name, names_gateway: restored.is_some() });
    }
    context.printer.answer(&seen, || seen.iter().map(|seen| told(seen, writes)).collect())?;
    let named = !writes && seen.iter().any(|seen| seen.names_gateway);
    Ok(if named { Exit::Refused } else { Exit::Allowed })
}

/// The lockfiles that are named, or those of the project, each with the client that writes it.
fn lockfiles<'a>(all: &'a [Inherited], named: &[PathBuf]) -> anyhow::Result<Vec<(&'a Inherited, PathBuf)>> {
    let writes = |client: &Client, path: &PathBuf| client.lockfiles.iter().any(|name| path.ends_with(name));
    let of = |path: &PathBuf| all.iter().find(|inherited| writes(inherited.client, path));
    if named.is_empty() {
        let folders = settings::project_folders();
        let names = |inherited: &'a Inherited| inherited.client.lockfiles.iter().map(move |name| (inherited, name));
        let paths = all.iter().flat_map(names);
        return Ok(paths
            .flat_map(|(inherited, name)| folders.iter().map(move |folder| (inherited, folder.join(name))))
            .filter(|(_, path)| path.is_file())
            .collect());
    }
    let unknown = |path: &PathBuf| {
        hinted(
            format!("`{}` is no lockfile of a client that is found here", path.display()),
            "look at `stockade doctor`",
        )
    };
    named.iter().map(|path| Ok((of(path).ok_or_else(|| unknown(path))?, path.clone()))).collect()
}

fn told(seen: &Seen, writes: bool) -> String {
    let what = match (seen.names_gateway, writes) {
        (false, _) => "names no gateway",
        (true, true) => "names the registry again",
        (true, false) => "names the gateway: `stockade lock canonicalise` gives it the registry's addresses",
    };
    format!("{}: {what}\n", seen.file.display())
}
