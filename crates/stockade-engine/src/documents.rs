//! The index documents: fetched once, kept, revalidated, and used when the upstream is away.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use stockade_ecosystem::{Index, Piece, Registry, Rope, Stated};
use stockade_model::{Digest, Gap, GapKind, Package, redacted};
use tokio::sync::{OwnedMutexGuard, Semaphore};

use crate::objects::Objects;
use crate::store::{DocumentRow, Store};
use crate::upstream::{Ask, Dialler, UpstreamError};
use crate::upstreams::Origin;
use crate::{Clock, EngineError, Upstreams};

/// The largest index document in bytes. The largest real packument had 39 MB in 2026.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;
/// How long a document is taken as the newest without asking, in seconds.
const FRESH_SECONDS: i64 = 300;
/// How long an upstream that did not answer is left alone while there is a copy, in seconds.
const AWAY_SECONDS: i64 = 15;
/// How many such upstreams are remembered.
const MAX_AWAY: u64 = 1024;
/// How many bytes of documents are parsed at the same time, in MiB; what is larger waits for the whole.
const PARSE_MIB: u32 = 24;
/// How much the kept indexes may weigh, in bytes, about.
const INDEX_CACHE: u64 = 96 * 1024 * 1024;
/// What a release weighs in an index, in bytes, about.
const RELEASE_WEIGHT: usize = 1000;
const MIB: u64 = 1024 * 1024;

/// A package's index and the document that it was read from.
#[derive(Debug)]
pub struct Document {
    /// What the document says.
    pub index: Index,
    /// Its bytes.
    pub bytes: Arc<Stored>,
    /// Their digest.
    pub digest: Digest,
}

/// The bytes of a document on disk.
#[derive(Debug)]
pub struct Stored(PathBuf);

impl Document {
    fn new(index: Index, digest: Digest, path: PathBuf) -> Arc<Self> {
        Arc::new(Self { index, bytes: Arc::new(Stored(path)), digest })
    }

    /// How many bytes its index takes in memory, about.
    fn weight(&self) -> u32 {
        let releases = self.index.releases.len() + 1;
        u32::try_from(releases * RELEASE_WEIGHT).unwrap_or(u32::MAX)
    }
}

impl Stored {
    /// The pieces of what was rendered from these bytes, each with at most [`Pieces::CHUNK`] bytes, so that even the
    /// largest body is never whole in memory. An error means that the file is gone: a newer document has replaced it.
    #[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
    pub fn pieces(&self, rope: Arc<Rope>) -> io::Result<Pieces> {
        Ok(Pieces { file: std::fs::File::open(&self.0)?, rope, piece: 0, offset: 0 })
    }
}

/// The bytes of a rendered document, in order. Reading blocks.
#[derive(Debug)]
pub struct Pieces {
    file: std::fs::File,
    rope: Arc<Rope>,
    /// The next piece, and how much of it is done.
    piece: usize,
    offset: u32,
}

impl Pieces {
    /// How many bytes come at once, at most.
    pub const CHUNK: usize = 256 * 1024;

