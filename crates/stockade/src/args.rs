//! The arguments. What they mean together with the settings files is for [`crate::settings`] to say.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use stockade_ecosystem::{ALL, by_id};
use stockade_engine::access::Right;
use stockade_model::EcosystemId;
use url::Url;

/// Keeps compromised releases of legitimate packages away.
///
/// Exit status: 0 allowed, 1 the policy says no, 2 it could not be decided.
#[derive(Debug, Parser)]
#[command(name = "stockade", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// A settings file that stands in place of the user's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder that everything is kept in
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A policy that stands in place of the settings'
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Ask the clients of this ecosystem alone, and serve nothing else; may be repeated
    #[arg(long, global = true, value_name = "ID", value_parser = known_ecosystem)]
    pub(crate) ecosystem: Vec<EcosystemId>,
    /// How the answer is written
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what is done; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The instant at which the clock starts, for replays and tests
    #[arg(long, global = true, hide = true, value_name = "INSTANT")]
    pub(crate) now: Option<Timestamp>,
}

fn known_ecosystem(id: &str) -> Result<EcosystemId, String> {
    let known = || ALL.iter().map(|ecosystem| format!("`{}`", ecosystem.id)).collect::<Vec<_>>().join(", ");
    by_id(id).map(|ecosystem| ecosystem.id.clone()).ok_or_else(|| format!("there is {}", known()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people; what it is unless another is named
    #[default]
    Text,
    /// For programs
    Json,
    /// For code hosts that show findings beside the code; `scan`, `inspect`, `diff` and `run` only
    Sarif,
    /// For pull requests; `scan`, `inspect` and `diff` only
    Markdown,
    /// A page of its own; `inspect` and `diff` only
    Html,
    /// For what shows the results of tests; `scan` only
    Junit,
    /// Commands that annotate files in a workflow of GitHub; `scan` only
    Github,
    /// A bill of materials as CycloneDX 1.6; `sbom`, and `scan` with what was found
    #[value(alias = "cyclonedx-1.6")]
    Cyclonedx,
    /// The same as CycloneDX 1.7
    #[value(name = "cyclonedx-1.7")]
    Cyclonedx17,
    /// A bill of materials as SPDX 2.3; `sbom` only
    #[value(alias = "spdx-2.3")]
    Spdx,
    /// The same as SPDX 3.0.1
    #[value(name = "spdx-3.0.1")]
    Spdx301,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a client through a gateway, this once
    Run(Run),
    /// Serve a gateway until it is stopped
    Serve(Serve),
    /// List what is held or denied
    Held,
    /// Let a held release in, for a time
    Approve(Approve),
    /// Keep a release out
    Deny(Decide),
    /// Hold everything that was published since an instant, or end that
    Freeze(Freeze),
    /// Say that nobody should choose a release any more that is published here, or take that back
    Yank(Yank),
    /// Make, list and revoke the tokens of those who publish, decide or read
    #[command(subcommand)]
    Token(Token),
    /// Say which releases of a project are malicious or vulnerable, of its lockfiles and installed trees
    Scan(Scan),
    /// Keep what projects have, and say which have a release, or had it
    #[command(subcommand)]
    Inventory(Inventory),
    /// Fetch, bring and carry advisories, and say how old they are
    #[command(subcommand)]
    Advisories(Advisories),
    /// Write a bill of materials of a project, or convert or validate one
    Sbom(Sbom),
    /// Say what an artifact can do, without running it
    Inspect(Inspect),
    /// Say what a release gained and lost
    Diff(Diff),
    /// Say what the policy makes of a release, and of what evidence
    Why(Why),
    /// Replay a ruling from the log
    Explain(Explain),
    /// Look at policies
    #[command(subcommand)]
    Policy(Policy),
    /// Write the settings file from what is found
    Init(Init),
    /// Point clients at the gateway, or away from it
    Setup(Setup),
    /// Print what makes clients ask the gateway, and for the age that the policy asks for
    ClientConfig(ClientConfig),
    /// Find what is wrong
    Doctor,
    /// Keep the gateway's address out of lockfiles
    #[command(subcommand)]
    Lock(Lock),
    /// Look at the log
    #[command(subcommand)]
    Log(Log),
    /// Inspect what comes on standard input, for a supervisor, and be able to do nothing else
    #[command(hide = true, name = stockade_engine::inspection::WORKER)]
    InspectWorker,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Run {
    /// Let it connect to this host as well, on port 443 unless another is named; may be repeated
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) allow_host: Vec<String>,
    /// Let it see this variable as well; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_env: Vec<String>,
    /// Let it read and run this file or folder as well; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) allow_read: Vec<PathBuf>,
    /// Let it write this folder as well; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) allow_write: Vec<PathBuf>,
    /// Let this machine reach what it listens on at this port; may be repeated
    #[arg(long, value_name = "PORT")]
    pub(crate) publish: Vec<u16>,
    /// A profile that stands in place of the one for this command
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Keep nothing from it, and report what the profile would have kept from it
    #[arg(long, conflicts_with_all = ["review", "publish", "best_effort"])]
    pub(crate) audit: bool,
    /// Keep nothing from it, and write a profile that allows what it did
    #[arg(long, value_name = "FILE", conflicts_with_all = ["review", "publish", "best_effort"])]
    pub(crate) learn: Option<PathBuf>,
    /// Add what is blocked to this file as it happens, a line of JSON for each
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Keep all changes of the project apart, show them, and ask what becomes of them
    #[arg(long)]
    pub(crate) review: bool,
    /// Run it also where this system cannot enforce all of the profile, and say what is not
    #[arg(long)]
    pub(crate) best_effort: bool,
    /// Run it without a sandbox
    #[arg(long, conflicts_with_all = ["allow_host", "allow_env", "allow_read", "allow_write", "publish", "profile", "audit", "learn", "events", "review", "best_effort"])]
    pub(crate) unsandboxed: bool,
    /// The client and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

impl Run {
    /// Whether nothing is kept from the command.
    pub(crate) fn audits(&self) -> bool {
        self.audit || self.learn.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address to listen on; 127.0.0.1:4873 unless the settings say otherwise
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// The address under which clients reach it, if that is another one
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<Url>,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub(crate) decide: Decide,
    /// Do not ask, on a terminal, after showing what is in it
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The release, as a package URL with a version
    pub(crate) purl: String,
    /// Why
    #[arg(long)]
    pub(crate) reason: String,
    /// Who decides; the user's name unless given
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// Until when: `30d`, a date or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Freeze {
    /// Since when: an instant or a date; what is in effect is shown if it is left out
    #[arg(value_name = "INSTANT")]
    pub(crate) since: Option<String>,
    /// End the freeze
    #[arg(long, conflicts_with = "since")]
    pub(crate) off: bool,
    /// Why
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Who decides; the user's name unless given
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Yank {
    /// The release, as a package URL with a version
    pub(crate) purl: String,
    /// Why; whoever asks for exactly this release reads it
    #[arg(long, required_unless_present = "undo")]
    pub(crate) reason: Option<String>,
    /// Take it back
    #[arg(long, conflicts_with = "reason")]
    pub(crate) undo: bool,
    /// Who says so; the user's name unless given
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token, and show it this once
    Create {
        /// Whose it is: a person or a machine
        who: String,
        /// What it is good for: `read`, `publish:PATTERN`, `approve` or `admin`; may be repeated
        #[arg(long, required = true, value_name = "RIGHT")]
        may: Vec<Right>,
        /// Until when: `90d`, a date or an instant
        #[arg(long, value_name = "WHEN")]
        expires: String,
    },
    /// List the tokens, without what is secret of them
    List,
    /// End a token at once
    Revoke {
        /// Its identifier
        id: String,
        /// Who ends it; the user's name unless given
        #[arg(long, value_name = "WHO")]
        by: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Files and folders; the working folder unless named
    pub(crate) paths: Vec<PathBuf>,
    /// Look for what this list names, in all files: digests, names, releases and words; or for those of OSV records
    #[arg(long, value_name = "FILE")]
    pub(crate) iocs: Option<PathBuf>,
    /// A VEX document, which says what does not affect the project; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// What such documents call the project, as a package URL
    #[arg(long, value_name = "PURL", requires = "vex")]
    pub(crate) product: Option<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Sbom {
    #[command(subcommand)]
    pub(crate) command: Option<SbomCommand>,
    #[command(flatten)]
    pub(crate) bill: Bill,
}

#[derive(Debug, Args)]
pub(crate) struct Bill {
    /// Files and folders; the working folder unless named
    pub(crate) paths: Vec<PathBuf>,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What the project is called; the name of its folder unless given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Its version
    #[arg(long, value_name = "VERSION")]
    pub(crate) project_version: Option<String>,
    /// Who supplies it
    #[arg(long, value_name = "WHO")]
    pub(crate) supplier: Option<String>,
    /// Who answers for the document; may be repeated
    #[arg(long, value_name = "WHO")]
    pub(crate) author: Vec<String>,
    /// When it is made: `now`, a date or an instant; `SOURCE_DATE_EPOCH` unless given, and else it is not said
    #[arg(long, value_name = "WHEN")]
    pub(crate) created: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Write a document in another format
    Convert {
        /// CycloneDX or SPDX, as JSON
        file: PathBuf,
        /// Write it to this file
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Compare a document with the official schema of its format, and say what it contradicts and lacks
    Validate {
        /// CycloneDX or SPDX, as JSON
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inventory {
    /// Write down what a project has: its lockfiles, installed trees and bills of materials
    Add(InventoryAdd),
    /// List the projects, or what was seen of one
    List {
        /// Of this project alone, all that was seen
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
    },
    /// Say which projects have it, and which had it, from when to when
    Affected {
        /// A package, a release, an advisory or a digest
        #[arg(value_name = "PURL|ID|DIGEST")]
        what: String,
    },
    /// Forget a project
    Remove {
        /// Its name
        project: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InventoryAdd {
    /// Files and folders; the working folder unless named
    pub(crate) paths: Vec<PathBuf>,
    /// The project's name; that of the folder unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// When it was so, if that is not now: an instant or a date
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<String>,
    /// Write down the lockfiles of each commit that leads to where the repository is, too
    #[arg(long, conflicts_with = "at")]
    pub(crate) git_history: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Advisories {
    /// Fetch the feeds that the settings name
    Update,
    /// Take a bundle, or records, estimates or a list that lie in a file or folder
    Import {
        /// A bundle, a zip or folder of OSV records, a record, an EPSS or KEV file, or a list of what is malicious
        #[arg(value_name = "FILE|DIR")]
        path: PathBuf,
        /// Under which name; that of the file unless given
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// Replace what was imported under this name before
        #[arg(long)]
        replace: bool,
    },
    /// Write a signed bundle for machines that reach no feed
    Export {
        /// The file to be written
        file: PathBuf,
    },
    /// Say what there is, how old it is, and what is missing
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A file, a folder, or a release as a package URL
    #[arg(value_name = "ARTIFACT|PURL|DIR")]
    pub(crate) subject: String,
    /// A folder with rules of your own, in Markdown
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// What was there before: a file, a folder, or a release as a package URL
    pub(crate) old: String,
    /// What is there now
    pub(crate) new: String,
    /// A folder with rules of your own, in Markdown
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// A release or a package, as a package URL
    pub(crate) purl: String,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The ruling's identifier, its beginning, or the address in a refusal
    pub(crate) ruling: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Read a policy and say what is wrong with it
    Check {
        /// A policy document; the policy in effect unless given
        file: Option<PathBuf>,
    },
    /// Say what the policy makes of releases; try another one with --policy
    Test {
        /// Releases, as package URLs
        #[arg(required = true)]
        purls: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Overwrite the file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// The clients; all that are found unless named
    pub(crate) clients: Vec<String>,
    /// Give the clients' configuration back as it was
    #[arg(long)]
    pub(crate) undo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClientConfig {
    /// The clients; all that there are unless named
    pub(crate) clients: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lock {
    /// Say which lockfiles name the gateway
    Check(Lockfiles),
    /// Give lockfiles the registries' addresses in place of the gateway's
    Canonicalise(Lockfiles),
}

#[derive(Debug, Args)]
pub(crate) struct Lockfiles {
    /// The lockfiles; those of the project unless named
    pub(crate) files: Vec<PathBuf>,
    /// The gateway's address, if it is not the one in the settings
    #[arg(long, value_name = "URL")]
    pub(crate) gateway: Option<Url>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Show the newest entries, newest first
    Show {
        /// How many
        #[arg(short, value_name = "N", default_value_t = 20)]
        number: usize,
    },
    /// Check that nothing was changed, removed or cut off
    Verify {
        /// An entry that was written down elsewhere
        #[arg(long, value_name = "SEQ:HASH")]
        expect: Option<String>,
    },
    /// Say who was given these bytes, or who was given what is now known as malware
    Served {
        /// The bytes' digest, `sha256:…`
        #[arg(required_unless_present = "malware")]
        digest: Option<String>,
        /// Releases that the advisories call malware, whenever they were given out
        #[arg(long, conflicts_with = "digest")]
        malware: bool,
    },
}

#[cfg(test)]
mod tests;
