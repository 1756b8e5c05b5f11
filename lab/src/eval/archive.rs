//! The Python sources in an archive, read in memory. Only for grouping malware into families: what an inspector reads is
//! the inspector's business.

use std::io::{Cursor, Read};

use anyhow::{Context, bail, ensure};

/// The longest source that is read.
const LONGEST_SOURCE: u64 = 8 << 20;
/// The most that is read of all sources of an archive, and the most that may be unpacked to find them.
const MOST_BYTES: u64 = 256 << 20;
/// The most members.
const MOST_MEMBERS: usize = 50_000;

/// The sources, `setup.py` first and then by name.
pub(crate) fn python(file: &str, bytes: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut sources = if bytes.starts_with(b"PK") {
        zipped(bytes)?
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        packed(bytes)?
    } else {
        bail!("`{file}` is no archive that is known here")
    };
    sources.sort_by(|(a, _), (b, _)| (!is_setup(a), a).cmp(&(!is_setup(b), b)));
    Ok(sources.into_iter().map(|(_, source)| source).collect())
}

fn is_setup(path: &str) -> bool {
    path.rsplit('/').next() == Some("setup.py")
}

fn is_python(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("py"))
}

/// A tar archive in gzip.
fn packed(bytes: &[u8]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let unpacked = flate2::read::MultiGzDecoder::new(bytes).take(MOST_BYTES);
    let mut sources = Vec::new();
    for (count, entry) in tar::Archive::new(unpacked).entries()?.enumerate() {
        ensure!(count < MOST_MEMBERS, "more than {MOST_MEMBERS} members");
        let entry = entry.context("the archive ends early")?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && is_python(&path) {
            sources.push((path, source(entry)?));
        }
    }
    Ok(sources)
}

fn zipped(bytes: &[u8]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    ensure!(archive.len() < MOST_MEMBERS, "more than {MOST_MEMBERS} members");
    let mut sources = Vec::new();
    let mut total = 0;
    for index in 0..archive.len() {
        let member = archive.by_index(index)?;
        let path = member.name().to_owned();
        if member.is_file() && is_python(&path) {
            let text = source(member)?;
            total += text.len() as u64;
            ensure!(total <= MOST_BYTES, "more than {MOST_BYTES} bytes of source");
            sources.push((path, text));
        }
    }
    Ok(sources)
}

fn source(member: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    member.take(LONGEST_SOURCE).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const FILES: [(&str, &str); 4] = [("a/b.py", "b"), ("a/a.PY", "a"), ("a/setup.py", "s"), ("a/read.me", "r")];

    #[test]
    fn sources_of_a_tar_are_in_order() {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in FILES {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let bytes = tar.into_inner().unwrap().finish().unwrap();
        assert_eq!(python("a.tar.gz", &bytes).unwrap(), [b"s", b"a", b"b"]);
        assert!(python("a.tar.gz", &bytes[..40]).is_err());
    }

    #[test]
    fn sources_of_a_zip_are_in_order() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in FILES {
            zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert_eq!(python("a.whl", &bytes).unwrap(), [b"s", b"a", b"b"]);
        assert!(python("a.rar", b"Rar!").is_err());
    }
}
