//! One layer of an image: an archive of what it adds, with a file `.wh.NAME` for each `NAME` that it deletes of what is below.

use std::io::{self, BufRead, BufReader, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use stockade_ecosystem::archive::{Head, Sort, Step, Tape};

use super::super::{Seen, Wanted, is_program, look, look::MAGIC, wanted};
use super::Reader;
use super::merged::Merged;
use super::store::inside;

/// The most bytes of one file that is looked at: 256 MiB.
const MAX_FILE: u64 = 256 << 20;
/// How many times its own size a layer may unpack to, if that is more than [`RATIO_FLOOR`].
const MAX_RATIO: u64 = 200;
const RATIO_FLOOR: u64 = 256 << 20;
/// The most bytes that a layer unpacks to: 64 GiB.
const MAX_UNPACKED: u64 = 64 << 30;
/// The most entries of a layer.
const MAX_ENTRIES: usize = 5_000_000;
/// The most bytes of a path, and the most folders above a file.
const MAX_PATH: usize = 4096;
/// How many things that could not be looked at are told of a layer.
const MAX_GAPS: usize = 100;
const DELETED: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Frames of zstd without content: from this number on, for sixteen.
const ZSTD_SKIPPED: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

/// A layer that is being read.
pub(super) struct Layer<'a> {
    /// What the image is called where its files are told.
    image: &'a str,
    limit: u64,
    own: Merged,
    gaps: Vec<String>,
}

impl<'a> Layer<'a> {
    /// Of an image, with so many bytes as it is stored.
    pub(super) fn new(image: &'a str, size: u64) -> Self {
        let limit = size.saturating_mul(MAX_RATIO).clamp(RATIO_FLOOR, MAX_UNPACKED);
        Self { image, limit, own: Merged::default(), gaps: Vec::new() }
    }

    /// Puts the layer onto those below, and says what could not be looked at.
    pub(super) fn read(mut self, reader: Reader<'_>, lower: &mut Merged) -> Vec<String> {
        let mut tape = Tape::default();
        let read = unpacked(reader).and_then(|reader| {
            let mut reader = reader.take(self.limit);
            self.entries(&mut tape, &mut reader, lower)?;
            Ok(reader.limit() == 0)
        });
        match read {
            Ok(true) => self.gap(format!("it unpacks to more than {} bytes; the rest was not looked at", self.limit)),
            Ok(false) => {}
            Err(error) => self.gap(format!("it could not be read to its end: {error}")),
        }
        for gap in tape.gaps() {
            self.gap(gap.detail);
        }
        lower.cover(self.own);
        self.gaps
    }

    fn gap(&mut self, what: String) {
        match self.gaps.len() {
            0..MAX_GAPS => self.gaps.push(what),
            MAX_GAPS => self.gaps.push("there is more that could not be looked at".to_owned()),
            _ => {}
        }
    }

    fn entries(&mut self, tape: &mut Tape, reader: &mut impl Read, lower: &mut Merged) -> io::Result<()> {
        for _ in 0..MAX_ENTRIES {
            let mut block = [0; Tape::BLOCK];
            match filled(reader, &mut block)? {
                0 => return Ok(()),
                Tape::BLOCK => {}
                _ => {
                    tape.broke_off();
                    return Ok(());
                }
            }
            let size = match tape.block(&block) {
                Step::Next => continue,
                Step::End => return Ok(()),
                Step::Extended(kind, size) => {
                    let mut content = Vec::new();
                    reader.take(size).read_to_end(&mut content)?;
                    tape.extended(kind, &content);
                    pass(reader, Tape::padded(size) - content.len() as u64)?
                }
                Step::Entry(head) => {
                    let size = head.size;
                    let read = self.entry(head, &mut reader.take(size), lower)?;
                    pass(reader, Tape::padded(size).saturating_sub(read))?
                }
            };
            if !size {
                tape.broke_off();
                return Ok(());
            }
        }
        self.gap(format!("it has more than {MAX_ENTRIES} entries; the rest was not looked at"));
        Ok(())
    }

