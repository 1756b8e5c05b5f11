//! cargo's own configuration: read, to find the registry that its user uses today, and written, to point cargo at the
//! gateway.
//!
//! cargo prints nothing of its configuration (`cargo config` is not stable). So its files are read as it reads them: those in
//! `.cargo` of the working folder and of every folder above, then the one in cargo's home. The more specific one wins, value
//! by value, and the environment wins over all of them, except over `[source]`, which cargo takes from files and arguments
//! only. In one folder `config` goes before `config.toml`. Files that these include are not read: where there are some, the
//! settings have to state the registry.
//!
//! Which registry stands for the public one is *source replacement*: `[source.crates-io] replace-with` names another source,
//! or one of `[registries]` if no source has the name. A lockfile goes on naming the registry that was replaced, and
//! `--registry crates-io`, which some commands ask for, means the one in its place. So we are a source: for a run, arguments
//! say so, and no file of a project outweighs them. A cargo that is started by another program (`cargo clippy` is one) does
//! not get them, and reads it in the user's file.

mod point;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::native::not_exempted;
use crate::{Client, ClientConfig, Configured, Environment, Gate, Native, Problem, Rewritten, Stated, Upstream};
use settings::{Settings, is_secret};

/// The client.
pub(super) static CARGO: Client = Client {
    name: "cargo",
    programs: &["cargo"],
    ask: &[&["--version", "--verbose"]],
    is_asked_outside: false,
    around: Some(|folders, env| around(folders.first()?, env)),
    files,
    read,
    cache: |printed| Some(below(&Around::of(printed)?.home, &["registry"])),
    without_secrets,
    environment,
    arguments: |_, base, _, _| arguments(base),
    // Arguments do not reach a cargo that is started by another program.
    rewritten: |printed, _| Rewritten { files: configured_in(printed).into_iter().collect(), needed_for: None },
    given: None,
    run_of,
    point: |text, base, _| point::point(text, base),
    unpoint: point::unpoint,
    configured_in,
    lockfiles: &["Cargo.lock"],
    like: None,
    in_project: None,
    by_hand: None,
    unbound: None,
    led: None,
    unwritten: None,
    native: Some(Native { since: "1.100", file: "~/.cargo/config.toml", settings: native, pointed_in: None }),
};

/// The name of the public registry in configurations.
const REPLACED: &str = "crates-io";
/// The name of the gateway as a source.
const OURS: &str = "stockade";
/// What stands before the address of a registry whose index is not a git repository.
const SPARSE: &str = "sparse+";
/// The names of a configuration file; the first one that is there is read.
const CONFIGURATIONS: [&str; 2] = ["config", "config.toml"];
/// The names of the file with the tokens, likewise.
const CREDENTIALS: [&str; 2] = ["credentials", "credentials.toml"];

/// Where cargo is: its files depend on nothing else.
#[derive(Serialize, Deserialize)]
struct Around {
    /// Its home, in which there are its own files.
    home: String,
    /// The working folder.
    folder: String,
}

impl Around {
    /// It stands behind what cargo printed.
    fn of(printed: &[String]) -> Option<Self> {
        serde_json::from_str(printed.last()?).ok()
    }
}

/// cargo's home is `$CARGO_HOME`, seen from the working folder, or `.cargo` in the user's home.
fn around(folder: &str, env: Environment<'_>) -> Option<String> {
    let stated = |name: &str| env(name).filter(|value| !value.is_empty());
    let users = || Some(below(&stated("HOME").or_else(|| stated("USERPROFILE"))?, &[".cargo"]));
    let home = stated("CARGO_HOME").map(|home| below(folder, &[&home])).or_else(users)?;
    serde_json::to_string(&Around { home, folder: folder.to_owned() }).ok()
}

fn configured_in(printed: &[String]) -> Option<String> {
    Some(below(&Around::of(printed)?.home, &["config.toml"]))
}

