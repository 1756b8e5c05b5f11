//! Upstreams are inherited: what a client is configured to use today is what the gateway fetches from.
//!
//! The client itself is asked for its effective configuration. The files that it names are read for what it does not
//! print, which is credentials. Addresses in the settings go before the client's.

use std::ffi::OsStr;
use std::path::Path;

use stockade_ecosystem::{ALL, Client, ClientConfig, Ecosystem, Stated};
use stockade_engine::Upstreams;
use url::Url;

use crate::errors::hinted;
use crate::settings::{Settings, variable};
use crate::{files, process};

/// What a client that is not installed would print: nothing is configured.
const NOTHING: &str = "{}";

/// What is known of an ecosystem's client and of its upstream.
pub(crate) struct Inherited {
    /// The ecosystem.
    pub(crate) ecosystem: &'static Ecosystem,
    /// The client.
    pub(crate) client: &'static Client,
    /// What the client printed; `None` if it is not installed.
    pub(crate) printed: Option<String>,
    /// The upstream, or why the ecosystem is off.
    pub(crate) config: Result<ClientConfig, String>,
}

/// Asks every ecosystem's client.
pub(crate) async fn all(settings: &Settings) -> Vec<Inherited> {
    let mut all = Vec::new();
    for ecosystem in ALL.iter().copied().filter(|ecosystem| ecosystem.registry.is_some()) {
        if let Some(client) = ecosystem.clients.first() {
            let program = client.programs.first().copied().unwrap_or(client.name);
            all.push(one(settings, ecosystem, client, OsStr::new(program)).await);
        }
    }
    all
}

/// Asks one client, by this program.
pub(crate) async fn one(
    settings: &Settings,
    ecosystem: &'static Ecosystem,
    client: &'static Client,
    program: &OsStr,
) -> Inherited {
    let stated = settings.stated.get(ecosystem.id.as_str());
    let (printed, config) = match process::ask(program, client.ask).await {
        Ok(Some(printed)) => {
            let config = read(client, &printed, stated);
            (Some(printed), config)
        }
        Ok(None) if stated.is_some_and(|stated| stated.url.is_some()) => (None, read(client, NOTHING, stated)),
        Ok(None) => (None, Err(format!("`{}` is not installed, and the settings state no upstream", client.name))),
        Err(error) => (None, Err(format!("{error:#}"))),
    };
    Inherited { ecosystem, client, printed, config }
}

fn read(client: &Client, printed: &str, stated: Option<&Stated>) -> Result<ClientConfig, String> {
    let mut texts = Vec::new();
    for file in (client.files)(printed) {
        // A file that is there and cannot be read may hold the credential without which nothing works.
        let text = files::read_text(Path::new(&file)).map_err(|error| format!("{error:#}"))?;
        texts.push(text.unwrap_or_default());
    }
    let stated = stated.cloned().unwrap_or_default();
    (client.read)(printed, &texts, &variable, &stated).map_err(|problem| problem.what)
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

/// The upstreams of every ecosystem that is on.
pub(crate) fn upstreams(all: &[Inherited]) -> Upstreams {
    all.iter().fold(Upstreams::default(), |upstreams, inherited| match &inherited.config {
        Ok(config) => upstreams.with(inherited.ecosystem.id.clone(), config.clone()),
        Err(_) => upstreams,
    })
}

/// True if an address is one of the gateway's own.
pub(crate) fn is_ours(url: &Url, settings: &Settings) -> bool {
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
