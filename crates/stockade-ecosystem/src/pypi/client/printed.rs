//! What pip prints of its configuration.

use std::collections::BTreeMap;

/// The longest line that is looked at, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// The file with credentials in the user's folder.
pub(super) const NETRC: &str = "/.netrc";
/// pip's oldest file of the user, which stands in the user's folder on every Unix.
const OLDEST: &str = "/.pip/pip.conf";

/// What is in effect for `pip install`.
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// A setting, if it is not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Reads `section.key='value'` lines. The command's own section goes before what is for all, and the environment before
/// both; an empty value is none and leaves what stood before. `pypi-url` is an older name of `index-url`.
pub(super) fn settings(printed: &[String]) -> Settings {
    let mut settings = BTreeMap::new();
    let lines = || printed.first().map_or("", String::as_str).lines().filter(|line| line.len() <= MAX_LINE);
    for section in ["global.", "install.", ":env:."] {
        for (key, value) in lines().filter_map(|line| line.strip_prefix(section)?.split_once('=')) {
            let value = unquoted(value);
            if !value.trim().is_empty() {
                let key = if key == "pypi-url" { "index-url" } else { key };
                settings.insert(key.to_owned(), value);
            }
        }
    }
    Settings(settings)
}

/// The text of a string as Python writes it. Escapes that stand for no white space and no quote are left as they are: no
/// address has one.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quoted = ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    let mut out = String::new();
    let mut chars = quoted.unwrap_or(text).chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, false) => out.push(c),
            _ => match chars.next() {
                Some('n' | 'r' | 't') => out.push('\n'),
                Some(escaped @ ('\\' | '\'' | '"')) => out.push(escaped),
                other => out.extend(std::iter::once('\\').chain(other)),
            },
        }
    }
    out
}

/// The default of `--index-url` that the help states. The help is wrapped, and old ones also behind a hyphen of the
/// address, which has no white space of its own.
pub(super) fn default(printed: &[String]) -> Option<String> {
    let (_, help) = printed.get(1)?.split_once("--index-url <url>")?;
    let (_, stated) = help.split_once("(default")?;
    let (stated, _) = stated.split_once(')')?;
    let address: String = stated.split_whitespace().collect();
    (address.len() <= MAX_LINE && address.contains("://")).then_some(address)
}

/// The configuration files, most specific first.
pub(super) fn files(printed: &[String]) -> Vec<String> {
    let mut files: Vec<String> = layers(printed).map(|(_, path)| path.to_owned()).collect();
    files.reverse();
    files
}

/// The user's file that `pip config set` writes: the last of the user's.
pub(super) fn users_file(printed: &[String]) -> Option<String> {
    let of_user = layers(printed).filter(|(layer, path)| *layer == "user" && !path.ends_with(OLDEST));
    of_user.last().map(|(_, path)| path.to_owned())
}

/// The user's credentials for all programs.
pub(super) fn netrc(printed: &[String]) -> Option<String> {
    let home = layers(printed).find_map(|(layer, path)| path.strip_suffix(OLDEST).filter(|_| layer == "user"))?;
    Some(format!("{home}{NETRC}"))
}

/// The files that `pip config debug` names, each with its layer, in the order of the print.
fn layers(printed: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let lines = printed.get(2).map_or("", String::as_str).lines().filter(|line| line.len() <= MAX_LINE);
    lines
        .scan("", |layer, line| {
            if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
                *layer = name;
            }
            let path = line.strip_prefix("  ").and_then(|line| line.rsplit_once(", exists: "));
            Some(
                path.filter(|(path, _)| path.starts_with(['/', '\\']) || path.get(1..3) == Some(":\\"))
                    .map(|(path, _)| (*layer, path)),
            )
        })
        .flatten()
}
