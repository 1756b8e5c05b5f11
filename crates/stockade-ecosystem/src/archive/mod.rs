//! Unpacking, in memory, of what nobody has looked at yet.
//!
//! An extractor is where hostile bytes first meet a program, so this one writes nothing, follows nothing and has a limit
//! for everything. What it cannot unpack, and what another extractor would unpack differently, is a gap: an archive that
//! shows two programs two contents must not pass because we happened to see the harmless one.
//!
//! Each ecosystem knows the formats of its artifacts ([`ArtifactFormat`]) and what their manifests run. [`open`] is for
//! a file whose ecosystem is known, [`open_any`] finds it out by the content, and [`of_directory`] treats a folder on
//! disk, read by the caller, like an archive.

mod format;
mod gaps;
mod gzip;
mod nested;
mod place;
mod role;
mod select;
mod tar;
mod text;
mod tools;
mod zip;

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;
use stockade_model::Tree;

pub use format::{
    ArtifactFormat, FORMATS, Files, Likeness, Manifest, ReleaseOf, are_of_one_release, of_directory, open, open_any,
};
pub(crate) use gaps::shown;
pub use place::Root;
pub use role::is_test_or_doc;
pub(crate) use select::{Selected, select};
pub use tar::{Head, Sort, Step, Tape};
pub(crate) use text::{Element, Lines, MAX_SEARCHED, extension, find_line, inside, lossy, xml};

use gaps::Gaps;
use nested::unpack as unpack_nested;

/// The most bytes that one artifact unpacks to, everything nested included: 256 MiB.
pub const MAX_UNPACKED: usize = 256 << 20;
/// The most bytes of an artifact and of what it unpacks to together: 320 MiB. Both are in memory at once.
pub const MAX_HELD: usize = 320 << 20;
/// The most bytes of one file: 256 MiB.
pub const MAX_MEMBER: usize = 256 << 20;
/// The most files of one artifact, everything nested included.
pub const MAX_MEMBERS: usize = 200_000;
/// How many times its own size an archive may unpack to, if that is more than [`RATIO_FLOOR`].
pub const MAX_RATIO: usize = 200;
/// What an archive may unpack to in any case: small files that are all alike compress a thousandfold. 64 MiB.
pub const RATIO_FLOOR: usize = 64 << 20;

/// An entry of an archive, under its name there.
#[derive(Debug)]
struct Entry {
    name: String,
    kind: Kind,
    executable: bool,
}

#[derive(Debug)]
enum Kind {
    File(Bytes),
    /// The file at this path, once more.
    Hard(String),
    /// Whatever is at this path, seen from the entry.
    Symbolic(String),
}

/// What is left of the limits.
#[derive(Debug)]
struct Budget {
    bytes: usize,
    members: usize,
}

impl Budget {
    /// The limits, where so many bytes are in memory already.
    fn new(held: usize) -> Self {
        Self { bytes: MAX_HELD.saturating_sub(held).min(MAX_UNPACKED), members: MAX_MEMBERS }
    }

    /// Counts one more entry. False if it is one too many.
    fn take_member(&mut self, gaps: &mut Gaps) -> bool {
        if self.members == 0 {
            gaps.limit(format!("it has more than {MAX_MEMBERS} entries; the rest was not looked at"));
            return false;
        }
        self.members -= 1;
        true
    }

    /// To how many bytes an archive of this size may unpack.
    fn limit(&self, size: usize) -> usize {
        size.saturating_mul(MAX_RATIO).max(RATIO_FLOOR).min(self.bytes)
    }
}

/// The files of an archive of any kind that is known, without what a manifest says.
pub fn unpack(bytes: &Bytes, root: Root) -> Tree {
    let mut gaps = Gaps::default();
    let mut budget = Budget::new(bytes.len());
    let entries = contents("", bytes, &mut budget, &mut gaps);
    if entries.is_none() {
        gaps.malformed("it is no archive of a known kind");
    }
    let mut members = place::place(&entries.unwrap_or_default(), root, &mut gaps);
    unpack_nested(&mut members, &mut budget, &mut gaps);
    Tree { members, gaps: gaps.into_vec(), ..Tree::default() }
}

/// Whether this begins as an archive does that can be read.
fn is_archive(bytes: &[u8]) -> bool {
    zip::is_zip(bytes) || gzip::is_gzip(bytes) || tar::is_tar(bytes)
}

