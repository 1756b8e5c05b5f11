//! pip's own configuration.
//!
//! `pip config list` prints what is set, of every file and of the environment, credentials included. Without an index among
//! it pip has one built in, which only its help tells. Its files are named by `pip config debug`.
//!
//! pip may also take credentials from `.netrc` and from a keyring. Neither is read here: an index that needs them gets them
//! as part of its address.

use std::collections::BTreeMap;

use super::{RUN, effective, has_userinfo, index};
use crate::client::marks::Marks;
use crate::native::not_exempted;
use crate::{Client, ClientConfig, Configured, Gate, Lines, Native, Problem, Rewritten, Stated, Upstream, Variables};

/// The client.
pub(in super::super) static PIP: Client = Client {
    name: "pip",
    programs: &["pip", "pip3"],
    ask: &[&["config", "list"], &["config", "debug"], &["install", "--help"]],
    is_asked_outside: false,
    around: None,
    files: |printed| files(printed).into_iter().filter(|file| file.exists).map(|file| file.path).collect(),
    read,
    // It keeps nothing of a run.
    cache: |_| None,
    without_secrets,
    environment,
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |_, _| Rewritten::default(),
    given: None,
    run_of,
    point,
    unpoint: |text| MARKS.undone(text),
    configured_in,
    lockfiles: &["pylock.toml"],
    like: None,
    in_project: None,
    by_hand: None,
    unbound: None,
    led: None,
    unwritten: None,
    native: Some(Native { since: "26.1", file: "~/.config/pip/pip.conf", settings: native, pointed_in: None }),
};

/// The longest line of what pip prints that is looked at.
const MAX_LINE: usize = 16 * 1024;
/// What leads to packages besides the index.
const AROUND: [&str; 2] = ["extra-index-url", "find-links"];
/// The sections that `pip install` looks into, the weightiest last. The environment is one.
const SECTIONS: [&str; 3] = ["global", "install", ":env:"];

fn read(
    printed: &[String],
    _: &[Configured],
    _: &dyn Fn(&str) -> Option<String>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let settings = settings(printed.first().map_or("", String::as_str));
    let set = |key: &str| settings.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let own = set("index-url").map(str::to_owned).or_else(|| built_in(printed.get(2)?));
    let own = own.as_deref().map(Upstream::at).transpose();
    let mut config = match (own, stated.url.is_some()) {
        (Err(_), true) => effective(stated, None, "pip"),
        (own, _) => effective(stated, own?, "pip"),
    }?;
    config.cafile = set("cert").map(str::to_owned);
    for key in AROUND.into_iter().filter(|key| set(key).is_some()) {
        config.problems.push(Problem::new(format!("pip's `{key}` leads around the gateway")));
    }
    if set("no-index")
        .is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on" | "t" | "y"))
    {
        config.problems.push(Problem::new("pip's `no-index` keeps it from asking any index"));
    }
    Ok(config)
}

/// What is set for `pip install`. Of a key, an empty value in a weightier place does not outweigh another: pip takes it for
/// none.
fn settings(printed: &str) -> BTreeMap<String, String> {
    let mut layers: [BTreeMap<String, String>; SECTIONS.len()] = Default::default();
    for line in printed.lines().filter(|line| line.len() <= MAX_LINE) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let Some((section, key)) = key.split_once('.') else { continue };
        let layer = SECTIONS.iter().position(|known| *known == section);
        if let (Some(layer), Some(value)) = (layer, literal(value)) {
            layers[layer].insert(key.to_owned(), value);
        }
    }
    let set = layers.into_iter().flatten().filter(|(_, value)| !value.is_empty());
    set.collect()
}

/// The value of a Python literal, as `repr` prints a text.
fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut value = String::new();
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            value.push(next);
            continue;
        }
        let digits = match rest.next()? {
            'n' => {
                value.push('\n');
                continue;
            }
            't' => {
                value.push('\t');
                continue;
            }
            'r' => {
                value.push('\r');
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            other => {
                value.push(other);
                continue;
            }
        };
        let digits: String = rest.by_ref().take(digits).collect();
        value.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
    }
    Some(value)
}

/// The index that pip has built in, from its help. It breaks lines anywhere, so the address is what is left without spaces.
fn built_in(help: &str) -> Option<String> {
    let (_, help) = help.split_once("--index-url <")?;
    let (help, _) = help.split_once("--extra-index-url").unwrap_or((help, ""));
    let (_, rest) = help.split_once("(default")?;
    let (address, _) = rest.split_once(')')?;
    Some(address.split_whitespace().collect())
}

/// A configuration file of which pip says that it would read it.
struct Named {
    /// `global`, `user`, `site`, or `env` for the one that the environment names.
    level: String,
    path: String,
    exists: bool,
}

fn files(printed: &[String]) -> Vec<Named> {
    let mut level = String::new();
    let mut files = Vec::new();
    for line in printed.get(1).map_or("", String::as_str).lines().filter(|line| line.len() <= MAX_LINE) {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            name.clone_into(&mut level);
        }
        let Some((path, exists)) = line.rsplit_once(", exists: ") else { continue };
        if let Some(path) = path.strip_prefix("  ") {
            files.push(Named { level: level.clone(), path: path.to_owned(), exists: exists == "True" });
        }
    }
    files
}

