//! The file: a table from hashes of names to entries, in pages that are checked as they are read.
//!
//! ```text
//! magic, number of the format                                      16 bytes
//! entries    in the order of their hashes: hash, name, content     read page by page
//! text       what records say, in the order of their packages      read page by page
//! directory  for each page its digest and the first hash in it     read node by node
//! roots      for each node of it its digest and the first hash     read when opened
//! filters    a Bloom filter of the hashes of each sort of name     read when such a name is asked for
//! ids        hashes of the identifiers of an overlay's records     read when opened
//! manifest   JSON: where the parts are, their digests, what the index was made of
//! signature  of the manifest's bytes; none yet
//! trailer    where the manifest is, its digest                     80 bytes
//! ```
//!
//! The trailer vouches for the manifest, the manifest for the parts, the roots for each node, a node for each page: whoever
//! signs the manifest signs all. Opening reads 150 bytes for each megabyte, and checks that the rest is there; what is read
//! later is checked then, before anything in it counts. So damage is an error where it is met, and never an advisory that
//! is not found; [`Layer::verify`] looks for it everywhere.
//!
//! Pages are read and not mapped. A mapped file that somebody cuts short kills the process, one that changes is undefined
//! behaviour, and a safe wrapper can only promise that nobody will. A read of a page that the system has in memory costs
//! less than a microsecond, and a filter answers for nearly all names without one.

mod directory;
mod filter;
mod layer;
mod manifest;
mod medium;
mod write;

use sha2::{Digest as _, Sha256};

pub(crate) use layer::{Content, Layer};
pub(crate) use manifest::Parts;
pub use manifest::{Manifest, SourceStatus};
pub use medium::Medium;
pub(crate) use write::{Contents, Entry, write};

/// The number of the format, of which keys of versions and forms of names are a part. A file of another one is refused,
/// and made anew.
pub(crate) const FORMAT: u32 = 3;
/// The first bytes of a file; the number of the format follows.
const MAGIC: [u8; 12] = *b"stockade-adv";
/// What is before the first part.
const HEAD: u64 = 16;
/// The trailer: place, length and digest of the manifest, length of the signature, length of the file, the magic again.
const TRAILER: usize = 8 * 4 + 32 + 16;
/// The size of a page in bytes: what a system reads at once at least.
const PAGE: usize = 2048;
/// How much of a page's digest is kept: a second page for it is out of reach.
const PAGE_DIGEST: usize = 16;

/// The hash of a name: SHA-256, so that nobody can choose names that collide, and no version of a library changes it.
pub(crate) fn hash(name: &[u8]) -> u64 {
    let digest = Sha256::digest(name);
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The digest of a page, as far as it is kept.
fn page_digest(page: &[u8]) -> [u8; PAGE_DIGEST] {
    let digest = Sha256::digest(page);
    std::array::from_fn(|at| digest[at])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
