//! One connection of a program: whom it is for, whether that is allowed, and what flows.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Egress;
use super::allowed::{HTTP, NAMES, Rule, TLS};
use super::attempt::{Outcome, Protocol, Reason, Record};
use super::dial::dial;
use super::hello::{self, Hello};
use super::host::Host;
use super::http::{self, Requests};
use super::names::MAX_QUESTION;

/// How long is waited for what says whom a connection is for, in seconds.
const HEAD: u64 = 10;
/// How long is waited for it where it is for a report alone.
const GLANCE: Duration = Duration::from_millis(300);
/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);
/// How many bytes are held on their way, in each direction.
const BUFFER: usize = 128 << 10;

/// Why nothing flows any more.
enum Stop {
    Refused(Reason),
    Failed(String),
    /// The other end takes nothing any more. What it said before that is still on its way.
    Deaf,
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Egress {
    /// Serves one connection to its end.
    pub(super) async fn connection(&self, mut stream: TcpStream, destination: Option<SocketAddr>) {
        let source = stream.peer_addr().ok().map(canonical);
        let known = destination.map(canonical);
        let place = known.or_else(|| stream.local_addr().ok()).unwrap_or(NOWHERE);
        if place.port() == NAMES && known.is_some() {
            return self.names_by_stream(stream, source, place).await;
        }
        let mut record = Record::new(self.reports.clone(), place, source);
        let stopped = match known {
            Some(to) => self.through(&mut stream, to, &mut record).await,
            None => Err(Reason::Lost.into()),
        };
        if stopped.is_err() {
            // Nobody is to take half of something for the whole.
            let _ = stream.set_zero_linger();
        }
        if matches!(record.attempt.outcome, Outcome::Observed(_)) {
            return;
        }
        record.attempt.outcome = match stopped {
            Ok(()) => Outcome::Allowed,
            Err(Stop::Refused(reason)) => Outcome::Refused(reason),
            // What a program has connected to and used may end as it likes.
            Err(Stop::Failed(_) | Stop::Deaf) if record.attempt.received > 0 => Outcome::Allowed,
            Err(Stop::Failed(why)) => Outcome::Failed(why),
            Err(Stop::Deaf) => Outcome::Failed("the program took no answer".to_owned()),
        };
    }

    async fn through(&self, stream: &mut TcpStream, to: SocketAddr, record: &mut Record) -> Result<(), Stop> {
        if let Some(leads) = self.allowed.forward(to) {
            let outside = dial(async { Ok(vec![leads]) }).await.map_err(Stop::Failed)?;
            return pump(stream, outside, Vec::new(), None, None, record).await;
        }
        if self.allowed.observe {
            return self.observed(stream, to, record).await;
        }
        let host = self.names.host(to.ip());
        if let Host::Name(name) = &host {
            record.attempt.name = Some(name.to_string());
        }
        let Some((number, rule)) = self.allowed.rule(&host, to.port()) else {
            return Err(self.refusal(stream, &host, to.port(), record).await.into());
        };
        let (mut begun, mut requests) = (Vec::new(), None);
        if to.port() == TLS {
            begun = in_time(&host, tls(stream, &host, record)).await?;
        } else if to.port() == HTTP || rule.read_only {
            record.attempt.protocol = Protocol::Http;
            requests = Some(Requests::new(host.clone(), to.port(), rule.read_only));
        }
        if let Some(requests) = &mut requests {
            begun = in_time(&host, first_request(stream, requests)).await?;
        }
        let outside = dial(self.addresses(&host, to.port())).await.map_err(Stop::Failed)?;
        let budget = self.budget(number, rule, &host);
        pump(stream, outside, begun, requests, budget, record).await
    }

    /// Lets a connection out as it is. Whom it is for is known by what it says first.
    async fn observed(&self, stream: &mut TcpStream, to: SocketAddr, record: &mut Record) -> Result<(), Stop> {
        let said = first_words(stream).await;
        let asked = asked_for(&said);
        record.attempt.name.clone_from(&asked);
        let host = asked.map_or(Host::Address(to.ip()), |name| Host::Name(name.as_str().into()));
        let unwanted = self.allowed.rule(&host, to.port()).is_none().then(|| match &host {
            Host::Name(name) => Reason::Name(name.to_string()),
            Host::Address(_) => Reason::Address(to),
        });
        let ended = match dial(async { Ok(vec![to]) }).await {
            Ok(outside) => pump(stream, outside, said, None, None, record).await,
            Err(why) => Err(Stop::Failed(why)),
        };
        if let Some(reason) = unwanted {
            record.attempt.outcome = Outcome::Observed(reason);
        }
        ended
    }

    /// Why a connection is refused for which there is no rule. What it says for itself is looked at for the report.
    async fn refusal(&self, stream: &mut TcpStream, host: &Host, port: u16, record: &mut Record) -> Reason {
        let asked = asked_for(&first_words(stream).await);
        if self.allowed.means(host) {
            return Reason::Port { host: host.to_string(), port };
        }
        record.attempt.name.clone_from(&asked);
        match asked {
            Some(name) if !self.allowed.means(&Host::Name(name.as_str().into())) => Reason::Name(name),
            _ => Reason::Address(record.attempt.destination),
        }
    }

    async fn addresses(&self, host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
        match host {
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, port)]),
            Host::Name(name) => (self.resolve)(name.to_string(), port).await,
        }
    }

    fn budget<'a>(&'a self, number: usize, rule: &Rule, host: &Host) -> Option<Budget<'a>> {
        let (limit, used) = (rule.upload?, self.used.get(number)?);
        Some(Budget { limit, used, host: host.to_string() })
    }

    /// Questions for names over a stream. Source: RFC 7766.
    async fn names_by_stream(&self, mut stream: TcpStream, source: Option<SocketAddr>, destination: SocketAddr) {
        let patience = Duration::from_secs(HEAD);
        while let Ok(Ok(length)) = timeout(patience, stream.read_u16()).await {
            let mut question = vec![0; usize::from(length)];
            if question.len() > MAX_QUESTION
                || !matches!(timeout(patience, stream.read_exact(&mut question)).await, Ok(Ok(_)))
            {
                return;
            }
            let answer = self.names.answer(&question, (source, destination), &self.allowed, &self.reports);
            let Some(answer) = answer else { return };
            let Ok(length) = u16::try_from(answer.len()) else { return };
            let whole = [length.to_be_bytes().as_slice(), &answer].concat();
            if stream.write_all(&whole).await.is_err() {
                return;
            }
        }
    }
}

