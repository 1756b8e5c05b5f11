//! What is built of releases: a program, read at once and in parts, a jar and a wheel.

#![no_main]

use std::io::Cursor;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::built::{Contents, packed, program, program_in};

fuzz_target!(|data: &[u8]| {
    let whole = program(data);
    assert_eq!(told(&whole), told(&program_in(Cursor::new(data))), "a program is read alike in parts");
    let bytes = Bytes::copy_from_slice(data);
    for path in ["left-demo.jar", "left_demo-1.0.0-py3-none-any.whl"] {
        told(&packed(path, &bytes));
    }
});

/// What can be compared of it.
fn told(contents: &Contents) -> (Vec<(&'static str, usize)>, usize, usize) {
    let lists = contents.lists.iter().map(|list| {
        assert!(list.parsed.value.iter().all(|entry| !entry.release.package.name.as_str().is_empty()));
        (list.kind, list.parsed.value.len())
    });
    (lists.collect(), contents.nameless.len(), contents.gaps.len())
}
