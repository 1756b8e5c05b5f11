//! The files that a program sees: a new root, with nothing in it but what it was given.
//!
//! Everything that is shown is first taken as a detached copy of its mounts, so that the new root may cover the place
//! where it came from, and nothing is looked up twice. What the kernel offers about the whole machine (`/proc`, `/dev`,
//! `/tmp`, `/run`) is made anew. Source: `open_tree(2)`, `mount_setattr(2)`, `pivot_root(2)`.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, mount_change,
    move_mount, open_tree, unmount,
};

use super::launch::{Failed, Step as _};
use super::{Layer, Plan};

/// Where the new root is put together: a folder that every system has and that is made anew inside.
const ROOT: &str = "/tmp";
/// Folders of the system that everybody may read: programs, libraries, settings.
pub(super) const SYSTEM: [&str; 11] =
    ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/opt", "/nix", "/gnu"];
/// What runtimes look up to see how many processors and how much memory they have.
pub(super) const MACHINE: [&str; 2] = ["/sys/devices/system", "/sys/fs/cgroup"];
/// What of `/proc` is the whole machine's, and whoever is root may write without any privilege.
const SETTINGS: [&str; 6] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"];
/// Devices that hold nothing.
pub(super) const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// Folders in memory, which end with the program.
const FRESH: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
/// Where texts lie that stand in the place of files.
const TEXTS: &str = "/run/stockade/texts";
/// What stands in `/dev` for what every process has of its own.
const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Whether something is the system's, which every program sees, or a place that every program has of its own.
pub fn is_everybodys(path: &Path) -> bool {
    SYSTEM.iter().chain(&MACHINE).chain(&DEVICES).chain(&FRESH).any(|folder| path.starts_with(folder))
}

/// A copy of what is mounted at a path, which nobody sees yet.
struct Shown {
    path: PathBuf,
    tree: OwnedFd,
    folder: bool,
    attributes: u64,
}

/// Puts the new root together, and makes it the root of this process.
pub(super) fn set_up(plan: &Plan) -> Result<(), Failed> {
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private).step("mounts cannot be made private")?;
    let mut shown = everything_shown(plan)?;
    // What lies in another one comes after it.
    shown.sort_by_key(|one| one.path.components().count());
    in_memory(Path::new(ROOT), c"mode=0755", MountFlags::empty())?;
    for link in SYSTEM.map(Path::new).into_iter().filter(|path| path.is_symlink()) {
        let target = fs::read_link(link).step(format!("{} cannot be read", link.display()))?;
        symlink(&target, inside(link)).step(format!("{} cannot be made", link.display()))?;
    }
    let run = if plan.run_blank { MountFlags::empty() } else { MountFlags::NOEXEC };
    let mut forgotten: Vec<&Path> = plan.blank.iter().map(PathBuf::as_path).chain(FRESH.map(Path::new)).collect();
    forgotten.sort_by_key(|path| path.components().count());
    for folder in forgotten {
        let place = inside(folder);
        fs::create_dir_all(&place).step(format!("{} cannot be made", folder.display()))?;
        in_memory(&place, c"mode=1777", run)?;
    }
    for (link, target) in &plan.links {
        let place = inside(link);
        let folder = place.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| symlink(target, &place)).step(format!("{} cannot be made", link.display()))?;
    }
    kernels_own()?;
    for one in &shown {
        one.show()?;
    }
    for path in &plan.hide {
        hide(path)?;
    }
    for (number, (path, text)) in plan.texts.iter().enumerate() {
        put_text(path, text, number)?;
    }
    enter(&plan.folder)
}

fn everything_shown(plan: &Plan) -> Result<Vec<Shown>, Failed> {
    let fixed = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let own = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let device = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    let there = |path: &&str| Path::new(path).exists() && !Path::new(path).is_symlink();
    let system = SYSTEM.iter().chain(&MACHINE).copied().filter(there).map(|path| (Path::new(path), fixed));
    let devices = DEVICES.iter().copied().filter(there).map(|path| (Path::new(path), device));
    let read = plan.read.iter().map(|path| (path.as_path(), fixed));
    let write = plan.write.iter().map(|path| (path.as_path(), own));
    let data = plan.data.iter().map(|path| (path.as_path(), own | libc::MOUNT_ATTR_NOEXEC));
    let keep = plan.keep.iter().map(|path| (path.as_path(), fixed));
    let all = system.chain(devices).chain(read).chain(write).chain(data).chain(keep);
    let all = all.map(|(path, attributes)| Shown::new(path, attributes));
    all.chain(plan.layers.iter().map(|layer| Shown::layer(layer, own))).collect()
}

