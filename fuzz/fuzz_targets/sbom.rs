//! Bills of materials.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_sbom::{Standard, Target, missing, read, write};

fuzz_target!(|data: &[u8]| {
    let first = read(data);
    let Some(bom) = first.bom else {
        assert!(!first.problems.is_empty(), "nothing is read without a reason");
        return;
    };
    let _ = missing(&bom, Standard::Cisa2025);
    // A list without names is not what a document may say, so it cannot come back without a problem.
    let is_named = bom.nodes().all(|(_, component)| !component.name.is_empty());
    for target in Target::ALL {
        let document = write(&bom, target);
        assert_eq!(document, write(&bom, target), "equal lists make equal bytes");
        let again = read(&document);
        assert!(!is_named || again.bom.as_ref() == Some(&bom), "a list survives {target:?}");
    }
});
