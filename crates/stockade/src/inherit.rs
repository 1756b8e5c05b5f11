//! Upstreams are inherited: what a client is configured to use today is what the gateway fetches from.
//!
//! The client itself is asked for its effective configuration. The files that it names are read for what it does not
//! print, which is credentials. Addresses in the settings go before the client's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use stockade_ecosystem::{ALL, Claim, Client, ClientConfig, Configured, Ecosystem, Stated, Upstream};
use stockade_engine::Upstreams;
use stockade_model::EcosystemId;
use url::Url;

use crate::command::Started;
use crate::errors::hinted;
use crate::settings::{Settings, project_folders, variable};
use crate::{files, process};

/// What is known of an ecosystem's client and of its upstream.
pub(crate) struct Inherited {
    /// The ecosystem.
    pub(crate) ecosystem: &'static Ecosystem,
    /// The client.
    pub(crate) client: &'static Client,
    /// What the client printed; `None` if it is not installed.
    pub(crate) printed: Option<Vec<String>>,
    /// The upstream, or why the ecosystem is off.
    pub(crate) config: Result<ClientConfig, String>,
    /// True if the client has a registry built in that it does not tell, so that the upstream is another client's.
    pub(crate) is_borrowed: bool,
}

/// Asks every ecosystem's clients. The first one of each ecosystem is told of also if it is not installed.
pub(crate) async fn all(settings: &Settings) -> Vec<Inherited> {
    of(settings, |_| true).await
}

/// Asks the clients of some ecosystems. Some take seconds to answer, so nobody is asked for nothing.
pub(crate) async fn of(settings: &Settings, wanted: impl Fn(&EcosystemId) -> bool) -> Vec<Inherited> {
    let asked = |id: &EcosystemId| settings.ecosystems.is_empty() || settings.ecosystems.contains(id);
    let is_wanted = |id: &EcosystemId| asked(id) && wanted(id);
    let spoken = ALL.iter().copied().filter(|ecosystem| ecosystem.registry.is_some() && is_wanted(&ecosystem.id));
    let clients = spoken.flat_map(|ecosystem| {
        ecosystem.clients.iter().copied().enumerate().map(move |(rank, client)| (ecosystem, rank, client))
    });
    let asking = clients.map(|(ecosystem, rank, client)| async move {
        let program = OsString::from(client.programs.first().copied().unwrap_or(client.name));
        let inherited = one(settings, ecosystem, client, &[program]).await;
        (rank == 0 || inherited.printed.is_some()).then_some(inherited)
    });
    futures_util::future::join_all(asking).await.into_iter().flatten().collect()
}

/// Asks one client for what would be in effect for a command: arguments can name another folder or another registry.
pub(crate) async fn one(
    settings: &Settings,
    ecosystem: &'static Ecosystem,
    client: &'static Client,
    words: &[OsString],
) -> Inherited {
    let stated = settings.stated.get(ecosystem.id.as_str());
    let mut is_borrowed = false;
    let (printed, config) = match ask(client, words, &[]).await {
        Ok(Some(printed)) => {
            let mut config = match client.like {
                Some(other) => read_like(ecosystem, (client, &printed), other, stated).await,
                None => read(ecosystem, client, &printed, stated),
            };
            if config.is_err()
                && let Some(borrowed) = borrowed(ecosystem, client, &printed, stated).await
            {
                (config, is_borrowed) = (Ok(borrowed), true);
            }
            (Some(printed), config)
        }
        Ok(None) if stated.is_some_and(|stated| stated.url.is_some()) => (None, read(ecosystem, client, &[], stated)),
        Ok(None) => (None, Err(format!("`{}` is not installed, and the settings state no upstream", client.name))),
        Err(error) => (None, Err(format!("{error:#}"))),
    };
    Inherited { ecosystem, client, printed, config, is_borrowed }
}

/// What is in effect for a client that names no registry, with the one of the ecosystem's first client.
async fn borrowed(
    ecosystem: &'static Ecosystem,
    client: &'static Client,
    printed: &[String],
    stated: Option<&Stated>,
) -> Option<ClientConfig> {
    let first = ecosystem.clients.first().copied().filter(|first| first.name != client.name)?;
    let asked = ask(first, &[], &[]).await.ok()??;
    let otherwise = read_own(first, &asked, &Stated::default()).ok()?.default;
    let stated = Stated { otherwise: Some(otherwise), ..stated.cloned().unwrap_or_default() };
    read(ecosystem, client, printed, Some(&stated)).ok()
}

