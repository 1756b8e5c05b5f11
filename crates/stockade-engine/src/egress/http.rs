//! The requests of a plain HTTP connection, followed so that each of them is checked before it leaves.
//!
//! Bytes are passed on as they are, and only once they are understood: a head when all of it has come and it is for the
//! right host, a body as far as its head announces it. So a second request on the connection is seen as such. What a
//! server could understand in another way is refused: lines that end in a single character, two lengths, a length beside
//! an encoding, an encoding other than `chunked`. After an answer 101 the client would speak something else, which is
//! refused then. Source: RFC 9110, 7.2 and 9.2.1; RFC 9112, 3.2, 6 and 7.1.

use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::attempt::Reason;
use super::host::{Host, printable};

/// The longest head of a request, in bytes: 16 KiB.
pub(super) const MAX_HEAD: usize = 16 << 10;
/// The most fields of a head.
const MAX_FIELDS: usize = 128;
/// The longest line that announces a piece of a body, in bytes, and the longest of the fields after the body.
const MAX_LINE: usize = 1024;
/// Methods that change nothing. Source: RFC 9110, 9.2.1, without `TRACE`.
const READING: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
const LINE_END: usize = 2;

/// The requests of one connection.
pub(super) struct Requests {
    host: Host,
    port: u16,
    is_read_only: bool,
    next: Next,
    /// What has come and is not understood yet.
    held: Vec<u8>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// The line before a piece of a body.
    Piece,
    /// So many bytes of a piece.
    InPiece(u64),
    /// The end of the line after a piece.
    AfterPiece,
    /// The fields after a body in pieces.
    Fields,
}

/// What is wrong with a request.
enum Wrong {
    /// It is not HTTP as it is understood here.
    Unclear(&'static str),
    OtherName(String),
    Method(String),
}

impl Requests {
    pub(super) fn new(host: Host, port: u16, is_read_only: bool) -> Self {
        Self { host, port, is_read_only, next: Next::Head, held: Vec::new() }
    }

    /// Of what was held back and what comes after it, that which may be passed on.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut passed = 0;
        while passed < all.len() {
            match self.pass(&all[passed..])? {
                0 => break,
                more => passed += more,
            }
        }
        self.held = all.split_off(passed);
        Ok(all)
    }

    /// How many of these bytes, which follow what was passed before, may be passed on. None of them: more have to come,
    /// which happens for less than [`MAX_HEAD`] bytes.
    fn pass(&mut self, bytes: &[u8]) -> Result<usize, Reason> {
        let step = match self.next {
            Next::Head => self.head(bytes),
            Next::Body(left) => Ok(through(left, bytes, Next::Body, Next::Head)),
            Next::InPiece(left) => Ok(through(left, bytes, Next::InPiece, Next::AfterPiece)),
            Next::AfterPiece => after_piece(bytes),
            Next::Piece => piece(bytes),
            Next::Fields => field(bytes),
        };
        let (passed, next) = step.map_err(|wrong| self.reason(wrong))?;
        self.next = next;
        Ok(passed)
    }

