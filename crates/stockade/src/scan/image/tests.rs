#![expect(clippy::disallowed_methods, reason = "the tests write images")]

use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::json;
use tar::EntryType;

use super::super::see;
use super::*;

/// An entry: a name, and what it is.
type Entry<'a> = (&'a str, EntryType, &'a str);

fn file<'a>(name: &'a str, content: &'a str) -> Entry<'a> {
    (name, EntryType::Regular, content)
}

fn package(name: &str, version: &str) -> String {
    json!({"name": name, "version": version}).to_string()
}

fn archive<N: AsRef<str>>(entries: &[(N, EntryType, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(0);
        // What refuses names with `..` would refuse to write the test's.
        header.as_gnu_mut().unwrap().name[..name.as_ref().len()].copy_from_slice(name.as_ref().as_bytes());
        if kind.is_file() {
            header.set_size(content.len() as u64);
        } else if !content.is_empty() {
            header.set_link_name(String::from_utf8_lossy(content).as_ref()).unwrap();
        }
        header.set_cksum();
        builder.append(&header, if kind.is_file() { content.as_slice() } else { &[] }).unwrap();
    }
    builder.into_inner().unwrap()
}

fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    archive(
        &entries.iter().map(|(name, kind, content)| (*name, *kind, content.as_bytes().to_vec())).collect::<Vec<_>>(),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What is written like a hint, then the content in two frames, as writers do that let parts be fetched alone.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let (one, two) = bytes.split_at(bytes.len() / 2);
    let frame = |bytes: &[u8]| compress_to_vec(bytes, CompressionLevel::Fastest);
    [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &frame(one), &frame(two)].concat()
}

/// What `docker save` writes, of these layers.
fn saved(layers: &[Vec<u8>]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let names: Vec<String> = (0..layers.len()).map(|number| format!("{number}/layer.tar")).collect();
    let mut entries: Vec<(String, EntryType, Vec<u8>)> =
        names.iter().zip(layers).map(|(name, layer)| (name.clone(), EntryType::Regular, layer.clone())).collect();
    let manifest = json!([{"Config": "config.json", "RepoTags": ["demo:1"], "Layers": names}]);
    entries.push((MANIFEST.to_owned(), EntryType::Regular, manifest.to_string().into_bytes()));
    std::fs::write(&path, archive(&entries)).unwrap();
    (folder, path)
}

/// The releases with their places in the image, what was not looked at, and what was left out.
fn told(path: &Path) -> (Vec<String>, Vec<String>, Vec<String>) {
    let seen = see(&[path.to_path_buf()]).unwrap();
    let parent = path.parent().unwrap().display().to_string();
    let short = |text: &str| text.replace(&parent, "").trim_start_matches('/').to_owned();
    let of_file = |found: &super::super::Found| {
        let place = short(&found.path.display().to_string());
        found.locked.iter().map(|locked| format!("{place} {}", locked.release)).collect::<Vec<_>>()
    };
    let mut releases: Vec<String> = seen.found.iter().flat_map(of_file).collect();
    releases.sort();
    let words = |lines: &[String]| lines.iter().map(|line| short(line)).collect();
    (releases, words(&seen.unseen), words(&seen.left_out))
}

#[test]
fn what_a_later_layer_deletes_or_replaces_is_not_in_the_image() {
    let (one, two, three, four, five) = (
        package("one", "1.0.0"),
        package("two", "1.0.0"),
        package("three", "1.0.0"),
        package("four", "1.0.0"),
        package("five", "1.0.0"),
    );
    let newer = package("two", "2.0.0");
    let lower = layer(&[
        file("app/node_modules/one/package.json", &one),
        file("app/node_modules/two/package.json", &two),
        file("./app/node_modules/three/package.json", &three),
        file("opt/node_modules/four/package.json", &four),
        file("srv/node_modules/five/package.json", &five),
        file("var/lib/dpkg/status", "Package: demo\n"),
    ]);
    let upper = layer(&[
        file("app/node_modules/.wh.one", ""),
        file("app/node_modules/two/package.json", &newer),
        file("opt/.wh..wh..opq", ""),
        file("opt/node_modules/one/package.json", &one),
        ("srv", EntryType::Symlink, "app"),
    ]);
    let (_folder, path) = saved(&[lower.clone(), gzip(&upper)]);
    let expected = [
        "image.tar!/app/node_modules/three/package.json three@1.0.0",
        "image.tar!/app/node_modules/two/package.json two@2.0.0",
        "image.tar!/opt/node_modules/one/package.json one@1.0.0",
    ];
    let left_out = ["image.tar: packages of the operating system (`dpkg`) are not read"];
    let (releases, unseen, told_left_out) = told(&path);
    assert_eq!(
        (&releases[..], &unseen[..], &told_left_out[..]),
        (&expected.map(str::to_owned)[..], &[][..], &left_out.map(str::to_owned)[..])
    );
    let (_folder, path) = saved(&[zstd(&lower), zstd(&upper)]);
    assert_eq!(told(&path).0, expected);
}

#[test]
fn links_of_folders_and_hard_links_are_followed_inside() {
    let (one, two) = (package("one", "1.0.0"), package("two", "2.0.0"));
    let lower = layer(&[
        ("lib", EntryType::Symlink, "usr/lib"),
        ("loop", EntryType::Symlink, "loop"),
        file("usr/lib/node_modules/one/package.json", &one),
        ("usr/lib/node_modules/copy/package.json", EntryType::Link, "usr/lib/node_modules/one/package.json"),
    ]);
    let upper = layer(&[
        file("lib/node_modules/one/package.json", &two),
        file("loop/node_modules/one/package.json", &one),
        file("../escape/node_modules/one/package.json", &one),
    ]);
    let (_folder, path) = saved(&[lower, upper]);
    let (releases, unseen, _) = told(&path);
    let expected = [
        "image.tar!/usr/lib/node_modules/one/package.json one@1.0.0",
        "image.tar!/usr/lib/node_modules/one/package.json two@2.0.0",
    ];
    assert_eq!(releases, expected, "the copy keeps what it was linked to");
    assert_eq!(unseen.len(), 2, "{unseen:?}");
}

#[test]
fn a_layout_is_read_as_a_folder_for_each_platform() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("layout");
    std::fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(root.join("blobs/sha256").join(name), bytes).unwrap();
        format!("sha256:{name}")
    };
    std::fs::write(root.join(LAYOUT), "{}").unwrap();
    let (one, two) = (package("one", "1.0.0"), package("two", "2.0.0"));
    let manifest = |name: &str, entry: Entry<'_>| {
        let digest = put(&format!("{name}1"), &gzip(&layer(&[entry])));
        let layer = json!({"digest": digest, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"});
        put(name, json!({"layers": [layer]}).to_string().as_bytes())
    };
    let platform = |architecture: &str| json!({"os": "linux", "architecture": architecture});
    let manifests = json!({"manifests": [
        {"digest": manifest("a", file("node_modules/one/package.json", &one)), "platform": platform("amd64")},
        {"digest": manifest("b", file("node_modules/two/package.json", &two)), "platform": platform("arm64")},
        {"digest": "sha256:missing", "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ]});
    std::fs::write(root.join(INDEX), manifests.to_string()).unwrap();
    let (releases, unseen, _) = told(&root);
    let expected = [
        "layout[linux/amd64]!/node_modules/one/package.json one@1.0.0",
        "layout[linux/arm64]!/node_modules/two/package.json two@2.0.0",
    ];
    assert_eq!((releases, unseen), (expected.map(str::to_owned).to_vec(), Vec::new()));
    for digest in ["sha256:../../escape", "sha256:missing", "md5"] {
        std::fs::write(root.join(INDEX), json!({"manifests": [{"digest": digest}]}).to_string()).unwrap();
        assert_eq!(told(&root).1.len(), 1, "{digest}");
    }
}

#[test]
fn what_cannot_be_read_of_an_image_is_said() {
    let one = package("one", "1.0.0");
    let whole = layer(&[file("node_modules/one/package.json", &one), file("node_modules/two/package.json", &one)]);
    let cut = &gzip(&whole)[..100];
    for broken in [cut.to_vec(), whole[..600].to_vec(), b"\x28\xb5\x2f\xfdbroken".to_vec()] {
        let (_folder, path) = saved(&[broken]);
        assert_eq!(told(&path).1.len(), 1);
    }
    let (folder, _) = saved(&[]);
    let other = folder.path().join("other.tar");
    std::fs::write(&other, layer(&[file("readme", "no image")])).unwrap();
    assert_eq!(told(&other).1, ["other.tar: it is no image: it has neither `manifest.json` nor `index.json`"]);
    std::fs::write(&other, "no archive").unwrap();
    assert_eq!(told(&other).1.len(), 1);
}
