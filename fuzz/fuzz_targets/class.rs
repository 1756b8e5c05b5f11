//! A class file of the Java virtual machine. What every one begins with is put before.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;

const MAGIC: &[u8] = b"\xca\xfe\xba\xbe";

fuzz_target!(|data: &[u8]| {
    let rest = data.strip_prefix(MAGIC).unwrap_or(data);
    look_at("Demo.class", &[MAGIC, rest].concat());
});
