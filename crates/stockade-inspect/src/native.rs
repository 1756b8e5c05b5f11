//! Native executables and libraries, and WebAssembly: what they import, which words stand in them, and whether they are
//! packed. They are not disassembled: a file that may call anything is reported by what it is linked to.

mod strings;
mod table;
#[cfg(test)]
mod tests;
mod wasm;

use std::collections::BTreeMap;

use object::read::NameOrOrdinal;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{FileKind, Object, ObjectSection, ObjectSymbol};

use crate::capability::Capability;
use crate::facts::{Act, Facts, FileGap, Mark, MarkKind, Moment, Spot};

/// The most acts that one file is said to be able to do.
const MAX_ACTS: usize = 300;
/// The most symbols that are looked at.
const MAX_SYMBOLS: usize = 400_000;
/// The most architectures of one file that are looked at.
const MAX_ARCHITECTURES: usize = 6;
/// The most bytes of a section whose randomness is measured: 8 MiB.
const MAX_MEASURED: usize = 8 * 1024 * 1024;
/// Code has fewer bits of randomness a byte than this; what is compressed or enciphered has more.
const PACKED_BITS: f64 = 7.2;
/// Sections that are smaller say nothing about randomness: 4 KiB.
const MIN_MEASURED: usize = 4096;

/// What was found out so far.
struct Found {
    /// What it can do and to whom, with the import or text that says so.
    acts: BTreeMap<(Capability, String), String>,
    facts: Facts,
}

/// True if the content is a native executable, a library, or WebAssembly.
pub(crate) fn is_native(bytes: &[u8]) -> bool {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..]
        | [0, b'a', b's', b'm', ..]
        | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, a, b, c, d, ..] => {
            // Class files begin alike; what is the number of architectures here is at least 45 there.
            (1..45).contains(&u32::from_be_bytes([*a, *b, *c, *d]))
        }
        [b'M', b'Z', ..] => {
            let at = bytes.get(0x3c..0x40).and_then(|at| at.try_into().ok()).map(u32::from_le_bytes);
            let at = at.and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| bytes.get(at..)).is_some_and(|rest| rest.starts_with(b"PE\0\0"))
        }
        _ => false,
    }
}

/// What a native file can do.
pub(crate) fn facts(bytes: &[u8], path: &str) -> Facts {
    let mut found = Found { acts: BTreeMap::new(), facts: Facts::default() };
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let wide = bytes.starts_with(b"MZ");
    let is_web_assembly = bytes.starts_with(b"\0asm");
    if !is_web_assembly {
        found.object(bytes, path);
    }
    if !is_web_assembly || !found.web_assembly(bytes) {
        found.mark(MarkKind::Native, size, path);
    }
    let networked = found.acts.is_empty() || found.acts.keys().any(|(what, _)| *what == Capability::Network);
    strings::scan(bytes, wide, networked, &mut found);
    found.finish()
}

impl Found {
    fn mark(&mut self, kind: MarkKind, amount: u32, snippet: &str) {
        self.facts.marks.push(Mark { kind, at: spot(snippet), amount });
    }

    fn gap(&mut self, what: &str) {
        self.facts.gaps.push(FileGap { what: what.to_owned(), line: 0, whole: true });
    }

    fn act(&mut self, capability: Capability, detail: &str, snippet: &str) {
        if self.acts.len() < MAX_ACTS {
            let short = |text: &str| text.chars().take(Act::MAX_DETAIL).collect::<String>();
            self.acts.entry((capability, short(detail))).or_insert_with(|| short(snippet));
        }
    }

    /// A function of a library that the file is linked to.
    fn import(&mut self, name: &str, library: &str) {
        for entry in table::find(name) {
            let snippet = if library.is_empty() { name.to_owned() } else { format!("{name} of {library}") };
            self.act(entry.capability, entry.detail.as_deref().unwrap_or(name), &snippet);
        }
    }

    /// True if it imports nothing of a system: such a module reaches only what the code that loads it hands over, and
    /// that code is looked at.
    fn web_assembly(&mut self, bytes: &[u8]) -> bool {
        let Some(imports) = wasm::imports(bytes) else {
            self.gap("the imports of this WebAssembly cannot be followed");
            return false;
        };
        for name in &imports {
            self.import(&format!("wasi.{name}"), "wasi");
        }
        imports.is_empty()
    }

