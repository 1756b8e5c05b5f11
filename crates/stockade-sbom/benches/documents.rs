//! How fast a list of the size of a usual project is written and read: a thousand parts, four thousand edges.

use divan::{Bencher, black_box};
use stockade_model::Digest;
use stockade_sbom::{Bom, Component, Coverage, Edge, Evidence, Kind, Licence, Node, Target, read, validate, write};

const PARTS: usize = 1000;
/// How many parts each part needs.
const NEEDS: usize = 4;

fn main() {
    divan::main();
}

#[divan::bench(args = Target::ALL)]
fn writing(bencher: Bencher, target: Target) {
    let bom = bom();
    bencher.bench_local(|| write(black_box(&bom), target));
}

#[divan::bench(args = Target::ALL)]
fn reading(bencher: Bencher, target: Target) {
    let document = write(&bom(), target);
    bencher.bench_local(|| read(black_box(&document)));
}

#[divan::bench(args = Target::ALL)]
fn validating(bencher: Bencher, target: Target) {
    let document = write(&bom(), target);
    bencher.bench_local(|| validate(black_box(&document)));
}

fn bom() -> Bom {
    let mut bom = Bom::new(Component::new(Kind::Application, "demo"));
    for at in 0..PARTS {
        let mut part = Component::new(Kind::Library, format!("part-{at}"));
        part.version = Some(format!("1.{at}.0"));
        part.purl = format!("pkg:npm/part-{at}@1.{at}.0").parse().ok();
        part.hashes = vec![Digest::of(part.name.as_bytes())];
        part.licences = vec![Licence::read(if at % 3 == 0 { "MIT" } else { "MIT OR Apache-2.0" })];
        part.download = Some(format!("https://registry.example/part-{at}/-/part-{at}-1.{at}.0.tgz"));
        part.evidence = vec![Evidence { file: "package-lock.json".to_owned(), line: 1 }];
        part.dependencies = Coverage::Complete;
        bom.add(part);
        let needs = (1..=NEEDS).map(|step| (at * 7 + step * 131) % PARTS);
        bom.edges.extend(needs.map(|to| Edge { from: Node::Component(at), to: Node::Component(to) }));
    }
    bom
}
