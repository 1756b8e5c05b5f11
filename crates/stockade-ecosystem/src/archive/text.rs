//! Manifests as text, with lines.

/// The most bytes of a manifest: 8 MiB.
const MAX_MANIFEST: usize = 8 << 20;
/// The most elements of a document in XML.
const MAX_ELEMENTS: usize = 100_000;
/// How many elements may lie in each other; what is deeper is taken for a child of the last.
const MAX_ELEMENT_DEPTH: usize = 64;
/// The most bytes of the name of an element; one with a longer name is passed over.
const MAX_ELEMENT_NAME: usize = 256;
/// The most bytes of a text that is searched for the line of each thing that is said in it: 256 KiB.
pub(crate) const MAX_SEARCHED: usize = 256 << 10;

/// The text of a file, as programs read it that do not mind a byte order mark or a wrong byte. `None` if it is larger
/// than a manifest.
pub(crate) fn lossy(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    (bytes.len() <= MAX_MANIFEST).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Where the lines of a text begin, so that asking for many lines costs no more than reading the text once.
pub(crate) struct Lines {
    breaks: Vec<usize>,
}

impl Lines {
    /// Of a text.
    pub(crate) fn of(text: &str) -> Self {
        Self { breaks: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, at: usize) -> u32 {
        let before = self.breaks.partition_point(|&line| line < at);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The path that a manifest in a folder (with its `/`) names, without `.` and `..`. `None` if it leads out of the package.
pub(crate) fn inside(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What stands behind the last point of a path, as written.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The line, from 1, of the first line that satisfies; 0 if none does, or the text is longer than is searched.
pub(crate) fn find_line(text: &str, is: impl Fn(&str) -> bool) -> u32 {
    if text.len() > MAX_SEARCHED {
        return 0;
    }
    let at = text.lines().position(is).map(|at| at.saturating_add(1));
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
}

/// An element of an XML document that has text and no elements in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// The names of the elements it is in and its own, joined with `/`.
    pub(crate) path: String,
    /// The trimmed text; empty for the end of an element that has others in it.
    pub(crate) text: String,
    /// Where it ends, from 1.
    pub(crate) line: u32,
}

/// The ends of the elements of a document, in their order. It need not be well-formed: what can be read is. Entities
/// are not expanded, but for the five of XML.
pub(crate) fn xml(text: &str) -> Vec<Element> {
    let lines = Lines::of(text);
    let mut elements = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut content = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        content.push_str(before);
        let at = text.len().saturating_sub(tag.len());
        if let Some(after) = skipped(tag, &mut content) {
            rest = after;
            continue;
        }
        let Some((tag, after)) = tag.split_once('>') else { return elements };
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let name = local_name(name.trim());
            if elements.len() < MAX_ELEMENTS && open.last() == Some(&name) {
                let path = open.join("/");
                elements.push(Element { path, text: unescaped(content.trim()), line: lines.line(at) });
            }
            if let Some(depth) = open.iter().rposition(|&element| element == name) {
                open.truncate(depth);
            }
        } else if !tag.ends_with('/') && open.len() < MAX_ELEMENT_DEPTH {
            let name = local_name(tag.split(char::is_whitespace).next().unwrap_or_default());
            open.extend(Some(name).filter(|name| name.len() <= MAX_ELEMENT_NAME));
        }
        content.clear();
    }
    elements
}

/// A name without the prefix of its namespace.
fn local_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// What follows a comment, an instruction, a declaration or quoted text; the latter is content.
fn skipped<'a>(tag: &'a str, content: &mut String) -> Option<&'a str> {
    if let Some(quoted) = tag.strip_prefix("![CDATA[") {
        let (text, after) = quoted.split_once("]]>").unwrap_or((quoted, ""));
        content.push_str(text);
        return Some(after);
    }
    let end = if tag.starts_with("!--") {
        "-->"
    } else if tag.starts_with('?') {
        "?>"
    } else if tag.starts_with('!') {
        ">"
    } else {
        return None;
    };
    Some(tag.split_once(end).map_or("", |(_, after)| after))
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_with_their_line() {
        let text =
            "<?xml version='1.0'?>\n<a><!-- <b>no</b> -->\n<p:b x='1'> one &amp; two </p:b><c/><b><![CDATA[<x>]]></b>";
        let found: Vec<_> = xml(text).into_iter().map(|e| (e.path, e.text, e.line)).collect();
        assert_eq!(found, [("a/b".into(), "one & two".into(), 3), ("a/b".into(), "<x>".into(), 3)]);
    }
}
