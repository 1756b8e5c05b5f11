//! The attempts, and the worlds in which they are made.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{group, hooks};
use stockade_sandbox::sandbox::{Ends, Plan, Sandbox, Watched};

/// How long a connection may take that comes or does not.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// A port at which the sandbox's network ends.
pub(super) const PORT: u16 = 4873;
/// What a file has that a shell reads when it starts.
const START_UP: &str = "# empty";
/// The variable that says who is around.
const AROUND: &str = "AROUND";
/// What no attempt may get.
const SECRET: &str = "do not read me";

pub(super) fn main() {
    let (words, environment): (Vec<_>, Vec<_>) = (std::env::args_os().collect(), std::env::vars_os().collect());
    if let Some((code, why)) = stockade_sandbox::sandbox::errand(&words, &environment) {
        println!("{why}");
        std::process::exit(code);
    }
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match *words {
        ["launch", socket, tier] => {
            std::process::exit(stockade_sandbox::sandbox::launch(socket.parse().unwrap(), tier))
        }
        ["attempt", name, place] => {
            let (_, attempt) = ATTEMPTS
                .iter()
                .chain(NEEDS)
                .chain(hooks::ATTEMPTS)
                .chain(hooks::NEEDS)
                .find(|(known, _)| *known == name)
                .unwrap();
            let outcome = attempt(&Place::at(Path::new(place)));
            println!("{outcome:?}");
            std::process::exit(i32::from(outcome.is_err()));
        }
        ["attempt-in", group, name, stream, datagram] => {
            std::process::exit(group::attempt(group, name, stream, datagram))
        }
        _ => check_all(),
    }
}

/// Files that the test has made, a home with secrets and a project in it; and what runs around.
pub(super) struct Place {
    pub(super) root: PathBuf,
    home: PathBuf,
    pub(super) project: PathBuf,
    victim: i32,
    stream: u16,
    datagram: u16,
}

impl Place {
    fn at(root: &Path) -> Self {
        let (home, around) = (root.join("home"), std::env::var(AROUND).unwrap_or_default());
        let mut numbers = around.split(' ');
        let mut next = || numbers.next().and_then(|number| number.parse::<i32>().ok()).unwrap_or_default();
        let (victim, stream, datagram) = (next(), next(), next());
        let port = |number: i32| u16::try_from(number).unwrap_or_default();
        let (stream, datagram) = (port(stream), port(datagram));
        Self { root: root.to_owned(), project: home.join("project"), home, victim, stream, datagram }
    }

    fn make() -> (tempfile::TempDir, Self) {
        let folder = tempfile::Builder::new().prefix("attempts").tempdir_in("/var/tmp").unwrap();
        let place = Self::at(&folder.path().canonicalize().unwrap());
        for (path, content) in [
            ("home/.ssh/id_rsa", SECRET),
            ("home/.npmrc", SECRET),
            ("home/.bashrc", START_UP),
            ("work", SECRET),
            ("home/project/.env", SECRET),
            ("home/project/.git/config", "[core]"),
            ("home/project/.git/hooks/README", "hooks"),
            ("home/project/package.json", "{}"),
            ("home/project/src/index.js", "0"),
        ] {
            let path = place.root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        (folder, place)
    }

    fn around(&self) -> String {
        format!("{} {} {}", self.victim, self.stream, self.datagram)
    }

    pub(super) fn plan(&self, arguments: &[&str]) -> Plan {
        let program = std::env::current_exe().unwrap();
        Plan {
            program: program.clone().into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), (AROUND.into(), self.around().into())],
            folder: self.project.clone(),
            read: vec![program],
            write: vec![self.project.clone()],
            keep: vec![self.project.join(".git"), self.project.join("package.json")],
            hide: vec![self.project.join(".env")],
            blank: vec![self.home.clone()],
            ports: vec![PORT],
            ..Plan::default()
        }
    }
}

