//! pnpm's own configuration.
//!
//! In a project, pnpm runs the project's `.pnpmfile.cjs`, and the version of itself that the project names, for whatever it
//! is asked. So it is asked at the root of the system, where it prints what is the user's, and the project's `.npmrc` and
//! `pnpm-workspace.yaml` are read here. What goes before what differs: pnpm 10 takes `npm_config_*` of the environment and
//! lets `registries` of a workspace go before everything; newer ones take `pnpm_config_*`, and that goes before all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::npmrc::{SCOPES, Said, is_of_scope, point, unpoint, without_secrets};
use super::yaml::{self, Node};
use super::{Around, HOMES, Own, RUN, effective, run_of, variables};
use crate::native::list;
use crate::{
    Client, ClientConfig, Configured, Environment, Gate, Lines, Native, Problem, Rewritten, Stated, Variables,
};

/// The client.
pub(in super::super) static PNPM: Client = Client {
    name: "pnpm",
    programs: &["pnpm", "pnpx"],
    ask: &[&["config", "list", "--json"], &["config", "get", "globalconfig"]],
    is_asked_outside: true,
    around: Some(|folders, env| {
        Around::text(folders, &[&OLD_VARIABLES[..], &NEW_VARIABLES, &USERS_FILES, &FOLDERS, &HOMES].concat(), env)
    }),
    files,
    read,
    // It keeps nothing of a run.
    cache: |_| None,
    without_secrets,
    environment,
    arguments,
    // Arguments do not reach a pnpm that is started by another program.
    rewritten: |printed, _| Rewritten { files: configured_in(printed).into_iter().collect(), needed_for: None },
    given: None,
    run_of,
    point,
    unpoint,
    configured_in,
    lockfiles: &[
        "pnpm-lock.yaml",
        "node_modules/.modules.yaml",
        "node_modules/.pnpm/lock.yaml",
        "node_modules/.pnpm-workspace-state.json",
        "node_modules/.pnpm-workspace-state-v1.json",
    ],
    unbound: None,
    led: None,
    unwritten: None,
    like: None,
    in_project: None,
    by_hand: None,
    native: Some(Native {
        since: "10.16",
        file: "pnpm-workspace.yaml of a project",
        settings: native,
        pointed_in: Some("~/.npmrc"),
    }),
};

const OLD_VARIABLES: [&str; 2] = ["npm_config_registry", "NPM_CONFIG_REGISTRY"];
const NEW_VARIABLES: [&str; 2] = ["pnpm_config_registry", "PNPM_CONFIG_REGISTRY"];
/// Variables that name folders of pnpm's.
const FOLDERS: [&str; 2] = ["PNPM_HOME", "XDG_DATA_HOME"];
/// Variables that name the user's `npmrc`.
const USERS_FILES: [&str; 2] = ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"];
const WORKSPACE: &str = "pnpm-workspace.yaml";
/// The newer ones' own file. That of pnpm 10 is as npm's.
const GLOBAL: &str = "config.yaml";
const NPMRC: &str = ".npmrc";

/// pnpm and npm have the same file.
fn configured_in(printed: &[String]) -> Option<String> {
    let around = Around::of(printed);
    around.first(&USERS_FILES).map(str::to_owned).or_else(|| around.at_home(NPMRC))
}

/// The workspace's, pnpm's own, the project's, the user's: in the order in which the newer one takes them.
fn files(printed: &[String]) -> Vec<String> {
    let around = Around::of(printed);
    let global = printed.get(1).map(|path| path.trim().to_owned()).filter(|path| path.starts_with('/'));
    let tokens = global.as_deref().and_then(|path| Some(format!("{}/auth.ini", path.rsplit_once('/')?.0)));
    let project = around.in_project(WORKSPACE).into_iter().chain(global);
    project.chain(around.in_project(NPMRC)).chain(configured_in(printed)).chain(tokens).collect()
}

type Addresses = BTreeMap<String, String>;

fn read(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let around = Around::of(printed);
    let settings = settings(printed)?;
    let is_old = settings.contains_key("user-agent");
    let is_yaml = |path: &str| path.ends_with(WORKSPACE) || path.ends_with(GLOBAL);
    let of_workspace = |path: &str| path.ends_with(WORKSPACE);
    let documents: Vec<(&str, Node)> = files
        .iter()
        .filter(|(path, _)| is_yaml(path))
        .map(|(path, bytes)| (path.as_str(), yaml::parse(&String::from_utf8_lossy(bytes))))
        .collect();
    let registries = |document: &Node| document.get("registries").map(registries).unwrap_or_default();
    if is_old && documents.iter().any(|(path, document)| of_workspace(path) && document.get("registries").is_some()) {
        let what = "`registries` in `pnpm-workspace.yaml` goes before everything in pnpm 10, so that it cannot be pointed \
                    at a gateway; write them into `.npmrc`";
        return Err(Problem::new(what));
    }
    let said = Said::of(files.iter().filter(|(path, _)| !is_yaml(path)), env);
    let in_project = Said::of(files.iter().filter(|(path, _)| around.in_project(NPMRC).contains(path)), env).addresses;
    let variable = if is_old { around.first(&OLD_VARIABLES) } else { around.first(&NEW_VARIABLES) };
    // From the least specific to the most specific.
    let mut addresses = said.addresses.clone();
    addresses.extend(printed_addresses(&settings));
    addresses.extend(in_project);
    addresses.extend(documents.iter().rev().flat_map(|(_, document)| registries(document)));
    addresses.extend(variable.map(|address| ("registry".to_owned(), address.to_owned())));
    let scopes = addresses.iter().filter(|(key, _)| is_of_scope(key));
    let scopes = scopes.map(|(key, address)| (key.trim_end_matches(SCOPES).to_owned(), address.clone()));
    let own = Own { default: addresses.get("registry").cloned(), scopes: scopes.collect() };
    let mut config = effective(&own, stated, "pnpm", &|address, _| said.upstream(address))?;
    // It is there for everybody, and a gateway that knows no such registry is not another one for that.
    config.scopes.retain(|scope, _| scope != JSR || in_files(&said, &documents));
    config.cafile = settings.get("cafile").and_then(Value::as_str).map(str::to_owned);
    for (path, document) in documents {
        if document == Node::Unread || document.get("registries").is_some_and(Node::has_gap) {
            config.problems.push(Problem::new(format!("not all of `{path}` could be read")));
        }
    }
    Ok(config)
}

