//! A server of files, as feeds of advisories are served: at fixed addresses, with a tag that changes with the bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Write as _};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zip::write::SimpleFileOptions;

use crate::http::Response;
use crate::packument::etag;
use crate::server::{Server, not_found};

type Files = BTreeMap<String, Vec<u8>>;

/// A server of files on a loopback port.
pub struct FileServer {
    files: Arc<Mutex<Files>>,
    server: Server,
}

impl fmt::Debug for FileServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileServer").field(&self.server).finish()
    }
}

impl Deref for FileServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl FileServer {
    /// Starts a server without files.
    pub fn start() -> Self {
        let files: Arc<Mutex<Files>> = Arc::default();
        let served = Arc::clone(&files);
        let server = Server::start("/", move |request| match locked(&served).get(&request.path) {
            Some(bytes) => Response::new(200, "application/octet-stream", bytes.clone()).header("etag", etag(bytes)),
            None => not_found(),
        });
        Self { files, server }
    }

    /// Serves these bytes at a path, such as `/all.zip`.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        locked(&self.files).insert(path.to_owned(), bytes.into());
    }
}

fn locked(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A zip of these files.
pub fn zip_of(files: &[(String, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).expect("a file can be begun in memory");
        zip.write_all(text.as_bytes()).expect("a file can be written in memory");
    }
    zip.finish().expect("a zip can be finished in memory").into_inner()
}
