//! Lockfiles of npm, as npm's own library reads them: which releases there are, what each is for, whether the project asks
//! for it, and what it needs.

#![expect(clippy::disallowed_methods, reason = "npm's own library reads what is in files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{Locked, Scope};
use stockade_testkit::Npm;

/// Prints a line for each release: its name and version, scope, `direct` or `indirect`, digests, needs. A folder of the
/// project is none, and a need that leads to one is none either.
const SCRIPT: &str = "
const [library, folder] = process.argv.slice(1)
const Arborist = require(library)
const named = (node) => `${node.packageName}@${node.version}`
const isOwn = (node) => node.isProjectRoot || node.isLink || !node.location.includes('node_modules/')
new Arborist({ path: folder }).loadVirtual().then((tree) => {
  const nodes = [tree, ...tree.inventory.values()]
  const direct = new Set()
  for (const node of nodes.filter((node) => isOwn(node) && !node.isLink)) {
    for (const edge of node.edgesOut.values()) if (edge.to) direct.add(edge.to)
  }
  for (const node of nodes) {
    if (isOwn(node)) continue
    const scope = node.dev ? 'Dev' : node.optional || node.devOptional ? 'Optional' : 'Run'
    const edges = [...node.edgesOut.values()].map((edge) => edge.to).filter((to) => to && !isOwn(to))
    const needs = [...new Set(edges)].map(named).sort()
    const asked = direct.has(node) ? 'direct' : 'indirect'
    console.log(`${named(node)} ${scope} ${asked} ${node.integrity || ''} [${needs.join(', ')}]`)
  }
})
";

#[test]
fn npms_own_library_reads_the_same() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let library = npm.library("@npmcli/arborist");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/npm/testdata/lockfiles");
    for sample in ["npm-10-v2.json", "npm-10-v3.json", "npm-6.json"] {
        let text = fs::read(samples.join(sample)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package-lock.json"), &text).unwrap();
        let own: serde_json::Value = serde_json::from_slice(&text).unwrap();
        // It wants the manifests of the project and its folders, which the file repeats.
        for (path, entry) in own["packages"].as_object().into_iter().flatten() {
            if !path.contains("node_modules") {
                fs::create_dir_all(folder.path().join(path)).unwrap();
                fs::write(folder.path().join(path).join("package.json"), entry.to_string()).unwrap();
            }
        }
        let output = Command::new("node").args(["-e", SCRIPT]).arg(&library).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: BTreeSet<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(read(&text), theirs, "{sample}");
    }
}

fn read(text: &[u8]) -> BTreeSet<String> {
    let lockfile = NPM.lockfiles.iter().find(|lockfile| (lockfile.matches)("package-lock.json")).unwrap();
    let entries = (lockfile.parse)(text).value;
    entries.iter().map(|entry| told(entry, &entries)).collect()
}

fn told(entry: &Locked, entries: &[Locked]) -> String {
    let named = |entry: &Locked| format!("{}@{}", entry.release.package.name, entry.release.version);
    let scope = match entry.scope {
        Scope::Dev => "Dev",
        Scope::Optional => "Optional",
        _ => "Run",
    };
    let direct = if entry.direct == Some(true) { "direct" } else { "indirect" };
    let digests = entry.integrity.as_ref().map(ToString::to_string).unwrap_or_default();
    let needs: BTreeSet<String> = entry.needs.iter().map(|at| named(&entries[usize::try_from(*at).unwrap()])).collect();
    let needs: Vec<String> = needs.into_iter().collect();
    format!("{} {scope} {direct} {digests} [{}]", named(entry), needs.join(", "))
}
