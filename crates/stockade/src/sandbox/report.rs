//! What a command in a sandbox did and tried, and how it is told: a line at once for what was blocked, a summary at the
//! end, the whole for programs.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stockade_ecosystem::Ecosystem;
use stockade_engine::Behaviour;
use stockade_engine::egress::{Attempt, Outcome, Protocol};
use stockade_model::Package;
use stockade_sandbox::profile::Profile;
use stockade_sandbox::sandbox::{Cause, Deed, Event, Past, Plan, Tier};

use super::audit::{Audit, Use};
use super::events::Events;
use super::hooks::{Hooks, Written};
use crate::output::{bytes, columns, count, insist, line};

/// How many different deeds are kept. What is beyond is counted.
const MAX_DEEDS: usize = 10_000;
/// How many calls that nobody answered yet are remembered, to say who made them.
const MAX_CALLS: usize = 1024;
/// How many lines the summary has of each kind.
const SHOWN: usize = 10;
/// Sockets that libraries look for everywhere, and do without.
const USUAL: [&str; 5] = ["/run/systemd/", "/var/run/nscd/", "/run/nscd/", "/run/uuidd/", "/dev/log"];

/// What happened in a sandbox.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Report {
    /// The profile in effect.
    pub(crate) profile: String,
    /// What keeps it apart.
    pub(crate) tier: Tier,
    /// Whether programs in the kernel keep its connections as well, where it has no network of its own.
    pub(crate) control_group: bool,
    /// What this system could not enforce or see.
    pub(crate) gaps: Vec<String>,
    /// What was blocked; in the tier `observe`, what would have been.
    pub(crate) blocked: Vec<Blocked>,
    /// Variables that the profile would not have passed, in that tier.
    pub(crate) variables: Vec<String>,
    /// Whom it was let connect to.
    pub(crate) connections: Vec<Connection>,
    /// What it ran, and how often.
    pub(crate) programs: Vec<Program>,
    /// What became of its changes to the project, where they were kept apart.
    pub(crate) changes: Vec<Settled>,
    /// What hooks of packages wrote into their folders.
    pub(crate) written: Vec<Written>,
    /// Releases that are held from now on, because their hooks did what was not expected of them.
    pub(crate) held: Vec<String>,
    /// What tells whether the releases of hooks were understood.
    #[serde(skip)]
    pub(crate) deeds: Vec<(Cause, stockade_engine::Deed)>,
    /// What was not kept of all this, for want of room.
    pub(crate) dropped: u64,
}

/// Something that was blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Blocked {
    /// What it was after.
    pub(crate) object: Object,
    /// The program that tried.
    pub(crate) program: PathBuf,
    /// The hook that it belongs to.
    pub(crate) cause: Option<Cause>,
    /// What it tried, in words.
    pub(crate) tried: String,
    /// Why that is blocked.
    pub(crate) why: String,
    /// What would allow it.
    pub(crate) allow: Option<String>,
    /// How often.
    pub(crate) times: u64,
}

/// What a program was after that was blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Object {
    /// To run another.
    Program,
    /// A host, or its name.
    Host,
    /// A socket of this machine.
    Socket,
    /// A file.
    File,
}

/// Connections to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Connection {
    /// The host's name or address.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// Bytes that were sent.
    pub(crate) sent: u64,
    /// Bytes that came back.
    pub(crate) received: u64,
    /// The hooks that connected.
    pub(crate) causes: Vec<Cause>,
    /// How many there were.
    pub(crate) times: u64,
}

/// A program that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Program {
    /// The program.
    pub(crate) path: PathBuf,
    /// The hook that ran it.
    pub(crate) cause: Option<Cause>,
    /// How often.
    pub(crate) times: u64,
}

/// A change, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Settled {
    /// What was changed, from the project on.
    pub(crate) path: PathBuf,
    /// How.
    pub(crate) change: &'static str,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    /// It was taken over.
    Kept,
    /// It was not, because the profile protects what was changed.
    Protected,
    /// It was not, because nobody wanted it.
    Declined,
}

