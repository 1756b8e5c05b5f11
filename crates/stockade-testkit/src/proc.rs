//! Processes and ports: what a test starts, it also ends, however it ends itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often something that waits looks up.
const BEAT: Duration = Duration::from_millis(10);

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener.local_addr().expect("a listener has an address").port()
}

/// Waits until somebody accepts connections there. False if that does not happen in time.
pub fn wait_for_port(address: SocketAddr, patience: Duration) -> bool {
    let start = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_err() {
        if start.elapsed() > patience {
            return false;
        }
        sleep(BEAT);
    }
    true
}

/// A process that is killed when this is dropped, with everything that it started.
#[derive(Debug)]
pub struct Guard {
    child: Child,
}

impl Guard {
    /// Starts the command. On Unix it leads a process group of its own, so that its children end with it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self { child: command.spawn()? })
    }

    /// The process, to read its output or to give it input.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the process. `None` if it does not end in time.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < patience => sleep(BEAT),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    /// Sends a signal by its name (`TERM`, `INT`, `KILL`) to the process alone. Does nothing where there are no signals.
    pub fn signal(&self, name: &str) {
        kill(name, &self.child.id().to_string());
    }

    /// Ends the process and everything that it started, at once.
    pub fn kill(&mut self) {
        // A group outlives its leader, so it is asked even if the leader has ended.
        kill("KILL", &format!("-{}", self.child.id()));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill(signal: &str, target: &str) {
    if cfg!(unix) {
        let mut command = Command::new("kill");
        command.args(["-s", signal, "--", target]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_waited_for() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(wait_for_port(listener.local_addr().unwrap(), Duration::from_secs(5)));
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        assert!(!wait_for_port(nobody, Duration::from_millis(30)));
    }

    #[cfg(unix)]
    #[test]
    fn a_dropped_guard_ends_the_process_and_its_children() {
        use std::io::Read as _;

        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]).stdout(Stdio::piped());
        let mut guard = Guard::spawn(&mut command).unwrap();
        let mut output = guard.child().stdout.take().unwrap();
        assert_eq!(guard.wait(Duration::from_millis(30)), None);
        drop(guard);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap(); // ends only when the grandchild has ended, too
    }
}