pub(super) type Attempt = fn(&Place) -> io::Result<()>;

/// What malicious releases have tried, and what gets out of weaker sandboxes.
const ATTEMPTS: &[(&str, Attempt)] = &[
    ("read a key", |place| secret(&place.home.join(".ssh/id_rsa"))),
    ("read a token", |place| secret(&place.home.join(".npmrc"))),
    ("read the project's secrets", |place| secret(&place.project.join(".env"))),
    ("read a key by way of a link", |place| {
        let link = place.project.join("link");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(place.home.join(".ssh/id_rsa"), &link)?;
        secret(&link)
    }),
    ("link a key", |place| {
        let link = place.project.join("hard");
        let _ = fs::remove_file(&link);
        fs::hard_link(place.home.join(".ssh/id_rsa"), link)
    }),
    ("read a key through another process", |place| {
        secret(Path::new(&format!("/proc/{}/root{}/.ssh/id_rsa", place.victim, place.home.display())))
    }),
    ("change a key's rights", |place| {
        fs::set_permissions(place.home.join(".ssh/id_rsa"), fs::Permissions::from_mode(0o600))
    }),
    ("read what another program is working on", |place| secret(&place.root.join("work"))),
    ("see the keys' dates", |place| fs::metadata(place.home.join(".ssh/id_rsa")).map(drop)),
    ("write a hook of git", |place| fs::write(place.project.join(".git/hooks/pre-commit"), "")),
    ("write settings of git", |place| fs::write(place.project.join(".git/config"), "[core]")),
    ("write the manifest", |place| fs::write(place.project.join("package.json"), "{}")),
    ("put another tree in git's place", |place| {
        fs::rename(place.project.join(".git"), place.project.join("was"))?;
        fs::rename(place.project.join("was"), place.project.join(".git"))
    }),
    ("read the environment of another process", |place| {
        fs::read(format!("/proc/{}/environ", place.victim)).and_then(|read| {
            let text = String::from_utf8_lossy(&read).into_owned();
            text.contains(SECRET).then_some(()).ok_or_else(|| io::Error::other("it is another process"))
        })
    }),
    ("signal another process", |place| call(rustix::process::test_kill_process(pid(place.victim)?))),
    ("see another process", |place| {
        let name = fs::read_to_string(format!("/proc/{}/cmdline", place.victim))?;
        name.contains("sleep").then_some(()).ok_or_else(|| io::Error::other("it is another process"))
    }),
    ("trace another process", |place| ptrace(place.victim)),
    ("make a namespace", |_| raw(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUSER), 0, 0])),
    ("set up a ring of input and output", |_| {
        let parameters = [0_u8; 120];
        raw(libc::SYS_io_uring_setup, [1, parameters.as_ptr() as i64, 0])
    }),
    ("read a keyring", |_| raw(libc::SYS_keyctl, [0, -3, 1])),
    ("hide a program in memory", |_| raw(libc::SYS_memfd_create, [c"x".as_ptr() as i64, 0, 0])),
    ("connect to a service of the machine", |place| talk((Ipv4Addr::LOCALHOST, place.stream).into())),
    ("send a datagram to a service of the machine", |place| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((Ipv4Addr::LOCALHOST, place.datagram))?;
        socket.send(b"?")?;
        socket.recv(&mut [0]).map(drop)
    }),
    ("talk to an agent", |place| UnixStream::connect(place.root.join("agent")).map(drop)),
    ("send a datagram to an agent", |place| {
        UnixDatagram::unbound()?.send_to(b"?", place.root.join("logger")).map(drop)
    }),
    ("see an environment variable", |_| {
        std::env::var("SECRET_TOKEN").map(drop).map_err(|error| io::Error::other(error.to_string()))
    }),
    ("use a descriptor that was left open", |_| {
        let is_secret = |number: &u32| secret(Path::new(&format!("/proc/self/fd/{number}"))).is_ok();
        (3..64).find(is_secret).map(drop).ok_or_else(|| io::Error::other("there is none"))
    }),
];

