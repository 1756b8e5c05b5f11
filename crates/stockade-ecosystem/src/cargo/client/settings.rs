//! What cargo's configuration files say together.

use std::path::{Path, PathBuf};

use stockade_model::Secret;
use tame_index::CRATES_IO_HTTP_INDEX;
use toml::{Table, Value};
use url::Url;

use super::{CONFIGURATIONS, REPLACED, SPARSE};
use crate::{Configured, Credential, Environment, Problem, Upstream};

/// The longest file in bytes.
const MAX_FILE: usize = 1024 * 1024;
/// How often a source may be replaced by another one.
const MAX_REPLACEMENTS: usize = 16;
/// Kinds of sources that cannot be asked for anything.
const FOLDERS: [&str; 3] = ["directory", "local-registry", "git"];

/// Keys whose values are credentials.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(key, "token" | "secret-key" | "password")
}

/// The variable that stands for a value of a registry.
fn variable(registry: &str, key: &str) -> String {
    format!("CARGO_REGISTRIES_{registry}_{key}").to_uppercase().replace(['-', '.'], "_")
}

/// The files' tables, the most specific first, and the environment.
pub(super) struct Settings<'a> {
    layers: Vec<(PathBuf, Table)>,
    /// A file that includes others.
    including: Option<PathBuf>,
    env: Environment<'a>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Settings<'a> {
    /// Reads files, the most specific first.
    pub(super) fn read<'f>(files: impl Iterator<Item = &'f Configured>, env: Environment<'a>) -> Result<Self, Problem> {
        let mut new = Self { layers: Vec::new(), including: None, env, problems: Vec::new() };
        for (path, bytes) in files {
            let path = PathBuf::from(path);
            let last = new.layers.last().map(|(path, _)| path);
            if last.is_some_and(|last| last.parent() == path.parent() && last.file_stem() == path.file_stem()) {
                new.problems.push(Problem::new(format!("`{}` is not read, as cargo does not", path.display())));
                continue;
            }
            let unreadable = |why| Problem::new(format!("`{}` {why}", path.display()));
            if bytes.len() > MAX_FILE {
                return Err(unreadable("is longer than 1 MiB"));
            }
            let table = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Table>().ok());
            let table = table.ok_or_else(|| unreadable("is not TOML"))?;
            if table.contains_key("include") && is_configuration(&path) {
                new.including = Some(path.clone());
            }
            new.layers.push((path, table));
        }
        Ok(new)
    }

    /// The address of the registry that stands for the public one.
    pub(super) fn address(&self) -> Result<String, Problem> {
        if let Some(path) = &self.including {
            let path = path.display();
            return Err(Problem::new(format!("`{path}` includes other files, and what they say is not read")));
        }
        let mut name = REPLACED;
        for _ in 0..MAX_REPLACEMENTS {
            if let Some(next) = self.text(&["source", name, "replace-with"])? {
                name = next;
                continue;
            }
            if FOLDERS.iter().any(|kind| self.value(&["source", name, kind]).is_some()) {
                return Err(Problem::new(format!("crates come from `{name}`, which is no registry that can be asked")));
            }
            let stated = self.text(&["source", name, "registry"])?.map(str::to_owned);
            let stated = stated.map_or_else(|| self.index(name), |stated| Ok(Some(stated)))?;
            return match stated {
                Some(stated) => sparse(&stated).map(str::to_owned),
                None if name == REPLACED => Ok(CRATES_IO_HTTP_INDEX.trim_start_matches(SPARSE).to_owned()),
                None => Err(Problem::new(format!("`{name}` replaces the registry, and nothing says where it is"))),
            };
        }
        Err(Problem::new("sources are replaced by each other"))
    }

    /// The token of the registry at this address. That of the public registry is for publishing, and is not looked for.
    pub(super) fn token(&self, url: &Url) -> Option<Credential> {
        let tables = self.layers.iter().filter_map(|(_, table)| table.get("registries")?.as_table());
        let mut names: Vec<&str> = tables.flat_map(Table::keys).map(String::as_str).collect();
        // A registry may be nowhere but in the environment, and is named where it replaces another one.
        let sources = self.layers.iter().filter_map(|(_, table)| table.get("source")?.as_table());
        names.extend(sources.flat_map(Table::values).filter_map(|source| source.get("replace-with")?.as_str()));
        let is_at = |name: &&str| {
            let index = self.index(name).ok().flatten();
            let upstream = index.and_then(|index| Upstream::at(sparse(&index).ok()?).ok());
            *name != REPLACED && upstream.is_some_and(|upstream| upstream.url == *url)
        };
        names.into_iter().filter(is_at).find_map(|name| self.of_registry(name, "token").ok().flatten()).map(|token| {
            // cargo adds no word before it.
            Credential::Plain(Secret::new(token))
        })
    }

    /// The file with certificate authorities. A path is seen from the folder that has the `.cargo` folder.
    pub(super) fn cafile(&self, folder: &str) -> Option<String> {
        let joined = |folder: &Path, path: &str| folder.join(path).to_string_lossy().into_owned();
        if let Some(path) = (self.env)("CARGO_HTTP_CAINFO") {
            return Some(joined(Path::new(folder), &path));
        }
        self.layers.iter().find_map(|(file, table)| {
            let path = table.get("http")?.get("cainfo")?.as_str()?;
            Some(joined(file.parent()?.parent()?, path))
        })
    }

    fn index(&self, registry: &str) -> Result<Option<String>, Problem> {
        self.of_registry(registry, "index")
    }

    fn of_registry(&self, registry: &str, key: &str) -> Result<Option<String>, Problem> {
        match (self.env)(&variable(registry, key)) {
            Some(value) => Ok(Some(value)),
            None => Ok(self.text(&["registries", registry, key])?.map(str::to_owned)),
        }
    }

    fn text(&self, path: &[&str]) -> Result<Option<&str>, Problem> {
        let Some(value) = self.value(path) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Problem::new(format!("`{}` is not text", path.join("."))))?;
        Ok(Some(text))
    }

    /// The value of the most specific file that has one.
    fn value(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let mut tables = self.layers.iter().map(|(_, table)| table);
        tables.find_map(|table| rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key)))
    }
}

fn is_configuration(path: &Path) -> bool {
    CONFIGURATIONS.iter().any(|name| path.ends_with(name))
}

/// The address of a registry's index over HTTP.
fn sparse(stated: &str) -> Result<&str, Problem> {
    let git = || {
        Problem::new(format!(
            "the index of `{}` is a git repository, which is not spoken",
            stockade_model::redacted(stated)
        ))
    };
    stated.strip_prefix(SPARSE).ok_or_else(git)
}
