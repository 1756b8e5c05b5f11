//! An index file of a crate: read, steered in any way, and written as lines that cargo reads.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde::Deserialize;
use stockade_ecosystem::cargo::CARGO;
use stockade_ecosystem::{Standing, Steering, Variant};
use stockade_model::Package;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((seed, document)) = data.split_first() else { return Corpus::Reject };
    let registry = CARGO.registry.unwrap();
    let package = Package { ecosystem: CARGO.id.clone(), name: (CARGO.name)("a").unwrap() };
    let Ok(index) = registry.index(&package, document) else { return Corpus::Keep };
    // Two bits of the seed for each release, over and over.
    let standing = |at: usize| match seed.rotate_right(u32::try_from(at % 4).unwrap() * 2) & 3 {
        0 => Standing::Held,
        1 => Standing::Removed,
        _ => Standing::Cleared,
    };
    let standings: Vec<Standing> = (0..index.releases.len()).map(standing).collect();
    let base = "http://127.0.0.1:1/m";
    let steering = Steering { standings: &standings, message: "held", base, variant: Variant::Full };
    let rope = registry.render(&index, &steering);
    let bytes = rope.flatten(document);
    assert_eq!(rope.len(), bytes.len() as u64);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let listed = index.releases.iter().zip(&standings);
    let listed: Vec<_> =
        listed.filter(|(listed, standing)| listed.is_usable() && **standing != Standing::Removed).collect();
    assert_eq!(lines.len(), listed.len());
    for (line, (listed, standing)) in lines.iter().zip(listed) {
        // A reader that takes each member once, as cargo does.
        let line: Line = serde_json::from_slice(line).unwrap();
        assert_eq!(line.vers, listed.version);
        assert!(line.name.eq_ignore_ascii_case("a"));
        assert!(*standing == Standing::Cleared || line.yanked == Some(true));
        let release = index.release(listed);
        let found = registry.file(&index, &registry.artifact_file(&release)).unwrap();
        assert_eq!(found.version, listed.version);
        let located = registry.locate(br#"{"dl":"http://a.example/{prefix}"}"#, &release, &listed.artifact).unwrap();
        assert_eq!(located, "http://a.example/1");
    }
    Corpus::Keep
});

/// What cargo looks at.
#[derive(Deserialize)]
struct Line {
    name: String,
    vers: String,
    yanked: Option<bool>,
}
