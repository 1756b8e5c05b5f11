use super::*;
use program::{Instruction, program};

/// What a program is asked about: the words of `bpf_sock_addr`, or of `bpf_sock`.
type Context = [u32; 18];

/// What the kernel does with a program, as far as ours go: runs it, with the maps of a group.
struct Kernel {
    ports: Vec<u16>,
    notes: Vec<[u8; NOTE]>,
    room: usize,
    lost: u64,
}

const MAPS: Maps = Maps { ports: 3, refused: 4, lost: 5 };
/// Where the programs find what they are asked about, and the end of their stack.
const CONTEXT: u64 = 1 << 32;
const STACK: u64 = 2 << 32;
/// What is found in a map.
const FOUND: u64 = 3 << 32;
/// More than any of them takes.
const MAX_STEPS: usize = 1000;

impl Kernel {
    fn new(ports: &[u16]) -> Self {
        Self { ports: ports.to_vec(), notes: Vec::new(), room: 8, lost: 0 }
    }

    /// The answer to a question.
    fn ask(&mut self, asked: Asked, context: &Context) -> bool {
        let code = program(asked, MAPS);
        let (mut registers, mut stack, mut at) = ([0_u64; 11], [0xee_u8; 64], 0);
        (registers[1], registers[10]) = (CONTEXT, STACK + stack.len() as u64);
        for _ in 0..MAX_STEPS {
            let Instruction { code: what, registers: pair, offset, number } = code[at];
            let (to, from) = (usize::from(pair & 15), usize::from(pair >> 4));
            let place = |register: u64| register.wrapping_add_signed(offset.into());
            let on_stack = |register: u64| usize::try_from(place(register) - STACK).unwrap();
            let jump = usize::try_from(offset).map(|offset| at + offset);
            let number_long = i64::from(number).cast_unsigned();
            match what {
                program::LOAD if registers[from] == CONTEXT => {
                    registers[to] = context[usize::try_from(offset).unwrap() / 4].into();
                }
                program::LOAD => {
                    let start = on_stack(registers[from]);
                    registers[to] = u32::from_ne_bytes(stack[start..start + 4].try_into().unwrap()).into();
                }
                program::LOAD_MAP => {
                    registers[to] = number_long;
                    assert_eq!(code[at + 1].code, 0, "it has the room of two");
                    at += 1;
                }
                program::STORE | program::STORE_REGISTER => {
                    let value = if what == program::STORE { number.cast_unsigned() } else { low(registers[from]) };
                    let start = on_stack(registers[to]);
                    stack[start..start + 4].copy_from_slice(&value.to_ne_bytes());
                }
                program::STORE_DOUBLE => {
                    let start = on_stack(registers[to]);
                    stack[start..start + 8].copy_from_slice(&registers[from].to_ne_bytes());
                }
                program::ATOMIC_ADD => {
                    assert_eq!(registers[to], FOUND);
                    self.lost += registers[from];
                }
                program::MOVE => registers[to] = number_long,
                program::MOVE_REGISTER => registers[to] = registers[from],
                program::ADD => registers[to] = registers[to].wrapping_add(number_long),
                program::SHIFT => registers[to] >>= number,
                program::AND => registers[to] = u64::from(low(registers[to]) & number.cast_unsigned()),
                program::JUMP => at = jump.unwrap(),
                program::JUMP_IF if low(registers[to]) == number.cast_unsigned() => at = jump.unwrap(),
                program::JUMP_UNLESS if low(registers[to]) != number.cast_unsigned() => at = jump.unwrap(),
                program::JUMP_IF_LONG if registers[to] == number_long => at = jump.unwrap(),
                program::JUMP_IF | program::JUMP_UNLESS | program::JUMP_IF_LONG => {}
                program::CALL => {
                    let result = self.call(number, &registers, &mut stack);
                    // What was in them is nobody's any more.
                    registers[1..6].fill(0xdead);
                    registers[0] = result;
                }
                program::EXIT => return registers[0] == 1,
                other => panic!("{other:#x} at {at} is none of our instructions"),
            }
            at += 1;
        }
        panic!("it does not end");
    }

