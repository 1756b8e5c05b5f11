//! A bill of materials as we mean it, whatever the format: what a thing is made of, which part needs which, and what
//! nobody looked at.
//!
//! Parts are named by their place in the list, so an edge that leads nowhere and two parts with one name cannot be
//! written down. What a part is called in a document is made when the document is ([`crate::write`]).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use stockade_model::{Digest, MalformedPurl, Purl};

use crate::address::address;
use crate::licence::{Licence, says_nothing};

/// The last second that has a year of four digits, as the formats ask.
const LAST_SECOND: i64 = 253_402_300_799;

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bom {
    /// What it is a list of.
    pub subject: Component,
    /// The parts, without the subject.
    pub components: Vec<Component>,
    /// Which needs which.
    pub edges: Vec<Edge>,
    /// When the list was made. To the second: SPDX knows no part of one.
    pub created: Option<Timestamp>,
    /// Who answers for the list: names of organisations or people.
    pub authors: Vec<String>,
    /// What made the list.
    pub tools: Vec<Tool>,
    /// What was looked at to make it.
    pub context: Option<Context>,
    /// What could not be looked at, in sentences, of the whole. A part has its own.
    pub gaps: Vec<String>,
}

/// A part, or the subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Component {
    /// The package URL, which identifies it.
    pub purl: Option<PackageUrl>,
    /// The name, with its namespace before a `/` where it has one.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Digests of its artifact.
    pub hashes: Vec<Digest>,
    /// Licences that it declares. All of them apply.
    pub licences: Vec<Licence>,
    /// Who made or supplies it.
    pub supplier: Option<String>,
    /// Where its artifact comes from.
    pub download: Option<String>,
    /// Whether the subject needs it to run.
    pub scope: Option<Scope>,
    /// Where it was seen.
    pub evidence: Vec<Evidence>,
    /// Whether all that it needs is known.
    pub dependencies: Coverage,
    /// What could not be looked at.
    pub gaps: Vec<String>,
}

impl Component {
    /// A part of which nothing but the name is known.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            purl: None,
            name: name.into(),
            version: None,
            kind,
            hashes: Vec::new(),
            licences: Vec::new(),
            supplier: None,
            download: None,
            scope: None,
            evidence: Vec::new(),
            dependencies: Coverage::Unknown,
            gaps: Vec::new(),
        }
    }
}

/// A package URL as it was written, qualifiers included: of which registry a package is stands in one of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PackageUrl(String);

impl PackageUrl {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageUrl {
    type Err = MalformedPurl;

    fn from_str(text: &str) -> Result<Self, MalformedPurl> {
        let malformed = |why| MalformedPurl { text: text.chars().take(200).collect(), why };
        let is_address = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
        text.parse::<Purl>()?;
        let fine = text.bytes().all(is_address).then(|| Self(text.to_owned()));
        fine.ok_or_else(|| malformed("a character in it has to be encoded"))
    }
}

impl From<&Purl> for PackageUrl {
    fn from(purl: &Purl) -> Self {
        Self(purl.to_string())
    }
}

impl fmt::Display for PackageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a part is, as far as all formats can say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program.
    Application,
    /// A library with a frame for programs.
    Framework,
    /// A package that others use; also what is not known better.
    Library,
    /// An image.
    Container,
    /// An operating system.
    OperatingSystem,
    /// Hardware.
    Device,
    /// Software of a device.
    Firmware,
    /// One file.
    File,
}

/// Whether the subject needs a part to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// It does.
    Required,
    /// It uses it if it is there.
    Optional,
    /// Only those who build or test it do.
    Excluded,
}

impl Scope {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::Excluded];

    /// `required`, `optional`, `excluded`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Excluded => "excluded",
        }
    }
}

/// Where a part was seen. The order is that of the text: `package-lock.json:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Evidence {
    /// The path of a file.
    pub file: String,
    /// The line there, from 1; 0 if the file as a whole says so.
    pub line: u32,
}

/// Whether all that a part needs is among the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// All of it: no edge means that it needs nothing.
    Complete,
    /// There is more.
    Incomplete,
    /// Nobody says.
    Unknown,
}

/// What was looked at: the types of CISA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// A plan.
    Design,
    /// Sources, lockfiles and manifests.
    Source,
    /// A build while it ran.
    Build,
    /// A finished artifact.
    Analyzed,
    /// What is installed on a system.
    Deployed,
    /// What runs.
    Runtime,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Design, Self::Source, Self::Build, Self::Analyzed, Self::Deployed, Self::Runtime];

    /// `design`, `source`, `build`, `analyzed`, `deployed`, `runtime`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Source => "source",
            Self::Build => "build",
            Self::Analyzed => "analyzed",
            Self::Deployed => "deployed",
            Self::Runtime => "runtime",
        }
    }
}

/// A program that made the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

