//! One file, opened.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::{Deref, Range};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::directory::{Directory, Extent};
use super::filter::Filter;
use super::manifest::{Manifest, Parts, Piece};
use super::medium::Medium;
use super::{FORMAT, HEAD, MAGIC, PAGE, TRAILER, hash, hex, page_digest};
use crate::Damage;
use crate::codec::{Cursor, Truncated};

/// The longest manifest in bytes.
const MAX_MANIFEST: u64 = 16 << 20;

/// The longest head of an entry in bytes, its name included.
const MAX_HEAD: u64 = 64 << 10;

/// A file, opened.
pub(crate) struct Layer {
    medium: Box<dyn Medium>,
    pub(crate) manifest: Manifest,
    /// The digest of the manifest, by which an overlay names its base.
    pub(crate) digest: String,
    directory: Directory,
    /// By the first byte of a name. Each is read when it is asked for the first time.
    filters: BTreeMap<u8, OnceLock<Filter>>,
    ids: HashSet<u64>,
}

/// A part that is read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Entries,
    Text,
}

impl Layer {
    /// Opens a file: reads and checks all that vouches for the rest.
    pub(crate) fn open(medium: Box<dyn Medium>) -> Result<Self, Damage> {
        let length = medium.length()?;
        if length < HEAD + TRAILER as u64 {
            return Err(Damage::Foreign);
        }
        let mut trailer = [0; TRAILER];
        medium.read_at(length - TRAILER as u64, &mut trailer)?;
        let trailer = Trailer::read(&trailer, length)?;
        let bytes = read(&*medium, trailer.place, trailer.length)?;
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != trailer.digest {
            return Err(Damage::Part("manifest"));
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| Damage::Part("manifest"))?;
        let extent = check_places(&manifest.parts, trailer.place)?;
        let roots = load(&*medium, "roots", &manifest.parts.roots)?;
        let directory = Directory::new(extent, manifest.parts.directory.offset, roots);
        let filters = manifest.parts.filters.keys().map(|sort| (*sort, OnceLock::new())).collect();
        let ids = load(&*medium, "ids", &manifest.parts.ids)?;
        let ids = ids.chunks_exact(8).filter_map(|id| id.try_into().ok()).map(u64::from_be_bytes).collect();
        Ok(Self { medium, digest: hex(&trailer.digest), manifest, directory, filters, ids })
    }

    /// True if a record with this hash of its identifier is in this overlay, or was removed by it.
    pub(crate) fn replaces(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// True if there are entries whose names begin with this byte.
    pub(crate) fn has(&self, sort: u8) -> bool {
        self.filters.contains_key(&sort)
    }

    /// The content of the entry with this name.
    pub(crate) fn find(&self, name: &[u8]) -> Result<Option<Content>, Damage> {
        let sort = name.first().copied().unwrap_or_default();
        if !self.has(sort) {
            return Ok(None);
        }
        let hash = hash(name);
        if !self.admits(sort, hash)? {
            return Ok(None);
        }
        let Some((page, first)) = self.directory.begin(&*self.medium, hash)? else { return Ok(None) };
        let mut place = page * PAGE as u64 + u64::from(first);
        let mut window = Window::new(self, Part::Entries);
        while place < self.manifest.parts.entries.length {
            let head = window.head(place, hash, name)?;
            if head.hash > hash {
                return Ok(None);
            }
            if head.is_named {
                return window.content(head.content, head.end).map(Some);
            }
            place = head.end;
        }
        Ok(None)
    }

    /// The text at a place.
    pub(crate) fn text(&self, place: u64) -> Result<Content, Damage> {
        let mut window = Window::new(self, Part::Text);
        let (length, begin) = window.parse(place, read_length)?;
        let end = begin.checked_add(length).ok_or(Damage::Part("text"))?;
        window.content(begin, end)
    }

    /// Reads everything and compares it with its digests.
    pub(crate) fn verify(&self) -> Result<(), Damage> {
        for (name, piece) in self.manifest.parts.all() {
            let mut digest = Sha256::new();
            let mut buffer = vec![0; VERIFIED_AT_ONCE];
            let mut done = 0;
            while done < piece.length {
                let now = usize::try_from(piece.length - done).unwrap_or(usize::MAX).min(buffer.len());
                self.medium.read_at(piece.offset + done, &mut buffer[..now])?;
                digest.update(&buffer[..now]);
                done += now as u64;
            }
            if hex(&digest.finalize()) != piece.sha256 {
                return Err(Damage::Part(name));
            }
        }
        Ok(())
    }

    /// False if there is no entry of this sort with this hash; true if there may be.
    fn admits(&self, sort: u8, hash: u64) -> Result<bool, Damage> {
        let (Some(filter), Some(piece)) = (self.filters.get(&sort), self.manifest.parts.filters.get(&sort)) else {
            return Ok(false);
        };
        if let Some(known) = filter.get() {
            return Ok(known.admits(hash));
        }
        let read = Filter::read(load(&*self.medium, "filter", piece)?).map_err(|_| Damage::Part("filter"))?;
        Ok(filter.get_or_init(|| read).admits(hash))
    }

    fn piece(&self, part: Part) -> &Piece {
        match part {
            Part::Entries => &self.manifest.parts.entries,
            Part::Text => &self.manifest.parts.text,
        }
    }

    /// Reads pages of a part behind what is there, and checks each.
    fn read_pages(&self, part: Part, first: u64, last: u64, bytes: &mut Vec<u8>) -> Result<(), Damage> {
        let piece = self.piece(part);
        let begin = first * PAGE as u64;
        let end = ((last + 1) * PAGE as u64).min(piece.length);
        let old = bytes.len();
        let more = end.checked_sub(begin).ok_or(Damage::Part(part.name()))?;
        bytes.resize(old + usize::try_from(more).map_err(|_| Damage::Part(part.name()))?, 0);
        self.medium.read_at(piece.offset + begin, &mut bytes[old..])?;
        for (page, number) in bytes[old..].chunks(PAGE).zip(first..) {
            let digest = match part {
                Part::Entries => self.directory.entries(&*self.medium, number)?,
                Part::Text => self.directory.text(&*self.medium, number)?,
            };
            if page_digest(page) != digest {
                return Err(Damage::Page { part: part.name(), number });
            }
        }
        Ok(())
    }
}

/// How many bytes are read at once where everything is read.
const VERIFIED_AT_ONCE: usize = 1 << 20;

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Text => "text",
        }
    }
}

