//! How fast the inventory takes a project in and says who has something, when it is full: 10,000 projects of 1,000 releases
//! each, out of 50,000. A few of these are in nearly every project and most are in few, as it is with packages.
//!
//! `cargo xtask bench inventory` measures that. Without `full` on the command line there are 200 projects, so that the
//! benchmarks of all parts end soon; what is printed then says nothing about a full store.
//!
//! Everything is made here, the same in every run, and goes through the calls that the product makes: the store is filled
//! by the same writer, many projects in a transaction.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to measure")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has its own files and its own clock")]
#![expect(clippy::print_stdout, reason = "what is measured is printed")]

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use stockade_ecosystem::{Ecosystem, npm::NPM};
use stockade_engine::inventory::{Asked, File, Look, Part};
use stockade_engine::{Advisories, Store};
use stockade_model::Package;

const FULL: usize = 10_000;
const SMALL: usize = 200;
const COMPONENTS: usize = 1_000;
const POOL: usize = 50_000;
/// How many releases a package has in the pool.
const VERSIONS: usize = 5;
/// How many projects are taken in at the same time.
const TOGETHER: usize = 256;
/// How many times each question is asked.
const QUESTIONS: usize = 300;
/// How many projects are taken into the full store, one by one: enough that larger segments are moved meanwhile, too.
const IMPORTS: usize = 256;
const START: i64 = 1_780_000_000;
const ECOSYSTEM: &Ecosystem = &NPM;

fn main() {
    let projects = if std::env::args().any(|argument| argument == "full") { FULL } else { SMALL };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure(projects));
}

async fn measure(projects: usize) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let begin = Instant::now();
    for first in (0..projects).step_by(TOGETHER) {
        let all = first..projects.min(first + TOGETHER);
        let added = all.map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.record_looks(&name(number), vec![look(number, 0)]).await.unwrap() })
        });
        for added in added.collect::<Vec<_>>() {
            added.await.unwrap();
        }
    }
    let bytes = std::fs::metadata(folder.path().join("stockade.db")).unwrap().len();
    println!("{projects} projects of {COMPONENTS} releases: filled in {:.0?}, {} MB", begin.elapsed(), bytes >> 20);

    let mut new = Vec::new();
    for number in projects..projects + IMPORTS {
        new.push(timed(store.record_looks(&name(number), vec![look(number, 0)])).await);
    }
    told("a new project of 1,000 releases is taken in", new);
    let (mut same, mut changed) = (Vec::new(), Vec::new());
    for number in 0..IMPORTS {
        same.push(timed(store.record_looks(&name(number), vec![Look { at: at(1), ..look(number, 0) }])).await);
        changed.push(timed(store.record_looks(&name(number), vec![Look { at: at(2), ..look(number, 10) }])).await);
    }
    told("a project without a change", same);
    told("a project of which 1 in 100 releases changed", changed);

    let rare = (0..QUESTIONS).map(|number| Asked::Release(release(POOL - 1 - number * 7)));
    ask(&store, "a rare release", rare).await;
    ask(&store, "a common release", (0..QUESTIONS).map(|number| Asked::Release(release(number % 20)))).await;
    let packages = (0..QUESTIONS).map(|number| Asked::Package(release(number * 150 * VERSIONS % POOL).package));
    ask(&store, "a package", packages).await;
    ask(
        &store,
        "a common package",
        (0..QUESTIONS).map(|number| Asked::Package(release(number % 4 * VERSIONS).package)),
    )
    .await;
    by_advisory(&store, folder.path()).await;
    let hits = store.who_has(Asked::Release(release(POOL / 2))).await.unwrap();
    let begin = Instant::now();
    store.ways(&hits).await.unwrap();
    println!("{:<48} {:.2?} for {} projects", "the ways to a release", begin.elapsed(), hits.len());
}

