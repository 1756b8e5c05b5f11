//! What holds for all formats.

mod documents;
mod hostile;
mod properties;
mod schemas;

use stockade_model::{Algorithm, Digest};

use crate::{Bom, Component, Context, Coverage, Edge, Evidence, Kind, Licence, Node, Scope, Tool};

/// A small list in which everything is said.
fn full() -> Bom {
    let mut subject = Component::new(Kind::Application, "demo");
    subject.version = Some("0.1.0".to_owned());
    subject.dependencies = Coverage::Complete;
    let mut left = Component::new(Kind::Library, "@acme/left");
    left.version = Some("1.1.0".to_owned());
    left.purl = Some("pkg:npm/%40acme/left@1.1.0?repository_url=https://registry.example".parse().unwrap());
    left.hashes = vec![Digest::of(b"left"), Digest::new(Algorithm::Sha512, &[7; 64]).unwrap()];
    left.licences = vec![Licence::read("MIT OR Apache-2.0"), Licence::read("see LICENSE.md")];
    left.supplier = Some("Acme (sales@acme.example)".to_owned());
    left.download = Some("https://registry.example/@acme/left/-/left-1.1.0.tgz".to_owned());
    left.scope = Some(Scope::Required);
    left.evidence = vec![Evidence { file: "package-lock.json".to_owned(), line: 12 }];
    left.dependencies = Coverage::Incomplete;
    left.gaps = vec!["its manifest could not be read".to_owned()];
    let mut right = Component::new(Kind::Library, "right");
    right.download = Some("../right".to_owned());
    right.licences = vec![Licence::read("ISC")];
    right.dependencies = Coverage::Complete;
    let mut bom = Bom::new(subject);
    let (left, right) = (bom.add(left), bom.add(right));
    bom.edges = vec![Edge { from: Node::Subject, to: left }, Edge { from: left, to: right }];
    bom.created = Some("2026-11-29T11:00:00Z".parse().unwrap());
    bom.authors = vec!["Demo Works".to_owned()];
    bom.tools = vec![Tool { name: "stockade".to_owned(), version: Some("0.1.0".to_owned()) }];
    bom.context = Some(Context::Source);
    bom.gaps = vec!["`vendor/` was not looked at".to_owned()];
    bom
}
