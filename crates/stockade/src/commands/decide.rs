//! `stockade approve` and `stockade deny`: what a person decides about exactly these bytes.

use jiff::SignedDuration;
use serde::Serialize;
use stockade_engine::{Decision, DecisionRequest};
use stockade_model::{Purl, Verdict};

use super::{Context, Exit};
use crate::args::Decide;
use crate::errors::hinted;
use crate::{settings, subject};

/// How long an approval is good for unless it is said, in days.
const APPROVAL_DAYS: i64 = 30;

#[derive(Serialize)]
struct Decided<'a> {
    purl: Purl,
    #[serde(flatten)]
    decision: &'a Decision,
}

/// Records a decision.
pub(super) async fn decide(context: Context<'_>, verdict: Verdict, arguments: Decide) -> anyhow::Result<Exit> {
    let Decide { purl, reason, by, expires } = arguments;
    let release = subject::release(&purl)?;
    if reason.trim().is_empty() {
        return Err(hinted("the reason is empty", "say in a few words why; others will read it"));
    }
    let nobody = || hinted("nothing says who you are", "say who decides with `--by`");
    let by = by.or_else(settings::user).filter(|by| !by.trim().is_empty()).ok_or_else(nobody)?;
    let now = (context.clock)();
    let expires = match (expires, verdict) {
        (Some(text), _) => Some(subject::end(&text, now)?),
        (None, Verdict::Allow) => Some(now.checked_add(SignedDuration::from_hours(APPROVAL_DAYS * 24))?),
        (None, _) => None,
    };
    let engine = context.engine().await?;
    let decision = engine.decide(DecisionRequest { release, verdict, reason, by, expires }).await?;
    let decided = Decided { purl: Purl::of(&decision.release), decision: &decision };
    context.printer.answer(&decided, || sentence(&decided))?;
    Ok(Exit::Allowed)
}

fn sentence(decided: &Decided<'_>) -> String {
    let Decision { digest, verdict, by, expires, .. } = decided.decision;
    let done = if *verdict == Verdict::Allow { "approved" } else { "denied" };
    let until = expires.map_or_else(|| "until somebody approves it".to_owned(), |expires| format!("until {expires}"));
    format!("{done} {} {until}, by {by}\nbound to {digest}\n", decided.purl)
}
