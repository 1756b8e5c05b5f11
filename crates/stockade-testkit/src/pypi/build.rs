//! Wheels and source distributions, built in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use serde_json::json;
use sha2::Digest as _;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::package::{archive, gzip};

/// Names the backend beside it, which needs nothing.
pub(super) const PROJECT: &str = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";
const WHEEL: &str = "Wheel-Version: 1.0\nGenerator: stockade-testkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

/// The name as files and modules have it: `left_demo`.
pub(super) fn module(name: &str) -> String {
    super::normal(name).replace('-', "_")
}

/// A wheel: the files, and beside them what it is and which digest each of them has.
pub(super) fn wheel(name: &str, version: &str, metadata: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let info = format!("{}-{version}.dist-info", module(name));
    let mut all: Vec<(String, &[u8])> = files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
    all.push((format!("{info}/METADATA"), metadata));
    all.push((format!("{info}/WHEEL"), WHEEL.as_bytes()));
    let mut record = String::new();
    for (path, bytes) in &all {
        let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(bytes));
        let _ = writeln!(record, "{path},sha256={digest},{}", bytes.len());
    }
    let _ = writeln!(record, "{info}/RECORD,,");
    all.push((format!("{info}/RECORD"), record.as_bytes()));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in all {
        writer.start_file(path, SimpleFileOptions::default()).expect("a file can be added to an archive in memory");
        writer.write_all(bytes).expect("an archive in memory can be written");
    }
    writer.finish().expect("an archive in memory can be ended").into_inner()
}

/// A source distribution: a gzipped tar with everything below `NAME-VERSION/`.
pub(super) fn sdist(name: &str, version: &str, metadata: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut all = vec![("PKG-INFO", metadata.to_vec())];
    all.extend(files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())));
    gzip(&archive(&format!("{}-{version}", module(name)), &all))
}

/// A backend that packs the package's folder as a wheel.
pub(super) fn backend(name: &str, version: &str) -> String {
    let (module, version) = (json!(module(name)), json!(version));
    format!(
        r#"import os, zipfile

MODULE, VERSION = {module}, {version}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    info = f"{{MODULE}}-{{VERSION}}.dist-info"
    file = f"{{MODULE}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, file), "w") as archive:
        paths = [os.path.join(MODULE, name) for name in sorted(os.listdir(MODULE))]
        for path in paths:
            archive.write(path)
        archive.write("PKG-INFO", f"{{info}}/METADATA")
        archive.writestr(f"{{info}}/WHEEL", {wheel})
        names = paths + [f"{{info}}/METADATA", f"{{info}}/WHEEL", f"{{info}}/RECORD"]
        archive.writestr(f"{{info}}/RECORD", "".join(f"{{name}},,\n" for name in names))
    return file


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError
"#,
        wheel = json!(WHEEL)
    )
}