    fn head(&self, bytes: &[u8]) -> Result<(usize, Next), Wrong> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut request = Request::new(&mut fields);
        let length = match request.parse(bytes) {
            Ok(Status::Complete(length)) if length <= MAX_HEAD => length,
            Ok(Status::Partial) if bytes.len() < MAX_HEAD => return Ok((0, Next::Head)),
            Ok(_) => return Err(Wrong::Unclear("the head of the request is too long")),
            Err(_) => return Err(Wrong::Unclear("it is no request of HTTP/1")),
        };
        if !has_whole_line_ends(&bytes[..length]) {
            return Err(Wrong::Unclear("a line of the request does not end as it should"));
        }
        self.is_for_the_host(&request)?;
        let body = body(request.headers)?;
        let method = request.method.unwrap_or_default();
        let reads = READING.contains(&method) && matches!(body, Next::Head);
        if self.is_read_only && !reads {
            return Err(Wrong::Method(printable(method.as_bytes()).to_ascii_uppercase()));
        }
        Ok((length, body))
    }

    fn is_for_the_host(&self, request: &Request<'_, '_>) -> Result<(), Wrong> {
        let host = only(request.headers, "host")?.ok_or(Wrong::Unclear("the request names no host"))?;
        self.is_authority(host)?;
        let target = request.path.unwrap_or_default();
        if target.starts_with('/') || (target == "*" && request.method == Some("OPTIONS")) {
            return Ok(());
        }
        let (scheme, rest) = target.split_once("://").ok_or(Wrong::Unclear("the target of the request is unclear"))?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(Wrong::Unclear("the target of the request has another scheme than `http`"));
        }
        self.is_authority(rest.split(['/', '?', '#']).next().unwrap_or_default().as_bytes())
    }

    /// A host and perhaps a port have to be those of the connection.
    fn is_authority(&self, authority: &[u8]) -> Result<(), Wrong> {
        let other = || Wrong::OtherName(printable(authority));
        let text = std::str::from_utf8(authority).map_err(|_| other())?;
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        let is_port = port.is_empty() || port.parse() == Ok(self.port);
        if is_port && self.host.is_called(host) { Ok(()) } else { Err(other()) }
    }

    fn reason(&self, wrong: Wrong) -> Reason {
        let host = self.host.to_string();
        match wrong {
            Wrong::Unclear(why) => Reason::Protocol { host, port: self.port, expected: "HTTP", why },
            Wrong::OtherName(asked) => Reason::OtherName { asked, host },
            Wrong::Method(method) => Reason::Method { host, method },
        }
    }
}

/// The host that the request which begins here is for, fit to be shown. For a report only.
pub(super) fn host_of(bytes: &[u8]) -> Option<String> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    request.parse(bytes).ok()?;
    let host = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("host"))?.value;
    let name = host.iter().position(|byte| *byte == b':').map_or(host, |end| &host[..end]);
    (!name.is_empty()).then(|| printable(name))
}

/// The value of a field that may be there once.
fn only<'a>(fields: &[Header<'a>], name: &str) -> Result<Option<&'a [u8]>, Wrong> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value);
    let value = values.next();
    if values.next().is_some() {
        return Err(Wrong::Unclear("the request has a field twice that says where it goes or ends"));
    }
    Ok(value)
}

/// What follows a head with these fields.
fn body(fields: &[Header<'_>]) -> Result<Next, Wrong> {
    let unclear = Err(Wrong::Unclear("how long the body of the request is, is unclear"));
    match (only(fields, "content-length")?, only(fields, "transfer-encoding")?) {
        (None, None) => Ok(Next::Head),
        (None, Some(encoding)) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(Next::Piece),
        (Some(length), None) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            match std::str::from_utf8(length).ok().and_then(|length| length.parse().ok()) {
                Some(0) => Ok(Next::Head),
                Some(length) => Ok(Next::Body(length)),
                None => unclear,
            }
        }
        _ => unclear,
    }
}

fn has_whole_line_ends(head: &[u8]) -> bool {
    let follows = |at: usize, byte: u8| head.get(at + 1) == Some(&byte);
    let precedes = |at: usize, byte: u8| at > 0 && head[at - 1] == byte;
    head.iter().enumerate().all(|(at, byte)| match byte {
        b'\r' => follows(at, b'\n'),
        b'\n' => precedes(at, b'\r'),
        _ => true,
    })
}

/// Passes what is left of a body.
fn through(left: u64, bytes: &[u8], more: fn(u64) -> Next, after: Next) -> (usize, Next) {
    let passed = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let left = left - passed as u64;
    (passed, if left == 0 { after } else { more(left) })
}

fn piece(bytes: &[u8]) -> Result<(usize, Next), Wrong> {
    let Some(end) = line_end(bytes)? else { return Ok((0, Next::Piece)) };
    match httparse::parse_chunk_size(&bytes[..end]) {
        Ok(Status::Complete((length, 0))) if length == end => Ok((end, Next::Fields)),
        Ok(Status::Complete((length, size))) if length == end => Ok((end, Next::InPiece(size))),
        _ => Err(Wrong::Unclear("a piece of the body has no length")),
    }
}

