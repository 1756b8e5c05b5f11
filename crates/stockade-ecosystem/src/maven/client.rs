//! Maven's own configuration: read, to find where its user's packages come from today, and written, to point Maven at the
//! gateway.
//!
//! Maven prints nothing of its settings without a plugin, but names the files that it reads, and its home. What is in
//! effect is put together from them as Maven does: the repository that every build has (`central`) is written in a jar of
//! the installation, profiles may move it, and a mirror takes its place.

mod gradle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use stockade_model::Secret;
use url::Url;

use super::settings::{self, CENTRAL, Mirror, Repository, Server, Settings};
use crate::archive::{Root, unpack, xml};
use crate::{
    Client, ClientConfig, Configured, Credential, Environment, Given, Problem, Rewritten, Stated, Upstream, Variables,
};

pub(super) use gradle::GRADLE;

/// The client.
pub(super) static MAVEN: Client = Client {
    name: "mvn",
    programs: &["mvn"],
    ask: &[ASK],
    is_asked_outside: false,
    around: None,
    files,
    read,
    cache: |printed| {
        let folder = named(printed, USER)?.rsplit_once(['/', '\\'])?.0;
        Some(format!("{folder}/repository"))
    },
    without_secrets: settings::without_secrets,
    // Of Maven 3.8, the environment reaches nothing but the installation's settings, after which the user's count.
    environment: |_, _, _| Vec::new(),
    // Of several `-s` and `-gs`, Maven takes the first. The installation's settings go too: a mirror in them that is for
    // another repository by its name would go before ours, which is for every one.
    arguments: |_, _, _, _| Vec::new(),
    rewritten: |_, _| Rewritten::default(),
    given: Some(Given {
        name: "settings.xml",
        text: |text, base, _, run| settings::point(text, base, Some(&format!("Apache-Maven {RUN}{run}"))),
        beside: &[],
        arguments: |path| ["-s", path, "-gs", path].map(str::to_owned).to_vec(),
        environment: |_, env| arguments_of_environment(env),
        decides: false,
    }),
    run_of,
    point: |text, base, _| settings::point(text, base, None),
    unpoint: settings::unpoint,
    configured_in: |printed| named(printed, USER).map(str::to_owned),
    lockfiles: &[],
    like: None,
    in_project: None,
    by_hand: None,
    unbound: None,
    led: None,
    unwritten: None,
    native: None,
};

/// Maven says which settings it reads when it encrypts a password, here a word that is none; no build begins. It does so
/// at the root of the file system, because a project may bring extensions that run as soon as Maven starts.
const ASK: &[&str] = &["-B", "-X", "-o", "-f", "/", "-emp", "nothing"];
/// Before the paths and the version in what is printed.
const USER: &str = "[DEBUG] Reading user settings from ";
const GLOBAL: &str = "[DEBUG] Reading global settings from ";
const HOME: &str = "Maven home: ";
const VERSION: &str = "Apache Maven ";
/// The build description that every other one is made of, in a jar of the installation.
const SUPER_POM: &str = "org/apache/maven/model/pom-4.0.0.xml";

/// What follows these words on a line.
fn named<'a>(printed: &'a [String], words: &str) -> Option<&'a str> {
    let lines = printed.iter().flat_map(|text| text.lines());
    lines.map(uncoloured).find_map(|line| line.strip_prefix(words)).map(str::trim)
}

/// A line without the escape sequence that Maven begins with, also where nobody sees colours.
fn uncoloured(line: &str) -> &str {
    line.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')).map_or(line, |(_, line)| line)
}

/// The user's settings, the installation's, and the jar with the built-in repository, whose name is not the same
/// everywhere.
fn files(printed: &[String]) -> Vec<String> {
    let settings = [USER, GLOBAL].into_iter().filter_map(|words| named(printed, words)).map(str::to_owned);
    settings.chain(jars(printed)).collect()
}

