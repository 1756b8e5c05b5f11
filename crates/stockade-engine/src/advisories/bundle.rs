//! Bundles: the index of one machine for others that reach no feed, in one file, signed.
//!
//! Whoever writes a bundle decides what is malicious, so nothing of one is used before its signature was checked against a
//! key that the settings name, and that is so again whenever it is opened. The signature is of a list that has the digest
//! of every file; what is read of a file later is compared with digests that this one covers. A bundle that is older than
//! the one that is there is refused: taking it would forget what became known since.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stockade_advisory::Advisories;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::signing::{PublicKey, SigningKey};
use super::sources::{Sources, stale};
use super::{INDEX, files, index};
use crate::EngineError;

/// The folder of the data folder in which the bundle is that was imported.
pub(super) const FOLDER: &str = "advisory-bundle";
/// The file in it that says which folder has it.
pub(super) const CURRENT: &str = "current";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// The number of the format.
const FORMAT: u32 = 1;
/// What is signed begins with this, so that a signature of something else is none of a bundle.
const SIGNED: &[u8] = b"stockade advisory bundle\n";
/// The most files of a bundle.
const MAX_FILES: usize = 64;
/// How much they may hold, in bytes.
const MAX_BYTES: u64 = 8 << 30;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    format: u32,
    /// Counts up with each index that is made where it is from.
    pub sequence: u64,
    /// When it was made.
    pub made: Timestamp,
    /// When the feeds that it was made of last answered.
    pub fresh: Timestamp,
    /// How many records are in it.
    pub records: u64,
    files: Vec<Part>,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    name: String,
    size: u64,
    sha256: String,
    /// The digest by which the file itself can be checked piece by piece.
    digest: String,
}

/// What became of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it is.
    pub bundle: Bundle,
    /// It was there already.
    pub already: bool,
}

/// Writes the index of this machine into a file, and returns what it is and by which key it is signed.
pub fn export(sources: &Sources, data: &Path, to: &Path, now: Timestamp) -> Result<(Bundle, PublicKey), EngineError> {
    let advisories = super::Advisories::open(sources, data, now)?;
    let none = || EngineError::Refused("there are no advisories of this machine to export".to_owned());
    let unfinished = || EngineError::Refused("the advisories cannot be read, so they are not exported".to_owned());
    let folder = data.join(INDEX);
    let _lock = files::lock(&folder)?;
    let current = index::Current::read(&folder).filter(|_| advisories.index.is_some()).ok_or_else(unfinished)?;
    let opened = current.open(&folder).map_err(|_| unfinished())?;
    let records = opened.status().records;
    if records == 0 {
        return Err(none());
    }
    let fresh = match sources.fresh(data) {
        Some(fresh) => fresh,
        None if sources.feeds.is_empty() => now,
        None => {
            let why = "a feed never answered, so nothing is exported; `stockade advisories status` says which";
            return Err(EngineError::Refused(why.to_owned()));
        }
    };
    let mut parts = Vec::new();
    for (name, digest) in current.layers.iter().zip(opened.digests()) {
        let (size, sha256) = measured(&folder.join(name))?;
        parts.push(Part { name: name.clone(), size, sha256, digest: digest.to_owned() });
    }
    let bundle = Bundle { format: FORMAT, sequence: current.sequence, made: now, fresh, records, files: parts };
    let key = SigningKey::of(data)?;
    let manifest = serde_json::to_vec_pretty(&bundle).map_err(io::Error::other)?;
    let signature = format!("{} {}\n", key.public(), hex::encode(key.sign(&[SIGNED, &manifest].concat())));
    let written = files::unfinished(files::folder_of(to)).and_then(|file| {
        pack(file.as_file(), &folder, &bundle, [(MANIFEST, &manifest), (SIGNATURE, signature.as_bytes())])?;
        files::name(file, to)
    });
    let unwritable = |error| EngineError::Refused(format!("`{}` could not be written: {error}", to.display()));
    written.map_err(unwritable)?;
    Ok((bundle, key.public()))
}

