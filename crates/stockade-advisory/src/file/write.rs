//! Writing a file, once through from front to end.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::filter::Filter;
use super::manifest::{Manifest, Parts, Piece};
use super::{FORMAT, HEAD, MAGIC, PAGE, hex, page_digest};
use crate::codec::put_bytes;

/// One entry: its name, the name's hash, its content.
pub(crate) struct Entry<'a> {
    pub(crate) hash: u64,
    pub(crate) name: &'a [u8],
    pub(crate) content: &'a [u8],
}

/// What is not entries.
pub(crate) struct Contents {
    /// How often each hash of an entry comes, in ascending order: those of the entries that will be pushed.
    pub(crate) hashes: Vec<u64>,
    /// Hashes of identifiers, ascending.
    pub(crate) ids: Vec<u64>,
    pub(crate) manifest: Manifest,
}

/// Writes a file. `entries` gives each entry, in the order of their hashes, to what it is called with, and `text` likewise
/// the texts. The digest of the manifest is returned.
pub(crate) fn write(
    to: &mut dyn Write,
    mut contents: Contents,
    entries: impl FnOnce(&mut dyn FnMut(&Entry<'_>) -> io::Result<()>) -> io::Result<()>,
    text: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
) -> io::Result<[u8; 32]> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&FORMAT.to_be_bytes());
    to.write_all(&head)?;
    let mut place = HEAD;
    let mut parts = Parts::default();
    let mut pages = Vec::new();

    let mut fences = Fences::default();
    let mut paged = Paged::new(to, &mut pages);
    let mut row = Vec::new();
    entries(&mut |entry| {
        fences.note(paged.length, entry.hash);
        row.clear();
        row.extend_from_slice(&entry.hash.to_be_bytes());
        put_bytes(&mut row, entry.name);
        put_bytes(&mut row, entry.content);
        paged.push(&row)
    })?;
    parts.entries = paged.end(&mut place)?;
    let fences = fences.end(parts.entries.length);

    let mut paged = Paged::new(to, &mut pages);
    text(&mut |text| paged.push(text))?;
    parts.text = paged.end(&mut place)?;

    parts.filter = piece(to, &mut place, Filter::of(&contents.hashes).as_bytes())?;
    parts.fences = piece(to, &mut place, &fences)?;
    parts.pages = piece(to, &mut place, &pages)?;
    let ids: Vec<u8> = contents.ids.iter().flat_map(|id| id.to_be_bytes()).collect();
    parts.ids = piece(to, &mut place, &ids)?;
    contents.manifest.parts = parts;
    end(to, place, &contents.manifest)
}

/// The manifest, no signature, the trailer.
fn end(to: &mut dyn Write, place: u64, manifest: &Manifest) -> io::Result<[u8; 32]> {
    let manifest = serde_json::to_vec(manifest).map_err(io::Error::other)?;
    let digest: [u8; 32] = Sha256::digest(&manifest).into();
    to.write_all(&manifest)?;
    let length = manifest.len() as u64;
    let signature: u64 = 0;
    let file = place + length + signature + super::TRAILER as u64;
    for number in [place, length, signature, file] {
        to.write_all(&number.to_be_bytes())?;
    }
    to.write_all(&digest)?;
    to.write_all(&FORMAT.to_be_bytes())?;
    to.write_all(&MAGIC)?;
    to.flush()?;
    Ok(digest)
}

/// Writes a part that is there as a whole.
fn piece(to: &mut dyn Write, place: &mut u64, bytes: &[u8]) -> io::Result<Piece> {
    to.write_all(bytes)?;
    let piece = Piece { offset: *place, length: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) };
    *place += piece.length;
    Ok(piece)
}

/// Writes a part in pages, whose digests go to `digests`. The last one may be short.
struct Paged<'a> {
    to: &'a mut dyn Write,
    digests: &'a mut Vec<u8>,
    all: Sha256,
    page: Vec<u8>,
    length: u64,
}

impl<'a> Paged<'a> {
    fn new(to: &'a mut dyn Write, digests: &'a mut Vec<u8>) -> Self {
        Self { to, digests, all: Sha256::new(), page: Vec::with_capacity(PAGE), length: 0 }
    }

    fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PAGE - self.page.len()));
            self.page.extend_from_slice(now);
            bytes = later;
            if self.page.len() == PAGE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.write_all(&self.page)?;
        self.all.update(&self.page);
        self.digests.extend_from_slice(&page_digest(&self.page));
        self.page.clear();
        Ok(())
    }

    fn end(mut self, place: &mut u64) -> io::Result<Piece> {
        if !self.page.is_empty() {
            self.flush()?;
        }
        let piece = Piece { offset: *place, length: self.length, sha256: hex(&self.all.finalize()) };
        *place += piece.length;
        Ok(piece)
    }
}

/// For each page of entries the hash of the first one that begins there, and where; of a page in which none begins, the
/// hash of the one that goes on through it.
#[derive(Default)]
struct Fences {
    bytes: Vec<u8>,
    pages: u64,
    last: u64,
}

/// The place of the first entry of a page in which none begins.
pub(super) const NO_ENTRY: u16 = u16::MAX;
/// The length of a fence: a hash and a place.
pub(super) const FENCE: usize = 10;

impl Fences {
    fn note(&mut self, place: u64, hash: u64) {
        let page = place / PAGE as u64;
        if page >= self.pages {
            self.fill(page);
            let offset = u16::try_from(place % PAGE as u64).unwrap_or(NO_ENTRY);
            self.push(hash, offset);
        }
        self.last = hash;
    }

    fn fill(&mut self, page: u64) {
        while self.pages < page {
            self.push(self.last, NO_ENTRY);
        }
    }

    fn push(&mut self, hash: u64, offset: u16) {
        self.bytes.extend_from_slice(&hash.to_be_bytes());
        self.bytes.extend_from_slice(&offset.to_be_bytes());
        self.pages += 1;
    }

    fn end(mut self, length: u64) -> Vec<u8> {
        self.fill(length.div_ceil(PAGE as u64));
        self.bytes
    }
}