/// A path below a folder, or the path itself if it is absolute.
fn below(folder: &str, path: &[&str]) -> String {
    let joined = path.iter().fold(Path::new(folder).to_path_buf(), |joined, name| joined.join(name));
    joined.to_string_lossy().into_owned()
}

/// The tokens, then the configurations from the working folder upwards, cargo's home last.
fn files(printed: &[String]) -> Vec<String> {
    let Some(Around { home, folder }) = Around::of(printed) else { return Vec::new() };
    let mut folders: Vec<String> =
        Path::new(&folder).ancestors().map(|folder| below(&folder.to_string_lossy(), &[".cargo"])).collect();
    if !folders.contains(&home) {
        folders.push(home.clone());
    }
    let tokens = CREDENTIALS.iter().map(|name| below(&home, &[name]));
    tokens.chain(folders.iter().flat_map(|folder| CONFIGURATIONS.map(|name| below(folder, &[name])))).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let around = Around::of(printed);
    if around.is_none() && stated.url.is_none() {
        return Err(Problem::new("nothing says where cargo's configuration is"));
    }
    // Others may have been found for another reason.
    let own = self::files(printed);
    let read = own.iter().filter_map(|path| files.iter().find(|(found, _)| found == path));
    let settings = Settings::read(read, env)?;
    let address = match &stated.url {
        Some(url) => url.trim_start_matches(SPARSE).to_owned(),
        None => settings.address()?,
    };
    let mut default = Upstream::at(&address)?;
    default.credential = settings.token(&default.url).or(default.credential);
    let folder = around.map(|around| around.folder).unwrap_or_default();
    Ok(ClientConfig {
        default,
        scopes: BTreeMap::new(),
        claims: Vec::new(),
        cafile: settings.cafile(&folder),
        problems: settings.problems,
    })
}

/// A text without its tokens, and without addresses that have a credential. What is no TOML could hide one anywhere, and so
/// could a comment.
fn without_secrets(text: &str) -> String {
    let Ok(mut table) = text.parse::<Table>() else { return String::new() };
    let before = table.clone();
    table.retain(keep);
    if table == before && !text.contains('#') { text.to_owned() } else { table.to_string() }
}

fn keep(key: &str, value: &mut Value) -> bool {
    let has_credential = |text: &str| {
        let host = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        host.is_some_and(|host| host.contains('@'))
    };
    match value {
        Value::Table(table) => table.retain(keep),
        Value::Array(values) => values.retain_mut(|value| keep(key, value)),
        Value::String(text) if has_credential(text) => return false,
        _ => {}
    }
    !is_secret(key)
}

/// The word before a run's name in the `User-Agent` that we have cargo send.
const RUN: &str = "stockade-run/";

/// What stands for the public registry cannot be said in the environment.
fn environment(_: &str, _: &[String], run: &str) -> Vec<(String, String)> {
    vec![("CARGO_HTTP_USER_AGENT".to_owned(), format!("cargo {RUN}{run}"))]
}

/// Each is one word, so that whoever looks for the command passes over it as over any option.
fn arguments(base: &str) -> Vec<String> {
    let ours = ours(base).into_iter();
    ours.map(|(source, key, value)| format!("--config=source.{source}.{key}={}", Value::from(value))).collect()
}

/// What has to be in effect: tables of `[source]`, each with its key and value.
fn ours(base: &str) -> [(&'static str, &'static str, String); 2] {
    [(REPLACED, "replace-with", OURS.to_owned()), (OURS, "registry", format!("{SPARSE}{base}/index/"))]
}

fn run_of(user_agent: &str) -> Option<&str> {
    let (_, rest) = user_agent.split_once(RUN)?;
    rest.split_ascii_whitespace().next()
}

/// It knows no exceptions: a wish for one is made by hand, and stays in the lockfile.
fn native(gate: &Gate<'_>) -> crate::Lines {
    let text = format!("[registry]\nglobal-min-publish-age = \"{}\"\n", gate.spelled());
    crate::Lines { text, unsaid: not_exempted(gate.exempt) }
}
