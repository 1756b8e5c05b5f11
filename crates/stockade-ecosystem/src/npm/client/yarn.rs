//! Yarn's own configuration, from its version 2 on.
//!
//! In a project, every command of Yarn's is run by the Yarn and the plugins that the project brings. So it is asked at the
//! root of the system, where it prints what is built in and the user's, and the `.yarnrc.yml` of the project's folders are
//! read here. A variable goes before all of them, but there is none for scopes: in a run their files are rewritten.

use std::fmt::Write as _;

use stockade_model::Secret;
use url::Url;

use super::yaml::{self, Node};
use super::{Around, HOMES, Own, RUN, effective, run_of, variables};
use crate::client::marks::Marks;
use crate::native::list;
use crate::{
    Client, ClientConfig, Configured, Credential, Environment, Gate, Lines, Native, Problem, Rewritten, Stated,
    Upstream, Variables,
};

/// The client.
pub(in super::super) static YARN: Client = Client {
    name: "yarn",
    programs: &["yarn", "yarnpkg"],
    ask: &[&["config", "get", SERVER, "--json"]],
    is_asked_outside: true,
    around: Some(|folders, env| Around::text(folders, &[&[SERVER_VARIABLE, FILE_VARIABLE][..], &HOMES].concat(), env)),
    files,
    read,
    // It keeps nothing of a run.
    cache: |_| None,
    without_secrets,
    environment,
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |printed, scopes| {
        let files = if scopes.is_empty() { Vec::new() } else { files(printed) };
        let needed_for = scopes.first().map(|scope| format!("the registry of `{scope}` in `{FILE}`"));
        Rewritten { files, needed_for }
    },
    given: None,
    run_of,
    point,
    unpoint: |text| MARKS.undone(text),
    configured_in: |printed| Around::of(printed).at_home(&file_name(&Around::of(printed))),
    lockfiles: &["yarn.lock"],
    unbound: None,
    led: None,
    unwritten: None,
    like: None,
    in_project: None,
    by_hand: None,
    native: Some(Native {
        since: "4.10",
        file: "~/.yarnrc.yml, or .yarnrc.yml in a project",
        settings: native,
        pointed_in: None,
    }),
};

const FILE: &str = ".yarnrc.yml";
const SERVER: &str = "npmRegistryServer";
const SCOPES: &str = "npmScopes";
const HTTP: &str = "unsafeHttpWhitelist";
const SERVER_VARIABLE: &str = "YARN_NPM_REGISTRY_SERVER";
/// Names the files in the place of `.yarnrc.yml`.
const FILE_VARIABLE: &str = "YARN_RC_FILENAME";
/// Keys that hold credentials.
const SECRETS: [&str; 2] = ["npmAuthToken", "npmAuthIdent"];

fn file_name(around: &Around) -> String {
    around.variable(FILE_VARIABLE).unwrap_or(FILE).to_owned()
}

/// Those of the project's folders, and the user's.
fn files(printed: &[String]) -> Vec<String> {
    let around = Around::of(printed);
    let name = file_name(&around);
    around.in_project(&name).into_iter().chain(around.at_home(&name)).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let around = Around::of(printed);
    let projects = around.in_project(&file_name(&around));
    let built_in = match printed.first().map(|text| built_in(text)).transpose() {
        // It starts the project's own there, which has such a file and is not to be asked.
        Err(_) if files.iter().any(|(path, _)| projects.contains(path)) => None,
        asked => asked?,
    };
    let documents: Vec<Node> = files.iter().map(|(_, bytes)| yaml::parse(&String::from_utf8_lossy(bytes))).collect();
    let text = |node: Option<&Node>| Some(expand(node?.text()?, env)).filter(|text| !text.is_empty());
    let mut own = Own { default: around.variable(SERVER_VARIABLE).map(str::to_owned), ..Own::default() };
    let in_files = || documents.iter().find_map(|document| text(document.get(SERVER)));
    own.default = own.default.or_else(in_files).or(built_in);
    for document in &documents {
        for (scope, settings) in document.get(SCOPES).map(Node::entries).unwrap_or_default() {
            if let Some(address) = text(settings.get(SERVER)) {
                own.scopes.entry(format!("@{scope}")).or_insert(address);
            }
        }
    }
    let credentials = Credentials { documents: &documents, text: &text };
    let mut config = effective(&own, stated, "yarn", &|address, scope| {
        let mut upstream = Upstream::at(address)?;
        upstream.credential = credentials.of(&upstream.url, scope).or(upstream.credential);
        Ok(upstream)
    })?;
    for (document, (path, _)) in documents.iter().zip(files) {
        if [SERVER, SCOPES, "npmRegistries"].iter().any(|key| document.get(key).is_some_and(Node::has_gap))
            || *document == Node::Unread
        {
            config.problems.push(Problem::new(format!("not all of `{path}` could be read")));
        }
    }
    Ok(config)
}

