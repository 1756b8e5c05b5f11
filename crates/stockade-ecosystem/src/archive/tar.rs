//! Tape archives: POSIX ustar and pax, and the GNU and old forms.
//!
//! Extractors differ in what they do with an archive that is not quite right, and an archive can be made so that the
//! one that looks sees other files than the one that installs. So this reader does not only read: wherever extractors
//! are known to disagree (a size that is stated twice, a link with content, an end mark in the middle, a header whose
//! checksum is wrong), it goes the way that shows most, and says so.

mod tape;

use bytes::Bytes;

pub use tape::{Head, Sort, Step, Tape};

use super::gaps::{Gaps, shown};
use super::{Budget, Entry, Kind};

const BLOCK: usize = 512;
/// The most bytes of a header that only names the next entry.
const MAX_HEADER: u64 = 1 << 20;

/// The most bytes of a name that every entry has: each has a copy.
const MAX_COMMON_NAME: usize = 1024;

const TYPE: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..263;
const PREFIX: std::ops::Range<usize> = 345..500;
const POSIX: &[u8] = b"ustar\0";

type Header = [u8; BLOCK];

/// Whether this begins with a header that counts as one.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    bytes.first_chunk::<BLOCK>().is_some_and(|header| !is_null(header) && has_checksum(header))
}

/// The entries. `data` is shared with them.
pub(super) fn read(data: &Bytes, budget: &mut Budget, gaps: &mut Gaps) -> Vec<Entry> {
    let mut reader = Reader { data, at: 0, pax: Pax::default(), global: Pax::default(), entries: Vec::new(), gaps };
    reader.run(budget);
    reader.entries
}

/// What extended headers say of the entries after them.
#[derive(Debug, Default, Clone)]
struct Pax {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sparse: bool,
}

struct Reader<'a> {
    data: &'a Bytes,
    at: usize,
    /// For the next entry.
    pax: Pax,
    /// For all that follow.
    global: Pax,
    entries: Vec<Entry>,
    gaps: &'a mut Gaps,
}

impl Reader<'_> {
    fn run(&mut self, budget: &mut Budget) {
        let mut ended = false;
        while let Some(header) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<BLOCK>()).copied() {
            self.at = self.at.saturating_add(BLOCK);
            if is_null(&header) {
                if ended {
                    return self.after_the_end();
                }
                ended = true;
                continue;
            }
            if !has_checksum(&header) {
                let at = self.at.saturating_sub(BLOCK);
                self.gaps.malformed(format!("the header at byte {at} has a wrong checksum, and is skipped"));
                continue;
            }
            if ended {
                ended = false;
                self.gaps.malformed("entries follow the archive's end mark, where some extractors stop");
            }
            if self.entry(&header, budget).is_none() {
                return;
            }
        }
        self.after_the_end();
    }

    /// Whatever is left is not an entry, and should be padding.
    fn after_the_end(&mut self) {
        let rest = self.data.get(self.at..).unwrap_or_default();
        if rest.iter().any(|&byte| byte != 0) {
            self.gaps.malformed(format!("{} bytes follow the archive's last entry", rest.len()));
        }
    }

    /// Reads one entry. `None` if there is no telling where the next one is, or there may be no more.
    fn entry(&mut self, header: &Header, budget: &mut Budget) -> Option<()> {
        let Some(stated) = number(&header[124..136]) else {
            self.gaps
                .malformed(format!("the size of {} is no number; what follows was not read", shown(&name(header))));
            self.at = self.data.len();
            return None;
        };
        match header[TYPE] {
            b'x' | b'X' | b'g' | b'L' | b'K' => {
                let content = self.content(stated, MAX_HEADER)?;
                self.extended(header[TYPE], &content);
            }
            kind => self.member(header, kind, stated, budget)?,
        }
        Some(())
    }

    /// Takes the content of an entry of this size, and goes behind it.
    fn content(&mut self, size: u64, limit: u64) -> Option<Bytes> {
        let start = self.at.min(self.data.len());
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let padded = size.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX);
        let end = start.saturating_add(size).min(self.data.len());
        self.at = start.saturating_add(padded).min(self.data.len());
        if end.saturating_sub(start) < size {
            self.gaps.malformed("the archive ends in the middle of an entry");
        }
        if u64::try_from(size).unwrap_or(u64::MAX) > limit {
            self.gaps.limit("an extended header is larger than any name; what follows was not read");
            self.at = self.data.len();
            return None;
        }
        Some(self.data.slice(start..end))
    }

    fn extended(&mut self, kind: u8, content: &[u8]) {
        let text = || until_nul(content);
        match kind {
            b'L' => self.pax.path = Some(text()),
            b'K' => self.pax.link = Some(text()),
            b'g' => {
                let mut global = std::mem::take(&mut self.global);
                records(content, &mut global, self.gaps);
                if global.path.is_some() || global.size.is_some() || global.link.is_some() {
                    self.gaps
                        .malformed("a header names every entry that follows it, which extractors read differently");
                }
                let longest = [&global.path, &global.link].into_iter().flatten().map(String::len).max();
                if longest.is_some_and(|length| length > MAX_COMMON_NAME) {
                    self.gaps.limit("a header gives every entry that follows it a name that is too long");
                    (global.path, global.link) = (None, None);
                }
                self.global = global;
            }
            _ => {
                let mut pax = std::mem::take(&mut self.pax);
                records(content, &mut pax, self.gaps);
                self.pax = pax;
            }
        }
        if matches!(kind, b'L' | b'K') && self.pax.size.is_some() {
            self.gaps.malformed("a header stands between an entry and the header that states its size");
        }
    }

    fn member(&mut self, header: &Header, kind: u8, stated: u64, budget: &mut Budget) -> Option<()> {
        let pax = std::mem::take(&mut self.pax);
        let name = pax.path.or_else(|| self.global.path.clone()).unwrap_or_else(|| name(header));
        let size = self.size(&name, stated, pax.size.or(self.global.size));
        if header[MAGIC] != *POSIX && header[PREFIX].iter().any(|&byte| byte != 0) && header[MAGIC] != *b"\0\0\0\0\0\0"
        {
            self.gaps
                .malformed(format!("{} has a second part of a name that extractors read differently", shown(&name)));
        }
        if pax.sparse || kind == b'S' {
            self.gaps.malformed(format!("{} is stored with holes; what it unpacks to was not looked at", shown(&name)));
        }
        let is_folder = kind == b'5' || (matches!(kind, 0 | b'0') && name.ends_with('/'));
        if is_folder {
            if size > 0 {
                self.gaps
                    .malformed(format!("{} is a folder with content, which extractors read differently", shown(&name)));
            }
            return Some(());
        }
        if !budget.take_member(self.gaps) {
            return None;
        }
        let content = self.content(size, u64::MAX)?;
        let link = || pax.link.or_else(|| self.global.link.clone()).unwrap_or_else(|| until_nul(&header[157..257]));
        let kind = match kind {
            b'1' => Kind::Hard(link()),
            b'2' => Kind::Symbolic(link()),
            b'3' | b'4' | b'6' => {
                self.gaps.malformed(format!("{} is a device or a pipe", shown(&name)));
                return Some(());
            }
            b'V' | b'D' | b'M' | b'N' => return Some(()),
            kind => {
                if !matches!(kind, 0 | b'0' | b'7' | b'S') {
                    self.gaps.malformed(format!("{} is of a kind that extractors treat differently", shown(&name)));
                }
                Kind::File(content.clone())
            }
        };
        if matches!(kind, Kind::Hard(_) | Kind::Symbolic(_)) && !content.is_empty() {
            self.gaps.malformed(format!("{} is a link with content, which extractors read differently", shown(&name)));
        }
        let mode = number(&header[100..108]).unwrap_or(0);
        self.entries.push(Entry { name, kind, executable: mode & 0o111 != 0 });
        Some(())
    }

    /// The size that counts, of the header's and the extended header's.
    fn size(&mut self, name: &str, stated: u64, extended: Option<u64>) -> u64 {
        let Some(size) = extended else { return stated };
        if stated != 0 && stated != size {
            let name = shown(name);
            self.gaps
                .malformed(format!("{name} has two sizes, {stated} and {size}, which extractors read differently"));
        }
        size
    }
}

