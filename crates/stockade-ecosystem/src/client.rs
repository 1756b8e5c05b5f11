//! How an ecosystem's clients are configured: read, to inherit the upstream, and written, to point them at the gateway.

pub(crate) mod marks;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use stockade_model::{Pattern, Secret};
use url::Url;

use crate::{Native, Problem};

/// Looks a variable up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
/// Variables with their values.
pub type Variables = Vec<(String, String)>;

/// A configuration file: its path and its bytes.
pub type Configured = (String, Vec<u8>);
/// See [`Client::around`].
pub(crate) type Surroundings = fn(folders: &[String], env: Environment<'_>) -> Option<String>;
/// See [`Client::read`].
pub(crate) type Reading = fn(
    printed: &[String],
    files: &[Configured],
    env: Environment<'_>,
    stated: &Stated,
) -> Result<ClientConfig, Problem>;

/// See [`Client::led`].
pub(crate) type Leading = fn(text: &str, registry: &str, base: &str) -> Vec<(String, String)>;

/// A client that installs from a registry.
pub struct Client {
    /// Its name, also in `setup NAME`.
    pub name: &'static str,
    /// The programs that are this client.
    pub programs: &'static [&'static str],
    /// The arguments that make the client print its effective configuration; where one command does not print all of it,
    /// of several. What it prints is one text for each, and none if the client is not installed.
    pub ask: &'static [&'static [&'static str]],
    /// True if it would run what is the project's when it is asked in the project (a plugin, another version of itself). Then
    /// it is asked outside, without the command's arguments, and files of the project are read by us.
    pub is_asked_outside: bool,
    /// What the client would print of where it is if it could be asked: a text that stands behind what it printed, from the
    /// project's folders, the working one first, and the environment. For clients that do not print all of it.
    pub around: Option<Surroundings>,
    /// The files that hold what the client does not print (credentials), given what it printed, most specific first.
    pub files: fn(printed: &[String]) -> Vec<String>,
    /// Reads the effective configuration from what the client printed and from those of its files that are there: path and
    /// bytes. Variables in the files are looked up with `env`; addresses that are `stated` stand in place of the printed
    /// ones.
    pub read: Reading,
    /// The folder in which the client keeps what it has fetched, from what it printed.
    pub cache: fn(printed: &[String]) -> Option<String>,
    /// The text of one of those files without what is secret in it.
    pub without_secrets: fn(text: &str) -> String,
    /// The environment that points a client at the gateway for one run: `base` is the mount's address, `scopes` those
    /// that have a registry of their own, `run` the name of the run.
    pub environment: fn(base: &str, scopes: &[String], run: &str) -> Variables,
    /// The arguments that point a client at the gateway for one run together with the environment, where that alone does
    /// not, from what it printed. They stand behind the program, and behind a toolchain (`+nightly`).
    pub arguments: fn(printed: &[String], base: &str, scopes: &[String], run: &str) -> Vec<String>,
    /// The files whose text [`Client::point`] rewrites for a run in a sandbox, because they would reach this client in spite
    /// of environment and arguments, or one that it starts. What a run without a sandbox cannot do without is among them.
    pub rewritten: fn(printed: &[String], scopes: &[String]) -> Rewritten,
    /// What it is given for one run besides, where its environment is not enough.
    pub given: Option<Given>,
    /// The name of a run that an environment gave to a client, from the `User-Agent` that the client sends, or from its
    /// `Authorization`: as it is, and where that is `Basic` as the user and the password with a colon between.
    pub run_of: fn(header: &str) -> Option<&str>,
    /// Rewrites the client's configuration file so that it uses the gateway, keeping what was there.
    pub point: fn(text: &str, base: &str, scopes: &[String]) -> String,
    /// Undoes [`Client::point`]; text that was never pointed comes back as it is.
    pub unpoint: fn(text: &str) -> String,
    /// The file that `point` rewrites, from what the client printed.
    pub configured_in: fn(printed: &[String]) -> Option<String>,
    /// The lockfiles this client writes in a project's folder, which must not name the gateway of one run.
    pub lockfiles: &'static [&'static str],
    /// The client whose upstream is this one's, if it does not say itself where packages come from.
    pub like: Option<&'static Client>,
    /// The file of a project in which it reads of further registries.
    pub in_project: Option<&'static str>,
    /// What its user has to write into a project to point it at the gateway, if it has no file of the user's for that.
    pub by_hand: Option<fn(base: &str) -> String>,
    /// The text of a lockfile without addresses below these, for a client that fetches from what is written there wherever
    /// it was pointed: without an address it asks the registry that it has. It is what a run begins with.
    pub unbound: Option<fn(text: &str, registries: &[&str]) -> String>,
    /// For a client that fetches from what is written in a lockfile and cannot do without: which of a registry's addresses in
    /// such a text stand for which of the gateway's. A run begins with these in their place.
    pub led: Option<Leading>,
    /// For a client that writes down where it was pointed: a file, as it was before a run and after it, without that.
    pub unwritten: Option<fn(before: &str, after: &str, base: &str) -> String>,
    /// Its own gate for releases that are too young, if it has one.
    pub native: Option<Native>,
}