/// Who called somebody.
#[derive(Debug, Clone)]
struct Call {
    to: SocketAddr,
    program: PathBuf,
    cause: Option<Cause>,
}

/// Looks on.
pub(crate) struct Watching {
    pub(crate) report: Report,
    quiet: bool,
    events: Option<Events>,
    ports: Vec<u16>,
    programs: Option<Vec<PathBuf>>,
    hidden: Vec<PathBuf>,
    pub(super) hooks: Hooks,
    /// What lies in here is the project's or made by the run.
    own: Vec<PathBuf>,
    hooks_connect: bool,
    /// Whether every connection comes to us, and not only those to some ports.
    all_comes: bool,
    /// What is seen where nothing is kept away.
    pub(super) audit: Option<Audit>,
    calls: VecDeque<Call>,
    /// Who asked for a name last.
    asker: Option<(PathBuf, Option<Cause>)>,
    ran: BTreeMap<(PathBuf, Option<Cause>), u64>,
    connected: BTreeMap<(String, u16), Connection>,
    blocked: HashMap<(String, Option<Cause>), usize>,
}

impl Watching {
    pub(crate) fn new(profile: &Profile, plan: &Plan, project: &Path, quiet: bool) -> Self {
        let own = [project.to_owned(), "/tmp".into(), "/var/tmp".into(), "/dev/shm".into()];
        Self {
            report: Report { profile: profile.name.clone(), ..Report::default() },
            quiet,
            events: None,
            ports: plan.ports.clone(),
            programs: plan.programs.clone(),
            hidden: plan.hide.clone(),
            hooks: Hooks::default(),
            own: own.into_iter().chain(plan.blank.iter().cloned()).collect(),
            hooks_connect: profile.hooks.as_ref().is_none_or(|hooks| hooks.network || !hooks.confines()),
            all_comes: false,
            audit: None,
            calls: VecDeque::new(),
            asker: None,
            ran: BTreeMap::new(),
            connected: BTreeMap::new(),
            blocked: HashMap::new(),
        }
    }

    /// Nothing is kept away: what is seen goes into the report of what would be.
    pub(super) fn audit(&mut self, audit: Audit, variables: Vec<String>) {
        (self.audit, self.report.variables) = (Some(audit), variables);
    }

    /// What is blocked is written here as well.
    pub(super) fn write_to(&mut self, events: Events) {
        self.events = Some(events);
    }

    /// From now on every connection comes to us.
    pub(crate) fn all_comes(&mut self) {
        self.all_comes = true;
    }

