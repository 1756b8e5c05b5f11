//! What a probe is, and what can come of it.

use std::io;

use serde::{Deserialize, Serialize};

use crate::outside::Outside;
use crate::place::Place;

/// An attack on what the suite has planted.
pub(crate) struct Probe {
    /// Its name in the documents.
    pub(crate) id: &'static str,
    /// What it does, for the table.
    pub(crate) what: &'static str,
    /// Where its effect is seen.
    pub(crate) seen: Seen,
    /// Does it. `Ok` if it worked, as far as can be seen from inside.
    pub(crate) run: fn(&Place) -> io::Result<()>,
}

/// Where the effect of a probe is seen.
pub(crate) enum Seen {
    /// Inside: it got to know a secret, or to do something that the kernel either does or refuses.
    Inside,
    /// A planted service got the probe's mark.
    Arrives,
    /// A planted file has the probe's mark: one of these paths below the world's root.
    Written(&'static [&'static str]),
    /// Somebody outside looks.
    Outside(fn(&Outside) -> bool),
}

pub(crate) type Attempt = fn(&Place) -> io::Result<()>;

impl Probe {
    pub(crate) const fn inside(id: &'static str, what: &'static str, run: Attempt) -> Self {
        Self { id, what, seen: Seen::Inside, run }
    }

    pub(crate) const fn arrives(id: &'static str, what: &'static str, run: Attempt) -> Self {
        Self { id, what, seen: Seen::Arrives, run }
    }

    pub(crate) const fn writes(
        id: &'static str,
        what: &'static str,
        paths: &'static [&'static str],
        run: Attempt,
    ) -> Self {
        Self { id, what, seen: Seen::Written(paths), run }
    }

    pub(crate) const fn outside(
        id: &'static str,
        what: &'static str,
        look: fn(&Outside) -> bool,
        run: Attempt,
    ) -> Self {
        Self { id, what, seen: Seen::Outside(look), run }
    }
}

/// What a probe leaves behind, so that it is known as its own.
pub(crate) fn mark(id: &str) -> String {
    format!("<probe:{id}>")
}

/// What a probe says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Worked,
    /// The kernel's answer by its name, or words.
    Refused(String),
    /// It was ended by a signal.
    Killed(i32),
    /// It was still at it when its time was over.
    Late,
    /// It never ran.
    Nothing,
}

impl Said {
    pub(crate) fn of(outcome: &io::Result<()>) -> Self {
        match outcome {
            Ok(()) => Self::Worked,
            Err(error) => Self::Refused(error.raw_os_error().map_or_else(|| error.to_string(), errno)),
        }
    }

    /// In a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Worked => "believes that it worked".to_owned(),
            Self::Refused(why) => why.clone(),
            Self::Killed(signal) => format!("killed by signal {signal}"),
            Self::Late => "no answer".to_owned(),
            Self::Nothing => "did not run".to_owned(),
        }
    }
}

/// What came of a probe, from inside and from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) id: String,
    pub(crate) said: Said,
    pub(crate) effect: bool,
}

/// The name of an error, as the manual has it.
fn errno(number: i32) -> String {
    const NAMES: &[(i32, &str)] = &[
        (libc::EPERM, "EPERM"),
        (libc::ENOENT, "ENOENT"),
        (libc::ESRCH, "ESRCH"),
        (libc::EIO, "EIO"),
        (libc::ENXIO, "ENXIO"),
        (libc::ENOEXEC, "ENOEXEC"),
        (libc::EBADF, "EBADF"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::EACCES, "EACCES"),
        (libc::EBUSY, "EBUSY"),
        (libc::EEXIST, "EEXIST"),
        (libc::EXDEV, "EXDEV"),
        (libc::ENODEV, "ENODEV"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::EINVAL, "EINVAL"),
        (libc::ENOTTY, "ENOTTY"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::EROFS, "EROFS"),
        (libc::EPIPE, "EPIPE"),
        (libc::ENOSYS, "ENOSYS"),
        (libc::ELOOP, "ELOOP"),
        (libc::EPROTO, "EPROTO"),
        (libc::EUSERS, "EUSERS"),
        (libc::ENOTSOCK, "ENOTSOCK"),
        (libc::EPROTOTYPE, "EPROTOTYPE"),
        (libc::ENOPROTOOPT, "ENOPROTOOPT"),
        (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
        (libc::ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"),
        (libc::EOPNOTSUPP, "EOPNOTSUPP"),
        (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
        (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
        (libc::ENETUNREACH, "ENETUNREACH"),
        (libc::ECONNRESET, "ECONNRESET"),
        (libc::ENOTCONN, "ENOTCONN"),
        (libc::ETIMEDOUT, "ETIMEDOUT"),
        (libc::ECONNREFUSED, "ECONNREFUSED"),
        (libc::EHOSTUNREACH, "EHOSTUNREACH"),
        (libc::EINPROGRESS, "EINPROGRESS"),
        (libc::ENOKEY, "ENOKEY"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("error {number}"), |(_, name)| (*name).to_owned())
}