/// The entries of an archive. `None` if it is none. `name` tells what a compressed file is called inside.
fn contents(name: &str, bytes: &Bytes, budget: &mut Budget, gaps: &mut Gaps) -> Option<Vec<Entry>> {
    let limit = budget.limit(bytes.len());
    let entries = if zip::is_zip(bytes) || (is_zip_name(name) && zip::ends_as_zip(bytes)) {
        let entries = zip::read(bytes, limit, budget, gaps, &mut |_| true);
        budget.bytes = budget.bytes.saturating_sub(unpacked(&entries));
        entries
    } else if gzip::is_gzip(bytes) {
        let data = gzip::decompress(bytes, limit, gaps);
        budget.bytes = budget.bytes.saturating_sub(data.len());
        if tar::is_tar(&data) || data.iter().all(|&byte| byte == 0) {
            let mut entries = tar::read(&data, budget, gaps);
            part(&mut entries, data);
            entries
        } else {
            vec![Entry { name: without_gz(name), kind: Kind::File(data), executable: false }]
        }
    } else if tar::is_tar(bytes) {
        tar::read(bytes, budget, gaps)
    } else {
        let compression = unsupported(bytes)?;
        gaps.malformed(format!("compression {compression} is not supported, and nothing was looked at"));
        Vec::new()
    };
    Some(within_limit(entries, gaps))
}

/// How many bytes of a buffer are given back at once: 1 MiB.
const GIVEN_BACK: usize = 1 << 20;
/// How many bytes are decompressed at once: 16 KiB.
const PART: usize = 16 << 10;

/// Reads everything, up to one byte more than the limit. The buffer grows by a quarter: one that doubles would hold
/// twice the content in the end, and there may be no room for that.
fn read_all(reader: &mut impl Read, limit: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; PART];
    loop {
        let room = limit.saturating_add(1).saturating_sub(out.len()).min(PART);
        let read = match reader.read(part.get_mut(..room).unwrap_or_default()) {
            Ok(0) => return Ok(()),
            Ok(read) => part.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if out.capacity().saturating_sub(out.len()) < read.len() {
            out.reserve_exact(read.len().max(out.len() / 4));
        }
        out.extend_from_slice(read);
    }
}

/// Gives each entry a buffer of its own in place of a part of one that they share, which is let go from its end on. Then
/// whoever goes through the files can let go of each.
fn part(entries: &mut [Entry], shared: Bytes) {
    let start = shared.as_ptr().addr();
    let mut places = Vec::with_capacity(entries.len());
    for entry in entries.iter_mut() {
        if let Kind::File(bytes) = &mut entry.kind {
            let from = bytes.as_ptr().addr().saturating_sub(start);
            let length = std::mem::take(bytes).len();
            places.push((from, length, bytes));
        }
    }
    places.sort_unstable_by_key(|(from, ..)| *from);
    let mut shared = Vec::from(shared);
    for (from, length, bytes) in places.into_iter().rev() {
        *bytes = shared.get(from..from.saturating_add(length)).map(Bytes::copy_from_slice).unwrap_or_default();
        shared.truncate(from);
        if shared.capacity().saturating_sub(shared.len()) > GIVEN_BACK {
            shared.shrink_to_fit();
        }
    }
}

/// Programs that load these read the directory at the end, whatever the file begins with.
fn is_zip_name(name: &str) -> bool {
    matches!(
        extension(name).to_ascii_lowercase().as_str(),
        "zip" | "whl" | "egg" | "jar" | "war" | "ear" | "aar" | "pyz" | "vsix" | "hpi" | "jpi"
    )
}

fn unpacked(entries: &[Entry]) -> usize {
    let length = |entry: &Entry| if let Kind::File(bytes) = &entry.kind { bytes.len() } else { 0 };
    entries.iter().map(length).fold(0, usize::saturating_add)
}

/// Files that are too large are left out.
fn within_limit(mut entries: Vec<Entry>, gaps: &mut Gaps) -> Vec<Entry> {
    entries.retain(|entry| {
        let fits = !matches!(&entry.kind, Kind::File(bytes) if bytes.len() > MAX_MEMBER);
        if !fits {
            let name = gaps::shown(&entry.name);
            gaps.limit(format!("{name} has more than {MAX_MEMBER} bytes, and was not looked at"));
        }
        fits
    });
    entries
}

fn without_gz(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ")).filter(|stem| !stem.is_empty());
    stem.unwrap_or("content").to_owned()
}

/// Compressions that exist, and that no current upload of a package uses.
fn unsupported(bytes: &[u8]) -> Option<&'static str> {
    let magics: [(&[u8], &str); 5] = [
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "rar"),
    ];
    magics.into_iter().find_map(|(magic, name)| bytes.starts_with(magic).then_some(name))
}
