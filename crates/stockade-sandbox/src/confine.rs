//! A process that can do nothing but compute.
//!
//! Several layers, since each system lacks another one: limits of resources, no files and no network by the kernel's
//! access control, and a filter that lets only those system calls through that computing needs. All of it is taken away
//! for good, before the first byte of a stranger is read.

use std::io;

/// What a confined process may use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory that it allocates.
    pub heap: u64,
    /// The stacks of its threads.
    pub stacks: u64,
}

/// What became of the confinement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confined {
    /// What this system cannot take away, each as a sentence for a person.
    pub gaps: Vec<String>,
}

/// Why a process could not be confined. It must not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A limit could not be set.
    #[error("a limit of resources could not be set: {0}")]
    Limit(io::Error),
    /// The threads that have to be there before the rest is taken away could not be started.
    #[error("a thread could not be started: {0}")]
    Threads(io::Error),
}

/// Confines this process: all of its threads, and for good.
///
/// `start` starts the threads that it needs, since afterwards it cannot start any. It has to be called early, by the only
/// thread there is: descriptors that were passed on to this process are closed, except for the standard streams.
pub fn confine_worker<T>(
    limits: &Limits,
    start: impl FnOnce() -> io::Result<T>,
) -> Result<(T, Confined), ConfineError> {
    let mut gaps = Vec::new();
    system::before_threads(limits, &mut gaps)?;
    let threads = start().map_err(ConfineError::Threads)?;
    system::after_threads(&mut gaps)?;
    Ok((threads, Confined { gaps }))
}

#[cfg(unix)]
pub(crate) mod limits {
    //! Limits of resources, on every Unix.

    use std::io;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::{ConfineError, Limits};

    /// Address space besides heap and stacks, in bytes: the program, its libraries, and what allocators only reserve.
    const RESERVED: u64 = 768 * 1024 * 1024;

    pub(crate) fn before_threads(limits: &Limits) -> Result<(), ConfineError> {
        let data = limits.heap.saturating_add(limits.stacks);
        set(Resource::Core, 0)?;
        set(Resource::Fsize, 0)?;
        set(Resource::Nofile, 0)?;
        set(Resource::Data, data)?;
        set(Resource::As, data.saturating_add(RESERVED))
    }

    pub(crate) fn after_threads() -> Result<(), ConfineError> {
        set(Resource::Nproc, 0)
    }

    fn set(resource: Resource, limit: u64) -> Result<(), ConfineError> {
        // A limit that is lower already stays.
        let limit = getrlimit(resource).maximum.map_or(limit, |there| there.min(limit));
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(resource, limit).map_err(|error| ConfineError::Limit(io::Error::from(error)))
    }
}

#[cfg(target_os = "linux")]
use crate::linux as system;

#[cfg(not(target_os = "linux"))]
mod system {
    //! What systems besides Linux can take away.

    use super::{ConfineError, Limits};

    pub(crate) fn before_threads(limits: &Limits, gaps: &mut Vec<String>) -> Result<(), ConfineError> {
        #[cfg(unix)]
        super::limits::before_threads(limits)?;
        #[cfg(not(unix))]
        let _ = limits;
        gaps.push("files, network and programs are not taken away from the inspector on this system".to_owned());
        Ok(())
    }

    pub(crate) fn after_threads(gaps: &mut Vec<String>) -> Result<(), ConfineError> {
        #[cfg(unix)]
        super::limits::after_threads()?;
        #[cfg(not(unix))]
        gaps.push("the inspector's memory is not limited on this system".to_owned());
        let _ = gaps;
        Ok(())
    }
}
