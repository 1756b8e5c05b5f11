//! `stockade held`: what waits, and why.

use stockade_engine::Why;

use super::{Context, Exit};
use crate::describe::predicate;
use crate::output::columns;

/// Lists what is held or denied.
pub(super) async fn held(context: Context<'_>) -> anyhow::Result<Exit> {
    let engine = context.engine_of_records().await?;
    let held = engine.held().await?;
    if held.is_empty() {
        context.printer.talk("stockade: nothing is held\n");
    }
    context.printer.answer(&held, || table(&held))?;
    Ok(Exit::Allowed)
}

fn table(held: &[Why]) -> String {
    if held.is_empty() {
        return String::new();
    }
    let heading = ["release", "verdict", "why", "until"].map(str::to_owned).to_vec();
    let row = |why: &Why| {
        let until = why.ruling.lifted().map_or_else(|| "-".to_owned(), |until| until.to_string());
        let verdict = why.ruling.verdict.done().to_owned();
        vec![why.purl.to_string(), verdict, predicate(&why.sentence).to_owned(), until]
    };
    let rows: Vec<Vec<String>> = std::iter::once(heading).chain(held.iter().map(row)).collect();
    columns(0, &rows)
}
