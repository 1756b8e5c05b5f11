//! Forms with files in them: `multipart/form-data` (RFC 7578), all of it in memory.

use bytes::Bytes;
use stockade_model::Malformed;

/// The most parts of a form.
const MAX_PARTS: usize = 2000;
/// The longest head of a part in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The longest boundary in bytes (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The field's name.
    pub(crate) name: String,
    /// The name of the file, if it is one.
    pub(crate) file: Option<String>,
    /// The content.
    pub(crate) bytes: Bytes,
}

impl Part {
    /// The content as text.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// Reads the parts of a form, in their order. `content_type` is the request's header, which has the boundary.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, Malformed> {
    let malformed = |why| Malformed::new("a form", content_type, why);
    let boundary = boundary(content_type).ok_or_else(|| malformed("its content type names no boundary"))?;
    let delimiter = format!("\r\n--{boundary}");
    let first = &delimiter[2..];
    if !body.starts_with(first.as_bytes()) {
        return Err(malformed("it does not begin with its boundary"));
    }
    let mut at = first.len();
    let mut parts = Vec::new();
    loop {
        match body.get(at..at + 2) {
            Some(b"--") => return Ok(parts),
            Some(b"\r\n") => at += 2,
            _ => return Err(malformed("it breaks off, or a boundary stands inside a line")),
        }
        if parts.len() >= MAX_PARTS {
            return Err(malformed("it has too many parts"));
        }
        let rest = &body[at..];
        let head =
            find(&rest[..rest.len().min(MAX_HEAD)], b"\r\n\r\n").ok_or_else(|| malformed("a part has no head"))?;
        let start = at + head + 4;
        let length = find(&body[start..], delimiter.as_bytes()).ok_or_else(|| malformed("it breaks off"))?;
        let head = std::str::from_utf8(&rest[..head]).map_err(|_| malformed("the head of a part is not UTF-8"))?;
        let (name, file) = disposition(head).ok_or_else(|| malformed("a part has no name"))?;
        parts.push(Part { name, file, bytes: body.slice(start..start + length) });
        at = start + length + delimiter.len();
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (media, parameters) = content_type.split_once(';')?;
    if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY).then_some(boundary)
}

/// The field's and the file's name, from `Content-Disposition: form-data; name="content"; filename="a.whl"`.
fn disposition(head: &str) -> Option<(String, Option<String>)> {
    let line = head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let quoted = |key: &str| {
        let start = line.find(&format!("; {key}=\""))? + key.len() + 4;
        let text = line.get(start..)?;
        // A quote is escaped as `%22` (HTML) or with a backslash (RFC 2616); no name that we take has one.
        Some(text[..text.find('"')?].to_owned())
    };
    Some((quoted("name")?, quoted("filename")))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x y\"";

    fn read(body: &str) -> Result<Vec<Part>, Malformed> {
        parts(TYPE, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn a_form_is_its_parts() {
        let body = "--x y\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--x y\r\n\
            Content-Type: application/octet-stream\r\ncontent-disposition: form-data; name=\"content\"; filename=\"a.whl\"\r\n\
            \r\n--x\r\n\r\n--x y--\r\n";
        let parts = read(body).unwrap();
        let seen: Vec<_> =
            parts.iter().map(|part| (part.name.as_str(), part.file.as_deref(), part.text().unwrap())).collect();
        assert_eq!(seen, [(":action", None, "file_upload"), ("content", Some("a.whl"), "--x\r\n")]);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let part = "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1";
        for (body, why) in [
            ("", "it does not begin with its boundary"),
            ("--x y", "it breaks off, or a boundary stands inside a line"),
            ("--x yz", "it breaks off, or a boundary stands inside a line"),
            ("--x y\r\n", "a part has no head"),
            (part, "it breaks off"),
            ("--x y\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x y--", "a part has no name"),
        ] {
            assert_eq!(read(body).unwrap_err().why, why, "{body:?}");
        }
        for content_type in
            ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"]
        {
            assert!(parts(content_type, &Bytes::from_static(b"--x--")).is_err(), "{content_type}");
        }
    }
}