/// What a program has to be able to do, and can only do in a sandbox where that is said.
const NEEDS: &[(&str, Attempt)] = &[
    ("reach the gateway, whatever its address", |_| {
        talk(([192, 0, 2, 1], PORT).into())?;
        talk("[2001:db8::1]:4873".parse().unwrap())
    }),
    ("ask for a name", |_| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 2), 53))?;
        socket.send(b"?")?;
        socket.recv(&mut [0]).map(drop)
    }),
    ("write into the project", |place| fs::write(place.project.join("new"), "")),
    ("write into its home", |place| fs::write(place.home.join(".cache"), "")),
    ("write a start-up file of its shell", |place| fs::write(place.home.join(".bashrc"), "changed")),
    ("write temporary files", |_| {
        fs::write("/tmp/new", "")?;
        fs::write("/var/tmp/new", "")?;
        fs::write("/dev/shm/new", "")
    }),
    ("read the manifest", |place| fs::read(place.project.join("package.json")).map(drop)),
    ("throw something away", |_| fs::write("/dev/null", "x")),
    ("run a shell and a pipe", |_| {
        let output = Command::new("sh").args(["-c", "echo one | cat; exit 3"]).output()?;
        let right = output.stdout == b"one\n" && output.status.code() == Some(3);
        right.then_some(()).ok_or_else(|| io::Error::other(format!("{output:?}")))
    }),
    ("serve itself", |_| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        listener.accept()?;
        drop(client);
        Ok(())
    }),
    ("talk to its own processes", |place| {
        let path = place.project.join("socket");
        let _ = fs::remove_file(&path);
        let _listener = UnixListener::bind(&path)?;
        UnixStream::connect(path).map(drop)
    }),
    ("have threads", |_| std::thread::Builder::new().spawn(|| ())?.join().map_err(|_| io::Error::other("it panicked"))),
];

fn secret(path: &Path) -> io::Result<()> {
    right(&fs::read_to_string(path)?)
}

fn right(text: &str) -> io::Result<()> {
    if text == SECRET { Ok(()) } else { Err(io::Error::other("something else is there")) }
}

pub(super) fn pid(number: i32) -> io::Result<rustix::process::Pid> {
    rustix::process::Pid::from_raw(number).ok_or_else(|| io::Error::other("no process"))
}

pub(super) fn call(outcome: rustix::io::Result<()>) -> io::Result<()> {
    Ok(outcome?)
}

pub(super) fn talk(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut said = [0; SECRET.len()];
    stream.read_exact(&mut said)?;
    right(&String::from_utf8_lossy(&said))
}

#[expect(unsafe_code, reason = "what is tried is a system call")]
pub(super) fn raw(number: libc::c_long, arguments: [i64; 3]) -> io::Result<()> {
    let [one, two, three] = arguments;
    // SAFETY: each argument is what the call takes there: a number, or memory that lives as long as the call.
    let result = unsafe { libc::syscall(number, one, two, three) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "what is tried is a system call")]
