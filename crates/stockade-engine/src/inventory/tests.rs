use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tempfile::TempDir;

use super::changes::stays;
use super::tiers::{Shape, changes_of, segments};
use super::*;
use crate::{Advisories, Store};

const DAY: i64 = 24 * 60 * 60;

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(number * DAY).unwrap()
}

fn release(name: &str, version: &str) -> Release {
    let ecosystem = stockade_ecosystem::ALL[0];
    Package { ecosystem: ecosystem.id.clone(), name: (ecosystem.name)(name).unwrap() }.release(version)
}

fn part(name: &str, version: &str) -> Part {
    Part { release: release(name, version), digests: Vec::new(), direct: Some(true), line: 1, needs: Vec::new() }
}

fn look(at: i64, parts: Vec<Part>) -> Look {
    let file = File { path: "package-lock.json".to_owned(), parts: parts.into() };
    Look { at: day(at), files: vec![file], gaps: Vec::new() }
}

struct Kept {
    store: Store,
    folder: TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Store::open(folder.path()).unwrap(), folder }
    }

    async fn add(&self, project: &str, look: Look) -> Recorded {
        self.store.record_looks(project, vec![look]).await.unwrap()
    }

    /// `project@version since-until`, by day.
    async fn who(&self, asked: Asked) -> Vec<String> {
        let hits = self.store.who_has(asked).await.unwrap();
        hits.iter().map(shown).collect()
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("stockade.db")).unwrap()
    }

    fn count(&self, what: &str) -> i64 {
        self.connection().query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    }

    /// How many stays the index has, of whatever projects and components.
    fn stays(&self) -> usize {
        let connection = self.connection();
        let mut ids = connection.prepare("SELECT id FROM inventory_components").unwrap();
        let ids = ids.query_map([], |row| row.get(0)).unwrap();
        let segments = segments(&connection).unwrap();
        ids.map(|id| stays(changes_of(&connection, &segments, id.unwrap()).unwrap()).len()).sum()
    }
}

fn shown(hit: &Hit) -> String {
    let day = |at: Timestamp| at.as_second() / DAY;
    let until = hit.until.map(|until| day(until).to_string()).unwrap_or_default();
    format!("{} {} {}-{until}", hit.project, hit.release.version, day(hit.since))
}

fn any_of(name: &str) -> Asked {
    Asked::Package(release(name, "").package)
}

#[tokio::test]
async fn what_stays_is_told_once_and_what_goes_has_an_end() {
    let kept = Kept::new();
    let first = kept.add("web", look(1, vec![part("left", "1.0.0"), part("right", "1.0.0")])).await;
    assert_eq!((first.looks, first.snapshots, first.came, first.went), (1, 1, 2, 0));
    let same = kept.add("web", look(2, vec![part("left", "1.0.0"), part("right", "1.0.0")])).await;
    assert_eq!((same.snapshots, same.came, same.went), (0, 0, 0), "nothing is written twice");
    let third = kept.add("web", look(3, vec![part("left", "1.1.0"), part("right", "1.0.0")])).await;
    assert_eq!((third.snapshots, third.came, third.went), (1, 1, 1));
    kept.add("web", look(4, vec![part("left", "1.0.0"), part("right", "1.0.0")])).await;
    assert_eq!(kept.who(any_of("left")).await, ["web 1.0.0 4-", "web 1.0.0 1-3", "web 1.1.0 3-4"]);
    assert_eq!(kept.who(any_of("right")).await, ["web 1.0.0 1-"]);
    assert_eq!(kept.who(Asked::Release(release("left", "1.1.0"))).await, ["web 1.1.0 3-4"]);
    assert_eq!(kept.who(Asked::Release(release("left", "1.1.0+build"))).await, ["web 1.1.0 3-4"], "the same version");
    assert_eq!(kept.who(any_of("middle")).await, Vec::<String>::new());
    assert_eq!((kept.stays(), kept.count("inventory_snapshots")), (4, 3));
    assert_eq!(kept.count("inventory_segments"), 3, "a look that saw the same writes nothing down");
    let spans = kept.store.projects(Some("web".to_owned())).await.unwrap().remove(0).spans;
    assert_eq!((spans[0].at, spans[0].seen, spans[0].releases), (day(1), day(2), 2));
}

