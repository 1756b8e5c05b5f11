//! One file of a release: fetched once, judged by its bytes, and given out only with a clearance.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use stockade_ecosystem::{Artifact, Credential, Index, Listed, Registry};
use stockade_model::{Comparison, Digest, Evidence, Gap, GapKind, Package, Release, Verdict};
use stockade_policy::Clearance;
use url::Url;

use crate::asked::{Dates, beside_index};
use crate::assess::Looked;
use crate::documents::Current;
use crate::gather::{Gathered, Known, described, gather, in_force};
use crate::listing::{instead, judge};
use crate::objects::Arrived;
use crate::state::State;
use crate::store::{About, Assessed, record_pin, record_served};
use crate::upstream::{Ask, Dialler, UpstreamError};
use crate::{Decision, Engine, EngineError, Judged, Pin, Refused};

/// The largest artifact in bytes.
const MAX_ARTIFACT: u64 = 1024 * 1024 * 1024;
/// The largest artifact that is kept in memory, in bytes.
const MAX_HOT: u64 = 512 * 1024;
/// What an entry of the memory cache weighs besides its bytes, in bytes, about.
const ENTRY_WEIGHT: usize = 512;

/// What became of a request for a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It may leave.
    Cleared(Cleared),
    /// It may not, or not now.
    Refused(Box<Refused>),
}

/// Bytes that may leave: there is a clearance for exactly their digest.
#[derive(Debug, Clone)]
pub struct Cleared {
    clearance: Arc<Clearance>,
    size: u64,
    content: Content,
    would: Option<Arc<Refused>>,
}

/// Where cleared bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File(PathBuf),
}

impl Cleared {
    /// The proof that they may leave.
    pub fn clearance(&self) -> &Clearance {
        &self.clearance
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What an enforcing policy would have said, where this one only records.
    pub fn would(&self) -> Option<&Refused> {
        self.would.as_deref()
    }

    /// The bytes.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

/// A cleared file as it is kept at hand, for as long as its ruling stands.
pub(crate) struct Hot {
    cleared: Cleared,
    /// The index that it was judged by.
    document: Digest,
    epoch: Arc<str>,
    until: Option<Timestamp>,
}

impl Hot {
    pub(crate) fn weight(&self, file: &str) -> u32 {
        let bytes = match &self.cleared.content {
            Content::Memory(bytes) => bytes.len(),
            Content::File(_) => 0,
        };
        u32::try_from(bytes + file.len() + ENTRY_WEIGHT).unwrap_or(u32::MAX)
    }
}

/// What is known of a release when its file is asked for.
pub(crate) struct Case {
    pub(crate) state: Arc<State>,
    pub(crate) current: Current,
    pub(crate) release: Release,
    pub(crate) listed: Listed,
    /// True if it only describes a file that may be had. There is nothing to know about it but its bytes.
    describes: bool,
    /// True if the package is published here.
    hosted: bool,
    /// The versions of its package that were given out, where an advisory speaks of it.
    given: Vec<String>,
    dates: Dates,
    pin: Option<Pin>,
    decisions: Vec<Decision>,
    /// What was made of its inspection, if it was inspected.
    pub(crate) assessed: Option<Assessed>,
}

impl Case {
    pub(crate) fn known(&self) -> Known<'_> {
        let freeze = self.state.freeze.as_ref();
        let (decisions, dates) = (&self.decisions, &self.dates);
        let stale = self.current.stale.as_ref();
        Known { advisories: &self.state.advisories, decisions, freeze, dates, stale, hosted: self.hosted }
    }

    /// True if its bytes are known.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pin.is_some()
    }

    /// The assessment, if it is of these bytes.
    fn assessed_as(&self, digest: &Digest) -> Option<&Assessed> {
        self.assessed.as_ref().filter(|assessed| assessed.digest == *digest)
    }

    pub(crate) fn gathered(&self, assessed: Option<&Assessed>) -> Gathered {
        let index = &self.current.document.index;
        if self.describes {
            return described(index, &self.listed, self.pin.as_ref(), &self.decisions);
        }
        let advised = self.state.advisories.advised(&self.release, &self.given);
        gather(index, &self.listed, &self.release, self.pin.as_ref(), assessed, advised, &self.known())
    }
}

