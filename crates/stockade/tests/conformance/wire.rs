//! Reads what a relay kept: HTTP/1.1, and nothing that it leaves unread.

use std::io::Read as _;

/// A request and its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The first line of the request.
    pub(crate) request: String,
    /// The head of the answer.
    pub(crate) head: String,
    /// The body of the answer, unpacked.
    pub(crate) body: Vec<u8>,
}

/// Every exchange of a conversation. An answer that ends too early has what is there of it. An error names what could not be
/// read: nothing may be taken for looked at that was not.
pub(crate) fn exchanges(asked: &[u8], said: &[u8]) -> Result<Vec<Exchange>, String> {
    let mut requests = requests(asked)?.into_iter();
    let mut rest = said;
    let mut exchanges = Vec::new();
    while !rest.is_empty() {
        let (head, after) = head(rest)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).ok_or("no status")?;
        if status < 200 {
            rest = after;
            continue;
        }
        let request = requests.next().ok_or("an answer to nothing")?;
        let is_bare = request.starts_with("HEAD ") || matches!(status, 204 | 304);
        let (body, after) = if is_bare { (Vec::new(), after) } else { body(&head, after)? };
        let body = unpacked(&head, body)?;
        exchanges.push(Exchange { request, head, body });
        rest = after;
    }
    Ok(exchanges)
}

/// The first lines of the requests.
fn requests(asked: &[u8]) -> Result<Vec<String>, String> {
    let mut rest = asked;
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let (head, after) = head(rest)?;
        let has_body = field(&head, "content-length").is_some() || field(&head, "transfer-encoding").is_some();
        rest = if has_body { body(&head, after)?.1 } else { after };
        lines.push(head.lines().next().unwrap_or_default().to_owned());
    }
    Ok(lines)
}

/// The head of a message, and what is behind it.
fn head(bytes: &[u8]) -> Result<(String, &[u8]), String> {
    let end = find(bytes, b"\r\n\r\n").ok_or("a head without an end")?;
    let head = String::from_utf8(bytes[..end].to_vec()).map_err(|_| "a head that is no text")?;
    Ok((head, &bytes[end + 4..]))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The value of a field of a head.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A body, and what is behind it.
fn body<'a>(head: &str, bytes: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), String> {
    if field(head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return chunks(bytes);
    }
    let length = match field(head, "content-length") {
        Some(length) => length.parse().map_err(|_| format!("a length that is none: {length}"))?,
        None => bytes.len(),
    };
    let (body, rest) = bytes.split_at(bytes.len().min(length));
    Ok((body.to_vec(), rest))
}

fn chunks(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let (mut body, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let Some(end) = find(rest, b"\r\n") else { return Ok((body, &[])) };
        let digits = std::str::from_utf8(&rest[..end]).map_err(|_| "a chunk without a length")?;
        let length = usize::from_str_radix(digits.trim(), 16).map_err(|_| format!("a chunk of {digits}"))?;
        rest = &rest[end + 2..];
        let chunk = rest.len().min(length);
        body.extend_from_slice(&rest[..chunk]);
        rest = rest.get(chunk + 2..).unwrap_or_default();
        if length == 0 {
            return Ok((body, rest));
        }
    }
    Ok((body, rest))
}

/// A body as it is without its coding; of one that ends too early, what can be unpacked.
fn unpacked(head: &str, body: Vec<u8>) -> Result<Vec<u8>, String> {
    match field(head, "content-encoding") {
        None | Some("identity") => Ok(body),
        Some("gzip") => {
            let mut bytes = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(body.as_slice());
            // What was read before an early end is there.
            let _ = decoder.read_to_end(&mut bytes);
            Ok(bytes)
        }
        Some(other) => Err(format!("a body in the coding {other}, which nobody looked into")),
    }
}
