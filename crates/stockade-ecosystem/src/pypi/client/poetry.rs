//! Poetry's own configuration.
//!
//! Poetry asks an index that is built into it, unless a project's `pyproject.toml` names others. No setting and no variable
//! changes that, and what a project names goes into its lockfile. So for a run Poetry is given a plugin that asks the
//! gateway in place of the built-in index (`poetry/stockade_run.py`), and for good its user has to write into the project
//! what is to be used. Poetry does not print what is built in either: it is taken for what pip uses.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use stockade_model::redacted;
use toml::Table;

use super::pip::{self, PIP};
use super::{RUN, effective, has_userinfo, index};
use crate::native::{list, not_exempted};
use crate::{
    Client, ClientConfig, Configured, Environment, Gate, Given, Lines, Native, Problem, Rewritten, Stated, Variables,
};

/// The client.
pub(in super::super) static POETRY: Client = Client {
    name: "poetry",
    programs: &["poetry"],
    // A project may bring plugins of its own, which are not run to be asked.
    ask: &[&["--no-plugins", "config", "--list"]],
    is_asked_outside: false,
    around: Some(|_, env| around(env)),
    files: |printed| Around::of(printed).map(|around| format!("{}/config.toml", around.config)).into_iter().collect(),
    read,
    cache,
    without_secrets: |text| text.lines().filter(|line| !has_userinfo(line)).flat_map(|line| [line, "\n"]).collect(),
    environment,
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |_, _| Rewritten::default(),
    given: Some(Given {
        name: "stockade_run.py",
        text: |_, _, _, _| PLUGIN.to_owned(),
        beside: &[
            ("stockade_run-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: stockade-run\nVersion: 1\n"),
            ("stockade_run-1.dist-info/entry_points.txt", ENTRY),
        ],
        arguments: |_| Vec::new(),
        environment: search,
        decides: false,
    }),
    run_of: pip::run_of,
    point: |text, _, _| text.to_owned(),
    unpoint: str::to_owned,
    configured_in: |_| None,
    lockfiles: &["poetry.lock"],
    like: Some(&PIP),
    in_project: Some(PROJECT),
    by_hand: Some(by_hand),
    unbound: None,
    led: None,
    unwritten: None,
    native: Some(Native {
        since: "2.4",
        file: "~/.config/pypoetry/config.toml",
        settings: native,
        pointed_in: Some("pyproject.toml of a project"),
    }),
};

const PLUGIN: &str = include_str!("poetry/stockade_run.py");
/// How Poetry finds it.
const ENTRY: &str = "[poetry.application.plugin]\nstockade = stockade_run:Gateway\n";
const PROJECT: &str = "pyproject.toml";
/// The most indexes that are looked at.
const MAX_SOURCES: usize = 100;

/// Where Poetry's own files are.
#[derive(Serialize, Deserialize)]
struct Around {
    config: String,
}

impl Around {
    /// It stands behind what Poetry printed.
    fn of(printed: &[String]) -> Option<Self> {
        serde_json::from_str(printed.last()?).ok()
    }
}

fn around(env: Environment<'_>) -> Option<String> {
    let stated = |name: &str| env(name).filter(|value| !value.is_empty());
    let users = || match stated("XDG_CONFIG_HOME") {
        Some(config) => Some(format!("{config}/pypoetry")),
        None if cfg!(target_os = "macos") => Some(format!("{}/Library/Application Support/pypoetry", stated("HOME")?)),
        None => Some(format!("{}/.config/pypoetry", stated("HOME")?)),
    };
    let config = stated("POETRY_CONFIG_DIR").or_else(users)?;
    serde_json::to_string(&Around { config }).ok()
}

/// `cache-dir = "~/.cache/pypoetry"`, with the path in full: environments of projects are in there too.
fn cache(printed: &[String]) -> Option<String> {
    let line = printed.first()?.lines().find_map(|line| line.strip_prefix("cache-dir = "))?;
    serde_json::from_str(line).ok()
}

/// What the project names besides is a problem: nothing leads it to the gateway.
fn read(_: &[String], files: &[Configured], _: Environment<'_>, stated: &Stated) -> Result<ClientConfig, Problem> {
    let mut config = effective(stated, None, "Poetry")?;
    let project = files.iter().find(|(path, _)| path.ends_with(PROJECT));
    let text = project.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let Ok(table) = text.parse::<Table>() else {
        config.problems.push(Problem::new(format!("the project's `{PROJECT}` cannot be read")));
        return Ok(config);
    };
    let sources = table.get("tool").and_then(|tool| tool.get("poetry")?.get("source")?.as_array());
    for source in sources.into_iter().flatten().take(MAX_SOURCES) {
        let text = |key: &str| source.get(key).and_then(toml::Value::as_str);
        let (Some(name), Some(url)) = (text("name"), text("url")) else { continue };
        let (name, url) = (name.escape_debug(), redacted(url));
        config.problems.push(Problem::new(format!(
            "the project's own source `{name}` (`{url}`) is asked by Poetry itself, around the gateway: claim its packages \
             for that address in the settings, and leave it out of `{PROJECT}`"
        )));
    }
    Ok(config)
}