impl Shown {
    fn new(path: &Path, attributes: u64) -> Result<Self, Failed> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        let tree = open_tree(CWD, path, flags).step(format!("{} cannot be shown", path.display()))?;
        Ok(Self { path: path.to_owned(), tree, folder: path.is_dir(), attributes })
    }

    /// A folder as it is, under an empty one that takes every change. Source: `Documentation/filesystems/overlayfs.rst`
    /// of Linux.
    fn layer(layer: &Layer, attributes: u64) -> Result<Self, Failed> {
        let mount = || -> rustix::io::Result<OwnedFd> {
            let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
            // A colon would separate folders.
            let below = layer.folder.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:");
            fsconfig_set_string(&context, "lowerdir", below)?;
            fsconfig_set_string(&context, "upperdir", &layer.changes)?;
            fsconfig_set_string(&context, "workdir", &layer.work)?;
            fsconfig_set_flag(&context, "userxattr")?;
            fsconfig_create(&context)?;
            fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
        };
        let tree = mount().step(format!("changes of {} cannot be kept apart from it", layer.folder.display()))?;
        Ok(Self { path: layer.folder.clone(), tree, folder: true, attributes })
    }

    fn show(&self) -> Result<(), Failed> {
        let (place, shown) = (inside(&self.path), self.path.display());
        restrict(&self.tree, self.attributes).step(format!("{shown} cannot be restricted"))?;
        make_place(&place, self.folder).step(format!("there is no place for {shown}"))?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(&self.tree, "", CWD, &place, flags).step(format!("{shown} cannot be put in its place"))
    }
}

/// Takes rights from a tree of mounts. What was taken before stays taken.
fn restrict(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    // SAFETY: the structure lives during the call, and its size goes with it. The descriptor is open.
    #[expect(unsafe_code, reason = "no library has this call")]
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Something to mount on, unless it is there already.
fn make_place(place: &Path, folder: bool) -> io::Result<()> {
    if place.symlink_metadata().is_ok() {
        return Ok(());
    }
    if folder {
        return fs::create_dir_all(place);
    }
    place.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::File::create_new(place).map(drop)
}

/// What the kernel says of this world, instead of the one outside.
fn kernels_own() -> Result<(), Failed> {
    let closed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let make = |path: &str| fs::create_dir_all(inside(Path::new(path))).step(format!("{path} cannot be made"));
    make("/proc")?;
    mount("proc", inside(Path::new("/proc")), "proc", closed, None).step("/proc cannot be mounted")?;
    for path in SETTINGS.map(Path::new).into_iter().filter(|path| inside(path).exists()) {
        // By its name there, what lies in it is this one's.
        let shown = Shown::new(&inside(path), libc::MOUNT_ATTR_RDONLY)?;
        Shown { path: path.to_owned(), ..shown }.show()?;
    }
    make("/dev/pts")?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let terminals = c"newinstance,ptmxmode=0666,mode=0620";
    mount("devpts", inside(Path::new("/dev/pts")), "devpts", flags, terminals).step("/dev/pts cannot be mounted")?;
    for (link, target) in LINKS {
        symlink(target, inside(Path::new(link))).step(format!("{link} cannot be made"))?;
    }
    Ok(())
}

/// Covers something with nothing. What is not there needs no cover.
fn hide(path: &Path) -> Result<(), Failed> {
    let place = inside(path);
    let Ok(metadata) = place.symlink_metadata() else { return Ok(()) };
    if metadata.is_dir() {
        return in_memory(&place, c"mode=0555", MountFlags::NOEXEC);
    }
    let nothing = Shown::new(Path::new("/dev/null"), libc::MOUNT_ATTR_RDONLY)?;
    Shown { path: path.to_owned(), ..nothing }.show()
}

/// Puts a text in a file's place.
#[expect(clippy::disallowed_methods, reason = "this root is in memory, and ends with the program")]
fn put_text(path: &Path, text: &str, number: usize) -> Result<(), Failed> {
    let kept = inside(Path::new(TEXTS)).join(number.to_string());
    let made = kept.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&kept, text));
    made.step(format!("{} cannot be written", path.display()))?;
    let shown = Shown::new(&kept, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOEXEC)?;
    Shown { path: path.to_owned(), ..shown }.show()
}

fn in_memory(place: &Path, options: &CStr, more: MountFlags) -> Result<(), Failed> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | more;
    mount("tmpfs", place, "tmpfs", flags, options).step(format!("{} cannot be made in memory", place.display()))
}

/// Makes the new root the only one, and goes to a folder in it.
fn enter(folder: &Path) -> Result<(), Failed> {
    rustix::process::chdir(ROOT).step("the new root cannot be entered")?;
    // The old root ends up on top of the new one, at the same place, and is taken off. Source: pivot_root(2).
    rustix::process::pivot_root(".", ".").step("the root cannot be changed")?;
    unmount(".", UnmountFlags::DETACH).step("the old root cannot be let go")?;
    rustix::process::chdir(folder).step(format!("{} cannot be entered", folder.display()))
}

/// Where a path is while the new root is put together.
fn inside(path: &Path) -> PathBuf {
    Path::new(ROOT).join(path.strip_prefix("/").unwrap_or(path))
}
