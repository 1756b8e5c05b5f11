//! Bun's own configuration.
//!
//! Bun prints nothing of it. It reads `bunfig.toml`, the project's and the user's, and after them what npm reads; a variable
//! goes before all of it, but there is none for scopes: in a run their files are rewritten. Where nothing names a registry,
//! it takes the one that it has built in, which it does not tell; ours is then that of npm.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stockade_model::Secret;
use toml::{Table, Value};

use super::super::route::TARBALL_END;
use super::npmrc::{self, SCOPES, Said, is_of_scope};
use super::{Around, HOMES, Own, RUN, effective, run_of, variables};
use crate::client::marks::Marks;
use crate::native::{list, not_exempted};
use crate::{
    Client, ClientConfig, Configured, Credential, Environment, Gate, Lines, Native, Problem, Rewritten, Stated,
    Variables,
};

/// The client.
pub(in super::super) static BUN: Client = Client {
    name: "bun",
    programs: &["bun", "bunx"],
    ask: &[&["--version"]],
    is_asked_outside: true,
    around: Some(|folders, env| {
        Around::text(folders, &[&REGISTRIES[..], &[TOKEN, "XDG_CONFIG_HOME"], &HOMES].concat(), env)
    }),
    files,
    read,
    // It keeps nothing of a run.
    cache: |_| None,
    without_secrets,
    environment,
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |printed, scopes| {
        let files = if scopes.is_empty() { Vec::new() } else { bunfigs(&Around::of(printed)) };
        Rewritten { files, needed_for: scopes.first().map(|scope| format!("the registry of `{scope}`")) }
    },
    given: None,
    run_of,
    point,
    unpoint: |text| MARKS.undone(text),
    configured_in: |printed| users(&Around::of(printed)),
    lockfiles: &["bun.lock"],
    unbound: Some(unbound),
    led: None,
    unwritten: None,
    like: None,
    in_project: None,
    by_hand: None,
    native: Some(Native {
        since: "1.3",
        file: "~/.bunfig.toml, or bunfig.toml in a project",
        settings: native,
        pointed_in: None,
    }),
};

const REGISTRIES: [&str; 3] = ["BUN_CONFIG_REGISTRY", "NPM_CONFIG_REGISTRY", "npm_config_registry"];
const TOKEN: &str = "BUN_CONFIG_TOKEN";
const PROJECTS: &str = "bunfig.toml";
const USERS: &str = ".bunfig.toml";
const NPMRC: &str = ".npmrc";

fn users(around: &Around) -> Option<String> {
    let own = around.variable("XDG_CONFIG_HOME").map(|folder| format!("{folder}/{USERS}"));
    own.or_else(|| around.at_home(USERS))
}

fn bunfigs(around: &Around) -> Vec<String> {
    around.in_project(PROJECTS).into_iter().chain(users(around)).collect()
}

/// The most specific one first.
fn files(printed: &[String]) -> Vec<String> {
    let around = Around::of(printed);
    let npmrcs = around.in_project(NPMRC).into_iter().chain(around.at_home(NPMRC));
    bunfigs(&around).into_iter().chain(npmrcs).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let around = Around::of(printed);
    let (mut problems, mut tables) = (Vec::new(), Vec::new());
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(PROJECTS)) {
        match std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Table>().ok()) {
            Some(table) => tables.push(table),
            None => problems.push(Problem::new(format!("`{path}` could not be read"))),
        }
    }
    let installs = || tables.iter().filter_map(|table| table.get("install"));
    let said = Said::of(files.iter().filter(|(path, _)| path.ends_with(NPMRC)), env);
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    // The most specific one comes first.
    for install in installs() {
        let registry = install.get("registry").map(|value| ("registry".to_owned(), value));
        let scopes = install.get("scopes").and_then(Value::as_table).into_iter().flatten();
        let scopes = scopes.map(|(scope, value)| (format!("@{}", scope.trim_start_matches('@')), value));
        for (key, value) in registry.into_iter().chain(scopes) {
            if let Some(read) = Known::of(value, env) {
                known.entry(key).or_insert(read);
            }
        }
    }
    for (key, address) in &said.addresses {
        let key = if is_of_scope(key) { key.trim_end_matches(SCOPES) } else { key };
        known.entry(key.to_owned()).or_insert_with(|| Known { address: address.clone(), credential: None });
    }
    let token = around.variable(TOKEN).map(|token| Credential::Bearer(Secret::new(token)));
    if let Some(address) = around.first(&REGISTRIES) {
        known.insert("registry".to_owned(), Known { address: address.to_owned(), credential: token.clone() });
    }
    let address = |known: &Known| known.address.clone();
    let scopes = known.iter().filter(|(key, _)| key.starts_with('@'));
    let own = Own {
        default: known.get("registry").map(address),
        scopes: scopes.map(|(scope, known)| (scope.clone(), address(known))).collect(),
    };
    let mut config = effective(&own, stated, "bun", &|address, scope| {
        let mut upstream = said.upstream(address)?;
        let own = known.get(scope.unwrap_or("registry")).filter(|own| own.address == address);
        let credential = own.and_then(|own| own.credential.clone());
        upstream.credential = credential.or(upstream.credential);
        Ok(upstream)
    })?;
    config.problems.extend(problems);
    Ok(config)
}

/// A registry in a `bunfig.toml`: an address, or a table with the address and a credential.
struct Known {
    address: String,
    credential: Option<Credential>,
}