impl Engine {
    /// A file of a package, for somebody. Who is given what is on record before it leaves.
    ///
    /// `principal` is who asks. A file that the newest index does not list is an error, [`EngineError::NoRelease`]. What
    /// takes longer than `patience` is [`EngineError::Inspecting`], and goes on.
    pub async fn artifact(
        &self,
        package: &Package,
        file: &str,
        principal: &Arc<str>,
        patience: Duration,
    ) -> Result<Outcome, EngineError> {
        let key = (package.clone(), file.to_owned());
        if let Some(hot) = self.at_hand(&key) {
            self.give(&hot.cleared, principal).await?;
            return Ok(Outcome::Cleared(hot.cleared.clone()));
        }
        let (engine, principal) = (self.clone(), Arc::clone(principal));
        let looking = tokio::spawn(async move { engine.looked_at(key, &principal).await });
        match tokio::time::timeout(patience, looking).await {
            Ok(outcome) => outcome?,
            Err(_) => Err(EngineError::Inspecting(file.to_owned())),
        }
    }

    async fn looked_at(&self, key: (Package, String), principal: &Arc<str>) -> Result<Outcome, EngineError> {
        let (package, file) = (&key.0, key.1.as_str());
        let Found { current, listed, describes } = self.find_and_ask(package, file).await?;
        self.refuse_moving(package, &listed).await?;
        let release = current.document.index.release(&listed);
        let _flight = self.0.fetching.board(release.clone()).await;
        if let Some(hot) = self.at_hand(&key) {
            self.give(&hot.cleared, principal).await?;
            return Ok(Outcome::Cleared(hot.cleared.clone()));
        }
        let mut case = Arc::new(self.case(current, listed).await?);
        let (epoch, document) = (Arc::clone(&case.state.epoch), case.current.document.digest.clone());
        if let Some(ending) = describes {
            // What describes a file is gated like the file, which need not be here.
            let judged = judge(&case.state, &case.release, case.gathered(case.assessed.as_ref()), self.now());
            if judged.ruling.enforced() != Verdict::Allow {
                return self.refuse(&case, judged).await;
            }
            self.look_at_described(&case);
            case = Arc::new(self.description(&case, ending).await?);
        }
        let judged = self.judged_bytes(&case, Some(principal)).await?;
        let Some(clearance) = judged.ruling.clearance().cloned() else {
            return self.refuse(&case, judged).await;
        };
        let mut cleared = self.release(clearance).await?;
        if judged.ruling.verdict != Verdict::Allow {
            let id = judged.entry(case.state.policy.digest()).id;
            cleared.would = Some(Arc::new(Refused { ruling: judged.ruling.clone(), id, instead: None }));
        }
        self.give(&cleared, principal).await?;
        self.look_ahead(&case.release, &cleared.content);
        // What is published here may be taken off at any moment, also by another process.
        if !self.0.upstreams.of(&key.0)?.1.is_hosted() {
            let hot = Hot { cleared: cleared.clone(), document, epoch, until: judged.ruling.until };
            self.0.hot.insert(key, Arc::new(hot));
        }
        Ok(Outcome::Cleared(cleared))
    }

    /// The file, if it was cleared before and its ruling still stands: same policy and decisions, same index, in time.
    fn at_hand(&self, key: &(Package, String)) -> Option<Arc<Hot>> {
        let hot = self.0.hot.get(key)?;
        let stands = hot.until.is_none_or(|until| self.now() < until)
            && hot.epoch == self.epoch()
            && self.0.documents.at_hand(&key.0).is_none_or(|document| document.digest == hot.document);
        stands.then_some(hot)
    }

