use serde_json::json;

use super::*;

fn told(text: &str) -> (Vec<String>, Vec<String>) {
    let indicators = read(text).unwrap();
    (indicators.all.iter().map(|one| format!("{} {}", one.source, one.what)).collect(), indicators.unread)
}

#[test]
fn a_record_has_indicators_in_many_spellings() {
    let digest = "a".repeat(64);
    let record = json!({
        "id": "MAL-1",
        "affected": [{
            "package": {"ecosystem": "npm", "name": "left-demo"}, "versions": ["1.1.0"],
            "database_specific": {"iocs": {"files": [{"paths": ["package/index.js"], "digests": {"sha256": [digest]}}]}},
        }],
        "database_specific": {"iocs": {
            "domains": ["evil.example"], "ips": ["192.0.2.1"], "ip_addresses": ["2001:db8::1"],
            "urls": ["https://evil.example/x"], "hashes": [digest, "md5:d41d8cd98f00b204e9800998ecf8427e"],
            "files": [{"paths": ["/tmp/.demo/run.sh"]}],
        }},
    });
    let (all, unread) = told(&record.to_string());
    let expected = [
        "host:evil.example".to_owned(),
        "file:tmp/.demo/run.sh".to_owned(),
        format!("sha256:{digest}"),
        "md5:d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        "host:2001:db8::1".to_owned(),
        "host:192.0.2.1".to_owned(),
        "string:https://evil.example/x".to_owned(),
        format!("sha256:{digest}"),
        "pkg:npm/left-demo@1.1.0".to_owned(),
    ];
    let mut sorted = (all, expected.map(|one| format!("MAL-1 {one}")).to_vec());
    sorted.0.sort();
    sorted.1.sort();
    assert_eq!(sorted.0, sorted.1);
    assert_eq!(unread, [""; 0]);
}

#[test]
fn what_is_not_understood_is_said() {
    let record = json!({
        "id": "MAL-2",
        "affected": [
            {"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]},
            {"package": {"ecosystem": "Elsewhere", "name": "a"}, "versions": ["1"]},
        ],
        "database_specific": {"iocs": {"domains": ["evil", 1], "wallets": ["x"], "files": [{"size": 1}], "hashes": [1, "ab"]}},
    });
    let (all, unread) = told(&record.to_string());
    assert_eq!((all.len(), unread.len()), (0, 8), "{unread:?}");
}

#[test]
fn records_are_one_or_a_list_or_lines() {
    let record = |id: &str| json!({"id": id, "database_specific": {"iocs": {"domains": ["evil.example"]}}}).to_string();
    assert_eq!(told(&format!("[{},{}]", record("A"), record("B"))).0.len(), 2);
    assert_eq!(told(&format!("{}\n{}\n", record("A"), record("B"))).0.len(), 2);
    assert!(read("{\"id\": ").is_err());
}
