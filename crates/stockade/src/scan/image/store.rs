//! Where the parts of images are: a folder, or an archive whose entries are found once and read where they are.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use stockade_ecosystem::archive::{Head, Sort, Step, Tape};

use super::{LAYOUT, Reader};

/// The most bytes of a list or a manifest: 4 MiB, as registries allow.
const MAX_SMALL: u64 = 4 << 20;
/// The most entries of an archive of images.
const MAX_ENTRIES: usize = 100_000;
/// How many links may lead from one to the next.
const MAX_LINKS: usize = 8;

/// The parts of images, by their paths.
pub(super) enum Store {
    Folder(PathBuf),
    Archive { file: File, entries: HashMap<String, Entry>, gaps: Vec<String> },
}

/// Where an entry is in an archive.
pub(super) enum Entry {
    Content { at: u64, size: u64 },
    Link(String),
}

impl Store {
    #[expect(clippy::disallowed_methods, reason = "the user asks to look at this file")]
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.is_dir() {
            ensure!(path.join(LAYOUT).is_file(), "it has no `{LAYOUT}`");
            return Ok(Self::Folder(path.to_path_buf()));
        }
        let mut file = File::open(path)?;
        let (entries, gaps) = entries(&mut file)?;
        Ok(Self::Archive { file, entries, gaps })
    }

    /// What was odd about the archive.
    pub(super) fn gaps(&self) -> impl Iterator<Item = &String> {
        let gaps: &[String] = if let Self::Archive { gaps, .. } = self { gaps } else { &[] };
        gaps.iter()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).is_file(),
            Self::Archive { entries, .. } => entries.contains_key(path),
        }
    }

    /// A document; `None` if it is not there.
    pub(super) fn small(&mut self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let Some((reader, _)) = self.content(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        reader.take(MAX_SMALL + 1).read_to_end(&mut bytes).with_context(|| format!("`{path}` could not be read"))?;
        ensure!(bytes.len() as u64 <= MAX_SMALL, "`{path}` has more than {MAX_SMALL} bytes");
        Ok(Some(bytes))
    }

    /// A part and its size; `None` if it is not there. Links of a folder are not followed, and those of an archive only in it.
    #[expect(clippy::disallowed_methods, reason = "the user asks to look at this file")]
    pub(super) fn content(&mut self, path: &str) -> anyhow::Result<Option<(Reader<'_>, u64)>> {
        match self {
            Self::Folder(folder) => {
                let is_below = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
                ensure!(is_below, "`{}` leads out of it", path.escape_debug());
                let path = folder.join(path);
                match std::fs::symlink_metadata(&path) {
                    Ok(metadata) if metadata.is_file() => Ok(Some((Box::new(File::open(&path)?), metadata.len()))),
                    Ok(_) => anyhow::bail!("`{}` is no file", path.display()),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Archive { file, entries, .. } => {
                let mut path = path.to_owned();
                for _ in 0..MAX_LINKS {
                    match entries.get(&path) {
                        Some(Entry::Link(target)) => path.clone_from(target),
                        Some(Entry::Content { at, size }) => {
                            file.seek(SeekFrom::Start(*at))?;
                            return Ok(Some((Box::new(file.take(*size)), *size)));
                        }
                        None => return Ok(None),
                    }
                }
                anyhow::bail!("`{}` is a link that leads to itself", path.escape_debug())
            }
        }
    }
}

/// The entries of an archive. Contents are passed over.
fn entries(file: &mut File) -> anyhow::Result<(HashMap<String, Entry>, Vec<String>)> {
    let (mut tape, mut entries) = (Tape::default(), HashMap::new());
    let length = file.metadata()?.len();
    let mut at = 0_u64;
    loop {
        let mut block = [0; Tape::BLOCK];
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => read?,
        }
        at += Tape::BLOCK as u64;
        let size = match tape.block(&block) {
            Step::Next => 0,
            Step::End => break,
            Step::Extended(kind, size) => {
                let mut content = Vec::new();
                file.take(size).read_to_end(&mut content)?;
                tape.extended(kind, &content);
                size
            }
            Step::Entry(Head { name, sort, size, .. }) => {
                ensure!(entries.len() < MAX_ENTRIES, "it has more than {MAX_ENTRIES} entries");
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                let entry = match sort {
                    Sort::File => Some(Entry::Content { at, size }),
                    Sort::Symbolic(target) => inside(&format!("{folder}/{target}")).map(Entry::Link),
                    Sort::Hard(target) => inside(&target).map(Entry::Link),
                    Sort::Folder | Sort::Other => None,
                };
                if let Some((name, entry)) = inside(&name).zip(entry) {
                    entries.insert(name, entry);
                }
                size
            }
        };
        at = at.checked_add(Tape::padded(size)).context("an entry is too long")?;
        if at > length {
            tape.broke_off();
            break;
        }
    }
    ensure!(!entries.is_empty(), "it is no archive of an image");
    let gaps = tape.gaps().into_iter().map(|gap| gap.detail).collect();
    Ok((entries, gaps))
}

/// A path without `.` and `..`; `None` if it leads out.
pub(super) fn inside(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}
