//! Writers of archives that can lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// Name, type, target, content.
pub(super) type Part<'a> = (&'a str, u8, &'a str, &'a [u8]);

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ustar archive with its end mark.
pub(super) fn tar(parts: &[Part<'_>]) -> Vec<u8> {
    let mut archive: Vec<u8> = parts.iter().flat_map(tar_entry).collect();
    archive.extend([0; 1024]);
    archive
}

pub(super) fn tar_entry(&(name, kind, link, content): &Part<'_>) -> Vec<u8> {
    let mut entry = tar_header(name, kind, link, content.len()).to_vec();
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

pub(super) fn tar_header(name: &str, kind: u8, link: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut header);
    header
}

/// Writes the checksum.
pub(super) fn seal(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

/// A record of an extended header.
pub(super) fn pax(key: &str, value: &str) -> Vec<u8> {
    let body = format!(" {key}={value}\n");
    let mut length = body.len() + 1;
    while length.to_string().len() + body.len() != length {
        length += 1;
    }
    format!("{length}{body}").into_bytes()
}

/// An entry of a zip archive. What is `Some` stands in the local header instead of the truth.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) local_name: Option<&'a str>,
    pub(super) content: &'a [u8],
    pub(super) deflate: bool,
    pub(super) method: Option<u16>,
    pub(super) local_method: Option<u16>,
    pub(super) local_size: Option<u32>,
    pub(super) size: Option<u32>,
    pub(super) flags: u16,
    pub(super) mode: u32,
    pub(super) checksum: Option<u32>,
    pub(super) extra: Vec<u8>,
    /// Sizes are in an extra field.
    pub(super) wide: bool,
    /// Not in the directory.
    pub(super) hidden: bool,
}

impl<'a> Item<'a> {
    pub(super) fn new(name: &'a str, content: &'a [u8]) -> Self {
        Self {
            name,
            local_name: None,
            content,
            deflate: false,
            method: None,
            local_method: None,
            local_size: None,
            size: None,
            flags: 0,
            mode: 0o100_644,
            checksum: None,
            extra: Vec::new(),
            wide: false,
            hidden: false,
        }
    }
}

pub(super) fn zip(items: &[Item<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for item in items {
        zip_entry(item, &mut archive, &mut directory);
    }
    let count = items.iter().filter(|item| !item.hidden).count();
    let start = archive.len();
    archive.extend(&directory);
    archive.extend(end(count, directory.len(), start, b""));
    archive
}

fn zip_entry(item: &Item<'_>, archive: &mut Vec<u8>, directory: &mut Vec<u8>) {
    let data = if item.deflate { deflated(item.content) } else { item.content.to_vec() };
    let method = item.method.unwrap_or(if item.deflate { 8 } else { 0 });
    let mut crc = flate2::Crc::new();
    crc.update(item.content);
    let checksum = item.checksum.unwrap_or(crc.sum());
    let size = item.size.unwrap_or(u32::try_from(item.content.len()).unwrap());
    let compressed = u32::try_from(data.len()).unwrap();
    let described = item.flags & 8 != 0;
    let offset = archive.len();
    let (mut local_extra, mut extra) = (Vec::new(), item.extra.clone());
    if item.wide {
        let sizes = [u64::from(size).to_le_bytes(), u64::from(compressed).to_le_bytes()].concat();
        for extra in [&mut local_extra, &mut extra] {
            extra.extend([1, 0, 16, 0]);
            extra.extend(&sizes);
        }
    }
    let [size, compressed] = if item.wide { [u32::MAX; 2] } else { [size, compressed] };
    let local_name = item.local_name.unwrap_or(item.name);
    archive.extend(b"PK\x03\x04\x14\0");
    archive.extend(item.flags.to_le_bytes());
    archive.extend(item.local_method.unwrap_or(method).to_le_bytes());
    archive.extend([0; 4]);
    let told = [checksum, compressed, item.local_size.unwrap_or(size)];
    for field in told {
        archive.extend(if described { [0; 4] } else { field.to_le_bytes() });
    }
    archive.extend(u16::try_from(local_name.len()).unwrap().to_le_bytes());
    archive.extend(u16::try_from(local_extra.len()).unwrap().to_le_bytes());
    archive.extend(local_name.as_bytes());
    archive.extend(&local_extra);
    archive.extend(&data);
    if described {
        archive.extend(b"PK\x07\x08");
        for field in told {
            archive.extend(field.to_le_bytes());
        }
    }
    if item.hidden {
        return;
    }
    directory.extend(b"PK\x01\x02\x14\x03\x14\0");
    directory.extend(item.flags.to_le_bytes());
    directory.extend(method.to_le_bytes());
    directory.extend([0; 4]);
    for field in [checksum, compressed, size] {
        directory.extend(field.to_le_bytes());
    }
    directory.extend(u16::try_from(item.name.len()).unwrap().to_le_bytes());
    directory.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
    directory.extend([0; 6]);
    directory.extend((item.mode << 16).to_le_bytes());
    directory.extend(u32::try_from(offset).unwrap().to_le_bytes());
    directory.extend(item.name.as_bytes());
    directory.extend(&extra);
}

pub(super) fn end(count: usize, size: usize, start: usize, comment: &[u8]) -> Vec<u8> {
    let count = u16::try_from(count).unwrap().to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count, count].concat());
    end.extend(u32::try_from(size).unwrap().to_le_bytes());
    end.extend(u32::try_from(start).unwrap().to_le_bytes());
    end.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    end.extend(comment);
    end
}

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
