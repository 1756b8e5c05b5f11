//! What is judged: files of releases, some beside the release before. A case knows where its bytes are; they are read
//! when its turn comes, since a corpus does not fit into memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::malware::Blobs;
use super::subject::Subject;
use super::{folders, malware, store};

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    /// An object of the malware's repository. It never becomes a file.
    Blob(String),
}

/// A file of a release.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) place: Place,
}

impl Piece {
    /// What sort of file this is, as a row of a table.
    pub(crate) fn kind(&self) -> &'static str {
        kind(self.ecosystem, &self.file)
    }

    /// How many bytes a file has; 0 if there is none.
    pub(crate) fn size(&self) -> u64 {
        let Place::File(path) = &self.place else { return 0 };
        path.metadata().map_or(0, |metadata| metadata.len())
    }
}

/// What is judged at once.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) new: Piece,
    pub(crate) old: Option<Piece>,
}

impl Case {
    /// The line by which a report names it.
    pub(crate) fn words(&self) -> String {
        let Piece { ecosystem, name, version, file, .. } = &self.new;
        match &self.old {
            Some(old) => format!("{ecosystem} {name} {} -> {version} ({file})", old.version),
            None => format!("{ecosystem} {name} {version} ({file})"),
        }
    }
}

/// The cases of a corpus, in an order that is always the same.
pub(crate) fn of(corpus: &str, corpora: &Path) -> anyhow::Result<Vec<Case>> {
    let cases = match corpus {
        "malicious" => malware::cases()?,
        "benign" => folders::newest(corpora)?,
        "updates" => folders::updates(corpora)?,
        "hijacks" => folders::hijacks(corpora)?,
        _ => bail!("there is no such corpus"),
    };
    if cases.is_empty() {
        bail!("the corpus is empty; `cargo xtask eval fetch` fills those of harmless releases");
    }
    Ok(cases)
}

/// Keeps so many cases. Which, depends on nothing but their names: a larger sample has the smaller one in it.
pub(crate) fn sample(cases: &mut Vec<Case>, most: usize) {
    cases.sort_by_cached_key(|case| store::digest_of(&[case.words().as_bytes()]));
    cases.truncate(most);
}

/// What sort of file a name is.
pub(crate) fn kind(ecosystem: &str, file: &str) -> &'static str {
    match (ecosystem, file.rsplit_once('.').map_or("", |(_, end)| end)) {
        ("npm", _) => "tarball",
        ("crates", _) => "crate",
        ("maven", _) => "jar",
        (_, "whl") => "wheel",
        _ => "sdist",
    }
}

/// Reads what cases name. One for each thread, since it may keep a process.
#[derive(Default)]
pub(crate) struct Reader {
    blobs: Option<Blobs>,
}

impl Reader {
    pub(crate) fn read(&mut self, piece: &Piece) -> anyhow::Result<Subject> {
        let bytes = match &piece.place {
            Place::File(path) => std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?,
            Place::Blob(object) => {
                let blobs = match self.blobs.take() {
                    Some(blobs) => blobs,
                    None => Blobs::open()?,
                };
                self.blobs.insert(blobs).read(object)?
            }
        };
        let Piece { ecosystem, name, version, file, .. } = piece.clone();
        Ok(Subject { ecosystem, name, version, file, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str) -> Case {
        let (name, version, file) = (name.to_owned(), "1".to_owned(), "a.whl".to_owned());
        let place = Place::File(PathBuf::new());
        Case { new: Piece { ecosystem: "pypi", name, version, file, place }, old: None }
    }

    #[test]
    fn a_sample_has_the_smaller_ones_in_it() {
        let all: Vec<Case> = (0..50).map(|number| case(&format!("p{number}"))).collect();
        let names = |most: usize| {
            let mut cases = all.clone();
            cases.reverse();
            sample(&mut cases, most);
            cases.into_iter().map(|case| case.new.name).collect::<Vec<_>>()
        };
        assert_eq!(names(20)[..7], names(7));
        assert_eq!(names(100).len(), 50);
    }

    #[test]
    fn kinds_are_by_ecosystem_and_extension() {
        assert_eq!(kind("pypi", "a-1-py3-none-any.whl"), "wheel");
        assert_eq!(kind("pypi", "a-1.tar.gz"), "sdist");
        assert_eq!(kind("npm", "a-1.tgz"), "tarball");
        assert_eq!(case("p").words(), "pypi p 1 (a.whl)");
    }
}
