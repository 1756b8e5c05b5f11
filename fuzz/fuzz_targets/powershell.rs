//! A script of PowerShell.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::look_at;

fuzz_target!(|data: &[u8]| {
    look_at("install.ps1", data);
});
