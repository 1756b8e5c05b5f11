//! Which releases of a package may be chosen: every release of its index, ruled on.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use stockade_ecosystem::{Index, Listed, Standing};
use stockade_model::{Digest, Gap, Package, Release, Verdict};
use stockade_policy::Ruling;

use crate::asked::Dates;
use crate::documents::Current;
use crate::gather::{Gathered, Known, gather};
use crate::state::State;
use crate::store::Assessed;
use crate::warm;
use crate::{Decision, Document, Engine, EngineError, Judged, Pin};

/// A package's index with the rulings on its releases.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The package.
    pub package: Package,
    /// Its index.
    pub document: Arc<Document>,
    /// What was ruled.
    pub rulings: Arc<Rulings>,
}

/// The rulings on every release of an index. They do not hold the index, so that keeping them keeps nothing large alive.
#[derive(Debug)]
pub struct Rulings {
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
    /// The document that it was judged by.
    document: Digest,
}

impl Rulings {
    /// How many bytes they take in memory, about.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.standings.len() + (self.refused.len() + 1) * REFUSED_WEIGHT).unwrap_or(u32::MAX)
    }

    /// For each release, whether a resolver may choose it.
    pub fn cleared(&self) -> Vec<bool> {
        self.standings.iter().map(|standing| *standing == Standing::Cleared).collect()
    }
}

/// What a refused release weighs in memory, in bytes, about.
const REFUSED_WEIGHT: usize = 1000;

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
    pub async fn listing(&self, package: &Package) -> Result<Listing, EngineError> {
        let current = self.0.documents.current(package).await?;
        if let Some(listing) = self.judged_listing(package, &current) {
            return Ok(listing);
        }
        let _flight = self.0.judging.board(package.clone()).await;
        if let Some(listing) = self.judged_listing(package, &current) {
            return Ok(listing);
        }
        let document = Arc::clone(&current.document);
        let rulings = Arc::new(self.judge_all(package, current).await?);
        self.0.rulings.insert(package.clone(), Arc::clone(&rulings));
        Ok(Listing { package: package.clone(), document, rulings })
    }

    /// The listing that was made of this document, if it still stands.
    fn judged_listing(&self, package: &Package, current: &Current) -> Option<Listing> {
        let rulings = self.0.rulings.get(package)?;
        let stands = rulings.document == current.document.digest
            && rulings.epoch == self.epoch()
            && rulings.stale == current.stale
            && rulings.until.is_none_or(|until| self.now() < until);
        let document = Arc::clone(&current.document);
        stands.then(|| Listing { package: package.clone(), document, rulings })
    }

    async fn judge_all(&self, package: &Package, current: Current) -> Result<Rulings, EngineError> {
        let state = self.state();
        let pins = self.0.store.pins(package).await?;
        let decisions = self.0.store.decisions(package).await?;
        let assessments = self.assessments(package, &state).await?;
        let dates = self.dates_of_all(&current.document.index).await?;
        let given = self.given_of(&state, package).await?;
        let now = self.now();
        let (document, stale) = (Arc::clone(&current.document), current.stale.clone());
        let epoch = Arc::clone(&state.epoch);
        let judging = move || {
            let (pins, decisions, assessments) = (&pins, &decisions, &assessments);
            let stored = Stored { pins, decisions, assessments, dates: &dates, given: &given };
            judge_all(&current, &state, &stored, now)
        };
        let Judgement { standings, refused, until, fresh } = tokio::task::spawn_blocking(judging).await?;
        let ids = self.record(refused.iter().map(|(_, judged)| judged).cloned().collect()).await?;
        let mut rulings =
            Rulings { standings, refused: Vec::new(), until, stale, epoch, document: document.digest.clone() };
        let cleared = rulings.cleared();
        let refused = refused.into_iter().zip(ids).map(|((at, judged), id)| {
            let instead = instead(&document.index, &document.index.releases[at], &cleared);
            Refused { ruling: judged.ruling, id, instead }
        });
        rulings.refused = refused.collect();
        self.warm_up(fresh).await?;
        Ok(rulings)
    }

    /// What was made of the inspections of a package's releases, where the policy wants them inspected.
    async fn assessments(&self, package: &Package, state: &State) -> Result<Vec<(Release, Assessed)>, EngineError> {
        if !state.policy.inspects() {
            return Ok(Vec::new());
        }
        Ok(self.0.store.assessments(package, &self.0.inspections.judge).await?)
    }
}

/// The version that is cleared in the place of this one.
pub(crate) fn instead(index: &Index, listed: &Listed, cleared: &[bool]) -> Option<String> {
    index.repaired_tag(&listed.version, cleared).map(|other| other.version.clone())
}

struct Judgement {
    standings: Vec<Standing>,
    refused: Vec<(usize, Judged)>,
    until: Option<Timestamp>,
    /// New releases that were not inspected yet, the highest first.
    fresh: Vec<Release>,
}

/// What is known here of a package's releases.
struct Stored<'a> {
    pins: &'a [(Release, Pin)],
    decisions: &'a [Decision],
    assessments: &'a [(Release, Assessed)],
    dates: &'a Dates,
    /// The versions that were given out, where an advisory speaks of the package.
    given: &'a [String],
}

fn judge_all(current: &Current, state: &State, stored: &Stored<'_>, now: Timestamp) -> Judgement {
    let Stored { pins, decisions, assessments, dates, given } = *stored;
    let index = &current.document.index;
    let pins: HashMap<(&str, Option<&str>), &Pin> = pins.iter().map(|(release, pin)| (key(release), pin)).collect();
    let assessments: HashMap<(&str, Option<&str>), &Assessed> =
        assessments.iter().map(|(release, assessed)| (key(release), assessed)).collect();
    let freeze = state.freeze.as_ref();
    let versions = index.releases.iter().map(|listed| listed.version.as_str());
    let advised = state.advisories.advised_of(&index.package, versions, given);
    let (stale, hosted) = (current.stale.as_ref(), current.hosted);
    let known = Known { advisories: &state.advisories, decisions, freeze, dates, stale, hosted };
    let standings = Vec::with_capacity(index.releases.len());
    let mut rulings = Judgement { standings, refused: Vec::new(), until: None, fresh: Vec::new() };
    let mut fresh = Vec::new();
    let mut release = index.package.release(String::new());
    for ((at, listed), advised) in index.releases.iter().enumerate().zip(advised) {
        release.version.clone_from(&listed.version);
        release.file = listed.file.as_ref().map(|file| file.name.clone());
        let pin = pins.get(&key(&release)).copied();
        let assessed = assessments.get(&key(&release)).copied();
        let gathered = gather(index, listed, &release, pin, assessed, advised, &known);
        let judged = judge(state, &release, gathered, now);
        if assessed.is_none() && warm::is_worth_it(index, listed, &judged.ruling, now) {
            fresh.push(at);
        }
        let soonest = judged.ruling.until.into_iter().chain(rulings.until).min();
        rulings.until = soonest;
        rulings.standings.push(standing(&judged.ruling));
        if judged.ruling.enforced() != Verdict::Allow {
            rulings.refused.push((at, judged));
        }
    }
    if state.policy.inspects() {
        rulings.fresh = warm::first(index, fresh);
    }
    rulings
}

/// What tells the files of a package apart.
fn key(release: &Release) -> (&str, Option<&str>) {
    (&release.version, release.file.as_deref())
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
