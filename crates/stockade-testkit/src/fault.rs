//! What can go wrong with a registry, on demand.
//!
//! Each fault is one that a registry, a mirror or the network between them has shown. They are set per path and at run
//! time, so that a test can break exactly one request of a running install and mend it again.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use crate::http::{Framing, Response, head, send};

/// How often a slow body moves.
const BEAT: Duration = Duration::from_millis(20);
const BEATS_PER_SECOND: u32 = 50;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status instead of an answer, with a JSON body as the registry has it.
    Status(u16),
    /// This status with a `Retry-After` header: seconds or a date.
    RetryAfter(u16, String),
    /// No answer for now. When faults are cleared, the answer goes out after all, so that a test can gather requests and
    /// then let them go.
    Hang(Stall),
    /// The stated length is right, the connection closes after this many bytes of the body.
    Truncate(usize),
    /// A chunked body that is closed after this many bytes, without the last chunk.
    TruncateChunked(usize),
    /// A chunked body, properly ended, that is this many bytes longer (with spaces) or shorter than it should be.
    WrongLength(i64),
    /// One byte in the middle of the body is another.
    Corrupt,
    /// Other bytes at the same address.
    Replace(Vec<u8>),
    /// A redirect (302) to this address.
    Redirect(String),
    /// This body with status 200, for hostile documents.
    RawBody {
        /// The body.
        body: Vec<u8>,
        /// Its content type.
        content_type: String,
    },
    /// These bytes, head included, and then the end of the connection: for what the other faults cannot say.
    RawResponse(Vec<u8>),
    /// So many bytes of the body in a second.
    Slow(u32),
    /// The connection closes without a word.
    Drop,
}

/// Where an answer gets stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// Before its first byte.
    BeforeHeaders,
    /// After half of its body.
    MidBody,
}

/// Whether a path is meant: a pattern is a whole path, or a prefix if it ends in `*`.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |prefix| path.starts_with(prefix))
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    fault: Fault,
    /// `None`: as long as it stands.
    left: Option<usize>,
}

/// The faults that are set. The one that was set last decides.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    pub(crate) fn set(&mut self, pattern: &str, fault: Fault, times: Option<usize>) {
        self.0.push(Rule { pattern: pattern.to_owned(), fault, left: times });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn take(&mut self, path: &str) -> Option<Fault> {
        let at = self.0.iter().rposition(|rule| rule.left != Some(0) && matches(&rule.pattern, path))?;
        let rule = &mut self.0[at];
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.fault.clone())
    }
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    KeepAlive,
    Close,
}

/// The part of a fault that changes what is said: the rest of it changes how.
pub(crate) fn disturbed(fault: &Fault, response: Response) -> Response {
    match fault {
        Fault::Status(status) => Response::error(*status, "a fault of the test"),
        Fault::RetryAfter(status, after) => {
            Response::error(*status, "a fault of the test").header("retry-after", after.as_str())
        }
        Fault::Corrupt => {
            let mut body = response.body.to_vec();
            let middle = body.len() / 2;
            body.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 0x55);
            response.with_body(body)
        }
        Fault::Replace(body) => response.with_body(body.clone()),
        Fault::Redirect(url) => Response::new(302, "application/json", "{}").header("location", url.as_str()),
        Fault::RawBody { body, content_type } => Response::new(200, content_type, body.clone()),
        _ => response,
    }
}

/// Whether a fault is about the bytes of a body, so that a conditional request must not get around it.
pub(crate) fn needs_body(fault: &Fault) -> bool {
    use Fault::{Hang, Slow, Truncate, TruncateChunked, WrongLength};
    matches!(fault, Hang(Stall::MidBody) | Slow(_) | Truncate(_) | TruncateChunked(_) | WrongLength(_))
}

/// What a fault needs of the server while it takes its time.
pub(crate) struct Meanwhile<'a> {
    /// Waits until faults are cleared; false if there is nobody to answer any more.
    pub(crate) hold: &'a dyn Fn(&TcpStream) -> bool,
    /// Says that the rest of the answer leaves now: whoever has it may ask again at once.
    pub(crate) leaving: &'a dyn Fn(),
}

impl Fault {
    fn takes_time(&self) -> bool {
        matches!(self, Self::Hang(_) | Self::Slow(_))
    }
}

