//! A script of a shell, and the command of a hook.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_fuzz::{look, package};
use stockade_model::Code;

fuzz_target!(|data: &str| {
    let mut tree = package("install.sh", data.as_bytes());
    let hook = tree.starts.first().cloned();
    tree.starts.extend(hook.map(|mut hook| {
        hook.code = Code::Shell(data.to_owned());
        hook
    }));
    look(&tree, &[]);
});
