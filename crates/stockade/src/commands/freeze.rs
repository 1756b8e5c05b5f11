//! `stockade freeze`: a line in the sand. While a worm spreads nobody knows yet what it took over, and what was published
//! before it is known to be older than it.

use serde::Serialize;
use stockade_engine::Freeze as Frozen;

use super::decide::{given, somebody};
use super::{Context, Exit};
use crate::args::Freeze;
use crate::errors::hinted;
use crate::subject;

/// What is in effect.
#[derive(Serialize)]
struct Answer {
    frozen: Option<Frozen>,
}

/// Freezes, ends a freeze, or shows the one that is in effect.
pub(super) async fn freeze(context: Context<'_>, arguments: Freeze) -> anyhow::Result<Exit> {
    let Freeze { since, off, reason, by } = arguments;
    let engine = context.engine_of_records().await?;
    if since.is_some() || off {
        let no_instant = |text: &String| {
            hinted(format!("`{text}` is no instant"), "write `2026-08-04T00:00Z`, or `2026-08-04` for its beginning")
        };
        let since = since.map(|text| subject::instant(&text).ok_or_else(|| no_instant(&text))).transpose()?;
        let why = || hinted("nothing says why", "say it in a few words with `--reason`; others will read it");
        let reason = given(reason.ok_or_else(why)?)?;
        engine.freeze(Frozen { since, reason, by: somebody(by)? }).await?;
    }
    let answer = Answer { frozen: engine.frozen() };
    context.printer.answer(&answer, || told(answer.frozen.as_ref()))?;
    Ok(Exit::Allowed)
}

fn told(frozen: Option<&Frozen>) -> String {
    let Some((Frozen { reason, by, .. }, since)) = frozen.and_then(|frozen| Some((frozen, frozen.since?))) else {
        return "nothing is frozen\n".to_owned();
    };
    format!(
        "what was published since {since} is held, by {by}: {reason}\nto end it: stockade freeze --off --reason …\n"
    )
}