fn jars(printed: &[String]) -> Vec<String> {
    let version = named(printed, VERSION).and_then(|text| text.split_ascii_whitespace().next());
    // Debian names it after the major version.
    let major = version.and_then(|version| version.split('.').next()).map(|major| format!("{major}.x"));
    let names = version.map(str::to_owned).into_iter().chain(major);
    let home = named(printed, HOME);
    names.filter_map(|name| Some(format!("{}/lib/maven-model-builder-{name}.jar", home?))).collect()
}

fn read(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem> {
    let file = |path: &str| files.iter().find(|(name, _)| name == path).map(|(_, bytes)| bytes.as_slice());
    let text = |words| named(printed, words).and_then(file).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let of = |words| Settings::of(&expand(&text(words).unwrap_or_default(), env));
    // What the user says goes before what the installation says.
    let mut settings: Settings = of(USER);
    let global = of(GLOBAL);
    settings.mirrors.extend(global.mirrors);
    settings.servers.extend(global.servers);
    settings.repositories.extend(global.repositories);
    let mut problems = Vec::new();
    let default = match &stated.url {
        Some(url) => stated_upstream(url, &settings, &mut problems)?,
        None => {
            central(&settings, &jars(printed).iter().filter_map(|path| file(path)).collect::<Vec<_>>(), &mut problems)?
        }
    };
    let mut scopes = BTreeMap::new();
    for (group, url) in &stated.scopes {
        scopes.insert(group.clone(), stated_upstream(url, &settings, &mut problems)?);
    }
    let others = settings.repositories.iter().filter(|repository| repository.id != CENTRAL);
    let stated = || stated.scopes.values().chain(stated.claims.values()).filter(|address| *address != Stated::HOSTED);
    let others = others.filter(|repository| stated().all(|url| !is_same(url, &repository.url)));
    problems.extend(others.map(|repository| {
        let (id, url) = (repository.id.escape_debug(), stockade_model::redacted(&repository.url));
        Problem::new(format!(
            "packages of the repository `{id}` (`{url}`) come from it only if their names are claimed for it"
        ))
    }));
    Ok(ClientConfig { default, scopes, claims: Vec::new(), cafile: None, problems })
}

/// Where packages come from that a build asks `central` for.
fn central(settings: &Settings, jars: &[&[u8]], problems: &mut Vec<Problem>) -> Result<Upstream, Problem> {
    let moved = settings.repositories.iter().find(|repository| repository.id == CENTRAL).cloned();
    let built_in = || jars.iter().find_map(|jar| built_in(jar));
    let Some(repository) = moved.or_else(built_in) else {
        // A mirror for everything says enough.
        let unknown = Repository { id: CENTRAL.to_owned(), url: String::new() };
        let mirror = settings.mirror_of(&unknown).filter(|mirror| !mirror.of.contains("external"));
        let mirror = mirror.ok_or_else(|| Problem::new("the installed Maven does not say where packages come from"))?;
        return mirrored(mirror, settings, problems);
    };
    match settings.mirror_of(&repository) {
        Some(mirror) => mirrored(mirror, settings, problems),
        None => upstream(&repository.url, settings.servers.iter().find(|server| server.id == repository.id), problems),
    }
}

fn mirrored(mirror: &Mirror, settings: &Settings, problems: &mut Vec<Problem>) -> Result<Upstream, Problem> {
    if mirror.blocked {
        let id = mirror.id.escape_debug();
        return Err(Problem::new(format!("Maven's settings block the repository (mirror `{id}`)")));
    }
    upstream(&mirror.url, settings.servers.iter().find(|server| server.id == mirror.id), problems)
}

/// An address that is stated, with the credential of whatever has it in Maven's settings.
fn stated_upstream(url: &str, settings: &Settings, problems: &mut Vec<Problem>) -> Result<Upstream, Problem> {
    let mirrors = settings.mirrors.iter().map(|mirror| (&mirror.id, &mirror.url));
    let repositories = settings.repositories.iter().map(|repository| (&repository.id, &repository.url));
    let id = mirrors.chain(repositories).find(|(_, known)| is_same(url, known)).map(|(id, _)| id);
    upstream(url, settings.servers.iter().find(|server| Some(&server.id) == id), problems)
}

fn is_same(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}

/// The repository that is built in.
fn built_in(jar: &[u8]) -> Option<Repository> {
    let tree = unpack(&Bytes::copy_from_slice(jar), Root::Nothing);
    let member = tree.members.iter().find(|member| member.path == SUPER_POM)?;
    let elements = xml(std::str::from_utf8(&member.bytes).ok()?);
    let found =
        |end: &str| elements.iter().find(|element| element.path == format!("project/repositories/repository/{end}"));
    let id = found("id").filter(|id| id.text == CENTRAL)?.text.clone();
    Some(Repository { id, url: found("url")?.text.clone() })
}

fn upstream(address: &str, server: Option<&Server>, problems: &mut Vec<Problem>) -> Result<Upstream, Problem> {
    let invalid =
        || Problem::new(format!("`{}` is not the address of a repository", stockade_model::redacted(address)));
    let mut url = Url::parse(address).map_err(|_| invalid())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid());
    }
    let embedded = (!url.username().is_empty()).then(|| basic(url.username(), url.password().unwrap_or_default()));
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let credential = server.and_then(|server| credential(server, problems)).or(embedded);
    Ok(Upstream { url, credential })
}

