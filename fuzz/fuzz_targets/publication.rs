//! A publication: method, path and content type, one a line, and then the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::{ALL, Request};

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    let (method, path, content_type) = (line(), line(), line());
    let body = bytes::Bytes::copy_from_slice(parts.next().unwrap_or_default());
    for ecosystem in ALL {
        let Some(hosting) = ecosystem.registry.and_then(|registry| registry.hosting()) else { continue };
        let request = Request { method, path, accept: "" };
        for change in hosting.changes(&request, content_type, &body).unwrap_or_default() {
            assert_eq!(change.package().ecosystem, ecosystem.id);
            assert!((ecosystem.name)(change.package().name.as_str()).is_ok());
        }
    }
});
