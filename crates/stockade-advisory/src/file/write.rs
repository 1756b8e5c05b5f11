//! Writing a file, once through from front to end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::directory::Rows;
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
    let mut hashes: BTreeMap<u8, Vec<u64>> = BTreeMap::new();

    let mut paged = Paged::new(to);
    let mut row = Vec::new();
    entries(&mut |entry| {
        hashes.entry(entry.name.first().copied().unwrap_or_default()).or_default().push(entry.hash);
        row.clear();
        row.extend_from_slice(&entry.hash.to_be_bytes());
        put_bytes(&mut row, entry.name);
        put_bytes(&mut row, entry.content);
        paged.entry(entry.hash, &row)
    })?;
    let (mut directory, mut roots) = (Vec::new(), Vec::new());
    parts.entries = paged.end(&mut place, &mut directory, &mut roots)?;

    let mut paged = Paged::new(to);
    text(&mut |text| paged.push(text))?;
    parts.text = paged.end(&mut place, &mut directory, &mut roots)?;

    parts.directory = piece(to, &mut place, &directory)?;
    parts.roots = piece(to, &mut place, &roots)?;
    for (sort, hashes) in hashes {
        parts.filters.insert(sort, piece(to, &mut place, Filter::of(&hashes).as_bytes())?);
    }
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

/// Writes a part in pages, and notes what the directory says of them. The last one may be short.
struct Paged<'a> {
    to: &'a mut dyn Write,
    rows: Rows,
    all: Sha256,
    page: Vec<u8>,
    length: u64,
}

impl<'a> Paged<'a> {
    fn new(to: &'a mut dyn Write) -> Self {
        Self { to, rows: Rows::default(), all: Sha256::new(), page: Vec::with_capacity(PAGE), length: 0 }
    }

    fn entry(&mut self, hash: u64, row: &[u8]) -> io::Result<()> {
        self.rows.entry(self.length, hash);
        self.push(row)
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
        self.rows.page(page_digest(&self.page));
        self.page.clear();
        Ok(())
    }

    fn end(mut self, place: &mut u64, directory: &mut Vec<u8>, roots: &mut Vec<u8>) -> io::Result<Piece> {
        if !self.page.is_empty() {
            self.flush()?;
        }
        self.rows.end(directory, roots);
        let piece = Piece { offset: *place, length: self.length, sha256: hex(&self.all.finalize()) };
        *place += piece.length;
        Ok(piece)
    }
}