fn ptrace(victim: i32) -> io::Result<()> {
    // SAFETY: seizing a process does not touch the memory of this one.
    let result = unsafe { libc::ptrace(libc::PTRACE_SEIZE, victim, 0, 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The machine around the sandbox: a process with a secret, and services.
struct Around {
    victim: std::process::Child,
    _agents: (UnixListener, UnixDatagram),
    _open: std::os::fd::OwnedFd,
}

impl Around {
    fn of(place: &mut Place) -> Self {
        let victim = Command::new("sleep").arg("600").env("SECRET", SECRET).spawn().unwrap();
        place.victim = victim.id().try_into().unwrap();
        let stream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        place.stream = stream.local_addr().unwrap().port();
        std::thread::spawn(move || tell_secrets(&stream, |_| true));
        let datagram = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        place.datagram = datagram.local_addr().unwrap().port();
        std::thread::spawn(move || echo(&datagram));
        let agents = (
            UnixListener::bind(place.root.join("agent")).unwrap(),
            UnixDatagram::bind(place.root.join("logger")).unwrap(),
        );
        let file = fs::File::open(place.home.join(".npmrc")).unwrap();
        // Without the flag that closes it when a program is started.
        let open = rustix::io::dup(&file).unwrap();
        Self { victim, _agents: agents, _open: open }
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

fn tell_secrets(listener: &TcpListener, is_for_us: impl Fn(SocketAddr) -> bool) {
    while let Ok((mut stream, from)) = listener.accept() {
        if is_for_us(from) {
            let _ = stream.write_all(SECRET.as_bytes());
        }
    }
}

fn echo(socket: &UdpSocket) {
    let mut said = [0; 16];
    while let Ok((read, from)) = socket.recv_from(&mut said) {
        let _ = socket.send_to(&said[..read], from);
    }
}

fn check_all() {
    let (_folder, mut place) = Place::make();
    let _around = Around::of(&mut place);
    if let Err(why) = inside(&place, NEEDS[0].0) {
        println!("skipped: there is no jail on this system: {why}");
        return;
    }
    let mut wrong = Vec::new();
    for (name, _) in ATTEMPTS {
        let (ok, said) = bare(&place, name);
        if !ok {
            wrong.push(format!("bare, `{name}` has to succeed, or it proves nothing: {said}"));
        }
        let (ok, said) = inside(&place, name).unwrap();
        if ok {
            wrong.push(format!("in a sandbox, `{name}` has to fail: {said}"));
        }
        println!("{name}: {}", said.trim());
    }
    for (name, _) in NEEDS {
        let (ok, said) = inside(&place, name).unwrap();
        if !ok {
            wrong.push(format!("in a sandbox, `{name}` has to succeed: {said}"));
        }
    }
    let left: Vec<_> = ["new", "socket"].into_iter().filter(|name| place.project.join(name).exists()).collect();
    assert_eq!(left, ["new", "socket"], "what is written into the project stays");
    assert!(!place.home.join(".cache").exists(), "what is written into the home does not");
    assert_eq!(fs::read_to_string(place.home.join(".bashrc")).unwrap(), START_UP, "the home is as it was");
    codes(&place);
    check_plain(&place, &mut wrong);
    hooks::check(&place, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("in a sandbox: {} attempts failed as they should, {} needs are met", ATTEMPTS.len(), NEEDS.len());
    group::check(&place);
    as_nobody(&place);
}

/// The same without any privilege, if this is root.
fn as_nobody(place: &Place) {
    if !rustix::process::getuid().is_root() {
        return;
    }
    // The program is where everybody may read it; so is the folder that it lies in.
    let program = place.root.join("attempts");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&place.root, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]).arg(&program);
    match command.current_dir("/var/tmp").output() {
        Err(error) => println!("skipped: it could not be tried as nobody: {error}"),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "as nobody: {said}{}", String::from_utf8_lossy(&output.stderr));
            println!("as nobody: {}", said.lines().last().unwrap_or_default());
        }
    }
}

fn bare(place: &Place, name: &str) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("attempt").arg(name).arg(&place.root).current_dir(&place.project);
    command.env("SECRET_TOKEN", SECRET).env(AROUND, place.around());
    said(command.stdout(Stdio::piped()).spawn().unwrap())
}

fn inside(place: &Place, name: &str) -> Result<(bool, String), String> {
    let root = place.root.display().to_string();
    let child = start(&place.plan(&["attempt", name, &root]))?;
    Ok(said(child))
}

/// The same without namespaces.
fn plain(place: &Place, name: &str) -> Result<(bool, String), String> {
    let root = place.root.display().to_string();
    let private = tempfile::Builder::new().prefix("private").tempdir_in(&place.root).unwrap();
    let plan = place.plan(&["attempt", name, &root]).without_namespaces(private.path()).unwrap();
    Ok(said(start(&plan)?))
}

/// What cannot be kept from a program without namespaces, and why.
const SEEN_WITHOUT: [(&str, &str); 3] = [
    ("change a key's rights", "Landlock knows of no rights to change rights"),
    ("see the keys' dates", "Landlock knows of no right to see what is there"),
    ("see another process", "without a namespace for processes, all are listed; what is in them stays closed"),
];

/// Needs that are not met without namespaces.
const UNMET_WITHOUT: [(&str, &str); 6] = [
    ("ask for a name", "what is sent without a connection cannot be watched; names are asked for over streams"),
    ("write into the project", "in a folder that has something protected, nothing new is made"),
    ("write into its home", "`HOME` names another one"),
    ("write a start-up file of its shell", "`HOME` names another one"),
    ("write temporary files", "the machine's folders are everybody's; `TMPDIR` names another"),
    ("talk to its own processes", "the socket would be something new at the top of the project"),
];

fn check_plain(place: &Place, wrong: &mut Vec<String>) {
    // What was made before would be the project's own.
    for left in ["new", "socket", "link", "hard", "left"] {
        let _ = fs::remove_file(place.project.join(left));
    }
    for (name, _) in ATTEMPTS {
        let (ok, said) = plain(place, name).unwrap();
        if ok != SEEN_WITHOUT.iter().any(|(seen, _)| seen == name) {
            wrong.push(format!("without namespaces, `{name}`: {said}"));
        }
    }
    for (name, _) in NEEDS {
        let (ok, said) = plain(place, name).unwrap();
        if ok == UNMET_WITHOUT.iter().any(|(unmet, _)| unmet == name) {
            wrong.push(format!("without namespaces, `{name}` is needed: {said}"));
        }
    }
}

pub(super) fn said(child: std::process::Child) -> (bool, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn start(plan: &Plan) -> Result<std::process::Child, String> {
    start_watched(plan, Watched { tell: Box::new(|_| ()), names: None, hook: None, hooks_stay: false })
}

/// Starts a program in a sandbox whose network ends at a service that tells secrets.
pub(super) fn start_watched(plan: &Plan, watched: Watched) -> Result<std::process::Child, String> {
    let sandbox = Sandbox::new(plan.tier).unwrap();
    let mut command = sandbox.command(&std::env::current_exe().unwrap(), &["launch"]).unwrap();
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let entered = sandbox.enter(plan, watched, false).map_err(|error| {
        child.wait().unwrap();
        error.to_string()
    });
    let Ends { streams, names, to } = entered?.ends;
    for stream in streams {
        let to = to.clone();
        let is_for_us = move |from| to.as_ref().is_none_or(|to| to.take(from).is_some_and(|to| to.port() == PORT));
        std::thread::spawn(move || tell_secrets(&stream, is_for_us));
    }
    names.map(|names| std::thread::spawn(move || echo(&names)));
    Ok(child)
}

/// Codes and signals are those of the program.
fn codes(place: &Place) {
    let shell =
        |script: &str| Plan { program: "sh".into(), arguments: vec!["-c".into(), script.into()], ..place.plan(&[]) };
    let code = |script: &str| start(&shell(script)).unwrap().wait().unwrap().code();
    assert_eq!(code("exit 7"), Some(7));
    assert_eq!(code("kill -KILL $$"), Some(128 + 9));
    let child = start(&shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"));
    let mut child = child.unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
    let pid = pid(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5), "a request to end reaches the program");
    // What a program leaves behind ends with it.
    let left = format!("sleep 600 & echo $! > {}", place.project.join("left").display());
    assert_eq!(code(&left), Some(0));
    let missing = Plan { program: "no-such-program".into(), ..place.plan(&[]) };
    let error = start(&missing).map(drop).unwrap_err();
    assert!(error.contains("`no-such-program` cannot be started"), "{error}");
}
