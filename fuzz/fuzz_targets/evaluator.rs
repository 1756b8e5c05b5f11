//! One text as every language: lowered, run in parts, linked, judged, and compared with itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::{look, package};
use stockade_inspect::{Rules, assess};

fuzz_target!(|data: &str| {
    for path in ["index.js", "demo/__init__.py", "build.rs", "install.sh", "install.ps1"] {
        let tree = package(path, data.as_bytes());
        let first = look(&tree, &[]);
        let again = look(&tree, &[&first]);
        assert!(first == again, "what was known is what is found");
        let difference = assess(&again, &[&first], &[], Rules::builtin()).difference.unwrap_or_default();
        assert!(difference.gained.is_empty() && difference.lost.is_empty(), "nothing is new in the same");
    }
});
