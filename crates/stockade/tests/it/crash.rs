//! What is left when the gateway is killed at any moment: nothing that was acknowledged is lost, nothing half is kept.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use stockade_testkit::{Fault, Package, Stall};

use crate::serve::serve;
use crate::world::World;

const TARBALL: &str = "/left-demo/-/left-demo-1.0.9.tgz";
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the gateway is killed, each time a little later.
const KILLS: u64 = 6;
/// How many packages are asked for meanwhile.
const PACKAGES: usize = 40;

/// The body of an answer with status 200; `None` for any other, and where nobody answers to the end.
fn get(url: &str, path: &str) -> Option<Vec<u8>> {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /npm{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length: usize =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or_default();
    let body = answer.split_off(end + 4);
    (head.starts_with("http/1.1 200") && body.len() == length).then_some(body)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_download_that_was_cut_by_a_kill_is_as_if_it_had_not_begun() {
    let Some(world) = World::or_skip() else { return };
    world.registry.fault(TARBALL, Fault::Hang(Stall::MidBody));
    let mut served = serve(&world, &["--listen", "127.0.0.1:0"]);
    thread::scope(|scope| {
        let url = served.url.clone();
        let asking = scope.spawn(move || get(&url, TARBALL));
        assert!(world.registry.wait_for(TARBALL, 1, PATIENCE));
        served.guard.kill();
        assert_eq!(asking.join().unwrap(), None, "the client does not take it for the whole");
    });
    assert!(files(&world.data().join("objects")).is_empty());
    world.registry.clear_faults();
    let served = serve(&world, &["--listen", "127.0.0.1:0"]);
    assert_eq!(get(&served.url, TARBALL), Some(Package::new("left-demo").release("1.0.9").tarball()));
    assert!(world.stockade(["log", "verify"]).ok());
}

#[test]
fn whenever_it_is_killed_what_was_acknowledged_is_there_and_whole() {
    let Some(world) = World::or_skip() else { return };
    let packages: Vec<_> =
        (0..PACKAGES).map(|number| Package::new(format!("demo-{number}")).release("1.0.0")).collect();
    world.registry.publish_all(&packages);
    let path = |number: usize| format!("/demo-{number}/-/demo-{number}-1.0.0.tgz");
    let mut given: Vec<usize> = Vec::new();
    for kill in 0..KILLS {
        let mut served = serve(&world, &["--listen", "127.0.0.1:0"]);
        thread::scope(|scope| {
            let url = served.url.clone();
            let asking = scope.spawn(move || {
                let numbers = (0..PACKAGES).filter(|number| get(&url, &path(*number)).is_some());
                numbers.collect::<Vec<_>>()
            });
            let reason = format!("round {kill}");
            let acknowledged = world.stockade(["deny", "pkg:npm/left-demo@1.0.9", "--reason", &reason]);
            assert!(acknowledged.ok(), "{acknowledged}");
            thread::sleep(Duration::from_millis(20 * kill));
            served.guard.kill();
            given.extend(asking.join().unwrap());
        });
    }
    let verified = world.stockade(["log", "verify"]);
    assert!(verified.ok(), "{verified}");
    let entries = world.json(["log", "show", "-n", "100000"]).to_string();
    for kill in 0..KILLS {
        assert!(entries.contains(&format!("round {kill}")), "a decision that was acknowledged is in the log");
    }
    given.sort_unstable();
    given.dedup();
    assert!(!given.is_empty());
    for number in given {
        let about = format!("\"name\":\"demo-{number}\"");
        assert!(entries.contains(&about), "who was given demo-{number} is in the log");
    }
    for file in files(&world.data().join("objects")) {
        let digest = stockade_model::Digest::of(&fs::read(&file).unwrap()).hex();
        let name = format!("{}{}", parent(&file), file.file_name().unwrap().to_string_lossy());
        assert_eq!(digest, name, "what has a name is whole");
    }
}

fn parent(file: &Path) -> String {
    file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}
