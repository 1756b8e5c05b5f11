//! What a bill of materials has to say at least: the lists of NTIA and CISA.
//!
//! NTIA's *Minimum Elements* of 2021 name seven fields. CISA's draft of August 2025 adds the hash, the licence, the tool
//! and the context of generation, and calls the supplier a producer; what became of the draft is not known here. A
//! document that its schema allows may lack all of them.

use std::fmt;

use serde::Serialize;

use crate::{Bom, Component, Coverage, Node};

/// Which list of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// NTIA, 12 July 2021.
    Ntia2021,
    /// CISA, draft of 22 August 2025.
    Cisa2025,
}

/// An element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// Who makes or supplies the part.
    Supplier,
    /// Its name.
    Name,
    /// Its version.
    Version,
    /// An identifier that is the same everywhere: a package URL.
    Identifier,
    /// What it needs, or that this is not known.
    Dependencies,
    /// Who answers for the list.
    Author,
    /// When the list was made.
    Timestamp,
    /// A digest of the part.
    Hash,
    /// Its licence.
    Licence,
    /// What made the list.
    Tool,
    /// What was looked at.
    Context,
}

impl Element {
    const OF_PARTS: [Self; 7] =
        [Self::Supplier, Self::Name, Self::Version, Self::Identifier, Self::Dependencies, Self::Hash, Self::Licence];
    const OF_LISTS: [Self; 4] = [Self::Author, Self::Timestamp, Self::Tool, Self::Context];

    /// The word for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supplier => "supplier",
            Self::Name => "name",
            Self::Version => "version",
            Self::Identifier => "identifier",
            Self::Dependencies => "dependencies",
            Self::Author => "author",
            Self::Timestamp => "timestamp",
            Self::Hash => "hash",
            Self::Licence => "licence",
            Self::Tool => "tool",
            Self::Context => "generation context",
        }
    }

    const fn is_asked_by(self, standard: Standard) -> bool {
        let is_new = matches!(self, Self::Hash | Self::Licence | Self::Tool | Self::Context);
        !is_new || matches!(standard, Standard::Cisa2025)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An element that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Missing {
    /// Which one.
    pub element: Element,
    /// Of which part; `None` for the list itself.
    pub of: Option<Node>,
}

/// What is missing in a list: first of itself, then of each part.
///
/// Dependencies that are known to be incomplete are not missing: both lists ask to say so.
pub fn missing(bom: &Bom, standard: Standard) -> Vec<Missing> {
    let of_list = Element::OF_LISTS.into_iter().filter(|element| !list_has(bom, *element));
    let of_list = of_list.map(|element| Missing { element, of: None });
    let has_edge = has_edge(bom);
    let of_parts = bom.nodes().zip(has_edge).flat_map(|((node, component), has_edge)| {
        let missing = Element::OF_PARTS.into_iter().filter(move |element| !part_has(component, *element, has_edge));
        missing.map(move |element| Missing { element, of: Some(node) })
    });
    of_list.chain(of_parts).filter(|missing| missing.element.is_asked_by(standard)).collect()
}

/// For each part, in the order of [`Bom::nodes`], whether it is known to need something.
fn has_edge(bom: &Bom) -> Vec<bool> {
    let mut known = vec![false; bom.components.len() + 1];
    for edge in &bom.edges {
        let at = match edge.from {
            Node::Subject => 0,
            Node::Component(at) => at.saturating_add(1),
        };
        if let Some(known) = known.get_mut(at) {
            *known = true;
        }
    }
    known
}

fn list_has(bom: &Bom, element: Element) -> bool {
    match element {
        Element::Author => !bom.authors.is_empty(),
        Element::Timestamp => bom.created.is_some(),
        Element::Tool => !bom.tools.is_empty(),
        _ => bom.context.is_some(),
    }
}

fn part_has(component: &Component, element: Element, has_edge: bool) -> bool {
    match element {
        Element::Supplier => component.supplier.is_some(),
        Element::Name => !component.name.is_empty(),
        Element::Version => component.version.is_some(),
        Element::Identifier => component.purl.is_some(),
        Element::Dependencies => has_edge || component.dependencies != Coverage::Unknown,
        Element::Hash => !component.hashes.is_empty(),
        _ => !component.licences.is_empty(),
    }
}
