use serde_json::{Value, json};

use super::*;
use crate::index::Standing::*;
use crate::pypi::{package, page};

const BASE: &str = "http://127.0.0.1:4873/mount";
const MESSAGE: &str =
    "held by stockade: `left-demo` 1.1 is \"5\" hours old; policy asks 72 hours\nhint: 1.0 is cleared";

/// An entry as registries write them, with white space where somebody else put it.
fn entry(name: &str, others: &str) -> String {
    format!(
        r#"{{ "filename":"{name}", "url" : "https://user:pw@upstream.example:8443/packages/a%20b/{name}?token=secret#sha256=0",
        "hashes":{{"sha256":"{}"}},"requires-python":">=3.8,<4","size":12345678901234567890123,"text":"\u0041\/b"{others} }}"#,
        "a".repeat(64)
    )
}

fn ours(entry: &str) -> String {
    entry
        .replace("https://user:pw@upstream.example:8443/", &format!("{BASE}/files/left-demo/"))
        .replace("?token=secret#sha256=0", "")
}

/// A document with what is to become of its files.
struct Case {
    document: String,
    index: Index,
    standings: Vec<Standing>,
}

impl Case {
    fn new(entries: &[(String, Standing)], others: &str) -> Self {
        let files: Vec<&str> = entries.iter().map(|(entry, _)| entry.as_str()).collect();
        let document = format!(
            r#"{{"meta":{{"api-version":"1.4","_last-serial": 7}},"name":"Left.Demo","files":[{}]{others}}}"#,
            files.join(" , ")
        );
        let index = page::read(&package("left-demo").unwrap(), document.as_bytes()).unwrap();
        Self { document, index, standings: entries.iter().map(|(_, standing)| *standing).collect() }
    }

    /// The rendered document; that it is as long as it says and free of the upstream's host is checked here.
    fn text(&self, variant: Variant) -> String {
        let steering = Steering { standings: &self.standings, message: MESSAGE, base: BASE, variant };
        let rope = super::page(&self.index, &steering);
        let bytes = rope.flatten(self.document.as_bytes());
        assert_eq!(rope.len(), bytes.len() as u64);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("upstream.example") && !text.contains("secret"), "{text}");
        text
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text(Variant::Full)).unwrap()
    }
}

const WHEELS: [&str; 3] =
    ["left_demo-1.0-py3-none-any.whl", "left_demo-1.1-py3-none-any.whl", "left_demo-1.10-py3-none-any.whl"];

