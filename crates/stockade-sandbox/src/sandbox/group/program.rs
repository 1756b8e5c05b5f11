//! The programs that the kernel runs before a socket of the group is made, bound, connected, or sends a message: what they
//! allow, and their instructions.
//!
//! They look at the address that the kernel is about to use, in its own memory, so that nothing can be exchanged between
//! the look and the act; and at the socket's group, so that it matters neither by which call the address came, nor who
//! makes it. Source: `bpf_sock_addr` and `bpf_sock` in `linux/bpf.h`, and the kernel's description of its instruction set.

use std::os::fd::RawFd;

/// One instruction, as the kernel has it: what it does, its two registers, how far it jumps or reaches, and a number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u8,
    pub(super) registers: u8,
    pub(super) offset: i16,
    pub(super) number: i32,
}

/// Where the kernel asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Connect4,
    Connect6,
    Bind4,
    Bind6,
    Send4,
    Send6,
    Socket,
}

/// The maps that a program works with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maps {
    /// Ports of this machine that may be connected to.
    pub(super) ports: RawFd,
    /// What was refused.
    pub(super) refused: RawFd,
    /// How many there were of those that did not fit in there.
    pub(super) lost: RawFd,
}

/// All places where the kernel asks.
pub(super) const ALL: [Asked; 7] =
    [Asked::Connect4, Asked::Connect6, Asked::Bind4, Asked::Bind6, Asked::Send4, Asked::Send6, Asked::Socket];

impl Asked {
    /// The kernel's number for the kind of program.
    pub(super) fn kind(self) -> u32 {
        match self {
            Self::Socket => 9,
            _ => 18,
        }
    }

    /// The kernel's number for where it is attached.
    pub(super) fn place(self) -> u32 {
        match self {
            Self::Socket => 2,
            Self::Bind4 => 8,
            Self::Bind6 => 9,
            Self::Connect4 => 10,
            Self::Connect6 => 11,
            Self::Send4 => 14,
            Self::Send6 => 15,
        }
    }

    /// What a refusal is noted as.
    fn mark(self) -> i32 {
        match self {
            Self::Connect4 | Self::Connect6 => CONNECT,
            Self::Bind4 | Self::Bind6 => BIND,
            Self::Send4 | Self::Send6 => SEND,
            Self::Socket => SOCKET,
        }
    }
}

/// What refusals are noted as.
pub(super) const CONNECT: i32 = 1;
pub(super) const SEND: i32 = 2;
pub(super) const BIND: i32 = 3;
pub(super) const SOCKET: i32 = 4;

/// The length of the note of a refusal, in bytes, and where in it is what: the address (as one of IPv6), its port (of a
/// socket: the protocol), what was tried, the process, its name.
pub(super) const NOTE: usize = 48;
pub(super) const PORT_AT: usize = 16;
pub(super) const MARK_AT: usize = 20;
pub(super) const PROCESS_AT: usize = 24;
pub(super) const NAME_AT: usize = 32;
/// The same, from the end of the stack on, where the programs write it.
const ADDRESS: [i16; 4] = [-48, -44, -40, -36];
const PORT: i16 = -32;
const MARK: i16 = -28;
const PROCESS: i16 = -24;
const NAME: i16 = -16;
/// The longest name that the kernel has for a process.
const NAME_LENGTH: i32 = 16;

/// Where what is in `bpf_sock_addr`.
const USER_IP4: i16 = 4;
const USER_IP6: [i16; 4] = [8, 12, 16, 20];
const USER_PORT: i16 = 24;
const PROTOCOL: i16 = 36;
/// Where what is in `bpf_sock`.
const SOCKET_KIND: i16 = 8;
const SOCKET_PROTOCOL: i16 = 12;

/// Parts of addresses, as they lie in memory: 127.0.0.0/8, and what stands before an address of IPv4 in one of IPv6.
const OWN_NET: i32 = i32::from_ne_bytes([127, 0, 0, 0]);
const NET_MASK: i32 = i32::from_ne_bytes([255, 0, 0, 0]);
const MAPPED: i32 = i32::from_ne_bytes([0, 0, 255, 255]);
const ONE: i32 = i32::from_ne_bytes([0, 0, 0, 1]);

/// The numbers of the functions of the kernel's that are called.
const LOOK_UP: i32 = 1;
const PROCESS_NUMBER: i32 = 14;
const PROCESS_NAME: i32 = 16;
const PUSH: i32 = 87;

/// The answers.
const REFUSE: i32 = 0;
const ALLOW: i32 = 1;

