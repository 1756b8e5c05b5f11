//! From the bytes of a release to evidence of what is in them.
//!
//! Bytes are inspected once, by their digest. What an inspection means for a release is judged by rules, alone and
//! against what was cleared of the package before (`baseline.rs`), and kept beside it. Both cost nothing when they are
//! asked for again. What stands in the way is a gap; what will pass by itself, such as an upstream that does not answer,
//! is not kept, and looked at again at the next request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use moka::sync::Cache;
use stockade_ecosystem::by_id;
use stockade_model::{Digest, Evidence, Finding, Gap, GapKind, Need, NeedFrom, NeedRole, NewNeed, Package, Release};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::artifact::Case;
use crate::baseline::Baselines;
use crate::documents::Flights;
use crate::inspection::{self, Assessment, Inspection, Inspector, Rules, VERSION, assess};
use crate::numbers::Numbers;
use crate::store::{Assessed, MAX_INSPECTION, packed};
use crate::warm::Warming;
use crate::{Engine, EngineError};

/// How many bytes of files are in memory to be inspected, in MiB; what is larger waits for the whole.
const TURNS_MIB: u32 = 64;
/// How many bytes of inspections are kept at hand, about.
const KNOWN_BYTES: u64 = 64 * 1024 * 1024;
/// How much larger an inspection is in memory than as it is stored, about.
const UNPACKED: usize = 16;
/// How long it is remembered that bytes could not be inspected: they are not tried again at each request.
const UNSEEN_FOR: Duration = Duration::from_mins(10);
/// How many such digests are remembered.
const MAX_UNSEEN: u64 = 10_000;
/// How many gaps of one inspection become evidence.
const MAX_GAPS: usize = 8;
const MIB: u64 = 1024 * 1024;

/// What inspecting needs and remembers.
pub(crate) struct Inspections {
    inspector: Inspector,
    rules: Arc<Rules>,
    /// Names the inspector's version and the rules: what another judge made of an inspection is made again.
    pub(crate) judge: String,
    known: Cache<Digest, (Arc<Inspection>, u32)>,
    unseen: Cache<Digest, Gap>,
    inspecting: Flights<Digest>,
    assessing: Flights<Release>,
    turns: Semaphore,
    pub(crate) numbers: Numbers,
    pub(crate) warming: Warming,
}

/// What was found out about the content of a release, and what could not be.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    pub(crate) evidence: Option<Evidence>,
    pub(crate) gaps: Vec<Gap>,
}

impl From<Assessed> for Looked {
    fn from(assessed: Assessed) -> Self {
        Self { evidence: Some(assessed.evidence), gaps: assessed.gaps }
    }
}

impl Inspections {
    pub(crate) fn new(inspector: Inspector, rules: Arc<Rules>) -> Self {
        let weight = |_: &Digest, (_, weight): &(Arc<Inspection>, u32)| *weight;
        Self {
            inspector: inspector.searching(&rules),
            judge: format!("{VERSION} {}", rules.digest()),
            rules,
            known: Cache::builder().max_capacity(KNOWN_BYTES).weigher(weight).build(),
            unseen: Cache::builder().max_capacity(MAX_UNSEEN).time_to_live(UNSEEN_FOR).build(),
            inspecting: Flights::default(),
            assessing: Flights::default(),
            turns: Semaphore::new(TURNS_MIB as usize),
            numbers: Numbers::default(),
            warming: Warming::default(),
        }
    }

    /// The judgement, which is pure. A release has one artifact here, so that there is nothing beside it.
    async fn judged(&self, subject: Arc<Inspection>, cleared: Vec<Arc<Inspection>>) -> Result<Assessment, EngineError> {
        let rules = Arc::clone(&self.rules);
        let judging = move || {
            let cleared: Vec<&Inspection> = cleared.iter().map(AsRef::as_ref).collect();
            assess(&subject, &cleared, &[], &rules)
        };
        Ok(tokio::task::spawn_blocking(judging).await?)
    }
}

