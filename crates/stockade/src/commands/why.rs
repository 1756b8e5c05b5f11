//! `stockade why` and `stockade explain`: a ruling with everything that it rests on.

use jiff::Timestamp;
use stockade_engine::{Explained, Why};
use stockade_model::{Package, Reason, Verdict};

use super::{Context, Exit};
use crate::describe::{self, section};
use crate::errors::hinted;
use crate::subject;

/// Says what the policy makes of releases now. The rulings are recorded like any other.
pub(super) async fn why(context: Context<'_>, purls: &[String]) -> anyhow::Result<Exit> {
    let purls = purls.iter().map(|purl| subject::purl(purl)).collect::<anyhow::Result<Vec<_>>>()?;
    let packages: Vec<&Package> = purls.iter().map(|purl| &purl.package).collect();
    let engine = context.engine(&packages).await?;
    let mut answers = Vec::new();
    for purl in &purls {
        let about = engine.why(purl).await?;
        if about.is_empty() {
            return Err(hinted(format!("`{purl}` has no tag, and nothing of it is held"), "name a version"));
        }
        answers.extend(about);
    }
    let now = engine.now();
    let text = || answers.iter().map(|why| told(why, now)).collect::<Vec<_>>().join("\n");
    context.printer.answer(&answers, text)?;
    Ok(answers.iter().map(|why| why.ruling.enforced()).max().unwrap_or(Verdict::Deny).into())
}

fn told(why: &Why, now: Timestamp) -> String {
    let mut text = format!("{}\n", why.sentence);
    text.push_str(&section("reasons", &describe::reasons(&why.ruling.reasons)));
    text.push_str(&section("evidence", &describe::evidence(&why.evidence, now)));
    text.push_str(&section("could not look", &describe::gaps(&why.gaps)));
    text.push_str(&section("now", &what_now(why)));
    text
}

/// What a person can do about it.
fn what_now(why: &Why) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if why.ruling.verdict != Verdict::Allow {
        rows.extend(why.instead.iter().map(|version| vec![format!("{version} is cleared")]));
        rows.extend(why.ruling.lifted().map(|until| vec![format!("time lifts it at {until}")]));
    }
    if why.ruling.verdict == Verdict::Hold {
        rows.push(vec![format!("to let it in: stockade approve {} --reason …", why.purl)]);
    }
    rows.push(vec![format!("to replay this: stockade explain {}", why.id)]);
    rows
}

/// Replays a ruling from the log.
pub(super) async fn explain(context: Context<'_>, ruling: &str) -> anyhow::Result<Exit> {
    // Refusals carry an address that ends in the identifier.
    let id = ruling.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if id.is_empty() {
        return Err(hinted(format!("`{ruling}` names no ruling"), "`stockade held` lists those that are open"));
    }
    let engine = context.engine_of_records().await?;
    let explained = engine.explain(id).await?;
    context.printer.answer(&explained, || replay(&explained))?;
    Ok(if explained.replayed { Exit::Allowed } else { Exit::Undecided })
}

fn replay(explained: &Explained) -> String {
    let Explained { purl, id, seq, at, policy, sentence, ruling, evidence, gaps, replayed } = explained;
    let reasons: Vec<Reason> = serde_json::from_value(ruling["reasons"].clone()).unwrap_or_default();
    let inputs = [
        ("release", purl.to_string()),
        ("ruling", id.clone()),
        ("entry", seq.to_string()),
        ("at", at.to_string()),
        ("policy", policy.to_string()),
    ];
    let inputs: Vec<Vec<String>> = inputs.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect();
    let mut text = format!("{sentence}\n");
    text.push_str(&section("inputs", &inputs));
    text.push_str(&section("reasons", &describe::reasons(&reasons)));
    text.push_str(&section("evidence", &describe::evidence(evidence, *at)));
    text.push_str(&section("could not look", &describe::gaps(gaps)));
    let outcome =
        if *replayed { "same ruling, bit for bit" } else { "NOT the same: the log or the policy was changed" };
    text + "replayed: " + outcome + "\n"
}