/// What was looked for, in the pages that it was found in.
pub(crate) struct Content {
    pages: Vec<u8>,
    place: Range<usize>,
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.pages[self.place.clone()]
    }
}

/// Pages of a part that are in memory, one after the other.
struct Window<'a> {
    layer: &'a Layer,
    part: Part,
    /// Where in the part the bytes begin.
    begin: u64,
    bytes: Vec<u8>,
}

/// What is before the content of an entry.
struct Head {
    hash: u64,
    is_named: bool,
    content: u64,
    end: u64,
}

impl<'a> Window<'a> {
    const fn new(layer: &'a Layer, part: Part) -> Self {
        Self { layer, part, begin: 0, bytes: Vec::new() }
    }

    /// The head of the entry at a place, and whether it has this name, whose hash is `wanted`.
    fn head(&mut self, place: u64, wanted: u64, name: &[u8]) -> Result<Head, Damage> {
        let ((hash, is_named, length), content) = self.parse(place, |from| {
            let hash = from.u64()?;
            let own = from.bytes()?;
            Ok((hash, hash == wanted && own == name, from.number()?))
        })?;
        let end = content.checked_add(length).filter(|end| *end <= self.length()).ok_or_else(|| self.damage())?;
        Ok(Head { hash, is_named, content, end })
    }

