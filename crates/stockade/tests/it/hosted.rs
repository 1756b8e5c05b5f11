//! A gateway that hosts some names of an ecosystem, and somebody with a token for them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use stockade_testkit::{Guard, NOW, finished};
use tempfile::TempDir;

use crate::serve::wait_until;

pub(crate) struct Hosted {
    root: TempDir,
    ecosystem: &'static str,
    /// The gateway's address.
    pub(crate) url: String,
    /// The token of `alice`, who may publish what is hosted.
    pub(crate) token: String,
    served: Option<Guard>,
}

impl Hosted {
    /// A gateway in front of a registry, with further settings.
    pub(crate) fn new(ecosystem: &'static str, upstream: &str, names: &str, settings: &str) -> Self {
        let root = TempDir::with_prefix("stockade-").unwrap();
        fs::create_dir_all(root.path().join("home")).unwrap();
        let claims = format!("claims = {{ \"{names}\" = \"hosted\" }}");
        let settings =
            format!("listen = \"127.0.0.1:0\"\n[upstream.{ecosystem}]\nurl = \"{upstream}\"\n{claims}\n{settings}");
        fs::write(root.path().join("stockade.toml"), settings).unwrap();
        let (url, token) = (String::new(), String::new());
        let mut hosted = Self { root, ecosystem, url, token, served: None };
        let may = format!("publish:pkg:{ecosystem}/{names}");
        let made = finished(hosted.stockade().args(["token", "create", "alice", "--expires", "30d", "--may", &may]));
        assert!(made.ok(), "{made}");
        made.stdout.trim().clone_into(&mut hosted.token);
        hosted.start();
        hosted
    }

    /// Starts the gateway, again if there was one.
    pub(crate) fn start(&mut self) {
        let noted = self.folder("data/gateway.json");
        let _ = fs::remove_file(&noted);
        let log = fs::File::create(self.folder("serve.log")).unwrap();
        let mut command = self.stockade();
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.served = Some(Guard::spawn(&mut command).unwrap());
        assert!(wait_until(|| noted.exists()), "{}", fs::read_to_string(self.folder("serve.log")).unwrap());
        let noted: serde_json::Value = serde_json::from_slice(&fs::read(&noted).unwrap()).unwrap();
        noted["url"].as_str().unwrap().clone_into(&mut self.url);
    }

    /// Ends the gateway as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(served) = &mut self.served {
            served.kill();
        }
    }

    pub(crate) fn stockade(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command.current_dir(self.root.path()).env("HOME", self.folder("home")).env("USER", "alice");
        command.args(["--now", &NOW.to_string(), "--ecosystem", self.ecosystem]);
        command.arg("--config").arg(self.folder("stockade.toml")).arg("--data").arg(self.folder("data"));
        command
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}
