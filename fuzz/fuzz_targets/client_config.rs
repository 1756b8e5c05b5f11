//! What a client printed of its configuration, and a file with its credentials, one after the other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{Stated, Upstream};

fuzz_target!(|data: &str| {
    let (printed, file) = data.split_once('\n').unwrap_or((data, ""));
    let client = NPM.clients[0];
    let _ = (client.files)(printed);
    let _ = (client.configured_in)(printed);
    let _ = (client.run_of)(data);
    let env = |name: &str| name.starts_with('A').then(|| "value".to_owned());
    if let Ok(config) = (client.read)(printed, &[file.to_owned()], &env, &Stated::default()) {
        check(&config.default);
        config.scopes.values().for_each(check);
    }
    let scopes = ["@acme".to_owned()];
    let base = "http://127.0.0.1:1/m";
    let pointed = (client.point)(file, base, &scopes);
    assert_eq!((client.point)(&pointed, base, &scopes), pointed, "twice is once");
});

/// An upstream's address has a host, ends like a folder and carries no secret.
fn check(upstream: &Upstream) {
    let url = &upstream.url;
    assert!(url.host_str().is_some() && url.path().ends_with('/'));
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none());
}
