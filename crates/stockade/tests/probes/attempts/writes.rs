//! Writing what is not the package's: what runs later, for somebody else.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use stockade_testkit::kernel::{at, call};

use crate::outside::Outside;
use crate::place::Place;
use crate::probe::{Probe, mark};
use crate::sys::{open, other, path};

pub(super) const PROBES: &[Probe] = &[
    Probe::writes("W1", "append to ~/.bashrc", &["home/.bashrc"], |place| append(&place.home.join(".bashrc"), "W1")),
    Probe::writes(
        "W2",
        "create .git/hooks/pre-commit",
        &["home/project/.git/hooks/pre-commit", "home/project/.was/hooks/pre-commit"],
        |place| create(&place.project.join(".git/hooks/pre-commit"), "W2"),
    ),
    Probe::writes("W3", "write .git/config", &["home/project/.git/config", "home/project/.was/config"], |place| {
        append(&place.project.join(".git/config"), "W3")
    }),
    Probe::writes("W4", "create .github/workflows/x.yml", &["home/project/.github/workflows/x.yml"], |place| {
        create(&place.project.join(".github/workflows/x.yml"), "W4")
    }),
    Probe::writes("W5", "create .vscode/tasks.json", &["home/project/.vscode/tasks.json"], |place| {
        create(&place.project.join(".vscode/tasks.json"), "W5")
    }),
    Probe::writes("W6", "write package.json", &["home/project/package.json"], |place| {
        append(&place.project.join("package.json"), "W6")
    }),
    Probe::writes("W7", "write package-lock.json", &["home/project/package-lock.json"], |place| {
        append(&place.project.join("package-lock.json"), "W7")
    }),
    Probe::writes("W8", "write src/index.js", &["home/project/src/index.js"], |place| {
        append(&place.project.join("src/index.js"), "W8")
    }),
    Probe::writes("W9", "write another package", &["home/project/node_modules/other/index.js"], |place| {
        append(&place.project.join("node_modules/other/index.js"), "W9")
    }),
    Probe::writes("W10", "write the own package", &["home/project/node_modules/evil/index.js"], |place| {
        append(&place.own.join("index.js"), "W10")
    }),
    Probe::writes("W11", "put another folder in the place of .git", &["home/project/.git/config"], |place| {
        fs::rename(place.project.join(".git"), place.project.join(".was"))?;
        fs::create_dir(place.project.join(".git"))?;
        create(&place.project.join(".git/config"), "W11")
    }),
    Probe::writes("W12", "create .envrc in the project", &["home/project/.envrc"], |place| {
        create(&place.project.join(".envrc"), "W12")
    }),
    Probe::outside(
        "W13",
        "create a file in the machine's /tmp",
        |outside| Outside::holds(&outside.place.shared("/tmp", "W13"), "W13"),
        |place| create(&place.shared("/tmp", "W13"), "W13"),
    ),
    Probe::writes("W14", "write into the client's cache", &["home/.npm/_cacache/index-v5/W14"], |place| {
        create(&place.home.join(".npm/_cacache/index-v5/W14"), "W14")
    }),
    Probe::outside(
        "W15",
        "create a file in the machine's /dev/shm",
        |outside| Outside::holds(&outside.place.shared("/dev/shm", "W15"), "W15"),
        |place| create(&place.shared("/dev/shm", "W15"), "W15"),
    ),
    Probe::writes(
        "W16",
        "create a program that starts with the desktop",
        &["home/.config/autostart/x.desktop"],
        |place| create(&place.home.join(".config/autostart/x.desktop"), "W16"),
    ),
    Probe::writes("W17", "create a service of the user", &["home/.config/systemd/user/x.service"], |place| {
        create(&place.home.join(".config/systemd/user/x.service"), "W17")
    }),
    Probe::writes(
        "W18",
        "put a program before git on the PATH (~/.local/bin)",
        &["home/.local/bin/git-lfs"],
        |place| create(&place.home.join(".local/bin/git-lfs"), "W18"),
    ),
    Probe::writes("W19", "change the client's configuration (~/.npmrc)", &["home/.npmrc"], |place| {
        append(&place.home.join(".npmrc"), "W19")
    }),
    Probe::writes("W20", "add a key to ~/.ssh/authorized_keys", &["home/.ssh/authorized_keys"], |place| {
        append(&place.home.join(".ssh/authorized_keys"), "W20")
    }),
    Probe::inside("W21", "open the system's users for writing (/etc/passwd)", |place| {
        of_the_system(place, "/etc/passwd", libc::O_WRONLY | libc::O_APPEND)
    }),
    Probe::inside("W22", "create a file without a name in /etc (as for /etc/ld.so.preload)", |place| {
        of_the_system(place, "/etc", libc::O_WRONLY | libc::O_TMPFILE)
    }),
    Probe::inside("W23", "create a file without a name in /etc/cron.d", |place| {
        of_the_system(place, "/etc/cron.d", libc::O_WRONLY | libc::O_TMPFILE)
    }),
    Probe::writes("W24", "put a program into node_modules/.bin", &["home/project/node_modules/.bin/tsc"], |place| {
        create(&place.project.join("node_modules/.bin/tsc"), "W24")
    }),
    Probe::writes("W25", "give orders to a coding agent (AGENTS.md)", &["home/project/AGENTS.md"], |place| {
        create(&place.project.join("AGENTS.md"), "W25")
    }),
    Probe::writes(
        "W26",
        "add a module that resolves first (node_modules/…)",
        &["home/project/node_modules/left-demo/index.js"],
        |place| {
            fs::create_dir(place.project.join("node_modules/left-demo"))?;
            create(&place.project.join("node_modules/left-demo/index.js"), "W26")
        },
    ),
    Probe::outside(
        "W27",
        "delete a file of the project",
        |outside| !outside.place.project.join("src/notes.txt").exists(),
        |place| fs::remove_file(place.project.join("src/notes.txt")),
    ),
    Probe::writes("W28", "replace a source file by rename", &["home/project/src/renamed.js"], |place| {
        create(&place.own.join("W28"), "W28")?;
        fs::rename(place.own.join("W28"), place.project.join("src/renamed.js"))
    }),
    Probe::writes(
        "W29",
        "write a source file by a symbolic link in the own folder",
        &["home/project/src/linked.js"],
        |place| {
            symlink(place.project.join("src/linked.js"), place.own.join("W29"))?;
            create(&place.own.join("W29"), "W29")
        },
    ),
    Probe::writes(
        "W30",
        "link the own file into .github/workflows",
        &["home/project/.github/workflows/linked.yml"],
        |place| {
            create(&place.own.join("W30"), "W30")?;
            fs::hard_link(place.own.join("W30"), place.project.join(".github/workflows/linked.yml"))
        },
    ),
    Probe::inside("W31", "open a setting of the kernel for writing (/proc/sys/kernel/core_pattern)", |_| {
        open("/proc/sys/kernel/core_pattern", libc::O_WRONLY).map(drop)
    }),
    Probe::outside(
        "W32",
        "mark a file in the home with an attribute (setxattr)",
        |outside| attribute(&outside.place.home.join("letter.txt")).is_ok(),
        |place| {
            let (file, name) = (path(place.home.join("letter.txt")), path(ATTRIBUTE));
            call(libc::SYS_setxattr, [at(file.as_slice()), at(name.as_slice()), at("1"), 1, 0]).map(drop)
        },
    ),
    Probe::outside(
        "W33",
        "make a socket among the project's sources",
        |outside| outside.place.project.join("src/W33").exists(),
        |place| UnixListener::bind(place.project.join("src/W33")).map(drop),
    ),
    Probe::outside(
        "W34",
        "make a named pipe among the project's sources",
        |outside| outside.place.project.join("src/W34").exists(),
        |place| {
            let pipe = path(place.project.join("src/W34"));
            let mode = libc::S_IFIFO | 0o600;
            call(libc::SYS_mknodat, [libc::AT_FDCWD.into(), at(pipe.as_slice()), mode.into(), 0]).map(drop)
        },
    ),
];

/// An attribute that only a probe sets.
const ATTRIBUTE: &str = "user.stockade-probes";

fn append(file: &Path, id: &str) -> io::Result<()> {
    // What is there stays what it was to its readers: the mark is a comment where comments are.
    OpenOptions::new().append(true).open(file)?.write_all(mark(id).as_bytes())
}

fn create(file: &Path, id: &str) -> io::Result<()> {
    fs::write(file, mark(id))
}

/// Opens something of the machine's, and changes nothing. A copy of a sandbox's own is another device.
fn of_the_system(place: &Place, file: &str, flags: i32) -> io::Result<()> {
    let file = fs::File::from(open(file, flags)?);
    if file.metadata()?.dev() == place.etc { Ok(()) } else { other("it is a copy") }
}

fn attribute(file: &Path) -> io::Result<()> {
    let (file, name) = (path(file), path(ATTRIBUTE));
    call(libc::SYS_getxattr, [at(file.as_slice()), at(name.as_slice()), 0, 0]).map(drop)
}
