//! What the sandbox lets through on purpose, and what some machines let nobody do.

use crate::probe::{Report, Said};

/// Something that is let through, where, and why.
pub(crate) struct Expected {
    ids: &'static [&'static str],
    /// Part of the columns' names.
    within: &'static str,
    pub(crate) reason: &'static str,
}

const EVERYWHERE: &str = "";
const WITHOUT: &str = "no user namespaces";

const ALLOWED: &[Expected] = &[
    Expected {
        ids: &["W10"],
        within: EVERYWHERE,
        reason: "a package may write its own folder: that is what its hook is for",
    },
    Expected {
        ids: &["X4", "X5", "X9"],
        within: EVERYWHERE,
        reason: "packages with native code run what they bring and what they build; it has no network, no secret and no \
                 other folder",
    },
    Expected {
        ids: &["X7", "X8"],
        within: EVERYWHERE,
        reason: "hooks are scripts; whoever may run an interpreter may run any of them",
    },
    Expected {
        ids: &["F12", "F13", "F16", "W32"],
        within: WITHOUT,
        reason: "Landlock knows of no right to see that a file is there, nor of its rights, dates and attributes",
    },
    Expected {
        ids: &["P9", "P43"],
        within: WITHOUT,
        reason: "without a namespace for processes they are all listed, with their arguments; their memory and environment \
                 stay closed",
    },
    Expected {
        ids: &["P13", "P21", "P23"],
        within: WITHOUT,
        reason: "the kernel lets processes of a user slow each other down, and Landlock has no say in it",
    },
    Expected {
        ids: &["P19"],
        within: WITHOUT,
        reason: "without a namespace for them, shared memory of the same user is open to it",
    },
    Expected {
        ids: &["F19"],
        within: WITHOUT,
        reason: "Landlock knows of no right to learn that a file is used; its content stays closed",
    },
    Expected { ids: &["N17"], within: WITHOUT, reason: "there is one network, and its devices can be listed" },
    Expected { ids: &["P39"], within: WITHOUT, reason: "there is one set of mounts, and it can be listed" },
];

/// Why a probe may be let through there.
pub(crate) fn allowed(id: &str, column: &str) -> Option<&'static Expected> {
    ALLOWED.iter().find(|expected| expected.ids.contains(&id) && column.contains(expected.within))
}

/// What not every machine lets a user do who has no sandbox at all, and why.
const UNTESTABLE: &[(&[&str], &str)] = &[
    (
        &[
            "F11", "F15", "F17", "W21", "W22", "W23", "W31", "N7", "N32", "P32", "P33", "P34", "P35", "P36", "P37",
            "P56", "P57",
        ],
        "needs rights of root",
    ),
    (&["F20"], "the first process is somebody else's"),
    (&["P15", "P17", "P14"], "the kernel's settings let only root"),
    (&["P10", "P26", "P27"], "the kernel's settings, or the kind of terminal, forbid it"),
    (&["P12"], "only for a user who is not root, where `su` is installed"),
    (&["P38"], "a process cannot enter the user namespace that it is in"),
    (&["P11", "P30", "P31", "P54", "P55"], "this system gives nobody namespaces"),
    (&["P20", "P29", "P52", "P53"], "the kernel is built without that interface"),
    (&["P2", "P3", "P4", "P5", "P8", "P28", "F9", "F10", "P24", "P25"], "the kernel's settings (Yama) forbid it"),
    (&["F16", "W32"], "the file system does not have it"),
    (&["N3", "N6", "N18", "N20", "N23", "N29", "P16", "F18", "R7"], "the kernel or its settings do not have it"),
    (&["N17"], "the machine has no network device but loopback"),
    (&["X1", "X2"], "the program is not installed"),
    (&["P18"], "the kernel has no keyring for it"),
    (&["P42"], "only some users may"),
    (&["F7", "W30"], "the kernel's settings forbid such links"),
];

/// Why a probe that did not work bare proves nothing here.
pub(crate) fn untestable(report: &Report) -> Option<&'static str> {
    let known = UNTESTABLE.iter().find(|(ids, _)| ids.contains(&report.id.as_str()))?;
    (report.said != Said::Nothing).then_some(known.1)
}