/// Sends a response the way the fault wants it.
pub(crate) fn perform(
    fault: &Fault,
    stream: &mut TcpStream,
    response: &Response,
    with_body: bool,
    meanwhile: &Meanwhile<'_>,
) -> io::Result<Then> {
    let body = response.body.as_slice();
    if *fault == Fault::Hang(Stall::BeforeHeaders) && !(meanwhile.hold)(stream) {
        return Ok(Then::Close);
    }
    let is_bare = !with_body || response.status == 304;
    if is_bare || !fault.takes_time() {
        (meanwhile.leaving)();
    }
    match fault {
        Fault::Drop => return Ok(Then::Close),
        Fault::RawResponse(bytes) => {
            stream.write_all(bytes)?;
            return Ok(Then::Close);
        }
        _ if is_bare => send(stream, response, false)?,
        Fault::Hang(Stall::MidBody) => return halves(stream, response, meanwhile),
        Fault::Truncate(bytes) => {
            stream.write_all(&head(response, Framing::Length(body.len())))?;
            stream.write_all(&body[..body.len().min(*bytes)])?;
            return Ok(Then::Close);
        }
        Fault::TruncateChunked(bytes) => {
            stream.write_all(&head(response, Framing::Chunked))?;
            chunk(stream, &body[..body.len().min(*bytes)])?;
            return Ok(Then::Close);
        }
        Fault::WrongLength(by) => chunked(stream, response, *by)?,
        Fault::Slow(rate) => slowly(stream, response, *rate, meanwhile)?,
        _ => {
            (meanwhile.leaving)();
            send(stream, response, true)?;
        }
    }
    Ok(Then::KeepAlive)
}

fn halves(stream: &mut TcpStream, response: &Response, meanwhile: &Meanwhile<'_>) -> io::Result<Then> {
    let (first, second) = response.body.split_at(response.body.len() / 2);
    stream.write_all(&head(response, Framing::Length(response.body.len())))?;
    stream.write_all(first)?;
    if !(meanwhile.hold)(stream) {
        return Ok(Then::Close);
    }
    (meanwhile.leaving)();
    stream.write_all(second)?;
    Ok(Then::KeepAlive)
}

fn chunk(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")
}

fn chunked(stream: &mut TcpStream, response: &Response, by: i64) -> io::Result<()> {
    let difference = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    let mut body = response.body.to_vec();
    if by < 0 {
        body.truncate(body.len().saturating_sub(difference));
    } else {
        body.resize(body.len() + difference, b' ');
    }
    stream.write_all(&head(response, Framing::Chunked))?;
    chunk(stream, &body)?;
    stream.write_all(b"0\r\n\r\n")
}

fn slowly(stream: &mut TcpStream, response: &Response, rate: u32, meanwhile: &Meanwhile<'_>) -> io::Result<()> {
    stream.write_all(&head(response, Framing::Length(response.body.len())))?;
    let piece = usize::try_from(rate.div_ceil(BEATS_PER_SECOND)).unwrap_or(1).max(1);
    let beat = if rate < BEATS_PER_SECOND { Duration::from_secs(1) / rate.max(1) } else { BEAT };
    let mut pieces = response.body.chunks(piece).peekable();
    while let Some(bytes) = pieces.next() {
        sleep(beat);
        if pieces.peek().is_none() {
            (meanwhile.leaving)();
        }
        stream.write_all(bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_path_or_a_prefix() {
        assert!(matches("/left-demo", "/left-demo"));
        assert!(!matches("/left-demo", "/left-demo/-/left-demo-1.0.0.tgz"));
        assert!(matches("/left-demo/-/*", "/left-demo/-/left-demo-1.0.0.tgz"));
        assert!(matches("*", "/"));
    }

    #[test]
    fn the_last_fault_decides_and_wears_off() {
        let mut faults = Faults::default();
        faults.set("*", Fault::Drop, None);
        faults.set("/a", Fault::Status(500), Some(1));
        assert_eq!(faults.take("/a"), Some(Fault::Status(500)));
        assert_eq!(faults.take("/a"), Some(Fault::Drop));
        faults.clear();
        assert_eq!(faults.take("/a"), None);
    }
}
