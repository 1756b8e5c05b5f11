//! Files that somebody brings: a bundle, records, estimates, lists. They are looked at as a whole before any of them counts.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use stockade_advisory::{Builder, Reading};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::bundle::{self, Imported};
use super::files;
use super::reading::{MAX_DEPTH, add_all, add_file, kind_of};
use super::sources::{Kind, Place, Sources};
use crate::EngineError;

/// The longest record in bytes.
const MAX_RECORD: u64 = stockade_advisory::MAX_RECORD as u64;
/// The most files of a folder.
const MAX_FILES: usize = stockade_advisory::MAX_RECORDS;

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// A bundle.
    Bundle(Imported),
    /// A file, which now lies in the folder of advisories.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it is.
        kind: Kind,
        /// How many records are in it.
        records: usize,
    },
}

/// Imports a file or a folder of records under a name, which no other may have unless that one is to be replaced.
pub fn import(
    sources: &Sources,
    data: &Path,
    path: &Path,
    (name, replace): (Option<&str>, bool),
) -> Result<Brought, EngineError> {
    let refused = |why: String| EngineError::Refused(format!("`{}` was not imported: {why}", path.display()));
    let unreadable = |error: io::Error| refused(error.to_string());
    crate::objects::layout(data, Vec::new())?;
    if path.is_file() && bundle::is_bundle(path) {
        return bundle::import(data, path, &sources.trust).map(Brought::Bundle);
    }
    let kind = if path.is_dir() { Kind::Osv } else { kind_of(path).map_err(unreadable)? };
    let mut builder = Builder::reading(Reading::All);
    if path.is_dir() {
        add_all(&mut builder, &[Place { path: path.to_owned(), name: String::new() }]);
    } else {
        add_file(&mut builder, path, kind).map_err(|problem| refused(problem.to_string()))?;
    }
    if let Some(lost) = builder.first_lost() {
        return Err(refused(lost.to_string()));
    }
    if builder.is_empty() {
        return Err(refused(format!("there is nothing in it of the kind `{}`", kind.as_str())));
    }
    let records = builder.records();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = name.map(str::to_owned).or(stem).filter(|name| is_plain(name));
    let name =
        name.ok_or_else(|| refused("it has no name; `--as` gives it one of letters, digits, `-` and `.`".into()))?;
    let to = data.join(crate::ADVISORIES).join(format!("{name}.{}", kind.as_str()));
    if to.exists() && !replace {
        let why = format!("`{name}` was imported before; `--replace` replaces it, and `--as` gives another name");
        return Err(refused(why));
    }
    if path.is_dir() {
        files::write(&to, |to| pack(path, to)).map_err(unreadable)?;
    } else {
        files::write(&to, |to| io::copy(&mut files::open(path)?, to)).map_err(unreadable)?;
    }
    Ok(Brought::File { path: to, kind, records })
}

fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '@');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

/// The records of a folder as a zip: one file takes the place of another at once, and a folder does not.
fn pack(folder: &Path, to: &mut dyn io::Write) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(to);
    for (name, path) in records(folder)? {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(&files::read(&path, MAX_RECORD)?)?;
    }
    zip.finish().map(drop).map_err(io::Error::other)
}

/// The records of a folder, with their names below it. What lies there that is no record is an error.
fn records(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push((name, path));
            } else if Kind::of_name(&path).is_some() || path.extension().is_some_and(|ending| ending == "zip") {
                return Err(io::Error::other(format!("`{}` has to be imported by itself", path.display())));
            }
            if found.len() > MAX_FILES {
                return Err(io::Error::other(format!("it has more than {MAX_FILES} files")));
            }
        }
    }
    found.sort();
    Ok(found)
}
