//! Connections of a program that has no network of its own: we make them in its place, on its socket, to where they may go.
//!
//! Only what we have read once is used, and only on the socket that we hold, so nothing can be exchanged between the look
//! and the act. Every stream goes to one listener of ours, which is told where it was meant to go; ports that the program
//! itself listens on are left to it. Landlock lets the program itself connect and bind to nothing at all, so that whatever
//! gets past us gets nowhere. We are not under the program's restrictions: what may be is decided here alone.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, getsockname, listen, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::group::Group;
use super::process;

/// How many connections may be on their way to our listener.
const MAX_ON_THE_WAY: usize = 65_536;

/// Where connections were meant to go that have come to our listener, by the port that they come from.
#[derive(Debug, Clone, Default)]
pub struct Destinations(Arc<Mutex<HashMap<u16, SocketAddr>>>);

impl Destinations {
    /// Where the connection from this address was meant to go. It is asked once.
    pub fn take(&self, from: SocketAddr) -> Option<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&from.port())
    }

    fn put(&self, port: u16, to: SocketAddr) -> Result<(), Errno> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ON_THE_WAY {
            return Err(Errno::AGAIN);
        }
        known.insert(port, to);
        Ok(())
    }
}

/// What connects and listens for a program.
pub(super) struct Emulation {
    /// The port of our listener, on 127.0.0.1.
    pub(super) listener: u16,
    pub(super) destinations: Destinations,
    /// Folders in which a socket may be connected to: those that the program writes.
    pub(super) sockets: Vec<PathBuf>,
    /// Whether it is only looked at where connections go, and all else is left to the program.
    observes: bool,
    own: HashSet<u16>,
    /// What looks at the connections as well.
    group: Option<Arc<Group>>,
}

impl Emulation {
    pub(super) fn new(
        listener: u16,
        destinations: Destinations,
        sockets: Vec<PathBuf>,
        observes: bool,
        group: Option<Arc<Group>>,
    ) -> io::Result<Self> {
        group.iter().try_for_each(|group| group.allow(listener))?;
        Ok(Self { listener, destinations, sockets, observes, own: HashSet::new(), group })
    }

    /// Does a call for a process, if it is one of those that are done here. The answer is the call's. `may` says whether
    /// the process may connect and listen at all, `waits` whether it still waits for the answer.
    pub(super) fn act(
        &mut self,
        pid: i32,
        (call, arguments): (libc::c_long, [u64; 6]),
        may: bool,
        waits: impl Fn() -> bool,
    ) -> Option<Result<(), Errno>> {
        let [socket, at, length, ..] = arguments;
        if self.observes {
            // What cannot be done here, the program does itself.
            return (call == libc::SYS_connect).then(|| self.redirect(pid, socket, at, length, waits))?.ok().map(Ok);
        }
        Some(match call {
            libc::SYS_connect | libc::SYS_bind => address(pid, at, length).and_then(|bytes| {
                let harmless = matches!(family(&bytes)?, libc::AF_UNSPEC | libc::AF_NETLINK);
                let socket = taken(pid, socket)?;
                match call {
                    // Only if it still waits, what was read and taken was its own.
                    _ if !waits() => Err(Errno::SRCH),
                    _ if !may && !harmless => Err(Errno::ACCESS),
                    libc::SYS_connect => self.connect(pid, &socket, &bytes),
                    _ => self.bind(pid, &socket, &bytes),
                }
            }),
            libc::SYS_listen if may => {
                taken(pid, socket).and_then(|socket| if waits() { self.listen(&socket, at) } else { Err(Errno::SRCH) })
            }
            // A message with an address goes past connections.
            libc::SYS_listen | libc::SYS_sendto => Err(Errno::ACCESS),
            _ => return None,
        })
    }

    /// Connects a stream that leads away from this machine to our listener.
    fn redirect(&self, pid: i32, socket: u64, at: u64, length: u64, waits: impl Fn() -> bool) -> Result<(), Errno> {
        let to = internet(&address(pid, at, length)?)?;
        let socket = taken(pid, socket)?;
        if to.ip().is_loopback() || to.ip().is_unspecified() || !waits() {
            return Err(Errno::ACCESS);
        }
        self.connect_stream(&socket, to)
    }

    fn connect(&self, pid: i32, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        match family(bytes)? {
            libc::AF_UNIX => self.connect_local(pid, socket, bytes),
            libc::AF_INET | libc::AF_INET6 => self.connect_stream(socket, internet(bytes)?),
            // Ends a connection, and begins none.
            libc::AF_UNSPEC => raw_connect(socket, bytes),
            _ => Err(Errno::AFNOSUPPORT),
        }
    }

