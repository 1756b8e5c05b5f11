//! What anybody with a token may send: whatever it is, it is read or refused, and what it says is about what it names.

use bytes::Bytes;
use proptest::prelude::*;
use stockade_ecosystem::{ALL, Change, Hosted, HostedFile, Publication, Request};
use stockade_model::Digest;

/// Requests that change something, of each protocol, with what may be sent with them.
const REQUESTS: [(&str, &str, &str); 10] = [
    ("PUT", "/left", "application/json"),
    ("PUT", "/@acme%2fleft/-rev/1", "application/json"),
    ("DELETE", "/left/-/left-1.0.0.tgz/-rev/1", ""),
    ("PUT", "/-/package/left/dist-tags/beta", "application/json"),
    ("POST", "/legacy/", "multipart/form-data; boundary=b"),
    ("PUT", "/api/v1/crates/new", ""),
    ("DELETE", "/api/v1/crates/left/1.0.0/yank", ""),
    ("PUT", "/org/acme/left/1.0/left-1.0.pom", ""),
    ("PUT", "/org/acme/left/1.0/left-1.0.jar.sha1", ""),
    ("PUT", "/org/acme/left/maven-metadata.xml", ""),
];
/// Pieces of bodies.
const PIECES: [&str; 20] = [
    "{\"name\":\"left\",",
    "\"versions\":{\"1.0.0\":{\"name\":\"left\",\"version\":\"1.0.0\"}},",
    "\"_attachments\":{\"left-1.0.0.tgz\":{\"data\":\"H4sIAAAAAAAA\"}},",
    "\"dist-tags\":{\"latest\":\"1.0.0\"}}",
    "{}",
    "\"1.0.0\"",
    "[[[[",
    "--b\r\n",
    "Content-Disposition: form-data; name=\"content\"; filename=\"left-1.0.tar.gz\"\r\n\r\n",
    "Content-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n",
    "--b--\r\n",
    "\u{2}\0\0\0{}",
    "\u{ff}\0\0\0",
    "<project><artifactId>left</artifactId>",
    "<!DOCTYPE x [<!ENTITY a \"b\">]>",
    "<version>1.0</version></project>",
    "0123456789abcdef0123456789abcdef01234567",
    "  left.jar\n",
    "\u{1f}\u{8b}\u{8}\0",
    "PK\u{3}\u{4}",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(&PIECES[..]).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_or_refused(at in 0..REQUESTS.len(), body in body()) {
        let (method, path, content_type) = REQUESTS[at];
        let body = Bytes::from(body);
        for ecosystem in ALL {
            let Some(hosting) = ecosystem.registry.and_then(stockade_ecosystem::Registry::hosting) else { continue };
            let Ok(changes) = hosting.changes(&Request { method, path, accept: "" }, content_type, &body) else { continue };
            for change in &changes {
                let package = change.package();
                prop_assert_eq!(&package.ecosystem, &ecosystem.id);
                prop_assert!((ecosystem.name)(package.name.as_str()).is_ok(), "{package:?}");
                if let Change::Publish(Publication { release, bytes, entry, .. }) = change {
                    // What is published can be listed: nobody publishes what breaks the index of its package.
                    let file = HostedFile {
                        release: release.clone(),
                        digests: vec![Digest::of(bytes)],
                        size: 1,
                        at: jiff::Timestamp::UNIX_EPOCH,
                        by: "alice".to_owned(),
                        entry: entry.clone(),
                        discouraged: None,
                    };
                    let hosted = Hosted { revision: "1".to_owned(), files: vec![file], tags: Vec::new() };
                    let document = hosting.index(package, &hosted);
                    prop_assert!(ecosystem.registry.unwrap().index(package, &document).is_ok());
                }
            }
        }
    }
}