/// What one place is answered with: connections go to known ports of this machine, and are of TCP; what listens, listens
/// on this machine only; no message goes anywhere; and there is no socket of another kind, since of what those send the
/// kernel does not ask.
pub(super) fn program(asked: Asked, maps: Maps) -> Vec<Instruction> {
    let mut code = Assembler::default();
    code.put(move_register(SAVED, FIRST));
    code.note(asked);
    match asked {
        Asked::Send4 | Asked::Send6 => {}
        Asked::Bind4 | Asked::Bind6 => code.stays_here(),
        Asked::Connect4 | Asked::Connect6 => {
            code.put(load(SECOND, SAVED, PROTOCOL));
            code.unless(SECOND, libc::IPPROTO_TCP, Label::Refuse);
            code.stays_here();
            code.put(load_map(maps.ports));
            code.put_at(SECOND, PORT);
            code.put(call(LOOK_UP));
            code.unless_found(Label::Refuse);
        }
        Asked::Socket => {
            code.put(load(SECOND, SAVED, SOCKET_KIND));
            code.put(load(THIRD, SAVED, SOCKET_PROTOCOL));
            code.unless(SECOND, libc::SOCK_STREAM, Label::Message);
            code.when(THIRD, libc::IPPROTO_TCP, Label::Allow);
            code.label(Label::Message);
            code.unless(SECOND, libc::SOCK_DGRAM, Label::Refuse);
            code.unless(THIRD, libc::IPPROTO_UDP, Label::Refuse);
        }
    }
    if !matches!(asked, Asked::Send4 | Asked::Send6) {
        code.label(Label::Allow);
        code.answer(ALLOW);
    }
    code.label(Label::Refuse);
    code.refuse(maps);
    code.finish()
}

/// Registers: the result and the arguments of a call, one that calls leave alone, and the end of the stack.
const RESULT: u8 = 0;
const FIRST: u8 = 1;
const SECOND: u8 = 2;
const THIRD: u8 = 3;
const SAVED: u8 = 6;
const STACK: u8 = 10;

/// Where a program jumps to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Allow,
    Refuse,
    /// The socket is none of TCP.
    Message,
    /// The address is none that stands for one of IPv4.
    Six,
    /// The address is this machine's own.
    Here,
    End,
}

/// Instructions, of which some jump to where nothing is yet.
#[derive(Default)]
struct Assembler {
    code: Vec<Instruction>,
    jumps: Vec<(usize, Label)>,
    labels: Vec<(Label, usize)>,
}

impl Assembler {
    fn put(&mut self, instructions: impl IntoIterator<Item = Instruction>) {
        self.code.extend(instructions);
    }

    fn label(&mut self, label: Label) {
        self.labels.push((label, self.code.len()));
    }

    fn when(&mut self, register: u8, is: i32, to: Label) {
        self.jump(JUMP_IF, register, is, to);
    }

    fn unless(&mut self, register: u8, is: i32, to: Label) {
        self.jump(JUMP_UNLESS, register, is, to);
    }

    /// Of what was looked up there is an address, or nothing. All of it has to be looked at.
    fn unless_found(&mut self, to: Label) {
        self.jump(JUMP_IF_LONG, RESULT, 0, to);
    }

    fn jump(&mut self, code: u8, register: u8, number: i32, to: Label) {
        self.jumps.push((self.code.len(), to));
        self.put([instruction(code, register, 0, 0, number)]);
    }

    /// A pointer into the stack.
    fn put_at(&mut self, register: u8, place: i16) {
        self.put(move_register(register, STACK));
        self.put([instruction(ADD, register, 0, 0, place.into())]);
    }

    /// Writes down what is tried.
    fn note(&mut self, asked: Asked) {
        let [first, second, third, fourth] = ADDRESS;
        match asked {
            Asked::Connect6 | Asked::Bind6 | Asked::Send6 => {
                for (from, to) in USER_IP6.into_iter().zip(ADDRESS) {
                    self.copy(from, to);
                }
            }
            _ => {
                let mapped = if asked == Asked::Socket { 0 } else { MAPPED };
                self.put([store(first, 0), store(second, 0), store(third, mapped), store(fourth, 0)].concat());
            }
        }
        match asked {
            Asked::Socket => self.copy(SOCKET_PROTOCOL, PORT),
            Asked::Connect4 | Asked::Bind4 | Asked::Send4 => {
                self.copy(USER_IP4, fourth);
                self.copy(USER_PORT, PORT);
            }
            _ => self.copy(USER_PORT, PORT),
        }
        self.put(store(MARK, asked.mark()));
    }

    /// Copies a word of what the kernel shows.
    fn copy(&mut self, from: i16, to: i16) {
        self.put(load(SECOND, SAVED, from));
        self.put([instruction(STORE_REGISTER, STACK, SECOND, to, 0)]);
    }