    fn call(&mut self, function: i32, registers: &[u64; 11], stack: &mut [u8; 64]) -> u64 {
        let at = |pointer: u64| usize::try_from(pointer - STACK).unwrap();
        match function {
            1 if registers[1] == 5 => FOUND,
            1 => {
                assert_eq!(registers[1], 3);
                let key = u32::from_ne_bytes(stack[at(registers[2])..][..4].try_into().unwrap());
                let known = self.ports.iter().any(|port| u32::from(port.to_be()) == key);
                if known { FOUND } else { 0 }
            }
            // Process 77, thread 78.
            14 => 0x0000_004d_0000_004e,
            16 => {
                stack[at(registers[1])..][..16].copy_from_slice(b"evil\0\0\0\0\0\0\0\0\0\0\0\0");
                0
            }
            87 => {
                assert_eq!((registers[1], registers[3]), (4, 0));
                if self.notes.len() == self.room {
                    return (-7_i64).cast_unsigned();
                }
                self.notes.push(stack[at(registers[2])..][..NOTE].try_into().unwrap());
                0
            }
            other => panic!("{other} is none of the functions"),
        }
    }

    /// The answer about an address, for a protocol.
    fn address(&mut self, four: Asked, six: Asked, to: &str, protocol: i32) -> bool {
        let to: SocketAddr = to.parse().unwrap();
        let mut context = [0; 18];
        (context[6], context[9]) = (to.port().to_be().into(), protocol.cast_unsigned());
        match to.ip() {
            IpAddr::V4(ip) => {
                context[1] = u32::from_ne_bytes(ip.octets());
                self.ask(four, &context)
            }
            IpAddr::V6(ip) => {
                for (word, bytes) in context[2..6].iter_mut().zip(ip.octets().chunks(4)) {
                    *word = u32::from_ne_bytes(bytes.try_into().unwrap());
                }
                self.ask(six, &context)
            }
        }
    }

    fn connect(&mut self, to: &str, protocol: i32) -> bool {
        self.address(Asked::Connect4, Asked::Connect6, to, protocol)
    }
}

/// The lower half of a register, which instructions of 32 bits work with.
fn low(register: u64) -> u32 {
    u32::try_from(register & u64::from(u32::MAX)).unwrap()
}

#[test]
fn connections_lead_to_known_ports_of_this_machine() {
    let mut kernel = Kernel::new(&[4873, 80]);
    for to in ["127.0.0.1:4873", "127.1.2.3:80", "[::1]:80", "[::ffff:127.0.0.1]:4873"] {
        assert!(kernel.connect(to, libc::IPPROTO_TCP), "{to}");
    }
    assert!(kernel.notes.is_empty());
    for to in [
        "127.0.0.1:4874",
        "128.0.0.1:80",
        "126.255.255.255:80",
        "0.0.0.0:80",
        "192.0.2.1:80",
        "[::1]:81",
        "[::]:80",
        "[::2]:80",
        "[::127.0.0.1]:80",
        "[1::1]:80",
        "[0:1::1]:80",
        "[::1:0:1]:80",
        "[2001:db8::1]:80",
        "[::ffff:192.0.2.1]:80",
        "[::fffe:7f00:1]:80",
    ] {
        kernel.notes.clear();
        assert!(!kernel.connect(to, libc::IPPROTO_TCP), "{to}");
        let (process, name, past) = parsed(&kernel.notes[0]);
        let to: SocketAddr = to.parse().unwrap();
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        assert_eq!((process, name.as_str(), past), (Some(77), "evil", Past::Connect(to)));
    }
    for protocol in [libc::IPPROTO_UDP, libc::IPPROTO_MPTCP, libc::IPPROTO_ICMP] {
        assert!(!kernel.connect("127.0.0.1:80", protocol) && !kernel.connect("[::1]:80", protocol));
    }
}

#[test]
fn what_listens_is_reached_from_this_machine_only() {
    let mut kernel = Kernel::new(&[]);
    let mut bind = |to: &str| kernel.address(Asked::Bind4, Asked::Bind6, to, libc::IPPROTO_TCP);
    for to in ["127.0.0.1:0", "[::1]:3000", "[::ffff:127.0.0.1]:0"] {
        assert!(bind(to), "{to}");
    }
    for to in ["0.0.0.0:3000", "[::]:3000", "192.0.2.1:0", "[::ffff:0.0.0.0]:0"] {
        assert!(!bind(to), "{to}");
    }
    let (.., past) = parsed(&kernel.notes[0]);
    assert_eq!(past, Past::Listen("0.0.0.0:3000".parse().unwrap()));
}

