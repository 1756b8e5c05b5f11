//! The only way out for a program in a sandbox.
//!
//! The sandbox gives the program a network in which every address is its own, and us the listeners in there. Which host is
//! meant is known because names are resolved here ([`names`]) to addresses that stand for one name each; what the program
//! then says to the host (the server name of TLS, the `Host` of HTTP) has to be the same name. We resolve that name again,
//! outside, and connect. Everything else is refused, and all is reported.
//!
//! What is inside of TLS is not looked into: where a host is allowed, what is said to it is bounded only by how much it is.

mod allowed;
mod attempt;
mod connection;
mod dial;
mod hello;
mod host;
mod http;
mod names;
mod publish;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

pub use allowed::{Allowed, Forward, Rule};
pub use attempt::{Attempt, Counts, Outcome, Protocol, Reason};
pub use host::{HostPattern, HostPatternError};
pub use publish::publish;

use attempt::Reports;
use connection::{canonical, pause};
use dial::Resolve;
use names::{MAX_QUESTION, Names};

/// How many connections there may be at once. More wait.
const MAX_CONNECTIONS: usize = 512;

/// The way out for one run.
pub struct Egress {
    allowed: Allowed,
    names: Names,
    reports: Arc<Reports>,
    /// What was sent under each rule, in bytes.
    used: Vec<AtomicU64>,
    connections: Arc<Semaphore>,
    resolve: Resolve,
}

impl Egress {
    /// A way out to what is allowed. Each attempt is told to the queue; what finds no room in it is counted.
    pub fn new(allowed: Allowed, queue: Sender<Attempt>) -> Arc<Self> {
        Arc::new(Self::resolving(allowed, queue, dial::by_system))
    }

    fn resolving(allowed: Allowed, queue: Sender<Attempt>, resolve: Resolve) -> Self {
        let used = allowed.rules.iter().map(|_| AtomicU64::new(0)).collect();
        let (names, reports) = (Names::default(), Arc::new(Reports::new(queue)));
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { allowed, names, reports, used, connections, resolve }
    }

    /// What was counted until now.
    pub fn counts(&self) -> Counts {
        self.reports.counts()
    }

    /// Serves until it is dropped, or until no listener can be listened to. `destination` says where a connection was
    /// meant to go: in a network where all addresses are local ones, that is its local address.
    pub async fn serve(
        self: Arc<Self>,
        streams: Vec<TcpListener>,
        questions: Option<UdpSocket>,
        destination: impl Fn(&TcpStream) -> Option<SocketAddr> + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        let mut serving = JoinSet::new();
        for listener in streams {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            serving.spawn(Arc::clone(&self).accept(listener, destination.clone()));
        }
        if let Some(questions) = questions {
            questions.set_nonblocking(true)?;
            serving.spawn(Arc::clone(&self).questions(tokio::net::UdpSocket::from_std(questions)?));
        }
        // Each of them ends only by an error.
        match serving.join_next().await {
            Some(ended) => ended.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    async fn accept(
        self: Arc<Self>,
        listener: tokio::net::TcpListener,
        destination: impl Fn(&TcpStream) -> Option<SocketAddr>,
    ) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            // A program that takes all sockets there are has to wait for some to be free again, and is served then.
            let Ok((stream, _)) = listener.accept().await else {
                pause().await;
                continue;
            };
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else { return Ok(()) };
            let (egress, to) = (Arc::clone(&self), destination(&stream));
            connections.spawn(async move {
                let _permit = permit;
                egress.connection(stream, to).await;
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn questions(self: Arc<Self>, socket: tokio::net::UdpSocket) -> io::Result<()> {
        let destination = canonical(socket.local_addr()?);
        let mut question = vec![0; MAX_QUESTION];
        loop {
            // Who asked may be gone, which a datagram socket learns here.
            let Ok((length, source)) = socket.recv_from(&mut question).await else {
                pause().await;
                continue;
            };
            let question = question.get(..length).unwrap_or_default();
            let answer =
                self.names.answer(question, (Some(canonical(source)), destination), &self.allowed, &self.reports);
            if let Some(answer) = answer {
                let _ = socket.send_to(&answer, source).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