    /// A process did something, or is about to.
    pub(crate) fn saw(&mut self, event: Event) {
        let Event { program, cause, confined, deed, .. } = event;
        if let (Some(folder), Some(cause)) = (&confined, &cause) {
            let refused = matches!(&deed, Deed::Run(program) if !self.may_run(program));
            self.hooks.began(folder, cause);
            self.hooks.did(folder, cause, &deed, refused);
        }
        match deed {
            Deed::Run(path) if self.may_run(&path) => self.ran(path, cause),
            Deed::Run(path) => {
                let tried = format!("run {}", path.display());
                let allow = "a profile whose `programs` has it".to_owned();
                self.block(
                    Object::Program,
                    (program, cause),
                    tried,
                    "it is none of the programs of this profile".to_owned(),
                    Some(allow),
                );
            }
            Deed::Read(path) => self.used(program, cause, &path, Use::Read),
            Deed::Write(path) => self.used(program, cause, &path, Use::Written),
            // Where names are asked for, what matters is the name.
            Deed::Connect(to) | Deed::Send(to) if to.port() == NAMES => self.asker = Some((program, cause)),
            Deed::Connect(to) | Deed::Send(to) if to.port() == 0 => {}
            Deed::Connect(to) | Deed::Send(to) if self.audit.is_some() && to.ip().is_loopback() => {
                if self.audit.as_ref().is_some_and(|audit| audit.is_taken(to.port())) {
                    let why = "what listens on this machine is not in the sandbox".to_owned();
                    self.block(
                        Object::Host,
                        (program, cause),
                        format!("connect to {to}"),
                        why,
                        Some(format!("--allow-host {to}")),
                    );
                }
            }
            Deed::Connect(to) if self.audit.is_some() => self.call(Call { to, program, cause }),
            Deed::Connect(to) | Deed::Send(to)
                if to.ip().is_loopback() && !self.all_comes && !self.ports.contains(&to.port()) => {}
            Deed::Connect(to) | Deed::Send(to) if confined.is_some() && !self.hooks_connect => {
                let why = "hooks of packages may not connect to anything".to_owned();
                self.block(Object::Host, (program, cause), format!("connect to {to}"), why, None);
            }
            Deed::Connect(to) if self.all_comes || self.ports.contains(&to.port()) => {
                self.call(Call { to, program, cause });
            }
            Deed::Connect(to) | Deed::Send(to) => {
                let allow = format!("--allow-host {to}");
                self.block(Object::Host, (program, cause), format!("connect to {to}"), NO_RULE.to_owned(), Some(allow));
            }
            Deed::Local(path) => {
                let text = path.to_string_lossy();
                let usual = USUAL.iter().any(|usual| text.starts_with(usual));
                if !usual && path.is_absolute() && !self.own.iter().any(|own| path.starts_with(own)) {
                    let why = "nothing of this machine's is in the sandbox".to_owned();
                    self.block(Object::Socket, (program, cause), format!("talk to {}", path.display()), why, None);
                }
            }
            Deed::Unconfined { program: hook, why } => {
                let why = format!("it cannot be confined: {why}");
                self.block(Object::Program, (program, cause), format!("run {}", hook.display()), why, None);
            }
            Deed::Past(past) => self.past(past, (program, cause)),
        }
    }

    /// Somebody got past the filter of system calls, and no further. Whoever makes calls in the usual way is stopped, or
    /// served, before.
    fn past(&mut self, past: Past, whose: (PathBuf, Option<Cause>)) {
        let what = match past {
            Past::Connect(to) => format!("connect to {to}"),
            Past::Send(to) => format!("send a message to {to}"),
            Past::Listen(to) => format!("listen on {to}"),
            Past::Socket(protocol) => format!("make a socket for protocol {protocol}"),
        };
        let tried = format!("{what}, past the filter of system calls");
        self.block(Object::Host, whose, tried, GROUP.to_owned(), None);
    }

    fn call(&mut self, call: Call) {
        self.calls.push_back(call);
        if self.calls.len() > MAX_CALLS {
            self.calls.pop_front();
        }
    }

    /// Something was done with a file where nothing is kept away.
    fn used(&mut self, program: PathBuf, cause: Option<Cause>, path: &Path, does: Use) {
        let Some(refusal) = self.audit.as_mut().and_then(|audit| audit.used(path, does)) else { return };
        let (verb, flag) = match does {
            Use::Read => ("read", "--allow-read"),
            Use::Written => ("write", "--allow-write"),
        };
        let allow = refusal.allowable().then(|| format!("{flag} {}", path.display()));
        self.block(Object::File, (program, cause), format!("{verb} {}", path.display()), refusal.to_string(), allow);
    }