    /// Goes on if the address is one of this machine alone.
    fn stays_here(&mut self) {
        let [first, second, third, fourth] = ADDRESS;
        for zero in [first, second] {
            self.put(load(SECOND, STACK, zero));
            self.unless(SECOND, 0, Label::Refuse);
        }
        self.put(load(SECOND, STACK, third));
        self.put(load(THIRD, STACK, fourth));
        self.when(SECOND, 0, Label::Six);
        self.unless(SECOND, MAPPED, Label::Refuse);
        self.put([instruction(AND, THIRD, 0, 0, NET_MASK)]);
        self.unless(THIRD, OWN_NET, Label::Refuse);
        self.jump(JUMP, 0, 0, Label::Here);
        self.label(Label::Six);
        self.unless(THIRD, ONE, Label::Refuse);
        self.label(Label::Here);
    }

    /// Keeps the note, or counts it where there is no room for it, and refuses.
    fn refuse(&mut self, maps: Maps) {
        self.put(call(PROCESS_NUMBER));
        // The upper half is the process, the lower one its thread.
        self.put([instruction(SHIFT, RESULT, 0, 0, 32), instruction(STORE_DOUBLE, STACK, RESULT, PROCESS, 0)]);
        self.put_at(FIRST, NAME);
        self.put([instruction(MOVE, SECOND, 0, 0, NAME_LENGTH)]);
        self.put(call(PROCESS_NAME));
        self.put(load_map(maps.refused));
        self.put_at(SECOND, ADDRESS[0]);
        self.put([instruction(MOVE, THIRD, 0, 0, 0)]);
        self.put(call(PUSH));
        self.when(RESULT, 0, Label::End);
        self.put(store(PORT, 0));
        self.put(load_map(maps.lost));
        self.put_at(SECOND, PORT);
        self.put(call(LOOK_UP));
        self.unless_found(Label::End);
        self.put([instruction(MOVE, FIRST, 0, 0, 1), instruction(ATOMIC_ADD, RESULT, FIRST, 0, 0)]);
        self.label(Label::End);
        self.answer(REFUSE);
    }

    fn answer(&mut self, answer: i32) {
        self.put([instruction(MOVE, RESULT, 0, 0, answer), instruction(EXIT, 0, 0, 0, 0)]);
    }

    fn finish(mut self) -> Vec<Instruction> {
        for (at, to) in self.jumps {
            let target = self.labels.iter().find(|(label, _)| *label == to).map_or(at, |(_, target)| *target);
            let jumping = self.code.get_mut(at);
            let distance = target.checked_sub(at + 1).and_then(|distance| i16::try_from(distance).ok());
            if let Some(jumping) = jumping {
                // Backwards leads nowhere: the kernel refuses such a program.
                jumping.offset = distance.unwrap_or(-1);
            }
        }
        self.code
    }
}

/// Codes of instructions. The numbers are of 32 bits unless it says otherwise.
pub(super) const LOAD: u8 = 0x61;
pub(super) const LOAD_MAP: u8 = 0x18;
pub(super) const STORE: u8 = 0x62;
pub(super) const STORE_REGISTER: u8 = 0x63;
pub(super) const STORE_DOUBLE: u8 = 0x7b;
pub(super) const ATOMIC_ADD: u8 = 0xdb;
pub(super) const MOVE: u8 = 0xb7;
pub(super) const MOVE_REGISTER: u8 = 0xbf;
pub(super) const ADD: u8 = 0x07;
pub(super) const SHIFT: u8 = 0x77;
pub(super) const AND: u8 = 0x54;
pub(super) const JUMP: u8 = 0x05;
pub(super) const JUMP_IF: u8 = 0x16;
pub(super) const JUMP_IF_LONG: u8 = 0x15;
pub(super) const JUMP_UNLESS: u8 = 0x56;
pub(super) const CALL: u8 = 0x85;
pub(super) const EXIT: u8 = 0x95;
/// Says of a number to be loaded that it is the descriptor of a map.
const A_MAP: u8 = 1;

fn instruction(code: u8, to: u8, from: u8, offset: i16, number: i32) -> Instruction {
    Instruction { code, registers: to | from << 4, offset, number }
}

fn move_register(to: u8, from: u8) -> [Instruction; 1] {
    [instruction(MOVE_REGISTER, to, from, 0, 0)]
}

fn load(to: u8, from: u8, place: i16) -> [Instruction; 1] {
    [instruction(LOAD, to, from, place, 0)]
}

fn store(place: i16, number: i32) -> [Instruction; 1] {
    [instruction(STORE, STACK, 0, place, number)]
}

fn call(function: i32) -> [Instruction; 1] {
    [instruction(CALL, 0, 0, 0, function)]
}

fn load_map(map: RawFd) -> [Instruction; 2] {
    // It takes the room of two.
    [instruction(LOAD_MAP, FIRST, A_MAP, 0, map), instruction(0, 0, 0, 0, 0)]
}
