//! What the kernel tells of another process.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;

/// What identifies a file: its device and number.
pub(super) type Id = (u64, u64);

/// The longest environment that is read, in bytes. The kernel's own limit is higher.
const MAX_ENVIRONMENT: u64 = 1 << 20;
/// What a line of the kernel's about a process has after its name: its parent, and the time of its start.
const PARENT: usize = 1;
const START: usize = 19;

/// Some of a process's memory, as much as there is in one piece.
pub(super) fn memory(pid: i32, at: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let read = open(pid, "mem")?.read_at(&mut bytes, at).ok()?;
    bytes.truncate(read);
    (read > 0).then_some(bytes)
}

/// Writes into a process's memory, all of it or nothing that is right.
pub(super) fn write(pid: i32, at: u64, bytes: &[u8]) -> io::Result<()> {
    File::options().write(true).open(format!("/proc/{pid}/mem"))?.write_all_at(bytes, at)
}

/// Text in a process's memory, up to its end.
pub(super) fn text(pid: i32, at: u64, longest: usize) -> Option<Vec<u8>> {
    let mut bytes = memory(pid, at, longest)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    bytes.truncate(end);
    Some(bytes)
}

/// What a process runs, as it sees it.
pub(super) fn program(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The process that a thread belongs to.
pub(super) fn leader(thread: i32) -> Option<i32> {
    let mut text = String::new();
    open(thread, "status")?.read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// The working folder of a process.
pub(super) fn folder(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// What identifies the file that a process runs.
pub(super) fn id(pid: i32) -> Option<Id> {
    let metadata = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// What identifies a file.
pub(super) fn id_of(file: &OwnedFd) -> Option<Id> {
    rustix::fs::fstat(file).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

/// What identifies this program.
pub(super) fn ourselves() -> Option<Id> {
    let metadata = std::fs::metadata("/proc/self/exe").ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The parent of a process, and when it started, in ticks of the kernel's clock.
pub(super) fn parent_and_start(pid: i32) -> Option<(i32, u64)> {
    let mut line = String::new();
    open(pid, "stat")?.read_to_string(&mut line).ok()?;
    // The name is in parentheses and may have any character in it.
    let (_, rest) = line.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let parent = words.nth(PARENT)?.parse().ok().filter(|parent| *parent > 0)?;
    let start = words.nth(START - PARENT - 1)?.parse().ok()?;
    Some((parent, start))
}

/// Variables of the environment that a process was started with.
pub(super) fn variables<const N: usize>(pid: i32, names: [Option<&str>; N]) -> Option<[Option<String>; N]> {
    let mut environment = Vec::new();
    open(pid, "environ")?.take(MAX_ENVIRONMENT).read_to_end(&mut environment).ok()?;
    let entries = || environment.split(|byte| *byte == 0);
    Some(names.map(|name| {
        let name = name?.as_bytes();
        let value = entries().find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }))
}

#[expect(clippy::disallowed_methods, reason = "these are no files, but questions to the kernel")]
fn open(pid: i32, what: &str) -> Option<File> {
    File::open(format!("/proc/{pid}/{what}")).ok()
}
