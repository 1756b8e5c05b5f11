//! What a program in a sandbox may ask of the kernel: nothing that leads out of it, and nothing that few programs need and
//! many attacks use.
//!
//! The sandbox is made of namespaces; this keeps their walls whole. What is refused is refused with an error, as an older
//! kernel would, since programs ask for much and go on without it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::launch::{Failed, Step as _};
use super::{Plan, Tier};

/// The newest version of Landlock that is asked for. An older kernel enforces a part of it; the mounts stay.
const LANDLOCK: ABI = ABI::V6;
/// Where every program may write besides its plan: what is its own, and forgotten.
const OWN: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev"];

/// Takes away from this process what its program may not do, and says what this system could not. Needs
/// `no_new_privs`.
pub(super) fn restrict(plan: &Plan) -> Result<Vec<String>, Failed> {
    if plan.tier == Tier::Observe {
        unseen().map_err(io::Error::other).step("system calls cannot be restricted")?;
        return Ok(Vec::new());
    }
    let plain = plan.tier == Tier::Landlock;
    let status = files(plan).map_err(io::Error::other).step("files cannot be restricted")?;
    calls(plain).map_err(io::Error::other).step("system calls cannot be restricted")?;
    let gap = match status {
        RulesetStatus::FullyEnforced => None,
        RulesetStatus::PartiallyEnforced => Some("this kernel's Landlock is too old for all of it (Linux 6.12 is)"),
        RulesetStatus::NotEnforced => Some("this kernel has no Landlock"),
    };
    if plain && gap.is_some() {
        let what =
            "Landlock alone would have to keep everything apart, and this kernel's is too old (Linux 6.12 is needed)";
        return Ok(vec![what.to_owned()]);
    }
    let left = if plan.programs.is_some() { "; which programs may be run is not enforced" } else { "" };
    Ok(gap.map(|gap| format!("{gap}: mounts and namespaces alone keep files apart{left}")).into_iter().collect())
}

/// The same as the mounts say, once more, and: no signal and no abstract socket leads out, and no other program is run.
fn files(plan: &Plan) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(LANDLOCK);
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    if plan.tier == Tier::Landlock {
        // Connections are made for it.
        rules = rules.handle_access(AccessNet::from_all(LANDLOCK))?;
    }
    let rules = rules.scope(Scope::from_all(LANDLOCK))?;
    let (run, data) = (all, all & !AccessFs::Execute);
    if plan.tier == Tier::Landlock {
        return one_by_one(plan, rules);
    }
    let (own, everywhere) = match &plan.programs {
        Some(_) if !plan.run_blank => (data, AccessFs::from_read(LANDLOCK) & !AccessFs::Execute),
        Some(_) => (run, AccessFs::from_read(LANDLOCK) & !AccessFs::Execute),
        None => (run, AccessFs::from_read(LANDLOCK)),
    };
    let layers = plan.layers.iter().map(|layer| &layer.folder);
    let write = plan.write.iter().chain(layers).map(|path| (path.as_path(), run));
    let forgotten = plan.blank.iter().map(PathBuf::as_path).chain(OWN.map(Path::new)).map(|path| (path, own));
    let data = plan.data.iter().map(|path| (path.as_path(), data));
    let execute = AccessFs::Execute | AccessFs::ReadFile;
    let programs = plan.programs.iter().flatten().map(|path| (path.as_path(), execute));
    let paths = std::iter::once((Path::new("/"), everywhere)).chain(write).chain(forgotten).chain(data).chain(programs);
    let rules = rules.create()?.add_rules(paths.filter_map(|(path, access)| rule(path, access)))?;
    Ok(rules.restrict_self()?.ruleset)
}

/// Each path by itself, where nothing is mounted.
fn one_by_one(plan: &Plan, rules: Ruleset) -> Result<RulesetStatus, RulesetError> {
    let rules = rules.create()?;
    let all = AccessFs::from_all(LANDLOCK);
    let (data, seen) = (all & !AccessFs::Execute, AccessFs::from_read(LANDLOCK) & !AccessFs::Execute);
    let read = if plan.programs.is_some() { seen } else { AccessFs::from_read(LANDLOCK) };
    let blank = if plan.run_blank { all } else { data };
    let lists = [
        (&plan.read, read),
        (&plan.write, all),
        (&plan.data, data),
        (&plan.blank, blank),
        (&plan.list, AccessFs::ReadDir.into()),
    ];
    let paths = lists.into_iter().flat_map(|(paths, access)| paths.iter().map(move |path| (path.as_path(), access)));
    let execute = AccessFs::Execute | AccessFs::ReadFile;
    let programs = plan.programs.iter().flatten().map(|path| (path.as_path(), execute));
    let rules = rules.add_rules(paths.chain(programs).filter_map(|(path, access)| rule(path, access)))?;
    Ok(rules.restrict_self()?.ruleset)
}

/// The rule for a path; none if it is not there.
pub(super) fn rule(path: &Path, access: BitFlags<AccessFs>) -> Option<Result<PathBeneath<PathFd>, RulesetError>> {
    // Rights for what lies in a folder mean nothing for a file.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(LANDLOCK) };
    Some(Ok(PathBeneath::new(PathFd::new(path).ok()?, access)))
}

