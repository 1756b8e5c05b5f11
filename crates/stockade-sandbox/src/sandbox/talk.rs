//! What the launcher and its parent say to each other, over a pair of sockets: the plan down; up either the listeners, when
//! the program runs, or what went wrong.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::{Ends, SandboxError};

/// The longest plan, in bytes: 16 MiB.
const MAX_PLAN: u32 = 16 << 20;
/// The longest complaint, in bytes. It is one message.
const MAX_COMPLAINT: usize = 4096;
/// How many descriptors one message may have; the kernel's own limit is 253.
const MAX_DESCRIPTORS: usize = 128;
/// Says that the program is about to run, what the system could not do, and whether a descriptor comes along on which
/// questions arrive.
const READY: u8 = b'!';
/// Says that the program may begin.
const GO: u8 = b'>';
/// Says that the program runs; the descriptors of its network come along.
const ENDS: u8 = b'+';
/// Says what came of a connection inside: it comes along if there is one.
const STREAM: u8 = b'=';
/// Says that the rest is a complaint.
const COMPLAINT: u8 = b'-';

pub(super) fn send_plan(socket: &mut UnixStream, plan: &[u8]) -> io::Result<()> {
    let length = u32::try_from(plan.len()).ok().filter(|length| *length <= MAX_PLAN);
    let length = length.ok_or_else(|| io::Error::other("the plan is too long"))?;
    socket.write_all(&length.to_le_bytes())?;
    socket.write_all(plan)
}

pub(super) fn receive_plan(socket: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; size_of::<u32>()];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_PLAN {
        return Err(io::Error::other("the plan is too long"));
    }
    let mut plan = vec![0; length as usize];
    socket.read_exact(&mut plan)?;
    Ok(plan)
}

pub(super) fn send_ready(socket: &UnixStream, listener: Option<BorrowedFd<'_>>, gaps: &[String]) -> io::Result<()> {
    let gaps = serde_json::to_vec(gaps)?;
    let length = u32::try_from(gaps.len()).map_err(io::Error::other)?;
    send(socket, READY, listener.as_slice())?;
    let mut socket = socket;
    socket.write_all(&length.to_le_bytes())?;
    socket.write_all(&gaps)
}

/// Lets the program begin.
pub(super) fn send_go(mut socket: &UnixStream) -> io::Result<()> {
    socket.write_all(&[GO])
}

/// Waits until the program may begin.
pub(super) fn receive_go(mut socket: &UnixStream) -> io::Result<()> {
    let mut mark = [0];
    socket.read_exact(&mut mark)?;
    if mark == [GO] { Ok(()) } else { Err(io::Error::other("it was something else")) }
}

pub(super) fn send_ends(socket: &UnixStream, ends: &[BorrowedFd<'_>]) -> io::Result<()> {
    send(socket, ENDS, ends)
}

/// Asks for a connection to a port inside.
pub(super) fn ask_for(socket: &mut UnixStream, port: u16) -> io::Result<TcpStream> {
    socket.write_all(&port.to_le_bytes())?;
    let found = receive(socket, STREAM).map_err(io::Error::other)?.pop();
    found.map(TcpStream::from).ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
}

pub(super) fn asked_for(socket: &mut UnixStream) -> io::Result<u16> {
    let mut port = [0; size_of::<u16>()];
    socket.read_exact(&mut port)?;
    Ok(u16::from_le_bytes(port))
}

pub(super) fn hand_in(socket: &UnixStream, stream: Option<BorrowedFd<'_>>) -> io::Result<()> {
    send(socket, STREAM, stream.as_slice())
}

fn send(socket: &UnixStream, mark: u8, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("there are too many ports"));
    }
    sendmsg(socket, &[IoSlice::new(&[mark])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Says what went wrong. Whoever started us may be gone.
pub(super) fn complain(mut socket: &UnixStream, complaint: &str) {
    let words = complaint.as_bytes().iter().take(MAX_COMPLAINT);
    let message: Vec<u8> = std::iter::once(&COMPLAINT).chain(words).copied().collect();
    let _ = socket.write_all(&message);
}

/// Where questions arrive, and what the system could not do.
pub(super) fn receive_ready(socket: &mut UnixStream) -> Result<(Option<OwnedFd>, Vec<String>), SandboxError> {
    let mut descriptors = receive(socket, READY)?;
    let gaps = receive_plan(socket)?;
    Ok((descriptors.pop(), serde_json::from_slice(&gaps)?))
}

/// The ends of the program's network, and the line to whoever lets us in, if there is to be one.
pub(super) fn receive_ends(
    socket: &mut UnixStream,
    ports: usize,
    door: bool,
) -> Result<(Ends, Option<UnixStream>), SandboxError> {
    let mut descriptors = receive(socket, ENDS)?;
    let door = if door { descriptors.pop().map(UnixStream::from) } else { None };
    let names = descriptors.pop();
    if descriptors.len() != ports {
        return Err(SandboxError::Step("the launcher has sent other listeners than it should".to_owned()));
    }
    let ends =
        Ends { streams: descriptors.into_iter().map(Into::into).collect(), names: names.map(Into::into), to: None };
    Ok((ends, door))
}

/// The descriptors that come with a mark, or the complaint that comes in its place.
fn receive(socket: &mut UnixStream, expected: u8) -> Result<Vec<OwnedFd>, SandboxError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut mark = [0];
    let read = recvmsg(&*socket, &mut [IoSliceMut::new(&mut mark)], &mut control, RecvFlags::CMSG_CLOEXEC);
    let read = read.map_err(io::Error::from)?.bytes;
    match mark {
        [COMPLAINT] => {
            let mut words = [0; MAX_COMPLAINT];
            let length = socket.read(&mut words)?;
            let words = words.get(..length).unwrap_or_default();
            return Err(SandboxError::Step(String::from_utf8_lossy(words).into_owned()));
        }
        [mark] if mark == expected && read == 1 => {}
        _ => return Err(SandboxError::Step("the launcher ended without a word".to_owned())),
    }
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok(rights.flatten().collect())
}
