//! What is built of releases and carries their names in itself: programs, and archives of compiled code.
//!
//! A lockfile says what was chosen and an installed tree what is there, but what is shipped has often neither. Compilers
//! and packers leave a list in it. What has none cannot be told by looking, and it is said of archives of releases that
//! they have none.

use bytes::Bytes;
use object::FileKind;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use stockade_model::{Gap, GapKind};

use crate::{Locked, Parsed};

/// The most architectures of one file that are looked at.
const MAX_ARCHITECTURES: usize = 6;
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

/// A reader of one part of a program: the kind of the list and the list, if there is one.
pub(crate) type OfProgram = fn(&object::File<'_>) -> Option<(&'static str, Parsed<Vec<Locked>>)>;

static PACKED: &[&Packed] = &[&crate::maven::JARS, &crate::pypi::WHEELS];
static PROGRAMS: &[OfProgram] = &[crate::cargo::auditable, crate::golang::buildinfo];

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
    let mut contents = Contents::default();
    let (slices, more) = parts(bytes);
    if more {
        let what = format!("it has more than {MAX_ARCHITECTURES} parts; the rest was not looked at");
        contents.gaps.push(Gap::new(GapKind::Limit, what));
    }
    for slice in slices {
        let part = match object::File::parse(slice) {
            Ok(part) => part,
            Err(error) => {
                let what = format!("it begins as a program and cannot be read as one: {error}");
                contents.gaps.push(Gap::new(GapKind::Malformed, what));
                continue;
            }
        };
        let said = PROGRAMS.iter().filter_map(|reader| reader(&part));
        contents.lists.extend(said.map(|(kind, parsed)| List { place: String::new(), kind, parsed }));
    }
    contents
}

/// The parts of a program, one for each architecture, and whether there are more.
fn parts(bytes: &[u8]) -> (Vec<&[u8]>, bool) {
    fn fat<'a, A: FatArch>(bytes: &'a [u8], arches: &[A]) -> (Vec<&'a [u8]>, bool) {
        let data = arches.iter().take(MAX_ARCHITECTURES).map(|arch| arch.data(bytes).unwrap_or_default());
        (data.collect(), arches.len() > MAX_ARCHITECTURES)
    }
    match FileKind::parse(bytes) {
        Ok(FileKind::MachOFat32) => {
            MachOFatFile32::parse(bytes).map_or((vec![bytes], false), |f| fat(bytes, f.arches()))
        }
        Ok(FileKind::MachOFat64) => {
            MachOFatFile64::parse(bytes).map_or((vec![bytes], false), |f| fat(bytes, f.arches()))
        }
        _ => (vec![bytes], false),
    }
}

#[cfg(test)]
pub(crate) mod tests;
