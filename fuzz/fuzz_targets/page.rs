//! A project page: read, steered in any way, and written as JSON and as HTML that a client accepts.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::{Corpus, fuzz_target};
use serde::Deserialize;
use stockade_ecosystem::pypi::PYPI;
use stockade_ecosystem::{Described, Request, Route, Standing, Steering, Variant};
use stockade_model::Package;

const BASE: &str = "http://127.0.0.1:1/m";

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((seed, document)) = data.split_first() else { return Corpus::Reject };
    let registry = PYPI.registry.unwrap();
    let package = Package { ecosystem: PYPI.id.clone(), name: (PYPI.name)("a").unwrap() };
    let Ok(index) = registry.index(&package, document) else { return Corpus::Keep };
    // Two bits of the seed for each file, over and over.
    let standing = |at: usize| match seed.rotate_right(u32::try_from(at % 4).unwrap() * 2) & 3 {
        0 => Standing::Held,
        1 => Standing::Removed,
        _ => Standing::Cleared,
    };
    let standings: Vec<Standing> = (0..index.releases.len()).map(standing).collect();
    let write = |variant| {
        let steering = Steering { standings: &standings, message: "held", base: BASE, variant };
        let rope = registry.render(&index, &steering);
        let bytes = rope.flatten(document);
        assert_eq!(rope.len(), bytes.len() as u64);
        bytes
    };
    let page: Page = serde_json::from_slice(&write(Variant::Full)).unwrap();
    for file in &page.files {
        let path = file.url.strip_prefix(BASE).unwrap();
        let route = registry.route(&Request { method: "GET", path, accept: "" });
        assert_eq!(route, Route::Artifact { package: package.clone(), file: file.filename.clone() });
        assert!(registry.file(&index, &file.filename).is_some());
    }
    let release = package.release("1");
    let whole = write(Variant::Full);
    let described = Described { release: &release, whole: true, index: &index, index_document: &whole, theirs: None, advice: &[], base: BASE };
    if let Ok(older) = (registry.summary().unwrap().render)(&described) {
        let older: Older = serde_json::from_slice(&older).unwrap();
        assert_eq!(older.releases.values().map(Vec::len).sum::<usize>(), page.files.len());
    }
    let html = String::from_utf8(write(Variant::Html)).unwrap();
    assert!(html.is_ascii());
    assert_eq!(html.matches("<a href=\"").count(), page.files.len());
    for listed in &index.releases {
        let _ = (index.published(listed), index.before(listed), index.position_of(&index.release(listed)));
    }
    Corpus::Keep
});

/// What clients look at. Numbers beyond any type are passed on as they are, so the rest is not read here.
#[derive(Deserialize)]
struct Page {
    files: Vec<File>,
}

/// The same in the older interface. It reads numbers, and so does not take every page.
#[derive(Deserialize)]
struct Older {
    releases: BTreeMap<String, Vec<File>>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    url: String,
}
