//! A `stockade serve` of its own, with a data folder that outlives it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use stockade_testkit::{Guard, Output, finished};

use crate::stockade;

const PATIENCE: Duration = Duration::from_secs(20);
const BEAT: Duration = Duration::from_millis(10);

/// Where a gateway has its settings and its data.
pub(crate) struct Home {
    root: PathBuf,
    ecosystem: String,
}

impl Home {
    /// A gateway's home in this folder, for one upstream. Names like `hosted` are published there.
    pub(crate) fn new(root: &Path, ecosystem: &str, upstream: &str, hosted: &str) -> Self {
        fs::create_dir_all(root.join("data/advisories")).unwrap();
        let claims = format!("claims = {{ \"{hosted}\" = \"hosted\" }}");
        let settings = format!("[upstream.{ecosystem}]\nurl = \"{upstream}\"\n{claims}\n");
        fs::write(root.join("stockade.toml"), settings).unwrap();
        Self { root: root.to_path_buf(), ecosystem: ecosystem.to_owned() }
    }

    /// Puts a record where advisories are looked for.
    pub(crate) fn advise(&self, name: &str, record: &Value) {
        fs::write(self.root.join("data/advisories").join(name), record.to_string()).unwrap();
    }

    /// There is no client on its PATH: the settings say where packages come from.
    fn command(&self, now: Timestamp) -> Command {
        let mut command = Command::new(stockade());
        command.current_dir(&self.root).env_clear().env("PATH", &self.root).env("HOME", &self.root);
        command.envs(std::env::var_os("TMPDIR").map(|folder| ("TMPDIR", folder)));
        command.args(["--now", &now.to_string(), "--ecosystem", &self.ecosystem]);
        command.arg("--config").arg(self.root.join("stockade.toml")).arg("--data").arg(self.root.join("data"));
        command
    }

    /// A token of `alice`, who may publish everything here.
    pub(crate) fn token(&self, now: Timestamp) -> String {
        let may = format!("publish:pkg:{}/*", self.ecosystem);
        let output = finished(self.command(now).args(["token", "create", "alice", "--expires", "30d", "--may", &may]));
        assert!(output.ok(), "{output}");
        output.stdout.trim().to_owned()
    }

    /// What a person does beside it.
    pub(crate) fn run(&self, now: Timestamp, arguments: &[&str]) -> Output {
        let output = finished(self.command(now).args(arguments).args(["--by", "alice"]));
        assert!(output.ok(), "stockade {arguments:?}: {output}");
        output
    }

    /// Serves, and tells clients that it is at `public`.
    pub(crate) fn serve(&self, now: Timestamp, public: SocketAddr) -> Gateway {
        let noted = self.root.join("data/gateway.json");
        let _ = fs::remove_file(&noted);
        let log = self.root.join("serve.log");
        let mut command = self.command(now);
        command.args(["serve", "--listen", "127.0.0.1:0", "--public-url", &format!("http://{public}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let guard = Guard::spawn(&mut command).unwrap();
        let start = Instant::now();
        while !noted.exists() {
            assert!(start.elapsed() < PATIENCE, "{}", fs::read_to_string(&log).unwrap_or_default());
            sleep(BEAT);
        }
        Gateway { guard, address: listening(&fs::read_to_string(&noted).unwrap()) }
    }
}

/// A gateway that is running.
pub(crate) struct Gateway {
    guard: Guard,
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// Does something that it has to notice, and waits until it has.
    pub(crate) fn noticing(&self, change: impl FnOnce()) {
        let before = self.epoch();
        change();
        let start = Instant::now();
        while self.epoch() == before {
            assert!(start.elapsed() < PATIENCE, "the gateway does not notice");
            sleep(BEAT);
        }
    }

    fn epoch(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let request = format!("GET /api/v1/status HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let status: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        status["epoch"].as_str().unwrap().to_owned()
    }

    /// Ends it as a person would.
    pub(crate) fn stop(mut self) {
        self.guard.signal("TERM");
        self.guard.wait(PATIENCE);
    }
}

fn listening(noted: &str) -> SocketAddr {
    let noted: Value = serde_json::from_str(noted).unwrap();
    noted["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}
