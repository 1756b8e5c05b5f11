//! The part of YAML that configurations are written in: maps and lists by indentation or in braces, and text.
//!
//! What is beyond it (anchors, tags, text over several lines) is [`Node::Unread`], of which the reader has to say that it
//! was not looked at.

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
    Unread,
}

impl Node {
    /// The value of a key; the last one.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// True if something in it was not read.
    pub(super) fn has_gap(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Map(entries) => entries.iter().any(|(_, value)| value.has_gap()),
            Self::List(items) => items.iter().any(Self::has_gap),
            Self::Unread => true,
        }
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Node {
    let lines: Vec<Line<'_>> = text.lines().filter_map(Line::of).collect();
    let mut at = 0;
    let node = block(&lines, &mut at, 0);
    if at < lines.len() { Node::Unread } else { node }
}

/// How far a line is indented; `None` of one that says nothing.
pub(super) fn indentation(line: &str) -> Option<usize> {
    Line::of(line).map(|line| line.indent)
}

/// The key in a line, and what follows it.
pub(super) fn key(line: &str) -> Option<(String, &str)> {
    split(Line::of(line)?.content)
}

struct Line<'a> {
    indent: usize,
    content: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let content = without_comment(line.trim_start_matches(' ')).trim_end();
        let indent = line.len() - line.trim_start_matches(' ').len();
        (!content.is_empty() && !matches!(content, "---" | "...") && !content.starts_with('%'))
            .then_some(Self { indent, content })
    }

    fn is_item(&self) -> bool {
        self.content == "-" || self.content.starts_with("- ")
    }
}

/// A comment begins at the start or behind a space, and not within quotes.
fn without_comment(text: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &text[..at],
            (None, '"' | '\'') if " [{,:".contains(before) => quote = Some(c),
            (Some(open), c) if c == open && !(open == '"' && before == '\\') => quote = None,
            _ => {}
        }
        before = c;
    }
    text
}

