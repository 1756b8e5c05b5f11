//! npm's own configuration: read, to find the registries that its user uses today, and written, to point npm at the
//! gateway.
//!
//! `npm config ls -l --json` prints what is in effect from every layer (built in, global, user, project, environment) but
//! never a credential; those are read from the `npmrc` files that npm names, as npm would read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::npmrc::{NOTHING_PAST_US, SCOPES, Said, is_of_scope, point, unpoint, without_secrets};
use super::{RUN, run_of};
use crate::{Client, ClientConfig, Configured, Gate, Lines, Native, Problem, Rewritten, Stated};

/// The client.
pub(in super::super) static NPM: Client = Client {
    name: "npm",
    programs: &["npm", "npx"],
    ask: &[&["config", "ls", "-l", "--json"]],
    is_asked_outside: false,
    around: None,
    files,
    read,
    cache: |printed| text(&settings(printed).ok()?, "cache").map(str::to_owned),
    without_secrets,
    environment,
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |_, _| Rewritten::default(),
    given: None,
    run_of,
    point,
    unpoint,
    configured_in: |printed| Some(settings(printed).ok()?.get("userconfig")?.as_str()?.to_owned()),
    lockfiles: &["package-lock.json", "npm-shrinkwrap.json", "node_modules/.package-lock.json"],
    unbound: None,
    led: None,
    unwritten: None,
    like: None,
    in_project: None,
    by_hand: None,
    native: Some(Native {
        since: "11.10",
        file: "~/.npmrc, or .npmrc in a project",
        settings: native,
        pointed_in: None,
    }),
};

type Settings = serde_json::Map<String, Value>;

fn settings(printed: &[String]) -> Result<Settings, Problem> {
    let Some(printed) = printed.first() else { return Ok(Settings::new()) };
    serde_json::from_str(printed).map_err(|_| Problem::new("`npm config ls -l --json` did not print a JSON object"))
}

/// The project's, the user's and the global file.
fn files(printed: &[String]) -> Vec<String> {
    let Ok(settings) = settings(printed) else { return Vec::new() };
    let prefix = text(&settings, "local-prefix").or_else(|| text(&settings, "prefix"));
    let project = prefix.map(|prefix| format!("{prefix}/.npmrc"));
    let named = ["userconfig", "globalconfig"].into_iter().filter_map(|key| text(&settings, key).map(str::to_owned));
    project.into_iter().chain(named).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    env: &dyn Fn(&str) -> Option<String>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let settings = settings(printed)?;
    let mut problems = Vec::new();
    let said = Said::of(files.iter(), env);
    // npm does not print an address that has a credential in it.
    let mut addresses: BTreeMap<String, Value> =
        said.addresses.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
    addresses.extend(settings.clone());
    let settings = addresses.into_iter().collect();
    let registry = stated.url.as_deref().or_else(|| text(&settings, "registry"));
    let registry = registry.ok_or_else(|| Problem::new("npm names no registry"))?;
    let default = said.upstream(registry)?;
    let mut scopes = BTreeMap::new();
    for (scope, address) in addresses_of_scopes(&settings, stated) {
        match address.map(|address| said.upstream(address)) {
            Some(Ok(upstream)) => drop(scopes.insert(scope.to_owned(), upstream)),
            Some(Err(problem)) => problems.push(problem),
            None => problems.push(Problem::new(format!("the registry of `{scope}` is not an address"))),
        }
    }
    let cafile = text(&settings, "cafile").map(str::to_owned);
    Ok(ClientConfig { default, scopes, claims: Vec::new(), cafile, problems })
}

fn text<'a>(settings: &'a Settings, key: &str) -> Option<&'a str> {
    settings.get(key).and_then(Value::as_str)
}

/// The scopes with a registry of their own, `None` where its address is no text; stated ones come last and win.
fn addresses_of_scopes<'a>(
    settings: &'a Settings,
    stated: &'a Stated,
) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let printed = settings.iter().filter(|(key, _)| is_of_scope(key));
    let printed = printed.map(|(key, value)| (key.trim_end_matches(SCOPES), value.as_str()));
    printed.chain(stated.scopes.iter().map(|(scope, address)| (scope.as_str(), Some(address.as_str()))))
}

/// npm reads `npm_config_*`. The `User-Agent` keeps npm's own words, which registries count, and adds the run's name.
fn environment(base: &str, scopes: &[String], run: &str) -> Vec<(String, String)> {
    let agent = format!("npm/{{npm-version}} node/{{node-version}} {{platform}} {{arch}} {RUN}{run}");
    let mut variables =
        vec![("npm_config_registry".to_owned(), format!("{base}/")), ("npm_config_user_agent".to_owned(), agent)];
    variables.extend(scopes.iter().map(|scope| (format!("npm_config_{scope}:registry"), format!("{base}/"))));
    let others = NOTHING_PAST_US.iter();
    variables.extend(others.map(|(key, value)| (format!("npm_config_{}", key.replace('-', "_")), (*value).to_owned())));
    variables
}

/// Of names, npm has the same patterns as we have.
fn native(gate: &Gate<'_>) -> Lines {
    let mut text = format!("min-release-age={}\n", gate.days());
    for name in gate.exempt {
        let _ = writeln!(text, "min-release-age-exclude[]={name}");
    }
    Lines { text, unsaid: Vec::new() }
}

#[cfg(test)]
mod tests {
    use stockade_model::Secret;