/// What is in effect for a client that does not say itself where packages come from: another one's upstream. What it says of
/// anything else counts.
async fn read_like(
    ecosystem: &Ecosystem,
    (client, printed): (&Client, &[String]),
    other: &Client,
    stated: Option<&Stated>,
) -> Result<ClientConfig, String> {
    let program = OsString::from(other.programs.first().copied().unwrap_or(other.name));
    let config = match ask(other, &[program], &[]).await {
        Ok(Some(theirs)) => read(ecosystem, other, &theirs, stated)?,
        Ok(None) if stated.is_some_and(|stated| stated.url.is_some()) => read(ecosystem, other, &[], stated)?,
        Ok(None) => {
            let (own, theirs) = (client.name, other.name);
            return Err(format!("`{own}` does not say where packages come from, and `{theirs}` is not installed"));
        }
        Err(error) => return Err(format!("{error:#}")),
    };
    let theirs = Stated { url: Some(config.default.url.to_string()), ..Stated::default() };
    let own = read_own(client, printed, &theirs)?;
    Ok(ClientConfig { problems: own.problems, ..config })
}

/// What the client prints of its configuration, as it is for a command in an environment. An argument may keep it from
/// printing anything of use (`--help`, `--silent`); then it is asked without.
async fn ask(
    client: &Client,
    words: &[OsString],
    environment: &[(String, String)],
) -> anyhow::Result<Option<Vec<String>>> {
    // What is behind `--` is not for the client.
    let own = Started::by(words).map_or(1, |started| started.own);
    let mut arguments: Vec<OsString> = words.iter().skip(own).take_while(|word| *word != "--").cloned().collect();
    if client.is_asked_outside {
        arguments.clear();
    }
    if !arguments.is_empty()
        && let Ok(Some(printed)) = ask_all(client, words, &arguments, environment).await
        && read_own(client, &printed, &Stated::default()).is_ok()
    {
        return Ok(Some(printed));
    }
    ask_all(client, words, &[], environment).await
}

async fn ask_all(
    client: &Client,
    words: &[OsString],
    more: &[OsString],
    environment: &[(String, String)],
) -> anyhow::Result<Option<Vec<String>>> {
    if client.ask.is_empty() && !words.first().is_some_and(|program| process::is_installed(program)) {
        return Ok(None);
    }
    let mut start = Started::asked(client, words);
    let mut program = start.remove(0);
    // An interpreter looks for modules in its folder, and a project's are not run to be asked.
    let folder = (client.is_asked_outside || !start.is_empty()).then_some(process::OUTSIDE);
    if folder.is_some() && Path::new(&program).components().nth(1).is_some() {
        program = std::path::absolute(&program)?.into_os_string();
    }
    let mut all = Vec::new();
    for plain in client.ask {
        let plain = plain.iter().map(OsString::from);
        let arguments: Vec<OsString> = start.iter().cloned().chain(plain).chain(more.iter().cloned()).collect();
        let Some(printed) = process::ask(&program, &arguments, environment, folder).await? else { return Ok(None) };
        all.push(printed);
    }
    if let Some(around) = client.around {
        let mut folders = vec![std::env::current_dir().context("the working folder cannot be found")?];
        folders.extend(project_folders());
        folders.dedup();
        let folders: Vec<String> = folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        let changed = |name: &str| {
            let own = environment.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.clone());
            own.or_else(|| variable(name))
        };
        all.extend(around(&folders, &changed));
    }
    Ok(Some(all))
}

/// True if a command, in this environment, would go to the gateway at `base` and nowhere else. Arguments outweigh the
/// environment.
pub(crate) async fn goes_to(
    client: &Client,
    words: &[OsString],
    environment: &[(String, String)],
    base: &str,
) -> anyhow::Result<bool> {
    // Of one that does not say where packages come from, nothing says where an argument sends it.
    if client.like.is_some() {
        return Ok(client.given.as_ref().is_some_and(|given| given.decides));
    }
    let printed = ask(client, words, environment).await?.unwrap_or_default();
    let config = read_own(client, &printed, &Stated::default()).map_err(anyhow::Error::msg)?;
    let base = format!("{base}/");
    let mut upstreams = std::iter::once(&config.default).chain(config.scopes.values());
    Ok(config.problems.is_empty() && upstreams.all(|upstream| upstream.url.as_str().starts_with(&base)))
}

