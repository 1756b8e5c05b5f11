//! `stockade approve` and `stockade deny`: what a person decides about exactly these bytes. Whoever approves is shown
//! what is in them first.

use jiff::SignedDuration;
use serde::Serialize;
use stockade_engine::{Decision, DecisionRequest, Engine};
use stockade_model::{Gap, GapKind, Purl, Release, Verdict};

use super::{Context, Exit};
use crate::args::{Approve, Decide};
use crate::describe::{self, section};
use crate::errors::hinted;
use crate::{output, settings, subject};

/// How long an approval is good for unless it is said, in days.
const APPROVAL_DAYS: i64 = 30;

#[derive(Serialize)]
struct Decided<'a> {
    purl: Purl,
    #[serde(flatten)]
    decision: &'a Decision,
}

/// Lets a release in, once a person has seen what is in it.
pub(super) async fn approve(context: Context<'_>, arguments: Approve) -> anyhow::Result<Exit> {
    let Approve { decide, yes } = arguments;
    let request = request(&context, Verdict::Allow, decide)?;
    let engine = context.engine(&[&request.release.package]).await?;
    context.printer.talk(&review(&engine, &request.release).await?);
    let question = format!("approve {}?", Purl::of(&request.release));
    if !yes && output::confirm(&question) == Some(false) {
        context.printer.talk("stockade: nothing was approved\n");
        return Ok(Exit::Refused);
    }
    record(&context, &engine, request).await
}

/// Keeps a release out.
pub(super) async fn deny(context: Context<'_>, arguments: Decide) -> anyhow::Result<Exit> {
    let request = request(&context, Verdict::Deny, arguments)?;
    let engine = context.engine(&[&request.release.package]).await?;
    record(&context, &engine, request).await
}

/// A reason that says something.
pub(super) fn given(reason: String) -> anyhow::Result<String> {
    if reason.trim().is_empty() {
        return Err(hinted("the reason is empty", "say in a few words why; others will read it"));
    }
    Ok(reason)
}

/// Who decides.
pub(super) fn somebody(by: Option<String>) -> anyhow::Result<String> {
    let nobody = || hinted("nothing says who you are", "say who decides with `--by`");
    by.or_else(settings::user).filter(|by| !by.trim().is_empty()).ok_or_else(nobody)
}

fn request(context: &Context<'_>, verdict: Verdict, arguments: Decide) -> anyhow::Result<DecisionRequest> {
    let Decide { purl, reason, by, expires } = arguments;
    let release = subject::release(&purl)?;
    let reason = given(reason)?;
    let by = somebody(by)?;
    let now = (context.clock)();
    let expires = match (expires, verdict) {
        (Some(text), _) => Some(subject::end(&text, now)?),
        (None, Verdict::Allow) => Some(now.checked_add(SignedDuration::from_hours(APPROVAL_DAYS * 24))?),
        (None, _) => None,
    };
    let request = DecisionRequest { release, verdict, reason, by, expires };
    request.check(now)?;
    Ok(request)
}

/// What speaks against a release, with what is in it. What cannot be looked at is said, and keeps nobody from deciding.
async fn review(engine: &Engine, release: &Release) -> anyhow::Result<String> {
    let unseen = match engine.look_at(release).await {
        Ok(gaps) => gaps,
        Err(error) => vec![Gap::new(GapKind::Inspection, error.to_string())],
    };
    let mut text = String::new();
    for why in engine.why(&Purl::of(release)).await? {
        let evidence: Vec<Vec<String>> =
            why.evidence.iter().flat_map(|one| describe::content(one, engine.now())).collect();
        let gaps: Vec<Gap> =
            why.gaps.iter().chain(unseen.iter().filter(|gap| !why.gaps.contains(gap))).cloned().collect();
        text.push_str(&why.sentence);
        text.push('\n');
        text.push_str(&section("reasons", &describe::reasons(&why.ruling.reasons)));
        text.push_str(&section("content", &evidence));
        text.push_str(&section("could not look", &describe::gaps(&gaps)));
    }
    Ok(text)
}

async fn record(context: &Context<'_>, engine: &Engine, request: DecisionRequest) -> anyhow::Result<Exit> {
    let decisions = engine.decide(request).await?;
    for decision in &decisions {
        let decided = Decided { purl: Purl::of(&decision.release), decision };
        context.printer.answer(&decided, || sentence(&decided))?;
    }
    Ok(Exit::Allowed)
}

fn sentence(decided: &Decided<'_>) -> String {
    let Decision { digest, verdict, by, expires, .. } = decided.decision;
    let done = if *verdict == Verdict::Allow { "approved" } else { "denied" };
    let until = expires.map_or_else(|| "until somebody approves it".to_owned(), |expires| format!("until {expires}"));
    format!("{done} {} {until}, by {by}\nbound to {digest}\n", decided.purl)
}
