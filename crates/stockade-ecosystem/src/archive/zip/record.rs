//! The records of a zip archive: fixed fields, little-endian, then a name, extra fields and a comment.

use crate::archive::gaps::{Gaps, shown};

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const END: &[u8] = b"PK\x05\x06";
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCATOR: &[u8] = b"PK\x06\x07";
const END64: &[u8] = b"PK\x06\x06";

/// The lengths of the fixed parts.
const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;
const LOCATOR_LENGTH: usize = 20;
/// How far before the end of the file the directory's end may stand: behind it is a comment of at most 65,535 bytes.
const MAX_TAIL: usize = END_LENGTH + 0xffff;

/// A field that is too large stands in an extra field with this number.
const EXTRA_ZIP64: u16 = 0x0001;
/// The name once more, in Unicode.
const EXTRA_NAME: u16 = 0x7075;
/// Says that a field stands elsewhere.
const ELSEWHERE: u32 = u32::MAX;
const ELSEWHERE_SHORT: u16 = u16::MAX;

/// Where the directory is.
#[derive(Debug)]
pub(super) struct Directory {
    /// The byte where it begins.
    pub(super) start: usize,
    /// The byte after it.
    end: usize,
    /// How many entries it says it has.
    count: u64,
    /// How many bytes stand before the archive. Offsets do not count them.
    pub(super) prefix: usize,
}

/// An entry of the directory.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) checksum: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) raw_name: Vec<u8>,
    pub(super) name: String,
    attributes: u32,
}

/// The header in front of an entry's content.
#[derive(Debug)]
pub(super) struct Local<'a> {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) checksum: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) raw_name: &'a [u8],
    /// The byte where the content begins.
    pub(super) content: usize,
}

impl Directory {
    /// The last one counts, as for every installer.
    pub(super) fn find(data: &[u8], gaps: &mut Gaps) -> Option<Self> {
        let tail = data.len().saturating_sub(MAX_TAIL);
        let window = data.get(tail..)?;
        let places = window.windows(END.len()).enumerate().filter(|(_, bytes)| *bytes == END);
        let places: Vec<usize> = places.map(|(at, _)| tail.saturating_add(at)).collect();
        let (&end, before) = places.split_last()?;
        let reaches = |at: usize| {
            let comment = usize::from(short(data, at.saturating_add(20))?);
            Some(at.saturating_add(END_LENGTH).saturating_add(comment))
        };
        if reaches(end)? != data.len() {
            gaps.malformed("data follows the end of the archive");
        }
        if before.iter().any(|&at| reaches(at) == Some(data.len())) {
            gaps.malformed("it has two directories, and extractors differ in which one they read");
        }
        Self::at(data, end, gaps)
    }

    fn at(data: &[u8], end: usize, gaps: &mut Gaps) -> Option<Self> {
        let mut count = u64::from(short(data, end.checked_add(10)?)?);
        let mut size = u64::from(long(data, end.checked_add(12)?)?);
        let mut offset = u64::from(long(data, end.checked_add(16)?)?);
        let mut last = end;
        if short(data, end.checked_add(4)?)? != 0 && count != u64::from(ELSEWHERE_SHORT) {
            gaps.malformed("it is one of several parts");
        }
        if let Some((at, wide)) = wide_end(data, end) {
            let elsewhere = [u64::from(ELSEWHERE_SHORT), u64::from(ELSEWHERE), u64::from(ELSEWHERE)];
            let narrow = [count, size, offset];
            if (0..3).any(|field| narrow[field] != elsewhere[field] && narrow[field] != wide[field]) {
                gaps.malformed("its two ends describe different directories");
            }
            [count, size, offset] = wide;
            last = at;
        }
        let start = last.checked_sub(usize::try_from(size).ok()?)?;
        let prefix = start.checked_sub(usize::try_from(offset).ok()?)?;
        if prefix > 0 {
            gaps.malformed(format!("{prefix} bytes stand before the archive"));
        }
        Some(Self { start, end: last, count, prefix })
    }

    /// The entries, as far as they can be read.
    pub(super) fn records(&self, data: &[u8], gaps: &mut Gaps) -> Vec<Record> {
        let mut records = Vec::new();
        let mut at = self.start;
        while at < self.end && records.len() <= super::super::MAX_MEMBERS {
            let Some((record, next)) = Record::at(data, at, self.end, gaps) else {
                gaps.malformed("the archive's directory is broken; entries may be missing");
                return records;
            };
            records.push(record);
            at = next;
        }
        if u64::try_from(records.len()) != Ok(self.count) {
            let (count, found) = (self.count, records.len());
            gaps.malformed(format!("the archive's directory has {found} entries, where its end says {count}"));
        }
        records
    }
}

