//! `stockade yank`: a release that is published here, and that nobody should choose any more. Clients of npm and cargo can say
//! so themselves; those of Python have no word for it.

use serde::Serialize;
use stockade_ecosystem::{Hosting, by_id};
use stockade_model::Purl;

use super::decide::{given, somebody};
use super::{Context, Exit};
use crate::args::Yank;
use crate::errors::hinted;
use crate::subject;

/// What the index says from now on.
#[derive(Serialize)]
struct Answer {
    purl: String,
    yanked: Option<String>,
}

/// Yanks a release, or takes that back.
pub(super) async fn yank(context: Context<'_>, arguments: Yank) -> anyhow::Result<Exit> {
    let Yank { purl, reason, undo: _, by } = arguments;
    let release = subject::release(&purl)?;
    let ecosystem = &release.package.ecosystem;
    let hosting = by_id(ecosystem.as_str()).and_then(|ecosystem| ecosystem.registry?.hosting());
    if !hosting.is_some_and(Hosting::discourages) {
        let what = format!("an index of {ecosystem} has no word for a release that nobody should choose");
        return Err(hinted(what, "`stockade deny` keeps a release out"));
    }
    let (yanked, by) = (reason.map(given).transpose()?, somebody(by)?);
    let answer = Answer { purl: Purl::of(&release).to_string(), yanked };
    let engine = context.engine_of_records().await?;
    engine.discourage(release, answer.yanked.clone(), &by).await?;
    context.printer.answer(&answer, || match &answer.yanked {
        Some(_) => format!("yanked {0}; to take it back: stockade yank --undo {0}\n", answer.purl),
        None => format!("{} is not yanked any more\n", answer.purl),
    })?;
    Ok(Exit::Allowed)
}
