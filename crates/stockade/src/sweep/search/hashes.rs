//! Digests of a file, of those algorithms of which one is looked for.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

const MD5: usize = 16;
const SHA1: usize = 20;
const SHA256: usize = 32;

/// Which algorithms are wanted.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "any of the four, or all")]
pub(super) struct Algorithms {
    md5: bool,
    sha1: bool,
    sha256: bool,
    sha512: bool,
}

impl Algorithms {
    /// Adds the algorithm whose digests have so many bytes.
    pub(super) fn add(&mut self, bytes: usize) {
        match bytes {
            MD5 => self.md5 = true,
            SHA1 => self.sha1 = true,
            SHA256 => self.sha256 = true,
            _ => self.sha512 = true,
        }
    }
}

/// Digests on their way.
pub(super) struct Hashes {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl Hashes {
    pub(super) fn new(wanted: Algorithms) -> Self {
        Self {
            md5: wanted.md5.then(Md5::new),
            sha1: wanted.sha1.then(Sha1::new),
            sha256: wanted.sha256.then(Sha256::new),
            sha512: wanted.sha512.then(Sha512::new),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    pub(super) fn finish(self) -> impl Iterator<Item = Vec<u8>> {
        let md5 = self.md5.map(|md5| md5.finalize().to_vec());
        let sha1 = self.sha1.map(|sha1| sha1.finalize().to_vec());
        let sha256 = self.sha256.map(|sha256| sha256.finalize().to_vec());
        let sha512 = self.sha512.map(|sha512| sha512.finalize().to_vec());
        md5.into_iter().chain(sha1).chain(sha256).chain(sha512)
    }
}
