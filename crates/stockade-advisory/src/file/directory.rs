//! The directory: for each page its digest, and for a page of entries also the hash of the first one that begins in it.
//!
//! Its rows lie in nodes. A node is read when a page of it is asked for the first time, and checked by the roots, which are
//! read when the file is opened: whoever asks for little reads little, and whatever is read was vouched for.

use std::sync::OnceLock;

use super::layer::read;
use super::medium::Medium;
use super::{PAGE, PAGE_DIGEST, page_digest};
use crate::Damage;
use crate::codec::{Cursor, Truncated};

/// How many rows a node has; the last one of a part may have fewer.
const ROWS: u64 = 78;
/// The length of a row: a hash, a place, a digest.
const ROW: u64 = 8 + 2 + PAGE_DIGEST as u64;
/// The length of a root: the first hash of a node, and the node's digest.
const ROOT: usize = 8 + PAGE_DIGEST;
/// The place of the first entry of a page in which none begins.
const NO_ENTRY: u16 = u16::MAX;

/// What is known of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The hash of the first entry that begins in it; if none does, what the page before it has.
    hash: u64,
    /// Where in the page that entry begins.
    first: Option<u16>,
    /// The digest of the page.
    pub(super) digest: [u8; PAGE_DIGEST],
}

impl Row {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.hash.to_be_bytes());
        to.extend_from_slice(&self.first.unwrap_or(NO_ENTRY).to_be_bytes());
        to.extend_from_slice(&self.digest);
    }

    fn read(bytes: &[u8]) -> Result<Self, Truncated> {
        let mut from = Cursor::new(bytes);
        let (hash, first) = (from.u64()?, u16::from_be_bytes(from.fixed()?));
        Ok(Self { hash, first: Some(first).filter(|first| *first != NO_ENTRY), digest: from.fixed()? })
    }
}

/// How many pages each part has, and what follows from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) entries: u64,
    pub(super) text: u64,
}

impl Extent {
    /// Nodes of entries. Those of text follow: no node has rows of both.
    const fn entry_nodes(self) -> u64 {
        self.entries.div_ceil(ROWS)
    }

    const fn nodes(self) -> u64 {
        self.entry_nodes() + self.text.div_ceil(ROWS)
    }

    /// How many bytes the nodes have.
    pub(super) const fn directory(self) -> u64 {
        (self.entries + self.text) * ROW
    }

    /// How many bytes the roots have.
    pub(super) const fn roots(self) -> u64 {
        self.nodes() * ROOT as u64
    }

    /// Where in the directory a node begins, and how long it is.
    fn place(self, node: u64) -> (u64, u64) {
        let (before, at, pages) = match node.checked_sub(self.entry_nodes()) {
            None => (0, node * ROWS, self.entries),
            Some(node) => (self.entries, node * ROWS, self.text),
        };
        ((before + at) * ROW, pages.saturating_sub(at).min(ROWS) * ROW)
    }
}

/// The directory of a file.
pub(super) struct Directory {
    extent: Extent,
    /// Where in the file it begins.
    offset: u64,
    roots: Vec<u8>,
    /// Nodes that were read.
    nodes: Vec<OnceLock<Vec<u8>>>,
}

impl Directory {
    pub(super) fn new(extent: Extent, offset: u64, roots: Vec<u8>) -> Self {
        let nodes = roots.chunks(ROOT).map(|_| OnceLock::new()).collect();
        Self { extent, offset, roots, nodes }
    }

    /// The digest of a page of entries.
    pub(super) fn entries(&self, medium: &dyn Medium, page: u64) -> Result<[u8; PAGE_DIGEST], Damage> {
        Ok(self.row(medium, page / ROWS, page % ROWS)?.digest)
    }

    /// The digest of a page of text.
    pub(super) fn text(&self, medium: &dyn Medium, page: u64) -> Result<[u8; PAGE_DIGEST], Damage> {
        Ok(self.row(medium, self.extent.entry_nodes() + page / ROWS, page % ROWS)?.digest)
    }