    /// A connection has ended, or a name was asked for.
    pub(crate) fn tried(&mut self, attempt: Attempt) {
        let Attempt { name, destination, outcome, sent, received, protocol, .. } = attempt;
        let call = self.caller(destination);
        let asker = self.asker.clone().filter(|_| protocol == Protocol::Dns);
        let (program, cause) = call.map(|call| (call.program, call.cause)).or(asker).unwrap_or_default();
        let host = name.unwrap_or_else(|| destination.ip().to_string());
        let port = destination.port();
        if let Some(audit) = &mut self.audit {
            audit.hosts.insert((host.clone(), port));
        }
        match outcome {
            Outcome::Refused(reason) | Outcome::Observed(reason) => {
                let tried = match protocol {
                    Protocol::Dns => format!("look up `{host}`"),
                    _ => format!("connect to `{host}`:{port}"),
                };
                let allow = match (protocol, port) {
                    (Protocol::Dns, _) | (_, TLS) => format!("--allow-host {host}"),
                    _ => format!("--allow-host {host}:{port}"),
                };
                self.block(Object::Host, (program, cause), tried, reason.to_string(), Some(allow));
            }
            Outcome::Allowed | Outcome::Failed(_) if protocol == Protocol::Dns || destination.ip().is_loopback() => {}
            Outcome::Allowed | Outcome::Failed(_) => {
                let fresh = Connection { host: host.clone(), port, sent: 0, received: 0, causes: Vec::new(), times: 0 };
                if self.connected.len() < MAX_DEEDS {
                    let connection = self.connected.entry((host, port)).or_insert(fresh);
                    connection.sent += sent;
                    connection.received += received;
                    connection.times += 1;
                    connection.causes.extend(cause.filter(|cause| !connection.causes.contains(cause)));
                } else {
                    self.report.dropped += 1;
                }
            }
        }
    }

    /// The whole, at the end.
    pub(crate) fn report(&mut self) -> Report {
        let mut report = std::mem::take(&mut self.report);
        let ran = std::mem::take(&mut self.ran).into_iter();
        report.deeds = self.hooks.deeds().cloned().collect();
        report.programs = ran.map(|((path, cause), times)| Program { path, cause, times }).collect();
        report.connections = std::mem::take(&mut self.connected).into_values().collect();
        if self.audit.as_ref().is_some_and(|audit| audit.overflowed) {
            report.gaps.push("it used more files than could be remembered".to_owned());
        }
        report
    }

    fn caller(&mut self, destination: SocketAddr) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.to == destination)?;
        self.calls.remove(at)
    }

    fn may_run(&self, path: &Path) -> bool {
        // What is found by way of links is meant by its real name.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.hidden.contains(&real) {
            return false;
        }
        let Some(programs) = &self.programs else { return true };
        programs.iter().any(|program| real.starts_with(program) || path.starts_with(program))
            || path == Path::new(stockade_sandbox::sandbox::SHELL)
            || path.starts_with("/proc")
    }

    fn ran(&mut self, path: PathBuf, cause: Option<Cause>) {
        if self.ran.len() < MAX_DEEDS {
            *self.ran.entry((path, cause)).or_default() += 1;
        } else {
            self.report.dropped += 1;
        }
    }

    fn block(
        &mut self,
        object: Object,
        (program, cause): (PathBuf, Option<Cause>),
        tried: String,
        why: String,
        allow: Option<String>,
    ) {
        let key = (tried.clone(), cause.clone());
        if let Some(known) = self.blocked.get(&key).and_then(|at| self.report.blocked.get_mut(*at)) {
            known.times += 1;
            if let Some(events) = &mut self.events {
                events.add(known, self.audit.is_none());
            }
            return;
        }
        if self.report.blocked.len() >= MAX_DEEDS {
            self.report.dropped += 1;
            return;
        }
        let blocked = Blocked { object, program, cause, tried, why, allow, times: 1 };
        if let Some(events) = &mut self.events {
            events.add(&blocked, self.audit.is_none());
        }
        if !self.quiet {
            let done = if self.audit.is_some() { "would be blocked" } else { "blocked" };
            insist(&format!("stockade: {done}: {}\n", blocked.sentence()));
        }
        self.blocked.insert(key, self.report.blocked.len());
        self.report.blocked.push(blocked);
    }
}

/// The port of names.
const NAMES: u16 = 53;
/// The port that needs no mention.
const TLS: u16 = 443;
/// Why something is blocked that nothing else has.
const GROUP: &str = "its control group lets it connect to what we listen on, and to nothing else";
const NO_RULE: &str = "no rule of this profile allows it";

