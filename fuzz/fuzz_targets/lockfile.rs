//! A lockfile, as every reader of one and of a manifest, and what is installed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_ecosystem::{ALL, Locked, Parsed, known};

/// Paths by which installed releases are found.
const PATHS: [&str; 7] = [
    "node_modules/left/package.json",
    "node_modules/.package-lock.json",
    "left-1.0.dist-info/METADATA",
    "META-INF/maven/a/b/pom.properties",
    "vendor/modules.txt",
    "specifications/left-1.0.gemspec",
    "vendor/composer/installed.json",
];

fuzz_target!(|data: &[u8]| {
    for ecosystem in known() {
        let manifests = ecosystem.manifests.iter().map(|manifest| &manifest.file);
        for lockfile in ecosystem.lockfiles.iter().copied().chain(manifests) {
            check(&(lockfile.parse)(data));
        }
        if let Some(linked) = ecosystem.linked {
            let (one, other) = data.split_at(data.len() / 2);
            (linked.leads)(data);
            (linked.parse)(&[("pom.xml", one), ("a/pom.xml", other), ("b", data)]).iter().for_each(check);
        }
        if let Some(installed) = ecosystem.installed {
            (installed.files)(data);
            PATHS.iter().filter(|path| (installed.matches)(path)).for_each(|path| check(&(installed.parse)(path, data)));
        }
    }
});

fn check(parsed: &Parsed<Vec<Locked>>) {
    for entry in &parsed.value {
        let ecosystem = known().find(|ecosystem| ecosystem.id == entry.release.package.ecosystem).unwrap();
        assert!((ecosystem.name)(entry.release.package.name.as_str()).is_ok());
        // Elsewhere a branch is a version, too, without a place in the order.
        let is_guarded = ALL.iter().any(|guarded| guarded.id == ecosystem.id);
        assert!(!is_guarded || (ecosystem.version)(&entry.release.version).is_ok());
        assert!(entry.line >= 1);
        assert!(entry.needs.iter().all(|at| usize::try_from(*at).is_ok_and(|at| at < parsed.value.len())));
    }
}
