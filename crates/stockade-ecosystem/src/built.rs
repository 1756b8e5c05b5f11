//! What is built of releases and carries their names in itself: programs, and archives of compiled code.
//!
//! A lockfile says what was chosen and an installed tree what is there, but what is shipped has often neither. Compilers
//! and packers leave a list in it. What has none cannot be told by looking, and it is said of archives of releases that
//! they have none.

use std::io::{Read, Seek};

use bytes::Bytes;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{FileKind, ReadCache, ReadRef};
use stockade_model::{Gap, GapKind};

use crate::{Locked, Parsed};

/// The most architectures of one file that are looked at.
const MAX_ARCHITECTURES: usize = 6;
/// The most bytes of a part of a program for several architectures: 512 MiB.
const MAX_PART: u64 = 512 << 20;
/// How many bytes of a file tell whether it is a program.
pub const MAGIC: usize = 8;
/// The lowest version of a class file: fat programs of macOS begin like one, with the number of their parts there.
const OLDEST_CLASS: u32 = 45;

/// What something built says.
#[derive(Debug, Default)]
pub struct Contents {
    /// The lists in it.
    pub lists: Vec<List>,
    /// What in it is a release and does not say which: paths inside, empty for the file itself.
    pub nameless: Vec<String>,
    /// What could not be unpacked or understood.
    pub gaps: Vec<Gap>,
}

/// A list of releases in something built.
#[derive(Debug)]
pub struct List {
    /// The path inside; empty if it is in the file itself.
    pub place: String,
    /// What sort of list it is.
    pub kind: &'static str,
    /// The releases.
    pub parsed: Parsed<Vec<Locked>>,
}

/// A sort of archive that is built of releases.
pub(crate) struct Packed {
    /// True of the paths of its files.
    pub(crate) matches: fn(path: &str) -> bool,
    /// Reads one.
    pub(crate) read: fn(path: &str, bytes: &Bytes) -> Contents,
}

static PACKED: &[&Packed] = &[&crate::maven::JARS, &crate::pypi::WHEELS];

/// Whether the file at this path is an archive that is built of releases.
pub fn is_packed(path: &str) -> bool {
    PACKED.iter().any(|packed| (packed.matches)(path))
}

/// Whether this begins as an executable or a library does: ELF, PE or Mach-O.
pub fn is_program(bytes: &[u8]) -> bool {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..]
        | [b'M', b'Z', ..]
        | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, a, b, c, d, ..] => {
            (1..OLDEST_CLASS).contains(&u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => false,
    }
}

/// What such an archive says.
pub fn packed(path: &str, bytes: &Bytes) -> Contents {
    let reader = PACKED.iter().find(|packed| (packed.matches)(path));
    reader.map_or_else(Contents::default, |packed| (packed.read)(path, bytes))
}

/// What a program says. One that says nothing is made of things that nobody wrote down.
pub fn program(bytes: &[u8]) -> Contents {
    of_program(bytes)
}

/// What a program says, of which only the parts are read that matter: with what is needed to debug it, one has gigabytes.
pub fn program_in(file: impl Read + Seek) -> Contents {
    of_program(&ReadCache::new(file))
}

fn of_program<'d, R: ReadRef<'d>>(data: R) -> Contents {
    let mut contents = Contents::default();
    match FileKind::parse(data) {
        Ok(FileKind::MachOFat32) => match MachOFatFile32::parse(data) {
            Ok(fat) => contents.fat(data, fat.arches()),
            Err(error) => contents.unreadable(&error),
        },
        Ok(FileKind::MachOFat64) => match MachOFatFile64::parse(data) {
            Ok(fat) => contents.fat(data, fat.arches()),
            Err(error) => contents.unreadable(&error),
        },
        Ok(_) => contents.part(data),
        Err(error) => contents.unreadable(&error),
    }
    contents
}

impl Contents {
    /// A program of several parts, one for each architecture.
    fn fat<'d, R: ReadRef<'d>, A: FatArch>(&mut self, data: R, arches: &[A]) {
        let limit = |what: String| Gap::new(GapKind::Limit, what);
        if arches.len() > MAX_ARCHITECTURES {
            let what = format!("it has more than {MAX_ARCHITECTURES} parts; the rest was not looked at");
            self.gaps.push(limit(what));
        }
        for arch in arches.iter().take(MAX_ARCHITECTURES) {
            if arch.file_range().1 > MAX_PART {
                self.gaps.push(limit(format!("a part of it has more than {MAX_PART} bytes, and was not looked at")));
                continue;
            }
            match arch.data(data) {
                Ok(data) => self.part(data),
                Err(error) => self.unreadable(&error),
            }
        }
    }

    fn part<'d, R: ReadRef<'d>>(&mut self, data: R) {
        let part = match object::File::parse(data) {
            Ok(part) => part,
            Err(error) => return self.unreadable(&error),
        };
        let said = [crate::cargo::auditable(&part), crate::golang::buildinfo(&part)];
        let said = said.into_iter().flatten();
        self.lists.extend(said.map(|(kind, parsed)| List { place: String::new(), kind, parsed }));
    }

    fn unreadable(&mut self, error: &object::Error) {
        let what = format!("it begins as a program and cannot be read as one: {error}");
        self.gaps.push(Gap::new(GapKind::Malformed, what));
    }
}

#[cfg(test)]
pub(crate) mod tests;
