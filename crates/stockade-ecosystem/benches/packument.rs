//! How fast an index of the size of the largest ones is read and rendered.
//!
//! A gateway reads a packument when its upstream changed and renders one whenever a ruling did, while people wait for
//! their installs. The document is made here, the same in every run: 3,500 releases of about 3 kB, and one in a hundred
//! is held.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to measure")]

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use stockade_ecosystem::npm::NPM;
use stockade_ecosystem::{Index, Registry, Standing, Steering, Variant};
use stockade_model::Package;

const RELEASES: usize = 3_500;
/// Nightly builds have a tag each in some packages.
const TAGS: usize = 300;
/// Every so many releases one is held.
const HELD: usize = 100;

fn main() {
    divan::main();
}

#[divan::bench]
fn read(bencher: Bencher) {
    let document = document();
    let package = package();
    bencher
        .counter(BytesCount::of_slice(&document))
        .bench_local(|| registry().index(black_box(&package), black_box(&document)).unwrap());
}

#[divan::bench]
fn render_full(bencher: Bencher) {
    render(bencher, Variant::Full);
}

#[divan::bench]
fn render_abbreviated(bencher: Bencher) {
    render(bencher, Variant::Abbreviated);
}

fn render(bencher: Bencher, variant: Variant) {
    let index = index(&document());
    let standings = standings(&index);
    bencher.bench_local(|| registry().render(black_box(&index), &steering(&standings, variant)));
}

#[divan::bench]
fn render_tags(bencher: Bencher) {
    let index = index(&document());
    let standings = standings(&index);
    bencher.bench_local(|| registry().render_tags(black_box(&index), &steering(&standings, Variant::Full)));
}

#[divan::bench]
fn flatten_full(bencher: Bencher) {
    flatten(bencher, Variant::Full);
}

#[divan::bench]
fn flatten_abbreviated(bencher: Bencher) {
    flatten(bencher, Variant::Abbreviated);
}

fn flatten(bencher: Bencher, variant: Variant) {
    let document = document();
    let index = index(&document);
    let rope = registry().render(&index, &steering(&standings(&index), variant));
    bencher.counter(BytesCount::new(rope.len())).bench_local(|| black_box(&rope).flatten(black_box(&document)));
}

/// What stands in the path of every tarball.
#[divan::bench]
fn by_file(bencher: Bencher) {
    let index = index(&document());
    let version = &index.releases[RELEASES * 2 / 3].version;
    let file = format!("big-demo-{version}.tgz");
    let ours = |listed: &stockade_ecosystem::Listed| registry().artifact_file(&index.release(listed));
    bencher.bench_local(|| index.by_file(black_box(&file), ours).map(|listed| &listed.version));
}

fn registry() -> &'static dyn Registry {
    NPM.registry.unwrap()
}

fn package() -> Package {
    Package { ecosystem: NPM.id.clone(), name: (NPM.name)("big-demo").unwrap() }
}

fn index(document: &[u8]) -> Index {
    registry().index(&package(), document).unwrap()
}

fn standings(index: &Index) -> Vec<Standing> {
    let standing = |at: usize| if at.is_multiple_of(HELD) { Standing::Held } else { Standing::Cleared };
    (0..index.releases.len()).map(standing).collect()
}

fn steering(standings: &[Standing], variant: Variant) -> Steering<'_> {
    Steering {
        standings,
        message: "held by stockade: younger than 72 hours",
        base: "http://127.0.0.1:4873/packages",
        variant,
    }
}

/// Releases and nightly builds in turn, as a large and busy project publishes them.
fn version(number: usize) -> String {
    let (major, minor, patch) = (number / 500, number / 20 % 25, number % 20);
    if number.is_multiple_of(4) {
        format!("{major}.{minor}.{patch}")
    } else {
        format!("{major}.{minor}.0-dev.20{:06}", 100_000 + number)
    }
}