    /// Where the upstream has a file, as its index says; `None` if it lists no such file.
    pub async fn original(&self, package: &Package, file: &str) -> Result<Option<Url>, EngineError> {
        let (registry, origin) = self.0.upstreams.of(package)?;
        let Ok(upstream) = origin.upstream() else { return Ok(None) };
        match self.find(package, file).await {
            Ok(Found { listed, describes: None, .. }) => {
                Ok(Some(beside_index(registry, upstream, package, &listed.artifact.url)?))
            }
            Ok(_) | Err(EngineError::NoRelease(_) | EngineError::Upstream(UpstreamError::NotFound)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a file name means; what is asked for beside it is asked for in the meantime.
    async fn find_and_ask(&self, package: &Package, file: &str) -> Result<Found, EngineError> {
        let (found, asked) = tokio::join!(self.find(package, file), self.ask_beside(package, file));
        let found = found?;
        asked?;
        Ok(found)
    }

    /// What a file name means, in the index at hand, or in the newest if that does not list it.
    async fn find(&self, package: &Package, file: &str) -> Result<Found, EngineError> {
        let (registry, _) = self.0.upstreams.of(package)?;
        let no_index = |error| without_index(registry, package, error);
        let at_hand = self.0.documents.any(package).await.or_else(no_index)?;
        if let Some((listed, describes)) = by_file(registry, &at_hand, file) {
            return Ok(Found { current: at_hand, listed, describes });
        }
        let newest = self.0.documents.current(package).await.or_else(no_index)?;
        match by_file(registry, &newest, file) {
            Some((listed, describes)) => Ok(Found { current: newest, listed, describes }),
            None => Err(EngineError::NoRelease(format!("`{}` has no file `{file}`", package.name))),
        }
    }

    pub(crate) async fn case(&self, current: Current, mut listed: Listed) -> Result<Case, EngineError> {
        let state = self.state();
        let release = current.document.index.release(&listed);
        // Both may have to be asked for, and neither needs the other.
        let (dates, claim) =
            tokio::try_join!(self.dates_of(&current.document.index, &listed), self.claim_of(&release, &listed))?;
        listed.artifact.integrity = claim;
        let About { pin, decisions, assessed } = self.0.store.about(&release, &self.0.inspections.judge).await?;
        let assessed = assessed.filter(|_| state.policy.inspects());
        let hosted = self.0.upstreams.of(&release.package)?.1.is_hosted();
        let given = self.given_of(&state, &release.package).await?;
        Ok(Case { state, current, release, listed, describes: false, hosted, given, dates, pin, decisions, assessed })
    }

    /// The versions of a package that were given out, where an advisory speaks of it.
    pub(crate) async fn given_of(&self, state: &State, package: &Package) -> Result<Vec<String>, EngineError> {
        if !state.advisories.speak_of(package) {
            return Ok(Vec::new());
        }
        Ok(self.0.store.given_versions(package).await?)
    }

    /// What describes the file of a case.
    async fn description(&self, of: &Case, ending: &str) -> Result<Case, EngineError> {
        let file = of.listed.file.as_ref();
        let name = file.map_or_else(String::new, |file| format!("{}{ending}", file.name));
        let artifact = Artifact {
            url: format!("{}{ending}", of.listed.artifact.url),
            integrity: file.and_then(|file| file.metadata.clone()),
        };
        let release = of.release.clone().with_file(name);
        let pin = self.0.store.pin(&release).await?;
        let listed = Listed { artifact, ..of.listed.clone() };
        let (state, current) = (Arc::clone(&of.state), of.current.clone());
        let in_force = in_force(&of.decisions, &of.release, of.pin.as_ref());
        let (dates, decisions, hosted) = (Dates::default(), in_force.cloned().collect(), of.hosted);
        Ok(Case {
            state,
            current,
            release,
            listed,
            describes: true,
            hosted,
            given: Vec::new(),
            dates,
            pin,
            decisions,
            assessed: None,
        })
    }

    /// Rules on a release and, if nothing speaks against it, on its bytes. What is held is not even fetched.
    async fn judged_bytes(&self, case: &Arc<Case>, principal: Option<&Arc<str>>) -> Result<Judged, EngineError> {
        // What spoke against it may be usual for the package, now that more of it was cleared.
        let stands = match &case.assessed {
            Some(assessed) if assessed.objects() => !self.has_other_baselines(case, &assessed.baselines).await?,
            _ => true,
        };
        let gathered = case.gathered(case.assessed.as_ref().filter(|_| stands));
        let judged = judge(&case.state, &case.release, gathered.clone(), self.now());
        if judged.ruling.enforced() != Verdict::Allow {
            return Ok(judged);
        }
        if let Some(digest) = judged.ruling.clearance().map(|clearance| clearance.digest().clone())
            && self.has_intact(&digest).await?
        {
            let judged = self.judged_content(case, gathered, judged, &digest).await?;
            self.record(vec![judged.clone()]).await?;
            return Ok(judged);
        }
        match self.fetch(case).await {
            Ok(arrived) => self.judged_arrival(case, gathered, arrived, principal).await,
            Err(error) => Err(self.not_looked_at(case, gathered, error).await),
        }
    }

    /// Rules on what is in bytes that nothing else speaks against, unless that is part of the ruling already.
    async fn judged_content(
        &self,
        case: &Arc<Case>,
        mut gathered: Gathered,
        judged: Judged,
        digest: &Digest,
    ) -> Result<Judged, EngineError> {
        let inspects = case.state.policy.inspects() && self.has_content(case)?;
        if !inspects || judged.ruling.enforced() != Verdict::Allow || gathered.is_inspected(digest) {
            return Ok(judged);
        }
        match self.looked_into(case, digest).await {
            Ok(Looked { evidence, gaps }) => {
                gathered.evidence.extend(evidence);
                gathered.gaps.extend(gaps);
                Ok(judge(&case.state, &case.release, gathered, self.now()))
            }
            Err(error) => Err(self.not_looked_at(case, gathered, error).await),
        }
    }

    /// True if there may be code in a file.
    fn has_content(&self, case: &Case) -> Result<bool, EngineError> {
        let (registry, _) = self.0.upstreams.of(&case.release.package)?;
        Ok(!case.describes && registry.has_content(&registry.artifact_file(&case.release)))
    }

    /// Bytes could not be had: that is a gap, and it is written down. Whoever asks gets the error, since it may pass.
    async fn not_looked_at(&self, case: &Case, mut gathered: Gathered, error: EngineError) -> EngineError {
        let kind = match &error {
            EngineError::Upstream(UpstreamError::TooLong(_)) => GapKind::Limit,
            EngineError::Upstream(UpstreamError::NotAllowed(_)) => GapKind::Malformed,
            EngineError::Upstream(_) => GapKind::Unreachable,
            _ => return error,
        };
        gathered.gaps.push(Gap::new(kind, format!("its file could not be fetched: {}", error.told())));
        let judged = judge(&case.state, &case.release, gathered, self.now());
        if let Err(error) = self.record(vec![judged]).await {
            tracing::warn!(%error, release = %case.release, "a gap could not be recorded");
        }
        error
    }

    /// True if the file is there and its bytes are what its name says. It is read whole: once, then it is at hand.
    async fn has_intact(&self, digest: &Digest) -> Result<bool, EngineError> {
        let (objects, digest) = (self.0.objects.clone(), digest.clone());
        Ok(tokio::task::spawn_blocking(move || objects.check(&digest)).await?)
    }

    async fn fetch(&self, case: &Case) -> Result<Arrived, EngineError> {
        let (registry, origin) = self.0.upstreams.of(&case.release.package)?;
        let upstream = origin.upstream()?;
        let artifact = &case.listed.artifact;
        let stated = match registry.locator() {
            Some(locator) => {
                let ecosystem = &case.release.package.ecosystem;
                let document = self.fact(ecosystem, Some(&case.release), locator).await?;
                registry.locate(&document, &case.release, artifact)?
            }
            None => artifact.url.clone(),
        };
        let url = beside_index(registry, upstream, &case.release.package, &stated)?;
        if registry.files_are_elsewhere() {
            self.0.dialler.learn(&url);
        }
        let claim = artifact.integrity.as_ref();
        let credential: Option<&Credential> =
            upstream.credential.as_ref().filter(|_| url.origin() == upstream.url.origin());
        let response = self.0.dialler.send(&Ask { credential, ..Ask::get(url) }).await?;
        let mut receiving = self.0.objects.receive(claim)?;
        Dialler::each_chunk(response, MAX_ARTIFACT, |chunk| receiving.write(chunk)).await?;
        Ok(receiving.finish())
    }

    /// Rules on bytes that have just arrived. They get a name, and the release a pin, only if they are what they should
    /// be; if not, they are gone when this returns.
    async fn judged_arrival(
        &self,
        case: &Arc<Case>,
        mut gathered: Gathered,
        arrived: Arrived,
        principal: Option<&Arc<str>>,
    ) -> Result<Judged, EngineError> {
        let comparison = compare(case, &arrived);
        let matches = comparison == Comparison::Matches;
        let digest = arrived.sha256.clone();
        gathered.compared(Evidence::Integrity { digest: digest.clone(), comparison });
        // What was found in other bytes says nothing about these.
        gathered.forget_inspections_but_of(&digest);
        gathered.advised(case.state.advisories.advised_of_bytes(&arrived.digests.iter()));
        let judged = judge(&case.state, &case.release, gathered.clone(), self.now());
        if !matches {
            return Ok(judged);
        }
        let pin = Pin {
            sha256: arrived.sha256.clone(),
            digests: arrived.digests.clone(),
            size: arrived.size,
            since: judged.at,
        };
        let objects = self.0.objects.clone();
        tokio::task::spawn_blocking(move || objects.keep(arrived)).await??;
        // Nobody who only wants to know what the bytes are waits for what is in them.
        let judged = match principal {
            Some(_) => self.judged_content(case, gathered, judged, &digest).await?,
            None => judged,
        };
        self.record_arrival(case, &judged, pin, principal).await?;
        Ok(judged)
    }

    /// Pin, ruling and who gets it, in one transaction.
    async fn record_arrival(
        &self,
        case: &Case,
        judged: &Judged,
        pin: Pin,
        principal: Option<&Arc<str>>,
    ) -> Result<(), EngineError> {
        let entry = judged.entry(case.state.policy.digest());
        let id = entry.id.clone();
        let (release, sha256, at) = (case.release.clone(), pin.sha256.clone(), judged.at);
        let given = principal.filter(|_| judged.ruling.clearance().is_some()).cloned();
        let remembered = given.clone().map(|given| (given, sha256.hex()));
        let first = self
            .0
            .store
            .write(move |transaction| {
                let first = record_pin(transaction, &release, &pin)?;
                if first.sha256 == pin.sha256 {
                    crate::store::record_ruling(transaction, at, &entry)?;
                    if let Some(principal) = &given {
                        record_served(transaction, at, principal, &release, &pin.sha256)?;
                    }
                }
                Ok(first)
            })
            .await?;
        if first.sha256 != sha256 {
            // Another process was faster and saw other bytes. The next request compares with its pin.
            return Err(EngineError::Refused(format!(
                "`{}` was seen with two different contents at once; ask again",
                case.release
            )));
        }
        self.0.recorded.insert(id, ());
        if let Some(pair) = remembered {
            self.0.given.insert(pair, ());
        }
        Ok(())
    }

    /// The exit: bytes whose digest is the clearance's, read from the file of that name.
    async fn release(&self, clearance: Clearance) -> Result<Cleared, EngineError> {
        let path = self.0.objects.path(clearance.digest());
        let digest = clearance.digest().clone();
        let reading = move || -> io::Result<(u64, Content)> {
            let size = std::fs::metadata(&path)?.len();
            if size > MAX_HOT {
                return Ok((size, Content::File(path)));
            }
            let bytes = crate::objects::read(&path)?;
            if Digest::of(&bytes) != digest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a stored file has changed under our hands"));
            }
            Ok((size, Content::Memory(bytes.into())))
        };
        let (size, content) = tokio::task::spawn_blocking(reading).await??;
        Ok(Cleared { clearance: Arc::new(clearance), size, content, would: None })
    }

    /// Writes down who is given what, the first time.
    async fn give(&self, cleared: &Cleared, principal: &Arc<str>) -> Result<(), EngineError> {
        let pair = (Arc::clone(principal), cleared.clearance.digest().hex());
        if self.0.given.contains_key(&pair) {
            return Ok(());
        }
        let (at, principal, clearance) = (self.now(), Arc::clone(principal), Arc::clone(&cleared.clearance));
        self.0
            .store
            .write(move |transaction| {
                record_served(transaction, at, &principal, clearance.release(), clearance.digest())
            })
            .await?;
        self.0.given.insert(pair, ());
        Ok(())
    }

    async fn refuse(&self, case: &Case, judged: Judged) -> Result<Outcome, EngineError> {
        let ids = self.record(vec![judged.clone()]).await?;
        let listing = self.listing(&case.release.package).await.ok();
        let instead = listing.and_then(|listing| {
            let cleared = listing.rulings.cleared();
            let index = &listing.document.index;
            index.get(&case.release.version).and_then(|listed| instead(index, listed, &cleared))
        });
        let id = ids.into_iter().next().unwrap_or_default();
        Ok(Outcome::Refused(Box::new(Refused { ruling: judged.ruling, id, instead })))
    }

    /// What a release's bytes are: as they were first seen, else as they are fetched and pinned now. Nothing leaves.
    pub(crate) async fn pinned(&self, release: &Release) -> Result<Digest, EngineError> {
        match self.0.store.pin(release).await? {
            Some(pin) => Ok(pin.sha256),
            None => self.placed(release).await,
        }
    }

    /// The bytes of a file, if they may leave. They are fetched and ruled on as if somebody had asked for them.
    pub(crate) async fn content(&self, release: &Release) -> Result<Option<Content>, EngineError> {
        let _flight = self.0.fetching.board(release.clone()).await;
        let (registry, _) = self.0.upstreams.of(&release.package)?;
        let found = self.find_and_ask(&release.package, &registry.artifact_file(release)).await?;
        self.refuse_moving(&release.package, &found.listed).await?;
        let case = Arc::new(self.case(found.current, found.listed).await?);
        let judged = self.judged_bytes(&case, None).await?;
        let Some(clearance) = judged.ruling.clearance().cloned() else { return Ok(None) };
        Ok(Some(self.release(clearance).await?.content))
    }

    /// Puts a release's bytes in their place, unless they are there, and pins them. Nothing leaves.
    pub(crate) async fn placed(&self, release: &Release) -> Result<Digest, EngineError> {
        let _flight = self.0.fetching.board(release.clone()).await;
        let case = Arc::new(self.case_of(release).await?);
        if let Some(pin) = &case.pin
            && self.has_intact(&pin.sha256).await?
        {
            return Ok(pin.sha256.clone());
        }
        let arrived = self.fetch(&case).await?;
        let digest = arrived.sha256.clone();
        let judged = self.judged_arrival(&case, case.gathered(None), arrived, None).await?;
        if judged.ruling.tampered() {
            return Err(EngineError::Refused(judged.ruling.sentence()));
        }
        Ok(digest)
    }

    /// Inspects a release that may be held, and returns what stood in the way. It is fetched if it is not there; nothing
    /// leaves. What is found is evidence from then on.
    pub async fn look_at(&self, release: &Release) -> Result<Vec<Gap>, EngineError> {
        let digest = self.placed(release).await?;
        let case = Arc::new(self.case_of(release).await?);
        if !case.state.policy.inspects() || !self.has_content(&case)? {
            return Ok(Vec::new());
        }
        if let Some(assessed) = case.assessed_as(&digest) {
            return Ok(assessed.gaps.clone());
        }
        Ok(self.looked_into(&case, &digest).await?.gaps)
    }

    pub(crate) async fn case_of(&self, release: &Release) -> Result<Case, EngineError> {
        let (registry, _) = self.0.upstreams.of(&release.package)?;
        let no_index = |error| without_index(registry, &release.package, error);
        let at_hand = self.0.documents.any(&release.package).await.or_else(no_index)?;
        if let Some(listed) = listed_as(registry, &at_hand.document.index, release) {
            return self.case(at_hand, listed).await;
        }
        let newest = self.0.documents.current(&release.package).await.or_else(no_index)?;
        let listed = listed_as(registry, &newest.document.index, release);
        let listed = listed.ok_or_else(|| EngineError::NoRelease(release.to_string()))?;
        self.case(newest, listed).await
    }
}

/// A release, or a file of it, as it is listed. Where files need no index, a release without a file is its main one.
pub(crate) fn listed_as(registry: &'static dyn Registry, index: &Index, release: &Release) -> Option<Listed> {
    if registry.files_stand_alone() {
        return registry.file(index, &registry.artifact_file(release));
    }
    index.releases.get(index.position_of(release)?).cloned()
}

/// What takes the place of an index that there is not, where files need none.
fn without_index(
    registry: &'static dyn Registry,
    package: &Package,
    error: EngineError,
) -> Result<Current, EngineError> {
    match error {
        EngineError::Upstream(UpstreamError::NotFound) if registry.files_stand_alone() => {
            Ok(Current::without_index(package))
        }
        other => Err(other),
    }
}

/// What a file's name means in an index.
struct Found {
    current: Current,
    listed: Listed,
    /// The ending of the name, if it is of what describes the file and not the file's own.
    describes: Option<&'static str>,
}

/// The listed file of this name, or that which the file of this name describes. What an index claims no digest of is not
/// offered.
fn by_file(registry: &'static dyn Registry, current: &Current, file: &str) -> Option<(Listed, Option<&'static str>)> {
    let index = &current.document.index;
    if let Some(listed) = registry.file(index, file) {
        return Some((listed, None));
    }
    let ending = registry.description()?;
    let listed = registry.file(index, file.strip_suffix(ending)?)?;
    listed.file.as_ref()?.metadata.as_ref()?;
    Some((listed, Some(ending)))
}

/// Compares arrived bytes with the pin, then with the index's claim.
fn compare(case: &Case, arrived: &Arrived) -> Comparison {
    if let Some(pin) = case.pin.as_ref().filter(|pin| pin.sha256 != arrived.sha256) {
        return Comparison::NotAsPinned { pinned: pin.sha256.clone(), since: pin.since };
    }
    match &case.listed.artifact.integrity {
        Some(claimed) if !arrived.digests.iter().any(|digest| claimed.admits(digest)) => {
            Comparison::NotAsClaimed { claimed: claimed.clone() }
        }
        _ => Comparison::Matches,
    }
}
