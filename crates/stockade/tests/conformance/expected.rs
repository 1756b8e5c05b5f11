//! What differs in a client from what has to come of a behaviour, and why. Each of these has to be so, that the list stays
//! true.

use crate::cell::{Cell, End};
use crate::rows::{Expected, Row};

/// A client that does not say why something is refused.
struct Silent {
    /// The beginning of the columns' names.
    client: &'static str,
    rows: &'static [&'static str],
    why: &'static str,
}

const MALWARE: &[&str] = &["malware, by exact version"];
const AGAIN: &[&str] = &["publish again with other bytes"];
const LOOKS_FIRST: &str = "it looks first whether the version is there, and asks for nothing more";
const NOT_LISTED: &str = "malware is in no packument, and what is said there in its place is read by npm alone";

const SILENT: &[Silent] = &[
    Silent { client: "npm 11", rows: AGAIN, why: LOOKS_FIRST },
    Silent { client: "npm 12", rows: AGAIN, why: LOOKS_FIRST },
    Silent { client: "pnpm 10", rows: AGAIN, why: "it publishes with the npm that it finds, which looks first" },
    Silent { client: "cargo", rows: AGAIN, why: LOOKS_FIRST },
    Silent { client: "pnpm", rows: MALWARE, why: NOT_LISTED },
    Silent {
        client: "pnpm 12",
        rows: &["malware, by lockfile"],
        why: "pnpm 12 looks first whether the packument has what the lockfile names, and malware is in none",
    },
    Silent {
        client: "pnpm 12",
        rows: &[
            "young, by exact version",
            "young, by lockfile",
            "tampered",
            "frozen, by exact version",
            "the registry fails",
            "the registry is away, and nothing was installed before",
        ],
        why: "pnpm 12 prints the number of an answer, and nothing of what it says",
    },
    Silent { client: "Yarn", rows: MALWARE, why: NOT_LISTED },
    Silent { client: "Bun", rows: MALWARE, why: NOT_LISTED },
    Silent {
        client: "Bun",
        rows: &[
            "young, by exact version",
            "young, by lockfile",
            "malware, by lockfile",
            "tampered",
            "frozen, by exact version",
            "the registry fails",
            "the registry is away, and nothing was installed before",
        ],
        why: "Bun prints the number of an answer, and nothing of what it says",
    },
    Silent {
        client: "Poetry",
        rows: &["malware, by exact version", "malware, by lockfile"],
        why: "malware is on no page, and Poetry knows of nothing else",
    },
    Silent {
        client: "pip",
        rows: &["malware, by exact version", "malware, by lockfile"],
        why: "malware is on no page, and pip knows of nothing else",
    },
    Silent {
        client: "pip",
        rows: &["the registry fails", "the registry is away, and nothing was installed before"],
        why: "pip takes a page that it cannot get for one without files",
    },
    Silent {
        client: "uv",
        rows: &["malware, by exact version"],
        why: "malware is on no page, and uv knows of nothing else",
    },
    Silent {
        client: "cargo",
        rows: &["young, by exact version", "frozen, by exact version"],
        why: "cargo says of what is held that it is yanked, and has no place for a reason",
    },
    Silent {
        client: "cargo",
        rows: &["malware, by exact version", "malware, by lockfile"],
        why: "malware is in no index, and cargo does not ask for its file",
    },
];

/// Why nothing is told there.
pub(crate) fn why_silent(column: &str, title: &str) -> Option<&'static str> {
    let known = SILENT.iter().find(|silent| column.starts_with(silent.client) && silent.rows.contains(&title));
    known.map(|silent| silent.why)
}

/// What is not as it has to be.
pub(crate) fn judge(column: &str, row: &Row, cell: &Cell) -> Option<String> {
    let fits = match (row.expected, &cell.end) {
        (_, End::Strange(_)) => false,
        (_, End::Lacks(_)) | (Expected::Whatever, _) | (Expected::Refused | Expected::Fails, End::Fails) => true,
        (Expected::Installs(wanted), End::Installs(version)) => wanted == version,
        _ => false,
    };
    if !fits {
        return Some(format!("{column}: {}: has to be {:?}, and is {cell}\n{}", row.title, row.expected, cell.said));
    }
    match (cell.told, why_silent(column, row.title)) {
        (false, None) => Some(format!("{column}: {}: the person is not told why:\n{}", row.title, cell.said)),
        (true, Some(why)) => Some(format!("{column}: {}: the person is told, and it is listed that {why}", row.title)),
        _ => None,
    }
}
