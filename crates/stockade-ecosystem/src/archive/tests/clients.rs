//! What real programs pack, where they are installed.

use std::process::{Command, Stdio};

use super::*;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test of what a real client packs")]
fn what_npm_packs_is_unpacked() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let manifest = r#"{"name":"left-demo","version":"1.0.0","scripts":{"postinstall":"node b.js"},"bin":"b.js"}"#;
    std::fs::write(folder.path().join("package.json"), manifest).unwrap();
    std::fs::write(folder.path().join("index.js"), "1").unwrap();
    std::fs::write(folder.path().join("b.js"), "2").unwrap();
    let mut npm = Command::new("npm");
    npm.args(["pack", "--ignore-scripts", "--silent", "--offline"]).current_dir(folder.path());
    npm.env("npm_config_cache", cache.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(status) = npm.status() else {
        println!("skipped: npm is not installed");
        return;
    };
    assert!(status.success());
    let bytes = std::fs::read(folder.path().join("left-demo-1.0.0.tgz")).unwrap();
    let tree = open_any("left-demo-1.0.0.tgz", bytes.into());
    let mut paths: Vec<_> = tree.members.iter().map(|member| member.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!((paths, details(&tree)), (vec!["b.js", "index.js", "package.json"], vec![]));
    let names: Vec<_> = tree.starts.iter().map(|start| start.name.as_str()).collect();
    assert_eq!(names, ["postinstall", "main", "bin left-demo"]);
}
