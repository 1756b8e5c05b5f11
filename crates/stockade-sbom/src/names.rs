//! What parts and documents are called on paper: the same in every run, and changed by nothing but the part itself.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sha1::{Digest as _, Sha1};
use stockade_model::Digest;

use crate::licence::REFERENCE;
use crate::{Bom, Component, Node};

/// The space of names that ours are in (RFC 9562 asks for one, which is chance and then for ever).
const NAMESPACE: [u8; 16] =
    [0x5b, 0x1d, 0x0c, 0x6e, 0x83, 0x2f, 0x4a, 0x77, 0x9e, 0x41, 0xd0, 0x38, 0x6a, 0xf5, 0x12, 0xc9];
/// How much of a name is repeated in an identifier, for who reads it, in bytes.
const READABLE: usize = 48;
/// How many hexadecimal digits make an identifier unique among half a million.
const DIGITS: usize = 16;

/// The UUID of a list: version 5, of everything in it.
pub(crate) fn uuid(content: &impl Serialize) -> String {
    let content = serde_json::to_vec(content).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha1::new().chain_update(NAMESPACE).chain_update(content).finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The references of all parts: the package URL if there is one, made unique where several have it.
pub(crate) struct References {
    subject: String,
    components: Vec<String>,
}

impl References {
    pub(crate) fn of(bom: &Bom) -> Self {
        let mut taken = HashSet::new();
        let mut counts = HashMap::new();
        let mut unique = |component: &Component| {
            let name = reference(component);
            let mut text = name.clone();
            while !taken.insert(text.clone()) {
                let count = counts.entry(name.clone()).or_insert(1_usize);
                *count += 1;
                text = format!("{name}#{count}");
            }
            text
        };
        let subject = unique(&bom.subject);
        Self { subject, components: bom.components.iter().map(unique).collect() }
    }

    /// The reference of a part.
    pub(crate) fn get(&self, node: Node) -> &str {
        match node {
            Node::Subject => &self.subject,
            // A list in normal form has no other places.
            Node::Component(at) => self.components.get(at).map_or("", String::as_str),
        }
    }

    /// The same as identifiers with letters, digits, `.` and `-`, as SPDX asks.
    pub(crate) fn identifiers(&self) -> Self {
        Self {
            subject: identifier(&self.subject),
            components: self.components.iter().map(|text| identifier(text)).collect(),
        }
    }
}

fn reference(component: &Component) -> String {
    match (&component.purl, &component.version) {
        (Some(purl), _) => purl.to_string(),
        (None, Some(version)) => format!("{}@{version}", component.name),
        // An empty reference is none.
        (None, None) => format!("{}@", component.name),
    }
}

/// An identifier for a text.
pub(crate) fn identifier(text: &str) -> String {
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let readable: String = text.chars().take(READABLE).map(allowed).collect();
    format!("{}-{}", readable.trim_matches('-'), digits(text)).trim_start_matches('-').to_owned()
}

/// The reference to a licence that is only a name.
pub(crate) fn licence_reference(name: &str) -> String {
    format!("{REFERENCE}{}", identifier(name))
}

fn digits(text: &str) -> String {
    let mut hex = Digest::of(text.as_bytes()).hex();
    hex.truncate(DIGITS);
    hex
}
