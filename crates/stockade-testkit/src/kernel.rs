//! The kernel's own interface, for suites that try what a sandbox has to forbid.
//!
//! What is tried is a system call with arguments that no library would pass: of another architecture, into a buffer that
//! changes meanwhile, on a process that is not ours. So the calls are here as they are, and this is the only place of the
//! suites that is `unsafe`. Whoever makes a call answers for its arguments; a wrong one ends a process whose only purpose
//! was to make it.

#![expect(unsafe_code, reason = "what is tried are system calls")]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Arguments that a system call can have.
const MOST_ARGUMENTS: usize = 6;

/// Makes a system call. The arguments are numbers, or addresses of what lives as long as the call.
pub fn call<const N: usize>(number: i64, arguments: [i64; N]) -> io::Result<i64> {
    let mut all = [0; MOST_ARGUMENTS];
    all[..N].copy_from_slice(&arguments);
    let [one, two, three, four, five, six] = all;
    // SAFETY: an address comes from `at` or `at_mut`, or is the one of a `Memory`, and outlives the call.
    let result = unsafe { libc::syscall(number, one, two, three, four, five, six) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Makes a system call that answers with a new descriptor.
pub fn opened<const N: usize>(number: i64, arguments: [i64; N]) -> io::Result<OwnedFd> {
    let descriptor = RawFd::try_from(call(number, arguments)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given it to us, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Makes a call of the 32-bit interface, which has numbers of its own. Addresses are those of [`Memory::low`].
#[cfg(target_arch = "x86_64")]
pub fn call_i386(number: u32, arguments: [u32; 3]) -> io::Result<i32> {
    let [one, two, three] = arguments;
    let result: i32;
    // SAFETY: the gate keeps all registers but these; the first argument's is LLVM's own, so it is put back.
    unsafe {
        std::arch::asm!(
            "push rbx", "mov ebx, {one:e}", "int 0x80", "pop rbx",
            one = in(reg) one,
            inlateout("eax") number.cast_signed() => result,
            in("ecx") two,
            in("edx") three,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}

/// There is no such interface on this architecture.
#[cfg(not(target_arch = "x86_64"))]
pub fn call_i386(_number: u32, _arguments: [u32; 3]) -> io::Result<i32> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Has a command run on a kernel that does not know this system call, as far as it can tell.
pub fn without_call(command: &mut Command, number: i64) {
    let statement = |code: u32, value: u32, then, otherwise| libc::sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: then,
        jf: otherwise,
        k: value,
    };
    let refusal = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let program = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, u32::try_from(number).unwrap_or_default(), 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, refusal, 0, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let install = move || {
        let length = u16::try_from(program.len()).unwrap_or_default();
        let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
        call(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS.into(), 1, 0, 0, 0])?;
        call(libc::SYS_seccomp, [libc::SECCOMP_SET_MODE_FILTER.into(), 0, at(&program)]).map(drop)
    };
    // SAFETY: after the fork, only two system calls are made.
    unsafe {
        command.pre_exec(install);
    }
}

/// Where something is, for the kernel to read.
pub fn at<T: ?Sized>(value: &T) -> i64 {
    ptr::from_ref(value).cast::<()>() as i64
}

/// Where something is, for the kernel to write.
pub fn at_mut<T: ?Sized>(value: &mut T) -> i64 {
    ptr::from_mut(value).cast::<()>() as i64
}

/// Memory that others change too: the kernel, another thread, another process.
#[derive(Debug)]
pub struct Memory {
    start: *mut u8,
    length: usize,
}

// SAFETY: it is only read and written byte by byte, volatile, or as atomic words; whoever shares it expects torn values.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// New memory, all zeros.
    pub fn new(length: usize) -> io::Result<Self> {
        Self::map(length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0)
    }

    /// New memory whose address has 32 bits.
    pub fn low(length: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        Self::map(length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    }

    /// What a descriptor stands for, with these rights (`PROT_…`).
    pub fn of(descriptor: RawFd, offset: i64, length: usize, rights: i32) -> io::Result<Self> {
        let shared = if rights & libc::PROT_WRITE == 0 { libc::MAP_PRIVATE } else { libc::MAP_SHARED };
        Self::map(length, rights, shared, descriptor, offset)
    }

    /// A segment of System V that is there already, to be read.
    pub fn segment(id: i32, length: usize) -> io::Result<Self> {
        let address = call(libc::SYS_shmat, [id.into(), 0, libc::SHM_RDONLY.into()])?;
        Ok(Self {
            start: ptr::with_exposed_provenance_mut(usize::try_from(address).map_err(io::Error::other)?),
            length,
        })
    }

    /// Its address.
    pub fn address(&self) -> i64 {
        self.start as i64
    }

    /// Writes bytes.
    pub fn put(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: within the memory, as was checked.
            unsafe { self.start.add(offset + index).write_volatile(*byte) };
        }
    }

    /// Reads bytes.
    pub fn get(&self, offset: usize, length: usize) -> Vec<u8> {
        self.check(offset, length);
        // SAFETY: within the memory, as was checked.
        (offset..offset + length).map(|index| unsafe { self.start.add(index).read_volatile() }).collect()
    }

    /// A word, after everything that was written before it.
    pub fn word(&self, offset: usize) -> u32 {
        self.atom(offset).load(Ordering::Acquire)
    }

    /// Writes a word, after everything that was written before.
    pub fn put_word(&self, offset: usize, word: u32) {
        self.atom(offset).store(word, Ordering::Release);
    }

    fn atom(&self, offset: usize) -> &AtomicU32 {
        self.check(offset, size_of::<u32>());
        assert!(offset.is_multiple_of(align_of::<u32>()), "a word begins at a multiple of its size");
        // SAFETY: within the memory and aligned, as was checked; the memory lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.start.add(offset).cast()) }
    }

    fn check(&self, offset: usize, length: usize) {
        assert!(offset + length <= self.length, "outside of the memory");
    }

    fn map(length: usize, rights: i32, flags: i32, descriptor: RawFd, offset: i64) -> io::Result<Self> {
        // SAFETY: the kernel chooses a place where nothing is.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, rights, flags, descriptor, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start: start.cast(), length })
    }
}
