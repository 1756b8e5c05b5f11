//! The kernel's call for programs and maps, of which this needs six commands. Source: `bpf(2)`.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use super::program::Instruction;

/// Kinds of maps.
pub(super) const HASH: u32 = 1;
pub(super) const ARRAY: u32 = 2;
pub(super) const QUEUE: u32 = 22;
/// Has the room of a map's entries made when they come.
pub(super) const WHEN_NEEDED: u32 = 1;

/// Numbers of commands.
const MAKE_MAP: libc::c_int = 0;
const LOOK_UP: libc::c_int = 1;
const UPDATE: libc::c_int = 2;
const LOAD: libc::c_int = 5;
const ATTACH: libc::c_int = 8;
const TAKE: libc::c_int = 21;

/// Lets others attach theirs as well, above and below: all have to allow what is done.
const AMONG_OTHERS: u32 = 2;
/// What the programs may be used under; they call no function that asks for more.
const LICENSE: &[u8; 4] = b"MIT\0";

/// What is told about a map that is to be made.
#[repr(C)]
#[derive(Default)]
pub(super) struct Map {
    pub(super) kind: u32,
    pub(super) key: u32,
    pub(super) value: u32,
    pub(super) entries: u32,
    pub(super) flags: u32,
}

/// What is told about a program.
#[repr(C)]
#[derive(Default)]
struct Program {
    kind: u32,
    length: u32,
    instructions: u64,
    license: u64,
    log: [u32; 2],
    log_at: u64,
    version: u32,
    flags: u32,
    name: [u8; 16],
    device: u32,
    place: u32,
}

/// What is told about an entry of a map.
#[repr(C)]
#[derive(Default)]
struct Entry {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// What is told about where a program goes.
#[repr(C)]
struct Attached {
    group: u32,
    program: u32,
    place: u32,
    flags: u32,
}

pub(super) fn make(mut map: Map) -> io::Result<OwnedFd> {
    made(call(MAKE_MAP, &mut map)?)
}

/// Loads a program. The kernel proves of it that it ends and reads nothing that it may not.
pub(super) fn load(kind: u32, place: u32, instructions: &[Instruction]) -> io::Result<OwnedFd> {
    let mut program = Program {
        kind,
        place,
        length: u32::try_from(instructions.len()).unwrap_or_default(),
        instructions: address(instructions.as_ptr()),
        license: address(LICENSE.as_ptr()),
        ..Program::default()
    };
    made(call(LOAD, &mut program)?)
}

/// Attaches a program to a group for as long as there is the group, whatever becomes of us.
pub(super) fn attach(group: BorrowedFd<'_>, program: &OwnedFd, place: u32) -> io::Result<()> {
    let program = number(program.as_raw_fd());
    let mut attached = Attached { group: number(group.as_raw_fd()), program, place, flags: AMONG_OTHERS };
    call(ATTACH, &mut attached).map(drop)
}

/// Puts an entry, both of whose parts are a word, into a map.
pub(super) fn put(map: &OwnedFd, key: u32, value: u32) -> io::Result<()> {
    let (key, value) = (address(&raw const key), address(&raw const value));
    call(UPDATE, &mut Entry { map: number(map.as_raw_fd()), key, value, ..Entry::default() }).map(drop)
}

/// The count at the first place of an array of them.
pub(super) fn count(map: &OwnedFd) -> io::Result<u64> {
    let (key, mut value) = (0_u32, 0_u64);
    let (key, at) = (address(&raw const key), address(&raw mut value));
    call(LOOK_UP, &mut Entry { map: number(map.as_raw_fd()), key, value: at, ..Entry::default() })?;
    Ok(value)
}

/// Takes the oldest entry out of a queue whose entries have this length. There may be none.
pub(super) fn take<const N: usize>(queue: &OwnedFd) -> Option<[u8; N]> {
    let mut value = [0; N];
    let at = address(value.as_mut_ptr());
    call(TAKE, &mut Entry { map: number(queue.as_raw_fd()), value: at, ..Entry::default() }).ok()?;
    Some(value)
}

fn address<T>(at: *const T) -> u64 {
    at.expose_provenance() as u64
}

fn number(descriptor: libc::c_int) -> u32 {
    descriptor.unsigned_abs()
}

fn made(descriptor: libc::c_long) -> io::Result<OwnedFd> {
    let descriptor = libc::c_int::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it, for us.
    #[expect(unsafe_code, reason = "a new descriptor has no owner yet")]
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(descriptor)
}

fn call<T>(command: libc::c_int, about: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads as much of `about` as there is. The addresses in it are those of what lives in the callers
    // above until this returns, as long as the map's entries are.
    #[expect(unsafe_code, reason = "no library that is small has this call")]
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(about), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
