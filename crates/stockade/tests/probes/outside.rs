//! The world that is attacked, as somebody outside of the sandbox makes it and sees it.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::spawn;

use serde_json::json;
use stockade_testkit::kernel::{at, at_mut, call, opened};

use crate::place::{FILES, PLACE, Place, SECRET, Victim};
use crate::probe::{Probe, Said, Seen, mark};
use crate::services::{self, Got};
use crate::sys::{number, path};

/// The folders in which names of others are, too.
pub(crate) const SHARED: [&str; 2] = ["/tmp", "/dev/shm"];

/// A world with a victim and services in it. It goes when it is dropped.
pub(crate) struct Outside {
    pub(crate) place: Place,
    got: Got,
    victim: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What the victim has where probes may write.
    spots: Vec<String>,
    pub(crate) terminal: OwnedFd,
}

impl Outside {
    /// Plants everything into a folder that is there.
    pub(crate) fn plant(root: &Path) -> io::Result<Self> {
        let mut place = Place::at(root);
        plant_files(&place)?;
        let got = services::plant(&mut place)?;
        plant_package(&place)?;
        let (mut victim, asks, mut answers) = victim(&place)?;
        let mut hello = String::new();
        answers.read_line(&mut hello)?;
        let Ok(planted) = serde_json::from_str::<Victim>(&hello) else {
            victim.kill()?;
            return Err(io::Error::other(format!("the victim could not be planted: {hello}")));
        };
        place.victim = planted;
        let terminal = terminal(&got)?;
        place.devices = devices();
        place.etc = fs::metadata("/etc")?.dev();
        fs::write(place.own.join(PLACE), serde_json::to_vec(&place)?)?;
        Ok(Self { place, got, victim, asks, answers, spots: Vec::new(), terminal })
    }

    /// Asks the victim what has been done to it.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        writeln!(self.asks, "?")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        self.spots = serde_json::from_str(&line)?;
        Ok(())
    }

    /// Whether a probe has had an effect.
    pub(crate) fn effect(&self, probe: &Probe, said: &Said) -> bool {
        match probe.seen {
            Seen::Inside => *said == Said::Worked,
            Seen::Arrives => self.got.has(&mark(probe.id)),
            Seen::Written(paths) => paths.iter().any(|path| Self::holds(&self.place.root.join(path), probe.id)),
            Seen::Outside(look) => look(self),
        }
    }

    /// Whether a service got this.
    pub(crate) fn got(&self, what: &str) -> bool {
        self.got.has(what)
    }

    /// Whether a file has the mark of a probe.
    pub(crate) fn holds(file: &Path, id: &str) -> bool {
        fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&mark(id)))
    }

    /// Whether the victim has the mark of a probe in its memory.
    pub(crate) fn is_marked(&self, id: &str) -> bool {
        self.spots.iter().any(|spot| spot.contains(&mark(id)))
    }

    /// Whether a signal waits for the victim.
    pub(crate) fn is_signalled(&self, signal: i32) -> bool {
        let bit = 1_u64 << (signal - 1);
        let masks = ["SigPnd", "ShdPnd"].into_iter().filter_map(|field| self.status(field));
        masks.filter_map(|mask| u64::from_str_radix(&mask, 16).ok()).any(|mask| mask & bit != 0)
    }

    /// A field of the victim's status.
    pub(crate) fn status(&self, field: &str) -> Option<String> {
        let status = fs::read_to_string(self.place.of_victim("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// A file of the victim's in `/proc`.
    pub(crate) fn of_victim(&self, file: &str) -> String {
        fs::read_to_string(self.place.of_victim(file)).unwrap_or_default()
    }

    pub(crate) fn mode(&self, file: &str) -> u32 {
        fs::metadata(self.place.root.join(file)).map_or(0, |metadata| metadata.permissions().mode() & 0o777)
    }

    pub(crate) fn modified(&self, file: &str) -> i64 {
        fs::metadata(self.place.root.join(file)).map_or(0, |metadata| metadata.mtime())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = call(libc::SYS_mq_unlink, [at(path(&self.place.victim.queue).as_slice())]);
        for name in ["secret", "W13", "W15"] {
            for folder in SHARED {
                let _ = fs::remove_file(self.place.shared(folder, name));
            }
        }
    }
}

fn plant_files(place: &Place) -> io::Result<()> {
    for (path, content) in FILES {
        write(&place.root.join(path), content.as_bytes())?;
    }
    fs::set_permissions(place.root.join("home/.ssh/known_hosts"), fs::Permissions::from_mode(0o600))?;
    for folder in SHARED {
        write(&place.shared(folder, "secret"), SECRET.as_bytes())?;
    }
    // A program of the user's.
    fs::create_dir_all(place.home.join("bin"))?;
    fs::copy("/bin/true", place.home.join("bin/tool")).map(drop)
}

/// The project, and the package in it that is evil.
fn plant_package(place: &Place) -> io::Result<()> {
    let project = json!({
        "name": "project", "version": "1.0.0",
        "dependencies": {"evil": "1.0.0", "other": "1.0.0"},
        "allowScripts": {"evil": true},
    });
    let lock = json!({
        "name": "project", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
        "packages": {
            "": {"name": "project", "version": "1.0.0", "dependencies": {"evil": "1.0.0", "other": "1.0.0"}},
            "node_modules/evil": {"version": "1.0.0", "hasInstallScript": true},
            "node_modules/other": {"version": "1.0.0"},
        },
    });
    let evil = json!({"name": "evil", "version": "1.0.0", "scripts": {"postinstall": "./probe run"}});
    for (file, content) in [("package.json", &project), ("package-lock.json", &lock)] {
        write(&place.project.join(file), format!("{content:#}\n").as_bytes())?;
    }
    write(&place.own.join("package.json"), evil.to_string().as_bytes())?;
    let npmrc = format!("registry=http://127.0.0.1:{0}/\n//127.0.0.1:{0}/:_authToken={SECRET}\n", place.registry);
    write(&place.home.join(".npmrc"), npmrc.as_bytes())?;
    fs::copy(std::env::current_exe()?, place.own.join("probe")).map(drop)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, content)
}

fn victim(place: &Place) -> io::Result<(Child, ChildStdin, BufReader<ChildStdout>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("victim").env_clear().env("TOKEN", SECRET).current_dir(place.home.join(".ssh"));
    let mut victim = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (asks, answers) = (victim.stdin.take(), victim.stdout.take());
    let pipes = asks.zip(answers).ok_or_else(|| io::Error::other("no pipes"))?;
    Ok((victim, pipes.0, BufReader::new(pipes.1)))
}

/// A terminal; what appears on its screen is written down with what the services got. This is its keyboard's end.
fn terminal(got: &Got) -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let screen = crate::sys::open("/dev/ptmx", flags)?;
    let mut unlocked = 0_i32;
    call(libc::SYS_ioctl, [number(&screen), libc::TIOCSPTLCK.cast_signed(), at_mut(&mut unlocked)])?;
    let peer = opened(libc::SYS_ioctl, [number(&screen), libc::TIOCGPTPEER.cast_signed(), flags.into()])?;
    debug_assert!(peer.as_raw_fd() > 0);
    let got = got.clone();
    spawn(move || {
        let mut screen = fs::File::from(screen);
        let mut buffer = [0; 256];
        while let Ok(read @ 1..) = screen.read(&mut buffer) {
            got.add(&buffer[..read]);
        }
    });
    Ok(peer)
}

fn devices() -> Vec<String> {
    let names = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "lo").collect()
}

/// A program on the PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
