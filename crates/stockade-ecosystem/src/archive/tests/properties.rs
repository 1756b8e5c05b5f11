//! Whatever the bytes: no panic, no path outside, no path twice.

use std::collections::HashSet;

use proptest::prelude::*;

use super::build::{Item, gz, tar, zip};
use super::*;

fn holds(tree: &Tree) {
    let mut seen = HashSet::new();
    for member in &tree.members {
        let path = member.path.as_str();
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        assert!(plain && !path.contains(['\\', '\0']), "{path:?} leads somewhere");
        assert!(seen.insert(path), "{path:?} is there twice");
    }
}

fn opened(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    for root in [Root::First, Root::Common, Root::Nothing] {
        holds(&unpack(&bytes, root));
    }
    holds(&open_any("a.whl", bytes.clone()));
    for format in FORMATS {
        for extension in format.extensions {
            holds(&open(format.ecosystem.as_str(), &format!("a{extension}"), bytes.clone()));
        }
    }
}

/// Flips bytes of an archive, and cuts it.
fn damaged(archive: &[u8], damage: &[(usize, u8)], length: usize) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for (at, byte) in damage {
        let at = at % archive.len();
        archive[at] = *byte;
    }
    archive.truncate(length);
    archive
}

fn manifests() -> impl Strategy<Value = (&'static str, String)> {
    let names = prop::sample::select(vec![
        "package.json",
        "binding.gyp",
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "PKG-INFO",
        "a.dist-info/RECORD",
        "a.dist-info/METADATA",
        "a.dist-info/entry_points.txt",
        "a.pth",
        "Cargo.toml",
        "META-INF/MANIFEST.MF",
        "META-INF/maven/plugin.xml",
        "META-INF/services/x",
        "a.pom",
        ".vscode/tasks.json",
        ".github/workflows/a.yml",
    ]);
    (names, "[-\\[\\]{}()<>!@\"'\\\\a-c:=,./*# \n\t|é\u{0}]{0,80}")
}

proptest! {
    #[test]
    fn anything_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        opened(&bytes);
    }

    #[test]
    fn damaged_archives_are_survived(
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        length in 0_usize..4000,
    ) {
        let tar = tar(&[("p/package.json", b'0', "", b"{}"), ("p/b", b'2', "a", b""), ("g", b'x', "", b"9 size=1\n")]);
        opened(&damaged(&tar, &damage, length));
        opened(&gz(&damaged(&tar, &damage, length)));
        let wide = Item { wide: true, ..Item::new("a", b"1") };
        let zip = zip(&[wide, Item { deflate: true, ..Item::new("b/c", b"22222") }]);
        opened(&damaged(&zip, &damage, length));
    }

    #[test]
    fn any_manifest_is_survived(files in prop::collection::vec(manifests(), 0..6)) {
        let file = |(name, text): &(&str, String)| ((*name).to_owned(), Bytes::from(text.clone()), false);
        holds(&of_directory(files.iter().map(file).collect()));
        for format in FORMATS {
            let items: Vec<Item<'_>> = files.iter().map(|(name, text)| Item::new(name, text.as_bytes())).collect();
            holds(&open(format.ecosystem.as_str(), "a.zip", zip(&items).into()));
        }
    }
}
