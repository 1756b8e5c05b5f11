//! A tape archive of any length, block by block: whoever has the bytes asks what each block is, and keeps of the content what
//! is wanted. A layer of an image has gigabytes, of which a few files matter.

use stockade_model::Gap;

use super::{BLOCK, MAX_HEADER, Pax, TYPE, has_checksum, is_null, name, number, records, until_nul};
use crate::archive::gaps::{Gaps, shown};

/// Where an archive is being read.
#[derive(Debug, Default)]
pub struct Tape {
    pax: Pax,
    global: Pax,
    ended: bool,
    gaps: Gaps,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing that matters: the next one has to be looked at.
    Next,
    /// A header that says more of the next entry: so many bytes follow, which are for [`Tape::extended`].
    Extended(u8, u64),
    /// An entry, whose content follows.
    Entry(Head),
    /// The end, or there is no telling where the next entry is.
    End,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The name, as it is written.
    pub name: String,
    /// What it is.
    pub sort: Sort,
    /// How many bytes of content follow.
    pub size: u64,
    /// It is marked as executable.
    pub executable: bool,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// The file at this path, once more.
    Hard(String),
    /// Whatever is at this path, seen from the entry.
    Symbolic(String),
    /// A device, a pipe, or what no extraction leaves behind.
    Other,
}

impl Tape {
    /// How many bytes a block has.
    pub const BLOCK: usize = BLOCK;

    /// How much of the tape content of this size takes.
    pub fn padded(size: u64) -> u64 {
        size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
    }

    /// What a block is that is no content.
    pub fn block(&mut self, block: &[u8; BLOCK]) -> Step {
        if is_null(block) {
            let again = std::mem::replace(&mut self.ended, true);
            return if again { Step::End } else { Step::Next };
        }
        if !has_checksum(block) {
            self.gaps.malformed("a header has a wrong checksum; what follows was not read");
            return Step::End;
        }
        if std::mem::take(&mut self.ended) {
            self.gaps.malformed("entries follow the archive's end mark, where some extractors stop");
        }
        let Some(stated) = number(&block[124..136]) else {
            self.gaps.malformed(format!("the size of {} is no number; what follows was not read", shown(&name(block))));
            return Step::End;
        };
        match block[TYPE] {
            b'x' | b'X' | b'g' | b'L' | b'K' if stated > MAX_HEADER => {
                self.gaps.limit("an extended header is larger than any name; what follows was not read");
                Step::End
            }
            kind @ (b'x' | b'X' | b'g' | b'L' | b'K') => Step::Extended(kind, stated),
            kind => self.entry(block, kind, stated),
        }
    }

    /// Takes what a header says of the next entry.
    pub fn extended(&mut self, kind: u8, content: &[u8]) {
        match kind {
            b'L' => self.pax.path = Some(until_nul(content)),
            b'K' => self.pax.link = Some(until_nul(content)),
            b'g' => {
                records(content, &mut self.global, &mut self.gaps);
                if self.global.path.is_some() || self.global.size.is_some() || self.global.link.is_some() {
                    self.gaps.malformed("a header names every entry that follows it, which was not followed");
                }
                self.global = Pax::default();
            }
            _ => records(content, &mut self.pax, &mut self.gaps),
        }
    }

    fn entry(&mut self, block: &[u8; BLOCK], kind: u8, stated: u64) -> Step {
        let pax = std::mem::take(&mut self.pax);
        let name = pax.path.unwrap_or_else(|| name(block));
        let link = || pax.link.unwrap_or_else(|| until_nul(&block[157..257]));
        let is_folder = kind == b'5' || (matches!(kind, 0 | b'0') && name.ends_with('/'));
        if pax.sparse || kind == b'S' {
            self.gaps.malformed(format!("{} is stored with holes, and was not looked at", shown(&name)));
        }
        let sort = match kind {
            _ if is_folder => Sort::Folder,
            b'1' => Sort::Hard(link()),
            b'2' => Sort::Symbolic(link()),
            0 | b'0' | b'7' if !pax.sparse => Sort::File,
            _ => Sort::Other,
        };
        // Links have a size in some archives, and no content.
        let size = if matches!(sort, Sort::Hard(_) | Sort::Symbolic(_)) { 0 } else { pax.size.unwrap_or(stated) };
        let executable = number(&block[100..108]).unwrap_or(0) & 0o111 != 0;
        Step::Entry(Head { name, sort, size, executable })
    }

    /// The archive broke off.
    pub fn broke_off(&mut self) {
        self.gaps.malformed("the archive ends in the middle of an entry");
    }

    /// What was wrong with it.
    pub fn gaps(self) -> Vec<Gap> {
        self.gaps.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of an archive's entries with the first bytes of their content.
    fn entries(archive: &[u8]) -> (Vec<(String, Sort, String)>, Vec<Gap>) {
        let (mut tape, mut at, mut found) = (Tape::default(), 0, Vec::new());
        while let Some(block) = archive.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            at += BLOCK;
            let take = |size: u64| archive[at..].get(..usize::try_from(size).unwrap()).unwrap_or_default();
            match tape.block(block) {
                Step::Next => {}
                Step::Extended(kind, size) => {
                    tape.extended(kind, take(size));
                    at += usize::try_from(Tape::padded(size)).unwrap();
                }
                Step::Entry(head) => {
                    found.push((head.name, head.sort, String::from_utf8_lossy(take(head.size)).into_owned()));
                    at += usize::try_from(Tape::padded(head.size)).unwrap();
                }
                Step::End => break,
            }
        }
        (found, tape.gaps())
    }

    fn archive(files: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            if kind.is_file() {
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, name, content.as_bytes()).unwrap();
            } else {
                header.set_size(0);
                builder.append_link(&mut header, name, content).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn entries_are_told_with_their_long_names_and_links() {
        let long = format!("{}/left.txt", "a".repeat(200));
        let files = [
            ("one.txt", tar::EntryType::Regular, "1"),
            (long.as_str(), tar::EntryType::Regular, "2"),
            ("link", tar::EntryType::Symlink, "one.txt"),
            ("hard", tar::EntryType::Link, long.as_str()),
        ];
        let (found, gaps) = entries(&archive(&files));
        let expected = [
            ("one.txt".to_owned(), Sort::File, "1".to_owned()),
            (long.clone(), Sort::File, "2".to_owned()),
            ("link".to_owned(), Sort::Symbolic("one.txt".to_owned()), String::new()),
            ("hard".to_owned(), Sort::Hard(long.clone()), String::new()),
        ];
        assert_eq!((found, gaps), (expected.to_vec(), Vec::new()));
    }

    #[test]
    fn what_is_broken_is_said() {
        let mut bytes =
            archive(&[("one.txt", tar::EntryType::Regular, "1"), ("two.txt", tar::EntryType::Regular, "2")]);
        bytes[2 * BLOCK] ^= 1;
        let (found, gaps) = entries(&bytes);
        assert_eq!((found.len(), gaps.len()), (1, 1), "{gaps:?}");
        bytes[2 * BLOCK] ^= 1;
        bytes[124] = b'z';
        assert_eq!(entries(&bytes).1.len(), 1);
    }
}
