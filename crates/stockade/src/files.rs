//! Files of the user's: read with a limit, and replaced in one step.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;

/// The longest file of a user's that is read, in bytes. Lockfiles of large projects have a few dozen MiB.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Who may do what with a new file: its owner alone.
#[cfg(unix)]
const PRIVATE: u32 = 0o600;

/// A file's bytes; `None` if it does not exist.
#[expect(clippy::disallowed_methods, reason = "the user's own files are a face's to read")]
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("`{}` could not be read", path.display())),
    };
    let expected = file.metadata().map_or(0, |metadata| metadata.len().min(MAX_FILE));
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("`{}` could not be read", path.display()))?;
    anyhow::ensure!(bytes.len() as u64 <= MAX_FILE, "`{}` is longer than {MAX_FILE} bytes", path.display());
    Ok(Some(bytes))
}

/// A file, if its first bytes are such.
#[expect(clippy::disallowed_methods, reason = "the user asks to look at this file")]
pub(crate) fn open_if(path: &Path, first: usize, is_such: fn(&[u8]) -> bool) -> anyhow::Result<Option<std::fs::File>> {
    let file = std::fs::File::open(path).with_context(|| format!("`{}` could not be read", path.display()))?;
    let mut bytes = Vec::new();
    let read = (&file).take(first as u64).read_to_end(&mut bytes);
    read.with_context(|| format!("`{}` could not be read", path.display()))?;
    Ok(is_such(&bytes).then_some(file))
}

/// True if a file is marked as executable.
pub(crate) fn may_run(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| is_executable(&metadata))
}

/// A new folder with these files in it, below another one. It goes when this does.
pub(crate) fn temporary(folder: &Path, texts: &[(&str, &str)]) -> anyhow::Result<tempfile::TempDir> {
    let making = || {
        std::fs::create_dir_all(folder)?;
        let made = tempfile::Builder::new().prefix("run-").tempdir_in(folder)?;
        for (path, text) in texts {
            let path = made.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
            std::fs::File::create_new(path)?.write_all(text.as_bytes())?;
        }
        Ok::<_, io::Error>(made)
    };
    making().with_context(|| format!("a folder in `{}` could not be written", folder.display()))
}

/// A file's text; `None` if it does not exist.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).ok().with_context(|| format!("`{}` is not UTF-8", path.display()))?;
    Ok(Some(text))
}

/// Puts a file in the place of the one that is there, which keeps its mode; a link is followed and stays. Whoever looks
/// sees the old one or the new one, whole. A new file is its owner's alone.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace_at(&real(path), bytes).with_context(|| format!("`{}` could not be written", path.display()))
}

fn replace_at(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    let permissions = match std::fs::metadata(path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(_) => new_permissions(),
    };
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there are no modes")]
fn new_permissions() -> Option<std::fs::Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(PRIVATE))
}

#[cfg(not(unix))]
fn new_permissions() -> Option<std::fs::Permissions> {
    None
}

/// Removes a file; it is no error if it is gone already.
#[expect(clippy::disallowed_methods, reason = "only what this program wrote is removed")]
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(real(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("`{}` could not be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// The file that a path leads to, past links.
pub(crate) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// The files of a folder, to be looked at.
#[derive(Default)]
pub(crate) struct Folder {
    /// Their paths below it, with `/`, their bytes, and whether they are executable.
    pub(crate) files: Vec<(String, Bytes, bool)>,
    /// What was not looked at, and why.
    pub(crate) unseen: Vec<String>,
    /// What is no part of any release, and was left out.
    pub(crate) left_out: Vec<String>,
}

/// What version control keeps in a folder beside what is kept.
const VERSION_CONTROL: &str = ".git";
/// How many files of a folder are read.
const MAX_FILES: usize = 50_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;

/// Reads everything below a folder, up to so many bytes. Links are not followed.
pub(crate) fn folder(root: &Path, max_bytes: usize) -> anyhow::Result<Folder> {
    let mut found = Folder::default();
    let mut left = max_bytes;
    let mut folders = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((path, prefix, depth)) = folders.pop() {
        let entries = std::fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) if depth == 0 => {
                return Err(error).with_context(|| format!("`{}` could not be read", path.display()));
            }
            Err(error) => {
                found.unseen.push(format!("`{prefix}` could not be read: {error}"));
                continue;
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type();
            if name == VERSION_CONTROL {
                found.left_out.push(name);
            } else if found.files.len() >= MAX_FILES {
                found.unseen.push(format!("there are more than {MAX_FILES} files; the rest was not read"));
                return Ok(found);
            } else if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) && depth < MAX_DEPTH {
                folders.push((entry.path(), format!("{name}/"), depth + 1));
            } else if kind.as_ref().is_ok_and(std::fs::FileType::is_file) {
                match one(&entry.path(), left) {
                    Ok((bytes, executable)) => {
                        left -= bytes.len();
                        found.files.push((name, bytes, executable));
                    }
                    Err(why) => found.unseen.push(format!("`{name}` {why}")),
                }
            } else {
                found
                    .unseen
                    .push(format!("`{name}` is a link, or no file and no folder, or too deep; it was not read"));
            }
        }
    }
    Ok(found)
}

/// A file of a folder, if it fits into what is left.
#[expect(clippy::disallowed_methods, reason = "the user asks to look at this file")]
fn one(path: &Path, left: usize) -> Result<(Bytes, bool), String> {
    let unreadable = |error: io::Error| format!("could not be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let executable = is_executable(&file.metadata().map_err(unreadable)?);
    let mut bytes = Vec::new();
    file.take(left as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > left {
        return Err("is more than is read at once, or what was read before it is; it was not looked at".to_owned());
    }
    Ok((bytes.into(), executable))
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &std::fs::Metadata) -> bool {
    false
}