fn document() -> Vec<u8> {
    let numbers = || 0..RELEASES;
    let tags: Vec<String> = numbers().rev().take(TAGS).map(|n| format!("\"tag-{n}\":\"{}\"", version(n))).collect();
    let versions: Vec<String> = numbers().map(|n| format!("\"{}\":{}", version(n), manifest(n))).collect();
    let times: Vec<String> = numbers().map(|n| format!("\"{}\":\"{}\"", version(n), time(n))).collect();
    format!(
        r#"{{"_id":"big-demo","_rev":"1-a","name":"big-demo","dist-tags":{{"latest":"{}",{}}},"versions":{{{}}},"time":{{"created":"{}","modified":"{}",{}}},"license":"MIT","readme":"{}"}}"#,
        version(RELEASES - RELEASES % 4 - 4),
        tags.join(","),
        versions.join(","),
        time(0),
        time(RELEASES),
        times.join(","),
        "An *example* of a large package.\\n".repeat(1_000),
    )
    .into_bytes()
}

fn time(number: usize) -> String {
    let (year, month, day) = (2016 + number / 400, number / 34 % 12 + 1, number % 28 + 1);
    format!("{year}-{month:02}-{day:02}T12:00:00.{:03}Z", number % 1_000)
}

/// A manifest of about 3 kB with everything that registries put into one.
fn manifest(number: usize) -> String {
    let version = version(number);
    let dependencies = |prefix: &str, count: usize| {
        let mut list = String::new();
        for at in 0..count {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(list, "{comma}\"@scope/{prefix}-{at}\":\"^{}.{}.{}\"", number % 7, at, number % 3);
        }
        list
    };
    let digest = |length: usize| "QmFzZTY0".chars().cycle().skip(number % 8).take(length).collect::<String>();
    format!(
        r#"{{"name":"big-demo","version":"{version}","description":"A language for \"large\" applications","keywords":["language","compiler","demo"],"author":{{"name":"Example Corp."}},"license":"MIT","homepage":"https://www.big-demo.example/","repository":{{"type":"git","url":"git+https://git.example/big-demo.git"}},"bugs":{{"url":"https://git.example/big-demo/issues"}},"bin":{{"demo":"bin/demo","demoserver":"bin/demoserver"}},"engines":{{"node":">=14.17"}},"main":"./lib/demo.js","typings":"./lib/demo.d.ts","files":["bin","lib","!lib/enu","LICENSE.txt","README.md","SECURITY.md"],"dependencies":{{{}}},"devDependencies":{{{}}},"overrides":{{"scripts@*":"$scripts"}},"packageManager":"npm@8.19.4","volta":{{"node":"20.1.0","npm":"8.19.4"}},"scripts":{{"test":"hereby runtests-parallel --light=false","build":"npm run build:compiler && npm run build:tests","build:compiler":"hereby local","lint":"hereby lint","setup-hooks":"node scripts/link-hooks.mjs"}},"browser":{{"fs":false,"os":false,"path":false,"crypto":false,"buffer":false,"inspector":false,"perf_hooks":false}},"gitHead":"{}","types":"./lib/demo.d.ts","_id":"big-demo@{version}","_nodeVersion":"20.1.0","_npmVersion":"8.19.4","dist":{{"integrity":"sha512-{}==","shasum":"{:040x}","tarball":"https://registry.example/big-demo/-/big-demo-{version}.tgz","fileCount":182,"unpackedSize":40183290,"signatures":[{{"keyid":"SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA","sig":"{}"}}],"attestations":{{"url":"https://registry.example/-/npm/v1/attestations/big-demo@{version}","provenance":{{"predicateType":"https://slsa.example/provenance/v1"}}}}}},"_npmUser":{{"name":"demo-bot","email":"demo@corp.example"}},"directories":{{}},"maintainers":[{{"name":"demo-bot","email":"demo@corp.example"}},{{"name":"demo-deploy","email":"deploy@corp.example"}}],"_npmOperationalInternal":{{"host":"s3://packages-demo","tmp":"tmp/big-demo_{version}_{number}_0.5"}},"_hasShrinkwrap":false}}"#,
        dependencies("needed", 2),
        dependencies("tool", 34),
        digest(40),
        digest(86),
        number,
        digest(96),
    )
}
