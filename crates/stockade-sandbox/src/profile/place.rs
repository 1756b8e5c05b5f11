//! Places: where a profile says that something is, and where that is on this machine.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::programs::find;
use super::{ProfileError, Surroundings};

/// Stands for the folder of the project.
const PROJECT: &str = "$PROJECT";
/// Stands for the folder in which the client keeps what it has fetched.
const CACHE: &str = "$CACHE";
/// Stands before the name of a program.
pub(super) const PROGRAM: char = '%';

/// The paths that a place may mean, whether they are there or not: one, or with a `*` those that are there. None if it
/// rests on a variable that is not set.
pub(super) fn paths(place: &str, around: &Surroundings) -> Result<Vec<PathBuf>, ProfileError> {
    let Some((folder, pattern)) = split(place, around)? else { return Ok(Vec::new()) };
    let Some(pattern) = pattern else { return Ok(vec![folder]) };
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<PathBuf> =
        names.filter(|name| matches(&pattern, &name.to_string_lossy())).map(|name| folder.join(name)).collect();
    found.sort();
    Ok(found)
}

/// The place's folder and the pattern in its last part; only a path if there is no pattern.
fn split(place: &str, around: &Surroundings) -> Result<Option<(PathBuf, Option<String>)>, ProfileError> {
    let malformed = || ProfileError::Place(place.to_owned());
    let (start, rest) = place.split_once('/').unwrap_or((place, ""));
    let start = match start {
        "" if place.starts_with('/') => PathBuf::from("/"),
        "~" => around.home.clone(),
        PROJECT => around.project.clone(),
        CACHE => match &around.cache {
            Some(cache) => cache.clone(),
            None => return Ok(None),
        },
        _ if start.starts_with(PROGRAM) => {
            let program = find(OsStr::new(&start[PROGRAM.len_utf8()..]), around);
            // Programs lie in a folder of their own in what was installed.
            let real = program.and_then(|program| program.canonicalize().ok());
            match real.as_deref().and_then(Path::parent).and_then(Path::parent) {
                Some(installed) => installed.to_owned(),
                None => return Ok(None),
            }
        }
        _ => {
            let name = start.strip_prefix('$').ok_or_else(malformed)?;
            let Some(value) = around.variable(name).filter(|value| Path::new(value).is_absolute()) else {
                return Ok(None);
            };
            PathBuf::from(value)
        }
    };
    let rest = Path::new(rest.trim_end_matches('/'));
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(malformed());
    }
    let Some(last) = rest.file_name().and_then(OsStr::to_str).filter(|last| last.contains('*')) else {
        return if rest.to_string_lossy().contains('*') {
            Err(malformed())
        } else {
            Ok(Some((start.join(rest), None)))
        };
    };
    let folder = rest.parent().unwrap_or(Path::new(""));
    if folder.to_string_lossy().contains('*') {
        return Err(malformed());
    }
    Ok(Some((start.join(folder), Some(last.to_owned()))))
}

/// True if a place means something in the project, or what it lies in: `path` is from the project on.
pub(super) fn covers(place: &str, path: &Path) -> bool {
    let Some(pattern) = place.strip_prefix(PROJECT).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let pattern = Path::new(pattern.trim_end_matches('/'));
    let mut parts = path.components();
    pattern.components().all(|wanted| {
        let wanted: OsString = wanted.as_os_str().to_owned();
        parts.next().is_some_and(|part| matches(&wanted.to_string_lossy(), &part.as_os_str().to_string_lossy()))
    })
}

/// True if a name is what a pattern says, in which `*` stands for anything.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    if rest.is_empty() {
        return true;
    }
    (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| matches(rest, &name[at..]))
}
