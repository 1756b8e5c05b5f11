//! What one `pom.xml` says, as it is written.

use std::collections::{HashMap, HashSet};

use super::super::elements::{Element, walk};
use crate::Scope;
use crate::locked::Out;

/// Where a parent is if nothing is said of it.
const PARENT: &str = "../pom.xml";
/// Plugins of Maven itself need no group.
const PLUGINS: &str = "org.apache.maven.plugins";

/// Where dependencies are, what they are for, and whether they are only versions for others.
const PLACES: [(&str, Option<Scope>, bool); 6] = [
    ("project/dependencies/dependency", None, false),
    ("project/dependencyManagement/dependencies/dependency", None, true),
    ("project/build/plugins/plugin", Some(Scope::Build), false),
    ("project/build/pluginManagement/plugins/plugin", Some(Scope::Build), true),
    ("project/build/plugins/plugin/dependencies/dependency", Some(Scope::Build), false),
    ("project/build/extensions/extension", Some(Scope::Build), false),
];

/// What is read of each.
const FIELDS: [&str; 8] = ["groupId", "artifactId", "version", "scope", "optional", "type", "classifier", "inherited"];

/// What one file says.
#[derive(Default)]
pub(super) struct Model {
    pub(super) parent: Option<Parent>,
    /// The names that it has itself.
    pub(super) own: HashMap<&'static str, String>,
    pub(super) properties: HashMap<String, String>,
    /// The properties that a profile has, too.
    pub(super) of_profiles: HashSet<String>,
    /// The other projects of its build: their folders or files, relative to its own folder.
    pub(super) modules: Vec<String>,
    pub(super) asked: Vec<Asked>,
    pub(super) managed: Vec<Asked>,
}

/// The project that it takes from what it does not say itself.
#[derive(Default, Clone)]
pub(super) struct Parent {
    pub(super) names: HashMap<&'static str, String>,
    /// Where it may be; `None` if it is said to be nowhere.
    pub(super) path: Option<String>,
    pub(super) line: u32,
}

impl Parent {
    /// What it is called: group, artifact and version.
    pub(super) fn written(&self) -> Option<[String; 3]> {
        let [group, artifact, version] = ["groupId", "artifactId", "version"].map(|name| self.names.get(name));
        Some([group?.clone(), artifact?.clone(), version?.clone()])
    }
}

/// A dependency or a plugin, as it is written.
#[derive(Default, Clone)]
pub(super) struct Asked {
    fields: HashMap<&'static str, String>,
    /// What it is for; `None` if it says so itself.
    pub(super) scope: Option<Scope>,
    pub(super) line: u32,
}

impl Asked {
    /// What is said of it. Nothing is written as an empty element by some.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn is(&self, name: &str, text: &str) -> bool {
        self.field(name) == Some(text)
    }
}

impl Model {
    pub(super) fn read(text: &str, out: &mut Out) -> Self {
        let mut model = Self::default();
        let mut now: HashMap<&str, Asked> = HashMap::new();
        let mut has_project = false;
        walk(text, out, |element, out| {
            has_project |= element.path == "project";
            model.name(element);
            if element.path.starts_with("project/profiles/") && element.path.ends_with("/dependency") {
                out.problem(element.line, "a profile asks for it, and whether it is in effect is not known");
            }
            for (place, scope, is_managed) in PLACES {
                if element.path == place {
                    let found = now.remove(place).unwrap_or_else(|| begun(element));
                    model.add(Asked { scope, ..found }, is_managed);
                } else if let Some(field) = field_of(element, place) {
                    let now = now.entry(place).or_insert_with(|| begun(element));
                    now.fields.insert(field, element.text.to_owned());
                }
            }
        });
        if !has_project {
            out.problem_of_all("it has no `project` that ends, so it is no description of a project, or breaks off");
        }
        model
    }

    fn add(&mut self, mut found: Asked, is_managed: bool) {
        if found.scope == Some(Scope::Build) && found.field("groupId").is_none() {
            found.fields.insert("groupId", PLUGINS.to_owned());
        }
        if is_managed { &mut self.managed } else { &mut self.asked }.push(found);
    }

    /// Takes what the project says of itself.
    fn name(&mut self, element: &Element<'_>) {
        let text = || element.text.to_owned();
        let Some(path) = element.path.strip_prefix("project/") else { return };
        let known = |name: &str| FIELDS[..3].iter().find(|known| **known == name);
        if path == "parent" {
            let parent = self.parent.get_or_insert_default();
            parent.line = element.line;
        } else if path == "parent/relativePath" {
            self.parent_now().path = Some(text()).filter(|path| !path.is_empty());
        } else if let Some(name) = path.strip_prefix("parent/").and_then(known) {
            self.parent_now().names.insert(name, text());
        } else if let Some(name) = known(path) {
            self.own.insert(name, text());
        } else if let Some(name) = path.strip_prefix("properties/") {
            self.properties.insert(name.to_owned(), text());
        } else if let Some(name) = path.strip_prefix("profiles/profile/properties/") {
            self.of_profiles.insert(name.to_owned());
        } else if path == "modules/module" || path == "profiles/profile/modules/module" {
            self.modules.push(text());
        }
    }

    fn parent_now(&mut self) -> &mut Parent {
        self.parent.get_or_insert_with(|| Parent { path: Some(PARENT.to_owned()), ..Parent::default() })
    }
}

fn begun(element: &Element<'_>) -> Asked {
    Asked { line: element.line, ..Asked::default() }
}

fn field_of(element: &Element<'_>, place: &str) -> Option<&'static str> {
    let field = element.path.strip_prefix(place)?.strip_prefix('/')?;
    FIELDS.into_iter().find(|known| *known == field)
}