    fn connect_stream(&self, socket: &OwnedFd, to: SocketAddr) -> Result<(), Errno> {
        if sockopt::socket_type(socket)? != SocketType::STREAM {
            return Err(Errno::ACCESS);
        }
        if to.ip().is_loopback() && self.own.contains(&to.port()) {
            return connect(socket, &to);
        }
        let six = sockopt::socket_domain(socket)? == AddressFamily::INET6;
        let own = if six { IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()) } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        if six {
            // What cannot be changed any more was bound before.
            let _ = sockopt::set_ipv6_v6only(socket, false);
        }
        if port_of(socket)? == 0 {
            bind(socket, &SocketAddr::new(own, 0))?;
        }
        self.destinations.put(port_of(socket)?, SocketAddr::new(to.ip().to_canonical(), to.port()))?;
        connect(socket, &SocketAddr::new(own, self.listener))
    }

    /// A socket of this machine: only one that the program may have made itself.
    fn connect_local(&self, pid: i32, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        let path = bytes.get(2..).and_then(|path| path.split(|byte| *byte == 0).next()).unwrap_or_default();
        // Without a path it is one that anybody may have made.
        if path.is_empty() {
            return Err(Errno::ACCESS);
        }
        let path = process::folder(pid).ok_or(Errno::SRCH)?.join(OsStr::from_bytes(path));
        let found = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let (number, real) = (found.as_raw_fd(), real_path(&found)?);
        if !self.sockets.iter().any(|folder| real.starts_with(folder)) {
            return Err(Errno::ACCESS);
        }
        connect(socket, &SocketAddrUnix::new(format!("/proc/self/fd/{number}"))?)
    }

    fn bind(&mut self, pid: i32, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        match family(bytes)? {
            libc::AF_INET | libc::AF_INET6 => {
                let asked = internet(bytes)?;
                let six = sockopt::socket_domain(socket)? == AddressFamily::INET6;
                let ip = match asked.ip() {
                    ip if ip.is_loopback() => ip,
                    // From outside nobody reaches the program.
                    IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(ip) if ip.is_unspecified() => {
                        let both = six && sockopt::set_ipv6_v6only(socket, false).is_ok();
                        if both { Ipv4Addr::LOCALHOST.to_ipv6_mapped().into() } else { Ipv6Addr::LOCALHOST.into() }
                    }
                    _ => return Err(Errno::ADDRNOTAVAIL),
                };
                bind(socket, &SocketAddr::new(ip, asked.port()))
            }
            libc::AF_UNIX => self.bind_local(pid, socket, bytes),
            libc::AF_NETLINK => raw_bind(socket, bytes),
            _ => Err(Errno::AFNOSUPPORT),
        }
    }

    fn bind_local(&self, pid: i32, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        let path = bytes.get(2..).and_then(|path| path.split(|byte| *byte == 0).next()).unwrap_or_default();
        if path.is_empty() {
            return raw_bind(socket, bytes);
        }
        let path = process::folder(pid).ok_or(Errno::SRCH)?.join(OsStr::from_bytes(path));
        let (parent, name) = (path.parent().ok_or(Errno::ACCESS)?, path.file_name().ok_or(Errno::ACCESS)?);
        let folder = rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let real = real_path(&folder)?;
        if !self.sockets.iter().any(|allowed| real.starts_with(allowed)) {
            return Err(Errno::ACCESS);
        }
        let place = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        bind(socket, &SocketAddrUnix::new(place)?)
    }

    fn listen(&mut self, socket: &OwnedFd, backlog: u64) -> Result<(), Errno> {
        let stream = matches!(sockopt::socket_domain(socket)?, AddressFamily::INET | AddressFamily::INET6);
        if stream && port_of(socket)? == 0 {
            bind(socket, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0))?;
        }
        listen(socket, i32::try_from(backlog.cast_signed()).unwrap_or(i32::MAX))?;
        if stream {
            let port = port_of(socket)?;
            let allowed = self.group.iter().try_for_each(|group| group.allow(port));
            allowed.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            self.own.insert(port);
        }
        Ok(())
    }
}

/// A copy of a process's socket.
fn taken(pid: i32, socket: u64) -> Result<OwnedFd, Errno> {
    let number = i32::try_from(socket).map_err(|_| Errno::BADF)?;
    // Threads have the descriptors of their process.
    let leader = process::leader(pid).and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    let process = pidfd_open(leader, PidfdFlags::empty())?;
    pidfd_getfd(process, number, PidfdGetfdFlags::empty())
}

fn address(pid: i32, at: u64, length: u64) -> Result<Vec<u8>, Errno> {
    let length =
        usize::try_from(length).ok().filter(|length| (2..=MAX_ADDRESS).contains(length)).ok_or(Errno::INVAL)?;
    process::memory(pid, at, length).filter(|bytes| bytes.len() == length).ok_or(Errno::FAULT)
}

/// The longest address there is. Source: `sockaddr_storage`.
const MAX_ADDRESS: usize = 128;

fn family(bytes: &[u8]) -> Result<i32, Errno> {
    let family = bytes.get(..2).and_then(|bytes| bytes.try_into().ok()).ok_or(Errno::INVAL)?;
    Ok(u16::from_ne_bytes(family).into())
}

fn internet(bytes: &[u8]) -> Result<SocketAddr, Errno> {
    match super::watch::parsed(bytes) {
        Some(super::Deed::Connect(to)) => Ok(to),
        _ => Err(Errno::INVAL),
    }
}

fn port_of(socket: &OwnedFd) -> Result<u16, Errno> {
    Ok(SocketAddr::try_from(getsockname(socket)?).map_or(0, |address| address.port()))
}

fn real_path(found: &OwnedFd) -> Result<PathBuf, Errno> {
    std::fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).map_err(|_| Errno::ACCESS)
}

fn raw_connect(socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    raw(libc::SYS_connect, socket, bytes)
}

fn raw_bind(socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    raw(libc::SYS_bind, socket, bytes)
}

/// A call with an address of any family.
fn raw(call: libc::c_long, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many bytes as it is told, and they live during the call. The descriptor is open.
    #[expect(unsafe_code, reason = "no library takes addresses of any family")]
    let result = unsafe { libc::syscall(call, socket.as_raw_fd(), bytes.as_ptr(), bytes.len()) };
    if result == 0 { Ok(()) } else { Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)) }
}