impl Engine {
    /// What is in the bytes of a release, which are in their place.
    ///
    /// It may fetch another release to compare with, which is then judged as any that arrives, so the future is boxed.
    pub(crate) fn looked_into<'a>(
        &'a self,
        case: &'a Case,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Looked, EngineError>> {
        Box::pin(async move {
            let _waiting = self.0.inspections.numbers.waits();
            self.look_into(case, digest).await
        })
    }

    async fn look_into(&self, case: &Case, digest: &Digest) -> Result<Looked, EngineError> {
        let inspections = &self.0.inspections;
        let _flight = inspections.assessing.board(case.release.clone()).await;
        // Somebody may have looked meanwhile. What is to be looked at again has other baselines than it had.
        let before = case.assessed.as_ref().map(|assessed| &assessed.baselines);
        let stored = self.0.store.about(&case.release, &inspections.judge).await?.assessed;
        if let Some(stored) = stored.filter(|stored| stored.digest == *digest && Some(&stored.baselines) != before) {
            return Ok(stored.into());
        }
        let Baselines { list, key, gap } = self.baselines(case).await?;
        let against = list.first().map(|(version, _)| version.clone());
        let cleared: Vec<Arc<Inspection>> = list.into_iter().map(|(_, inspection)| inspection).collect();
        let earlier = cleared.first().cloned().into_iter().collect();
        let subject = match self.inspection(&case.release, digest, earlier).await? {
            Ok(subject) => subject,
            Err(unseen) => return Ok(Looked { evidence: None, gaps: vec![unseen] }),
        };
        let gaps = gaps(&subject);
        let Assessment { findings, difference, .. } = inspections.judged(subject, cleared).await?;
        let needs = difference.map(|difference| difference.needs).unwrap_or_default();
        let (needs, unknown) = self.new_needs(&case.release.package, &needs).await;
        let findings = findings.iter().take(Finding::MAX).map(finding).collect();
        let evidence = Evidence::Inspection { digest: digest.clone(), against, findings, needs };
        let assessed = Assessed { digest: digest.clone(), evidence, gaps, baselines: key };
        let passing: Vec<Gap> = gap.into_iter().chain(unknown).collect();
        if passing.is_empty() {
            self.keep_assessment(&case.release, &assessed).await?;
        }
        let mut looked = Looked::from(assessed);
        looked.gaps.extend(passing);
        Ok(looked)
    }

    /// Keeps what was made of an inspection. If it may speak against the release, listings that were made without it are
    /// forgotten, once new ones will find it.
    async fn keep_assessment(&self, release: &Release, assessed: &Assessed) -> Result<(), EngineError> {
        let (store, judge) = (&self.0.store, &self.0.inspections.judge);
        if !assessed.objects() {
            store.keep_assessment_later(release, judge, assessed);
            return Ok(());
        }
        // Nobody makes a listing meanwhile.
        let _flight = self.0.judging.board(release.package.clone()).await;
        store.keep_assessment(release, judge, assessed).await?;
        self.0.rulings.invalidate(&release.package);
        Ok(())
    }

    /// The inspection of bytes that are in their place, or why there is none.
    pub(crate) async fn inspection(
        &self,
        release: &Release,
        digest: &Digest,
        earlier: Vec<Arc<Inspection>>,
    ) -> Result<Result<Arc<Inspection>, Gap>, EngineError> {
        let inspections = &self.0.inspections;
        if let Some(known) = self.known_inspection(digest).await? {
            return Ok(Ok(known));
        }
        let _flight = inspections.inspecting.board(digest.clone()).await;
        if let Some(known) = self.known_inspection(digest).await? {
            return Ok(Ok(known));
        }
        if let Some(gap) = inspections.unseen.get(digest) {
            return Ok(Err(gap));
        }
        let outcome = match self.inspect(release, digest, earlier).await? {
            Ok(inspection) => self.keep(digest, inspection).await?,
            Err(gap) => Err(gap),
        };
        if let Err(gap) = &outcome {
            tracing::warn!(%release, gap = gap.detail, "a file could not be inspected");
            inspections.unseen.insert(digest.clone(), gap.clone());
        }
        Ok(outcome)
    }

    /// The inspection of these bytes, if they were inspected before.
    pub(crate) async fn known_inspection(&self, digest: &Digest) -> Result<Option<Arc<Inspection>>, EngineError> {
        let inspections = &self.0.inspections;
        if let Some((known, _)) = inspections.known.get(digest) {
            return Ok(Some(known));
        }
        let stored = self.0.store.inspection(digest, VERSION).await?;
        let Some((stored, size)) = stored.filter(|(stored, _)| inspections.rules.suffices(stored)) else {
            return Ok(None);
        };
        let stored = Arc::new(stored);
        inspections.known.insert(digest.clone(), (Arc::clone(&stored), weight(size)));
        Ok(Some(stored))
    }

    async fn inspect(
        &self,
        release: &Release,
        digest: &Digest,
        earlier: Vec<Arc<Inspection>>,
    ) -> Result<Result<Inspection, Gap>, EngineError> {
        let inspections = &self.0.inspections;
        let (registry, _) = self.0.upstreams.of(&release.package)?;
        let path = self.0.objects.path(digest);
        let size = std::fs::metadata(&path)?.len();
        if size > inspection::MAX_ARTIFACT as u64 {
            let detail = format!("its file has {size} bytes; more than {} are not inspected", inspection::MAX_ARTIFACT);
            return Ok(Err(Gap::new(GapKind::Inspection, detail)));
        }
        let mib = u32::try_from(size / MIB + 1).unwrap_or(TURNS_MIB).min(TURNS_MIB);
        let _turn = inspections.turns.acquire_many(mib).await;
        let bytes: Bytes = tokio::task::spawn_blocking(move || crate::objects::read(&path)).await??.into();
        let (ecosystem, file) = (release.package.ecosystem.as_str(), registry.artifact_file(release));
        let start = Instant::now();
        let outcome = inspections.inspector.inspect(ecosystem, &file, bytes, earlier).await;
        inspections.numbers.inspected(start.elapsed(), outcome.is_err());
        Ok(outcome)
    }

    async fn keep(&self, digest: &Digest, inspection: Inspection) -> Result<Result<Arc<Inspection>, Gap>, EngineError> {
        let inspection = Arc::new(inspection);
        let to_pack = Arc::clone(&inspection);
        let Some(packed) = tokio::task::spawn_blocking(move || packed(&to_pack)).await?? else {
            let detail = format!("more was found in it than the {MAX_INSPECTION} bytes that an inspection may have");
            return Ok(Err(Gap::new(GapKind::Inspection, detail)));
        };
        self.0.inspections.known.insert(digest.clone(), (Arc::clone(&inspection), weight(packed.len())));
        self.0.store.keep_inspection(digest, VERSION, packed);
        Ok(Ok(inspection))
    }

    /// The age of what a release began to need. What cannot be looked at is a gap that may pass.
    async fn new_needs(&self, package: &Package, needs: &[Need]) -> (Vec<NewNeed>, Vec<Gap>) {
        let mut names: Vec<&str> = needs.iter().filter_map(|need| name_at_registry(need)).collect();
        names.sort_unstable();
        names.dedup();
        let (scope, _) = package.name.split();
        // Who may publish in a scope may publish in it under every name.
        names.retain(|name| {
            scope.is_none_or(|scope| !name.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/')))
        });
        let mut gaps = Vec::new();
        if names.len() > NewNeed::MAX {
            let detail = format!("it began to need {} packages, of which {} are looked at", names.len(), NewNeed::MAX);
            gaps.push(Gap::new(GapKind::Inspection, detail));
        }
        names.truncate(NewNeed::MAX);
        let mut found = Vec::new();
        for outcome in join_all(names.into_iter().map(|name| self.new_need(package, name))).await {
            match outcome {
                Ok(need) => found.push(need),
                Err(gap) => gaps.push(gap),
            }
        }
        (found, gaps)
    }

    async fn new_need(&self, package: &Package, name: &str) -> Result<NewNeed, Gap> {
        let gap = |error: &dyn std::fmt::Display| {
            let shown: String = name.chars().take(Finding::MAX_RULE).collect();
            let detail = format!("it began to need `{shown}`, whose index could not be looked at: {error}");
            Gap::new(GapKind::Inspection, detail)
        };
        let Some(ecosystem) = by_id(package.ecosystem.as_str()) else { return Err(gap(&"nobody knows its ecosystem")) };
        let named = (ecosystem.name)(name).map_err(|error| gap(&error))?;
        let needed = Package { ecosystem: package.ecosystem.clone(), name: named };
        let current = self.0.documents.current(&needed).await.map_err(|error| gap(&error))?;
        let releases = &current.document.index.releases;
        Ok(NewNeed {
            name: needed.name.as_str().to_owned(),
            since: releases.iter().filter_map(|listed| listed.published).min(),
            releases: u32::try_from(releases.len()).unwrap_or(u32::MAX),
        })
    }
}