/// A scope that pnpm gives a registry of its own by itself.
const JSR: &str = "@jsr";

/// True if somebody gave [`JSR`] a registry.
fn in_files(said: &Said, documents: &[(&str, Node)]) -> bool {
    let key = format!("{JSR}{SCOPES}");
    let named = |document: &Node| document.get("registries").is_some_and(|all| registries(all).contains_key(&key));
    said.addresses.contains_key(&key) || documents.iter().any(|(_, document)| named(document))
}

type Settings = serde_json::Map<String, Value>;

fn settings(printed: &[String]) -> Result<Settings, Problem> {
    let text = printed.first().filter(|_| printed.len() > 1);
    let Some(text) = text else { return Ok(Settings::new()) };
    serde_json::from_str(text).map_err(|_| Problem::new("`pnpm config list --json` did not print a JSON object"))
}

/// The addresses that pnpm prints. In place of a password it may print `(protected)`.
fn printed_addresses(settings: &Settings) -> Addresses {
    let wanted = settings.iter().filter(|(key, _)| *key == "registry" || is_of_scope(key));
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    wanted.filter_map(text).filter(|(_, address)| address.contains("://")).collect()
}

/// `registries` of a YAML file: addresses by scope, or scopes by address. `default` and `@` are what has none of its own.
fn registries(node: &Node) -> Addresses {
    let key =
        |scope: &str| if matches!(scope, "default" | "@") { "registry".to_owned() } else { format!("{scope}{SCOPES}") };
    let mut found = Addresses::new();
    for (name, value) in node.entries() {
        if let Node::Text(address) = value {
            found.insert(key(name), address.clone());
        } else {
            let scopes = value.get("scopes").map(Node::items).unwrap_or_default();
            found.extend(scopes.iter().filter_map(|scope| Some((key(scope.text()?), name.clone()))));
        }
    }
    found
}

/// The older one reads what npm reads. The newer one's `User-Agent` is as it is said.
fn environment(base: &str, scopes: &[String], run: &str) -> Variables {
    let mut variables = variables([
        ("npm_config_registry", format!("{base}/")),
        ("pnpm_config_registry", format!("{base}/")),
        ("pnpm_config_user_agent", agent(run)),
    ]);
    variables.extend(scopes.iter().map(|scope| (format!("npm_config_{scope}{SCOPES}"), format!("{base}/"))));
    variables
}

fn agent(run: &str) -> String {
    format!("pnpm {RUN}{run}")
}

/// The newer one has no variable for a scope, and the older one none for its `User-Agent`. What pnpm has elsewhere by itself
/// comes here too, where it is not found unless its registry is written down. Where it cannot link from its store, as in the
/// sandbox, it would make another one in the project, and want to install everything again without us.
fn arguments(printed: &[String], base: &str, scopes: &[String], run: &str) -> Vec<String> {
    let store = store(printed).map(|store| format!("--config.store-dir={store}"));
    let own = Some(JSR).filter(|own| !scopes.iter().any(|scope| scope == own));
    let scopes = scopes.iter().map(String::as_str).chain(own);
    let scopes = scopes.map(|scope| format!("--config.{scope}{SCOPES}={base}/"));
    std::iter::once(format!("--config.user-agent={}", agent(run))).chain(store).chain(scopes).collect()
}

/// The folder of the store, as pnpm chooses it on the disk of the user's home.
fn store(printed: &[String]) -> Option<String> {
    let settings = settings(printed).ok()?;
    let configured = ["store-dir", "storeDir"].iter().find_map(|key| settings.get(*key)?.as_str());
    let around = Around::of(printed);
    let own = || {
        let pnpm = around.variable("PNPM_HOME").map(|home| format!("{home}/store"));
        let data = || around.variable("XDG_DATA_HOME").map(|data| format!("{data}/pnpm/store"));
        let usual = if cfg!(target_os = "macos") { "Library/pnpm/store" } else { ".local/share/pnpm/store" };
        pnpm.or_else(data).or_else(|| around.at_home(usual))
    };
    configured.map(str::to_owned).or_else(own)
}

/// Of all files that it reads, only a workspace's is read by the older one and the newer one.
fn native(gate: &Gate<'_>) -> Lines {
    let (minutes, rounded) = gate.whole_minutes("pnpm");
    let mut text = format!("minimumReleaseAge: {minutes}\n");
    if !gate.exempt.is_empty() {
        let _ = writeln!(text, "minimumReleaseAgeExclude: {}", list(gate.exempt));
    }
    Lines { text, unsaid: rounded.into_iter().collect() }
}

#[cfg(test)]
mod tests;