/// What a program says first, if it says anything soon.
async fn first_words(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let whole = async {
        // As long as it may still be the start of TLS.
        while matches!(hello::read(&said), Ok(None)) && more(stream, &mut said, http::MAX_HEAD).await.is_ok() {}
    };
    let _ = timeout(GLANCE, whole).await;
    said
}

/// Whom that asks for.
fn asked_for(said: &[u8]) -> Option<String> {
    let hello = hello::read(said).ok().flatten().and_then(|hello| hello.name);
    hello.or_else(|| http::host_of(said))
}

/// Stands for an address that is not known.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// The start of a TLS connection, if it is for the host.
async fn tls(stream: &mut TcpStream, host: &Host, record: &mut Record) -> Result<Vec<u8>, Stop> {
    record.attempt.protocol = Protocol::Tls;
    let mut begun = Vec::new();
    let hello = loop {
        let expected = |why| Reason::Protocol { host: host.to_string(), port: TLS, expected: "TLS", why };
        match hello::read(&begun).map_err(expected)? {
            Some(hello) => break hello,
            None => more(stream, &mut begun, hello::MAX_HELLO).await?,
        }
    };
    let Hello { name, is_hidden } = hello;
    match name {
        Some(name) if !host.is_called(&name) => {
            record.attempt.name = Some(name.clone());
            Err(Reason::OtherName { asked: name, host: host.to_string() }.into())
        }
        None if matches!(host, Host::Name(_)) => Err(Reason::Nameless(host.to_string()).into()),
        _ if is_hidden => Err(Reason::Hidden(host.to_string()).into()),
        _ => Ok(begun),
    }
}