fn weight(stored: usize) -> u32 {
    u32::try_from(stored.saturating_mul(UNPACKED)).unwrap_or(u32::MAX)
}

/// The name of what is needed, if a registry is where it comes from and it comes with the release.
fn name_at_registry(need: &Need) -> Option<&str> {
    if need.role == NeedRole::Bundled {
        return None;
    }
    match need.from {
        NeedFrom::Registry => Some(&need.name),
        // `scheme:name@range`: the name that it has here is of no registry.
        NeedFrom::Alias => {
            let (_, named) = need.wanted.split_once(':')?;
            Some(named.rfind('@').filter(|at| *at > 0).map_or(named, |at| &named[..at]))
        }
        NeedFrom::Git | NeedFrom::Url | NeedFrom::Path => None,
    }
}

fn finding(found: &inspection::Finding) -> Finding {
    let (path, line) = found.places.first().map_or(("", 0), |place| (place.path.as_str(), place.line));
    Finding::new(&found.rule, found.verdict, &found.sentence, path, line)
}

/// What the inspection could not look at, whatever the reason was.
fn gaps(inspection: &Inspection) -> Vec<Gap> {
    let left = inspection.gaps.len().saturating_sub(MAX_GAPS);
    let more = (left > 0).then(|| format!("and {left} more parts of it"));
    let details = inspection.gaps.iter().take(MAX_GAPS).map(|gap| gap.detail.clone()).chain(more);
    details.map(|detail| Gap::new(GapKind::Inspection, detail)).collect()
}
