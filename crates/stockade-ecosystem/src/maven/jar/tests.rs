use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::*;
use crate::built::packed;

/// A zip archive of these files, which are deflated if it is shorter.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        let deflated = encoder.finish().unwrap();
        let (method, data) = if deflated.len() < content.len() { (8_u16, &deflated[..]) } else { (0, *content) };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut head = vec![20, 0, 0, 0];
        head.extend(method.to_le_bytes());
        head.extend([0; 4]);
        for number in [crc.sum(), u32::try_from(data.len()).unwrap(), u32::try_from(content.len()).unwrap()] {
            head.extend(number.to_le_bytes());
        }
        head.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        head.extend([0; 2]);
        let offset = u32::try_from(bytes.len()).unwrap();
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&head);
        bytes.extend(name.as_bytes());
        bytes.extend(data);
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn properties(artifact: &str) -> (String, Vec<u8>) {
    let path = format!("META-INF/maven/example.demo/{artifact}/pom.properties");
    (path, format!("version=1.0\ngroupId=example.demo\nartifactId={artifact}\n").into_bytes())
}

fn jar(artifacts: &[&str]) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> = artifacts.iter().map(|artifact| properties(artifact)).collect();
    let mut all: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    all.push(("demo/A.class", b"\xca\xfe\xba\xbe"));
    zip(&all)
}

/// Places, kinds and releases; what has no name; and gaps.
fn told(name: &str, bytes: Vec<u8>) -> (Vec<String>, Vec<String>, Vec<String>) {
    let contents = packed(name, &bytes.into());
    let line = |list: &List| format!("{} {} {}", list.place, list.kind, list.parsed.value[0].release);
    let mut lines: Vec<String> = contents.lists.iter().map(line).collect();
    lines.sort();
    (lines, contents.nameless, contents.gaps.into_iter().map(|gap| gap.detail).collect())
}

#[test]
fn a_jar_names_itself_and_what_was_shaded_into_it() {
    let (lines, nameless, gaps) = told("demo.jar", jar(&["left", "right"]));
    assert_eq!(
        lines,
        [
            "META-INF/maven/example.demo/left/pom.properties jar example.demo/left@1.0",
            "META-INF/maven/example.demo/right/pom.properties jar example.demo/right@1.0",
        ]
    );
    assert_eq!((nameless.len(), gaps.len()), (0, 0), "{gaps:?}");
}

#[test]
fn jars_in_jars_are_looked_into() {
    let inner = zip(&[("BOOT-INF/lib/left-1.0.jar", &jar(&["left"])), ("A.class", b"a")]);
    let (lines, nameless, gaps) = told("demo.war", zip(&[("WEB-INF/lib/inner.jar", &inner), ("readme", b"a")]));
    let place = "WEB-INF/lib/inner.jar!/BOOT-INF/lib/left-1.0.jar";
    assert_eq!(lines, [format!("{place}!/META-INF/maven/example.demo/left/pom.properties jar example.demo/left@1.0")]);
    assert_eq!(nameless, ["", "WEB-INF/lib/inner.jar"]);
    assert_eq!(gaps, [""; 0]);
}

#[test]
fn what_holds_only_jars_is_not_asked_for_a_name() {
    let (lines, nameless, _) = told("demo.ear", zip(&[("META-INF/MANIFEST.MF", b"\n"), ("left.jar", &jar(&["left"]))]));
    assert_eq!((lines.len(), nameless.len()), (1, 0));
}

#[test]
fn a_manifest_allows_a_guess() {
    let guess = |manifest: &str, file: &str| super::guess(manifest.as_bytes(), file).map(|release| release.to_string());
    let bundle = "Manifest-Version: 1.0\r\nBundle-SymbolicName: example.demo.le\r\n ft;singleton:=true\r\nBundle-Version: 2.0.0\r\n";
    assert_eq!(guess(bundle, "lib/left-2.0.jar").as_deref(), Some("example.demo/left@2.0"));
    assert_eq!(guess(bundle, "other.jar").as_deref(), Some("example.demo.left/other@2.0.0"));
    let vendor = "Implementation-Vendor-Id: example.vendor\nImplementation-Version: 3\n";
    assert_eq!(guess(vendor, "left.jar").as_deref(), Some("example.vendor/left@3"));
    assert_eq!(guess("Implementation-Title: Left\nImplementation-Version: 3\n", "left-3.jar"), None);
    assert_eq!(guess("Name: a/\n\nBundle-SymbolicName: a.b\n", "left-3.jar"), None);
    let (lines, nameless, _) =
        told("left-2.0.jar", zip(&[("META-INF/MANIFEST.MF", bundle.as_bytes()), ("A.class", b"a")]));
    assert_eq!((lines, nameless.len()), (vec![format!("META-INF/MANIFEST.MF {GUESS} example.demo/left@2.0")], 0));
    assert_eq!(told("gradle-wrapper.jar", zip(&[("A.class", b"a")])), (vec![], vec![String::new()], vec![]));
}

#[test]
fn bombs_and_nests_are_gaps() {
    let zeros = vec![0; 80 << 20];
    let (lines, _, gaps) = told("bomb.jar", zip(&[("META-INF/maven/a/b/pom.properties", &zeros)]));
    assert_eq!((lines.len(), gaps.len()), (0, 1), "{gaps:?}");
    let mut nest = jar(&["left"]);
    for _ in 0..6 {
        nest = zip(&[("inner.jar", &nest)]);
    }
    let (lines, _, gaps) = told("nest.jar", nest);
    assert_eq!((lines.len(), gaps.len()), (0, 1), "{gaps:?}");
    assert_eq!(told("none.jar", b"no archive".to_vec()).2.len(), 1);
}