    /// Where to begin to look for a hash: the page, and the place in it. Nothing with a lower hash lies behind the one with it.
    pub(super) fn begin(&self, medium: &dyn Medium, hash: u64) -> Result<Option<(u64, u16)>, Damage> {
        // The last page whose first hash is lower, since the hash may come before the first of the next page.
        let node = last_lower(self.extent.entry_nodes(), |node| Ok(self.root(node)?.0 < hash))?;
        let rows = self.extent.place(node).1 / ROW;
        let row = last_lower(rows, |row| Ok(self.row(medium, node, row)?.hash < hash))?;
        let mut page = node * ROWS + row;
        loop {
            if page >= self.extent.entries {
                return Ok(None);
            }
            if let Some(first) = self.row(medium, page / ROWS, page % ROWS)?.first {
                return Ok(Some((page, first)));
            }
            let Some(before) = page.checked_sub(1) else { return Ok(None) };
            page = before;
        }
    }

    fn row(&self, medium: &dyn Medium, node: u64, row: u64) -> Result<Row, Damage> {
        let at = usize::try_from(row * ROW).unwrap_or(usize::MAX);
        let rest = self.node(medium, node)?.get(at..).ok_or(Damage::Part("directory"))?;
        Row::read(rest).map_err(|_| Damage::Part("directory"))
    }

    fn node(&self, medium: &dyn Medium, node: u64) -> Result<&[u8], Damage> {
        let cell = usize::try_from(node).ok().and_then(|node| self.nodes.get(node)).ok_or(Damage::Part("directory"))?;
        if let Some(known) = cell.get() {
            return Ok(known);
        }
        let (begin, length) = self.extent.place(node);
        let bytes = read(medium, self.offset + begin, length)?;
        if page_digest(&bytes) != self.root(node)?.1 {
            return Err(Damage::Page { part: "directory", number: node });
        }
        Ok(cell.get_or_init(|| bytes))
    }

    fn root(&self, node: u64) -> Result<(u64, [u8; PAGE_DIGEST]), Damage> {
        let root = usize::try_from(node).ok().and_then(|node| self.roots.chunks_exact(ROOT).nth(node));
        let mut from = Cursor::new(root.unwrap_or_default());
        let both = from.u64().and_then(|hash| Ok((hash, from.fixed()?)));
        both.map_err(|_| Damage::Part("roots"))
    }
}

/// The last of so many that is lower, or the first of all; those that are lower come first.
fn last_lower(count: u64, mut is_lower: impl FnMut(u64) -> Result<bool, Damage>) -> Result<u64, Damage> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_lower(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low.saturating_sub(1))
}

/// The rows of a part that is being written.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    /// Pages in which an entry begins: the page, the hash of the first one, and where in the page it begins.
    firsts: Vec<(u64, u64, u16)>,
}

impl Rows {
    /// Notes where in the part the next entry begins.
    pub(super) fn entry(&mut self, place: u64, hash: u64) {
        let page = place / PAGE as u64;
        if self.firsts.last().is_none_or(|(last, ..)| *last < page) {
            self.firsts.push((page, hash, u16::try_from(place % PAGE as u64).unwrap_or(NO_ENTRY)));
        }
    }

    /// Notes the digest of the next page.
    pub(super) fn page(&mut self, digest: [u8; PAGE_DIGEST]) {
        self.rows.push(Row { digest, ..Row::default() });
    }

    /// Writes the nodes, and a root for each.
    pub(super) fn end(mut self, nodes: &mut Vec<u8>, roots: &mut Vec<u8>) {
        let (mut firsts, mut last) = (self.firsts.iter().peekable(), 0);
        for (page, row) in (0..).zip(&mut self.rows) {
            if let Some((_, hash, first)) = firsts.next_if(|(of, ..)| *of == page) {
                (row.first, last) = (Some(*first), *hash);
            }
            row.hash = last;
        }
        for rows in self.rows.chunks(usize::try_from(ROWS).unwrap_or(usize::MAX)) {
            let begin = nodes.len();
            for row in rows {
                row.write(nodes);
            }
            roots.extend_from_slice(&rows[0].hash.to_be_bytes());
            roots.extend_from_slice(&page_digest(&nodes[begin..]));
        }
    }
}