/// The start of a plain connection, of which the first request is for the host.
async fn first_request(stream: &mut TcpStream, requests: &mut Requests) -> Result<Vec<u8>, Stop> {
    loop {
        let mut part = Vec::new();
        more(stream, &mut part, http::MAX_HEAD).await?;
        let passed = requests.follow(&part)?;
        if !passed.is_empty() {
            return Ok(passed);
        }
    }
}

/// The whole of what says whom a connection is for comes in time, however slowly its parts come.
async fn in_time<T>(host: &Host, reading: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let silent = |_| Stop::Refused(Reason::Silent { host: host.to_string(), seconds: HEAD });
    timeout(Duration::from_secs(HEAD), reading).await.map_err(silent)?
}

async fn more(stream: &mut TcpStream, begun: &mut Vec<u8>, most: usize) -> Result<(), Stop> {
    let room = most.saturating_sub(begun.len()).max(1);
    let mut part = stream.take(room as u64);
    match part.read_buf(begun).await? {
        0 => Err(Stop::Failed("the program ended the connection before it asked for anything".to_owned())),
        _ => Ok(()),
    }
}

/// What may still be sent under a rule.
struct Budget<'a> {
    limit: u64,
    used: &'a AtomicU64,
    host: String,
}

impl Budget<'_> {
    fn take(&self, bytes: usize) -> Result<(), Reason> {
        let before = self.used.fetch_add(bytes as u64, Ordering::Relaxed);
        let enough = before.saturating_add(bytes as u64) <= self.limit;
        let refused = || Reason::Upload { host: self.host.clone(), limit: self.limit };
        enough.then_some(()).ok_or_else(refused)
    }
}

/// Lets bytes flow in both directions until both ends have said that they are done, and counts them.
async fn pump(
    inside: &mut TcpStream,
    mut outside: TcpStream,
    begun: Vec<u8>,
    mut requests: Option<Requests>,
    budget: Option<Budget<'_>>,
    record: &mut Record,
) -> Result<(), Stop> {
    record.attempt.reached = outside.peer_addr().ok().map(canonical);
    // It is told even if the run ends before the connection does.
    record.attempt.outcome = Outcome::Allowed;
    let _ = inside.set_nodelay(true);
    let (mut from_inside, mut to_inside) = inside.split();
    let (mut from_outside, mut to_outside) = outside.split();
    let (sent, received) = (&mut record.attempt.sent, &mut record.attempt.received);
    let up = async {
        let mut check = |bytes: &[u8]| -> Result<Option<Vec<u8>>, Stop> {
            let followed = requests.as_mut().map(|requests| requests.follow(bytes)).transpose()?;
            let length = followed.as_ref().map_or(bytes.len(), Vec::len);
            budget.as_ref().map_or(Ok(()), |budget| budget.take(length))?;
            Ok(followed)
        };
        if let Some(budget) = &budget {
            budget.take(begun.len())?;
        }
        to_outside.write_all(&begun).await.map_err(deaf)?;
        *sent += begun.len() as u64;
        flow(&mut from_inside, &mut to_outside, sent, &mut check).await
    };
    // A server may answer before all was said, and go: what it answered has to arrive.
    let up = async {
        match up.await {
            Err(Stop::Deaf) => Ok(()),
            ended => ended,
        }
    };
    let down = flow(&mut from_outside, &mut to_inside, received, |_| Ok(None));
    let ended = tokio::try_join!(up, down).map(drop);
    if ended.is_err() {
        let _ = outside.set_zero_linger();
    }
    ended
}

/// `check` says what of the bytes that were read is passed on, if not all.
async fn flow(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    count: &mut u64,
    mut check: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, Stop>,
) -> Result<(), Stop> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            // The other direction goes on.
            let _ = to.shutdown().await;
            return Ok(());
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let checked = check(bytes)?;
        let passed = checked.as_deref().unwrap_or(bytes);
        to.write_all(passed).await.map_err(deaf)?;
        *count += passed.len() as u64;
    }
}

fn deaf(_: io::Error) -> Stop {
    Stop::Deaf
}

/// An address of IPv4 as a socket for both families has it, as what it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Waits a moment, so that what fails at once is not tried in a circle.
pub(super) async fn pause() {
    sleep(PAUSE).await;
}
