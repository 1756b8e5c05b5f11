//! The behaviours, in the order in which one gateway plays them.

use stockade_testkit::Fault;

use crate::cell::Cell;
use crate::clients::Wanted;
use crate::stage::Stage;

/// A behaviour.
pub(crate) struct Row {
    /// In a few words.
    pub(crate) title: &'static str,
    /// What is done.
    pub(crate) what: &'static str,
    /// The package that is installed, short.
    pub(crate) package: &'static str,
    /// An advisory says that 1.1.0 of it is malware.
    pub(crate) is_malware: bool,
    /// What has to come of it.
    pub(crate) expected: Expected,
    pub(crate) play: fn(&Stage<'_>, &Self) -> Cell,
}

/// What has to come of a behaviour, unless `expected` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// This version is installed.
    Installs(&'static str),
    /// Nothing is installed, and the person is told why.
    Refused,
    /// Nothing is installed.
    Fails,
    /// It is the client's own business, and differs.
    Whatever,
}

/// What everybody is told of a release that is too young.
const YOUNG: &[&str] = &["by stockade", "1.1.0 is 5 hours old", "policy asks 72 hours"];
const MALWARE: &[&str] = &["by stockade", "MAL-2026-1"];
const TAMPERED: &[&str] = &["by stockade", "1.0.0 is not what the index claims"];
const FROZEN: &[&str] = &["by stockade", "a worm spreads"];

const TAKEN: &[&str] = &["was published by `alice`"];
const FOREIGN: &[&str] = &["by stockade", "is not published here"];
/// What is published.
const OWN: &str = "acme-demo";

pub(crate) const ROWS: &[Row] = &[
    Row {
        title: "first install",
        what: "Of a package that nobody asked for before, there is 1.0.0. It is wanted by a range.",
        package: "cold-demo",
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            stage.old(row.package);
            by_range(stage, row)
        },
    },
    Row {
        title: "second install",
        what: "The same, by another user, whose client has nothing of it. The registry is asked for no file.",
        package: "cold-demo",
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            let (cell, files) = stage.files_asked(|| by_range(stage, row));
            if files == 0 { cell } else { cell.strange(format!("asks the registry for {files} files")) }
        },
    },
    Row {
        title: "young, by range",
        what: "1.1.0 is five hours old. The range takes both.",
        package: "young-demo",
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            stage.young(row.package);
            by_range(stage, row).showing(YOUNG)
        },
    },
    Row {
        title: "young, by exact version",
        what: "The same, and 1.1.0 is named.",
        package: "young-demo",
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| by_version(stage, row).called("refused").telling(YOUNG),
    },
    Row {
        title: "young, by lockfile",
        what: "The same, and a lockfile that was made without the gateway names 1.1.0.",
        package: "young-demo",
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| by_lockfile(stage, row).called("refused").telling(YOUNG),
    },
    Row {
        title: "young and approved",
        what: "1.1.0 is five hours old, and a person approved it. It is named.",
        package: "approved-demo",
        is_malware: false,
        expected: Expected::Installs("1.1.0"),
        play: |stage, row| {
            let name = stage.young(row.package);
            stage.person(&["approve", &stage.purl(&name, "1.1.0"), "--reason", "I read it", "--yes"]);
            by_version(stage, row)
        },
    },
    Row {
        title: "malware, by range",
        what: "An advisory says that 1.1.0 is malware. The range takes both.",
        package: "malware-demo",
        is_malware: true,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            stage.newer(row.package);
            by_range(stage, row).showing(MALWARE)
        },
    },
    Row {
        title: "malware, by exact version",
        what: "The same, and 1.1.0 is named.",
        package: "malware-demo",
        is_malware: true,
        expected: Expected::Refused,
        play: |stage, row| by_version(stage, row).called("refused").telling(MALWARE),
    },
    Row {
        title: "malware, by lockfile",
        what: "The same, and a lockfile that was made without the gateway names 1.1.0.",
        package: "malware-demo",
        is_malware: true,
        expected: Expected::Refused,
        play: |stage, row| by_lockfile(stage, row).called("refused").telling(MALWARE),
    },
    Row {
        title: "tampered",
        what: "The registry's file is not what its index says that it is.",
        package: "tampered-demo",
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| {
            let name = stage.old(row.package);
            stage.registry.server().fault(&stage.registry.file(&name, "1.0.0"), Fault::Corrupt);
            by_range(stage, row).called("refused").telling(TAMPERED)
        },
    },
    Row {
        title: "withdrawn by its maintainers",
        what: "1.1.0 is yanked, or deprecated, at the registry. The range takes both.",
        package: "withdrawn-demo",
        is_malware: false,
        expected: Expected::Whatever,
        play: |stage, row| {
            let name = stage.old(row.package);
            if !stage.registry.withdraw(&name, "1.1.0", stage.settled()) {
                return Cell::lacks("nobody can withdraw a release there");
            }
            by_range(stage, row).showing(&["yanked", "deprecated"])
        },
    },
    Row {
        title: "frozen, by range",
        what: "After `stockade freeze`, of a package whose 1.1.0 is newer than the line. The range takes both.",
        package: "frozen-demo",
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            stage.newer(row.package);
            stage.person(&["freeze", "2026-05-01", "--reason", "a worm spreads"]);
            by_range(stage, row).showing(FROZEN)
        },
    },
    Row {
        title: "frozen, by exact version",
        what: "The same, and 1.1.0 is named.",
        package: "frozen-demo",
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| {
            let cell = by_version(stage, row).called("refused").telling(FROZEN);
            stage.person(&["freeze", "--off", "--reason", "it is over"]);
            cell
        },
    },
    Row {
        title: "publish",
        what: "Somebody with a token publishes 1.0.0 of a package whose name is claimed as hosted; with pip it is twine 6.2.0 \
               that does. Another user installs it by a range. The registry is asked for nothing of it.",
        package: OWN,
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            let name = stage.registry.own(row.package);
            let output = match stage.publish(&name, "first") {
                Ok(output) => output,
                Err(why) => return Cell::lacks(why),
            };
            if !output.ok() {
                return Cell::unpublished(&output).strange(format!("is not published: {output}"));
            }
            let place = stage.place(&name, Wanted::Range);
            let cell = Cell::of(stage, &place, &stage.install(&place));
            let asked = stage.registry.server().count(&format!("*{OWN}*"));
            if asked == 0 { cell } else { cell.strange(format!("asks the registry {asked} times")) }
        },
    },
    Row {
        title: "publish again with other bytes",
        what: "The same release once more, and its file has changed.",
        package: OWN,
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| {
            let output = stage.publish(&stage.registry.own(row.package), "second");
            output.map_or_else(Cell::lacks, |output| Cell::unpublished(&output).telling(TAKEN))
        },
    },
    Row {
        title: "publish a name that is not hosted",
        what: "With the same token, under a name that is not claimed.",
        package: "foreign-demo",
        is_malware: false,
        expected: Expected::Refused,
        play: |stage, row| {
            let output = stage.publish(&stage.registry.name(row.package), "first");
            output.map_or_else(Cell::lacks, |output| Cell::unpublished(&output).telling(FOREIGN))
        },
    },
    Row {
        title: "the registry fails",
        what: "It answers everything about the package with 500.",
        package: "failing-demo",
        is_malware: false,
        expected: Expected::Fails,
        play: |stage, row| {
            stage.old(row.package);
            stage.registry.server().fault("/*", Fault::Status(500));
            let cell = by_range(stage, row).telling(&["stockade could not look"]);
            stage.registry.server().clear_faults();
            cell
        },
    },
    Row {
        title: "unknown",
        what: "There is no such package.",
        package: "unknown-demo",
        is_malware: false,
        expected: Expected::Fails,
        play: |stage, row| {
            by_range(stage, row).called("not found").showing(&["not found", "could not find", "no matching"])
        },
    },
    Row {
        title: "unpublished, by lockfile",
        what: "1.1.0 was installed once through the gateway. An hour later it is gone from the registry, somebody asked \
               for the package since, and a lockfile names it.",
        package: "unpublished-demo",
        is_malware: false,
        expected: Expected::Whatever,
        play: |stage, row| {
            let name = stage.newer(row.package);
            let locked = stage.locked(&name);
            let served = stage.install(&stage.place(&name, Wanted::Exact("1.1.0")));
            assert!(served.ok(), "{served}");
            stage.registry.unpublish(&name, "1.1.0");
            stage.later(1);
            let Some(place) = locked else { return Cell::lacks(NO_LOCKFILE) };
            // The gateway gives out what its copy of the index lists, so it has to have read that it is gone.
            by_range(stage, row);
            Cell::of(stage, &place, &stage.install_locked(&place))
        },
    },
    Row {
        title: "unpublished, by exact version",
        what: "The same, and 1.1.0 is named.",
        package: "unpublished-demo",
        is_malware: false,
        expected: Expected::Whatever,
        play: by_version,
    },
    Row {
        title: "the registry is away",
        what: "An hour later, with a registry that nobody reaches any more, of a package that was installed before.",
        package: "cold-demo",
        is_malware: false,
        expected: Expected::Installs("1.0.0"),
        play: |stage, row| {
            stage.registry.server().offline(true);
            stage.later(1);
            by_range(stage, row)
        },
    },
    Row {
        title: "the registry is away, and nothing was installed before",
        what: "The same, of a package that nobody asked for before.",
        package: "away-demo",
        is_malware: false,
        expected: Expected::Fails,
        play: |stage, row| by_range(stage, row).telling(&["stockade could not look", "the upstream did not answer"]),
    },
];

const NO_LOCKFILE: &str = "it has no lockfile";

fn by_range(stage: &Stage<'_>, row: &Row) -> Cell {
    let place = stage.place(&stage.registry.name(row.package), Wanted::Range);
    Cell::of(stage, &place, &stage.install(&place))
}

fn by_version(stage: &Stage<'_>, row: &Row) -> Cell {
    let place = stage.place(&stage.registry.name(row.package), Wanted::Exact("1.1.0"));
    Cell::of(stage, &place, &stage.install(&place))
}

fn by_lockfile(stage: &Stage<'_>, row: &Row) -> Cell {
    match stage.locked(&stage.registry.name(row.package)) {
        Some(place) => Cell::of(stage, &place, &stage.install_locked(&place)),
        None => Cell::lacks(NO_LOCKFILE),
    }
}
