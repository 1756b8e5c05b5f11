//! What the launcher and its parent say to each other, over a pair of sockets: the plan down; up either the listeners, when
//! the program runs, or what went wrong.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::{Ends, JailError};

/// The longest plan, in bytes: 16 MiB.
const MAX_PLAN: u32 = 16 << 20;
/// The longest complaint, in bytes. It is one message.
const MAX_COMPLAINT: usize = 4096;
/// How many descriptors one message may have; the kernel's own limit is 253.
const MAX_DESCRIPTORS: usize = 128;
/// Says that the program runs; the descriptors of its network come along.
const ENDS: u8 = b'+';
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

pub(super) fn send_ends(socket: &UnixStream, ends: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(ends)) {
        return Err(io::Error::other("there are too many ports"));
    }
    sendmsg(socket, &[IoSlice::new(&[ENDS])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Says what went wrong. Whoever started us may be gone.
pub(super) fn complain(mut socket: &UnixStream, complaint: &str) {
    let words = complaint.as_bytes().iter().take(MAX_COMPLAINT);
    let message: Vec<u8> = std::iter::once(&COMPLAINT).chain(words).copied().collect();
    let _ = socket.write_all(&message);
}

pub(super) fn receive_ends(socket: &UnixStream, ports: usize) -> Result<Ends, JailError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut said = [0; 1 + MAX_COMPLAINT];
    let read = recvmsg(socket, &mut [IoSliceMut::new(&mut said)], &mut control, RecvFlags::CMSG_CLOEXEC);
    let read = read.map_err(io::Error::from)?.bytes;
    match said.get(..read) {
        Some([ENDS]) => {}
        Some([COMPLAINT, words @ ..]) => return Err(JailError::Step(String::from_utf8_lossy(words).into_owned())),
        _ => return Err(JailError::Step("the launcher ended without a word".to_owned())),
    }
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut descriptors: Vec<OwnedFd> = rights.flatten().collect();
    let names = descriptors.pop().filter(|_| descriptors.len() == ports);
    let names =
        names.ok_or_else(|| JailError::Step("the launcher has sent other listeners than it should".to_owned()))?;
    Ok(Ends { streams: descriptors.into_iter().map(Into::into).collect(), names: names.into() })
}