async fn ask(store: &Store, what: &str, questions: impl Iterator<Item = Asked>) {
    let (mut times, mut found) = (Vec::new(), 0);
    for asked in questions {
        let begin = Instant::now();
        let hits = store.who_has(asked).await.unwrap();
        let coverage = store.looked_at(at(-1)).await.unwrap();
        times.push(begin.elapsed());
        found = found.max(hits.len());
        assert!(coverage.projects > 0);
    }
    told(&format!("{what}: at most {found} projects"), times);
}

async fn by_advisory(store: &Store, folder: &Path) {
    let records = folder.join("records");
    std::fs::create_dir(&records).unwrap();
    for number in 0..QUESTIONS {
        let release = release(number * 150 % POOL);
        let package = json!({"ecosystem": ECOSYSTEM.osv, "name": release.package.name});
        let affected = json!([{"package": package, "versions": [release.version]}]);
        let record = json!({"id": format!("MAL-2026-{number}"), "summary": "bad", "affected": affected});
        std::fs::write(records.join(format!("{number}.json")), record.to_string()).unwrap();
    }
    let advisories = Advisories::open(&vec![records].into(), folder, at(0)).unwrap();
    let (mut times, mut found) = (Vec::new(), 0);
    for number in 0..QUESTIONS {
        let begin = Instant::now();
        let id = format!("MAL-2026-{number}");
        let advised = store.who_is_affected(&advisories, &id).await.unwrap().unwrap();
        store.looked_at(at(-1)).await.unwrap();
        times.push(begin.elapsed());
        found = found.max(advised.hits.len());
    }
    told(&format!("an advisory: at most {found} projects"), times);
}

async fn timed<T, E: std::fmt::Debug>(work: impl Future<Output = Result<T, E>>) -> Duration {
    let begin = Instant::now();
    work.await.unwrap();
    begin.elapsed()
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!("{what:<48} p50 {:.2?}  p95 {:.2?}  max {:.2?}", at(50), at(95), at(100));
}

fn name(number: usize) -> String {
    format!("project-{number}")
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(START + day * 24 * 60 * 60).unwrap()
}

/// A project's releases, without two of a number. `moved` of a thousand are others than before.
fn look(project: usize, moved: usize) -> Look {
    let mut chance = Chance(project as u64 + 1);
    let mut chosen = vec![false; POOL];
    let mut numbers = Vec::new();
    while numbers.len() < COMPONENTS {
        let number = chance.skewed();
        if !std::mem::replace(&mut chosen[number], true) {
            numbers.push(number);
        }
    }
    for place in numbers.iter_mut().take(moved) {
        *place = (0..POOL).rev().find(|number| !std::mem::replace(&mut chosen[*number], true)).unwrap();
    }
    let needs =
        |at: usize| (1..4).map(move |step| (at * 3 + step) % COMPONENTS).filter_map(|need| u32::try_from(need).ok());
    let part = |(at, number): (usize, usize)| Part {
        release: release(number),
        digests: vec![stockade_model::Digest::of(&number.to_be_bytes())],
        direct: Some(at < 50),
        line: u32::try_from(at * 9).unwrap(),
        needs: needs(at).collect(),
    };
    let parts = numbers.into_iter().enumerate().map(part).collect();
    Look { at: at(0), files: vec![File { path: "package-lock.json".to_owned(), parts }], gaps: Vec::new() }
}

fn release(number: usize) -> stockade_model::Release {
    let name = (ECOSYSTEM.name)(&format!("package-{}", number / VERSIONS)).unwrap();
    Package { ecosystem: ECOSYSTEM.id.clone(), name }.release(format!("{}.{}.0", number % VERSIONS, number % 17))
}

/// `SplitMix64`: the same numbers everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A release of the pool: the cube of a fraction, so that the first ones are in nearly every project.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a small number"
    )]
    fn skewed(&mut self) -> usize {
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((fraction.powi(3) * POOL as f64) as usize).min(POOL - 1)
    }
}