/// What Yarn prints outside of the project. Yarn 1 has no such setting, and none of ours.
fn built_in(text: &str) -> Result<String, Problem> {
    let none = |_| Problem::new("`yarn config get npmRegistryServer` prints no address; Yarn 1 is not supported");
    serde_json::from_str(text.trim()).map_err(none)
}

/// What files say of credentials, the most specific one first.
struct Credentials<'a> {
    documents: &'a [Node],
    text: &'a dyn Fn(Option<&Node>) -> Option<String>,
}

impl Credentials<'_> {
    /// As Yarn looks it up: of the scope, else of the registry, else the one for everything.
    fn of(&self, url: &Url, scope: Option<&str>) -> Option<Credential> {
        let address = url.as_str().trim_end_matches('/');
        let bare = address.split_once(':').map_or(address, |(_, bare)| bare);
        let is_it = |key: &str| [address, bare].contains(&key.trim_end_matches('/'));
        let of_scope = |document: &Node| self.in_node(document.get(SCOPES)?.get(scope?.trim_start_matches('@'))?);
        let of_registry = |document: &Node| {
            let registries = document.get("npmRegistries")?.entries();
            registries.iter().filter(|(key, _)| is_it(key)).find_map(|(_, settings)| self.in_node(settings))
        };
        let found = self.documents.iter().find_map(of_scope);
        let found = found.or_else(|| self.documents.iter().find_map(of_registry));
        found.or_else(|| self.documents.iter().find_map(|document| self.in_node(document)))
    }

    fn in_node(&self, node: &Node) -> Option<Credential> {
        if let Some(token) = (self.text)(node.get("npmAuthToken")) {
            return Some(Credential::Bearer(Secret::new(token)));
        }
        let ident = (self.text)(node.get("npmAuthIdent"))?;
        // One without a colon is encoded already.
        Some(match ident.split_once(':') {
            Some((user, password)) => Credential::basic(user, password),
            None => Credential::Basic(Secret::new(ident)),
        })
    }
}

/// Replaces `${NAME}` as Yarn does; `${NAME-text}` and `${NAME:-text}` have a text for when it is not set.
fn expand(text: &str, env: Environment<'_>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('}') else { return out + "${" + after };
        let (name, otherwise) = inside.split_once('-').unwrap_or((inside, ""));
        let value = match name.strip_suffix(':') {
            Some(name) => env(name).filter(|value| !value.is_empty()),
            None => env(name),
        };
        out.push_str(value.as_deref().unwrap_or(otherwise));
        rest = after;
    }
    out + rest
}

/// Keys stay, without what is secret: a map that had nothing else would be none.
fn without_secrets(text: &str) -> String {
    let mut out = String::new();
    let mut within = None;
    for line in text.lines() {
        let indent = yaml::indentation(line);
        if within.is_some_and(|within| indent.is_none_or(|indent| indent > within)) {
            continue;
        }
        within = None;
        match yaml::key(line) {
            Some((key, _)) if SECRETS.contains(&key.as_str()) => {
                within = indent;
                out.extend(std::iter::repeat_n(' ', indent.unwrap_or_default()));
                out.push_str(&key);
                out.push_str(": \"\"\n");
            }
            _ if SECRETS.iter().any(|key| line.contains(key)) || has_userinfo(line) => {}
            _ => out.extend([line, "\n"]),
        }
    }
    out
}

/// True if a line has an address with a name or a password in it.
fn has_userinfo(line: &str) -> bool {
    let end = |rest: &str| rest.find(['/', '"', '\'', ' ', '?', '#']).unwrap_or(rest.len());
    line.split("://").skip(1).any(|rest| rest[..end(rest)].contains('@'))
}

/// Yarn sends nothing of itself in its `User-Agent`, so a run is found again by the token that it brings.
fn environment(base: &str, _: &[String], run: &str) -> Variables {
    variables([
        (SERVER_VARIABLE, base.to_owned()),
        ("YARN_UNSAFE_HTTP_WHITELIST", host(base)),
        ("YARN_NPM_AUTH_TOKEN", format!("{RUN}{run}")),
        ("YARN_NPM_ALWAYS_AUTH", "true".to_owned()),
        ("YARN_ENABLE_TELEMETRY", "false".to_owned()),
    ])
}

fn host(base: &str) -> String {
    Url::parse(base).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default()
}

/// How `setup` marks what it did here.
const MARKS: Marks = Marks("# ");