#[test]
fn a_cleared_file_is_the_originals_bytes_with_our_address() {
    let metadata = format!(r#","core-metadata":{{"sha256":"{}"}},"yanked":"theirs","odd":{{"a":[1]}}"#, "b".repeat(64));
    let entries = [entry(WHEELS[0], &metadata), entry("left-demo-1.0.tar.gz", "")];
    let case = Case::new(&entries.clone().map(|entry| (entry, Cleared)), r#","versions":["1.0" , "0.9"],"odd":1.0e2"#);
    let text = case.text(Variant::Full);
    for entry in &entries {
        assert!(text.contains(&ours(entry)), "{text}");
    }
    assert!(text.contains(r#""versions":["1.0" , "0.9"]"#) && text.contains(r#""odd":1.0e2"#), "{text}");
    assert!(text.contains(r#""meta":{"api-version":"1.4","_last-serial": 7},"name":"Left.Demo""#), "{text}");
}

#[test]
fn a_held_file_is_yanked_with_the_reason() {
    let entries = [
        entry(WHEELS[0], ""),
        entry(WHEELS[1], ""),
        entry(WHEELS[2], r#","yanked":false"#),
        entry("left-demo-1.1.tar.gz", r#","yanked":"theirs""#),
    ];
    let [a, b, c, d] = entries;
    let json = Case::new(&[(a, Cleared), (b, Held), (c, Held), (d, Held)], "").json();
    let yanked: Vec<&Value> = json["files"].as_array().unwrap().iter().map(|file| &file["yanked"]).collect();
    let reason = json!("held by stockade: `left-demo` 1.1 is \"5\" hours old; policy asks 72 hours");
    let other = json!("held by stockade: see `stockade held` for 1.10");
    assert_eq!(yanked, [&Value::Null, &reason, &other, &reason]);
    assert_eq!(json["files"][1]["filename"], WHEELS[1]);
}

#[test]
fn a_reason_is_short_and_on_one_line() {
    let case = Case::new(&[(entry(WHEELS[0], ""), Held)], "");
    let listed = &case.index.releases[0];
    let long = reason(&case.index, listed, &format!("held: `left-demo` 1.0\tis {}\u{85}", "\u{e9}".repeat(500)));
    assert!(
        long.starts_with("held: `left-demo` 1.0 is \u{e9}")
            && long.ends_with("...")
            && long.chars().count() == MAX_REASON
    );
    for other in ["", "`left-demo` 1.0.1 is", "`left-demo` 1.0rc1 is", "`left-demo` 1.0-1 is"] {
        assert_eq!(reason(&case.index, listed, other), "held by stockade: see `stockade held` for 1.0", "{other}");
    }
    let named = format!("held: {} is bad", WHEELS[0]);
    assert_eq!(reason(&case.index, listed, &format!("first\n{named}")), named);
}

#[test]
fn what_is_removed_is_gone_with_its_version() {
    let entries = [
        (entry(WHEELS[0], ""), Removed),
        (entry("left-demo-1.0.0.tar.gz", ""), Removed),
        (entry(WHEELS[1], ""), Removed),
        (entry("left-demo-1.1.tar.gz", ""), Held),
        (entry("left-demo-x.tar.gz", ""), Removed),
    ];
    let case = Case::new(&entries, r#","versions":["1.0","1.0.0","1.1","0.9","x"]"#);
    let json = case.json();
    assert_eq!(json["versions"], json!(["1.1", "0.9", "x"]));
    let names: Vec<&Value> = json["files"].as_array().unwrap().iter().map(|file| &file["filename"]).collect();
    assert_eq!(names, ["left-demo-1.1.tar.gz"]);
    assert!(!case.text(Variant::Html).contains("left_demo-1.1-"));
    let json = Case::new(&[(entry(WHEELS[0], ""), Removed)], "").json();
    assert_eq!((json["files"].clone(), json.get("versions")), (json!([]), None));
}

#[test]
fn what_cannot_be_passed_on_is_not() {
    let twice = entry(WHEELS[0], r#","size":1"#);
    let case = Case::new(&[(twice, Cleared), (entry("right-1.0.tar.gz", ""), Cleared)], r#","versions":["1.0"]"#);
    assert_eq!((case.json()["files"].clone(), case.json()["versions"].clone()), (json!([]), json!([])));
    let quarantined = r#","project-status":{"status":"quarantined","reason":"bad"}"#;
    let json = Case::new(&[(entry(WHEELS[0], ""), Cleared)], quarantined).json();
    assert_eq!(json["files"], json!([]));
    assert_eq!(json["project-status"]["status"], "quarantined");
}

#[test]
fn what_lies_elsewhere_is_not_spoken_of() {
    let others = r#","core-metadata":true,"dist-info-metadata":{"md5":"0"},"gpg-sig":true,"provenance":"https://upstream.example/x""#;
    let elsewhere = r#","alternate-locations":["https://upstream.example/"],"tracks":["https://upstream.example/"]"#;
    let json = Case::new(&[(entry(WHEELS[0], others), Cleared)], elsewhere).json();
    let file = &json["files"][0];
    for key in ["core-metadata", "dist-info-metadata", "gpg-sig"] {
        assert_eq!(file[key], json!(false), "{key}");
    }
    assert_eq!((&file["provenance"], json.get("tracks"), json.get("alternate-locations")), (&Value::Null, None, None));
}

#[test]
fn attestations_are_offered_at_our_address_where_we_know_how_to_ask_for_them() {
    let path = format!("integrity/Left.Demo/1.0/{}/provenance", WHEELS[0]);
    let offered = |url: &str| {
        let entry = entry(WHEELS[0], &format!(r#","provenance":{}"#, json!(url)));
        Case::new(&[(entry, Cleared)], "").json()["files"][0]["provenance"].clone()
    };
    for start in ["https://upstream.example/", "https://user:pw@upstream.example/api/python/", "../../", "/"] {
        assert_eq!(offered(&format!("{start}{path}")), json!(format!("{BASE}/{path}")), "{start}");
    }
    for other in [
        format!("https://upstream.example/{path}?token=secret"),
        format!("https://upstream.example/{path}/"),
        format!("https://upstream.example/x{path}"),
        format!("https://upstream.example/{path}\"secret"),
        format!("https://upstream.example/integrity/left-demo/1.0/{}/provenance", WHEELS[1]),
        "https://upstream.example/integrity/left-demo/../../secret/provenance".to_owned(),
    ] {
        assert_eq!(offered(&other), Value::Null, "{other}");
    }
}

#[test]
fn an_address_that_cannot_be_kept_is_ours_in_its_short_form() {
    let name = "left-demo-1!1.0+a,b.tar.gz";
    let odd = entry(name, "").replace(r"packages/a%20b/", r"packages/%2e%2e/");
    let escaped = entry(name, "").replace("packages/", r"packages\/");
    let case = Case::new(&[(odd, Cleared)], "");
    let expect = format!("{BASE}/files/left-demo/left-demo-1!1.0+a%2Cb.tar.gz");
    assert_eq!(case.json()["files"][0]["url"], json!(expect));
    assert!(case.text(Variant::Html).contains(&format!("<a href=\"{expect}#sha256=")));
    assert_eq!(Case::new(&[(escaped, Cleared)], "").json()["files"][0]["url"], json!(expect));
}

#[test]
fn a_page_can_be_html() {
    let metadata = format!(r#","core-metadata":{{"sha256":"{}"}},"yanked":"<b> & \"caf\u00e9\"\n'x'""#, "b".repeat(64));
    let case = Case::new(
        &[
            (entry(WHEELS[0], &metadata), Cleared),
            (entry("left-demo-1.1.tar.gz", ""), Held),
            (entry(WHEELS[2], ""), Removed),
        ],
        "",
    );
    insta::assert_snapshot!(case.text(Variant::Html).replace(&"a".repeat(64), "A").replace(&"b".repeat(64), "B"), @r#"
    <!DOCTYPE html>
    <html>
    <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="1.0">
    <title>Links for left-demo</title>
    </head>
    <body>
    <h1>Links for left-demo</h1>
    <a href="http://127.0.0.1:4873/mount/files/left-demo/packages/a%20b/left_demo-1.0-py3-none-any.whl#sha256=A" data-requires-python="&gt;=3.8,&lt;4" data-yanked="&lt;b&gt; &amp; &quot;caf&#233;&quot; &#39;x&#39;" data-core-metadata="sha256=B" data-dist-info-metadata="sha256=B">left_demo-1.0-py3-none-any.whl</a><br>
    <a href="http://127.0.0.1:4873/mount/files/left-demo/packages/a%20b/left-demo-1.1.tar.gz#sha256=A" data-requires-python="&gt;=3.8,&lt;4" data-yanked="held by stockade: `left-demo` 1.1 is &quot;5&quot; hours old; policy asks 72 hours">left-demo-1.1.tar.gz</a><br>
    </body>
    </html>
    "#);
}

#[test]
fn a_rope_of_a_long_page_is_light() {
    let entries: Vec<(String, Standing)> =
        (0..1_000).map(|at| (entry(&format!("left-demo-1.{at}.tar.gz"), ""), Cleared)).collect();
    let case = Case::new(&entries, "");
    let steering = Steering { standings: &case.standings, message: MESSAGE, base: BASE, variant: Variant::Full };
    let rope = super::page(&case.index, &steering);
    assert!(rope.weight() < case.document.len() / 2, "{} of {}", rope.weight(), case.document.len());
}
