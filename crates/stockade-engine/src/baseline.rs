//! What a release is compared with: what was cleared of its package before.
//!
//! A release is cleared if its bytes are known and today's ruling on them is to allow: what was let in once and is
//! known as malware today says nothing for another release. Where the gateway has seen none of the line, the release
//! before it is fetched, but only for a release that is young: attacks on popular packages are found within days, and
//! fetching a second file for everything that a cold gateway is asked for would double what it fetches.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use stockade_model::{Digest, Gap, GapKind, Release, Verdict};

use crate::artifact::Case;
use crate::gather::{Known, gather};
use crate::inspection::Inspection;
use crate::listing::judge;
use crate::{Engine, EngineError, Pin};

/// With how many releases a release is compared.
const MAX_BASELINES: usize = 8;
/// A release that is older than this is only compared with what is at hand: 30 days.
pub(crate) const BASELINE_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How much older than the release one should be that is fetched to compare with it: 3 days. Whoever hijacks a package
/// often publishes several releases, one after the other.
const APART: SignedDuration = SignedDuration::from_hours(72);
/// How many releases are tried to be fetched.
const MAX_TRIES: usize = 2;

/// What a release is compared with.
pub(crate) struct Baselines {
    /// Versions and inspections, the most telling first.
    pub(crate) list: Vec<(String, Arc<Inspection>)>,
    /// A digest of what there was to be compared with.
    pub(crate) key: String,
    /// Why there is less than there should be.
    pub(crate) gap: Option<Gap>,
}

impl Engine {
    pub(crate) async fn baselines(&self, case: &Case) -> Result<Baselines, EngineError> {
        let cleared = self.cleared(case).await?;
        if self.are_of_use(case, &cleared) {
            let list = self.to_compare(&cleared).await?;
            if !list.is_empty() {
                return Ok(Baselines { list, key: key(&cleared), gap: None });
            }
        }
        if !self.is_young(case) {
            return Ok(Baselines { list: Vec::new(), key: key(&[]), gap: None });
        }
        let gap = self.fetch_baseline(case).await?;
        let cleared = self.cleared(case).await?;
        Ok(Baselines { list: self.to_compare(&cleared).await?, key: key(&cleared), gap })
    }

    /// True if there is something to compare with now that there was not.
    pub(crate) async fn has_other_baselines(&self, case: &Case, than: &str) -> Result<bool, EngineError> {
        let cleared = self.cleared(case).await?;
        Ok((self.are_of_use(case, &cleared) || self.is_young(case)) && key(&cleared) != than)
    }

    /// True if the first of them is a lower release of the same line. For a release that is not young it must be the very
    /// one before it: from one to another there may be years of development, and it would be held for what is in a lower
    /// release that nobody asked for.
    fn are_of_use(&self, case: &Case, cleared: &[(Release, Digest)]) -> bool {
        let index = &case.current.document.index;
        let Some(first) = cleared.first().and_then(|(release, _)| index.position_of(release)) else {
            return false;
        };
        let order = |at: usize| index.releases.get(at).and_then(|listed| listed.order.as_ref());
        let (Some(lower), Some(own)) = (order(first), case.listed.order.as_ref()) else { return false };
        if lower >= own || !lower.is_of_line(own) {
            return false;
        }
        self.is_young(case) || index.before(&case.listed).first() == Some(&first)
    }

    /// Those of which there is an inspection, or can be without fetching anything.
    async fn to_compare(&self, cleared: &[(Release, Digest)]) -> Result<Vec<(String, Arc<Inspection>)>, EngineError> {
        let mut list = Vec::new();
        for (release, digest) in cleared {
            let known = match self.known_inspection(digest).await? {
                Some(known) => Some(known),
                // What was cleared before anything was inspected.
                None if list.is_empty() => self.inspected_at_hand(release, digest).await?,
                None => None,
            };
            list.extend(known.map(|known| (release.version.clone(), known)));
        }
        Ok(list)
    }

