//! What people ask, and what they decide.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stockade_model::{Digest, Evidence, Gap, Purl, Release, Verdict};
use stockade_policy::{Policy, Ruling};

use crate::gather::in_force;
use crate::listing::{instead, judge};
use crate::store::{RulingEntry, record_ruling};
use crate::{Decision, Engine, EngineError, Freeze, Judged, Listing, RulingRow, UpstreamError};

/// How many open rulings are looked through.
const MAX_OPEN: usize = 10_000;
/// How many releases an answer about a whole package has.
const MAX_ABOUT: usize = 20;

/// A release with its ruling and everything that it rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// The release.
    pub purl: Purl,
    /// The ruling's identifier in the log.
    pub id: String,
    /// The sentence that its user sees.
    pub sentence: String,
    /// What was ruled, with every reason.
    pub ruling: Ruling,
    /// What was found out.
    pub evidence: Vec<Evidence>,
    /// What could not be.
    pub gaps: Vec<Gap>,
    /// The version that is cleared instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// A recorded ruling and what replaying it gave.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The release that was ruled on.
    pub purl: Purl,
    /// Its identifier.
    pub id: String,
    /// Its entry in the log.
    pub seq: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The digest of the policy that made it.
    pub policy: Digest,
    /// The sentence that its user saw.
    pub sentence: String,
    /// The ruling as it was recorded.
    pub ruling: Value,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
    /// True if the policy, asked again with the same inputs, says the same, bit for bit.
    pub replayed: bool,
}

/// What a person wants to decide.
#[derive(Debug, Clone)]
pub struct DecisionRequest {
    /// The release.
    pub release: Release,
    /// Allow or deny.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when.
    pub expires: Option<Timestamp>,
}

impl DecisionRequest {
    /// Whether this can be decided at all.
    pub fn check(&self, now: Timestamp) -> Result<(), EngineError> {
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            return Err(EngineError::Refused(format!("{expires} is over already; give an end that is still to come")));
        }
        if self.verdict == Verdict::Allow && self.expires.is_none() {
            return Err(EngineError::Refused("an approval needs an end; give one with `--expires`".to_owned()));
        }
        Ok(())
    }
}

