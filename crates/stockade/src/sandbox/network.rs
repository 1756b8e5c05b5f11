//! Whom a command may connect to, and what came of it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use stockade_engine::egress::{Allowed, Attempt, Egress, Forward, HostPattern, Rule, publish};
use stockade_sandbox::profile::Profile;
use stockade_sandbox::sandbox::{Door, Ends};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::report::Watching;

/// The port of a host that is named without one.
const TLS: u16 = 443;
/// How many attempts may wait to be looked at.
const QUEUE: usize = 1024;

/// A network that is served.
pub(super) struct Served {
    serving: JoinHandle<()>,
    looking: JoinHandle<()>,
    published: JoinSet<()>,
    egress: Arc<Egress>,
    watching: Arc<Mutex<Watching>>,
}

/// What a profile, and arguments, let a command connect to.
pub(super) fn allowed(profile: &Profile, more: &[String], gateway: Option<SocketAddr>) -> anyhow::Result<Allowed> {
    let upload = profile.network.upload;
    let of_profile = profile.network.hosts.iter().map(|host| rule(host, upload));
    let mut rules: Vec<Rule> =
        of_profile.chain(more.iter().map(|host| rule(host, None))).collect::<anyhow::Result<_>>()?;
    let (all, denied): (Vec<_>, Vec<_>) = profile.network.deny.iter().partition(|host| *host == "*");
    if !all.is_empty() {
        rules.clear();
    }
    let denied = denied.into_iter().map(|host| Ok(host.parse()?)).collect::<anyhow::Result<_>>()?;
    let forwards = gateway.map(|to| Forward { port: to.port(), to }).into_iter().collect();
    Ok(Allowed { rules, forwards, denied, observe: false })
}

/// The rule for a host as it is written: `name`, `name:port`, `address:port`.
fn rule(text: &str, upload: Option<u64>) -> anyhow::Result<Rule> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let (host, port) = match port {
        Some((host, port)) => (host, port.parse().with_context(|| format!("`{port}` in `{text}` is no port"))?),
        None => (text, TLS),
    };
    let host: HostPattern = host.trim_matches(['[', ']']).parse()?;
    Ok(Rule { host, ports: vec![port], read_only: upload.is_some(), upload })
}

/// Listens on ports of this machine that lead to the program's, before anything runs.
pub(super) fn listen(ports: &[u16]) -> anyhow::Result<Vec<(u16, TcpListener)>> {
    let listen = |port: &u16| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port));
        let listener = listener.with_context(|| format!("port {port} of this machine cannot be listened on"))?;
        Ok((*port, listener))
    };
    ports.iter().map(listen).collect()
}

/// Serves the network of a program until that has ended.
pub(super) fn serve(allowed: Allowed, ends: Ends, watching: Arc<Mutex<Watching>>) -> Served {
    let (queue, mut attempts) = mpsc::channel::<Attempt>(QUEUE);
    let egress = Egress::new(allowed, queue);
    let Ends { streams, names, to } = ends;
    let destination = move |stream: &TcpStream| match &to {
        Some(to) => to.take(stream.peer_addr().ok()?),
        None => stream.local_addr().ok(),
    };
    let serving = Arc::clone(&egress).serve(streams, names, destination);
    let serving = tokio::spawn(async move {
        if let Err(error) = serving.await {
            crate::output::insist(&format!("stockade: the network of the sandbox has ended: {error}\n"));
        }
    });
    let seen = Arc::clone(&watching);
    let looking = tokio::spawn(async move {
        while let Some(attempt) = attempts.recv().await {
            seen.lock().unwrap_or_else(PoisonError::into_inner).tried(attempt);
        }
    });
    Served { serving, looking, published: JoinSet::new(), egress, watching }
}

impl Served {
    /// Lets this machine reach ports of the program.
    pub(super) fn publish(&mut self, listeners: Vec<(u16, TcpListener)>, door: Door) {
        let door = Arc::new(door);
        for (port, listener) in listeners {
            let door = Arc::clone(&door);
            let connect = move || door.connect(port);
            self.published.spawn(async move {
                if let Err(error) = publish(listener, connect).await {
                    crate::output::insist(&format!("stockade: port {port} is not published any more: {error}\n"));
                }
            });
        }
    }

    /// Ends the network, when nobody is left who could use it.
    pub(super) async fn end(self) {
        let Self { serving, looking, published, egress, watching } = self;
        drop(published);
        serving.abort();
        let _ = serving.await;
        let dropped = egress.counts().dropped;
        // It holds the other end of the queue.
        drop(egress);
        let _ = tokio::time::timeout(LAST_REPORTS, looking).await;
        if dropped > 0 {
            let gap = format!("{dropped} connections were too many to be reported");
            watching.lock().unwrap_or_else(PoisonError::into_inner).report.gaps.push(gap);
        }
    }
}

/// How long connections that end with the program may take to be reported.
const LAST_REPORTS: std::time::Duration = std::time::Duration::from_secs(1);