    /// What is cleared of the package besides the release, with its bytes: lower releases of its line first.
    async fn cleared(&self, case: &Case) -> Result<Vec<(Release, Digest)>, EngineError> {
        let package = &case.release.package;
        let pins = self.0.store.pins(package).await?;
        let assessments = self.0.store.assessments(package, &self.0.inspections.judge).await?;
        let index = &case.current.document.index;
        let mut ranks = vec![usize::MAX; index.releases.len()];
        for (rank, at) in index.before(&case.listed).into_iter().enumerate() {
            ranks[at] = rank;
        }
        let others = pins.iter().filter(|(release, _)| release.version != case.release.version);
        let mut pinned: Vec<(usize, &Pin)> =
            others.filter_map(|(release, pin)| Some((index.position_of(release)?, pin))).collect();
        pinned.sort_by_key(|(at, _)| ranks[*at]);
        let (known, now) = (Known { stale: None, ..case.known() }, self.now());
        let cleared = pinned.into_iter().filter_map(|(at, pin)| {
            let listed = &index.releases[at];
            let release = index.release(listed);
            let assessed = assessments.iter().find(|(of, _)| *of == release);
            let assessed = assessed.map(|(_, assessed)| assessed);
            let advised = case.state.advisories.advised(&release, &[]);
            let gathered = gather(index, listed, &release, Some(pin), assessed, advised, &known);
            let ruling = judge(&case.state, &release, gathered, now).ruling;
            let cleared = ruling.verdict == Verdict::Allow && ruling.clearance().is_some();
            cleared.then(|| (release, pin.sha256.clone()))
        });
        Ok(cleared.take(MAX_BASELINES).collect())
    }

    /// The inspection of bytes that were cleared, if they are still there.
    async fn inspected_at_hand(
        &self,
        release: &Release,
        digest: &Digest,
    ) -> Result<Option<Arc<Inspection>>, EngineError> {
        if !self.0.objects.path(digest).is_file() {
            return Ok(None);
        }
        Ok(self.inspection(release, digest, Vec::new()).await?.ok())
    }

    /// Fetches the release before this one, to compare with it. `None` if it is there, or there is none.
    async fn fetch_baseline(&self, case: &Case) -> Result<Option<Gap>, EngineError> {
        let mut last = None;
        for release in self.candidates(case).into_iter().take(MAX_TRIES) {
            let digest = match self.placed(&release).await {
                Ok(digest) => digest,
                Err(error @ (EngineError::Upstream(_) | EngineError::Refused(_))) => {
                    last = Some((release, error.to_string()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            match self.inspection(&release, &digest, Vec::new()).await? {
                Ok(_) => return Ok(None),
                Err(gap) => last = Some((release, gap.detail)),
            }
        }
        Ok(last.map(|(release, why)| {
            let detail = format!("it could not be compared with {}, the release before it: {why}", release.version);
            Gap::new(GapKind::Inspection, detail)
        }))
    }

    /// The releases that could be fetched to compare with: those that nothing speaks against and that were published
    /// before it, the most telling first.
    fn candidates(&self, case: &Case) -> Vec<Release> {
        let index = &case.current.document.index;
        let published = index.published(&case.listed).map(|(at, _)| at);
        let is_earlier = |at: Timestamp, by: SignedDuration| published.is_none_or(|own| at.duration_until(own) > by);
        let known = Known { stale: None, ..case.known() };
        let (mut apart, mut close) = (Vec::new(), Vec::new());
        for listed in index.before(&case.listed).into_iter().filter_map(|at| index.releases.get(at)) {
            let Some((at, _)) = index.published(listed) else { continue };
            if !listed.is_usable() || !is_earlier(at, SignedDuration::ZERO) {
                continue;
            }
            let release = index.release(listed);
            let advised = case.state.advisories.advised(&release, &[]);
            let gathered = gather(index, listed, &release, None, None, advised, &known);
            if judge(&case.state, &release, gathered, self.now()).ruling.verdict != Verdict::Allow {
                continue;
            }
            let list = if is_earlier(at, APART) { &mut apart } else { &mut close };
            list.push(release);
            if apart.len() == MAX_TRIES {
                break;
            }
        }
        apart.extend(close);
        apart
    }

    /// True if a release is young enough to be compared with one that has to be fetched first, or nobody knows its age.
    fn is_young(&self, case: &Case) -> bool {
        let published = case.current.document.index.published(&case.listed);
        published.is_none_or(|(at, _)| self.now().duration_since(at) <= BASELINE_WINDOW)
    }
}

fn key(cleared: &[(Release, Digest)]) -> String {
    let digests: Vec<String> = cleared.iter().map(|(_, digest)| digest.hex()).collect();
    Digest::of(digests.join(" ").as_bytes()).hex()
}
