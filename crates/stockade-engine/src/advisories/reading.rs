//! From files to a builder. Total: what cannot be read is noted by the builder, and the rest is there.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::Path;

use flate2::read::GzDecoder;
use stockade_advisory::{Builder, Problem};

use super::files;
use super::sources::{Kind, Place};

/// How deep directories are looked through.
pub(crate) const MAX_DEPTH: usize = 8;
/// The longest file in bytes that is read as a whole.
const MAX_WHOLE: u64 = 256 << 20;
/// The first bytes of a zip, and of what gzip packed.
const ZIP: &[u8] = b"PK";
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Adds everything that there is.
pub(super) fn add_all(builder: &mut Builder, places: &[Place]) {
    for place in places {
        builder.source(&place.name);
        add(builder, &place.path, &place.path, 0);
    }
}

/// Adds a folder, or a file by what its name says that it is; one that is named itself is a zip, if nothing else.
fn add(builder: &mut Builder, source: &Path, path: &Path, depth: usize) {
    let name = path.strip_prefix(source).unwrap_or(path).to_string_lossy().into_owned();
    let is = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    let kind = Kind::of_name(path);
    if path.is_dir() {
        add_folder(builder, source, path, depth);
    } else if is("json") {
        match files::read(path, MAX_WHOLE) {
            Ok(record) => drop(builder.add_at(&record, &name)),
            Err(error) => drop(builder.lost(&name, error.to_string())),
        }
    } else if let Some(kind) = kind.or((is("zip") || depth == 0).then_some(Kind::Osv)) {
        builder.within(&name);
        // It is counted where it is met.
        let _ = add_file(builder, path, kind);
        builder.within("");
    }
}

fn add_folder(builder: &mut Builder, source: &Path, path: &Path, depth: usize) {
    let name = path.strip_prefix(source).unwrap_or(path).to_string_lossy().into_owned();
    if depth >= MAX_DEPTH {
        builder.lost(&name, "directories are nested too deeply");
        return;
    }
    match fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => {
            let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
            paths.sort();
            for path in paths {
                add(builder, source, &path, depth + 1);
            }
        }
        Err(error) => drop(builder.lost(&name, error.to_string())),
    }
}

/// Adds a file of a kind. An error says that nothing of it is there.
pub(super) fn add_file(builder: &mut Builder, path: &Path, kind: Kind) -> Result<(), Problem> {
    if kind == Kind::Osv {
        return add_osv(builder, path);
    }
    let bytes = match whole(path) {
        Ok(bytes) => bytes,
        Err(error) => return Err(builder.lost("", error.to_string())),
    };
    if !builder.meet_whole(&bytes) {
        return Ok(());
    }
    match kind {
        Kind::Epss => builder.add_epss(&bytes),
        Kind::Kev => builder.add_kev(&bytes),
        Kind::List | Kind::Osv => builder.add_list(&bytes),
    }
}

/// Adds a zip of records, or one record.
fn add_osv(builder: &mut Builder, path: &Path) -> Result<(), Problem> {
    let opened = files::open(path).and_then(|file| Ok((begin(&file)?, file)));
    let outcome = match opened {
        Ok((begin, file)) if !begin.trim_ascii_start().starts_with(b"{") => {
            return builder.add_zip(BufReader::new(file));
        }
        Ok(_) => files::read(path, MAX_WHOLE),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(record) => builder.add_at(&record, ""),
        Err(error) => Err(builder.lost("", error.to_string())),
    }
}

/// True if a file begins as a zip does.
pub(super) fn is_zip(path: &Path) -> bool {
    files::open(path).and_then(|file| begin(&file)).is_ok_and(|begin| begin.starts_with(ZIP))
}

/// The first bytes of a file, which is then read from its beginning.
fn begin(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(4).read_to_end(&mut bytes)?;
    file.rewind()?;
    Ok(bytes)
}

/// The whole of a file, unpacked if it is packed with gzip.
fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = files::read(path, MAX_WHOLE)?;
    if !bytes.starts_with(GZIP) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes.as_slice()).take(MAX_WHOLE + 1).read_to_end(&mut unpacked)?;
    if unpacked.len() as u64 > MAX_WHOLE {
        return Err(io::Error::other(format!("unpacked, it has more than {MAX_WHOLE} bytes")));
    }
    Ok(unpacked)
}

/// What a file is, by its first bytes and by its name.
pub(super) fn kind_of(path: &Path) -> io::Result<Kind> {
    if let Some(kind) = Kind::of_name(path) {
        return Ok(kind);
    }
    if is_zip(path) {
        return Ok(Kind::Osv);
    }
    let text = whole(path)?;
    let begins = |with: &[u8]| text.starts_with(with);
    Ok(if begins(b"cve,") || begins(b"#model_version") {
        Kind::Epss
    } else if text.trim_ascii_start().starts_with(b"{") {
        let is_catalog = serde_json::from_slice::<Catalog>(&text).is_ok();
        if is_catalog { Kind::Kev } else { Kind::Osv }
    } else {
        Kind::List
    })
}

/// What tells a catalog from a record.
#[derive(serde::Deserialize)]
struct Catalog {
    #[serde(rename = "vulnerabilities")]
    _vulnerabilities: Vec<serde::de::IgnoredAny>,
}