impl Engine {
    /// Writes down rulings that are not there yet, and returns their identifiers. Tampering is also told to whoever watches.
    pub(crate) async fn record(&self, judged: Vec<Judged>) -> Result<Vec<String>, EngineError> {
        let policy = self.policy();
        let entries: Vec<(Timestamp, RulingEntry)> =
            judged.iter().map(|judged| (judged.at, judged.entry(policy.digest()))).collect();
        let ids: Vec<String> = entries.iter().map(|(_, entry)| entry.id.clone()).collect();
        let is_new = |id: &String| !self.0.recorded.contains_key(id);
        for (judged, id) in judged.iter().zip(&ids).filter(|(judged, id)| judged.ruling.tampered() && is_new(id)) {
            tracing::error!(ruling = id, "tampering: {}", judged.ruling.sentence());
        }
        let new: Vec<_> = entries.into_iter().filter(|(_, entry)| is_new(&entry.id)).collect();
        if !new.is_empty() {
            let write = move |transaction: &rusqlite::Transaction<'_>| {
                new.iter().try_for_each(|(at, entry)| record_ruling(transaction, *at, entry))
            };
            self.0.store.write(write).await?;
            for id in &ids {
                self.0.recorded.insert(id.clone(), ());
            }
        }
        Ok(ids)
    }

    /// The ruling on a release, or on the tagged and refused releases of a package, with everything that it rests on.
    pub async fn why(&self, purl: &Purl) -> Result<Vec<Why>, EngineError> {
        let asked = match purl.release() {
            Some(release) => self.files_of(&release).await?,
            None => talked_about(&self.listing(&purl.package).await?),
        };
        let listing = self.listing(&purl.package).await.ok();
        let cleared = listing.as_ref().map(|listing| listing.rulings.cleared()).unwrap_or_default();
        let mut answers: Vec<Why> = Vec::new();
        for release in asked {
            let mut case = self.case_of(&release).await?;
            if let Some(listing) = &listing {
                case.current.stale.clone_from(&listing.rulings.stale);
            }
            let gathered = case.gathered(case.assessed.as_ref());
            let judged = judge(&case.state, &case.release, gathered, self.now());
            // Nobody wants to read the same of forty files of a release.
            let said = judged.ruling.sentence();
            let is_said = |why: &Why| why.sentence == said && why.ruling.verdict == judged.ruling.verdict;
            if purl.file.is_none() && answers.iter().any(is_said) {
                continue;
            }
            let ids = self.record(vec![judged.clone()]).await?;
            let index = &case.current.document.index;
            let instead = instead(index, &case.listed, &cleared).filter(|other| *other != release.version);
            answers.push(judged.why(ids.into_iter().next().unwrap_or_default(), instead));
        }
        Ok(answers)
    }

    /// What is held or denied now, of everything that was ever asked for: the newest ruling about each release, asked
    /// again with today's policy, decisions and time. Nothing is fetched for it.
    pub async fn held(&self) -> Result<Vec<Why>, EngineError> {
        let mut open = Vec::new();
        for row in self.0.store.refused(MAX_OPEN).await? {
            let recorded = self.recorded(&row).await?;
            let decisions = self.0.store.decisions(&row.release.package).await?;
            let mut evidence = recorded.evidence;
            evidence.retain(|evidence| !matches!(evidence, Evidence::Decision { .. } | Evidence::Frozen { .. }));
            evidence.extend(self.state().freeze.as_ref().and_then(Freeze::evidence));
            let pin = self.0.store.pin(&row.release).await?;
            evidence.extend(in_force(&decisions, &row.release, pin.as_ref()).map(Decision::evidence));
            evidence.retain(|evidence| !matches!(evidence, Evidence::Advisory { .. } | Evidence::Fixes { .. }));
            let (state, package) = (self.state(), &row.release.package);
            let given = self.given_of(&state, package).await?;
            evidence.extend(state.advisories.advised(&row.release, &given).evidence);
            let bytes = pin.iter().flat_map(|pin| &pin.digests);
            evidence.extend(state.advisories.advised_of_bytes(&bytes).evidence);
            let now = self.now();
            let ruling = self.policy().decide(&row.release, &evidence, &recorded.gaps, now);
            if ruling.verdict != Verdict::Allow {
                let judged = Judged { ruling, evidence, gaps: recorded.gaps, at: now };
                open.push(judged.why(row.id, None));
            }
        }
        Ok(open)
    }

    /// Holds everything that was published since an instant, whatever its ecosystem, or ends that. Every gateway of this
    /// data folder follows at once.
    pub async fn freeze(&self, freeze: Freeze) -> Result<(), EngineError> {
        if freeze.since.is_some_and(|since| since > self.now()) {
            return Err(EngineError::Refused("the instant of a freeze is still to come".to_owned()));
        }
        self.0.store.freeze(self.now(), freeze).await?;
        self.look(false).await
    }

    /// The freeze that is in effect.
    pub fn frozen(&self) -> Option<Freeze> {
        self.state().freeze.clone()
    }

    /// Replays a ruling from the log.
    pub async fn explain(&self, id: &str) -> Result<Explained, EngineError> {
        let row = self.0.store.ruling(id).await?.ok_or_else(|| EngineError::NoRuling(id.to_owned()))?;
        let Recorded { at, policy, ruling, sentence, evidence, gaps } = self.recorded(&row).await?;
        let unreadable = |why: &str| crate::StoreError::Unreadable(format!("ruling `{}`: {why}", row.id));
        let text = self.0.store.policy_text(&policy.to_string()).await?;
        let text = text.ok_or_else(|| unreadable("its policy is not in the store"))?;
        let stored = Policy::from_canonical(&text).map_err(|error| unreadable(&error.to_string()))?;
        let again = stored.decide(&row.release, &evidence, &gaps, at);
        let replayed = *stored.digest() == policy
            && serde_json::to_value(&again).is_ok_and(|again| again == ruling)
            && again.sentence() == sentence
            && again.key(&evidence, &gaps, &policy) == row.id;
        Ok(Explained {
            purl: Purl::of(&row.release),
            id: row.id,
            seq: row.seq,
            at,
            policy,
            sentence,
            ruling,
            evidence,
            gaps,
            replayed,
        })
    }

    /// Records what a person decides about a release, or about one of its files: bound to the digest of the bytes as they
    /// were first seen, else to what the index claims of them, and where it claims nothing the bytes are fetched to learn
    /// it. About a release as a whole there is one decision for each of its files.
    pub async fn decide(&self, request: DecisionRequest) -> Result<Vec<Decision>, EngineError> {
        let now = self.now();
        request.check(now)?;
        let mut decisions = Vec::new();
        for release in self.files_of(&request.release).await? {
            let digest = self.digest_of(&release).await?;
            let DecisionRequest { verdict, reason, by, expires, .. } = request.clone();
            let decision = Decision { release, digest, verdict, reason, by, expires };
            self.0.store.decide(now, decision.clone()).await?;
            decisions.push(decision);
        }
        self.look(false).await?;
        Ok(decisions)
    }

    /// The files of a release that are ruled on one by one; the release itself if it has one, or is a file.
    async fn files_of(&self, release: &Release) -> Result<Vec<Release>, EngineError> {
        if release.file.is_some() || self.0.store.pin(release).await?.is_some() {
            return Ok(vec![release.clone()]);
        }
        let (registry, _) = self.0.upstreams.of(&release.package)?;
        let mut files = if registry.files_stand_alone() {
            // No index lists them, and there need not be a main one; those that somebody has asked for are known.
            match self.case_of(release).await {
                Ok(case) => vec![case.release],
                Err(EngineError::Upstream(UpstreamError::NotFound)) => Vec::new(),
                Err(error) => return Err(error),
            }
        } else {
            let current = self.0.documents.current(&release.package).await?;
            let index = &current.document.index;
            index.positions(&release.version).map(|at| index.release(&index.releases[at])).collect()
        };
        let describes = |file: &String| registry.description().is_some_and(|ending| file.ends_with(ending));
        let known = self.0.store.files(release).await?.into_iter();
        files.extend(known.filter(|known| known.file.as_ref().is_none_or(|file| !describes(file))));
        files.sort();
        files.dedup();
        if files.is_empty() { Err(EngineError::NoRelease(release.to_string())) } else { Ok(files) }
    }

    async fn digest_of(&self, release: &Release) -> Result<Digest, EngineError> {
        if let Some(pin) = self.0.store.pin(release).await? {
            return Ok(pin.sha256);
        }
        let case = self.case_of(release).await?;
        let claimed = case.listed.artifact.integrity.as_ref().and_then(|claim| claim.deciding().next());
        match claimed.filter(|digest| digest.algorithm().proves()) {
            Some(digest) => Ok(digest.clone()),
            None => self.pinned(release).await,
        }
    }

    async fn recorded(&self, row: &RulingRow) -> Result<Recorded, EngineError> {
        let unreadable = |why: String| crate::StoreError::Unreadable(format!("ruling `{}`: {why}", row.id));
        let entry = self.0.store.entry(row.seq).await?.ok_or_else(|| unreadable("its entry is gone".to_owned()))?;
        Ok(serde_json::from_value(entry.body).map_err(|error| unreadable(error.to_string()))?)
    }
}

