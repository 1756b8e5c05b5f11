//! uv's own configuration.
//!
//! No command of uv's prints it for others to read. `--show-settings` prints it for uv's own developers: all that is in
//! effect, of files, of the project, of the environment and of arguments, with passwords as `****`. Of it are read the
//! addresses of indexes, and for what cannot be read there is a problem. The index that uv has built in is in its help.
//!
//! A password is looked for where uv would find it: in the variables that give it an index, in those of an index's name,
//! and in the files. uv may also take it from `.netrc`, from a keyring and from its own store, which are not read here.
//!
//! A run is known by the user that our address has: uv shows it with each request, and writes it into no lockfile.

mod lock;

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{effective, has_userinfo, index};
use crate::client::marks::Marks;
use crate::native::not_exempted;
use crate::{Client, ClientConfig, Configured, Gate, Lines, Native, Problem, Rewritten, Stated, Upstream, Variables};

/// The client.
pub(in super::super) static UV: Client = Client {
    name: "uv",
    programs: &["uv", "uvx"],
    ask: &[&["pip", "install", "--show-settings", "stockade"], &["help", "pip", "install"], &["tool", "dir"]],
    is_asked_outside: false,
    around: None,
    files: |printed| configured_in(printed).into_iter().collect(),
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
    lockfiles: &["uv.lock", "pylock.toml", lock::MANIFEST],
    like: None,
    in_project: None,
    by_hand: None,
    unbound: None,
    led: Some(lock::led),
    unwritten: Some(lock::unwritten),
    native: Some(Native { since: "0.9.17", file: "~/.config/uv/uv.toml", settings: native, pointed_in: None }),
};

/// The most indexes that are looked at.
const MAX_INDEXES: usize = 100;

fn read(
    printed: &[String],
    files: &[Configured],
    env: &dyn Fn(&str) -> Option<String>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let settings = printed.first().map(|shown| settings(shown)).transpose();
    let settings = match settings {
        Err(_) if stated.url.is_some() => None,
        settings => settings?,
    };
    let indexes = settings.as_ref().map_or(&[][..], |settings| &settings.indexes);
    let own = match indexes.iter().find(|index| index.is_default) {
        Some(index) => Some(with_password(index, files, env)?),
        None => printed.get(1).and_then(|help| built_in(help)).map(|address| Upstream::at(&address)).transpose()?,
    };
    let mut config = effective(stated, own, "uv")?;
    config.cafile = env("SSL_CERT_FILE").filter(|path| !path.is_empty());
    for index in indexes.iter().filter(|index| !index.is_default).take(MAX_INDEXES) {
        let shown = index.name.as_deref().unwrap_or(&index.address);
        config.problems.push(Problem::new(format!("uv's index `{shown}` leads around the gateway")));
    }
    if settings.as_ref().is_some_and(|settings| settings.has_links) {
        config.problems.push(Problem::new("uv's `find-links` leads around the gateway"));
    }
    if settings.is_some_and(|settings| settings.no_index) {
        config.problems.push(Problem::new("uv's `no-index` keeps it from asking any index"));
    }
    Ok(config)
}

/// What uv shows of its indexes.
#[derive(Debug)]
struct Settings {
    indexes: Vec<Shown>,
    has_links: bool,
    no_index: bool,
}

#[derive(Debug, Default)]
struct Shown {
    name: Option<String>,
    address: String,
    is_default: bool,
}

/// Reads the part of what is shown that is about indexes. It is Rust's way of printing values, with one part of them on each
/// line.
fn settings(shown: &str) -> Result<Settings, Problem> {
    let unreadable = || Problem::new("`uv pip install --show-settings` did not print the indexes in a known form");
    let (_, rest) = shown.split_once("index_locations: IndexLocations {").ok_or_else(unreadable)?;
    let (part, _) = rest.split_once("\n        },").ok_or_else(unreadable)?;
    let (indexes, links) = part.split_once("\n            flat_index: [").ok_or_else(unreadable)?;
    let no_index = links.contains("\n            no_index: true,");
    if !no_index && !links.contains("\n            no_index: false,") {
        return Err(unreadable());
    }
    let mut found: Vec<Shown> = Vec::new();
    let mut lines = indexes.lines().map(str::trim);
    while let Some(line) = lines.next() {
        match (line, found.last_mut()) {
            ("Index {", _) => found.push(Shown::default()),
            ("IndexName(", Some(last)) => last.name = lines.next().and_then(quoted),
            ("given: Some(", Some(last)) => last.address = lines.next().and_then(quoted).ok_or_else(unreadable)?,
            ("default: true,", Some(last)) => last.is_default = true,
            _ => {}
        }
    }
    if found.iter().any(|index| index.address.is_empty()) {
        return Err(unreadable());
    }
    // Of several that are the default, uv takes the first, and none of the others.
    let mut has_default = false;
    found.retain(|index| !index.is_default || !std::mem::replace(&mut has_default, true));
    Ok(Settings { indexes: found, has_links: !links.starts_with("],"), no_index })
}

