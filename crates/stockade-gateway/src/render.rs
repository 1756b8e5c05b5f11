//! Rendered listings, kept for as long as they stand.
//!
//! A listing is rendered to a rope, a fraction of the document's size. A small body is kept whole; a large one is read
//! from the document's file as it is sent. A body that is asked for again is worth compressing, once for all who ask.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::sync::Cache;
use stockade_ecosystem::{Registry, Rope, Steering, Variant, Version};
use stockade_engine::{EngineError, Listing, Refused, Rulings, Stored};
use stockade_model::{Digest, EcosystemId, Package};
use tokio::sync::{OnceCell, Semaphore};

use crate::body::Body;
use crate::serve::Root;

/// The largest body that is kept whole, in bytes.
const MAX_KEPT: u64 = 1024 * 1024;
/// How much all that is kept may weigh, in bytes, about.
const KEPT_BYTES: u64 = 48 * 1024 * 1024;
/// A compressed body is about so many times smaller.
const RATIO: u64 = 8;
/// How many bodies are compressed at the same time.
const COMPRESSIONS: usize = 1;
/// How many refused releases a message speaks of.
const MAX_SPOKEN_OF: usize = 3;

type Key = (Package, Variant, Root);

/// The listings that were rendered last.
pub(crate) struct Rendered {
    kept: Cache<Key, Arc<Page>>,
    compressing: Semaphore,
}

/// One rendered listing.
pub(crate) struct Page {
    /// What it shows. It must not keep an index alive that is otherwise forgotten.
    rulings: Arc<Rulings>,
    bytes: Arc<Stored>,
    rope: Arc<Rope>,
    /// A weak validator: the same for the compressed body.
    pub(crate) etag: String,
    whole: Option<Bytes>,
    packed: OnceCell<Bytes>,
    asked_again: AtomicBool,
}

impl Default for Rendered {
    fn default() -> Self {
        let weight = |_: &Key, page: &Arc<Page>| page.weight();
        Self {
            kept: Cache::builder().max_capacity(KEPT_BYTES).weigher(weight).build(),
            compressing: Semaphore::new(COMPRESSIONS),
        }
    }
}

impl Rendered {
    /// The listing as a document for clients that reach us at `root`.
    pub(crate) async fn page(
        &self,
        registry: &'static dyn Registry,
        listing: &Listing,
        variant: Variant,
        root: &Root,
    ) -> Result<Arc<Page>, EngineError> {
        let key = (listing.package.clone(), variant, root.clone());
        if let Some(page) = self.kept.get(&key).filter(|page| Arc::ptr_eq(&page.rulings, &listing.rulings)) {
            page.asked_again.store(true, Ordering::Relaxed);
            return Ok(page);
        }
        let (listing, root) = (listing.clone(), root.clone());
        let page =
            Arc::new(tokio::task::spawn_blocking(move || Page::render(registry, &listing, variant, &root)).await??);
        self.kept.insert(key, Arc::clone(&page));
        Ok(page)
    }

    /// The body, compressed if the client takes it and it was asked for before.
    pub(crate) async fn body(&self, page: &Arc<Page>, takes_gzip: bool) -> Result<(Body, bool), EngineError> {
        if takes_gzip && page.asked_again.load(Ordering::Relaxed) {
            let packed = page.packed.get_or_try_init(|| self.pack(Arc::clone(page))).await?;
            return Ok((Body::whole(packed.clone()), true));
        }
        Ok((page.body()?, false))
    }

    async fn pack(&self, page: Arc<Page>) -> Result<Bytes, EngineError> {
        let _turn = self.compressing.acquire().await;
        let packing = move || -> io::Result<Bytes> {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            match &page.whole {
                Some(whole) => encoder.write_all(whole)?,
                None => {
                    for piece in page.bytes.pieces(Arc::clone(&page.rope))? {
                        encoder.write_all(&piece?)?;
                    }
                }
            }
            Ok(encoder.finish()?.into())
        };
        Ok(tokio::task::spawn_blocking(packing).await??)
    }
}

