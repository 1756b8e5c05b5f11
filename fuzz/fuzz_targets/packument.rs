//! A registry's index of a package: read, steered in any way, and written as JSON that a client accepts.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::{Corpus, fuzz_target};
use serde::Deserialize;
use serde::de::IgnoredAny;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{Standing, Steering, Variant};
use stockade_model::Package;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((seed, document)) = data.split_first() else { return Corpus::Reject };
    let registry = NPM.registry.unwrap();
    let package = Package { ecosystem: NPM.id.clone(), name: (NPM.name)("a").unwrap() };
    let Ok(index) = registry.index(&package, document) else { return Corpus::Keep };
    // Two bits of the seed for each release, over and over.
    let standing = |at: usize| match seed.rotate_right(u32::try_from(at % 4).unwrap() * 2) & 3 {
        0 => Standing::Held,
        1 => Standing::Removed,
        _ => Standing::Cleared,
    };
    let standings: Vec<Standing> = (0..index.releases.len()).map(standing).collect();
    for variant in [Variant::Full, Variant::Abbreviated] {
        let steering = Steering { standings: &standings, message: "held", base: "http://127.0.0.1:1/m", variant };
        let rope = registry.render(&index, &steering);
        let bytes = rope.flatten(document);
        assert_eq!(rope.len(), bytes.len() as u64);
        check(&serde_json::from_slice(&bytes).unwrap());
        for listed in &index.releases {
            let _ = index.published(listed);
            let _ = index.by_file(&listed.version, |listed| registry.artifact_file(&index.release(listed)));
            let _ = registry.render_manifest(&index, &steering, &listed.version);
        }
        let _: BTreeMap<String, String> =
            serde_json::from_slice(&registry.render_tags(&index, &steering).unwrap()).unwrap();
    }
    Corpus::Keep
});

/// What clients look at. Numbers beyond any type are passed on as they are, so the rest is not read here.
#[derive(Deserialize)]
struct Rendered {
    #[serde(rename = "dist-tags")]
    tags: BTreeMap<String, String>,
    versions: BTreeMap<String, IgnoredAny>,
}

/// A tag names what is listed.
fn check(rendered: &Rendered) {
    assert!(rendered.tags.values().all(|version| rendered.versions.contains_key(version)));
}
