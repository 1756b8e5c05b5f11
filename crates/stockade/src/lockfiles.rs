//! Lockfiles outlive a run, and its gateway does not: an address of the gateway that a client wrote into a lockfile becomes
//! the registry's again.
//!
//! Only files that changed during the run are touched, and in them only the exact address. Everything else, formatting and
//! line ends included, stays as the client wrote it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use stockade_ecosystem::{Client, ClientConfig};
use stockade_model::Digest;

use crate::{files, settings};

/// The lockfiles of a project, as they were before a run.
pub(crate) struct Lockfiles(Vec<(PathBuf, Option<Digest>)>);

impl Lockfiles {
    /// Notes what there is: in the project's folders, and in folders that the command names, as in `--prefix web`.
    pub(crate) fn before(client: &Client, words: &[OsString]) -> anyhow::Result<Self> {
        let named = words.iter().skip(1).map(|word| {
            let word = word.to_string_lossy();
            PathBuf::from(word.split_once('=').map_or(&*word, |(_, value)| value))
        });
        let named = named.filter(|folder| folder.is_dir()).map(|folder| files::real(&folder));
        let mut folders: Vec<PathBuf> = settings::project_folders().iter().map(|folder| files::real(folder)).collect();
        folders.extend(named);
        folders.sort();
        folders.dedup();
        let paths = folders.iter().flat_map(|folder| client.lockfiles.iter().map(move |name| folder.join(name)));
        let noted =
            paths.map(|path| Ok((digest(&path)?, path))).map(|noted| noted.map(|(digest, path)| (path, digest)));
        noted.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Gives what has changed since the registry's addresses in place of the gateway's, and returns what was rewritten.
    pub(crate) fn restore(self, base: &str, config: &ClientConfig) -> anyhow::Result<Vec<PathBuf>> {
        let mut rewritten = Vec::new();
        for (path, before) in self.0 {
            let Some(bytes) = files::read(&path)? else { continue };
            if before.as_ref() == Some(&Digest::of(&bytes)) {
                continue;
            }
            if let Some(restored) = restored(&bytes, base, config) {
                files::replace(&path, &restored)?;
                rewritten.push(path);
            }
        }
        Ok(rewritten)
    }
}

fn digest(path: &Path) -> anyhow::Result<Option<Digest>> {
    Ok(files::read(path)?.map(|bytes| Digest::of(&bytes)))
}

/// The bytes with the registry's addresses; `None` if the gateway's is not in them. A scope with a registry of its own gets
/// that one's.
fn restored(bytes: &[u8], base: &str, config: &ClientConfig) -> Option<Vec<u8>> {
    let base = format!("{base}/");
    let scoped =
        config.scopes.iter().map(|(scope, upstream)| (format!("{base}{scope}/"), format!("{}{scope}/", upstream.url)));
    let mut out = bytes.to_vec();
    for (ours, theirs) in scoped.chain([(base.clone(), config.default.url.to_string())]) {
        out = replaced(&out, ours.as_bytes(), theirs.as_bytes());
    }
    (out != bytes).then_some(out)
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stockade_ecosystem::Upstream;

    use super::*;

    fn config() -> ClientConfig {
        let upstream = |url: &str| Upstream { url: url.parse().unwrap(), credential: None };
        ClientConfig {
            default: upstream("https://registry.example/npm/"),
            scopes: BTreeMap::from([("@acme".to_owned(), upstream("https://acme.example/"))]),
            claims: Vec::new(),
            cafile: None,
            problems: Vec::new(),
        }
    }

    #[test]
    fn only_the_gateways_address_is_replaced() {
        let base = "http://127.0.0.1:4000/x";
        let before = "\"http://127.0.0.1:4000/x/left/-/left-1.tgz\"\r\n \"http://127.0.0.1:40000/x/a\" \
                      \"http://127.0.0.1:4000/x/@acme/left/-/left-1.tgz\" \"http://127.0.0.1:4000/x/@acmes/left\"";
        let after = "\"https://registry.example/npm/left/-/left-1.tgz\"\r\n \"http://127.0.0.1:40000/x/a\" \
                     \"https://acme.example/@acme/left/-/left-1.tgz\" \"https://registry.example/npm/@acmes/left\"";
        let out = restored(before.as_bytes(), base, &config()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), after);
        assert_eq!(restored(after.as_bytes(), base, &config()), None);
    }
}
