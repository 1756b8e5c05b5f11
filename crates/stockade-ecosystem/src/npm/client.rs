//! The clients of npm's registry: what they use today, and how they are pointed at the gateway.
//!
//! npm can be asked for everything but credentials. The others cannot: pnpm and Yarn run what is the project's when they
//! are asked in a project (a `.pnpmfile.cjs`, a `yarnPath`, another version of themselves), and Bun prints nothing. So these
//! are asked outside of it, and the project's files are read here, in the order of each.
//!
//! All keep what they have fetched, and install it again without a question, whatever was learnt about it since. npm has a
//! setting by which it asks. The others have none, so a run in the sandbox begins without what they keep.

mod bun;
mod npm;
mod npmrc;
mod pnpm;
mod yaml;
mod yarn;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClientConfig, Environment, Problem, Stated, Upstream, Variables};

pub(super) use bun::BUN;
pub(super) use npm::NPM;
pub(super) use pnpm::PNPM;
pub(super) use yarn::YARN;

/// The word before a run's name in a header.
const RUN: &str = "stockade-run/";

/// The name of the run in a header.
fn run_of(header: &str) -> Option<&str> {
    let (_, rest) = header.split_once(RUN)?;
    rest.split_ascii_whitespace().next()
}

/// Where a client is that does not print it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Around {
    /// The project's folders, the working one first.
    folders: Vec<String>,
    /// Variables that have to do with where packages come from.
    variables: BTreeMap<String, String>,
}

impl Around {
    /// The text of it.
    fn text(folders: &[String], names: &[&str], env: Environment<'_>) -> Option<String> {
        let set = |name: &&str| Some(((*name).to_owned(), env(name).filter(|value| !value.is_empty())?));
        let variables = names.iter().filter_map(set).collect();
        serde_json::to_string(&Self { folders: folders.to_vec(), variables }).ok()
    }

    /// It stands behind what the client printed.
    fn of(printed: &[String]) -> Self {
        printed.last().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The first of these that is set.
    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.variable(name))
    }

    /// A file in the user's home.
    fn at_home(&self, name: &str) -> Option<String> {
        Some(format!("{}/{name}", self.first(&HOMES)?))
    }

    /// A file of this name in each folder of the project.
    fn in_project(&self, name: &str) -> Vec<String> {
        self.folders.iter().map(|folder| format!("{folder}/{name}")).collect()
    }
}

/// The variables that name the user's home.
const HOMES: [&str; 2] = ["HOME", "USERPROFILE"];

/// What a client uses by itself, one address for each key.
#[derive(Debug, Default)]
struct Own {
    /// The registry for names without one of their own.
    default: Option<String>,
    /// Registries of single scopes, with their `@`.
    scopes: BTreeMap<String, String>,
}

/// Makes the upstream at an address, for everything or for a scope.
type Find<'a> = &'a dyn Fn(&str, Option<&str>) -> Result<Upstream, Problem>;

/// What is in effect: what the settings state, else what the client uses, each with the credential that the client has for it.
fn effective(own: &Own, stated: &Stated, name: &str, upstream: Find<'_>) -> Result<ClientConfig, Problem> {
    let default = match (stated.url.as_deref().or(own.default.as_deref()), &stated.otherwise) {
        (Some(address), _) => upstream(address, None)?,
        (None, Some(otherwise)) => otherwise.clone(),
        (None, None) => return Err(Problem::new(format!("{name} names no registry"))),
    };
    let mut problems = Vec::new();
    let mut scopes = BTreeMap::new();
    for (scope, address) in own.scopes.iter().chain(&stated.scopes) {
        match upstream(address, Some(scope)) {
            Ok(upstream) => drop(scopes.insert(scope.clone(), upstream)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(ClientConfig { default, scopes, claims: Vec::new(), cafile: None, problems })
}

/// Variables as they are passed on.
fn variables<const N: usize>(pairs: [(&str, String); N]) -> Variables {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