/// What begins at a line, with all that is indented as far.
fn block(lines: &[Line<'_>], at: &mut usize, depth: usize) -> Node {
    let Some(first) = lines.get(*at) else { return Node::Map(Vec::new()) };
    if depth > MAX_DEPTH {
        skip(lines, at, first.indent.saturating_sub(1));
        return Node::Unread;
    }
    if first.is_item() { list(lines, at, first.indent, depth) } else { map(lines, at, first.indent, depth) }
}

fn list(lines: &[Line<'_>], at: &mut usize, indent: usize, depth: usize) -> Node {
    let mut items = Vec::new();
    while let Some(line) = lines.get(*at).filter(|line| line.indent == indent && line.is_item()) {
        *at += 1;
        let rest = line.content[1..].trim_start();
        // A map may begin behind the dash.
        let known = if split(rest).is_some() && !rest.starts_with(['{', '[', '"', '\'']) { None } else { Some(rest) };
        items.push(known.map_or(Node::Unread, |rest| value(rest, lines, at, indent, depth)));
        skip(lines, at, indent);
    }
    Node::List(items)
}

fn map(lines: &[Line<'_>], at: &mut usize, indent: usize, depth: usize) -> Node {
    let mut entries = Vec::new();
    while let Some(line) = lines.get(*at).filter(|line| line.indent == indent) {
        let Some((key, rest)) = split(line.content) else { return Node::Unread };
        *at += 1;
        let node = value(rest, lines, at, indent, depth);
        entries.push((key, node));
    }
    Node::Map(entries)
}

/// The value that follows a key or a dash.
fn value(rest: &str, lines: &[Line<'_>], at: &mut usize, indent: usize, depth: usize) -> Node {
    let next = lines.get(*at);
    if rest.is_empty() {
        // A list may stand as far left as its key.
        let is_inside = |line: &&Line<'_>| line.indent > indent || (line.indent == indent && line.is_item());
        return next.filter(is_inside).map_or_else(|| Node::Text(String::new()), |_| block(lines, at, depth + 1));
    }
    if next.is_some_and(|line| line.indent > indent) {
        skip(lines, at, indent);
        return Node::Unread;
    }
    let mut flow = Flow { rest };
    let node = flow.value(0);
    if flow.rest.trim().is_empty() { node } else { Node::Unread }
}

/// Passes over what is indented further.
fn skip(lines: &[Line<'_>], at: &mut usize, indent: usize) {
    while lines.get(*at).is_some_and(|line| line.indent > indent) {
        *at += 1;
    }
}

/// `key: rest`
fn split(content: &str) -> Option<(String, &str)> {
    if content.starts_with(['"', '\'']) {
        let mut flow = Flow { rest: content };
        let key = flow.quoted()?;
        let rest = flow.rest.trim_start().strip_prefix(':')?;
        return (rest.is_empty() || rest.starts_with(' ')).then(|| (key, rest.trim()));
    }
    let end = content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1))?;
    let key = content[..end].trim_end();
    (!key.starts_with(['\t', '{', '[', '?', '&', '*', '!'])).then(|| (key.to_owned(), content[end + 1..].trim()))
}

/// Values in one line.
struct Flow<'a> {
    rest: &'a str,
}

impl Flow<'_> {
    fn value(&mut self, depth: usize) -> Node {
        self.rest = self.rest.trim_start();
        if depth > MAX_DEPTH {
            return Node::Unread;
        }
        match self.rest.chars().next() {
            Some('{') => self.map(depth).unwrap_or(Node::Unread),
            Some('[') => self.list(depth).unwrap_or(Node::Unread),
            Some('"' | '\'') => self.quoted().map_or(Node::Unread, Node::Text),
            Some('&' | '*' | '!' | '|' | '>' | '%' | '@' | '`') => Node::Unread,
            _ => Node::Text(self.plain(depth)),
        }
    }

    /// Within braces and brackets, text ends before what divides values.
    fn plain(&mut self, depth: usize) -> String {
        let inside = depth > 0 && self.rest.contains([',', '}', ']']);
        let end = if inside { self.rest.find([',', '}', ']']) } else { None };
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text.trim().to_owned()
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                // In single quotes, two are one.
                if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                } else {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
            }
            if c == '\\' && quote == '"' {
                match chars.next()? {
                    (_, escaped @ ('"' | '\\' | '/')) => text.push(escaped),
                    _ => return None,
                }
            } else {
                text.push(c);
            }
        }
        None
    }

    fn take(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        self.take('[');
        while !self.take(']') {
            items.push(self.value(depth + 1));
            if !self.take(',') {
                return self.take(']').then_some(Node::List(items));
            }
        }
        Some(Node::List(items))
    }

    fn map(&mut self, depth: usize) -> Option<Node> {
        let mut entries = Vec::new();
        self.take('{');
        while !self.take('}') {
            let key = if self.rest.starts_with(['"', '\'']) {
                self.quoted()?
            } else {
                let (key, _) = self.rest.split_once(": ")?;
                let length = key.len();
                let key = key.trim().to_owned();
                self.rest = &self.rest[length..];
                key
            };
            if key.contains(['{', '}', '[', ']', ',']) || !self.take(':') {
                return None;
            }
            entries.push((key, self.value(depth + 1)));
            if !self.take(',') {
                return self.take('}').then_some(Node::Map(entries));
            }
        }
        Some(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
        path.iter().try_fold(node, |node, key| node.get(key))?.text()
    }

    #[test]
    fn maps_lists_and_text_are_read() {
        let text = "# of mine\na: 1 # one\n\"b c\": 'it''s'\nm:\n  x: \"q # \\\"r\"\n\n  deep:\n    y: https://h.example/ \nl:\n- p\n- \"q\"\n\
                    k:\n  - r\nf: {default: http://d.example/, \"@b\": 'c', n: {z: w}}\ng: [a, \"b\"]\ne:\n";
        let node = parse(text);
        assert_eq!(at(&node, &["a"]), Some("1"));
        assert_eq!(at(&node, &["b c"]), Some("it's"));
        assert_eq!(at(&node, &["m", "x"]), Some("q # \"r"));
        assert_eq!(at(&node, &["m", "deep", "y"]), Some("https://h.example/"));
        let items = |key: &str| node.get(key).unwrap().items().iter().filter_map(Node::text).collect::<Vec<_>>();
        assert_eq!(items("l"), ["p", "q"]);
        assert_eq!(items("k"), ["r"]);
        assert_eq!(items("g"), ["a", "b"]);
        assert_eq!(at(&node, &["f", "default"]), Some("http://d.example/"));
        assert_eq!(at(&node, &["f", "@b"]), Some("c"));
        assert_eq!(at(&node, &["f", "n", "z"]), Some("w"));
        assert_eq!(at(&node, &["e"]), Some(""));
        assert!(!node.has_gap());
    }

    #[test]
    fn what_is_beyond_is_a_gap_and_nothing_else() {
        for text in [
            "a: |\n  x\n",
            "a: &b c\n",
            "a: *b\n",
            "a: {b",
            "a: \"b",
            "a:\n  b\n c: d\n",
            "\ta: b",
            "- a: b\n",
            "a: b\n  c\n",
        ] {
            assert!(parse(text).has_gap(), "{text:?}");
        }
        let deep: Vec<String> = (0..100).map(|depth| " ".repeat(depth) + "a:\n").collect();
        assert!(parse(&deep.concat()).has_gap());
        let node = parse("a: |\n  x\nb: c\n");
        assert_eq!(at(&node, &["b"]), Some("c"));
    }
}
