//! What is installed in `site-packages`: a folder `NAME-VERSION.dist-info` for each release, with its metadata and the list
//! of its files. Before there were wheels, `.egg-info` was its place.
//!
//! The list (`RECORD`) has the digest of each file as it was installed. What has another one was changed since, and a file
//! that is not listed, such as a `.pth`, was put there by somebody else.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use stockade_model::{Algorithm, Digest, Integrity};

use super::archive::record::fields as record_fields;
use super::lockfile::release;
use crate::locked::{Locked, Out, licence, read};
use crate::{InstalledFile, Parsed, Problem, ReadInstalled};

/// The most bytes of a list of files: 64 MiB. The largest packages have 30,000 files.
const MAX_RECORD: usize = 64 << 20;
/// The most files of a list.
const MAX_FILES: usize = 500_000;

pub(super) static INSTALLED: ReadInstalled = ReadInstalled {
    matches: |path| {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        (folder.ends_with(".dist-info") && file == "METADATA")
            || (folder.ends_with(".egg-info") && file == "PKG-INFO")
            || file.ends_with(".egg-info")
    },
    parse: |_, bytes| read(bytes, metadata),
    lists: |path| {
        path.rsplit_once('/').is_some_and(|(folder, file)| folder.ends_with(".dist-info") && file == "RECORD")
    },
    files,
};

/// Headers as in a mail: the first of each name counts.
fn metadata(text: &str, out: &mut Out) {
    let (mut name, mut version) = (None, None);
    let (mut expression, mut words) = (None, None);
    for (line, number) in text.lines().zip(1..) {
        if line.is_empty() {
            break;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let field = match key.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "version" => &mut version,
            "license-expression" => {
                expression = Some(value);
                continue;
            }
            "license" => {
                words = Some(value);
                continue;
            }
            _ => continue,
        };
        if field.is_some() {
            out.problem(number, format!("`{}` is there twice", key.escape_debug()));
        } else {
            *field = Some((value, number));
        }
    }
    let (Some((name, line)), Some((version, _))) = (name, version) else {
        return out.problem(1, "it has no name or no version, so it cannot be said what it is");
    };
    let Some(release) = out.take(line, release(name, version)) else { return };
    let mut locked = Locked::new(release, line);
    // Before the expression there were free words, of which tools made an unknown one where there was none.
    locked.licence = expression.or(words.filter(|words| *words != "UNKNOWN")).and_then(licence);
    out.push(locked);
}

fn files(bytes: &[u8]) -> Parsed<Vec<InstalledFile>> {
    let mut parsed = Parsed::default();
    if bytes.len() > MAX_RECORD {
        parsed.problems.push(Problem::new(format!("it has more than {MAX_RECORD} bytes, so it was not read")));
        return parsed;
    }
    let text = String::from_utf8_lossy(bytes);
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        if parsed.value.len() >= MAX_FILES {
            parsed
                .problems
                .push(Problem::at(number, format!("more than {MAX_FILES} files; none is read from here on")));
            break;
        }
        let Some((path, claimed)) = record_fields(line) else {
            parsed.problems.push(Problem::at(number, "this line is nothing that installers write"));
            continue;
        };
        let integrity = digest(&claimed).and_then(|digest| Integrity::from_digests(vec![digest]));
        parsed.value.push(InstalledFile { path, integrity, line: number });
    }
    parsed
}

fn digest(claimed: &str) -> Option<Digest> {
    let (algorithm, digest) = claimed.split_once('=')?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(digest.trim_end_matches('=')).ok()?;
    Digest::new(algorithm.parse::<Algorithm>().ok()?, &bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_names_a_release() {
        let read = |text: &str| (INSTALLED.parse)("x.dist-info/METADATA", text.as_bytes());
        let parsed = read("Metadata-Version: 2.1\nName: Left.Demo\nVersion: 1.0.0.post01\n\nVersion: 2\n");
        assert_eq!(
            (parsed.value[0].release.to_string(), parsed.value[0].line),
            ("left-demo@1.0.0.post1".to_owned(), 2)
        );
        assert!(parsed.problems.is_empty());
        let licence = |text: &str| read(&format!("Name: a\nVersion: 1\n{text}")).value[0].licence.clone();
        assert_eq!(licence("License: MIT License\nLicense-Expression: MIT\n").as_deref(), Some("MIT"));
        assert_eq!(licence("License: BSD\n").as_deref(), Some("BSD"));
        assert_eq!(licence("License: UNKNOWN\n"), None);
        for text in ["", "Name: left\n", "Version: 1\n", "Name: left\n\nVersion: 1", "Name: a\nName: b\nVersion: 1\n"] {
            assert_eq!(read(text).problems.len(), 1, "{text}");
        }
    }

    #[test]
    fn a_record_lists_files_with_their_digests() {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Digest::of(b"x").as_bytes());
        let text = format!("left/__init__.py,sha256={digest},1\n\"a,b.py\",,\nleft-1.0.dist-info/RECORD,,\nnonsense\n");
        let parsed = (INSTALLED.files)(text.as_bytes());
        let told: Vec<_> =
            parsed.value.iter().map(|file| (file.path.as_str(), file.integrity.is_some(), file.line)).collect();
        assert_eq!(
            told,
            [("left/__init__.py", true, 1), ("a,b.py", false, 2), ("left-1.0.dist-info/RECORD", false, 3)]
        );
        assert!(parsed.value[0].integrity.as_ref().unwrap().admits(&Digest::of(b"x")));
        assert_eq!(parsed.problems, [Problem::at(4, "this line is nothing that installers write")]);
    }
}