fn read(
    ecosystem: &Ecosystem,
    client: &Client,
    printed: &[String],
    stated: Option<&Stated>,
) -> Result<ClientConfig, String> {
    let stated = stated.cloned().unwrap_or_default();
    let mut config = read_own(client, printed, &stated)?;
    for (names, address) in &stated.claims {
        let pattern = format!("pkg:{}/{names}", ecosystem.purl_type).parse().map_err(|error| format!("{error}"))?;
        if address == Stated::HOSTED {
            config.claims.push((pattern, Claim::Hosted));
            continue;
        }
        // What the client knows of that address, its credential above all, counts as for any other.
        let claimed = read_own(client, printed, &Stated { url: Some(address.clone()), ..Stated::default() })?;
        config.claims.push((pattern, Claim::Upstream(claimed.default)));
    }
    Ok(config)
}

/// What a client is configured to use by itself, and by what is stated.
fn read_own(client: &Client, printed: &[String], stated: &Stated) -> Result<ClientConfig, String> {
    let mut found: Vec<Configured> = Vec::new();
    for file in of_project(client, printed).into_iter().chain((client.files)(printed).into_iter().map(PathBuf::from)) {
        // A file that is there and cannot be read may hold the credential without which nothing works.
        let bytes = files::read(&file).map_err(|error| format!("{error:#}"))?;
        found.extend(bytes.map(|bytes| (file.to_string_lossy().into_owned(), bytes)));
    }
    (client.read)(printed, &found, &variable, stated).map_err(|problem| problem.what)
}

/// The project's own configuration file, which a client reads and need not name: it has the name of the user's.
fn of_project(client: &Client, printed: &[String]) -> Option<PathBuf> {
    let users = (client.configured_in)(printed).map(PathBuf::from);
    let users = users.as_deref().and_then(Path::file_name);
    let name = client.in_project.map(OsStr::new).or(users)?;
    project_folders().into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Where a client keeps what it has fetched.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn cache(client: &Inherited) -> Option<PathBuf> {
    let cache = (client.client.cache)(client.printed.as_deref()?)?;
    Some(PathBuf::from(cache)).filter(|cache| cache.is_absolute())
}

/// A client's configuration files, without what is secret in them.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn configuration(client: &Inherited) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let paths = (client.client.files)(client.printed.as_deref().unwrap_or_default()).into_iter().map(PathBuf::from);
    let project = project_folders();
    // One that is no text is part of the client and not of its configuration.
    let text = |path: PathBuf| {
        let Some(text) = files::read(&path)?.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(None) };
        let shown = (client.client.without_secrets)(&text);
        // One of the project's with nothing secret in it stays what it is, and can be written.
        let is_as_it_is = path.parent().is_some_and(|folder| project.iter().any(|own| own == folder))
            && shown.lines().eq(text.lines());
        Ok((!is_as_it_is).then_some((path, shown)))
    };
    paths.filter_map(|path| text(path).transpose()).collect()
}

/// The configuration files that a client reads in spite of environment and arguments, with the gateway at `base` in them and
/// nothing secret. Of those that are not there only the user's is made.
pub(crate) fn pointed(inherited: &Inherited, base: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let (client, scopes) = (inherited.client, inherited.scopes());
    let printed = inherited.printed.as_deref().unwrap_or_default();
    let users = (client.configured_in)(printed);
    let mut found = Vec::new();
    for file in (client.rewritten)(printed, &scopes).files {
        let is_users = users.as_ref() == Some(&file);
        let file = PathBuf::from(file);
        let text = files::read_text(&file)?;
        if text.is_some() || is_users {
            let text = (client.without_secrets)(&text.unwrap_or_default());
            found.push((file, (client.point)(&text, base, &scopes)));
        }
    }
    Ok(found)
}

