//! How fast a lockfile of 5,000 releases is read: `stockade scan` and every hook that asks it wait for this. The file is
//! made here, the same in every run: three needs for each release, and a tenth of the releases nested.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to measure")]

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use stockade_ecosystem::npm::NPM;

const RELEASES: usize = 5_000;
/// Digests are as long as real ones.
const DIGEST: &str = "sha512-RGwwWnwQvkVfavKVt22FGLw+xYSdzARwm0ru6DhTVA3umU5hZc28V3kO4stgYryrTlLpuvgI9GiijltAjNbcqA==";

fn main() {
    divan::main();
}

#[divan::bench]
fn package_lock(bencher: Bencher) {
    read(bencher, "package-lock.json", &package_lock_of());
}

#[divan::bench]
fn pnpm_lock(bencher: Bencher) {
    read(bencher, "pnpm-lock.yaml", &pnpm_lock_of());
}

#[divan::bench]
fn yarn_lock(bencher: Bencher) {
    read(bencher, "yarn.lock", &yarn_lock_of());
}

fn read(bencher: Bencher, name: &str, text: &str) {
    let lockfile = NPM.lockfiles.iter().find(|lockfile| lockfile.name == name).unwrap();
    let parsed = (lockfile.parse)(text.as_bytes());
    assert!(parsed.problems.is_empty() && parsed.value.len() == RELEASES, "{:?}", parsed.problems);
    bencher.counter(BytesCount::new(text.len())).bench_local(|| (lockfile.parse)(black_box(text.as_bytes())));
}

fn needs(at: usize) -> [usize; 3] {
    [at * 7 % RELEASES, at * 13 % RELEASES, at * 29 % RELEASES].map(|need| need / 10 * 10 + 1)
}

fn package_lock_of() -> String {
    let mut text = "{\"name\": \"demo\", \"lockfileVersion\": 3, \"packages\": {\"\": {\"name\": \"demo\"}".to_owned();
    for at in 0..RELEASES {
        let place = if at % 10 == 0 { format!("node_modules/package-{}/", at + 1) } else { String::new() };
        let [a, b, c] = needs(at);
        write!(
            text,
            ",\n    \"{place}node_modules/package-{at}\": {{\n      \"version\": \"{}.2.3\",\n      \"resolved\": \"https://registry.example/package-{at}/-/package-{at}-{}.2.3.tgz\",\n      \"integrity\": \"{DIGEST}\",\n      \"license\": \"MIT\",\n      \"dependencies\": {{\n        \"package-{a}\": \"^1.0.0\",\n        \"package-{b}\": \"^1.0.0\",\n        \"package-{c}\": \"~1.2.0\"\n      }},\n      \"engines\": {{\n        \"node\": \">=10\"\n      }}\n    }}",
            at % 50,
            at % 50
        )
        .unwrap();
    }
    text + "}}"
}

fn pnpm_lock_of() -> String {
    let mut packages = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\npackages:\n".to_owned();
    let mut snapshots = "\nsnapshots:\n".to_owned();
    for at in 0..RELEASES {
        write!(
            packages,
            "\n  package-{at}@1.2.3:\n    resolution: {{integrity: {DIGEST}}}\n    engines: {{node: '>=10'}}\n"
        )
        .unwrap();
        let [a, b, c] = needs(at);
        write!(snapshots, "\n  package-{at}@1.2.3:\n    dependencies:\n").unwrap();
        for need in [a, b, c] {
            writeln!(snapshots, "      package-{need}: 1.2.3").unwrap();
        }
    }
    packages + &snapshots
}

fn yarn_lock_of() -> String {
    let mut text = "# yarn lockfile v1\n\n".to_owned();
    for at in 0..RELEASES {
        write!(
            text,
            "\npackage-{at}@^1.0.0, package-{at}@^1.2.0:\n  version \"1.2.3\"\n  resolved \"https://registry.example/package-{at}/-/package-{at}-1.2.3.tgz#0123456789abcdef0123456789abcdef01234567\"\n  integrity {DIGEST}\n  dependencies:\n"
        )
        .unwrap();
        for need in needs(at) {
            writeln!(text, "    package-{need} \"^1.0.0\"").unwrap();
        }
    }
    text
}
