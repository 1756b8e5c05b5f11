//! Files named by the digest of their bytes, and the quarantine where bytes wait until somebody has looked at them.
//!
//! A file is written under a temporary name, synced, renamed, and its directory synced: whatever name exists, exists whole.
//! Nothing that has a name here is ever changed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use stockade_model::{Algorithm, Digest, Integrity};
use tempfile::NamedTempFile;

/// How old a forgotten quarantine file is when it is swept away, in seconds. Another process may be filling a younger one.
const SWEEP_AFTER_SECONDS: u64 = 60 * 60;

/// Makes the data folder, which is its owner's alone, and the folder for advisories in it; returns every place where
/// advisories are looked for.
pub(crate) fn layout(data: &Path, mut advisories: Vec<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(data)?;
    let always = data.join(crate::ADVISORIES);
    builder.create(&always)?;
    if !advisories.contains(&always) {
        advisories.push(always);
    }
    Ok(advisories)
}

/// A directory of files named by their SHA-256.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    named: PathBuf,
    quarantine: PathBuf,
}

/// Bytes that came from outside and that nobody has judged yet.
pub(crate) struct Quarantined {
    file: NamedTempFile,
    hashers: Hashers,
    /// How many bytes there are.
    pub(crate) size: u64,
}

/// Bytes that are all there, with what they are.
pub(crate) struct Arrived {
    file: NamedTempFile,
    /// Their content address.
    pub(crate) sha256: Digest,
    /// The same by every algorithm.
    pub(crate) digests: Vec<Digest>,
    /// How many.
    pub(crate) size: u64,
}

#[derive(Default)]
struct Hashers {
    sha1: Sha1,
    sha256: Sha256,
    sha512: Sha512,
    /// Nobody uses it but those who claim it.
    sha384: Option<Sha384>,
}

impl Objects {
    /// Opens or makes the directories `<root>/<kind>` and `<root>/quarantine`, and sweeps what a killed process left.
    pub(crate) fn open(root: &Path, kind: &str) -> io::Result<Self> {
        let objects = Self { named: root.join(kind), quarantine: root.join("quarantine") };
        fs::create_dir_all(&objects.named)?;
        fs::create_dir_all(&objects.quarantine)?;
        for entry in fs::read_dir(&objects.quarantine)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age.as_secs() > SWEEP_AFTER_SECONDS {
                remove(&entry.path());
            }
        }
        Ok(objects)
    }

    /// Where the file of a digest is, or would be.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let (folder, name) = hex.split_at(2);
        self.named.join(folder).join(name)
    }

    /// True if the file is there and its bytes have that digest. One that is damaged is removed, to be fetched again.
    pub(crate) fn check(&self, digest: &Digest) -> bool {
        match digest_of(&self.path(digest)) {
            Ok(found) if found == *digest => true,
            Ok(_) => {
                tracing::warn!(%digest, "a stored file is damaged and is fetched again");
                self.remove(digest);
                false
            }
            Err(_) => false,
        }
    }

    /// An empty file in the quarantine, for bytes of which this is claimed.
    pub(crate) fn receive(&self, claim: Option<&Integrity>) -> io::Result<Quarantined> {
        let file = NamedTempFile::new_in(&self.quarantine)?;
        let sha384 = claim.filter(|claim| claim.strongest() == Algorithm::Sha384).map(|_| Sha384::new());
        Ok(Quarantined { file, hashers: Hashers { sha384, ..Hashers::default() }, size: 0 })
    }

    /// Gives arrived bytes their name. When this returns, they are durable.
    pub(crate) fn keep(&self, arrived: Arrived) -> io::Result<()> {
        let path = self.path(&arrived.sha256);
        let folder = path.parent().unwrap_or(&self.named);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            sync_directory(&self.named)?;
        }
        arrived.file.as_file().sync_all()?;
        arrived.file.persist(&path).map_err(|error| error.error)?;
        sync_directory(folder)
    }

    /// Removes the file of a digest, if it is there.
    pub(crate) fn remove(&self, digest: &Digest) {
        remove(&self.path(digest));
    }
}

impl Quarantined {
    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hashers.sha1.update(bytes);
        self.hashers.sha256.update(bytes);
        self.hashers.sha512.update(bytes);
        if let Some(sha384) = &mut self.hashers.sha384 {
            sha384.update(bytes);
        }
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Everything is here: says what it is.
    pub(crate) fn finish(self) -> Arrived {
        let Hashers { sha1, sha256, sha512, sha384 } = self.hashers;
        let by = |algorithm, bytes: &[u8]| Digest::new(algorithm, bytes).ok();
        let sha256 = Digest::new(Algorithm::Sha256, &sha256.finalize()).unwrap_or_else(|_| Digest::of(&[]));
        let others = [
            by(Algorithm::Sha1, &sha1.finalize()),
            by(Algorithm::Sha512, &sha512.finalize()),
            sha384.and_then(|sha384| by(Algorithm::Sha384, &sha384.finalize())),
        ];
        let digests = others.into_iter().flatten().chain([sha256.clone()]).collect();
        Arrived { file: self.file, sha256, digests, size: self.size }
    }
}

impl Arrived {
    /// The bytes, to be parsed.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        read(self.file.path())
    }
}

/// The whole file.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
pub(crate) fn digest_of(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    io::copy(&mut file, &mut hasher)?;
    Digest::new(Algorithm::Sha256, &hasher.finalize()).map_err(io::Error::other)
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is written")]
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file could not be removed");
    }
}

/// A rename is durable once its directory is.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is written")]
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