impl Inherited {
    /// The upstream, or an error that says how to turn the ecosystem on.
    pub(crate) fn config(&self) -> anyhow::Result<&ClientConfig> {
        let id = &self.ecosystem.id;
        let off = |why: &String| {
            let hint = format!("install its client, or write `url` in `[upstream.{id}]` into the settings file");
            hinted(format!("`{id}` is off: {why}"), hint)
        };
        self.config.as_ref().map_err(off)
    }

    /// The scopes that have a registry of their own.
    pub(crate) fn scopes(&self) -> Vec<String> {
        self.config.as_ref().map(|config| config.scopes.keys().cloned().collect()).unwrap_or_default()
    }

    /// True if the client's own configuration points at the gateway, whatever the settings state.
    pub(crate) fn is_pointed(&self, settings: &Settings) -> bool {
        let Some(printed) = &self.printed else { return false };
        let own = read_own(self.client, printed, &Stated::default());
        own.is_ok_and(|own| is_ours(&own.default.url, settings))
    }

    /// Fails if the upstream is this gateway itself: it would ask itself, without end.
    pub(crate) fn refuse_ourselves(&self, settings: &Settings) -> anyhow::Result<()> {
        let Ok(config) = &self.config else { return Ok(()) };
        let mut upstreams = std::iter::once(&config.default).chain(config.scopes.values());
        if !upstreams.any(|upstream| is_ours(&upstream.url, settings)) {
            return Ok(());
        }
        let (name, id) = (self.client.name, &self.ecosystem.id);
        Err(hinted(
            format!("`{name}` already points at this gateway, so nothing says where packages come from"),
            format!("write the registry's address as `url` in `[upstream.{id}]` into {}", settings.file.display()),
        ))
    }
}

/// The upstreams of every ecosystem that is on: of several clients the first one's. A credential that it does not know for
/// one of its addresses is another one's.
pub(crate) fn upstreams(all: &[Inherited]) -> Upstreams {
    all.iter().rev().fold(Upstreams::default(), |upstreams, inherited| match &inherited.config {
        Ok(config) => {
            let mut config = config.clone();
            let others = all.iter().filter(|other| other.ecosystem.id == inherited.ecosystem.id);
            let known: Vec<&Upstream> =
                others.filter_map(|other| other.config.as_ref().ok()).flat_map(all_of).collect();
            for upstream in std::iter::once(&mut config.default).chain(config.scopes.values_mut()) {
                let same = || known.iter().find(|other| other.url == upstream.url && other.credential.is_some());
                if upstream.credential.is_none() {
                    upstream.credential = same().and_then(|same| same.credential.clone());
                }
            }
            upstreams.with(inherited.ecosystem.id.clone(), config)
        }
        Err(_) => upstreams,
    })
}

/// What is written down as each ecosystem's upstream: the first client's that has one, with the scopes that any of them has.
pub(crate) fn together(all: &[Inherited]) -> Vec<(&'static Ecosystem, Result<ClientConfig, &str>)> {
    let mut found: Vec<(&'static Ecosystem, Result<ClientConfig, &str>)> = Vec::new();
    for inherited in all {
        let config = match &inherited.config {
            Ok(config) => Ok(config.clone()),
            Err(why) => Err(why.as_str()),
        };
        let there = found.iter_mut().find(|(ecosystem, _)| ecosystem.id == inherited.ecosystem.id);
        match (there, config) {
            (None, config) => found.push((inherited.ecosystem, config)),
            (Some((_, Ok(first))), Ok(config)) => {
                for (scope, upstream) in config.scopes {
                    first.scopes.entry(scope).or_insert(upstream);
                }
            }
            (Some((_, there)), Ok(config)) => *there = Ok(config),
            (Some(_), Err(_)) => {}
        }
    }
    found
}

fn all_of(config: &ClientConfig) -> impl Iterator<Item = &Upstream> {
    std::iter::once(&config.default).chain(config.scopes.values())
}

/// True if an address is one of the gateway's own.
fn is_ours(url: &Url, settings: &Settings) -> bool {
    let public = settings.public_url.as_ref().is_some_and(|public| public.origin() == url.origin());
    let port = url.port_or_known_default() == Some(settings.listen.port());
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback() || settings.listen.ip() == address,
        Some(url::Host::Ipv6(address)) => address.is_loopback() || settings.listen.ip() == address,
        None => false,
    };
    public || (port && loopback)
}
