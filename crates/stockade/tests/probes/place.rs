//! What is planted, and where: the probes read it from their own package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What no probe may get to know.
pub(crate) const SECRET: &str = "stockade-planted-secret";
/// The file in the package that says what is where.
pub(crate) const PLACE: &str = "place.json";
/// The file in the package with the number of the process that started everything.
pub(crate) const SUPERVISOR: &str = "supervisor";
/// The file in the package that is there when the install is over.
pub(crate) const OVER: &str = "over";
/// The first number of a descriptor that is left open: above those that node looks for to close them.
pub(crate) const LEFT_OPEN: i64 = 100;
/// The key in the session's keyring.
pub(crate) const KEY: &str = "stockade-probes";

/// Files that are planted: the path below the world's root, and what is in it.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("home/.ssh/id_rsa", SECRET),
    ("home/.ssh/known_hosts", "# none\n"),
    ("home/.ssh/config", "# none\n"),
    ("home/.ssh/authorized_keys", "# none\n"),
    ("home/.aws/credentials", SECRET),
    ("home/.bashrc", "# start\n"),
    ("home/.profile", "# start\n"),
    ("home/.git-credentials", SECRET),
    ("home/.docker/config.json", SECRET),
    ("home/.kube/config", SECRET),
    ("home/.config/gh/hosts.yml", SECRET),
    ("home/.config/autostart/README", "programs that start with the desktop\n"),
    ("home/.config/systemd/user/README", "services of the user\n"),
    ("home/.bash_history", SECRET),
    ("home/.cache/README", "caches\n"),
    ("home/.npm/_cacache/index-v5/README", "the client's cache\n"),
    ("home/.local/bin/README", "programs of the user\n"),
    ("home/letter.txt", "dear reader\n"),
    ("home/project/.env", SECRET),
    ("home/project/.git/config", "[core]\n"),
    ("home/project/.git/HEAD", "ref: refs/heads/main\n"),
    ("home/project/.git/hooks/README", "hooks\n"),
    ("home/project/.github/workflows/README", "workflows\n"),
    ("home/project/.vscode/README", "settings\n"),
    ("home/project/src/index.js", "module.exports = 0\n"),
    ("home/project/src/notes.txt", "delete me not\n"),
    ("home/project/node_modules/other/package.json", r#"{"name":"other","version":"1.0.0"}"#),
    ("home/project/node_modules/other/index.js", "module.exports = 0\n"),
    ("home/project/node_modules/.bin/README", "shims\n"),
    ("home/project/node_modules/evil/index.js", "module.exports = 0\n"),
    ("work/secret", SECRET),
];

/// Where everything is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The folder that is the world.
    pub(crate) root: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) project: PathBuf,
    /// The package whose hook it is.
    pub(crate) own: PathBuf,
    /// What names outside of the folder begin with.
    pub(crate) tag: String,
    pub(crate) victim: Victim,
    /// Services on loopback, by port.
    pub(crate) stream: u16,
    pub(crate) stream6: u16,
    pub(crate) datagram: u16,
    pub(crate) registry: u16,
    /// Where a probe may listen, and somebody outside tries to connect.
    pub(crate) to_bind: u16,
    /// The machine's network devices but loopback.
    pub(crate) devices: Vec<String>,
    /// The device that the machine's `/etc` is on.
    pub(crate) etc: u64,
}

/// A process of the same user with secrets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Victim {
    pub(crate) pid: i32,
    /// The address of a secret, followed by room to write at each of `SPOTS`.
    pub(crate) memory: i64,
    /// An open file with a secret.
    pub(crate) descriptor: i64,
    /// A segment of shared memory with a secret.
    pub(crate) segment: i32,
    /// A queue of messages with a secret in it, by name.
    pub(crate) queue: String,
}

impl Place {
    pub(crate) fn at(root: &Path) -> Self {
        let home = root.join("home");
        let project = home.join("project");
        let tag = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parent = root.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let tag = format!("{parent}-{tag}");
        Self { root: root.to_owned(), own: project.join("node_modules/evil"), home, project, tag, ..Self::default() }
    }

    /// What the hook reads in its own package, where it is started.
    pub(crate) fn read() -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(PLACE)?)?)
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.home.join(".ssh/id_rsa")
    }

    /// A file of a process.
    pub(crate) fn of_victim(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.victim.pid))
    }

    /// A name in the machine's folder for temporary files, or in that for shared memory.
    pub(crate) fn shared(&self, folder: &str, name: &str) -> PathBuf {
        Path::new(folder).join(format!("{}-{name}", self.tag))
    }

    /// A socket without a path.
    pub(crate) fn nameless(&self, name: &str) -> Vec<u8> {
        format!("\0{}-{name}", self.tag).into_bytes()
    }

    /// The process that started the install, outside.
    pub(crate) fn supervisor(&self) -> io::Result<i64> {
        let number = fs::read_to_string(self.own.join(SUPERVISOR))?;
        number.trim().parse().map_err(io::Error::other)
    }
}