fn credential(server: &Server, problems: &mut Vec<Problem>) -> Option<Credential> {
    if let Some(header) = &server.header {
        let (scheme, value) = header.split_once(' ')?;
        return match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(Credential::Bearer(Secret::new(value.trim()))),
            "basic" => Some(Credential::Basic(Secret::new(value.trim()))),
            _ => None,
        };
    }
    // Maven finds an encrypted password by its braces, and words may stand around them.
    if server.password.find('{').is_some_and(|open| server.password.get(open..).is_some_and(|rest| rest.contains('}')))
    {
        let id = server.id.escape_debug();
        problems.push(Problem::new(format!(
            "the password of the server `{id}` is encrypted for Maven, and cannot be used"
        )));
        return None;
    }
    (!server.user.is_empty()).then(|| basic(&server.user, &server.password))
}

fn basic(user: &str, password: &str) -> Credential {
    Credential::Basic(Secret::new(STANDARD.encode(format!("{user}:{password}"))))
}

/// Replaces `${env.NAME}` as Maven does: by the variable, or left as it is if there is none.
fn expand(text: &str, env: Environment<'_>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${env.") {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return out + "${env." + after;
        };
        match env(name) {
            Some(value) => out.push_str(&value.replace('&', "&amp;").replace('<', "&lt;")),
            None => out.extend(["${env.", name, "}"]),
        }
        rest = after;
    }
    out + rest
}

/// Newer Maven puts the arguments of a variable in front of all others, so that settings in there would go before ours.
fn arguments_of_environment(env: Environment<'_>) -> Variables {
    const SETTINGS: [&str; 4] = ["-s", "--settings", "-gs", "--global-settings"];
    let Some(theirs) = env(ARGUMENTS) else { return Vec::new() };
    let mut words = theirs.split_ascii_whitespace();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let named = word.split_once('=').map_or(word, |(name, _)| name);
        if SETTINGS.contains(&word) {
            words.next();
        } else if !SETTINGS.contains(&named) {
            kept.push(word);
        }
    }
    vec![(ARGUMENTS.to_owned(), kept.join(" "))]
}

/// The variable.
const ARGUMENTS: &str = "MAVEN_ARGS";
/// The word before a run's name in the `User-Agent`.
const RUN: &str = "stockade-run/";

fn run_of(user_agent: &str) -> Option<&str> {
    let (_, rest) = user_agent.split_once(RUN)?;
    rest.split_ascii_whitespace().next()
}
