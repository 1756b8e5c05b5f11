//! Just enough HTTP/1.1, by hand.
//!
//! A library would mend what this server has to break: lengths that lie, bodies that end early, connections that close
//! without a word. So requests are read and responses are written over plain sockets, one thread for a connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

/// The longest line of a head, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;
/// The most header lines of a request.
const MOST_HEADERS: usize = 200;
/// The largest request body.
const LARGEST_BODY: u64 = 64 * 1024 * 1024;
/// Up to this size, a body leaves in the same write as its head.
const SMALL_BODY: usize = 64 * 1024;

/// A request as it came in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent.
    pub(crate) target: String,
    /// Decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// With lower-case names; repeated ones are joined with a comma.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The decoded value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
        Some(decoded(&value.replace('+', " ")))
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads the next request; `None` if the client has closed the connection.
pub(crate) fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let Some(line) = read_line(reader)? else { return Ok(None) };
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(malformed("no request line"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = read_headers(reader)?;
    let body = read_body(reader, &headers)?;
    let (path, query) = (decoded(path), query.to_owned());
    Ok(Some(Request { method: method.to_owned(), target: target.to_owned(), path, query, headers, body }))
}

fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
}

fn read_headers(reader: &mut BufReader<TcpStream>) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::<String, String>::new();
    for _ in 0..MOST_HEADERS {
        let line = read_line(reader)?.ok_or_else(|| malformed("the head ends too early"))?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("no header"))?;
        let value = value.trim();
        let joined = |old: &mut String| *old = format!("{old}, {value}");
        headers.entry(name.to_ascii_lowercase()).and_modify(joined).or_insert_with(|| value.to_owned());
    }
    Err(malformed("too many headers"))
}

fn read_body(reader: &mut BufReader<TcpStream>, headers: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    if headers.get("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        return read_chunks(reader);
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    read_exactly(reader, length)
}

fn read_exactly(reader: &mut BufReader<TcpStream>, length: u64) -> io::Result<Vec<u8>> {
    if length > LARGEST_BODY {
        return Err(malformed("the body is too large"));
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    Ok(body)
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| malformed("no chunk"))?;
        let digits = line.split(';').next().unwrap_or("");
        let length = u64::from_str_radix(digits.trim(), 16).map_err(|_| malformed("no chunk size"))?;
        body.extend(read_exactly(reader, length)?);
        read_line(reader)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// A response before anything happens to it.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Arc<Vec<u8>>,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: Arc::new(body.into()) }
    }

    pub(crate) fn json(status: u16, body: &impl ToString) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A refusal as the registry words it.
    pub(crate) fn error(status: u16, what: &str) -> Self {
        Self::json(status, &serde_json::json!({"error": what}))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(old, _)| *old != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(old, _)| *old == name).map(|(_, value)| value.as_str())
    }

    /// The same with another body, and a tag that fits it.
    pub(crate) fn with_body(mut self, body: Vec<u8>) -> Self {
        if self.value("etag").is_some() {
            self = self.header("etag", crate::packument::etag(&body));
        }
        self.body = Arc::new(body);
        self
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By a length that is stated.
    Length(usize),
    /// By a last chunk.
    Chunked,
}

/// The head of a response.
pub(crate) fn head(response: &Response, framing: Framing) -> Vec<u8> {
    let mut lines = vec![format!("HTTP/1.1 {} {}", response.status, phrase(response.status))];
    lines.extend(response.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    match framing {
        Framing::Length(_) if response.status == 304 => {}
        Framing::Length(length) => lines.push(format!("content-length: {length}")),
        Framing::Chunked => lines.push("transfer-encoding: chunked".to_owned()),
    }
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// Sends a response as it should be sent.
pub(crate) fn send(stream: &mut TcpStream, response: &Response, with_body: bool) -> io::Result<()> {
    let mut bytes = head(response, Framing::Length(response.body.len()));
    if !with_body {
        return stream.write_all(&bytes);
    }
    if response.body.len() <= SMALL_BODY {
        bytes.extend_from_slice(&response.body);
        return stream.write_all(&bytes);
    }
    stream.write_all(&bytes)?;
    stream.write_all(&response.body)
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Something",
    }
}