impl Record {
    fn at(data: &[u8], at: usize, end: usize, gaps: &mut Gaps) -> Option<(Self, usize)> {
        let data = data.get(..end)?;
        let field = |offset: usize| short(data, at.checked_add(offset)?);
        let wide = |offset: usize| long(data, at.checked_add(offset)?);
        if data.get(at..)?.get(..CENTRAL.len())? != CENTRAL {
            return None;
        }
        let name_end = at.checked_add(CENTRAL_LENGTH)?.checked_add(usize::from(field(28)?))?;
        let extra_end = name_end.checked_add(usize::from(field(30)?))?;
        let next = extra_end.checked_add(usize::from(field(32)?))?;
        let raw_name = data.get(at.checked_add(CENTRAL_LENGTH)?..name_end)?.to_vec();
        let extra = data.get(name_end..extra_end)?;
        data.get(extra_end..next)?;
        let name = String::from_utf8_lossy(&raw_name).into_owned();
        if extra_field(extra, EXTRA_NAME).and_then(|extra| extra.get(5..)).is_some_and(|other| *other != raw_name) {
            gaps.malformed(format!("{} has a second name, and extractors differ in which one they use", shown(&name)));
        }
        let mut numbers = Wide::of(extra);
        let size = numbers.resolve(wide(24)?)?;
        let compressed = numbers.resolve(wide(20)?)?;
        let offset = numbers.resolve(wide(42)?)?;
        let (flags, method, checksum, attributes) = (field(8)?, field(10)?, wide(16)?, wide(38)?);
        Some((Self { flags, method, checksum, compressed, size, offset, raw_name, name, attributes }, next))
    }

    /// The Unix mode, 0 if there is none.
    pub(super) fn mode(&self) -> u32 {
        self.attributes >> 16
    }
}

impl<'a> Local<'a> {
    pub(super) fn at(data: &'a [u8], at: usize) -> Option<Self> {
        let field = |offset: usize| short(data, at.checked_add(offset)?);
        let wide = |offset: usize| long(data, at.checked_add(offset)?);
        if data.get(at..)?.get(..LOCAL.len())? != LOCAL {
            return None;
        }
        let name_start = at.checked_add(LOCAL_LENGTH)?;
        let name_end = name_start.checked_add(usize::from(field(26)?))?;
        let content = name_end.checked_add(usize::from(field(28)?))?;
        let raw_name = data.get(name_start..name_end)?;
        let mut numbers = Wide::of(data.get(name_end..content)?);
        let size = numbers.resolve(wide(22)?)?;
        let compressed = numbers.resolve(wide(18)?)?;
        let (flags, method, checksum) = (field(6)?, field(8)?, wide(14)?);
        Some(Self { flags, method, checksum, compressed, size, raw_name, content })
    }
}

/// The values of fields that are too large for their place, in their order.
struct Wide<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Wide<'a> {
    fn of(extra: &'a [u8]) -> Self {
        Self { rest: extra_field(extra, EXTRA_ZIP64) }
    }

    fn resolve(&mut self, narrow: u32) -> Option<u64> {
        let Some(rest) = self.rest.filter(|_| narrow == ELSEWHERE) else { return Some(u64::from(narrow)) };
        let (value, rest) = rest.split_first_chunk::<8>()?;
        self.rest = Some(rest);
        Some(u64::from_le_bytes(*value))
    }
}

/// The content of the first extra field with this number.
fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let id = short(extra, 0)?;
        let end = usize::from(short(extra, 2)?).checked_add(4)?;
        if id == wanted {
            return extra.get(4..end);
        }
        extra = extra.get(end..)?;
    }
}

/// Where the wide end of the directory is, and its count, size and offset.
fn wide_end(data: &[u8], end: usize) -> Option<(usize, [u64; 3])> {
    let locator = data.get(end.checked_sub(LOCATOR_LENGTH)?..end)?;
    if !locator.starts_with(LOCATOR) {
        return None;
    }
    let stated = usize::try_from(quad(locator, 8)?).ok()?;
    // Bytes before the archive move it, so it is looked for where it ends if it is not where it should be.
    let is_there = |at: &usize| data.get(*at..).is_some_and(|rest| rest.starts_with(END64));
    let adjacent = end.checked_sub(LOCATOR_LENGTH)?.checked_sub(END64_LENGTH);
    let at = Some(stated).filter(is_there).or_else(|| adjacent.filter(is_there))?;
    let field = |offset: usize| quad(data, at.checked_add(offset)?);
    Some((at, [field(32)?, field(40)?, field(48)?]))
}

/// The length of the wide end without extensions.
const END64_LENGTH: usize = 56;

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

fn long(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

fn quad(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*data.get(at..)?.first_chunk()?))
}
