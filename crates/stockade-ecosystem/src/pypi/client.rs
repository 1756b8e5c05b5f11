//! pip's own configuration: read, to find the index that its user uses today, and written, to point pip at the gateway.
//!
//! `pip config list` prints every layer (global, user, site, environment), credentials in addresses included. What is in
//! effect without any is only in the help of `pip install`, which states the default of `--index-url`. What an index asks
//! of those who come without a name in its address is in `~/.netrc`, beside a file whose place `pip config debug` prints.
//!
//! pip asks all its indexes and folders for each package and takes the highest version of any. So a second index or a
//! folder of links goes around the gateway, and is a problem.

mod file;
mod printed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use stockade_model::Secret;
use url::Url;

use crate::{Client, ClientConfig, Configured, Credential, Environment, Problem, Stated, Upstream, Variables};
use printed::{Settings, settings};

/// The client.
pub(super) static PIP: Client = Client {
    name: "pip",
    programs: &["pip", "pip3"],
    ask: &[&["config", "list"], &["install", "--help"], &["config", "debug"]],
    around: None,
    files,
    read,
    // `pip cache dir` fails where there is none, and would take the answers to all other questions with it.
    cache: |printed| settings(printed).get("cache-dir").map(str::to_owned),
    without_secrets: file::without_secrets,
    environment,
    arguments: |_| Vec::new(),
    given: None,
    run_of,
    point: |text, base, _| file::point(text, &index_of(base)),
    unpoint: file::unpoint,
    configured_in: printed::users_file,
    lockfiles: &["pylock.toml"],
};

/// The address of the pages below our mount.
fn index_of(base: &str) -> String {
    format!("{base}/simple/")
}

fn files(printed: &[String]) -> Vec<String> {
    printed::netrc(printed).into_iter().chain(printed::files(printed)).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    _: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let settings = settings(printed);
    let configured = settings.get("index-url").map(str::to_owned).or_else(|| printed::default(printed));
    let address = stated.url.clone().or_else(|| configured.clone());
    let address = address.ok_or_else(|| Problem::new("pip names no index"))?;
    let mut default = upstream(&address)?;
    if default.credential.is_none() {
        // What the client's own address has for the same place counts for the stated one.
        let own = configured.and_then(|own| upstream(&own).ok());
        let own = own.filter(|own| own.url.origin() == default.url.origin()).and_then(|own| own.credential);
        default.credential = own.or_else(|| netrc_credential(files, &default.url));
    }
    let mut problems = elsewhere(&settings, &default.url);
    if !stated.scopes.is_empty() {
        problems.push(Problem::new("packages of this index have no scopes"));
    }
    let cafile = settings.get("cert").map(str::to_owned);
    Ok(ClientConfig { default, scopes: BTreeMap::new(), claims: Vec::new(), cafile, problems })
}

/// What makes pip look elsewhere than at its index.
fn elsewhere(settings: &Settings, index: &Url) -> Vec<Problem> {
    let mut problems = Vec::new();
    for key in ["extra-index-url", "find-links"] {
        let places = settings.get(key).unwrap_or_default().split_whitespace();
        for place in places.filter(|place| upstream(place).map_or(true, |other| other.url != *index)) {
            let place = stockade_model::redacted(place);
            let what =
                format!("pip also looks at `{place}` (`{key}`), and what it finds there does not pass the gateway");
            problems.push(Problem::new(what));
        }
    }
    if settings.get("no-index").is_some_and(|value| !matches!(value, "0" | "false" | "no" | "off" | "n" | "f")) {
        problems.push(Problem::new("pip is told to ask no index (`no-index`)"));
    }
    problems.truncate(crate::Index::MAX_PROBLEMS);
    problems
}

fn upstream(address: &str) -> Result<Upstream, Problem> {
    let invalid = || Problem::new(format!("`{}` is not the address of an index", stockade_model::redacted(address)));
    let mut url = Url::parse(address).map_err(|_| invalid())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid());
    }
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let is_named = !url.username().is_empty() || url.password().is_some();
    let credential = is_named.then(|| basic(&decoded(url.username()), &decoded(url.password().unwrap_or_default())));
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(Upstream { url, credential })
}

fn basic(user: &str, password: &str) -> Credential {
    use base64::Engine as _;
    Credential::Basic(Secret::new(base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

/// What a `netrc` has for a host: of its machine, else of the one that is for all.
fn netrc_credential(files: &[Configured], url: &Url) -> Option<Credential> {
    let (_, bytes) = files.iter().find(|(path, _)| path.ends_with(printed::NETRC))?;
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut host, mut user, mut found) = (None, String::new(), None);
    while let Some(word) = words.next() {
        match word {
            "machine" => host = words.next().map(Some),
            "default" => host = Some(None),
            "login" => words.next().unwrap_or_default().clone_into(&mut user),
            "password" => {
                let password = words.next().unwrap_or_default();
                match host {
                    Some(Some(host)) if Some(host) == url.host_str() => return Some(basic(&user, password)),
                    Some(None) => found = Some(basic(&user, password)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

/// The word before a run's name in pip's `User-Agent`.
const RUN: &str = "stockade-run/";

/// `PIP_PYPI_URL` is an older name of the first. pip takes an empty variable for none and goes on with what its files say, so the second index and the links are ours too:
/// pip asks each address once, and at ours there are no links.
fn environment(base: &str, _: &[String], run: &str) -> Variables {
    let index = index_of(base);
    let variables = ["PIP_INDEX_URL", "PIP_PYPI_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"]
        .map(|name| (name.to_owned(), index.clone()));
    let named = ("PIP_USER_AGENT_USER_DATA".to_owned(), format!("{RUN}{run}"));
    let indexed = ("PIP_NO_INDEX".to_owned(), "0".to_owned());
    variables.into_iter().chain([indexed, named]).collect()
}

/// It stands in JSON, and ends where its string does.
fn run_of(user_agent: &str) -> Option<&str> {
    let (_, rest) = user_agent.split_once(RUN)?;
    let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next()?;
    (!name.is_empty()).then_some(name)
}
