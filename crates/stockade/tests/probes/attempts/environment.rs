//! What a process is handed down.

use stockade_testkit::kernel::{at, opened};

use crate::place::{LEFT_OPEN, SECRET};
use crate::probe::Probe;
use crate::sys::{number, other, path, secret_in};

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("E1", "see a token in the environment", |_| {
        let found = std::env::vars_os().any(|(_, value)| value == SECRET);
        if found { Ok(()) } else { other("none is there") }
    }),
    Probe::inside("E2", "read from an open file that was handed down", |_| secret_in(LEFT_OPEN)),
    Probe::inside("E3", "open a key by an open folder that was handed down", |_| {
        let file = path(".ssh/id_rsa");
        let file = opened(libc::SYS_openat, [LEFT_OPEN + 1, at(file.as_slice()), 0])?;
        secret_in(number(&file))
    }),
];