#[tokio::test]
async fn a_history_may_be_written_down_after_today() {
    let kept = Kept::new();
    kept.add("web", look(9, vec![part("left", "1.2.0")])).await;
    let history = vec![
        look(1, vec![part("left", "1.0.0")]),
        look(3, vec![part("left", "1.1.0")]),
        look(5, vec![part("left", "1.2.0")]),
    ];
    let done = kept.store.record_looks("web", history.clone()).await.unwrap();
    assert_eq!((done.looks, done.snapshots), (3, 3));
    let all = ["web 1.2.0 5-", "web 1.0.0 1-3", "web 1.1.0 3-5"];
    assert_eq!(kept.who(any_of("left")).await, all);
    let again = kept.store.record_looks("web", history).await.unwrap();
    assert_eq!((again.snapshots, again.came, again.went), (0, 0, 0), "and again, without a change");
    assert_eq!(kept.who(any_of("left")).await, all);
    kept.add("web", look(3, vec![part("left", "1.0.1")])).await;
    assert_eq!(
        kept.who(any_of("left")).await,
        ["web 1.2.0 5-", "web 1.0.0 1-3", "web 1.0.1 3-5"],
        "the later look counts"
    );
}

#[tokio::test]
async fn a_way_is_that_of_the_last_look_that_saw_it() {
    let kept = Kept::new();
    let needing = |line, direct| {
        let right = Part { needs: vec![1], ..part("right", "1.0.0") };
        vec![right, Part { line, direct: Some(direct), ..part("left", "1.1.0") }]
    };
    kept.add("web", look(1, needing(7, true))).await;
    kept.add("web", look(2, needing(9, false))).await;
    kept.add("web", look(3, vec![part("right", "1.0.0")])).await;
    let hits = kept.store.who_has(any_of("left")).await.unwrap();
    assert_eq!((hits.len(), hits[0].direct, hits[0].until), (1, Some(false), Some(day(3))));
    let ways = kept.store.ways(&hits).await.unwrap();
    let path = vec!["right@1.0.0".to_owned(), "left@1.1.0".to_owned()];
    assert_eq!(ways, [[Way { file: "package-lock.json".to_owned(), line: 9, path }]]);
}

#[tokio::test]
async fn bytes_are_found_whatever_they_are_called() {
    let kept = Kept::new();
    let (good, bad) = (Digest::of(b"good"), Digest::of(b"bad"));
    let with = |digest: &Digest| vec![Part { digests: vec![digest.clone()], ..part("left", "1.0.0") }];
    kept.add("web", look(1, with(&good))).await;
    kept.add("api", look(1, with(&bad))).await;
    assert_eq!(kept.who(Asked::Digest(bad)).await, ["api 1.0.0 1-"]);
    assert_eq!(kept.who(any_of("left")).await, ["api 1.0.0 1-", "web 1.0.0 1-"]);
}

#[tokio::test]
async fn what_was_not_read_and_what_is_old_is_said() {
    let kept = Kept::new();
    let gap = "package-lock.json: line 3: it is cut off".to_owned();
    kept.add("web", Look { gaps: vec![gap.clone()], ..look(1, vec![]) }).await;
    kept.add("api", look(40, vec![])).await;
    let Coverage { projects, oldest, old, unread } = kept.store.looked_at(day(10)).await.unwrap();
    assert_eq!((projects, oldest), (2, Some(day(1))));
    assert_eq!(old, [Old { project: "web".to_owned(), seen: day(1) }]);
    assert_eq!(unread, [Unread { project: "web".to_owned(), at: day(1), gaps: vec![gap] }]);
    kept.add("web", look(2, vec![])).await;
    assert_eq!(kept.store.looked_at(day(0)).await.unwrap().unread.len(), 1, "who had it, it cannot say");
}

#[tokio::test]
async fn a_project_that_is_forgotten_leaves_nothing() {
    let kept = Kept::new();
    kept.add("web", look(1, vec![part("left", "1.0.0")])).await;
    kept.add("web", look(2, vec![part("left", "1.1.0")])).await;
    kept.add("api", look(2, vec![part("left", "1.1.0")])).await;
    assert!(kept.store.remove_project("web").await.unwrap());
    assert!(!kept.store.remove_project("web").await.unwrap());
    assert_eq!(kept.who(any_of("left")).await, ["api 1.1.0 2-"]);
    let tables = ["inventory_snapshots", "inventory_projects"];
    assert_eq!((kept.stays(), tables.map(|table| kept.count(table))), (1, [1, 1]));
}

fn record(folder: &TempDir, id: &str, aliases: &[&str], name: &str, versions: &[&str]) {
    let ecosystem = stockade_ecosystem::ALL[0].osv;
    let affected = serde_json::json!([{"package": {"ecosystem": ecosystem, "name": name}, "versions": versions}]);
    let record = serde_json::json!({"id": id, "aliases": aliases, "summary": "bad", "affected": affected});
    #[expect(clippy::disallowed_methods, reason = "the test writes a record")]
    std::fs::write(folder.path().join(format!("{id}.json")), record.to_string()).unwrap();
}