    fn fill(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        let mut position = None;
        while let Some(piece) = self.rope.pieces().get(self.piece) {
            let room = u32::try_from(Self::CHUNK - chunk.len()).unwrap_or(u32::MAX);
            let (Piece::Document(range) | Piece::Text(range)) = piece;
            let start = range.start + self.offset;
            let end = range.end.min(start.saturating_add(room));
            if let Piece::Text(_) = piece {
                chunk.extend_from_slice(self.rope.text_of(&(start..end)));
            } else {
                // Neighbouring pieces are read on from where the last one ended, without a seek.
                if position != Some(start) {
                    self.file.seek(SeekFrom::Start(start.into()))?;
                }
                let before = chunk.len();
                chunk.resize(before + (end - start) as usize, 0);
                self.file.read_exact(&mut chunk[before..])?;
                position = Some(end);
            }
            if end < range.end {
                self.offset += end - start;
                return Ok(());
            }
            (self.piece, self.offset) = (self.piece + 1, 0);
            if chunk.len() == Self::CHUNK {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut chunk = Vec::with_capacity(Self::CHUNK);
        match self.fill(&mut chunk) {
            Ok(()) if chunk.is_empty() => None,
            Ok(()) => Some(Ok(chunk.into())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// A document with how current it is.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) document: Arc<Document>,
    /// Until when it need not be asked for again.
    pub(crate) fresh_until: Timestamp,
    /// Why it may be out of date.
    pub(crate) stale: Option<Gap>,
    /// True if the package is published here.
    pub(crate) hosted: bool,
}

impl Current {
    fn new(document: Arc<Document>, fresh_until: Timestamp) -> Self {
        Self { document, fresh_until, stale: None, hosted: false }
    }

    /// What stands for an index that there is not.
    pub(crate) fn without_index(package: &Package) -> Self {
        let document = Document::new(Index::empty(package.clone()), Digest::of(&[]), PathBuf::new());
        Self::new(document, Timestamp::MIN)
    }
}

pub(crate) struct Documents {
    files: Objects,
    store: Store,
    dialler: Dialler,
    upstreams: Arc<Upstreams>,
    clock: Clock,
    current: Cache<Package, Current>,
    flights: Flights<Package>,
    parsing: Semaphore,
    /// Upstreams that have just not answered, by authority, and until when they are left alone.
    away: Cache<String, (Timestamp, UpstreamError)>,
}

impl Documents {
    pub(crate) fn new(files: Objects, store: Store, dialler: Dialler, upstreams: Arc<Upstreams>, clock: Clock) -> Self {
        let weight = |_: &Package, current: &Current| current.document.weight();
        Self {
            files,
            store,
            dialler,
            upstreams,
            clock,
            current: Cache::builder().max_capacity(INDEX_CACHE).weigher(weight).build(),
            flights: Flights::default(),
            parsing: Semaphore::new(PARSE_MIB as usize),
            away: Cache::new(MAX_AWAY),
        }
    }

    /// The package's document, as current as it can be had: revalidated if its time is over, an older copy with a gap if
    /// the upstream is away.
    pub(crate) async fn current(&self, package: &Package) -> Result<Current, EngineError> {
        if let Some(current) = self.fresh(package) {
            return Ok(current);
        }
        let _flight = self.flights.board(package.clone()).await;
        if let Some(current) = self.fresh(package) {
            return Ok(current);
        }
        let current = self.refresh(package).await?;
        self.current.insert(package.clone(), current.clone());
        Ok(current)
    }

    /// The package's document however old it is, asking the upstream only if there is none. What is published here can be
    /// taken off again, so that only the newest says what there is.
    pub(crate) async fn any(&self, package: &Package) -> Result<Current, EngineError> {
        if self.upstreams.of(package)?.1.is_hosted() {
            return self.current(package).await;
        }
        if let Some(current) = self.current.get(package) {
            return Ok(current);
        }
        let flight = self.flights.board(package.clone()).await;
        if let Some(current) = self.current.get(package) {
            return Ok(current);
        }
        let Some((document, row)) = self.stored(package).await? else {
            drop(flight);
            return self.current(package).await;
        };
        let fresh_until = row.fetched_at + SignedDuration::from_secs(FRESH_SECONDS);
        let current = Current::new(document, fresh_until);
        self.current.insert(package.clone(), current.clone());
        Ok(current)
    }

    /// The document at hand, if there is one.
    pub(crate) fn at_hand(&self, package: &Package) -> Option<Arc<Document>> {
        Some(self.current.get(package)?.document)
    }

    fn fresh(&self, package: &Package) -> Option<Current> {
        self.current.get(package).filter(|current| (self.clock)() < current.fresh_until)
    }

    async fn refresh(&self, package: &Package) -> Result<Current, EngineError> {
        if self.upstreams.of(package)?.1.is_hosted() {
            return self.hosted(package).await;
        }
        // Another process may have put a newer document in the place of the one at hand, and removed its file.
        let stored = match (self.current.get(package), self.store.document(package).await?) {
            (Some(current), Some(row)) if current.document.digest == row.digest => Some((current.document, row)),
            _ => self.stored(package).await?,
        };
        // What was forgotten for want of memory, or asked for by another process, may be fresh.
        if let Some((document, row)) = &stored {
            let fresh_until = row.fetched_at + SignedDuration::from_secs(FRESH_SECONDS);
            if (self.clock)() < fresh_until {
                return Ok(Current::new(Arc::clone(document), fresh_until));
            }
        }
        let outcome = self.fetch_unless_away(package, stored.as_ref()).await;
        let now = (self.clock)();
        match (outcome, stored) {
            (Ok(current), _) => Ok(current),
            // What the upstream no longer has, or never had, is an answer and no outage.
            (Err(EngineError::Upstream(UpstreamError::NotFound)), _) => {
                Err(EngineError::Upstream(UpstreamError::NotFound))
            }
            (Err(error @ (EngineError::Upstream(_) | EngineError::Malformed(_))), Some((document, row))) => {
                tracing::warn!(package = %package.name, %error, "using an older index");
                // The words are the same each time, and with them the rulings that they are in.
                let what = match error {
                    EngineError::Malformed(_) => "the upstream's new index cannot be used",
                    _ => "the upstream did not answer",
                };
                let gap = Gap::new(GapKind::Stale, format!("{what}; this is its index of {}", row.fetched_at));
                let fresh_until = now + SignedDuration::from_secs(AWAY_SECONDS);
                Ok(Current { stale: Some(gap), ..Current::new(document, fresh_until) })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Fetches, but does not wait again for an upstream that has just not answered, if there is a copy.
    async fn fetch_unless_away(
        &self,
        package: &Package,
        stored: Option<&(Arc<Document>, DocumentRow)>,
    ) -> Result<Current, EngineError> {
        let host = self.upstreams.of(package)?.1.upstream()?.url.authority().to_owned();
        let away = self.away.get(&host).filter(|(until, _)| stored.is_some() && (self.clock)() < *until);
        if let Some((_, error)) = away {
            return Err(EngineError::Upstream(error));
        }
        let outcome = self.fetch(package, stored).await;
        if let Err(EngineError::Upstream(error @ UpstreamError::Unreachable { .. })) = &outcome {
            let until = (self.clock)() + SignedDuration::from_secs(AWAY_SECONDS);
            self.away.insert(host, (until, error.clone()));
        }
        outcome
    }

    async fn fetch(
        &self,
        package: &Package,
        stored: Option<&(Arc<Document>, DocumentRow)>,
    ) -> Result<Current, EngineError> {
        let (registry, origin) = self.upstreams.of(package)?;
        let upstream = origin.upstream()?;
        let url = upstream.url.join(&registry.index_path(package)).map_err(|_| UpstreamError::NotFound)?;
        let address = address(origin);
        let validators = stored.map(|(_, row)| row).filter(|row| row.upstream == address);
        let mut headers = vec![("accept", registry.index_accept())];
        if let Some(row) = validators {
            headers.extend(row.etag.as_deref().map(|etag| ("if-none-match", etag)));
            headers.extend(row.last_modified.as_deref().map(|at| ("if-modified-since", at)));
        }
        let ask = Ask { credential: upstream.credential.as_ref(), headers: &headers, ..Ask::get(url) };
        let response = self.dialler.send(&ask).await?;
        let now = (self.clock)();
        let fresh_until = now + SignedDuration::from_secs(FRESH_SECONDS);
        if response.status() == reqwest::StatusCode::NOT_MODIFIED {
            let (document, row) = stored.ok_or(UpstreamError::Status(304))?;
            self.store.put_document(package, DocumentRow { fetched_at: now, ..row.clone() }).await?;
            return Ok(Current::new(Arc::clone(document), fresh_until));
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, last_modified) = (header("etag"), header("last-modified"));
        let mut receiving = self.files.receive(None)?;
        Dialler::each_chunk(response, MAX_DOCUMENT, |chunk| receiving.write(chunk)).await?;
        let arrived = receiving.finish();
        let (digest, size) = (arrived.sha256.clone(), arrived.size);
        if let Some((document, row)) = stored.filter(|(document, _)| document.digest == digest) {
            let row = DocumentRow { upstream: address, etag, last_modified, fetched_at: now, ..row.clone() };
            self.store.put_document(package, row).await?;
            return Ok(Current::new(Arc::clone(document), fresh_until));
        }
        let (index, arrived) = self.parse(registry, package, size, move || Ok((arrived.read()?, arrived))).await?;
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || files.keep(arrived)).await??;
        let path = self.files.path(&digest);
        let row = DocumentRow { upstream: address, digest: digest.clone(), etag, last_modified, fetched_at: now };
        self.store.put_document(package, row).await?;
        // Readers of the old file have it open; a new reader finds the new one.
        if let Some((old, _)) = stored {
            self.files.remove(&old.digest);
        }
        Ok(Current::new(Document::new(index, digest, path), fresh_until))
    }

    /// The index of what is published here: written anew when any of it has changed. It is never fresh, so that a
    /// publication counts from the moment it is acknowledged.
    async fn hosted(&self, package: &Package) -> Result<Current, EngineError> {
        let current = |document| Current { hosted: true, ..Current::new(document, Timestamp::MIN) };
        let revision = self.store.hosted_revision(package).await?.ok_or(UpstreamError::NotFound)?;
        let known = self.store.document(package).await?;
        let at_hand = self.current.get(package).filter(|current| current.hosted).map(|current| current.document);
        if let (Some(document), Some(row)) = (at_hand, &known)
            && row.etag.as_ref() == Some(&revision)
            && row.digest == document.digest
        {
            return Ok(current(document));
        }
        let hosted = self.store.hosted(package).await?.ok_or(UpstreamError::NotFound)?;
        let (registry, origin) = self.upstreams.of(package)?;
        let hosting = registry.hosting().ok_or(UpstreamError::NotFound)?;
        let bytes = hosting.index(package, &hosted);
        let mut receiving = self.files.receive(None)?;
        receiving.write(&bytes)?;
        let arrived = receiving.finish();
        let digest = arrived.sha256.clone();
        let (index, ()) = self.parse(registry, package, arrived.size, move || Ok((bytes, ()))).await?;
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || files.keep(arrived)).await??;
        let path = self.files.path(&digest);
        let (etag, fetched_at) = (Some(hosted.revision), (self.clock)());
        let row =
            DocumentRow { upstream: address(origin), digest: digest.clone(), etag, last_modified: None, fetched_at };
        self.store.put_document(package, row).await?;
        if let Some(old) = known.filter(|old| old.digest != digest) {
            self.files.remove(&old.digest);
        }
        Ok(current(Document::new(index, digest, path)))
    }

    /// The stored document, read and parsed again. One that is damaged counts as none.
    async fn stored(&self, package: &Package) -> Result<Option<(Arc<Document>, DocumentRow)>, EngineError> {
        let Some(row) = self.store.document(package).await? else { return Ok(None) };
        let (registry, origin) = self.upstreams.of(package)?;
        // A document of another origin says nothing about this one's packages.
        if row.upstream != address(origin) {
            return Ok(None);
        }
        let path = self.files.path(&row.digest);
        let (from, digest) = (path.clone(), row.digest.clone());
        let Ok(size) = std::fs::metadata(&path).map(|metadata| metadata.len()) else { return Ok(None) };
        let reading = move || {
            let bytes = crate::objects::read(&from)?;
            let intact = Digest::of(&bytes) == digest;
            Ok((bytes, intact))
        };
        match self.parse(registry, package, size, reading).await {
            Ok((index, true)) => {
                let digest = row.digest.clone();
                Ok(Some((Document::new(index, digest, path), row)))
            }
            Ok((_, false)) | Err(EngineError::Malformed(_) | EngineError::Disk(_)) => {
                tracing::warn!(package = %package.name, "a stored index is damaged and is fetched again");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a document and parses it, when its turn has come: few large ones are in memory at the same time.
    async fn parse<T: Send + 'static>(
        &self,
        registry: &'static dyn Registry,
        package: &Package,
        size: u64,
        read: impl FnOnce() -> io::Result<(Vec<u8>, T)> + Send + 'static,
    ) -> Result<(Index, T), EngineError> {
        let mib = u32::try_from(size / MIB + 1).unwrap_or(PARSE_MIB).min(PARSE_MIB);
        let _turn = self.parsing.acquire_many(mib).await;
        let package = package.clone();
        let parsing = move || -> Result<(Index, T), EngineError> {
            let (bytes, with) = read()?;
            Ok((registry.index(&package, &bytes)?, with))
        };
        tokio::task::spawn_blocking(parsing).await?
    }
}

/// An origin as it is written down beside its documents.
fn address(origin: Origin<'_>) -> String {
    origin.upstream().map_or_else(|_| Stated::HOSTED.to_owned(), |upstream| redacted(upstream.url.as_str()))
}

/// One flight per key at a time: who comes while it is under way waits for it and then finds what it brought.
pub(crate) struct Flights<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for Flights<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq> Flights<K> {
    pub(crate) async fn board(&self, key: K) -> OwnedMutexGuard<()> {
        let lock = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A lock that only the table holds belongs to a flight that is over.
            if flights.len() > SWEEP_FLIGHTS_AT {
                flights.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(flights.entry(key).or_default())
        };
        lock.lock_owned().await
    }
}

/// How many flights are remembered before those that are over are forgotten.
const SWEEP_FLIGHTS_AT: usize = 1024;
