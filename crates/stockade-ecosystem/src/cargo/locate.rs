//! Where an upstream has its files: `config.json` of its index.

use serde::Deserialize;
use stockade_model::{Algorithm, Malformed, Release};
use url::Url;

use super::entry::spelling;
use super::name::prefix;
use crate::Artifact;

/// The longest `config.json` in bytes; it has three members.
const MAX_BYTES: usize = 64 * 1024;

/// The members that are read. What is there twice makes it none, as for cargo.
#[derive(Deserialize)]
struct Configuration {
    dl: String,
}

/// The address of a release's file: a template, or, without anything to fill in, what lies in front of the usual path.
pub(super) fn locate(document: &[u8], release: &Release, file: &Artifact) -> Result<String, Malformed> {
    // The address may hold a credential, so the release is what is shown.
    let malformed = |why| Malformed::new("a release with an address", &release.version, why);
    if document.len() > MAX_BYTES {
        return Err(malformed("the registry's `config.json` is longer than 64 KiB"));
    }
    let Configuration { dl } = serde_json::from_slice(document)
        .map_err(|_| malformed("the registry's `config.json` does not say where files are"))?;
    let name = spelling(file);
    let digests = file.integrity.iter().flat_map(stockade_model::Integrity::deciding);
    let checksum = digests.into_iter().find(|digest| digest.algorithm() == Algorithm::Sha256);
    let markers = [
        ("{crate}", name.to_owned()),
        ("{version}", release.version.clone()),
        ("{prefix}", prefix(name)),
        ("{lowerprefix}", prefix(release.package.name.as_str())),
        ("{sha256-checksum}", checksum.map(stockade_model::Digest::hex).unwrap_or_default()),
    ];
    let address = if markers.iter().any(|(marker, _)| dl.contains(marker)) {
        markers.iter().fold(dl, |address, (marker, value)| address.replace(marker, value))
    } else {
        format!("{}/{}", dl, file.url)
    };
    let url = Url::parse(&address).map_err(|_| malformed("`dl` in the registry's `config.json` is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(malformed("`dl` in the registry's `config.json` is no address of the web"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("`dl` in the registry's `config.json` has a credential in it"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::{entry, package};

    const CKSUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn located(document: &str, name: &str, version: &str) -> Result<String, Malformed> {
        let package = package(name).unwrap();
        let line = format!("{{\"name\":\"{name}\",\"vers\":\"{version}\",\"cksum\":\"{CKSUM}\"}}");
        let index = entry::read(&package, line.as_bytes()).unwrap();
        locate(document.as_bytes(), &package.release(version), &index.releases[0].artifact)
    }

    #[test]
    fn a_template_is_filled_in() {
        let at = |dl: &str| located(&format!("{{\"dl\":\"{dl}\",\"api\":\"x\"}}"), "LeftDemo", "1.0.0+b").unwrap();
        for (dl, address) in [
            ("https://files.example/crates", "https://files.example/crates/LeftDemo/1.0.0+b/download"),
            ("https://files.example/{crate}-{version}.crate", "https://files.example/LeftDemo-1.0.0+b.crate"),
            ("https://files.example/{prefix}/{crate}", "https://files.example/Le/ft/LeftDemo"),
            ("https://files.example/{lowerprefix}/{version}", "https://files.example/le/ft/1.0.0+b"),
            ("https://files.example/{crates}", "https://files.example/{crates}/LeftDemo/1.0.0+b/download"),
        ] {
            assert_eq!(at(dl), address);
        }
        assert_eq!(at("http://files.example/{sha256-checksum}"), format!("http://files.example/{CKSUM}"));
    }

    #[test]
    fn what_says_no_address_is_an_error_that_shows_none() {
        for document in [
            "",
            "{}",
            "[]",
            "{\"dl\":1}",
            "{\"dl\":\"https://a.example\",\"dl\":\"https://b.example\"}",
            "{\"dl\":\"crates\"}",
            "{\"dl\":\"file:///{crate}\"}",
            "{\"dl\":\"https://user:hush@\"}",
            "{\"dl\":\"https://user:hush@files.example\"}",
            "{\"dl\":\"https://{crate}@files.example/\"}",
            "{\"dl\":\"https://{crate}:hush/\"}",
        ] {
            let error = located(document, "left", "1.0.0").unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
        assert!(
            located(&format!("{{\"dl\":\"https://a.example/{}\"}}", "x".repeat(MAX_BYTES)), "left", "1.0.0").is_err()
        );
    }
}