#[tokio::test]
async fn an_advisory_is_asked_by_its_identifier_and_its_aliases() {
    let kept = Kept::new();
    kept.add("web", look(1, vec![part("left", "1.0.0")])).await;
    kept.add("api", look(1, vec![part("left", "1.1.0"), part("right", "1.1.0")])).await;
    kept.add("api", look(2, vec![part("right", "1.1.0")])).await;
    let (records, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(&records, "MAL-2026-1", &["CVE-2026-1"], "left", &["1.1.0"]);
    record(&records, "MAL-2026-2", &["CVE-2026-1"], "right", &["1.1.0"]);
    record(&records, "MAL-2026-3", &[], "elsewhere", &["1.1.0"]);
    let advisories = Advisories::open(&vec![records.path().to_path_buf()].into(), data.path(), day(9)).unwrap();
    let who = async |id: &str| {
        let advised = kept.store.who_is_affected(&advisories, id).await.unwrap()?;
        assert_eq!(advised.unclear, Vec::<String>::new());
        Some(advised.hits.iter().map(|(hit, _)| shown(hit)).collect::<Vec<_>>())
    };
    assert_eq!(who("MAL-2026-1").await.unwrap(), ["api 1.1.0 1-2"]);
    assert_eq!(who("CVE-2026-1").await.unwrap(), ["api 1.1.0 1-", "api 1.1.0 1-2"], "of both records");
    assert_eq!(who("MAL-2026-3").await.unwrap(), Vec::<String>::new());
    assert_eq!(who("MAL-2026-4").await, None, "nobody knows it");
}

#[test]
fn a_bill_of_materials_names_releases_and_what_it_does_not() {
    let bill = Bill::read(
        br#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"bom-ref": "app", "type": "application", "name": "app"}},
        "components": [
            {"bom-ref": "a", "type": "library", "name": "right", "version": "1.0.0", "purl": "pkg:npm/right@1.0.0"},
            {"bom-ref": "b", "type": "library", "name": "left", "version": "1.1.0", "purl": "pkg:npm/left@1.1.0"},
            {"bom-ref": "c", "type": "library", "name": "Mystery.Lib", "version": "2", "purl": "pkg:nuget/Mystery.Lib@2"},
            {"bom-ref": "d", "type": "library", "name": "nobody"},
            {"bom-ref": "e", "type": "file", "name": "notes.txt"}],
        "dependencies": [{"ref": "app", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b"]}]}"#,
    );
    let Bill { parts, problems } = bill.unwrap();
    let seen: Vec<_> =
        parts.iter().map(|part| (Purl::of(&part.release).to_string(), part.direct, part.needs.len())).collect();
    let expected =
        [("pkg:npm/left@1.1.0", false, 0), ("pkg:npm/right@1.0.0", true, 1), ("pkg:nuget/mystery.lib@2", false, 0)];
    let mut seen: Vec<_> = seen.iter().map(|(purl, direct, needs)| (purl.as_str(), direct.unwrap(), *needs)).collect();
    seen.sort_unstable();
    assert_eq!(seen, expected);
    assert_eq!(problems, ["1 of its parts have no package URL with a version, and cannot be asked for"]);
    assert_eq!(Bill::read(b"{\"lockfileVersion\": 3}"), None);
}

/// What a timeline of looks comes to, the slow way: each component's looks in a row.
fn expected(project: &str, looks: &BTreeMap<i64, BTreeSet<u8>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let times: Vec<i64> = looks.keys().copied().collect();
    for component in 0..COMPONENTS {
        let mut since = None;
        for at in &times {
            match (looks[at].contains(&component), since) {
                (true, None) => since = Some(*at),
                (false, Some(begin)) => {
                    found.insert(format!("{project} {component}.0.0 {begin}-{at}"));
                    since = None;
                }
                _ => {}
            }
        }
        found.extend(since.map(|begin| format!("{project} {component}.0.0 {begin}-")));
    }
    found
}

const COMPONENTS: u8 = 4;
/// Nearly every write moves something, a few changes at a time, and a block has one change or two.
const TINY: Shape = Shape { fanout: 2, block: 24, least: 1 };

/// A look at one of three projects that saw some components; none: the project is removed.
type Move = (usize, Option<(i64, BTreeSet<u8>)>);

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let look = (1_i64..20, prop::collection::btree_set(0..COMPONENTS, 0..4));
    prop::collection::vec((0_usize..3, prop::option::weighted(0.9, look)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn in_whatever_order_looks_come_the_answer_is_the_same(
        looks in prop::collection::vec((1_i64..12, prop::collection::btree_set(0..COMPONENTS, 0..4)), 1..10),
        together in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kept = Kept::new();
            for batch in looks.chunks(together) {
                let all = batch.iter().map(|(at, set)| {
                    let parts = set.iter().map(|component| part("left", &format!("{component}.0.0")));
                    // Each look is told from every other, so that none is a part of a longer one.
                    Look { gaps: vec![format!("{at}")], ..look(*at, parts.collect()) }
                });
                kept.store.record_looks("web", all.collect()).await.unwrap();
            }
            let timeline: BTreeMap<i64, BTreeSet<u8>> = looks.iter().cloned().collect();
            let found: BTreeSet<String> = kept.who(any_of("left")).await.into_iter().collect();
            assert_eq!(found, expected("web", &timeline));
        });
    }

    #[test]
    fn what_is_there_is_what_the_last_look_saw(
        looks in prop::collection::vec((1_i64..12, prop::collection::btree_set(0..COMPONENTS, 0..3)), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kept = Kept::new();
            for (at, set) in &looks {
                let parts = set.iter().map(|component| part("left", &format!("{component}.0.0")));
                kept.add("web", look(*at, parts.collect())).await;
            }
            // A snapshot may stand for several looks; the last of them all says what is there now.
            let last = looks.iter().rev().max_by_key(|(at, _)| *at).unwrap();
            let now: BTreeSet<u8> = looks.iter().rfind(|(at, _)| *at == last.0).unwrap().1.clone();
            let hits = kept.store.who_has(any_of("left")).await.unwrap();
            let there: BTreeSet<String> =
                hits.iter().filter(|hit| hit.until.is_none()).map(|hit| hit.release.version.clone()).collect();
            assert_eq!(there, now.iter().map(|component| format!("{component}.0.0")).collect());
            kept.store.remove_project("web").await.unwrap();
            assert_eq!(kept.stays(), 0, "nothing is left that no snapshot has");
        });
    }
    #[test]
    fn however_changes_are_moved_the_answer_is_the_same(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kept = Kept::new();
            let names = ["api", "shop", "web"];
            let mut all: [BTreeMap<i64, BTreeSet<u8>>; 3] = Default::default();
            for (project, seen) in moves {
                let Some((at, set)) = seen else {
                    kept.store.remove_project_in(TINY, names[project]).await.unwrap();
                    all[project].clear();
                    continue;
                };
                let parts = set.iter().map(|component| part("left", &format!("{component}.0.0")));
                let look = Look { gaps: vec![format!("{at}")], ..look(at, parts.collect()) };
                kept.store.record_looks_in(TINY, names[project], vec![look]).await.unwrap();
                all[project].insert(at, set);
                let found: BTreeSet<String> = kept.who(any_of("left")).await.into_iter().collect();
                let expected = names.iter().zip(&all).flat_map(|(name, looks)| expected(name, looks));
                assert_eq!(found, expected.collect::<BTreeSet<_>>());
            }
            let tiers = kept.count("inventory_segments");
            assert!(tiers < 12, "{tiers} segments");
        });
    }
}