/// The subject or one of the parts, by its place in [`Bom::components`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// The subject.
    Subject,
    /// A part.
    Component(usize),
}

/// One needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Edge {
    /// What needs.
    pub from: Node,
    /// What is needed.
    pub to: Node,
}

impl Bom {
    /// A list without parts.
    pub fn new(subject: Component) -> Self {
        Self {
            subject,
            components: Vec::new(),
            edges: Vec::new(),
            created: None,
            authors: Vec::new(),
            tools: Vec::new(),
            context: None,
            gaps: Vec::new(),
        }
    }

    /// Adds a part and says where it is.
    pub fn add(&mut self, component: Component) -> Node {
        self.components.push(component);
        Node::Component(self.components.len() - 1)
    }

    /// Makes a part the subject, in place of the one that was.
    pub(crate) fn promote(&mut self, part: usize) {
        let place = |node| match node {
            Node::Component(at) if at == part => Node::Subject,
            Node::Component(at) if at > part => Node::Component(at - 1),
            other => other,
        };
        self.subject = self.components.remove(part);
        for edge in &mut self.edges {
            *edge = Edge { from: place(edge.from), to: place(edge.to) };
        }
    }

    /// What is at a place; `None` for a place of another list.
    pub fn get(&self, node: Node) -> Option<&Component> {
        match node {
            Node::Subject => Some(&self.subject),
            Node::Component(at) => self.components.get(at),
        }
    }

    /// The subject and then all parts.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, &Component)> {
        let parts = self.components.iter().enumerate().map(|(at, component)| (Node::Component(at), component));
        std::iter::once((Node::Subject, &self.subject)).chain(parts)
    }

    /// The same list in the one form that is written: lists in order and nothing twice, equal parts once with the edges
    /// of all of them, no space around texts, each licence by itself. Edges to places that are not there are gone.
    #[must_use]
    pub fn normal(&self) -> Self {
        let mut licences = Licences::new();
        let mut places: BTreeMap<Component, Vec<usize>> = BTreeMap::new();
        for (at, component) in self.components.iter().enumerate() {
            places.entry(normal_component(component, &mut licences)).or_default().push(at);
        }
        let mut moved = vec![0; self.components.len()];
        for (to, from) in places.values().enumerate() {
            for &at in from {
                moved[at] = to;
            }
        }
        let place = |node| match node {
            Node::Subject => Some(Node::Subject),
            Node::Component(at) => moved.get(at).copied().map(Node::Component),
        };
        let edge = |edge: &Edge| Some(Edge { from: place(edge.from)?, to: place(edge.to)? });
        let second = |created: Timestamp| Timestamp::from_second(created.as_second()).ok();
        Self {
            subject: normal_component(&self.subject, &mut licences),
            components: places.into_keys().collect(),
            edges: ordered(self.edges.iter().filter_map(edge).collect()),
            created: self.created.and_then(second).filter(|at| (1..=LAST_SECOND).contains(&at.as_second())),
            authors: ordered(self.authors.iter().filter_map(|author| said(author)).collect()),
            tools: ordered(self.tools.iter().filter_map(normal_tool).collect()),
            context: self.context,
            gaps: ordered(texts(&self.gaps)),
        }
    }
}

/// What licences are, by their text: a thousand parts have a dozen, and finding out takes long.
type Licences<'a> = HashMap<&'a str, Vec<Licence>>;

fn normal_component<'a>(component: &'a Component, licences: &mut Licences<'a>) -> Component {
    let evidence = |evidence: &Evidence| {
        let file = text(&evidence.file)?;
        Some(Evidence { file, line: evidence.line })
    };
    let parts = component
        .licences
        .iter()
        .flat_map(|licence| licences.entry(licence.text()).or_insert_with(|| licence.normal()).clone());
    Component {
        purl: component.purl.clone(),
        name: component.name.trim().to_owned(),
        version: component.version.as_deref().and_then(said),
        kind: component.kind,
        hashes: ordered(component.hashes.clone()),
        licences: ordered(parts.collect()),
        supplier: component.supplier.as_deref().and_then(said),
        download: component.download.as_deref().and_then(said).as_deref().and_then(address),
        scope: component.scope,
        evidence: ordered(component.evidence.iter().filter_map(evidence).collect()),
        dependencies: component.dependencies,
        gaps: ordered(texts(&component.gaps)),
    }
}

fn normal_tool(tool: &Tool) -> Option<Tool> {
    Some(Tool { name: said(&tool.name)?, version: tool.version.as_deref().and_then(said) })
}

fn texts(lines: &[String]) -> Vec<String> {
    lines.iter().filter_map(|line| text(line)).collect()
}

fn text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text, unless it is what SPDX says where nobody says anything.
fn said(said: &str) -> Option<String> {
    text(said).filter(|text| !says_nothing(text))
}

fn ordered<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}
