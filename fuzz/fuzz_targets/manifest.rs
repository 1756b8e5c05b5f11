//! A file of a package: its path in the first line, then its content.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use stockade_model::Code;

fuzz_target!(|data: &str| {
    let (path, content) = data.split_once('\n').unwrap_or((data, ""));
    let file = (path.to_owned(), Bytes::copy_from_slice(content.as_bytes()), false);
    let tree = stockade_ecosystem::of_directory(vec![file]);
    for start in &tree.starts {
        if let Code::File(path) = &start.code {
            assert!(tree.get(path).is_some(), "code starts in a file that is not there");
        }
    }
});