impl Blocked {
    fn who(&self) -> String {
        let program = self.program.file_name().unwrap_or_default().to_string_lossy();
        match &self.cause {
            Some(Cause { package, version, hook }) if version.is_empty() => format!("{package} ({hook})"),
            Some(Cause { package, version, hook }) => format!("{package} {version} ({hook})"),
            None if program.is_empty() => "something".to_owned(),
            None => program.into_owned(),
        }
    }

    pub(super) fn sentence(&self) -> String {
        line(&format!("{} tried to {}", self.who(), self.tried))
    }
}

impl Report {
    /// What hooks did, of releases in an ecosystem, that tells whether those were understood.
    pub(crate) fn behaviour(&self, ecosystem: &Ecosystem) -> Vec<Behaviour> {
        let of = |(cause, deed): &(Cause, stockade_engine::Deed)| {
            let name = (ecosystem.name)(&cause.package).ok()?;
            let release = Package { ecosystem: ecosystem.id.clone(), name }.release(cause.version.clone());
            Some(Behaviour { release, deed: deed.clone() })
        };
        self.deeds.iter().filter_map(of).collect()
    }

    /// These releases are held now because of it.
    pub(crate) fn held(&mut self, purls: impl Iterator<Item = String>) {
        self.held.extend(purls);
    }

    /// The whole as SARIF.
    pub(crate) fn sarif(&self) -> anyhow::Result<String> {
        super::sarif::write(self)
    }

    /// The summary for a person; nothing if nothing is worth a word.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::new();
        if !self.blocked.is_empty() {
            let tried: u64 = self.blocked.iter().map(|blocked| blocked.times).sum();
            let tried = count(usize::try_from(tried).unwrap_or(usize::MAX), "attempt");
            let done = if self.tier == Tier::Observe { "would be blocked" } else { "blocked" };
            let _ = writeln!(text, "stockade: {tried} {done} in the sandbox (profile: {})", self.profile);
            for blocked in self.blocked.iter().take(SHOWN) {
                let _ = writeln!(text, "  {}: {}", blocked.sentence(), line(&blocked.why));
                if let Some(allow) = &blocked.allow {
                    let _ = writeln!(text, "    to allow it: {}", line(allow));
                }
            }
            rest(&mut text, self.blocked.len());
        }
        if !self.connections.is_empty() {
            let row = |connection: &Connection| {
                let Connection { host, port, sent, received, .. } = connection;
                vec![format!("{host}:{port}"), format!("{} sent, {} received", bytes(*sent), bytes(*received))]
            };
            let _ = writeln!(text, "stockade: connected to");
            text += &columns(2, &self.connections.iter().take(SHOWN).map(row).collect::<Vec<_>>());
            rest(&mut text, self.connections.len());
        }
        let lost: Vec<&Settled> = self.changes.iter().filter(|change| change.fate == Fate::Protected).collect();
        if !lost.is_empty() {
            let _ = writeln!(
                text,
                "stockade: {} of the project not kept, because it is protected",
                count(lost.len(), "change")
            );
            for change in lost.iter().take(SHOWN) {
                let _ = writeln!(text, "  {} {}", change.change, line(&change.path.to_string_lossy()));
            }
            rest(&mut text, lost.len());
        }
        if !self.variables.is_empty() {
            let names = self.variables.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "stockade: variables that would not be passed: {}", line(&names));
            rest(&mut text, self.variables.len());
        }
        if !self.held.is_empty() {
            let releases = count(self.held.len(), "release");
            let _ = writeln!(
                text,
                "stockade: {releases} held from now on, because of what was tried; look with `stockade why`"
            );
            for purl in self.held.iter().take(SHOWN) {
                let _ = writeln!(text, "  {}", line(purl));
            }
            rest(&mut text, self.held.len());
        }
        for gap in &self.gaps {
            let _ = writeln!(text, "stockade: not enforced: {}", line(gap));
        }
        text
    }
}

fn rest(text: &mut String, all: usize) {
    if all > SHOWN {
        let _ = writeln!(text, "  and {} more; `--format json` has all", all - SHOWN);
    }
}