#[tokio::test]
async fn segments_stay_few_and_what_is_taken_back_goes() {
    let kept = Kept::new();
    for number in 0..64 {
        let name = format!("project-{}", number % 8);
        let version = format!("{number}.0.0");
        kept.store.record_looks_in(TINY, &name, vec![look(number, vec![part("left", &version)])]).await.unwrap();
        assert!(kept.count("inventory_segments") < 12);
    }
    let whole = kept.count("inventory_blocks");
    assert!(whole > 32, "{whole} blocks");
    for number in 0..8 {
        kept.store.remove_project_in(TINY, &format!("project-{number}")).await.unwrap();
    }
    assert_eq!(kept.stays(), 0);
    for _ in 0..64 {
        kept.store.record_looks_in(TINY, "web", vec![look(1, vec![part("left", "1.0.0")])]).await.unwrap();
        kept.store.remove_project_in(TINY, "web").await.unwrap();
    }
    let left = kept.count("inventory_blocks");
    assert!(left < whole / 2, "{left} blocks are left of {whole}");
}

#[tokio::test]
async fn a_block_that_is_damaged_is_an_error() {
    let kept = Kept::new();
    kept.add("web", look(1, vec![part("left", "1.0.0"), part("right", "1.0.0")])).await;
    for damage in ["substr(changes, 1, length(changes) - 1)", "zeroblob(length(changes))", "x''"] {
        let connection = kept.connection();
        let whole: Vec<u8> =
            connection.query_row("SELECT changes FROM inventory_blocks", [], |row| row.get(0)).unwrap();
        connection.execute(&format!("UPDATE inventory_blocks SET changes = {damage}"), []).unwrap();
        let error = kept.store.who_has(any_of("right")).await.unwrap_err();
        assert!(error.to_string().contains("the index of the inventory is damaged"), "{error}");
        connection.execute("UPDATE inventory_blocks SET changes = ?1", [whole]).unwrap();
        assert_eq!(kept.who(any_of("right")).await, ["web 1.0.0 1-"]);
    }
    kept.connection().execute_batch("DELETE FROM inventory_snapshots; DELETE FROM inventory_projects").unwrap();
    assert!(kept.store.who_has(any_of("right")).await.is_err(), "a project that nobody knows is no miss");
}
