//! Archives as a list of members, read and written whole. What is written is the same every time.

use std::io::{Cursor, Read, Write};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Rights of a file that was added.
pub(crate) const PLAIN: u32 = 0o644;
pub(crate) const EXECUTABLE: u32 = 0o755;

/// A file, or a folder: its path then ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Member {
    pub(crate) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: PLAIN, bytes: bytes.into() }
    }

    fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// How members become one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Tar,
    Zip,
}

impl Format {
    pub(crate) fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Ok(Self::Tar),
            [b'P', b'K', ..] => Ok(Self::Zip),
            _ => bail!("an archive of neither sort"),
        }
    }

    pub(crate) fn read(self, bytes: &[u8]) -> anyhow::Result<Vec<Member>> {
        match self {
            Self::Tar => from_tar(bytes),
            Self::Zip => from_zip(bytes),
        }
    }

    pub(crate) fn write(self, members: &[Member]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Tar => to_tar(members),
            Self::Zip => to_zip(members),
        }
    }
}

fn from_tar(bytes: &[u8]) -> anyhow::Result<Vec<Member>> {
    let mut members = Vec::new();
    for entry in tar::Archive::new(MultiGzDecoder::new(bytes)).entries()? {
        let mut entry = entry.context("the archive ends early")?;
        let kind = entry.header().entry_type();
        let mut path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() && !path.ends_with('/') {
            path.push('/');
        }
        if kind.is_dir() || kind.is_file() {
            let mode = entry.header().mode()?;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            members.push(Member { path, mode, bytes });
        }
    }
    Ok(members)
}

fn from_zip(bytes: &[u8]) -> anyhow::Result<Vec<Member>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes)?;
        members.push(Member { path: member.name().to_owned(), mode: member.unix_mode().unwrap_or(PLAIN), bytes });
    }
    Ok(members)
}

fn to_tar(members: &[Member]) -> anyhow::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for member in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(member.mode);
        header.set_size(member.bytes.len() as u64);
        if member.is_folder() {
            header.set_entry_type(tar::EntryType::Directory);
        }
        tar.append_data(&mut header, &member.path, member.bytes.as_slice())
            .with_context(|| format!("`{}` cannot be packed", member.path))?;
    }
    Ok(tar.into_inner()?.finish()?)
}

fn to_zip(members: &[Member]) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in members {
        let options = zip::write::SimpleFileOptions::default()
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(member.mode);
        if member.is_folder() {
            zip.add_directory(member.path.as_str(), options)?;
        } else {
            zip.start_file(member.path.as_str(), options)?;
            zip.write_all(&member.bytes)?;
        }
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_packed_the_same_again() {
        let long = format!("a/{}/x", "long".repeat(40));
        let members = [
            Member { path: "a/".to_owned(), mode: EXECUTABLE, bytes: Vec::new() },
            Member::file("a/b", b"text".to_vec()),
            Member { path: long, mode: EXECUTABLE, bytes: vec![0, 159, 146] },
        ];
        for format in [Format::Tar, Format::Zip] {
            let bytes = format.write(&members).unwrap();
            assert_eq!(Format::of(&bytes).unwrap(), format);
            let read = format.read(&bytes).unwrap();
            let paths = |members: &[Member]| members.iter().map(|each| each.path.clone()).collect::<Vec<_>>();
            assert_eq!(paths(&read), paths(&members));
            assert_eq!(read[2].bytes, members[2].bytes);
            assert_eq!(format.write(&read).unwrap(), bytes);
        }
        assert!(Format::of(b"Rar!").is_err());
    }
}
