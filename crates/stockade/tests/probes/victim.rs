//! A process of the same user that has secrets: in its environment, its arguments, its memory, an open file, a shared
//! segment and a queue. It does nothing but tell, on request, what others have done to it.

use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::ExitCode;

use serde_json::json;
use stockade_testkit::kernel::{Memory, at, call};

use crate::place::SECRET;
use crate::sys::path;

/// Where others may write in its memory, behind the secret, and how much.
pub(crate) const SPOTS: [usize; 2] = [1024, 2048];
/// Room for a mark.
pub(crate) const SPOT: usize = 32;
const ROOM: usize = 4096;

/// Signals that it does not let through, so that they stay to be seen.
const HELD: [i32; 4] = [libc::SIGUSR1, libc::SIGUSR2, libc::SIGURG, libc::SIGWINCH];

pub(crate) fn live() -> ExitCode {
    match tell() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tell() -> io::Result<()> {
    call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), libc::SIGKILL.into()])?;
    let held = HELD.iter().fold(0_u64, |set, signal| set | 1 << (signal - 1));
    call(libc::SYS_rt_sigprocmask, [libc::SIG_BLOCK.into(), at(&held), 0, 8])?;
    let memory = Memory::new(ROOM)?;
    memory.put(0, SECRET.as_bytes());
    let file = std::fs::File::open("id_rsa")?;
    let queue = format!("stockade-probes-{}", std::process::id());
    let hello = json!({
        "pid": std::process::id(),
        "memory": memory.address(),
        "descriptor": file.as_raw_fd(),
        "segment": segment()?,
        "queue": queue,
    });
    fill(&queue)?;
    println!("{hello}");
    io::stdout().flush()?;
    for line in io::stdin().lock().lines() {
        line?;
        let spots: Vec<_> =
            SPOTS.iter().map(|spot| String::from_utf8_lossy(&memory.get(*spot, SPOT)).into_owned()).collect();
        println!("{}", json!(spots));
        io::stdout().flush()?;
    }
    call(libc::SYS_mq_unlink, [at(path(&queue).as_slice())]).map(drop)
}

/// A segment with a secret. It is marked as removed, so that it goes with this process.
fn segment() -> io::Result<i64> {
    let id = call(libc::SYS_shmget, [libc::IPC_PRIVATE.into(), 4096, (libc::IPC_CREAT | 0o600).into()])?;
    let address = call(libc::SYS_shmat, [id, 0, 0])?;
    call(libc::SYS_shmctl, [id, libc::IPC_RMID.into(), 0])?;
    // Written through the kernel, which takes any address of ours.
    let (from, to) =
        ([at(SECRET), crate::sys::length(SECRET.as_bytes())], [address, crate::sys::length(SECRET.as_bytes())]);
    call(libc::SYS_process_vm_writev, [std::process::id().into(), at(&from), 1, at(&to), 1, 0])?;
    Ok(id)
}

/// A queue with one message.
fn fill(queue: &str) -> io::Result<()> {
    // Flags, most messages, bytes of a message, messages now; and what is reserved.
    let attributes = [0_i64, 4, 64, 0, 0, 0, 0, 0];
    let flags = libc::O_CREAT | libc::O_RDWR;
    let opened = call(libc::SYS_mq_open, [at(path(queue).as_slice()), flags.into(), 0o600, at(&attributes)])?;
    call(libc::SYS_mq_timedsend, [opened, at(SECRET), crate::sys::length(SECRET.as_bytes()), 0, 0]).map(drop)
}
