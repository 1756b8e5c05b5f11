//! How well releases are inspected, measured on real ones: how much malware is caught, how often a harmless release or
//! update is held, and what a peer says of the same files.
//!
//! The corpora are beside the repository and never in it. What is in it are the lists that fill them again (`lists/`)
//! and the last results, `EVALS.md`.

mod archive;
pub(crate) mod cases;
mod family;
mod fetch;
mod folders;
mod hijacks;
pub(crate) mod judging;
mod lists;
mod malware;
pub(crate) mod peer;
mod report;
mod shape;
pub(crate) mod stats;
mod store;
pub(crate) mod subject;
mod tables;
mod tally;
pub(crate) mod worker;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use store::Store;
use subject::Outcome;

/// Where the corpora are if nobody says, beside the repository.
const CORPORA: &str = "../corpora";
/// What says where they are.
const CORPORA_VARIABLE: &str = "STOCKADE_CORPORA";

const USAGE: &str = "cargo xtask eval fetch [npm|pypi|crates|maven|all], cargo xtask eval build-hijacks or \
                     cargo xtask eval [malicious|benign|updates|hijacks|all] [--sample N] [--peer] [--corpora DIR]";

/// What was asked for.
struct Options {
    what: Vec<String>,
    sample: Option<usize>,
    peer: bool,
    corpora: PathBuf,
}

/// Fills the corpora, or measures on them.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<()> {
    let options = options(args)?;
    let what: Vec<&str> = options.what.iter().map(String::as_str).collect();
    match what.as_slice() {
        ["fetch"] => fetch::run("all", &options.corpora),
        ["fetch", ecosystem] => fetch::run(ecosystem, &options.corpora),
        ["build-hijacks"] => hijacks::build(&options.corpora),
        [] => measure("all", &options),
        [what] => measure(what, &options),
        _ => bail!("{USAGE}"),
    }
}

fn options(args: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options { what: Vec::new(), sample: None, peer: false, corpora: corpora() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--peer" => options.peer = true,
            "--sample" => {
                let count = args.next().context(USAGE)?;
                options.sample = Some(count.parse().context("`--sample` wants a number")?);
            }
            "--corpora" => options.corpora = PathBuf::from(args.next().context(USAGE)?),
            flag if flag.starts_with('-') => bail!("{USAGE}"),
            word => options.what.push(word.to_owned()),
        }
    }
    Ok(options)
}

fn measure(what: &str, options: &Options) -> anyhow::Result<()> {
    let all = ["malicious", "benign", "updates", "hijacks"];
    let chosen: Vec<&str> = all.into_iter().filter(|each| what == "all" || *each == what).collect();
    if chosen.is_empty() {
        bail!("{USAGE}");
    }
    if options.peer {
        return peer::run(&options.corpora);
    }
    for each in chosen {
        if what == "all" && each == "hijacks" && !folders::has_hijacks(&options.corpora) {
            println!("hijacks: there are no replays beside the other corpora");
            continue;
        }
        section(each, options).with_context(|| format!("the corpus `{each}` could not be evaluated"))?;
    }
    Ok(())
}

/// Where the corpora are, unless an argument says so.
pub(crate) fn corpora() -> PathBuf {
    std::env::var_os(CORPORA_VARIABLE).map_or_else(|| crate::root().join(CORPORA), PathBuf::from)
}

/// Runs over one corpus and writes what came out.
fn section(name: &str, options: &Options) -> anyhow::Result<()> {
    let (inspector, outcomes) = outcomes(&options.corpora)?;
    let mut cases = cases::of(name, &options.corpora)?;
    if let Some(sample) = options.sample {
        cases::sample(&mut cases, sample);
    }
    println!("{name}: {} cases", cases.len());
    let mut judged = judging::judge_all(&cases, &outcomes)?;
    let replays = if name == "hijacks" { hijacks::all()? } else { Vec::new() };
    judged = hijacks::followed(judged, &replays);
    let families = match name {
        "malicious" => family::of_all(&cases, &results(&options.corpora))?,
        _ => Vec::new(),
    };
    let mut section = tables::section(name, &judged, &families, options.sample);
    if !replays.is_empty() {
        section.markdown.push_str(&hijacks::by_technique(&judged, &replays));
    }
    report::write(name, &section, &options.corpora, &inspector)
}

/// The digest of the inspector, and what it found so far.
fn outcomes(corpora: &Path) -> anyhow::Result<(String, Store<Outcome>)> {
    let inspector = store::digest_of_file(&worker::binary()?)?;
    let outcomes = Store::open(&results(corpora).join(&inspector).join("outcomes.jsonl"))?;
    Ok((inspector, outcomes))
}

/// Where results are: beside the corpora, since they are made of them.
fn results(corpora: &Path) -> PathBuf {
    corpora.join("results")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order() {
        let options = options(&["--sample", "20", "benign", "--peer", "--corpora", "there"]).unwrap();
        assert_eq!(options.what, ["benign"]);
        assert_eq!((options.sample, options.peer), (Some(20), true));
        assert_eq!(options.corpora, PathBuf::from("there"));
        assert!(super::options(&["--sample"]).is_err());
        assert!(super::options(&["--frobnicate"]).is_err());
    }
}