/// `"text",`
fn quoted(line: &str) -> Option<String> {
    line.strip_prefix('"')?.strip_suffix("\",").filter(|text| !text.contains(['"', '\\'])).map(str::to_owned)
}

/// The index that uv has built in, from its help, which breaks lines anywhere.
fn built_in(help: &str) -> Option<String> {
    let (_, help) = help.split_once("--default-index <")?;
    let (_, rest) = help.split_once("default:")?;
    let (_, rest) = rest.split_once('<')?;
    let (address, _) = rest.split_once('>')?;
    Some(address.split_whitespace().collect())
}

/// What uv prints in place of a password.
const HIDDEN: &str = "****";

fn with_password(
    shown: &Shown,
    files: &[Configured],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Upstream, Problem> {
    let name: Option<String> = shown.name.as_deref().map(|name| {
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    });
    let variable = |what: &str| env(&format!("UV_INDEX_{}_{what}", name.as_deref()?)).filter(|value| !value.is_empty());
    let (user, password) = (variable("USERNAME"), variable("PASSWORD"));
    if user.is_some() || password.is_some() {
        let mut url = url::Url::parse(&shown.address).map_err(|_| Problem::new("uv's index is not an address"))?;
        let set = url.set_username(&user.unwrap_or_default());
        let _ = set.and_then(|()| url.set_password(password.as_deref()));
        return Upstream::at(url.as_str());
    }
    let own = Upstream::at(&shown.address)?;
    if !shown.address.contains(HIDDEN) || shown.address.contains(&format!("//{RUN}:")) {
        return Ok(own);
    }
    let variables = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"].into_iter().filter_map(env);
    // A variable may give an index its name: `name=https://…`.
    let unnamed = |text: String| match text.split_once('=') {
        Some((name, address)) if !name.contains(':') => address.to_owned(),
        _ => text,
    };
    let all = variables.map(unnamed).chain(files.iter().flat_map(|(_, bytes)| addresses(bytes)));
    let found = all
        .filter_map(|address| Upstream::at(&address).ok())
        .find(|found| found.url == own.url && found.credential.is_some());
    found.ok_or_else(|| Problem::new(format!("the password of uv's index `{}` is in none of its files", own.url)))
}

/// The addresses of indexes in a file.
fn addresses(bytes: &[u8]) -> Vec<String> {
    let Some(table) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Table>().ok()) else {
        return Vec::new();
    };
    let indexes = table.get("index").and_then(Value::as_array).into_iter().flatten();
    let of_tables = indexes.filter_map(|index| index.get("url"));
    let single = [table.get("index-url"), table.get("pip").and_then(|pip| pip.get("index-url"))];
    let all = of_tables.chain(single.into_iter().flatten());
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The user's file is beside the folder of the user's tools, where the environment does not move them apart. uv does not
/// say where it is.
fn configured_in(printed: &[String]) -> Option<String> {
    let home = printed.get(2)?.trim().strip_suffix("/.local/share/uv/tools")?;
    Some(format!("{home}/.config/uv/uv.toml"))
}

fn without_secrets(text: &str) -> String {
    text.lines().filter(|line| !has_userinfo(line)).flat_map(|line| [line, "\n"]).collect()
}

/// uv reads `UV_*`; the older names are for older versions of it. Further indexes, links and
/// `no-index` of a file cannot be emptied from here: they are problems that [`read`] tells.
/// uv's own address has no `/` at its end, and it writes the address into its lockfile as it is, less the user.
fn environment(base: &str, _: &[String], run: &str) -> Variables {
    let ours = index(base).replacen("://", &format!("://{RUN}:{run}@"), 1);
    let ours = ours.trim_end_matches('/');
    let variables = [
        ("UV_DEFAULT_INDEX", ours),
        ("UV_INDEX_URL", ours),
        ("UV_INDEX", ""),
        ("UV_EXTRA_INDEX_URL", ""),
        ("UV_FIND_LINKS", ""),
        ("UV_NO_CACHE", "1"),
    ];
    variables.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// The user of our address in a run; its password is the run's name.
const RUN: &str = "stockade-run";

fn run_of(header: &str) -> Option<&str> {
    header.strip_prefix(RUN)?.strip_prefix(':')
}

/// The keys that `setup` puts away, of the file and of its table `pip`.
const OURS: [&str; 6] = ["index", "index-url", "extra-index-url", "find-links", "no-index", "no-cache"];
/// The most lines of one value that are put together. What is longer is left as it is.
const MAX_STATEMENT: usize = 64;

/// How `setup` marks what it did here.
const MARKS: Marks = Marks("# ");

/// Ours stand at the beginning, before any table.
fn point(text: &str, base: &str, _: &[String]) -> String {
    let before = MARKS.undone(text);
    let mut out = String::new();
    MARKS.write(&mut out, &format!("index-url = \"{}\"", index(base)));
    MARKS.write(&mut out, "no-cache = true");
    let mut lines: &[&str] = &before.split_inclusive('\n').collect::<Vec<_>>();
    let mut table = Vec::new();
    while !lines.is_empty() {
        let (length, statement) = statement(lines);
        if let Some(header) = header(lines[0]) {
            table = header;
        }
        let is_ours = is_ours(&table, &statement);
        for line in &lines[..length] {
            if is_ours && !line.trim().is_empty() {
                MARKS.put_away(&mut out, line);
            } else {
                out.push_str(line);
            }
        }
        lines = &lines[length..];
    }
    out
}

/// The lines that are a statement, the first ones that can stand by themselves, and what it says.
fn statement(lines: &[&str]) -> (usize, Table) {
    let parsed = |length: usize| Some((length, lines[..length].concat().parse::<Table>().ok()?));
    (1..=lines.len().min(MAX_STATEMENT)).find_map(parsed).unwrap_or_else(|| (1, Table::new()))
}

/// The name of the table that begins in a line.
fn header(line: &str) -> Option<Vec<String>> {
    if !line.trim_start().starts_with('[') {
        return None;
    }
    let mut names = Vec::new();
    let mut value = Value::Table(line.parse().ok()?);
    loop {
        let inner = match value {
            Value::Table(inner) => inner.into_iter().next(),
            Value::Array(inner) => inner.into_iter().next().map(|inner| (String::new(), inner)),
            _ => None,
        };
        let Some((name, next)) = inner else { return Some(names) };
        if !name.is_empty() {
            names.push(name);
        }
        value = next;
    }
}

/// True of a statement in this table that says where packages come from.
fn is_ours(table: &[String], statement: &Table) -> bool {
    let is_key = |key: &str| OURS.contains(&key);
    let path: Vec<&str> = table.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["index", ..] => true,
        [] => statement.iter().any(|(key, value)| {
            let of_pip = || value.as_table().is_some_and(|pip| pip.keys().any(|key| is_key(key)));
            is_key(key) || (key == "pip" && of_pip())
        }),
        ["pip"] => statement.keys().any(|key| is_key(key)),
        _ => false,
    }
}

/// It knows no patterns.
fn native(gate: &Gate<'_>) -> Lines {
    let (patterns, names): (Vec<_>, Vec<_>) = gate.exempt.iter().partition(|name| name.contains('*'));
    let mut text = format!("exclude-newer = \"{}\"\n", gate.spelled());
    if !names.is_empty() {
        let pairs: Vec<String> = names.iter().map(|name| format!("{name} = false")).collect();
        let _ = writeln!(text, "exclude-newer-package = {{ {} }}", pairs.join(", "));
    }
    Lines { text, unsaid: not_exempted(patterns) }
}

#[cfg(test)]
mod tests;