/// The address of every scope that is ours stands in its place, and what else a scope has stays. A file in which scopes are
/// written in braces is left as it is.
fn point(text: &str, base: &str, scopes: &[String]) -> String {
    let before = MARKS.undone(text);
    let mut rewriting = Rewriting { base, scopes, out: String::new(), has_scopes: false, has_host: false };
    let whole = if before.is_empty() || before.ends_with('\n') { before.clone() } else { format!("{before}\n") };
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    if rewriting.lines(&lines).is_none() {
        return before;
    }
    let mut out = rewriting.out;
    if whole != before {
        out.pop();
        MARKS.end_line(&mut out);
    }
    MARKS.write(&mut out, &format!("{SERVER}: \"{base}\""));
    if !rewriting.has_host {
        MARKS.write(&mut out, &format!("{HTTP}: [\"{}\"]", host(base)));
    }
    if !rewriting.has_scopes && !scopes.is_empty() {
        MARKS.write(&mut out, &format!("{SCOPES}:"));
        for scope in scopes {
            write_scope(&mut out, base, scope, 2);
        }
    }
    out
}

fn write_scope(out: &mut String, base: &str, scope: &str, indent: usize) {
    let space = " ".repeat(indent);
    MARKS.write(out, &format!("{space}\"{}\":", scope.trim_start_matches('@')));
    MARKS.write(out, &format!("{space}{space}{SERVER}: \"{base}\""));
}

struct Rewriting<'a> {
    base: &'a str,
    scopes: &'a [String],
    out: String,
    has_scopes: bool,
    has_host: bool,
}

impl Rewriting<'_> {
    /// `None` if they say something in a way that cannot be rewritten.
    fn lines(&mut self, lines: &[&str]) -> Option<()> {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let top = (yaml::indentation(line) == Some(0)).then(|| yaml::key(line)).flatten();
            let (key, rest) = top.unwrap_or_default();
            let inside = lines[at + 1..].iter().take_while(|line| is_inside(line)).count();
            let section = &lines[at..=at + inside];
            match key.as_str() {
                SERVER => section.iter().for_each(|line| MARKS.put_away(&mut self.out, line)),
                HTTP => self.hosts(section),
                SCOPES => self.of_scopes(section, rest)?,
                _ => section.iter().for_each(|line| self.out.push_str(line)),
            }
            at += 1 + inside;
        }
        Some(())
    }

    /// The list of hosts, with ours.
    fn hosts(&mut self, section: &[&str]) {
        let ours = host(self.base);
        let node = yaml::parse(&section.concat());
        let hosts: Vec<&str> =
            node.get(HTTP).map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
        self.has_host = true;
        if hosts.contains(&ours.as_str()) {
            return section.iter().for_each(|line| self.out.push_str(line));
        }
        for line in section {
            MARKS.put_away(&mut self.out, line);
        }
        let all: Vec<String> = hosts.into_iter().chain([ours.as_str()]).map(|host| format!("{host:?}")).collect();
        MARKS.write(&mut self.out, &format!("{HTTP}: [{}]", all.join(", ")));
    }

    fn of_scopes(&mut self, section: &[&str], rest: &str) -> Option<()> {
        let (header, inside) = section.split_first()?;
        if !rest.is_empty() {
            return None;
        }
        self.has_scopes = true;
        self.out.push_str(header);
        let indent = inside.iter().find_map(|line| yaml::indentation(line)).unwrap_or(2);
        let is_name = |line: &str| yaml::indentation(line) == Some(indent);
        let names = inside.iter().filter(|line| is_name(line));
        let there: Vec<String> = names.filter_map(|line| Some(format!("@{}", yaml::key(line)?.0))).collect();
        for scope in self.scopes.iter().filter(|scope| !there.contains(scope)) {
            write_scope(&mut self.out, self.base, scope, indent);
        }
        let mut is_ours = false;
        for (at, line) in inside.iter().enumerate() {
            if let Some((scope, rest)) = yaml::key(line).filter(|_| is_name(line)) {
                is_ours = self.scopes.contains(&format!("@{scope}"));
                self.out.push_str(line);
                if is_ours {
                    if !rest.is_empty() {
                        return None;
                    }
                    let next = inside[at + 1..].iter().find_map(|line| yaml::indentation(line));
                    let deeper = next.filter(|next| *next > indent).unwrap_or(indent + 2);
                    MARKS.write(&mut self.out, &format!("{}{SERVER}: \"{}\"", " ".repeat(deeper), self.base));
                }
            } else if is_ours && yaml::key(line).is_some_and(|(key, _)| key == SERVER) {
                MARKS.put_away(&mut self.out, line);
            } else {
                self.out.push_str(line);
            }
        }
        Some(())
    }
}

/// True of a line that belongs to the key before it.
fn is_inside(line: &str) -> bool {
    let is_item = line.starts_with("- ") || line.trim_end() == "-";
    yaml::indentation(line).is_none_or(|indent| indent > 0) || is_item
}

/// Of names, Yarn has the same patterns as we have.
fn native(gate: &Gate<'_>) -> Lines {
    let (minutes, rounded) = gate.whole_minutes("yarn");
    let mut text = format!("npmMinimalAgeGate: {minutes}\n");
    if !gate.exempt.is_empty() {
        let _ = writeln!(text, "npmPreapprovedPackages: {}", list(gate.exempt));
    }
    Lines { text, unsaid: rounded.into_iter().collect() }
}

#[cfg(test)]
mod tests;