impl Page {
    fn render(registry: &dyn Registry, listing: &Listing, variant: Variant, root: &Root) -> Result<Self, EngineError> {
        let base = base(&listing.package.ecosystem, root);
        let message = message(listing, root);
        let steering = Steering { standings: &listing.rulings.standings, message: &message, base: &base, variant };
        let rope = Arc::new(registry.render(&listing.document.index, &steering));
        let whole = if rope.len() <= MAX_KEPT {
            let mut whole = Vec::with_capacity(usize::try_from(rope.len()).unwrap_or_default());
            for piece in listing.document.bytes.pieces(Arc::clone(&rope))? {
                whole.extend_from_slice(&piece?);
            }
            Some(whole.into())
        } else {
            None
        };
        let etag = etag(listing, variant, &base);
        let (rulings, bytes) = (Arc::clone(&listing.rulings), Arc::clone(&listing.document.bytes));
        Ok(Self { rulings, bytes, rope, etag, whole, packed: OnceCell::new(), asked_again: AtomicBool::new(false) })
    }

    /// True until it is asked for again.
    pub(crate) fn is_new(&self) -> bool {
        !self.asked_again.load(Ordering::Relaxed)
    }

    fn body(&self) -> Result<Body, EngineError> {
        if let Some(whole) = &self.whole {
            return Ok(Body::whole(whole.clone()));
        }
        let pieces = self.bytes.pieces(Arc::clone(&self.rope))?;
        Ok(Body::read(self.rope.len(), Box::new(pieces)))
    }

    fn weight(&self) -> u32 {
        let whole = self.whole.as_ref().map_or(0, |whole| whole.len() as u64);
        let weight = self.rope.weight() as u64 + whole + self.rope.len() / RATIO;
        u32::try_from(weight).unwrap_or(u32::MAX)
    }
}

/// Our address of an ecosystem.
pub(crate) fn base(ecosystem: &EcosystemId, root: &Root) -> String {
    format!("{}/{ecosystem}", root.url)
}

/// What a person is told who asks for one of the refused releases. There is one message for all of them, so it speaks of
/// those that people are likely to ask for: what tags name, then what is no prerelease, then the rest, the newest first.
pub(crate) fn message(listing: &Listing, root: &Root) -> String {
    let index = &listing.document.index;
    let tagged: HashSet<&str> = index.tags.iter().map(|(_, version)| version.as_str()).collect();
    let mut spoken_of: Vec<&Refused> = listing.rulings.refused.iter().rev().collect();
    spoken_of.sort_by_key(|refused| {
        let version = refused.ruling.release.version.as_str();
        let order = index.get(version).and_then(|listed| listed.order.as_ref());
        (!tagged.contains(version), order.is_none_or(Version::is_prerelease))
    });
    let more = spoken_of.len().saturating_sub(MAX_SPOKEN_OF);
    let mut lines: Vec<String> = spoken_of.iter().take(MAX_SPOKEN_OF).flat_map(|refused| said(refused, root)).collect();
    if more > 0 {
        lines.push(format!("and {more} more: stockade held"));
    }
    lines.join("\n")
}

fn said(refused: &Refused, root: &Root) -> Vec<String> {
    let refusal = crate::refuse::ruled(refused, root);
    let hint = refusal.hint.map(|hint| format!("hint: {hint}"));
    let see = refusal.see.map(|see| format!("see:  {see}"));
    std::iter::once(refusal.sentence).chain(hint).chain(see).collect()
}

/// Names everything that the body depends on. When a release matures its standing changes, and with it the tag.
fn etag(listing: &Listing, variant: Variant, base: &str) -> String {
    let standings: Vec<u8> = listing.rulings.standings.iter().map(|standing| *standing as u8).collect();
    let document = &listing.document.digest;
    let mut text = format!("{document} {} {variant:?} {base} ", listing.rulings.epoch).into_bytes();
    text.extend_from_slice(&standings);
    format!("W/\"{}\"", &Digest::of(&text).hex()[..32])
}
