//! npm's own configuration: read, to find the registries that its user uses today, and written, to point npm at the
//! gateway.
//!
//! `npm config ls -l --json` prints what is in effect from every layer (built in, global, user, project, environment) but
//! never a credential; those are read from the `npmrc` files that npm names, as npm would read them: `//host/path/:_authToken`
//! counts for every registry below that host and path, and `${NAME}` is the environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use stockade_model::Secret;
use url::Url;

use crate::{Client, ClientConfig, Configured, Credential, Gate, Native, Problem, Stated, Upstream};

/// The client.
pub(super) static NPM: Client = Client {
    name: "npm",
    programs: &["npm", "npx"],
    ask: &[&["config", "ls", "-l", "--json"]],
    around: None,
    files,
    read,
    cache: |printed| text(&settings(printed).ok()?, "cache").map(str::to_owned),
    without_secrets,
    environment,
    arguments: |_| Vec::new(),
    given: None,
    run_of,
    point,
    unpoint,
    configured_in: |printed| Some(settings(printed).ok()?.get("userconfig")?.as_str()?.to_owned()),
    lockfiles: &["package-lock.json", "npm-shrinkwrap.json", "node_modules/.package-lock.json"],
    native: Some(Native { since: "11.10", file: "~/.npmrc, or .npmrc in a project", settings: native }),
};

/// The longest `npmrc` line that is looked at.
const MAX_LINE: usize = 16 * 1024;

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
    let (mut credentials, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    // The most specific file comes first and wins.
    let texts: Vec<_> = files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    for (key, value) in texts.iter().rev().flat_map(|text| lines(text)) {
        if key.starts_with("//") {
            credentials.insert(key, expand(&value, env));
        } else if key == "registry" || is_of_scope(&key) {
            // npm does not print an address that has a credential in it.
            addresses.insert(key, Value::String(expand(&value, env)));
        }
    }
    addresses.extend(settings.clone());
    let settings = addresses.into_iter().collect();
    let registry = stated.url.as_deref().or_else(|| text(&settings, "registry"));
    let registry = registry.ok_or_else(|| Problem::new("npm names no registry"))?;
    let default = upstream(registry, &credentials)?;
    let mut scopes = BTreeMap::new();
    for (scope, address) in addresses_of_scopes(&settings, stated) {
        match address.map(|address| upstream(address, &credentials)) {
            Some(Ok(upstream)) => drop(scopes.insert(scope.to_owned(), upstream)),
            Some(Err(problem)) => problems.push(problem),
            None => problems.push(Problem::new(format!("the registry of `{scope}` is not an address"))),
        }
    }
    let cafile = text(&settings, "cafile").map(str::to_owned);
    Ok(ClientConfig { default, scopes, claims: Vec::new(), cafile, problems })
}

/// What follows a scope in the key that gives it a registry of its own.
const SCOPES: &str = ":registry";

fn is_of_scope(key: &str) -> bool {
    key.starts_with('@') && key.ends_with(SCOPES)
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

fn upstream(address: &str, credentials: &BTreeMap<String, String>) -> Result<Upstream, Problem> {
    let mut upstream = Upstream::at(address)?;
    upstream.credential = credential(&upstream.url, credentials).or(upstream.credential);
    Ok(upstream)
}

/// The credential for an address: that of the longest configured prefix, as npm-registry-fetch looks it up.
fn credential(url: &Url, credentials: &BTreeMap<String, String>) -> Option<Credential> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut prefix = format!("//{}{port}{}", url.host_str()?, url.path());
    loop {
        let get = |key: &str| credentials.get(&format!("{prefix}:{key}")).filter(|value| !value.is_empty());
        if let Some(token) = get("_authToken") {
            return Some(Credential::Bearer(Secret::new(token)));
        }
        if let Some(encoded) = get("_auth") {
            return Some(Credential::Basic(Secret::new(encoded)));
        }
        if let (Some(user), Some(password)) = (get("username"), get("_password")) {
            return Some(Credential::basic(user, &decoded(password)?));
        }
        let parent = prefix.trim_end_matches('/').rfind('/').filter(|at| *at > 1)?;
        prefix.truncate(parent + 1);
    }
}

fn decoded(base64_text: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(base64_text).ok()?).ok()
}

/// The settings of an `npmrc`: `key = value` lines, quotes stripped, comments (`;`, `#`) left out.
fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines()
        .filter(|line| line.len() <= MAX_LINE)
        .map(str::trim)
        .filter(|line| !line.starts_with([';', '#']))
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            Some((key.trim().to_owned(), quoted.unwrap_or(value).to_owned()))
        })
}

/// Keys that hold credentials, besides those of a single registry, which begin with `//`.
const SECRETS: [&str; 8] = ["_auth", "_authtoken", "_password", "cert", "key", "otp", "password", "username"];

