//! Files like `entry_points.txt` and `setup.cfg`: sections of `key = value`, with values that go on in indented lines.

/// One line of a value, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    /// With a line break where it goes on in the next line.
    pub(super) value: String,
    /// From 1.
    pub(super) line: u32,
}

pub(super) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name.trim();
            continue;
        }
        let goes_on = line.starts_with([' ', '\t']);
        if let Some(last) = entries.last_mut().filter(|last| goes_on && last.section == section) {
            last.value.push('\n');
            last.value.push_str(content);
        } else if let Some((key, value)) = content.split_once(['=', ':']) {
            entries.push(Entry { section, key: key.trim(), value: value.trim().to_owned(), line: number });
        }
    }
    entries
}
