//! Zip archives, read by their central directory and reconciled with their local headers.
//!
//! A zip says everything twice: at each entry, and in a directory at the end. Installers read the one, scanners often
//! the other, and an archive whose halves differ shows each of them something else. So both are read here, and where
//! they differ, that is said: names, sizes, methods, entries that only one half has, entries that share bytes, and a
//! second directory in the first one's comment. A zip stored inside a zip is no such trick: only the outermost directory
//! counts.

mod record;

use bytes::Bytes;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use self::record::{Directory, LOCAL, Local, Record};
use super::gaps::{Gaps, shown};
use super::{Budget, Entry, Kind, MAX_MEMBER, MAX_RATIO, read_all};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Set in the flags of an entry that is encrypted.
const ENCRYPTED: u16 = 1;
/// Set if sizes and checksum stand behind the content.
const DESCRIBED: u16 = 1 << 3;
const OVERLAP: &str = "entries of the archive overlap";
const MODE_TYPE: u32 = 0o170_000;
const MODE_LINK: u32 = 0o120_000;

/// Whether this begins as a zip archive does: with an entry, or with the end of an empty one.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL) || bytes.starts_with(record::END)
}

/// Whether this ends as a zip archive does, whatever it begins with.
pub(super) fn ends_as_zip(bytes: &[u8]) -> bool {
    Directory::find(bytes, &mut Gaps::default()).is_some()
}

/// The entries that are chosen by their names. Stored ones share `data`. `limit` bounds what all of them unpack to.
pub(super) fn read(
    data: &Bytes,
    limit: usize,
    budget: &mut Budget,
    gaps: &mut Gaps,
    choose: &mut dyn FnMut(&str) -> bool,
) -> Vec<Entry> {
    let Some(directory) = Directory::find(data, gaps) else {
        gaps.malformed("it has no directory at its end, and none of it was read");
        return Vec::new();
    };
    let mut entries = Vec::new();
    let mut extents = Vec::new();
    let mut room = limit;
    let mut unread = data.len();
    for record in directory.records(data, gaps) {
        if !budget.take_member(gaps) {
            break;
        }
        let Some(content) = compressed(data, &directory, &record, &mut extents, gaps) else { continue };
        // All entries together are no longer than the archive, or they share bytes: then each byte costs many times.
        let Some(left) = unread.checked_sub(content.len()) else {
            gaps.malformed(OVERLAP);
            continue;
        };
        unread = left;
        if choose(&record.name)
            && let Some(entry) = entry(&record, content, &mut room, gaps)
        {
            entries.push(entry);
        }
    }
    extents.sort_unstable();
    check_extents(data, directory.start, &extents, gaps);
    entries
}

/// The bytes of an entry as they are in the archive. Their extent is noted.
fn compressed(
    data: &Bytes,
    directory: &Directory,
    record: &Record,
    extents: &mut Vec<(usize, usize)>,
    gaps: &mut Gaps,
) -> Option<Bytes> {
    let name = shown(&record.name);
    let at = usize::try_from(record.offset).ok().and_then(|offset| offset.checked_add(directory.prefix));
    let Some((at, local)) = at.and_then(|at| Some((at, Local::at(data, at)?))) else {
        gaps.malformed(format!("{name} is only in the archive's directory"));
        return None;
    };
    let size = usize::try_from(record.compressed).unwrap_or(usize::MAX);
    let end = local.content.saturating_add(size);
    extents.push((at, end));
    if let Some(what) = difference(record, &local) {
        gaps.malformed(format!("{name} has another {what} in the archive's directory than at its content"));
    }
    if data.len() < end {
        gaps.malformed(format!("{name} is longer than the archive"));
        return None;
    }
    Some(data.slice(local.content..end))
}