/// See [`Client::rewritten`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The paths. One that is not there is made if it is the user's.
    pub files: Vec<String>,
    /// What leads past the gateway if they are not rewritten, as the subject of a sentence.
    pub needed_for: Option<String>,
}

/// A file that a client is given for one run, in a folder of its own.
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// Its text, made of that of the file that `point` would rewrite.
    pub text: fn(text: &str, base: &str, scopes: &[String], run: &str) -> String,
    /// What lies beside it: paths in the folder, and texts.
    pub beside: &'static [(&'static str, &'static str)],
    /// The arguments, in front of all others, that make the client read it.
    pub arguments: fn(path: &str) -> Vec<String>,
    /// The variables that do so, from the path of the folder and those that are set.
    pub environment: fn(folder: &str, env: Environment<'_>) -> Variables,
    /// True if nothing that the client is told besides outweighs it.
    pub decides: bool,
}

/// The addresses that Stockade's own settings state, and which go before a client's. Its credentials still count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// The registry for names without one of their own.
    pub url: Option<String>,
    /// Registries of single scopes.
    pub scopes: BTreeMap<String, String>,
    /// Registries of names, by pattern; [`Stated::HOSTED`] for names that belong to us.
    pub claims: BTreeMap<String, String>,
    /// What counts where neither they nor a client that cannot be asked name a registry: what another client uses.
    pub otherwise: Option<Upstream>,
}

impl Stated {
    /// What stands in the place of an address for names whose packages are published here.
    pub const HOSTED: &'static str = "hosted";
}

/// What a client is configured to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// The registry for names without one of their own.
    pub default: Upstream,
    /// Registries of single scopes.
    pub scopes: BTreeMap<String, Upstream>,
    /// To whom names belong, by pattern. They go before scopes. A client knows of none.
    pub claims: Vec<(Pattern, Claim)>,
    /// A file with further certificate authorities.
    pub cafile: Option<String>,
    /// What could not be understood.
    pub problems: Vec<Problem>,
}

/// To whom names belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// To another registry.
    Upstream(Upstream),
    /// To us: the packages are published here.
    Hosted,
}

/// A registry that packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its address, with a trailing `/` and without credentials.
    pub url: Url,
    /// What it wants to see.
    pub credential: Option<Credential>,
}

/// A credential for an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// `Authorization: Basic …`, already encoded.
    Basic(Secret),
    /// `Authorization: …`, as it is configured.
    Plain(Secret),
}

impl Upstream {
    /// The registry at an address, in which there may be a credential.
    pub(crate) fn at(address: &str) -> Result<Self, Problem> {
        let invalid =
            || Problem::new(format!("`{}` is not the address of a registry", stockade_model::redacted(address)));
        let mut url = Url::parse(address).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid());
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (decoded(url.username()), url.password().map(decoded).unwrap_or_default());
        let credential = (!user.is_empty() || !password.is_empty()).then(|| Credential::basic(&user, &password));
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self { url, credential })
    }
}

impl Credential {
    /// A user and a password.
    pub(crate) fn basic(user: &str, password: &str) -> Self {
        Self::Basic(Secret::new(STANDARD.encode(format!("{user}:{password}"))))
    }

    /// The value of the `Authorization` header.
    pub fn header(&self) -> Secret {
        match self {
            Self::Bearer(token) => Secret::new(format!("Bearer {}", token.reveal())),
            Self::Basic(encoded) => Secret::new(format!("Basic {}", encoded.reveal())),
            Self::Plain(value) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_its_credential() {
        let header =
            |address: &str| Upstream::at(address).unwrap().credential.map(|known| known.header().reveal().to_owned());
        assert_eq!(header("https://user:p%40w@mirror.example/simple").as_deref(), Some("Basic dXNlcjpwQHc="));
        assert_eq!(header("https://token@mirror.example/simple").as_deref(), Some("Basic dG9rZW46"));
        assert_eq!(header("https://mirror.example/simple"), None);
        let url = Upstream::at("https://user:pw@mirror.example/simple?a#b").unwrap().url;
        assert_eq!(url.as_str(), "https://mirror.example/simple/");
        for bad in ["ftp://user:secret@x.example/", "/srv/simple", "", "https://", "data:text/plain,x"] {
            assert!(!Upstream::at(bad).unwrap_err().what.contains("secret"), "{bad}");
        }
    }
}