impl Known {
    fn of(value: &Value, env: Environment<'_>) -> Option<Self> {
        let text = |key: &str| Some(expand(value.get(key)?.as_str()?, env)).filter(|text| !text.is_empty());
        let Some(address) = value.as_str() else {
            let token = text("token").map(|token| Credential::Bearer(Secret::new(token)));
            let basic = || Some(Credential::basic(&text("username")?, &text("password")?));
            return Some(Self { address: text("url")?, credential: token.or_else(basic) });
        };
        Some(Self { address: expand(address, env), credential: None })
    }
}

/// A value that begins with `$` is a variable's.
fn expand(text: &str, env: Environment<'_>) -> String {
    let name = text.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'));
    name.and_then(env).unwrap_or_else(|| text.to_owned())
}

/// Both of `bunfig.toml` and of `npmrc`.
fn without_secrets(text: &str) -> String {
    let is_secret = |line: &str| {
        ["token", "password", "username"].iter().any(|word| {
            let behind = line.split_once(word).map(|(_, behind)| behind.trim_start_matches(['"', '\'', ' ', '\t']));
            behind.is_some_and(|behind| behind.starts_with('='))
        })
    };
    let kept: String = text.lines().filter(|line| !is_secret(line)).flat_map(|line| [line, "\n"]).collect();
    npmrc::without_secrets(&kept)
}

/// Bun says nothing of the run in its `User-Agent`, so a run is found again by the token that it brings.
fn environment(base: &str, _: &[String], run: &str) -> Variables {
    let mut variables = variables([(TOKEN, format!("{RUN}{run}"))]);
    variables.extend(REGISTRIES.map(|name| (name.to_owned(), format!("{base}/"))));
    variables
}

/// The second of what stands for a package is where it is from, and nothing if that is the registry that Bun has.
fn unbound(text: &str, registries: &[&str]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        let Some((inside, behind)) = after.split_once('"') else { break };
        let is_file = inside.contains("/-/") && inside.ends_with(TARBALL_END);
        let is_there = is_file && registries.iter().any(|registry| inside.starts_with(registry));
        out.extend([before, "\"", if is_there { "" } else { inside }, "\""]);
        rest = behind;
    }
    out + rest
}

/// How `setup` marks what it did here.
const MARKS: Marks = Marks("# ");
const INSTALL: &str = "[install]";
const OF_SCOPES: &str = "[install.scopes]";

/// Our lines stand behind the headers of their tables. A file that says the same in another way is left as it is.
fn point(text: &str, base: &str, scopes: &[String]) -> String {
    let before = MARKS.undone(text);
    let registry = format!("registry = \"{base}/\"");
    let scoped: Vec<String> = scopes.iter().map(|scope| format!("{scope:?} = \"{base}/\"")).collect();
    let (mut out, mut table, mut found) = (String::new(), String::new(), Vec::new());
    for line in before.split_inclusive('\n') {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim().trim_matches(['"', '\'']));
        let of_scope = || scopes.iter().any(|scope| scope.trim_start_matches('@') == key.trim_start_matches('@'));
        let is_ours = (table == INSTALL && key == "registry") || (table == OF_SCOPES && of_scope());
        if is_ours {
            MARKS.put_away(&mut out, line);
        } else {
            out.push_str(line);
        }
        if let Some(header) = header(line) {
            table = header;
            let is_first = !found.contains(&table) && line.ends_with('\n');
            if is_first && table == INSTALL {
                MARKS.write(&mut out, &registry);
            } else if is_first && table == OF_SCOPES {
                for line in &scoped {
                    MARKS.write(&mut out, line);
                }
            }
            if is_first {
                found.push(table.clone());
            }
        }
    }
    MARKS.end_line(&mut out);
    if !found.iter().any(|table| table == INSTALL) {
        MARKS.write(&mut out, INSTALL);
        MARKS.write(&mut out, &registry);
    }
    if !scoped.is_empty() && !found.iter().any(|table| table == OF_SCOPES) {
        MARKS.write(&mut out, OF_SCOPES);
        for line in &scoped {
            MARKS.write(&mut out, line);
        }
    }
    if says(&out, base, scopes) { out } else { before }
}

/// The header of a table in a line.
fn header(line: &str) -> Option<String> {
    let line = line.split('#').next().unwrap_or_default();
    let header: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    (header.starts_with('[') && header.ends_with(']') && !header.contains('=')).then_some(header)
}

/// True if a file names ours, and nothing else in its place.
fn says(text: &str, base: &str, scopes: &[String]) -> bool {
    let Ok(table) = text.parse::<Table>() else { return false };
    let is_ours = |value: Option<&Value>| value.and_then(Value::as_str) == Some(&format!("{base}/"));
    let install = table.get("install");
    let of_scopes = install.and_then(|install| install.get("scopes"));
    let named = |scope: &String| {
        let bare = of_scopes.and_then(|all| all.get(scope.trim_start_matches('@')));
        is_ours(of_scopes.and_then(|all| all.get(scope))) && bare.is_none()
    };
    is_ours(install.and_then(|install| install.get("registry"))) && scopes.iter().all(named)
}

/// It counts seconds, and knows no patterns.
fn native(gate: &Gate<'_>) -> Lines {
    let (patterns, names): (Vec<_>, Vec<_>) = gate.exempt.iter().partition(|name| name.contains('*'));
    let mut text = format!("{INSTALL}\nminimumReleaseAge = {}\n", gate.age.as_secs());
    if !names.is_empty() {
        let _ = writeln!(text, "minimumReleaseAgeExcludes = {}", list(names));
    }
    Lines { text, unsaid: not_exempted(patterns) }
}

#[cfg(test)]
mod tests;