/// What of a package a person is likely to mean: what tags name, and what is refused, the newest first.
fn talked_about(listing: &Listing) -> Vec<Release> {
    let index = &listing.document.index;
    let tagged = index.tags.iter().filter_map(|(_, version)| index.get(version)).map(|listed| index.release(listed));
    let refused = listing.rulings.refused.iter().rev().map(|refused| refused.ruling.release.clone());
    let mut asked: Vec<Release> = tagged.chain(refused).take(MAX_ABOUT).collect();
    asked.sort();
    asked.dedup();
    asked
}

/// What the log says of a ruling.
#[derive(serde::Deserialize)]
struct Recorded {
    at: Timestamp,
    policy: Digest,
    ruling: Value,
    sentence: String,
    evidence: Vec<Evidence>,
    gaps: Vec<Gap>,
}

impl Decision {
    pub(crate) fn evidence(&self) -> Evidence {
        let Self { verdict, digest, reason, by, expires, .. } = self.clone();
        Evidence::Decision { verdict, digest, reason, by, expires }
    }
}

impl Freeze {
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        let Self { since, reason, by } = self.clone();
        Some(Evidence::Frozen { since: since?, reason, by })
    }
}

impl Judged {
    /// The ruling as the log keeps it: all that a replay needs but the policy's text.
    pub(crate) fn entry(&self, policy: &Digest) -> RulingEntry {
        let Self { ruling, evidence, gaps, at } = self;
        let id = ruling.key(evidence, gaps, policy);
        let body = serde_json::json!({
            "id": id,
            "at": at,
            "policy": policy,
            "ruling": ruling,
            "sentence": ruling.sentence(),
            "evidence": evidence,
            "gaps": gaps,
        });
        RulingEntry { id, release: ruling.release.clone(), verdict: ruling.verdict, body }
    }

    fn why(self, id: String, instead: Option<String>) -> Why {
        let Self { ruling, evidence, gaps, .. } = self;
        Why { purl: Purl::of(&ruling.release), id, sentence: ruling.sentence(), ruling, evidence, gaps, instead }
    }
}