/// What leads out of namespaces, into other processes, or into corners of the kernel that only attacks visit.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_process_madvise,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Kinds of namespaces that a process could be made in.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];
/// Requests that put words into the mouth of whoever sits at the terminal, or change what it understands.
const TERMINAL: [u64; 3] = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD];
/// Kinds of sockets that programs use.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// The bits of a socket's type that are no flags.
const TYPE: u64 = 0xf;
/// Memory with a descriptor that cannot be run, since Linux 6.3. Source: `memfd_create(2)`.
const NOT_EXECUTABLE: u64 = 8;
/// What may be asked of `personality(2)`: which it is, and the kinds of Linux with 64 and 32 bits. None takes away that
/// addresses are random.
const PERSONALITIES: [u64; 5] = [0, 8, 0x0002_0000, 0x0002_0008, 0xffff_ffff];
/// What makes a file run as its owner or its group, who may be somebody with more rights than its reader.
const AS_OWNER: [libc::mode_t; 2] = [libc::S_ISUID, libc::S_ISGID];
/// Calls that change a file's mode, and those that make one, each with the number of the argument that is the mode.
const MODES: &[(libc::c_long, u8)] = &[
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (SYS_FCHMODAT2, 2),
    (libc::SYS_mknodat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
];
/// Calls that make a file if a flag says so, with the numbers of the arguments for flags and mode.
const MAKERS: &[(libc::c_long, u8, u8)] = &[
    (libc::SYS_openat, 2, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1, 2),
];
/// The number of `fchmodat2(2)`, which the C library's headers do not have everywhere.
const SYS_FCHMODAT2: libc::c_long = 452;
/// Calls that send, with the number of the argument for flags: one of them connects without asking.
const SENDERS: [(libc::c_long, u8); 3] = [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)];

/// Calls by which others are made that no filter sees.
const UNSEEN: [libc::c_long; 3] = [libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_io_uring_setup];

/// Refuses what could not be watched.
fn unseen() -> Result<(), seccompiler::Error> {
    apply_filter(&refuse(UNSEEN.into_iter().map(|call| (call, Vec::new())).collect(), libc::ENOSYS)?)
}

fn refuse(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: libc::c_int) -> Result<BpfProgram, seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let errno = SeccompAction::Errno(errno.unsigned_abs());
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, errno, arch)?.try_into()?)
}

fn calls(plain: bool) -> Result<(), seccompiler::Error> {
    // Its flags lie in memory, where a filter cannot look; libraries go back to the call before it.
    let in_memory = [libc::SYS_clone3, libc::SYS_openat2].map(|call| (call, Vec::new()));
    apply_filter(&refuse(BTreeMap::from(in_memory), libc::ENOSYS)?)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let is = |argument, value| condition(argument, SeccompCmpOp::Eq, value);
    let masked = |argument, mask, value| condition(argument, SeccompCmpOp::MaskedEq(mask), value);
    let any = |conditions: Vec<SeccompCondition>| -> Result<Vec<SeccompRule>, BackendError> {
        conditions.into_iter().map(|one| SeccompRule::new(vec![one])).collect()
    };
    let namespaces = NAMESPACES.map(bits).into_iter().map(|kind| masked(0, kind, kind)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, any(namespaces)?);
    let terminal = TERMINAL.into_iter().map(|request| is(1, request)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, any(terminal)?);
    let foreign = FAMILIES.into_iter().map(|family| condition(0, SeccompCmpOp::Ne, bits(family)));
    let mut sockets = vec![SeccompRule::new(foreign.collect::<Result<_, _>>()?)?];
    sockets.extend(any(vec![is(2, bits(libc::IPPROTO_MPTCP))?])?);
    if plain {
        // What is sent without a connection cannot be watched, and nothing keeps it inside.
        let (kind, stream) = (SeccompCmpOp::MaskedEq(TYPE), bits(libc::SOCK_STREAM));
        for family in [libc::AF_INET, libc::AF_INET6] {
            for other in 0..=TYPE {
                if other != stream {
                    let of_family = condition(0, SeccompCmpOp::Eq, bits(family))?;
                    sockets.push(SeccompRule::new(vec![of_family, condition(1, kind.clone(), other)?])?);
                }
            }
        }
        let local = condition(0, SeccompCmpOp::Eq, bits(libc::AF_UNIX))?;
        sockets.push(SeccompRule::new(vec![local, condition(1, kind, bits(libc::SOCK_DGRAM))?])?);
    }
    rules.insert(libc::SYS_socket, sockets);
    rules.insert(libc::SYS_socketpair, any(vec![masked(1, TYPE, bits(libc::SOCK_DGRAM))?])?);
    for (call, flags) in SENDERS {
        rules.insert(call, any(vec![masked(flags, bits(libc::MSG_FASTOPEN), bits(libc::MSG_FASTOPEN))?])?);
    }
    for (call, mode) in MODES {
        rules.insert(
            *call,
            any(AS_OWNER.map(|bit| masked(*mode, bit.into(), bit.into())).into_iter().collect::<Result<_, _>>()?)?,
        );
    }
    for (call, flags, mode) in MAKERS {
        let make = |flag: u64, bit: libc::mode_t| {
            SeccompRule::new(vec![masked(*flags, flag, flag)?, masked(*mode, bit.into(), bit.into())?])
        };
        let makes = [bits(libc::O_CREAT), bits(libc::O_TMPFILE & !libc::O_DIRECTORY)];
        let rule = makes.into_iter().flat_map(|flag| AS_OWNER.map(|bit| make(flag, bit)));
        rules.insert(*call, rule.collect::<Result<_, _>>()?);
    }
    let odd = PERSONALITIES.into_iter().map(|usual| condition(0, SeccompCmpOp::Ne, usual));
    rules.insert(libc::SYS_personality, vec![SeccompRule::new(odd.collect::<Result<_, _>>()?)?]);
    rules.insert(libc::SYS_memfd_create, any(vec![masked(1, NOT_EXECUTABLE, 0)?])?);
    apply_filter(&refuse(rules, libc::EPERM)?)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)
}

/// A constant of the C library, none of which is negative here, as the kernel's interface has it.
const fn bits(constant: libc::c_int) -> u64 {
    constant.unsigned_abs() as u64
}
