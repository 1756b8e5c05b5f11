//! JavaScript and TypeScript, with and without elements.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;

fuzz_target!(|data: &[u8]| {
    for path in ["index.js", "index.tsx"] {
        look_at(path, data);
    }
});
