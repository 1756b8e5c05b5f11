//! Requests a second for what Python's clients ask: a warm gateway beside devpi in front of the same index. And a thousand
//! connections at once.

use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use super::gateway::{Measured, Target, warm};
use super::server::Server;
use super::{median, output, stockade};

/// How often each target is measured; the targets take turns.
const ROUNDS: usize = 3;
/// What pip and uv ask for first.
const JSON: [&str; 1] = ["Accept: application/vnd.pypi.simple.v1+json"];
/// The user of devpi whose the mirror of PyPI is.
const MIRROR_OF: &str = "root";
/// A file of the project `requests`.
const FILE: &str = "requests-2.32.3-py3-none-any.whl";
/// How many connections are held.
const CROWD: &str = "1000";

pub(super) fn run() -> anyhow::Result<()> {
    let program = stockade()?;
    let folder = tempfile::tempdir()?;
    let stockade = Server::stockade_of(&program, folder.path(), "pypi")?;
    let devpi = Server::devpi(folder.path())?;
    let mut targets = Vec::new();
    let theirs = format!("/{MIRROR_OF}/pypi/+simple/requests/");
    for (server, page) in [(&stockade, "/pypi/simple/requests/".to_owned()), (&devpi, theirs)] {
        let file = file_of(server, &page)?;
        targets.push(Target { what: "page of requests", server, path: page, headers: &JSON });
        targets.push(Target { what: "wheel of 65 KB", server, path: file, headers: &[] });
    }
    let mut measured: Vec<Measured> = targets.iter().map(|_| Measured::default()).collect();
    targets.iter().try_for_each(warm)?;
    for _ in 0..ROUNDS {
        for (target, measured) in targets.iter().zip(&mut measured) {
            measured.add(target)?;
        }
    }
    for (target, measured) in targets.iter().zip(&measured) {
        println!("{}", measured.line(target));
    }
    let rate = |at: usize| median(measured[at].rates.clone());
    println!("page: {:.0} times devpi; file: {:.0} times", rate(0) / rate(2), rate(1) / rate(3));
    for target in &targets[..2] {
        let mut crowd = Measured::default();
        crowd.add_with(target, CROWD)?;
        println!("with {CROWD} connections: {}", crowd.line(target));
    }
    Ok(())
}

/// The path of the file, as the page has it.
fn file_of(server: &Server, page: &str) -> anyhow::Result<String> {
    let mut curl = Command::new("curl");
    let text = output(curl.args(["--silent", "--fail", "--location", "-H", JSON[0], &server.url(page)]))?;
    let page_of: Value = serde_json::from_str(&text).context("the page is not JSON")?;
    let files = page_of["files"].as_array().context("the page has no files")?;
    let file = files.iter().find(|file| file["filename"] == FILE).context("the page has no such file")?;
    let address = file["url"].as_str().context("the file has no address")?;
    let base = url::Url::parse(&server.url(page))?;
    Ok(base.join(address)?.path().to_owned())
}