fn pack(file: &File, folder: &Path, bundle: &Bundle, short: [(&str, &[u8]); 2]) -> io::Result<()> {
    let mut zip = ZipWriter::new(io::BufWriter::new(file));
    let options = SimpleFileOptions::default();
    for (name, bytes) in short {
        zip.start_file(name, options)?;
        zip.write_all(bytes)?;
    }
    for part in &bundle.files {
        zip.start_file(part.name.as_str(), options.large_file(u32::try_from(part.size).is_err()))?;
        io::copy(&mut files::open(&folder.join(&part.name))?, &mut zip)?;
    }
    zip.finish()?.flush()
}

fn measured(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hasher) = (files::open(path)?, Sha256::new());
    let size = io::copy(&mut file, &mut hasher)?;
    Ok((size, hex::encode(hasher.finalize())))
}

/// True if a zip is a bundle, signed or not.
pub(super) fn is_bundle(path: &Path) -> bool {
    let zip = files::open(path).ok().and_then(|file| ZipArchive::new(file).ok());
    zip.is_some_and(|zip| zip.index_for_name(MANIFEST).is_some() || zip.index_for_name(SIGNATURE).is_some())
}

/// Takes a bundle, if one of these keys signed it and it is not older than the one that is there.
pub(super) fn import(data: &Path, path: &Path, trust: &[PublicKey]) -> Result<Imported, EngineError> {
    let refused = |why: String| EngineError::Refused(format!("`{}` was not imported: {why}", path.display()));
    let folder = data.join(FOLDER);
    let zip = files::open(path).and_then(|file| ZipArchive::new(file).map_err(io::Error::other));
    let mut zip = zip.map_err(|error| refused(error.to_string()))?;
    let manifest = short(&mut zip, MANIFEST).map_err(&refused)?;
    let signature = short(&mut zip, SIGNATURE).map_err(|_| refused("it is not signed".to_owned()))?;
    let bundle = checked(&manifest, &signature, trust).map_err(&refused)?;
    let name = format!("{}-{}", bundle.sequence, &hex::encode(Sha256::digest(&manifest))[..16]);
    let _alone = files::lock(&folder)?;
    // One whose maker is not trusted any more has no say in what follows it.
    if let Some(Ok((known, _))) = read(data, trust) {
        if known == bundle {
            return Ok(Imported { bundle, already: true });
        }
        if (known.sequence, known.made) >= (bundle.sequence, bundle.made) {
            let (old, new) = (bundle.sequence, known.sequence);
            return Err(refused(format!(
                "it is older than what is there: it has the number {old}, made {}, and number {new} was made {}",
                bundle.made, known.made
            )));
        }
    }
    let fresh = tempfile::Builder::new().prefix(".making-").tempdir_in(&folder)?;
    for part in &bundle.files {
        unpack(&mut zip, part, &fresh.path().join(&part.name)).map_err(&refused)?;
    }
    files::put(&fresh.path().join(MANIFEST), &manifest)?;
    files::put(&fresh.path().join(SIGNATURE), &signature)?;
    bundle.open(fresh.path()).map_err(&refused)?;
    files::rename_folder(fresh, &folder.join(&name))?;
    files::put(&folder.join(CURRENT), name.as_bytes())?;
    files::sweep(&folder, |other| other == name || matches!(other, CURRENT | files::LOCK));
    Ok(Imported { bundle, already: false })
}

/// A short file of a zip.
fn short(zip: &mut ZipArchive<File>, name: &str) -> Result<Vec<u8>, String> {
    let file = zip.by_name(name).map_err(|_| format!("it has no `{name}`"))?;
    let mut bytes = Vec::new();
    file.take(files::MAX_SHORT + 1).read_to_end(&mut bytes).map_err(|error| format!("`{name}`: {error}"))?;
    if bytes.len() as u64 > files::MAX_SHORT { Err(format!("`{name}` is too long")) } else { Ok(bytes) }
}