/// The file that the environment names stands in place of the user's. Of the user's, the last one outweighs the others.
fn configured_in(printed: &[String]) -> Option<String> {
    let mut files = files(printed);
    let last = |level| files.iter().rposition(|file: &Named| file.level == level);
    let at = last("env").or_else(|| last("user"))?;
    Some(files.swap_remove(at).path)
}

/// Addresses with a credential in them; a value may go on in further lines, each with an address.
fn without_secrets(text: &str) -> String {
    let is_secret = |line: &&str| has_userinfo(line) || key_of(line) == "proxy";
    text.lines().filter(|line| !is_secret(line)).flat_map(|line| [line, "\n"]).collect()
}

/// pip reads `PIP_*`, where an empty value counts as none, so that a file's would be in effect. A space is a value, of which
/// nothing is left when pip takes it apart.
pub(super) fn environment(base: &str, _: &[String], run: &str) -> Variables {
    let (ours, agent) = (index(base), format!("{RUN}{run}"));
    let variables = [
        ("PIP_INDEX_URL", ours.as_str()),
        ("PIP_EXTRA_INDEX_URL", " "),
        ("PIP_FIND_LINKS", " "),
        ("PIP_NO_INDEX", "0"),
        ("PIP_NO_CACHE_DIR", "1"),
        ("PIP_USER_AGENT_USER_DATA", &agent),
    ];
    variables.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// It stands in a JSON object, in which pip says what it runs on.
pub(super) fn run_of(user_agent: &str) -> Option<&str> {
    let (_, rest) = user_agent.split_once(RUN)?;
    rest.split(|end: char| end == '"' || end == '\\' || end.is_ascii_whitespace()).next()
}

/// The keys that `setup` puts away wherever they are, and what it writes instead.
const OURS: [&str; 5] = ["index-url", "extra-index-url", "find-links", "no-index", "no-cache-dir"];

/// How `setup` marks what it did here.
const MARKS: Marks = Marks("# ");

/// The lines are written at the end of `[global]`: a section must not be there twice, and before an indented line they would
/// begin a value that goes on in it.
fn point(text: &str, base: &str, _: &[String]) -> String {
    let before = MARKS.undone(text);
    let mut out = String::new();
    let (mut scan, mut written) = (Scan::default(), false);
    for line in before.split_inclusive('\n') {
        let was_global = scan.section == "global";
        let kind = scan.next(line);
        if kind == Kind::Section && was_global && !written {
            let indent = &line[..scan.indent];
            write_settings(&mut out, base, indent);
            written = true;
        }
        if scan.is_ours && matches!(kind, Kind::Key | Kind::More) {
            MARKS.put_away(&mut out, line);
        } else {
            out.push_str(line);
        }
    }
    if !written {
        MARKS.end_line(&mut out);
        if scan.section != "global" {
            MARKS.write(&mut out, "[global]");
        }
        write_settings(&mut out, base, "");
    }
    out
}

/// With the indent of what follows, which would else go on with our value.
fn write_settings(out: &mut String, base: &str, indent: &str) {
    MARKS.write(out, &format!("{indent}index-url = {}", index(base)));
    MARKS.write(out, &format!("{indent}no-cache-dir = true"));
}

/// What a line is of a file in Python's format of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing, or a comment.
    Empty,
    /// The beginning of a section.
    Section,
    /// A key with its value.
    Key,
    /// A line in which a value goes on.
    More,
}

/// Goes through the lines as `configparser` does: what is indented deeper than its key goes on with the key's value.
#[derive(Default)]
struct Scan {
    section: String,
    indent: usize,
    in_value: bool,
    is_ours: bool,
}

impl Scan {
    fn next(&mut self, line: &str) -> Kind {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            return Kind::Empty;
        }
        let indent = line.len() - line.trim_start().len();
        if self.in_value && indent > self.indent {
            return Kind::More;
        }
        self.indent = indent;
        let section = content.strip_prefix('[').and_then(|rest| rest.rsplit_once(']'));
        if let Some((name, _)) = section.filter(|(name, _)| !name.is_empty()) {
            name.clone_into(&mut self.section);
            (self.in_value, self.is_ours) = (false, false);
            return Kind::Section;
        }
        self.in_value = true;
        self.is_ours = OURS.contains(&key_of(content).as_str());
        Kind::Key
    }
}

/// A line's key as pip spells it.
fn key_of(line: &str) -> String {
    let key = line.split(['=', ':']).next().unwrap_or_default().trim().to_lowercase().replace('_', "-");
    key.strip_prefix("--").unwrap_or(&key).to_owned()
}

/// It knows whole days, and no exceptions.
fn native(gate: &Gate<'_>) -> Lines {
    let (days, rounded) = gate.whole_days("pip");
    let unsaid = rounded.into_iter().chain(not_exempted(gate.exempt)).collect();
    Lines { text: format!("[global]\nuploaded-prior-to = P{days}D\n"), unsaid }
}

#[cfg(test)]
mod tests;
