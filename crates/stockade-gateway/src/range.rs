//! Cleared bytes as responses: whole, or the part that a client asks for (RFC 9110, section 14). Clients of Python read the
//! end of a wheel that way, to look at its metadata without fetching the rest.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_RANGE, RANGE};
use hyper::{Method, Request, Response, StatusCode};
use stockade_engine::{Cleared, Content};

use crate::body::Body;

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// The bytes, or what of them a request wants.
pub(crate) fn answer(cleared: &Cleared, request: &Request<Incoming>) -> io::Result<Response<Body>> {
    let size = cleared.size();
    let etag = format!("\"{}\"", cleared.clearance().digest().hex());
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    // A part of other bytes than the client has would be of no use to it.
    let counts = request.method() == Method::GET && header(IF_RANGE).is_none_or(|tag| tag == etag);
    let wanted = header(RANGE).filter(|_| counts).map_or(Wanted::Whole, |text| wanted(text, size));
    let (status, part) = match &wanted {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part.clone()),
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
    };
    let mut response = Response::new(body(cleared, &part)?);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
    let said = match wanted {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(format!("bytes {}-{}/{size}", part.start, part.end - 1)),
        Wanted::Nothing => Some(format!("bytes */{size}")),
    };
    headers.extend(said.and_then(|said| HeaderValue::from_str(&said).ok()).map(|said| (CONTENT_RANGE, said)));
    Ok(response)
}

fn body(cleared: &Cleared, part: &Range<u64>) -> io::Result<Body> {
    let length = part.end - part.start;
    if length == 0 {
        return Ok(Body::empty());
    }
    Ok(match cleared.content() {
        Content::Memory(bytes) => {
            let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Body::whole(bytes.slice(at(part.start)..at(part.end)))
        }
        Content::File(path) => Body::read(length, Box::new(chunks(path, part.clone(), CHUNK)?)),
    })
}

/// A part of a file's bytes, so many at a time.
#[expect(clippy::disallowed_methods, reason = "a face reads the file that the engine has cleared")]
fn chunks(
    path: &Path,
    part: Range<u64>,
    size: usize,
) -> io::Result<impl Iterator<Item = io::Result<Bytes>> + Send + use<>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(part.start))?;
    let mut file = file.take(part.end.saturating_sub(part.start));
    Ok(std::iter::from_fn(move || {
        let mut chunk = Vec::with_capacity(size);
        match file.by_ref().take(size as u64).read_to_end(&mut chunk) {
            Ok(0) => None,
            Ok(_) => Some(Ok(chunk.into())),
            Err(error) => Some(Err(error)),
        }
    }))
}

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    /// A part that there is not.
    Nothing,
}

/// One range of bytes. What is not understood is as if it were not there, and so are several ranges, which may be answered
/// with the whole.
fn wanted(header: &str, size: u64) -> Wanted {
    let parsed = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'));
    let Some((first, last)) = parsed else { return Wanted::Whole };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let part = match (first, last) {
        ("", last) => number(last).map(|length| size.saturating_sub(length)..size),
        (first, "") => number(first).map(|first| first..size),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match part {
        None => Wanted::Whole,
        Some(part) if part.start < part.end => Wanted::Part(part),
        Some(_) => Wanted::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_the_whole_or_nothing() {
        let part = |from: u64, to: u64| Wanted::Part(from..to);
        for (header, expect) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-4", part(2, 5)),
            ("bytes=2-400", part(2, 10)),
            ("bytes=7-", part(7, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-300", part(0, 10)),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=4-2", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(header, 10), expect, "{header}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }
}