#[test]
fn no_message_goes_anywhere() {
    let mut kernel = Kernel::new(&[53]);
    for to in ["127.0.0.1:53", "192.0.2.1:53", "[::1]:53", "[::ffff:127.0.0.1]:53"] {
        assert!(!kernel.address(Asked::Send4, Asked::Send6, to, libc::IPPROTO_UDP), "{to}");
    }
    let (.., past) = parsed(&kernel.notes[3]);
    assert_eq!(past, Past::Send("127.0.0.1:53".parse().unwrap()));
}

#[test]
fn there_are_sockets_of_two_kinds() {
    let mut kernel = Kernel::new(&[]);
    let mut make = |kind: i32, protocol: i32| {
        let mut context = [0; 18];
        (context[2], context[3]) = (kind.cast_unsigned(), protocol.cast_unsigned());
        kernel.ask(Asked::Socket, &context)
    };
    assert!(make(libc::SOCK_STREAM, libc::IPPROTO_TCP) && make(libc::SOCK_DGRAM, libc::IPPROTO_UDP));
    for (kind, protocol) in [
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMP),
        (libc::SOCK_DGRAM, libc::IPPROTO_TCP),
        (libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        (libc::SOCK_STREAM, libc::IPPROTO_UDP),
        (libc::SOCK_STREAM, libc::IPPROTO_SCTP),
        (libc::SOCK_RAW, libc::IPPROTO_TCP),
        (libc::SOCK_SEQPACKET, libc::IPPROTO_TCP),
    ] {
        assert!(!make(kind, protocol), "{kind} {protocol}");
    }
    let (.., past) = parsed(&kernel.notes[0]);
    assert_eq!(past, Past::Socket(1));
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut kernel = Kernel { room: 2, ..Kernel::new(&[]) };
    for _ in 0..5 {
        assert!(!kernel.connect("192.0.2.1:443", libc::IPPROTO_TCP));
    }
    assert_eq!((kernel.notes.len(), kernel.lost), (2, 3));
}

#[test]
fn programs_have_no_way_back_and_nothing_that_is_never_reached() {
    for asked in program::ALL {
        let code = program(asked, MAPS);
        let (mut reached, mut waiting) = (vec![false; code.len()], vec![0]);
        while let Some(at) = waiting.pop() {
            let Instruction { code: what, offset, .. } = code[at];
            if std::mem::replace(&mut reached[at], true) || what == program::EXIT {
                continue;
            }
            let jumps = [program::JUMP, program::JUMP_IF, program::JUMP_IF_LONG, program::JUMP_UNLESS];
            if jumps.contains(&what) {
                assert!(offset >= 0, "{asked:?}: {at} goes back");
                waiting.push(at + 1 + usize::try_from(offset).unwrap());
            }
            if what != program::JUMP {
                waiting.push(at + 1);
            }
            if what == program::LOAD_MAP {
                reached[at + 1] = true;
                waiting.push(at + 2);
            }
        }
        assert!(reached.iter().all(|reached| *reached), "{asked:?}");
    }
}

#[test]
fn the_group_that_we_are_in_is_found() {
    let mounts = "22 28 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                  23 22 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                  30 22 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    let at = |groups: &str, mounts: &str| folder(groups, mounts).map(|path| path.display().to_string());
    assert_eq!(at("4:memory:/a\n0::/b/c\n", mounts).as_deref(), Some("/sys/fs/cgroup/unified/b/c"));
    assert_eq!(at("0::/\n", mounts).as_deref(), Some("/sys/fs/cgroup/unified/"));
    // A container that sees its own part alone.
    let part = "30 22 0:26 /box /sys/fs/cgroup rw shared:1 - cgroup2 cgroup2 rw\n";
    assert_eq!(at("0::/box/job\n", part).as_deref(), Some("/sys/fs/cgroup/job"));
    assert_eq!(at("0::/other\n", part), None);
    assert_eq!(at("0::/../other\n", &part.replace("/box", "/")), None);
    assert_eq!(at("4:memory:/a\n", mounts), None);
    assert_eq!(at("0::/\n", "23 22 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n"), None);
}