/// A server that skips to the end of the line would see the next request elsewhere than one that counts.
fn after_piece(bytes: &[u8]) -> Result<(usize, Next), Wrong> {
    match bytes {
        [b'\r', b'\n', ..] => Ok((LINE_END, Next::Piece)),
        [] | [b'\r'] => Ok((0, Next::AfterPiece)),
        _ => Err(Wrong::Unclear("a piece of the body is longer than it says")),
    }
}

fn field(bytes: &[u8]) -> Result<(usize, Next), Wrong> {
    match line_end(bytes)? {
        None => Ok((0, Next::Fields)),
        Some(LINE_END) => Ok((LINE_END, Next::Head)),
        Some(end) => Ok((end, Next::Fields)),
    }
}

/// Where the first line ends, its end included.
fn line_end(bytes: &[u8]) -> Result<Option<usize>, Wrong> {
    let Some(end) = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        return if bytes.len() < MAX_LINE { Ok(None) } else { Err(Wrong::Unclear("a line in the body is too long")) };
    };
    let line = &bytes[..=end];
    if !has_whole_line_ends(line) {
        return Err(Wrong::Unclear("a line in the body does not end as it should"));
    }
    Ok(Some(end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests(is_read_only: bool) -> Requests {
        Requests::new(Host::Name("ok.example".into()), 80, is_read_only)
    }

    /// How many bytes were passed on, given that they come a few at a time.
    fn followed(mut requests: Requests, bytes: &[u8], size: usize) -> Result<usize, String> {
        let (mut passed, mut come) = (0, 0);
        while come < bytes.len() {
            come = (come + size).min(bytes.len());
            loop {
                match requests.pass(&bytes[passed..come]).map_err(|reason| reason.to_string())? {
                    0 => break,
                    more => passed += more,
                }
            }
        }
        Ok(passed)
    }

    fn all_pass(text: &str, is_read_only: bool) {
        for size in [1, 7, text.len()] {
            assert_eq!(followed(requests(is_read_only), text.as_bytes(), size), Ok(text.len()), "{text}");
        }
    }

    fn why_not(text: &str, is_read_only: bool) -> String {
        let [one, all] =
            [1, text.len()].map(|size| followed(requests(is_read_only), text.as_bytes(), size).unwrap_err());
        assert_eq!(one, all, "{text}");
        all
    }

    const GET: &str = "GET /a HTTP/1.1\r\nHost: ok.example\r\n\r\n";

    #[test]
    fn requests_for_the_host_pass_whatever_their_body() {
        let bodies = [
            "GET http://OK.example:80/a HTTP/1.1\r\nHost: Ok.Example.:80\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHOST: ok.example\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: ok.example\r\nContent-Length: 5\r\n\r\nGET /",
            "POST /a HTTP/1.1\r\nHost: ok.example\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nGET /\r\n0\r\nA: b\r\n\r\n",
        ];
        for body in bodies {
            all_pass(&format!("{body}{GET}{body}{GET}"), false);
        }
        all_pass(&format!("{GET}HEAD / HTTP/1.1\r\nHost: ok.example\r\nContent-Length: 0\r\n\r\n{GET}"), true);
    }

    #[test]
    fn a_request_for_another_host_is_refused_wherever_it_comes() {
        let other = "GET / HTTP/1.1\r\nHost: evil.invalid\r\n\r\n";
        let body = "POST / HTTP/1.1\r\nHost: ok.example\r\nContent-Length: 2\r\n\r\nab";
        let words = "`evil.invalid` was asked for at the address of `ok.example`";
        for text in [other.to_owned(), format!("{GET}{other}"), format!("{body}{GET}{other}")] {
            assert_eq!(why_not(&text, false), words);
        }
        let absolute = "GET http://evil.invalid/ HTTP/1.1\r\nHost: ok.example\r\n\r\n";
        assert_eq!(why_not(absolute, false), words);
        for host in
            ["evil.invalid@ok.example", "ok.example:81", "ok.example, evil.invalid", "[::1]", "ok.example:80:80"]
        {
            let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert!(why_not(&text, false).contains("was asked for"), "{host}");
        }
        let user = "GET http://ok.example@evil.invalid/ HTTP/1.1\r\nHost: ok.example\r\n\r\n";
        assert!(why_not(user, false).contains("`ok.example@evil.invalid` was asked for"));
    }

    #[test]
    fn what_a_server_could_understand_differently_is_refused() {
        let post = "POST / HTTP/1.1\r\nHost: ok.example\r\n";
        for text in [
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: ok.example\r\nHost: evil.invalid\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\nHost: ok.example\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: ok.example\r\n Host: evil.invalid\r\n\r\n".to_owned(),
            "CONNECT ok.example:80 HTTP/1.1\r\nHost: ok.example\r\n\r\n".to_owned(),
            "GET https://ok.example/ HTTP/1.1\r\nHost: ok.example\r\n\r\n".to_owned(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            "\u{16}\u{3}\u{1}".to_owned(),
            format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            format!("{post}Content-Length: +1\r\n\r\n"),
            format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"),
            format!("{post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\n5\nGET /"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\nx\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\naXX5\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\na\rX"),
        ] {
            assert!(why_not(&text, false).starts_with("port 80 of `ok.example` is for HTTP, and"), "{text}");
        }
        let long = format!("GET / HTTP/1.1\r\nHost: ok.example\r\nA: {}", "a".repeat(MAX_HEAD));
        assert!(why_not(&long, false).ends_with("the head of the request is too long"));
        let line = format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n{}", "a".repeat(MAX_LINE));
        assert!(why_not(&line, false).ends_with("a line in the body is too long"));
    }

    #[test]
    fn where_only_reading_is_allowed_nothing_is_sent() {
        for (method, rest) in [("POST", ""), ("TRACE", ""), ("GET", "Content-Length: 1\r\n")] {
            let text = format!("{GET}{method} / HTTP/1.1\r\nHost: ok.example\r\n{rest}\r\n");
            assert!(why_not(&text, true).starts_with(&format!("`{method}` was requested of `ok.example`")));
        }
    }

    #[test]
    fn an_address_is_a_host_too() {
        let host = Host::Address("2001:db8::1".parse().unwrap());
        for (text, passes) in [("[2001:db8::1]", true), ("[2001:db8::1]:80", true), ("ok.example", false)] {
            let text = format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n");
            assert_eq!(Requests::new(host.clone(), 80, false).pass(text.as_bytes()).is_ok(), passes, "{text}");
        }
    }

    #[test]
    fn the_host_is_found_in_an_unfinished_head() {
        assert_eq!(host_of(b"GET / HTTP/1.1\r\nHost: Evil.invalid:80\r\nA"), Some("evil.invalid".to_owned()));
        assert_eq!(host_of(b"GET / HTTP/1.1\r\nHost: evil"), None);
        assert_eq!(host_of(b"SSH-2.0"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_more_passes_than_there_is(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..50, chunked in any::<bool>(),
        ) {
            let head = "POST / HTTP/1.1\r\nHost: ok.example\r\nTransfer-Encoding: chunked\r\n\r\n";
            let bytes = if chunked { [head.as_bytes(), &bytes].concat() } else { bytes };
            if let Ok(passed) = followed(requests(false), &bytes, size) {
                prop_assert!(passed <= bytes.len());
            }
        }

        #[test]
        fn how_it_is_cut_changes_nothing(text in "[0-9a-f]{1,2}\r\n[a-z]{0,20}\r?\n0\r\n(A: b\r\n)?\r\n", size in 1_usize..9) {
            let head = "POST / HTTP/1.1\r\nHost: ok.example\r\nTransfer-Encoding: chunked\r\n\r\n";
            let text = format!("{head}{text}");
            let whole = followed(requests(false), text.as_bytes(), text.len());
            prop_assert_eq!(whole, followed(requests(false), text.as_bytes(), size));
        }
    }
}