/// `<length> <key>=<value>\n`, repeated.
fn records(content: &[u8], pax: &mut Pax, gaps: &mut Gaps) {
    let mut rest = content;
    while !rest.is_empty() {
        let Some((key, value, after)) = record(rest) else {
            if rest.iter().any(|&byte| byte != 0) {
                gaps.malformed("an extended header is not made of records");
            }
            return;
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        match key {
            b"path" | b"GNU.sparse.name" => pax.path = Some(text()),
            b"linkpath" => pax.link = Some(text()),
            b"size" => match text().parse() {
                Ok(size) => pax.size = Some(size),
                Err(_) => gaps.malformed("an extended header states a size that is no number"),
            },
            _ => pax.sparse |= key.starts_with(b"GNU.sparse."),
        }
        rest = after;
    }
}

fn is_null(header: &Header) -> bool {
    header.iter().all(|&byte| byte == 0)
}

/// The checksum counts itself as blanks; old writers added signed bytes.
fn has_checksum(header: &Header) -> bool {
    let Some(stated) = number(&header[148..156]) else { return false };
    let blanked = || header.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { b' ' } else { byte });
    let unsigned: u64 = blanked().map(u64::from).sum();
    let signed: i64 = blanked().map(|byte| i64::from(byte.cast_signed())).sum();
    stated == unsigned || i64::try_from(stated) == Ok(signed)
}

/// An octal number between blanks, or a big-endian one if the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first == 0x80 {
        return rest.iter().try_fold(0_u64, |value, &byte| value.checked_mul(256)?.checked_add(u64::from(byte)));
    }
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    let text = std::str::from_utf8(field.get(..end)?).ok()?.trim_matches(' ');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn name(header: &Header) -> String {
    let name = until_nul(&header[0..100]);
    let prefix = until_nul(&header[PREFIX]);
    if header[MAGIC] == *POSIX && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

fn until_nul(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// The key and value of the first record, and what follows it.
fn record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = content.iter().position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(content.get(..blank)?).ok()?.parse().ok()?;
    let body = content.get(blank.checked_add(1)?..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    Some((body.get(..equals)?, body.get(equals.checked_add(1)?..)?, content.get(length..)?))
}