    /// Takes an entry, and says how many bytes of its content were read.
    fn entry(&mut self, head: Head, content: &mut io::Take<&mut impl Read>, lower: &mut Merged) -> io::Result<u64> {
        let leads_out = head.name.split('/').any(|part| part == "..");
        if leads_out || head.name.len() > MAX_PATH || head.name.contains(char::is_control) {
            let name: String = head.name.escape_debug().take(200).collect();
            self.gap(format!("`{name}` is a path that no runtime should follow, and was not looked at"));
            return Ok(0);
        }
        // The root itself.
        let Some(path) = inside(&head.name) else { return Ok(0) };
        let Some(path) = self.own.resolved(lower, &path) else {
            self.gap(format!("`{path}` lies below links that lead nowhere"));
            return Ok(0);
        };
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
        if file == OPAQUE {
            lower.clear(folder);
            return Ok(0);
        }
        if let Some(deleted) = file.strip_prefix(DELETED) {
            lower.remove(inside(&format!("{folder}/{deleted}")).as_deref().unwrap_or_default());
            return Ok(0);
        }
        if head.sort == Sort::Folder {
            lower.make_folder(&path);
            self.own.make_folder(&path);
            return Ok(0);
        }
        if let Sort::Hard(target) = &head.sort {
            self.hard(&path, target, lower);
            return Ok(0);
        }
        lower.remove(&path);
        self.own.remove(&path);
        match head.sort {
            Sort::File => self.file(path, head.size, head.executable, content),
            Sort::Symbolic(target) => {
                self.own.link(path, target);
                Ok(0)
            }
            _ => Ok(0),
        }
    }

    /// The same file under another name. What it says is known, unless only the other name makes it one that says something.
    fn hard(&mut self, path: &str, target: &str, lower: &mut Merged) {
        let target = inside(target).and_then(|target| self.own.resolved(lower, &target));
        let seen = target.and_then(|target| self.own.get(&target).or_else(|| lower.get(&target)).cloned());
        lower.remove(path);
        self.own.remove(path);
        match seen {
            Some(seen) => self.own.put(path.to_owned(), seen),
            None if wanted(path) == Wanted::Whole => {
                self.gap(format!("`{path}` is a link to a file of another name, and was not looked at"));
            }
            None => {}
        }
    }

    fn file(&mut self, path: String, size: u64, executable: bool, content: &mut impl Read) -> io::Result<u64> {
        self.own.note_system(&path);
        let told = format!("{}!/{path}", self.image);
        let wanted = match wanted(&told) {
            Wanted::Nothing if executable => Wanted::IfProgram,
            wanted => wanted,
        };
        if wanted == Wanted::Nothing {
            return Ok(0);
        }
        let mut bytes = vec![0; MAGIC];
        let head = filled(content, &mut bytes)?;
        bytes.truncate(head);
        if wanted == Wanted::IfProgram && !is_program(&bytes) {
            return Ok(head as u64);
        }
        if size > MAX_FILE {
            self.gap(format!("`{path}` has more than {MAX_FILE} bytes, and was not looked at"));
            return Ok(head as u64);
        }
        content.read_to_end(&mut bytes)?;
        let (read, mut seen) = (bytes.len() as u64, Seen::default());
        look(&told, &Bytes::from(bytes), &mut seen);
        self.own.put(path, seen);
        Ok(read)
    }
}

/// What a layer unpacks to, whatever it is compressed with.
fn unpacked(reader: Reader<'_>) -> io::Result<Reader<'_>> {
    let mut reader = BufReader::new(reader);
    let head = reader.fill_buf()?;
    if head.starts_with(GZIP) {
        Ok(Box::new(MultiGzDecoder::new(reader)))
    } else if head.starts_with(ZSTD)
        || head.first_chunk().is_some_and(|head| ZSTD_SKIPPED.contains(&u32::from_le_bytes(*head)))
    {
        Ok(Box::new(Frames { reader: Some(reader), frame: None }))
    } else {
        Ok(Box::new(reader))
    }
}

/// The frames of zstd, one after the other: writers that let parts be fetched alone make many, some without content.
struct Frames<R: BufRead> {
    reader: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.reader = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut reader) = self.reader.take() else { return Ok(0) };
            if reader.fill_buf()?.is_empty() {
                return Ok(0);
            }
            if skipped(&mut reader)? {
                self.reader = Some(reader);
                continue;
            }
            self.frame = Some(StreamingDecoder::new(reader).map_err(io::Error::other)?);
        }
    }
}

/// Passes over a frame without content, if there is one.
fn skipped(reader: &mut impl BufRead) -> io::Result<bool> {
    let is_skipped =
        reader.fill_buf()?.first_chunk().is_some_and(|head| ZSTD_SKIPPED.contains(&u32::from_le_bytes(*head)));
    if !is_skipped {
        return Ok(false);
    }
    let mut head = [0; 8];
    reader.read_exact(&mut head)?;
    let [_, _, _, _, length @ ..] = head;
    pass(reader, u64::from(u32::from_le_bytes(length)))
}

/// Passes over bytes; false if there were fewer.
fn pass(reader: &mut impl Read, length: u64) -> io::Result<bool> {
    Ok(io::copy(&mut reader.take(length), &mut io::sink())? == length)
}

/// Reads until the buffer is full or there is no more.
fn filled(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