    use super::*;
    use crate::Credential;

    const PRINTED: &str = r#"{"registry":"https://registry.example/npm","@acme:registry":"https://user:pw@npm.acme.example/",
        "userconfig":"/h/.npmrc","globalconfig":"/etc/npmrc","local-prefix":"/p","cafile":"/ca.pem","cache":"/c","@bad:registry":"ftp://x"}"#;

    fn printed(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    fn files_of(texts: &[&str]) -> Vec<Configured> {
        texts.iter().map(|text| ("npmrc".to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn config(files: &[&str]) -> ClientConfig {
        let files = files_of(files);
        let env = |name: &str| (name == "TOKEN").then(|| "from-env".to_owned());
        read(&printed(PRINTED), &files, &env, &Stated::default()).unwrap()
    }

    #[test]
    fn stated_addresses_go_before_the_clients_and_keep_its_credentials() {
        let files = files_of(&["//mirror.example/:_authToken=t\n"]);
        let stated = Stated {
            url: Some("https://mirror.example/npm".to_owned()),
            scopes: BTreeMap::from([("@acme".to_owned(), "https://mirror.example/acme".to_owned())]),
            ..Stated::default()
        };
        let config = read(&printed(PRINTED), &files, &|_| None, &stated).unwrap();
        assert_eq!(config.default.url.as_str(), "https://mirror.example/npm/");
        assert_eq!(config.default.credential, Some(Credential::Bearer(Secret::new("t"))));
        assert_eq!(config.scopes["@acme"].url.as_str(), "https://mirror.example/acme/");
    }

    #[test]
    fn registries_and_credentials_are_inherited() {
        let config = config(&[
            "//registry.example/:_authToken=${TOKEN}\n",
            "; no\n//registry.example/npm/:_authToken = \"no${MISSING?}\"\n",
        ]);
        assert_eq!(config.default.url.as_str(), "https://registry.example/npm/");
        assert_eq!(config.default.credential, Some(Credential::Bearer(Secret::new("no"))));
        assert_eq!(config.scopes["@acme"].url.as_str(), "https://npm.acme.example/");
        assert_eq!(config.scopes["@acme"].credential.as_ref().unwrap().header().reveal(), "Basic dXNlcjpwdw==");
        assert_eq!(config.cafile.as_deref(), Some("/ca.pem"));
        assert_eq!(config.problems.len(), 1);
        assert!(!format!("{config:?}").contains("dXNl"), "a credential must not print");
    }

    #[test]
    fn an_address_with_a_credential_is_not_printed_and_is_found_in_the_files() {
        let files = files_of(&[
            "@secret:registry=https://user:${TOKEN}@secret.example/\n@acme:registry=https://old.example/\n",
            "@secret:registry=https://less-specific.example/\nregistry=https://user:pw@registry.example/all\n",
        ]);
        let env = |name: &str| (name == "TOKEN").then(|| "pw".to_owned());
        let printed = printed(r#"{"@acme:registry":"https://npm.acme.example/"}"#);
        let config = read(&printed, &files, &env, &Stated::default()).unwrap();
        assert_eq!(config.default.url.as_str(), "https://registry.example/all/");
        assert_eq!(config.scopes["@secret"].url.as_str(), "https://secret.example/");
        assert_eq!(config.scopes["@secret"].credential.as_ref().unwrap().header().reveal(), "Basic dXNlcjpwdw==");
        assert_eq!(config.scopes["@acme"].url.as_str(), "https://npm.acme.example/", "what is printed is in effect");
    }

    #[test]
    fn a_credential_counts_below_its_prefix_only() {
        let header = |text: &str| config(&[text]).default.credential.map(|c| c.header().reveal().to_owned());
        assert_eq!(header("//registry.example/:_authToken=${TOKEN}"), Some("Bearer from-env".to_owned()));
        assert_eq!(header("//registry.example/npm/:_auth=YTpi"), Some("Basic YTpi".to_owned()));
        assert_eq!(
            header("//registry.example/:username=a\n//registry.example/:_password=Yg=="),
            Some("Basic YTpi".to_owned())
        );
        assert_eq!(header("//registry.example/other/:_authToken=x"), None);
        assert_eq!(header("//registry.example.evil/:_authToken=x"), None);
        assert_eq!(header("//registry.example/npm/:_authToken=${MISSING}"), Some("Bearer ${MISSING}".to_owned()));
    }

    #[test]
    fn the_files_that_hold_credentials_are_named() {
        assert_eq!(files(&printed(PRINTED)), ["/p/.npmrc", "/h/.npmrc", "/etc/npmrc"]);
        assert_eq!(files(&printed("no json")), Vec::<String>::new());
        assert_eq!((NPM.cache)(&printed(PRINTED)).as_deref(), Some("/c"));
    }

    #[test]
    fn a_run_is_found_again_in_the_user_agent() {
        let variables = environment("http://127.0.0.1:1/x", &["@acme".to_owned()], "r1");
        assert_eq!(variables[0], ("npm_config_registry".to_owned(), "http://127.0.0.1:1/x/".to_owned()));
        assert_eq!(run_of(&variables[1].1), Some("r1"));
        assert_eq!(variables[2].0, "npm_config_@acme:registry");
        assert_eq!(variables[4], ("npm_config_prefer_online".to_owned(), "true".to_owned()));
        assert_eq!(run_of("npm/11.0.0"), None);
    }
}
