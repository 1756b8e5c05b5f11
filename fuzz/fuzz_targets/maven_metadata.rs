//! The metadata of a package in a Maven repository: read, steered in any way, and read again.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::{Standing, Steering, Variant};
use stockade_model::Package;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((seed, document)) = data.split_first() else { return Corpus::Reject };
    let registry = MAVEN.registry.unwrap();
    let package = Package { ecosystem: MAVEN.id.clone(), name: (MAVEN.name)("a:b").unwrap() };
    let Ok(index) = registry.index(&package, document) else { return Corpus::Keep };
    // Two bits of the seed for each release, over and over.
    let standing = |at: usize| match seed.rotate_right(u32::try_from(at % 4).unwrap() * 2) & 3 {
        0 => Standing::Held,
        1 => Standing::Removed,
        _ => Standing::Cleared,
    };
    let standings: Vec<Standing> = (0..index.releases.len()).map(standing).collect();
    let steering =
        Steering { standings: &standings, message: "held", base: "http://127.0.0.1:1/m", variant: Variant::Full };
    let rope = registry.render(&index, &steering);
    let bytes = rope.flatten(document);
    assert_eq!(rope.len(), bytes.len() as u64);
    let again = registry.index(&package, &bytes).unwrap();
    let cleared = index.releases.iter().zip(&standings);
    let cleared = cleared.filter(|(listed, standing)| listed.is_usable() && **standing == Standing::Cleared);
    assert!(again.releases.iter().map(|listed| &listed.version).eq(cleared.map(|(listed, _)| &listed.version)));
    assert!(again.tags.iter().all(|(_, version)| again.get(version).is_some()));
    let _ = registry.published_by(&index);
    for listed in &index.releases {
        let file = registry.artifact_file(&index.release(listed));
        if let Some(found) = registry.file(&index, &file) {
            assert_eq!(found.version, listed.version);
        }
    }
    Corpus::Keep
});