    fn object(&mut self, bytes: &[u8], path: &str) {
        let slices: Vec<&[u8]> = match FileKind::parse(bytes) {
            Ok(FileKind::MachOFat32) => match MachOFatFile32::parse(bytes) {
                Ok(fat) => fat.arches().iter().filter_map(|arch| arch.data(bytes).ok()).collect(),
                Err(_) => Vec::new(),
            },
            Ok(FileKind::MachOFat64) => match MachOFatFile64::parse(bytes) {
                Ok(fat) => fat.arches().iter().filter_map(|arch| arch.data(bytes).ok()).collect(),
                Err(_) => Vec::new(),
            },
            Ok(_) => vec![bytes],
            Err(_) => Vec::new(),
        };
        let mut understood = false;
        for slice in slices.into_iter().take(MAX_ARCHITECTURES) {
            if let Ok(file) = object::File::parse(slice) {
                understood = true;
                self.sections(&file, slice, path);
                self.symbols(&file);
            }
        }
        if !understood {
            self.gap("the headers of this native file cannot be followed");
        }
    }

    fn symbols(&mut self, file: &object::File<'_>) {
        let mut is_static = true;
        for import in file.imports().into_iter().flatten().flatten().take(MAX_SYMBOLS) {
            is_static = false;
            if let NameOrOrdinal::Name(name) = import.name() {
                self.import(&plain(&String::from_utf8_lossy(name)), &String::from_utf8_lossy(import.library()));
            }
        }
        for symbol in file.dynamic_symbols().chain(file.symbols()).take(MAX_SYMBOLS) {
            let Ok(name) = symbol.name() else { continue };
            // Symbols that a file defines itself tell what was linked into it: all of them if it has no imports,
            // and else those that name a package, as Go's do.
            if symbol.is_undefined() || is_static || name.contains('/') || name.contains(".(") {
                self.import(&plain(name), "");
            }
        }
    }

    /// Names and randomness of sections: whether the code is packed.
    fn sections(&mut self, file: &object::File<'_>, bytes: &[u8], path: &str) {
        let mut packed = bytes.get(..MIN_MEASURED).unwrap_or(bytes).windows(4).any(|four| four == b"UPX!");
        let mut any = false;
        for section in file.sections() {
            any = true;
            let name = section.name().unwrap_or_default();
            packed |= ["UPX0", "UPX1", ".upx", ".vmp0", ".themida", ".aspack", ".petite"].contains(&name);
            let is_code = section.kind() == object::SectionKind::Text;
            if is_code && let Ok(data) = section.data() {
                packed |= data.len() >= MIN_MEASURED && entropy(data) > PACKED_BITS;
            }
        }
        packed |= !any && bytes.len() >= MIN_MEASURED && entropy(bytes) > PACKED_BITS;
        if packed && !self.facts.marks.iter().any(|mark| mark.kind == MarkKind::Packed) {
            let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.mark(MarkKind::Packed, size, path);
        }
    }

    fn finish(self) -> Facts {
        let mut facts = self.facts;
        facts.acts =
            self.acts.into_iter().map(|((capability, detail), snippet)| act(capability, detail, &snippet)).collect();
        facts
    }
}

/// Nothing is known of when it happens, so it is taken to happen when the file is loaded.
fn act(capability: Capability, detail: String, snippet: &str) -> Act {
    let (layers, conditions) = (Vec::new(), Vec::new());
    Act { capability, detail, at: spot(snippet), function: None, moment: Moment::Load, layers, conditions }
}

fn spot(snippet: &str) -> Spot {
    Spot { line: 1, column: 1, snippet: snippet.to_owned() }
}

/// A symbol without what formats put around it: `_connect`, `connect@GLIBC_2.2.5`, `__imp_connect`.
fn plain(name: &str) -> String {
    let name = name.split('@').next().unwrap_or(name);
    let name = name.strip_prefix("__imp_").unwrap_or(name);
    name.trim_start_matches('_').trim_end_matches("$INODE64").to_owned()
}

/// Bits of randomness a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let bytes = bytes.get(..MAX_MEASURED).unwrap_or(bytes);
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).max(1.0);
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}
