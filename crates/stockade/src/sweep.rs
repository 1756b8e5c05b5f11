//! Looks for indicators below folders: digests, names and words that somebody published about an attack.
//!
//! Each file is read once, whatever is looked for, and by as many threads as there are processors. What could not be read is
//! said, since a file that is locked away is where something hides.

mod indicators;
mod osv;
mod search;
mod walk;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use indicators::{Indicator, Indicators};

/// How many findings are told; of the others, their number.
const MAX_FINDINGS: usize = 100_000;

/// What a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) findings: Vec<Finding>,
    /// How many files were looked at, and how many bytes were read of them.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// What was not looked at, and why.
    pub(crate) unseen: Vec<String>,
}

/// An indicator in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    pub(crate) indicator: Indicator,
    pub(crate) file: PathBuf,
    /// The first line with it, from 1, where the file is text or names releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The first byte of it, from 0, where it is in the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    /// Whether there is more of it in the file.
    pub(crate) more: bool,
}

/// Looks for indicators in files, and below folders. Links are not followed.
pub(crate) fn sweep(indicators: &Indicators, paths: &[PathBuf]) -> anyhow::Result<Swept> {
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        anyhow::bail!("`{}` does not exist", path.display());
    }
    let matcher = search::Matcher::new(indicators)?;
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut swept = Swept::default();
    for part in walk::walk(&paths, || search::Searcher::new(&matcher))? {
        swept.findings.extend(part.findings);
        swept.unseen.extend(part.unseen);
        swept.files += part.files;
        swept.bytes += part.bytes;
    }
    swept.findings.sort();
    swept.findings.dedup();
    swept.unseen.sort();
    let more = swept.findings.len().saturating_sub(MAX_FINDINGS);
    if more > 0 {
        swept.findings.truncate(MAX_FINDINGS);
        swept.unseen.push(format!("there are {more} more findings, which are not told"));
    }
    Ok(swept)
}
