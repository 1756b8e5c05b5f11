//! What is in effect: arguments, the user's file, a project's file, the environment, in this order.
//!
//! This is the only module that reads the environment. A project's `stockade.toml` may only tighten the policy. Whatever
//! else it says is an error, because a repository that could name an upstream could send its users anywhere.

mod document;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use stockade_ecosystem::Stated;
use stockade_engine::advisories::Sources;
use stockade_engine::inspection::Rules;
use stockade_model::EcosystemId;
use stockade_policy::Policy;
use url::Url;

use crate::args::Global;
use crate::errors::hinted;
use crate::{files, rules};

pub(crate) use document::{DEFAULT_LISTEN, Readers};

/// The name of settings files.
pub(crate) const FILE: &str = "stockade.toml";
/// The name of our folders below the user's.
const FOLDER: &str = "stockade";

/// What is in effect.
pub(crate) struct Settings {
    /// The ecosystems whose clients are asked; all if there is none.
    pub(crate) ecosystems: Vec<EcosystemId>,
    /// Where the gateway listens.
    pub(crate) listen: SocketAddr,
    /// Where clients reach it, if that is another address.
    pub(crate) public_url: Option<Url>,
    /// The folder that everything is kept in.
    pub(crate) data: PathBuf,
    /// Hosts that artifacts may be fetched from besides the upstreams.
    pub(crate) artifact_hosts: Vec<String>,
    /// The upstreams that are written down, by ecosystem.
    pub(crate) stated: BTreeMap<String, Stated>,
    /// Who may read what the gateway serves, if it is said.
    pub(crate) readers: Option<Readers>,
    /// Where advisories come from.
    pub(crate) advisories: Sources,
    /// How often a gateway fetches the feeds among them by itself.
    pub(crate) fetched_every: Option<Duration>,
    /// The policy.
    pub(crate) policy: Policy,
    /// Where the policy comes from, for a person.
    pub(crate) policy_from: String,
    /// What the user's file, and then the project's, says of the sandbox, with the file.
    pub(crate) sandbox: [Option<(PathBuf, toml::Value)>; 2],
    /// The rules of the inspection, once they are wanted: reading them takes milliseconds.
    rules: OnceLock<Arc<Rules>>,
    /// The folder that some of them come from.
    pub(crate) own_rules: Option<PathBuf>,
    /// The user's settings file, or the one in its place. It need not exist.
    pub(crate) file: PathBuf,
    /// Why a gateway that is running has another policy; `None` if it may have this one.
    pub(crate) own_policy: Option<String>,
}

impl Settings {
    /// Reads everything that there is to read.
    pub(crate) fn load(global: &Global) -> anyhow::Result<Self> {
        let file = user_file(global)?;
        let text = files::read_text(&file)?;
        if text.is_none() && global.config.is_some() {
            return Err(hinted(
                format!("`{}` does not exist", file.display()),
                "`stockade init` writes a settings file",
            ));
        }
        Self::of(global, file, text.as_deref().unwrap_or_default())
    }

    /// What would be in effect if the user's file were empty.
    pub(crate) fn without_file(global: &Global) -> anyhow::Result<Self> {
        Self::of(global, user_file(global)?, "")
    }

    fn of(global: &Global, file: PathBuf, text: &str) -> anyhow::Result<Self> {
        let in_file = || unusable(&file);
        let written = document::settings(text).with_context(in_file)?;
        let base = Policy::parse_settings(text).with_context(in_file)?;
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let beside = |path: &PathBuf| folder.join(path);
        let data = match (&global.data, &written.data) {
            (Some(data), _) => data.clone(),
            (None, Some(data)) => beside(data),
            (None, None) => data_folder()?,
        };
        let (base, mut policy_from) = match (&global.policy, base) {
            (Some(path), _) => (policy_file(path)?, path.display().to_string()),
            (None, Some(policy)) => (policy, file.display().to_string()),
            (None, None) => (Policy::builtin(), "built in".to_owned()),
        };
        let Project { policy: project, sandbox: projects_sandbox } = project(&file)?;
        let policy = match &project {
            Some((path, project)) => {
                policy_from = format!("{policy_from}, tightened by {}", path.display());
                base.tightened_by(project).with_context(|| unusable(path))?
            }
            None => base,
        };
        let own_policy = match (&project, &global.policy) {
            (Some((path, _)), _) => Some(format!("{} has a policy", path.display())),
            (None, Some(path)) => Some(format!("{} is to be the policy", path.display())),
            (None, None) => None,
        };
        let mut folders: Vec<PathBuf> = written.advisories.sources.iter().map(beside).collect();
        folders.extend(Some(advisory_folder(&data)).filter(|folder| folder.is_dir()));
        let advisories = written.advisories.with(folders, written.claims());
        let fetched_every = written.advisories.every.map(|every| every.0);
        let own_rules = written.inspection.own_rules.as_ref().map(beside);
        let rules = OnceLock::new();
        if let Some(folder) = &own_rules {
            let own = rules::with(Some(folder)).with_context(in_file)?;
            rules.get_or_init(|| Arc::new(own));
        }
        let users_sandbox = written.sandbox.clone().map(|table| (file.clone(), table));
        Ok(Self {
            ecosystems: global.ecosystem.clone(),
            sandbox: [users_sandbox, projects_sandbox],
            listen: written.listen(),
            public_url: written.public_url(),
            data,
            stated: written.stated(),
            readers: written.access.read,
            artifact_hosts: written.artifact_hosts,
            advisories,
            fetched_every,
            policy,
            policy_from,
            rules,
            own_rules,
            file,
            own_policy,
        })
    }

