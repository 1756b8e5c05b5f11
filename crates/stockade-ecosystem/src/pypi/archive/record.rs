//! `RECORD`: the list of a wheel's files with their digests. Installers copy every file, listed or not, so a file that
//! the list does not have was put there after the wheel was built, and one that differs was changed.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::archive::{Files, Manifest, shown};

/// Files that cannot be listed with their digest: the list itself and its signatures.
const UNLISTED: [&str; 3] = ["RECORD", "RECORD.jws", "RECORD.p7s"];

pub(super) fn check(files: &Files<'_>, info: &str, manifest: &mut Manifest) {
    let path = format!("{info}/RECORD");
    let Some(text) = files.text(&path, manifest) else {
        return manifest.gaps.malformed("it has no RECORD, so that nothing says which files belong to it");
    };
    let listed: HashMap<String, String> = text.lines().filter_map(fields).collect();
    for member in files.members {
        let inside = member.path.strip_prefix(info).and_then(|path| path.strip_prefix('/')).unwrap_or_default();
        let Some(claimed) = listed.get(&member.path) else {
            if !UNLISTED.contains(&inside) {
                manifest.gaps.malformed(format!("RECORD does not list {}", shown(&member.path)));
            }
            continue;
        };
        if digest(claimed, &member.bytes)
            .is_some_and(|digest| claimed.split_once('=').is_none_or(|(_, c)| c.trim_end_matches('=') != digest))
        {
            manifest.gaps.malformed(format!("RECORD lists {} with another digest", shown(&member.path)));
        }
    }
    let mut missing: Vec<&String> = listed.keys().filter(|path| !files.has(path) && !path.ends_with('/')).collect();
    missing.sort_unstable();
    for path in missing {
        manifest.gaps.malformed(format!("RECORD lists {}, which is not in it", shown(path)));
    }
}

/// The path and the digest of a line of comma-separated values.
pub(in crate::pypi) fn fields(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find("\",")?;
            (quoted.get(..end)?.replace("\"\"", "\""), quoted.get(end.checked_add(2)?..)?)
        }
        None => line.split_once(',').map(|(path, rest)| (path.to_owned(), rest))?,
    };
    let digest = rest.split(',').next().unwrap_or_default();
    Some((path.trim_start_matches("./").replace('\\', "/"), digest.to_owned()))
}

/// The digest of some bytes by the algorithm of the claim, `None` if it is none that counts.
fn digest(claimed: &str, bytes: &[u8]) -> Option<String> {
    let digest = match claimed.split_once('=')?.0 {
        "sha256" => Sha256::digest(bytes).to_vec(),
        "sha384" => Sha384::digest(bytes).to_vec(),
        "sha512" => Sha512::digest(bytes).to_vec(),
        _ => return None,
    };
    Some(BASE64_URL_SAFE_NO_PAD.encode(digest))
}
