//! Which releases of a package may be chosen: every release of its index, ruled on.

use std::sync::Arc;

use jiff::Timestamp;
use stockade_ecosystem::{Index, Listed, Standing};
use stockade_model::{Gap, Package, Release, Verdict};
use stockade_policy::Ruling;

use crate::documents::Current;
use crate::gather::{Gathered, Known, gather};
use crate::state::State;
use crate::{Decision, Document, Engine, EngineError, Judged, Pin};

/// A package's index with the standing of each release.
#[derive(Debug)]
pub struct Listing {
    /// The package.
    pub package: Package,
    /// Its index.
    pub document: Arc<Document>,
    /// One for each release, in the index's order.
    pub standings: Vec<Standing>,
    /// What is held or denied, and would not be served, in the index's order.
    pub refused: Vec<Refused>,
    /// The first instant at which time alone may change any of it.
    pub until: Option<Timestamp>,
    /// Why the index may be out of date.
    pub stale: Option<Gap>,
    /// The epoch that it was judged in.
    pub epoch: Arc<str>,
}

/// A release that is not to be had now.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What was ruled, and why.
    pub ruling: Ruling,
    /// The ruling's identifier in the log.
    pub id: String,
    /// The version that is cleared instead: the highest below it in its major version and track.
    pub instead: Option<String>,
}

impl Engine {
    /// The listing of a package, as current as it can be had.
    pub async fn listing(&self, package: &Package) -> Result<Arc<Listing>, EngineError> {
        let current = self.0.documents.current(package).await?;
        if let Some(listing) = self.judged_listing(package, &current) {
            return Ok(listing);
        }
        let _flight = self.0.judging.board(package.clone()).await;
        if let Some(listing) = self.judged_listing(package, &current) {
            return Ok(listing);
        }
        let listing = Arc::new(self.judge_all(package, current).await?);
        self.0.listings.insert(package.clone(), Arc::clone(&listing));
        Ok(listing)
    }

    /// The listing that was made of this document, if it still stands.
    fn judged_listing(&self, package: &Package, current: &Current) -> Option<Arc<Listing>> {
        let listing = self.0.listings.get(package)?;
        let stands = Arc::ptr_eq(&listing.document, &current.document)
            && listing.epoch == self.epoch()
            && listing.stale == current.stale
            && listing.until.is_none_or(|until| self.now() < until);
        stands.then_some(listing)
    }

    async fn judge_all(&self, package: &Package, current: Current) -> Result<Listing, EngineError> {
        let state = self.state();
        let pins = self.0.store.pins(package).await?;
        let decisions = self.0.store.decisions(package).await?;
        let now = self.now();
        let document = Arc::clone(&current.document);
        let judging = move || judge_all(&current, &state, &pins, &decisions, now);
        let Rulings { standings, refused, until, stale, epoch } = tokio::task::spawn_blocking(judging).await?;
        let ids = self.record(refused.iter().map(|(_, judged)| judged).cloned().collect()).await?;
        let cleared: Vec<bool> = standings.iter().map(|standing| *standing == Standing::Cleared).collect();
        let refused = refused.into_iter().zip(ids).map(|((at, judged), id)| {
            let instead = instead(&document.index, &document.index.releases[at], &cleared);
            Refused { ruling: judged.ruling, id, instead }
        });
        Ok(Listing { package: package.clone(), refused: refused.collect(), document, standings, until, stale, epoch })
    }
}

/// The version that is cleared in the place of this one.
pub(crate) fn instead(index: &Index, listed: &Listed, cleared: &[bool]) -> Option<String> {
    index.repaired_tag(&listed.version, cleared).map(|other| other.version.clone())
}

struct Rulings {
    standings: Vec<Standing>,
    refused: Vec<(usize, Judged)>,
    until: Option<Timestamp>,
    stale: Option<Gap>,
    epoch: Arc<str>,
}

fn judge_all(
    current: &Current,
    state: &State,
    pins: &[(String, Pin)],
    decisions: &[Decision],
    now: Timestamp,
) -> Rulings {
    let index = &current.document.index;
    let pins: std::collections::HashMap<&str, &Pin> =
        pins.iter().map(|(version, pin)| (version.as_str(), pin)).collect();
    let known = Known { advisories: &state.advisories, decisions, stale: current.stale.as_ref() };
    let mut rulings = Rulings {
        standings: Vec::with_capacity(index.releases.len()),
        refused: Vec::new(),
        until: None,
        stale: current.stale.clone(),
        epoch: Arc::clone(&state.epoch),
    };
    let mut release = index.package.release(String::new());
    for (at, listed) in index.releases.iter().enumerate() {
        release.version.clone_from(&listed.version);
        let gathered = gather(index, listed, &release, pins.get(listed.version.as_str()).copied(), &known);
        let judged = judge(state, &release, gathered, now);
        let soonest = judged.ruling.until.into_iter().chain(rulings.until).min();
        rulings.until = soonest;
        rulings.standings.push(standing(&judged.ruling));
        if judged.ruling.enforced() != Verdict::Allow {
            rulings.refused.push((at, judged));
        }
    }
    rulings
}

pub(crate) fn judge(state: &State, release: &Release, gathered: Gathered, now: Timestamp) -> Judged {
    let Gathered { evidence, gaps } = gathered;
    let ruling = state.policy.decide(release, &evidence, &gaps, now);
    Judged { ruling, evidence, gaps, at: now }
}

/// Confirmed malware goes from listings; everything else stays, for lockfiles, and is steered around.
fn standing(ruling: &Ruling) -> Standing {
    match ruling.enforced() {
        Verdict::Allow => Standing::Cleared,
        Verdict::Deny if ruling.malware() => Standing::Removed,
        Verdict::Hold | Verdict::Deny => Standing::Held,
    }
}
