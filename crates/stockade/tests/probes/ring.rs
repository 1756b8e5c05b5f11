//! A ring of `io_uring`, as small as it can be: one request at a time. System calls that are filtered by number are not
//! made: the kernel does the work on behalf of the ring.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use stockade_testkit::kernel::{Memory, at_mut, call, opened};

use crate::sys::number;

/// Entries that the ring has.
const ENTRIES: i64 = 4;
/// Bytes of either mapping.
const PAGE: usize = 4096;
/// Where the requests are mapped.
const REQUESTS: i64 = 0x1000_0000;
const REQUEST: usize = 64;
const PARAMETERS: usize = 120;
/// Where the parameters say where things are.
const SUBMIT: usize = 40;
const COMPLETE: usize = 80;
const WAIT: i64 = 1;

pub(crate) const CONNECT: u8 = 16;
pub(crate) const OPENAT: u8 = 18;
pub(crate) const READ: u8 = 22;
pub(crate) const SEND: u8 = 26;

pub(crate) struct Ring {
    descriptor: OwnedFd,
    words: Memory,
    requests: Memory,
    parameters: [u8; PARAMETERS],
}

impl Ring {
    pub(crate) fn new() -> io::Result<Self> {
        let mut parameters = [0_u8; PARAMETERS];
        let ring = opened(libc::SYS_io_uring_setup, [ENTRIES, at_mut(&mut parameters)])?;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let words = Memory::of(ring.as_raw_fd(), 0, PAGE, rights)?;
        let requests = Memory::of(ring.as_raw_fd(), REQUESTS, PAGE, rights)?;
        Ok(Self { descriptor: ring, words, requests, parameters })
    }

    /// Has one request done: what, on which descriptor, with which address, length, offset and flags.
    pub(crate) fn ask(&self, what: u8, on: i64, address: i64, length: i64, offset: i64, flags: i32) -> io::Result<i64> {
        let mut request = vec![what, 0, 0, 0];
        request.extend(i32::try_from(on).unwrap_or(-1).to_ne_bytes());
        request.extend(offset.to_ne_bytes());
        request.extend(address.to_ne_bytes());
        request.extend(u32::try_from(length).unwrap_or_default().to_ne_bytes());
        request.extend(flags.to_ne_bytes());
        request.resize(REQUEST, 0);
        self.requests.put(0, &request);
        // The list of what is asked: the first request, once more.
        let tail = self.words.word(self.at(SUBMIT, 1));
        let mask = self.words.word(self.at(SUBMIT, 2));
        self.words.put_word(self.at(SUBMIT, 6) + 4 * (tail & mask) as usize, 0);
        self.words.put_word(self.at(SUBMIT, 1), tail.wrapping_add(1));
        call(libc::SYS_io_uring_enter, [number(&self.descriptor), 1, 1, WAIT, 0, 0])?;
        self.answer()
    }

    fn answer(&self) -> io::Result<i64> {
        let head = self.words.word(self.at(COMPLETE, 0));
        let mask = self.words.word(self.at(COMPLETE, 2));
        let result = self.words.word(self.at(COMPLETE, 5) + 16 * (head & mask) as usize + 8).cast_signed();
        self.words.put_word(self.at(COMPLETE, 0), head.wrapping_add(1));
        if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result.into()) }
    }

    /// Where the kernel has put a word.
    fn at(&self, part: usize, index: usize) -> usize {
        let start = part + 4 * index;
        let bytes = <[u8; 4]>::try_from(&self.parameters[start..start + 4]).unwrap_or_default();
        u32::from_ne_bytes(bytes) as usize
    }
}
