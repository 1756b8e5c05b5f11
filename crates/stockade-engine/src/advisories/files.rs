//! The files behind the advisories. What has a name is whole and durable: it is written beside its place and moved there.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

/// The most bytes of a file that says something about others.
pub(super) const MAX_SHORT: u64 = 4 << 20;
/// What the names of files begin with that are not finished.
pub(super) const UNFINISHED: &str = ".making-";
/// The file that whoever writes into a folder has locked.
pub(super) const LOCK: &str = "lock";

/// Waits until nobody else writes into a folder, and keeps others from it.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let lock = lockable(folder)?;
    lock.lock()?;
    Ok(lock)
}

/// Keeps others from writing into a folder, unless somebody writes there.
pub(super) fn lock_if_free(folder: &Path) -> io::Result<Option<File>> {
    let lock = lockable(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lockable(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    File::options().create(true).append(true).open(folder.join(LOCK))
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that has no name yet, in the folder in which it will be.
pub(super) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)
}

/// Gives a file its name. When this returns, it is durable.
pub(super) fn name(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    crate::objects::sync_directory(folder_of(path))
}

/// Gives a folder its name, in the place of what a killed process left there.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is written")]
pub(super) fn rename_folder(folder: TempDir, path: &Path) -> io::Result<()> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    fs::rename(folder.path(), path)?;
    // It is not there any more to be removed.
    let _ = folder.keep();
    crate::objects::sync_directory(folder_of(path))
}

/// Writes a file.
pub(super) fn write<T>(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
    let file = unfinished(folder_of(path))?;
    let mut writer = BufWriter::new(file.as_file());
    let filled = fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    name(file, path)?;
    Ok(filled)
}

/// Writes a short file.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, |to| to.write_all(bytes))
}

/// Opens a file.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A file's bytes, of which there may be so many.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= most { Ok(bytes) } else { Err(io::Error::other(format!("it has more than {most} bytes"))) }
}

/// The bytes of a short file.
pub(super) fn read_short(path: &Path) -> io::Result<Vec<u8>> {
    read(path, MAX_SHORT)
}

/// Removes the files of a folder whose names are not wanted, as far as that is possible.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is written")]
pub(super) fn sweep(folder: &Path, is_wanted: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_wanted(&entry.file_name().to_string_lossy()) {
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}
