//! What is told about each attempt to get out.
//!
//! Whoever listens may be slow, and the program may try often. So nobody waits for a report to be taken: there is a queue,
//! and what finds no room in it is counted.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::Sender;

/// How many refused names are remembered, so that each is reported once. Further ones are only counted.
const MAX_NAMES: usize = 4096;

/// An attempt to connect or to resolve a name, reported when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whom it was for, if that could be found out: the name that the program itself gave last. In lower case, of graphic
    /// ASCII characters without backtick, at most 253; others are `?`.
    pub name: Option<String>,
    /// Where the program believed to connect to. For a question over UDP: the address of the socket that got it.
    pub destination: SocketAddr,
    /// Where the program connected from.
    pub source: Option<SocketAddr>,
    /// Where the connection really led to.
    pub reached: Option<SocketAddr>,
    /// What was spoken.
    pub protocol: Protocol,
    /// What became of it.
    pub outcome: Outcome,
    /// How many bytes left, without headers of TCP.
    pub sent: u64,
    /// How many bytes came back.
    pub received: u64,
}

/// What was spoken, as far as was looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A question for a name, over UDP or TCP.
    Dns,
    /// HTTP that is not encrypted.
    Http,
    /// TLS.
    Tls,
    /// Something else, or nothing yet.
    Tcp,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was let out.
    Allowed,
    /// It was refused, or cut after some bytes.
    Refused(Reason),
    /// It was let out since everything is; this is why it would not have been.
    Observed(Reason),
    /// It was allowed and came to nothing; why, in lower case.
    Failed(String),
}

/// Why an attempt was refused. Names in here are fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing allows the name.
    #[error("no rule allows `{0}`")]
    Name(String),
    /// Nothing allows the address. A name that is allowed was not resolved, or not here.
    #[error("no rule allows the address `{0}`")]
    Address(SocketAddr),
    /// The host is allowed, the port is not.
    #[error("no rule allows port {port} of `{host}`")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The SNI or the `Host` is not the name that has the address.
    #[error("`{asked}` was asked for at the address of `{host}`")]
    OtherName {
        /// What was asked for.
        asked: String,
        /// Who has the address.
        host: String,
    },
    /// There is no SNI.
    #[error("`{0}` was connected to by TLS without a server name, so that it cannot be checked")]
    Nameless(String),
    /// The SNI that counts is encrypted.
    #[error(
        "`{0}` was connected to by TLS with Encrypted ClientHello, so that the name cannot be checked; switch it off"
    )]
    Hidden(String),
    /// Something else than TLS or HTTP was spoken where that is expected.
    #[error("port {port} of `{host}` is for {expected}, and something else was spoken: {why}")]
    Protocol {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// `TLS` or `HTTP`.
        expected: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The rule is `read_only`.
    #[error("`{method}` was requested of `{host}`, where only `GET`, `HEAD` and `OPTIONS` without a body are allowed")]
    Method {
        /// The host.
        host: String,
        /// The method.
        method: String,
    },
    /// The rule's `upload` is used up.
    #[error("more than {limit} bytes were to be sent to `{host}` in this run")]
    Upload {
        /// The host.
        host: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Nothing that could be checked came in time.
    #[error("`{host}` was connected to, and then nothing was asked of it for {seconds} seconds")]
    Silent {
        /// The host.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Where the connection was to go is not known.
    #[error("where the connection was to go is not known")]
    Lost,
    /// A question for a name could not be read.
    #[error("a question for a name could not be read")]
    Unreadable,
    /// All addresses that stand for names are taken.
    #[error("`{0}` is one more name than can be resolved in a run")]
    TooManyNames(String),
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that found no room in the queue.
    pub dropped: u64,
    /// Questions for names that were refused, repeated ones included.
    pub names_refused: u64,
}

/// Where reports go.
pub(super) struct Reports {
    queue: Sender<Attempt>,
    dropped: AtomicU64,
    names_refused: AtomicU64,
    /// Names whose refusal was reported.
    names: Mutex<HashSet<String>>,
}

impl Reports {
    pub(super) fn new(queue: Sender<Attempt>) -> Self {
        let (dropped, names_refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { queue, dropped, names_refused, names: Mutex::default() }
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts { dropped: read(&self.dropped), names_refused: read(&self.names_refused) }
    }

    /// Reports that a name was not resolved, the first time.
    pub(super) fn name_refused(
        &self,
        name: Option<String>,
        reason: Reason,
        source: Option<SocketAddr>,
        destination: SocketAddr,
    ) {
        self.names_refused.fetch_add(1, Ordering::Relaxed);
        if self.is_first(name.as_deref().unwrap_or_default()) {
            let mut attempt = Attempt::new(destination, source, Protocol::Dns);
            attempt.name = name;
            attempt.outcome = Outcome::Refused(reason);
            self.report(attempt);
        }
    }

    fn is_first(&self, name: &str) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.len() < MAX_NAMES && !names.contains(name) && names.insert(name.to_owned())
    }

    fn report(&self, attempt: Attempt) {
        if self.queue.try_send(attempt).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Attempt {
    fn new(destination: SocketAddr, source: Option<SocketAddr>, protocol: Protocol) -> Self {
        let outcome = Outcome::Failed("the run ended first".to_owned());
        Self { name: None, destination, source, reached: None, protocol, outcome, sent: 0, received: 0 }
    }
}

/// An attempt that goes on. It is reported when this is dropped, however the connection ends.
pub(super) struct Record {
    pub(super) attempt: Attempt,
    reports: Arc<Reports>,
}

impl Record {
    pub(super) fn new(reports: Arc<Reports>, destination: SocketAddr, source: Option<SocketAddr>) -> Self {
        Self { attempt: Attempt::new(destination, source, Protocol::Tcp), reports }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.reports.report(self.attempt.clone());
    }
}