/// In what an entry's two headers differ. Sizes that stand behind the content are 0 in front of it.
fn difference(record: &Record, local: &Local) -> Option<&'static str> {
    let later = local.flags & DESCRIBED != 0;
    let differs = |ours: u64, theirs: u64| ours != theirs && !(later && theirs == 0);
    let checks = [
        (record.raw_name != local.raw_name, "name"),
        (record.method != local.method, "compression"),
        ((record.flags ^ local.flags) & (ENCRYPTED | DESCRIBED) != 0, "set of flags"),
        (differs(record.compressed, local.compressed) || differs(record.size, local.size), "size"),
        (differs(u64::from(record.checksum), u64::from(local.checksum)), "checksum"),
    ];
    checks.into_iter().find_map(|(differs, what)| differs.then_some(what))
}

fn entry(record: &Record, content: Bytes, room: &mut usize, gaps: &mut Gaps) -> Option<Entry> {
    let name = shown(&record.name);
    if record.name.ends_with('/') || (record.name.ends_with('\\') && record.size == 0) {
        if record.size > 0 {
            gaps.malformed(format!("{name} is a folder with content, which was not looked at"));
        }
        return None;
    }
    if record.flags & ENCRYPTED != 0 {
        gaps.malformed(format!("{name} is encrypted, and was not looked at"));
        return None;
    }
    let bytes = match record.method {
        STORED if content.len() <= *room => content,
        STORED => {
            gaps.limit(format!("{name} is more than the {room} bytes that are left, and was not looked at"));
            return None;
        }
        DEFLATED => inflate(record, &content, *room, gaps)?,
        method => {
            gaps.malformed(format!("compression {method} of {name} is not supported, and it was not looked at"));
            return None;
        }
    };
    *room = room.saturating_sub(bytes.len());
    verify(record, &bytes, gaps);
    let mode = record.mode();
    if mode & MODE_TYPE == MODE_LINK && leaves(&record.name, &bytes) {
        gaps.malformed(format!("{name} is a link that leaves the package"));
    }
    Some(Entry { name: record.name.clone(), kind: Kind::File(bytes), executable: mode & 0o111 != 0 })
}

/// Installers write a link of a zip as a file with the target as its content, so it is kept as that.
fn leaves(name: &str, target: &[u8]) -> bool {
    super::place::link_target(name, &String::from_utf8_lossy(target)).is_none()
}

fn inflate(record: &Record, content: &[u8], room: usize, gaps: &mut Gaps) -> Option<Bytes> {
    let name = shown(&record.name);
    let limit = room.min(MAX_MEMBER);
    // What is claimed is only a hint: no more is reserved than the content can be deflated from.
    let most = content.len().saturating_mul(MAX_RATIO).min(limit);
    let mut out = Vec::with_capacity(usize::try_from(record.size).unwrap_or(usize::MAX).min(most));
    let mut decoder = DeflateDecoder::new(content);
    let read = read_all(&mut decoder, limit, &mut out);
    out.shrink_to_fit();
    if out.len() > limit {
        gaps.limit(format!("{name} unpacks to more than {limit} bytes, and was not looked at"));
        return None;
    }
    if let Err(error) = read {
        gaps.malformed(format!("{name} cannot be unpacked: {error}"));
    } else if decoder.total_in() != record.compressed {
        gaps.malformed(format!("{name} is shorter than the archive says"));
    }
    Some(out.into())
}

fn verify(record: &Record, bytes: &[u8], gaps: &mut Gaps) {
    let name = shown(&record.name);
    if u64::try_from(bytes.len()) != Ok(record.size) {
        gaps.malformed(format!("{name} has {} bytes, where the archive says {}", bytes.len(), record.size));
        return;
    }
    let mut crc = Crc::new();
    crc.update(bytes);
    if crc.sum() != record.checksum {
        gaps.malformed(format!("{name} does not have the checksum that the archive says"));
    }
}

/// Entries lie side by side: none in another, and none that the directory does not know.
fn check_extents(data: &[u8], directory: usize, extents: &[(usize, usize)], gaps: &mut Gaps) {
    let mut at = 0;
    for &(start, end) in extents.iter().chain(&[(directory, directory)]) {
        if start < at {
            gaps.malformed(OVERLAP);
        }
        let between = data.get(at..start).unwrap_or_default();
        if between.windows(LOCAL.len()).any(|window| window == LOCAL) {
            gaps.malformed(format!("an entry at byte {at} or behind it is not in the archive's directory"));
        }
        at = at.max(end);
    }
}
