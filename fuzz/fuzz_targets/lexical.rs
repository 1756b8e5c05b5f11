//! A source that cannot be parsed: names and strings in it are still looked up, and the gap stays.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;

/// What ends no program, whatever stands before it.
const BROKEN: &[u8] = b"\n)]}([{";

fuzz_target!(|data: &[u8]| {
    let content = [data, BROKEN].concat();
    for path in ["index.js", "setup.py", "build.rs"] {
        let inspection = look_at(path, &content);
        assert!(!inspection.files[0].facts.gaps.is_empty() || inspection.files[0].facts.language.is_none(), "{path}");
    }
});