    /// The rules of the inspection.
    pub(crate) fn rules(&self) -> anyhow::Result<Arc<Rules>> {
        if let Some(rules) = self.rules.get() {
            return Ok(Arc::clone(rules));
        }
        let built_in = rules::with(None)?;
        Ok(Arc::clone(self.rules.get_or_init(|| Arc::new(built_in))))
    }

    /// The folder that advisories may simply be put into.
    pub(crate) fn advisory_folder(&self) -> PathBuf {
        advisory_folder(&self.data)
    }

    /// Where clients reach a gateway with these settings, without a trailing `/`.
    pub(crate) fn address(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => self.local_address(),
        }
    }

    /// Where this machine reaches it.
    pub(crate) fn local_address(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}")
    }
}

fn advisory_folder(data: &Path) -> PathBuf {
    data.join("advisories")
}

/// Reads a policy document.
pub(crate) fn policy_file(path: &Path) -> anyhow::Result<Policy> {
    let text = files::read_text(path)?.with_context(|| format!("`{}` does not exist", path.display()))?;
    Policy::parse(&text).with_context(|| unusable(path))
}

fn unusable(file: &Path) -> String {
    format!("`{}` cannot be used", file.display())
}

/// The folders of a project that something was started in: the working folder and those above it, up to the one with
/// `.git` in it, and never the user's home or anything above that.
pub(crate) fn project_folders() -> Vec<PathBuf> {
    let Ok(start) = std::env::current_dir() else { return Vec::new() };
    let home = home().map(|home| files::real(&home));
    let mut folders = Vec::new();
    for folder in start.ancestors().filter(|folder| *folder != Path::new("/")) {
        if home.as_deref() == Some(folder) {
            break;
        }
        folders.push(folder.to_path_buf());
        if folder.join(".git").exists() {
            break;
        }
    }
    folders
}

/// What a project says, with its file.
#[derive(Default)]
struct Project {
    policy: Option<(PathBuf, Policy)>,
    sandbox: Option<(PathBuf, toml::Value)>,
}

/// What the nearest settings file of a project says. The user's own file is not a project's.
fn project(users: &Path) -> anyhow::Result<Project> {
    let users = files::real(users);
    let candidates = project_folders().into_iter().map(|folder| folder.join(FILE));
    let Some(path) = candidates.into_iter().find(|path| path.is_file() && files::real(path) != users) else {
        return Ok(Project::default());
    };
    let text = files::read_text(&path)?.unwrap_or_default();
    let sandbox = document::project(&text).with_context(|| unusable(&path))?;
    let policy = Policy::parse_settings(&text).with_context(|| unusable(&path))?;
    Ok(Project { policy: policy.map(|policy| (path.clone(), policy)), sandbox: sandbox.map(|table| (path, table)) })
}

fn user_file(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(file) = &global.config {
        return Ok(std::path::absolute(file)?);
    }
    let unknown = "neither `XDG_CONFIG_HOME` nor `HOME` says where the user's settings are";
    let folder = folder("XDG_CONFIG_HOME", ".config").ok_or_else(|| hinted(unknown, "give a file with `--config`"))?;
    Ok(folder.join(FILE))
}

fn data_folder() -> anyhow::Result<PathBuf> {
    let unknown = "neither `XDG_DATA_HOME` nor `HOME` says where data is kept";
    folder("XDG_DATA_HOME", ".local/share").ok_or_else(|| hinted(unknown, "give a folder with `--data`"))
}

/// Our folder below a folder of the user's. The specification of these variables wants relative ones to be ignored.
fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let stated = self::variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(stated.or_else(|| Some(home()?.join(below_home)))?.join(FOLDER))
}

/// The user's home.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// The name of the user, for the record.
pub(crate) fn user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| variable(name).filter(|user| !user.is_empty()))
}

/// The whole environment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