/// For the plugin, for another one that leads to a mirror if it is asked to, and for pip, which builds may start.
fn environment(base: &str, scopes: &[String], run: &str) -> Variables {
    let ours = [
        ("STOCKADE_POETRY_INDEX", format!("{base}/")),
        ("STOCKADE_POETRY_RUN", format!("{RUN}{run}")),
        ("POETRY_PYPI_MIRROR_URL", index(base)),
    ];
    let mut variables = pip::environment(base, scopes, run);
    variables.extend(ours.map(|(key, value)| (key.to_owned(), value)));
    variables
}

/// Plugins are looked for wherever modules are.
fn search(folder: &str, env: Environment<'_>) -> Variables {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let users = env("PYTHONPATH").filter(|value| !value.is_empty()).map(|value| format!("{separator}{value}"));
    vec![("PYTHONPATH".to_owned(), format!("{folder}{}", users.unwrap_or_default()))]
}

fn by_hand(base: &str) -> String {
    let url = index(base);
    format!("[[tool.poetry.source]]\nname = \"stockade\"\nurl = \"{url}\"\npriority = \"primary\"\n")
}

/// It knows whole days, and no patterns.
fn native(gate: &Gate<'_>) -> Lines {
    let (days, rounded) = gate.whole_days("poetry");
    let (patterns, names): (Vec<_>, Vec<_>) = gate.exempt.iter().partition(|name| name.contains('*'));
    let mut text = format!("[solver]\nmin-release-age = {days}\n");
    if !names.is_empty() {
        let _ = writeln!(text, "min-release-age-exclude = {}", list(names));
    }
    Lines { text, unsaid: rounded.into_iter().chain(not_exempted(patterns)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated() -> Stated {
        Stated { url: Some("https://mirror.example/simple".to_owned()), ..Stated::default() }
    }

    #[test]
    fn what_a_project_names_besides_is_told() {
        let problems = |text: &str| {
            let files = [("/project/pyproject.toml".to_owned(), text.as_bytes().to_vec())];
            let config = (POETRY.read)(&[], &files, &|_| None, &stated()).unwrap();
            assert_eq!(config.default.url.as_str(), "https://mirror.example/simple/");
            config.problems.into_iter().map(|problem| problem.what).collect::<Vec<_>>()
        };
        assert_eq!(problems(""), [""; 0]);
        assert_eq!(
            problems("[tool.poetry]\n[[tool.poetry.source]]\nname = \"PyPI\"\npriority = \"primary\"\n"),
            [""; 0]
        );
        let source = "[[tool.poetry.source]]\nname = \"acme\"\nurl = \"https://alice:secret@acme.example/simple\"\n";
        assert_eq!(
            problems(source),
            ["the project's own source `acme` (`https://acme.example/simple`) is asked by Poetry itself, around the \
              gateway: claim its packages for that address in the settings, and leave it out of `pyproject.toml`"]
        );
        assert_eq!(problems("[tool.poetry\n"), ["the project's `pyproject.toml` cannot be read"]);
        assert_eq!(problems("tool = 7\n"), [""; 0]);
        assert!((POETRY.read)(&[], &[], &|_| None, &Stated::default()).is_err());
    }

    #[test]
    fn it_is_asked_where_its_files_are() {
        let printed = |variables: &'static [(&str, &str)]| {
            let env = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            vec![
                "cache-dir = \"/cache\"\nvirtualenvs.path = \"{cache-dir}/virtualenvs\"\n".to_owned(),
                around(&env).unwrap(),
            ]
        };
        assert_eq!((POETRY.cache)(&printed(&[("HOME", "/h")])).as_deref(), Some("/cache"));
        assert_eq!((POETRY.files)(&printed(&[("HOME", "/h"), ("POETRY_CONFIG_DIR", "/c")])), ["/c/config.toml"]);
        assert_eq!((POETRY.files)(&printed(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")])), ["/x/pypoetry/config.toml"]);
        assert!(around(&|_| None).is_none());
    }

    #[test]
    fn its_own_path_of_modules_stays() {
        let given = POETRY.given.as_ref().unwrap();
        let path = |users: Option<&str>| (given.environment)("/run", &|_| users.map(str::to_owned))[0].1.clone();
        assert_eq!([path(None), path(Some("")), path(Some("/own"))], ["/run", "/run", "/run:/own"]);
    }

    #[test]
    fn a_run_is_named_for_the_plugin() {
        let variables = (POETRY.environment)("http://127.0.0.1:1/x", &[], "abc");
        let of = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(of("STOCKADE_POETRY_INDEX"), Some("http://127.0.0.1:1/x/"));
        assert_eq!((POETRY.run_of)(&format!("poetry/2.5.1 {}", of("STOCKADE_POETRY_RUN").unwrap())), Some("abc"));
    }
}
