//! A zip of records, as the exporter of OSV makes one for each ecosystem.
//!
//! Each file in it is read for itself: one that cannot be read is a problem, and the others are there. What two readers of
//! zips see in one archive may differ, so an archive that announces more files than can be named is a problem as well.

use std::io::{Read, Seek, SeekFrom};

use zip::ZipArchive;

use crate::builder::{Builder, Problem};
use crate::{MAX_RECORD, MAX_RECORDS};

/// How much all files of an archive may hold, in bytes: twenty times what there is of the largest ecosystem.
const MAX_UNPACKED: u64 = 32 << 30;
/// How far from the end of a zip its end record may begin: its own length and that of the longest comment.
const END_WITHIN: u64 = 22 + 0xffff;

impl Builder {
    /// Adds the records of a zip: its files that end in `.json`. An error says that nothing of it could be read.
    pub fn add_zip(&mut self, mut zip: impl Read + Seek) -> Result<(), Problem> {
        let announced = announced(&mut zip).map_err(|error| self.lost("", error.to_string()))?;
        let mut archive = ZipArchive::new(zip).map_err(|error| self.lost("", format!("this is no zip: {error}")))?;
        if archive.len() > MAX_RECORDS {
            return Err(self.lost("", format!("the zip has more than {MAX_RECORDS} files")));
        }
        if announced != Some(archive.len() as u64) {
            self.lost("", "the zip has two files of one name, or says wrongly how many it has");
        }
        let (mut bytes, mut left) = (Vec::new(), MAX_UNPACKED);
        for at in 0..archive.len() {
            let name = archive.name_for_index(at).unwrap_or_default().to_owned();
            // Of a name alone it can be told whether it is wanted, which saves a look at the file's own head.
            if !name.to_ascii_lowercase().ends_with(".json") || !self.wants(&name) {
                continue;
            }
            let mut file = match archive.by_index(at) {
                Ok(file) => file,
                Err(error) => {
                    self.lost(&name, format!("the file cannot be read: {error}"));
                    continue;
                }
            };
            let print = u64::from(file.crc32()) << 32 | (file.size() & 0xffff_ffff);
            if !file.is_file() || !self.meet(&name, || print) {
                continue;
            }
            bytes.clear();
            let most = (MAX_RECORD as u64 + 1).min(left);
            if let Err(error) = file.by_ref().take(most).read_to_end(&mut bytes) {
                self.lost(&name, format!("the file cannot be read: {error}"));
                continue;
            }
            left -= bytes.len() as u64;
            if left == 0 {
                return Err(
                    self.lost(&name, format!("the zip holds more than {MAX_UNPACKED} bytes; the rest is not read"))
                );
            }
            // It is counted where it is met.
            let _ = self.add_met(&bytes, &name);
        }
        Ok(())
    }
}

/// How many files the end of a zip announces. `None` if it says that another place says it (ZIP64), and that is not found.
fn announced(zip: &mut (impl Read + Seek)) -> std::io::Result<Option<u64>> {
    let length = zip.seek(SeekFrom::End(0))?;
    let begin = length.saturating_sub(END_WITHIN + ZIP64_LOCATOR as u64);
    zip.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    zip.by_ref().take(length - begin).read_to_end(&mut tail)?;
    zip.rewind()?;
    let Some(end) = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else { return Ok(None) };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let Some(count) = tail.get(end + 10..end + 12).map(number) else { return Ok(None) };
    let locator = end.checked_sub(ZIP64_LOCATOR).and_then(|at| tail.get(at..end));
    match locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) {
        Some(locator) if count == 0xffff => {
            let place = number(&locator[8..16]);
            let mut record = [0; 40];
            zip.seek(SeekFrom::Start(place))?;
            let read = zip.read_exact(&mut record);
            zip.rewind()?;
            let is_record = read.is_ok() && record.starts_with(b"PK\x06\x06");
            Ok(is_record.then(|| number(&record[32..40])))
        }
        _ => Ok(Some(count)),
    }
}

/// The length of what says where the ZIP64 end record is, right before the end record.
const ZIP64_LOCATOR: usize = 20;