fn unpack(zip: &mut ZipArchive<File>, part: &Part, to: &Path) -> Result<(), String> {
    let at = |error: &dyn std::fmt::Display| format!("`{}`: {error}", part.name);
    let file = zip.by_name(&part.name).map_err(|error| at(&error))?;
    let written = files::write(to, |to| io::copy(&mut file.take(part.size + 1), to));
    written.map_err(|error| at(&error))?;
    let (size, sha256) = measured(to).map_err(|error| at(&error))?;
    if size == part.size && sha256 == part.sha256 {
        Ok(())
    } else {
        Err(at(&"its bytes are not those that were signed"))
    }
}

/// What a bundle says of itself, if one of these keys signed it.
fn checked(manifest: &[u8], signature: &[u8], trust: &[PublicKey]) -> Result<Bundle, String> {
    let text = String::from_utf8_lossy(signature);
    let (key, signature) = text.trim().split_once(' ').ok_or("its signature is none")?;
    let key: PublicKey = key.parse().map_err(|_| "its signature is none")?;
    let signature = hex::decode(signature).map_err(|_| "its signature is none")?;
    if !trust.contains(&key) {
        return Err(format!("it is signed by `{key}`, which `trust` in `[advisories]` does not name"));
    }
    if !key.signed(&[SIGNED, manifest].concat(), &signature) {
        return Err(format!("the signature is not that of `{key}`: it was changed on the way"));
    }
    let bundle: Bundle = serde_json::from_slice(manifest).map_err(|error| format!("`{MANIFEST}`: {error}"))?;
    bundle.check()?;
    Ok(bundle)
}

/// The bundle that was imported, if there is one.
pub(super) fn read(data: &Path, trust: &[PublicKey]) -> Option<Result<(Bundle, Advisories), String>> {
    let folder = data.join(FOLDER);
    let name = match files::read_short(&folder.join(CURRENT)) {
        Ok(name) => String::from_utf8_lossy(&name).trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(read_at(&folder, &name, trust))
}

fn read_at(folder: &Path, name: &str, trust: &[PublicKey]) -> Result<(Bundle, Advisories), String> {
    if !is_plain(name) {
        return Err("the name of its folder is none".to_owned());
    }
    let folder = folder.join(name);
    let read = |name: &str| files::read_short(&folder.join(name)).map_err(|error| format!("`{name}`: {error}"));
    let bundle = checked(&read(MANIFEST)?, &read(SIGNATURE)?, trust)?;
    let index = bundle.open(&folder)?;
    Ok((bundle, index))
}

impl Bundle {
    fn check(&self) -> Result<(), String> {
        let mut names: Vec<&str> = self.files.iter().map(|part| part.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let bytes = self.files.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.size));
        if self.format != FORMAT {
            Err(format!("it has the format {}, which this version does not read", self.format))
        } else if names.len() != self.files.len() || names.len() > MAX_FILES || !names.iter().all(|name| is_plain(name))
        {
            Err("it has too many files, or names that are none".to_owned())
        } else if bytes.is_none_or(|bytes| bytes > MAX_BYTES) {
            Err(format!("it has more than {MAX_BYTES} bytes"))
        } else {
            Ok(())
        }
    }

    /// Opens its files, which have to be those that were signed.
    fn open(&self, folder: &Path) -> Result<Advisories, String> {
        let layers: Vec<String> = self.files.iter().map(|part| part.name.clone()).collect();
        let index = index::open(folder, &layers).map_err(|error| error.to_string())?;
        let signed = self.files.iter().map(|part| part.digest.as_str());
        if index.digests().eq(signed) { Ok(index) } else { Err("its files are not those that were signed".to_owned()) }
    }

    /// What is wrong with it at an instant.
    pub(super) fn gap(&self, sources: &Sources, now: Timestamp) -> Option<String> {
        stale(self.fresh, sources.max_age, now).map(|stale| format!("the bundle that was imported is {stale}"))
    }
}

/// True for the name of a file in a bundle: it leads nowhere else.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !name.is_empty() && name.len() < 100 && !name.starts_with('.') && name.bytes().all(is_plain)
}
