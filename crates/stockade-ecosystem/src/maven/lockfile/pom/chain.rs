//! A project with its parents: what each inherits, and what its properties are.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::release;
use super::model::{Asked, Model};
use crate::Scope;
use crate::locked::Locked;

/// How often a property may name another one.
const MAX_REFERENCES: usize = 16;
/// The longest value of a property, with others put into it, in bytes.
const MAX_VALUE: usize = 4096;

/// A dependency as lists of versions know it: group, artifact, type and classifier.
pub(super) type Key = (String, String, String, String);

/// A project, its parent, and so on.
pub(super) struct Chain<'a> {
    pub(super) models: Vec<&'a Model>,
    /// True if there are more parents, which are not here.
    pub(super) is_open: bool,
}

/// What a list says of a dependency that says less itself.
pub(super) struct Listed {
    /// With a property that a profile may change, if there is one in it.
    fields: HashMap<&'static str, (String, Option<String>)>,
}

/// The lists that a project has and inherits, and those that it imports.
#[derive(Default)]
pub(super) struct Versions {
    pub(super) own: HashMap<Key, Listed>,
    /// In the order in which they count.
    pub(super) imported: Vec<Rc<Versions>>,
}

impl Versions {
    fn get(&self, key: &Key) -> Option<&Listed> {
        self.own.get(key).or_else(|| self.imported.iter().find_map(|imported| imported.get(key)))
    }
}

impl Listed {
    pub(super) fn of(asked: &Asked, chain: &Chain<'_>) -> Self {
        let field = |name| Some((name, chain.resolved_with(asked.field(name)?)));
        Self { fields: ["version", "scope", "optional"].into_iter().filter_map(field).collect() }
    }
}

impl Chain<'_> {
    /// What it is called: the group, the artifact and the version, with what it inherits of them.
    pub(super) fn names(&self) -> [String; 3] {
        ["groupId", "artifactId", "version"]
            .map(|name| self.own(name).map(|text| self.resolved(text)).unwrap_or_default())
    }

    fn own(&self, name: &str) -> Option<&str> {
        let project = self.models.first()?;
        let inherited = || project.parent.as_ref()?.names.get(name).filter(|_| name != "artifactId");
        project.own.get(name).or_else(inherited).map(String::as_str)
    }

    /// A property: of the project itself, or the nearest that one has of that name.
    fn property(&self, name: &str) -> Option<&str> {
        let bare = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom."));
        let of_project = bare.and_then(|bare| match bare.strip_prefix("parent.") {
            Some(bare) => self.models.first()?.parent.as_ref()?.names.get(bare).map(String::as_str),
            None => self.own(bare),
        });
        of_project.or_else(|| self.models.iter().find_map(|model| model.properties.get(name)).map(String::as_str))
    }

    /// A text with its properties put in, as far as they are known.
    pub(super) fn resolved(&self, text: &str) -> String {
        self.resolved_with(text).0
    }

    /// The same, and a property that went into it and that a profile has, too.
    fn resolved_with(&self, text: &str) -> (String, Option<String>) {
        let (mut text, mut doubt) = (text.trim().to_owned(), None);
        for _ in 0..MAX_REFERENCES {
            let Some((start, end)) = reference(&text) else { break };
            let name = &text[start + 2..end];
            if self.models.iter().any(|model| model.of_profiles.contains(name)) {
                doubt = Some(name.to_owned());
            }
            let Some(value) = self.property(name) else { break };
            text.replace_range(start..=end, value);
            if text.len() > MAX_VALUE {
                break;
            }
        }
        (text, doubt)
    }

    pub(super) fn key(&self, asked: &Asked) -> Key {
        let field = |name| asked.field(name).map(|text| self.resolved(text)).unwrap_or_default();
        let kind = Some(field("type")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "jar".to_owned());
        (field("groupId"), field("artifactId"), kind, field("classifier"))
    }

    /// Which release is meant, without its line; or why that is not known.
    pub(super) fn judge(&self, asked: &Asked, versions: &Versions) -> Result<Locked, String> {
        let key = self.key(asked);
        let listed = versions.get(&key);
        let field = |name| {
            let listed = || listed.and_then(|listed| listed.fields.get(name).cloned());
            asked.field(name).map(|text| self.resolved_with(text)).or_else(listed)
        };
        let (group, artifact) = (key.0.as_str(), key.1.as_str());
        let name = format!("{}:{}", group.escape_debug(), artifact.escape_debug());
        let Some((version, doubt)) = field("version") else {
            let from = if self.is_open || self.imports() {
                "a parent, or a list that is imported, has it"
            } else {
                "neither this file nor what it inherits has it"
            };
            return Err(format!("the version of `{name}` is not known: {from}"));
        };
        if let Some(property) = doubt {
            let property = property.escape_debug();
            return Err(format!("the version of `{name}` is in the property `{property}`, which a profile may change"));
        }
        if let Some((start, end)) = reference(&version) {
            let property = version[start + 2..end].escape_debug();
            return Err(format!("the version of `{name}` is in the property `{property}`, which is not here"));
        }
        // One version in brackets is that one and no other.
        let only = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|only| !only.contains(','));
        let version = only.unwrap_or(&version).trim();
        if version.contains(['[', ']', '(', ')', ',']) || matches!(version, "LATEST" | "RELEASE") {
            return Err(format!("`{name}` has no exact version: {}", version.escape_debug()));
        }
        let release = release(group, artifact, version).map_err(|error| error.to_string())?;
        let is_optional = field("optional").is_some_and(|(optional, _)| optional == "true");
        let scope = asked.scope.unwrap_or_else(|| match field("scope").as_ref().map(|(scope, _)| scope.as_str()) {
            Some("test") => Scope::Dev,
            Some("provided" | "system") => Scope::Build,
            _ if is_optional => Scope::Optional,
            _ => Scope::Run,
        });
        Ok(Locked { scope, direct: Some(true), ..Locked::new(release, 1) })
    }

    fn imports(&self) -> bool {
        self.models.iter().flat_map(|model| &model.managed).any(|managed| managed.is("scope", "import"))
    }
}

/// Where a property is named in a text: from its `$` to its `}`.
fn reference(text: &str) -> Option<(usize, usize)> {
    let start = text.find("${")?;
    Some((start, start + text[start..].find('}')?))
}