    /// Reads something at a place, with as many pages as it takes; with it comes the place behind it.
    fn parse<T>(
        &mut self,
        place: u64,
        read: impl Fn(&mut Cursor<'_>) -> Result<T, Truncated>,
    ) -> Result<(T, u64), Damage> {
        if place >= self.length() {
            return Err(self.damage());
        }
        let mut end = place + 1;
        loop {
            self.ensure_from(place, end)?;
            let bytes = self.slice(place, self.end())?;
            let mut cursor = Cursor::new(bytes);
            if let Ok(found) = read(&mut cursor) {
                return Ok((found, self.end() - cursor.left() as u64));
            }
            end = self.end() + 1;
            if end > self.length() || end - place > MAX_HEAD {
                return Err(self.damage());
            }
        }
    }

    /// What lies between two places, the first of which is in these pages.
    fn content(mut self, begin: u64, end: u64) -> Result<Content, Damage> {
        self.ensure(end)?;
        let place = self.range(begin, end)?;
        Ok(Content { pages: self.bytes, place })
    }

    /// Has the pages from that of a place to that before an end; those before are given up.
    fn ensure_from(&mut self, place: u64, end: u64) -> Result<(), Damage> {
        let page = PAGE as u64;
        if self.bytes.is_empty() || place < self.begin || place >= self.end() {
            self.begin = place - place % page;
            self.bytes.clear();
            return self.read(end);
        }
        self.ensure(end)
    }

    /// Has the pages to that before an end.
    fn ensure(&mut self, end: u64) -> Result<(), Damage> {
        if end > self.length() {
            return Err(self.damage());
        }
        if end <= self.end() { Ok(()) } else { self.read(end) }
    }

    fn read(&mut self, end: u64) -> Result<(), Damage> {
        let page = PAGE as u64;
        let (first, last) = (self.end() / page, (end - 1) / page);
        self.layer.read_pages(self.part, first, last, &mut self.bytes)
    }

    fn slice(&self, begin: u64, end: u64) -> Result<&[u8], Damage> {
        self.bytes.get(self.range(begin, end)?).ok_or_else(|| self.damage())
    }

    /// Where in the bytes two places are.
    fn range(&self, begin: u64, end: u64) -> Result<Range<usize>, Damage> {
        let place = |place: u64| place.checked_sub(self.begin).and_then(|place| usize::try_from(place).ok());
        let range = place(begin).zip(place(end)).map(|(begin, end)| begin..end);
        range.filter(|range| range.start <= range.end && range.end <= self.bytes.len()).ok_or_else(|| self.damage())
    }

    fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    fn length(&self) -> u64 {
        self.layer.piece(self.part).length
    }

    const fn damage(&self) -> Damage {
        Damage::Part(self.part.name())
    }
}

/// The end of a file.
struct Trailer {
    place: u64,
    length: u64,
    digest: [u8; 32],
}

impl Trailer {
    fn read(bytes: &[u8], file: u64) -> Result<Self, Damage> {
        let mut from = Cursor::new(bytes);
        let mut parts = || -> Result<_, Truncated> {
            let numbers = [from.u64()?, from.u64()?, from.u64()?, from.u64()?];
            Ok((numbers, from.fixed()?, from.fixed().map(u32::from_be_bytes)?, from.fixed::<12>()?))
        };
        let ([place, length, signature, whole], digest, format, magic) = parts().map_err(|_| Damage::Foreign)?;
        if magic != MAGIC {
            return Err(Damage::Foreign);
        }
        if format != FORMAT {
            return Err(Damage::Format(format));
        }
        let sum = [length, signature, TRAILER as u64].iter().try_fold(place, |sum, part| sum.checked_add(*part));
        if whole != file || sum != Some(file) {
            return Err(Damage::Part("trailer"));
        }
        if length > MAX_MANIFEST {
            return Err(Damage::Part("manifest"));
        }
        Ok(Self { place, length, digest })
    }
}

/// Parts lie one behind the other before the manifest, and what speaks of pages is as long as there are pages.
fn check_places(parts: &Parts, manifest: u64) -> Result<Extent, Damage> {
    let mut place = HEAD;
    for (name, piece) in parts.all() {
        if piece.offset != place {
            return Err(Damage::Part(name));
        }
        place = place.checked_add(piece.length).filter(|end| *end <= manifest).ok_or(Damage::Part(name))?;
    }
    let pages = |piece: &Piece| piece.length.div_ceil(PAGE as u64);
    let extent = Extent { entries: pages(&parts.entries), text: pages(&parts.text) };
    if parts.directory.length != extent.directory() {
        return Err(Damage::Part("directory"));
    }
    if parts.roots.length != extent.roots() {
        return Err(Damage::Part("roots"));
    }
    if place == manifest { Ok(extent) } else { Err(Damage::Part("manifest")) }
}

/// A part that is read as a whole.
fn load(medium: &dyn Medium, name: &'static str, piece: &Piece) -> Result<Vec<u8>, Damage> {
    let bytes = read(medium, piece.offset, piece.length)?;
    if hex(&Sha256::digest(&bytes)) == piece.sha256 { Ok(bytes) } else { Err(Damage::Part(name)) }
}

pub(super) fn read(medium: &dyn Medium, place: u64, length: u64) -> Result<Vec<u8>, Damage> {
    let length = usize::try_from(length).map_err(|_| Damage::Io(io::ErrorKind::OutOfMemory.into()))?;
    let mut bytes = vec![0; length];
    medium.read_at(place, &mut bytes)?;
    Ok(bytes)
}

fn read_length(from: &mut Cursor<'_>) -> Result<u64, Truncated> {
    from.number()
}