fn without_secrets(text: &str) -> String {
    let is_secret = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim().to_lowercase();
        let address =
            line.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'));
        key.starts_with("//") || SECRETS.contains(&key.trim_end_matches("[]")) || address
    };
    text.lines().filter(|line| !is_secret(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Replaces `${NAME}` as npm does: by the variable, or left as it is if there is none; `${NAME?}` becomes nothing then.
fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        let name = &rest[start + 2..end];
        out.push_str(&rest[..start]);
        match (env(name.trim_end_matches('?')), name.ends_with('?')) {
            (Some(value), _) => out.push_str(&value),
            (None, true) => {}
            (None, false) => out.push_str(&rest[start..=end]),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

/// The word before a run's name in npm's `User-Agent`.
const RUN: &str = "stockade-run/";

/// What npm needs besides our address, so that nothing goes past the gateway. `replace-registry-host=always` brings what a
/// lockfile resolved elsewhere. With `prefer-online` npm asks for tarballs that its own cache has; else it would install
/// those without a question, whatever was learnt about them since.
const NOTHING_PAST_US: [(&str, &str); 2] = [("replace-registry-host", "always"), ("prefer-online", "true")];

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

fn run_of(user_agent: &str) -> Option<&str> {
    let (_, rest) = user_agent.split_once(RUN)?;
    rest.split_ascii_whitespace().next()
}

/// Stands in front of a line that `setup` put away, after one that it wrote, and after one to which it gave an end.
const PUT_AWAY: &str = "; stockade setup put away: ";
const WRITTEN: &str = "; stockade setup wrote the next line";
const ENDED: &str = "; stockade setup ended the line before";

/// Lines keep their own ends, and a last line without one is remembered, so that undoing gives back every byte.
fn point(text: &str, base: &str, scopes: &[String]) -> String {
    let registries =
        std::iter::once("registry".to_owned()).chain(scopes.iter().map(|scope| format!("{scope}{SCOPES}")));
    let others = NOTHING_PAST_US.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let written: Vec<(String, String)> = registries.map(|key| (key, format!("{base}/"))).chain(others).collect();
    let mut out = String::new();
    for line in unpoint(text).split_inclusive('\n') {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        if written.iter().any(|(ours, _)| ours == key) {
            out.push_str(PUT_AWAY);
        }
        out.push_str(line);
    }
    if !out.is_empty() && !out.ends_with('\n') {
        let _ = write!(out, "\n{ENDED}\n");
    }
    for (key, value) in written {
        let _ = write!(out, "{WRITTEN}\n{key}={value}\n");
    }
    out
}

fn unpoint(text: &str) -> String {
    let (mut out, mut ended) = (String::new(), None);
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        match line.trim_end() {
            WRITTEN => drop(lines.next()),
            ENDED => ended = Some(out.len()),
            _ => out.push_str(line.strip_prefix(PUT_AWAY).unwrap_or(line)),
        }
    }
    // Where something was added after it since, the line needs its end.
    if ended == Some(out.len()) {
        out.pop();
    }
    out
}

/// Of names, npm has the same patterns as we have.
fn native(gate: &Gate<'_>) -> crate::Lines {
    let mut text = format!("min-release-age={}\n", gate.days());
    for name in gate.exempt {
        let _ = writeln!(text, "min-release-age-exclude[]={name}");
    }
    crate::Lines { text, unsaid: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_secret_can_be_left_out() {
        let text = "save-exact=true\n//registry.example/:_authToken=t\n_auth = x\nKEY=k\n@a:registry=https://u:p@a.example/\n\
                    registry=https://registry.example/a@b\nkeyed=1\r\n";
        assert_eq!(without_secrets(text), "save-exact=true\nregistry=https://registry.example/a@b\nkeyed=1\n");
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

    #[test]
    fn setup_is_reversible() {
        let before = "fund=false\nregistry=https://registry.example/\n@acme:registry = https://npm.acme.example/\n";
        let pointed = point(before, "http://127.0.0.1:4873/x", &["@acme".to_owned()]);
        insta::assert_snapshot!(pointed, @r"
        fund=false
        ; stockade setup put away: registry=https://registry.example/
        ; stockade setup put away: @acme:registry = https://npm.acme.example/
        ; stockade setup wrote the next line
        registry=http://127.0.0.1:4873/x/
        ; stockade setup wrote the next line
        @acme:registry=http://127.0.0.1:4873/x/
        ; stockade setup wrote the next line
        replace-registry-host=always
        ; stockade setup wrote the next line
        prefer-online=true
        ");
        assert_eq!(unpoint(&pointed), before);
        assert_eq!(point(&pointed, "http://127.0.0.1:4873/x", &["@acme".to_owned()]), pointed, "twice is once");
        assert_eq!(unpoint(before), before);
        assert_eq!(unpoint(&point("", "http://b", &[])), "");
        for text in ["fund=false", "registry=x", "a=b\r\nregistry = x\r\n\r\n", "; c\n\n\n"] {
            assert_eq!(unpoint(&point(text, "http://b", &[])), text);
            assert_eq!(point(&point(text, "http://b", &[]), "http://b", &[]), point(text, "http://b", &[]), "{text:?}");
        }
        assert_eq!(unpoint(&(point("a=b", "http://b", &[]) + "c=d\n")), "a=b\nc=d\n");
    }
}
