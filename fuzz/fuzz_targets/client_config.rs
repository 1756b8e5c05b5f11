//! What each client printed of its configuration, and a file of it, one after the other with a NUL between.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::{ALL, Client, Stated, Upstream};

fuzz_target!(|data: &str| {
    let mut printed: Vec<String> = data.split('\0').map(str::to_owned).collect();
    let file = printed.pop().unwrap_or_default();
    for client in ALL.iter().flat_map(|ecosystem| ecosystem.clients) {
        configured(client, &printed, &file);
    }
});

fn configured(client: &Client, printed: &[String], file: &str) {
    let _ = (client.files)(printed);
    let _ = (client.configured_in)(printed);
    let _ = (client.cache)(printed);
    let _ = (client.run_of)(file);
    let _ = (client.without_secrets)(file);
    let env = |name: &str| name.starts_with('A').then(|| "value".to_owned());
    // Some read only files that they would name.
    let names = (client.files)(printed).into_iter().chain(["file".to_owned()]);
    let files: Vec<_> = names.map(|name| (name, file.as_bytes().to_vec())).collect();
    if let Ok(config) = (client.read)(printed, &files, &env, &Stated::default()) {
        check(&config.default);
        config.scopes.values().for_each(check);
    }
    let scopes = ["@acme".to_owned()];
    let base = "http://127.0.0.1:1/m";
    let pointed = (client.point)(file, base, &scopes);
    assert_eq!((client.point)(&pointed, base, &scopes), pointed, "twice is once");
    assert_eq!((client.unpoint)(&pointed), (client.unpoint)(file), "undoing gives back every byte");
}

/// An upstream's address has a host, ends like a folder and carries no secret.
fn check(upstream: &Upstream) {
    let url = &upstream.url;
    assert!(url.host_str().is_some() && url.path().ends_with('/'));
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none());
}
