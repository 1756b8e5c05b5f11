//! What stands in the place of the sandbox's parts on macOS: the profile becomes rules, the rules an argument of the
//! system's own program, and that starts the command. There is nobody who watches.
//!
//! All that can be wrong about rules is in `stockade_sandbox::seatbelt`. This is compiled on Linux too, for its tests.

#[cfg(target_os = "macos")]
mod choose;
#[cfg(not(target_os = "macos"))]
use super::choose;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use stockade_ecosystem::Ecosystem;
use stockade_engine::{Behaviour, Clock};
use stockade_sandbox::profile::{Profile, Resolved, Surroundings};
use stockade_sandbox::seatbelt::{self, Plan};
use tokio::process::Child;

use crate::args::{Format, Run};
use crate::errors::hinted;
use crate::inherit::{Inherited, cache, configuration};
use crate::output::Printer;
use crate::steering::Steering;
use crate::{process, settings};

/// Where what is forgotten lies. It is short, since the path of a socket in it may have 104 bytes; and without links.
const ROOM: &str = "/private/tmp";

/// A command that nothing of runs yet.
pub(crate) struct Prepared<'a> {
    profile: Profile,
    resolved: Resolved,
    around: Surroundings,
    arguments: &'a Run,
    made: Made,
    texts: Vec<(PathBuf, String)>,
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    report: Report,
    _made: Made,
    _private: tempfile::TempDir,
}

/// What is known of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// The profile in effect.
    profile: String,
    /// What bounds it.
    tier: &'static str,
    /// What this system could not enforce or see.
    gaps: Vec<&'static str>,
}

/// Folders that were made for a run. Those that stay empty go when this does.
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl<'a> Prepared<'a> {
    /// Finds out what the command may do here.
    pub(crate) fn new(
        arguments: &'a Run,
        settings: &settings::Settings,
        _: &str,
        client: Option<&Inherited>,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        let (program, words) = arguments.command.split_first().context("there is no command to run")?;
        let profile = choose::profile(arguments, settings, program, words)?;
        refuse_what_is_not_there(arguments, &profile, printer.format())?;
        let folder = std::env::current_dir().context("the working folder cannot be found")?;
        let home = settings::home().context("the home folder cannot be found")?;
        let mut around = Surroundings::new(&folder, &home, settings::environment(), choose::MARKS)?;
        around.cache = client.and_then(cache);
        let mut resolved = Resolved::new(&profile, program, &around)?;
        let made = Made(std::mem::take(&mut resolved.made));
        let texts = client.map(configuration).transpose()?.unwrap_or_default();
        Ok(Self { profile, resolved, around, arguments, made, texts })
    }

    /// What is done with the command, for a person.
    pub(crate) fn introduction(&self) -> String {
        format!("in a sandbox (profile: {})", self.profile.name)
    }

    /// Starts the command. `steering` is added to it; `gateway` is the only one that it may connect to.
    pub(crate) fn start(
        self,
        steering: Steering,
        gateway: Option<SocketAddr>,
        _: (&Path, Clock),
        printer: &Printer,
    ) -> anyhow::Result<Running> {
        let private = tempfile::Builder::new().prefix("stockade-").tempdir_in(ROOM);
        let private = private.with_context(|| format!("there is no room for a run in `{ROOM}`"))?;
        let plan = self.plan(steering, gateway, private.path())?;
        let mut command = seatbelt::command(&plan).context("the sandbox cannot be described to this system")?;
        if printer.has_document() {
            command.stdout(Stdio::from(std::io::stderr()));
        }
        let child = process::spawn(command).context("the sandbox could not be started")?;
        Ok(Running { child, report: Report::new(&self.profile), _made: self.made, _private: private })
    }

    fn plan(&self, steering: Steering, gateway: Option<SocketAddr>, private: &Path) -> anyhow::Result<Plan> {
        let Self { profile, resolved, around, .. } = self;
        let words = steering.words(&self.arguments.command).split_off(1);
        let mut plan = Plan::new(resolved, around, &words);
        plan.listen.clone_from(&profile.network.publish);
        let texts = steering.texts(self.texts.clone());
        plan.read.extend(steering.file);
        for (name, value) in steering.variables {
            plan.set(&name, value);
        }
        if let Some(gateway) = gateway {
            // A rule can name this machine, and no other.
            ensure!(gateway.ip().is_loopback(), "the gateway at {gateway} cannot be reached from the sandbox");
            plan.connect.push(gateway.port());
        }
        seatbelt::at_home(&mut plan, private, &around.home, &resolved.links, &texts)
            .with_context(|| format!("a home cannot be made in `{}`", private.display()))?;
        Ok(plan)
    }
}

/// Nothing is run that would be bounded, watched or told less than was asked for.
fn refuse_what_is_not_there(arguments: &Run, profile: &Profile, format: Format) -> anyhow::Result<()> {
    if !arguments.allow_host.is_empty() || !profile.network.hosts.is_empty() {
        let what = "which hosts it connects to cannot be enforced on this system yet; it has the gateway alone";
        return Err(hinted(what, "leave out `--allow-host`, and `hosts` of profiles and settings"));
    }
    if arguments.review {
        let what = "changes cannot be kept apart on this system, so there is no `--review`";
        return Err(hinted(what, "without it, the project is written as it is, but for what is protected"));
    }
    if arguments.audits() || arguments.events.is_some() || format == Format::Sarif {
        let what = "what a command does is not seen on this system";
        return Err(hinted(what, "leave out `--audit`, `--learn`, `--events` and `--format sarif`"));
    }
    Ok(())
}

impl Running {
    /// Waits for its end. Gives its exit code.
    pub(crate) async fn wait(self, _: &Printer) -> anyhow::Result<(u8, Report)> {
        Ok((process::wait(self.child).await?, self.report))
    }
}

impl Report {
    fn new(profile: &Profile) -> Self {
        let mut gaps = vec!["what it tries is not recorded on this system"];
        if profile.hooks.as_ref().is_some_and(|hooks| hooks.shell.is_some()) {
            gaps.push("hooks of packages may do what the command may");
        }
        Self { profile: profile.name.clone(), tier: "seatbelt", gaps }
    }

    /// The summary for a person.
    pub(crate) fn summary(&self) -> String {
        self.gaps.iter().fold(String::new(), |text, gap| text + "stockade: not enforced: " + gap + "\n")
    }
}

#[expect(clippy::unused_self, reason = "where somebody watches, these tell what was seen")]
impl Report {
    /// What hooks of packages did: nobody saw it.
    pub(crate) fn behaviour(&self, _: &Ecosystem) -> Vec<Behaviour> {
        Vec::new()
    }

    /// Releases that are held for it.
    pub(crate) fn held(&mut self, _: impl Iterator<Item = String>) {}

    /// What was blocked, as SARIF. It was refused before anything ran.
    pub(crate) fn sarif(&self) -> anyhow::Result<String> {
        bail!("what was blocked is not seen on this system")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use stockade_sandbox::profile::Network;

    use super::*;
    use crate::args::{Cli, Command};

    fn run(words: &[&str]) -> Run {
        let words = ["stockade", "run"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    fn prepared<'a>(run: &'a Run, profile: &Profile) -> Prepared<'a> {
        let around = Surroundings::new(
            &std::env::current_dir().unwrap(),
            Path::new("/nonexistent"),
            vec![("PATH".into(), "/usr/bin:/bin".into()), ("NPM_TOKEN".into(), "secret".into())],
            choose::MARKS,
        );
        let around = around.unwrap();
        let resolved = Resolved::new(profile, &run.command[0], &around).unwrap();
        Prepared {
            profile: profile.clone(),
            resolved,
            around,
            arguments: run,
            made: Made(Vec::new()),
            texts: Vec::new(),
        }
    }

    fn refused(words: &[&str], format: Format) -> Option<String> {
        let refused = refuse_what_is_not_there(&run(words), &Profile::other().unwrap(), format);
        refused.err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_not_there_is_refused_before_anything_runs() {
        for (words, why) in [
            (["--allow-host", "a.example", "--", "sh"].as_slice(), "cannot be enforced on this system yet"),
            (&["--review", "--", "sh"], "there is no `--review`"),
            (&["--audit", "--", "sh"], "is not seen on this system"),
            (&["--learn", "a.toml", "--", "sh"], "is not seen on this system"),
            (&["--events", "a.json", "--", "sh"], "is not seen on this system"),
        ] {
            assert!(refused(words, Format::Text).is_some_and(|refused| refused.contains(why)), "{words:?}");
        }
        assert!(refused(&["--", "sh"], Format::Sarif).is_some());
        assert_eq!(refused(&["--allow-env", "X", "--publish", "1", "--", "sh"], Format::Json), None);
        let network = Network { hosts: vec!["a.example".to_owned()], ..Network::default() };
        let profile = Profile { network, ..Profile::default() };
        assert!(refuse_what_is_not_there(&run(&["--", "sh"]), &profile, Format::Text).is_err());
    }

    #[test]
    fn a_command_has_the_gateway_a_home_of_its_own_and_no_secret() {
        let run = run(&["--", "sh", "-c", "true"]);
        let profile = Profile::base().unwrap().and(Profile::other().unwrap());
        let profile = Profile { network: Network { publish: vec![3000], ..Network::default() }, ..profile };
        let prepared = prepared(&run, &profile);
        let private = tempfile::tempdir().unwrap();
        let variables = vec![("npm_config_registry".to_owned(), "http://127.0.0.1:4873/npm".to_owned())];
        let steering = Steering { variables, ..Steering::default() };
        let plan = prepared.plan(steering, Some(([127, 0, 0, 1], 4873).into()), private.path()).unwrap();
        assert_eq!((plan.connect.as_slice(), plan.listen.as_slice()), ([4873].as_slice(), [3000].as_slice()));
        let names: Vec<&str> = plan.environment.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(names, ["PATH", "npm_config_registry", "HOME", "TMPDIR"]);
        assert!(plan.protect.iter().any(|protected| protected.name == ".git"));
        let text = seatbelt::text(&plan).unwrap();
        assert!(text.contains("(allow network-outbound\n  (remote ip \"localhost:4873\"))"));

        let elsewhere = prepared.plan(Steering::default(), Some(([192, 0, 2, 1], 80).into()), private.path());
        assert!(elsewhere.unwrap_err().to_string().contains("cannot be reached from the sandbox"));
    }

    #[test]
    fn what_is_not_seen_is_said() {
        let profile = Profile { name: "a".to_owned(), ..Profile::default() };
        let report = Report::new(&profile);
        assert_eq!(report.summary(), "stockade: not enforced: what it tries is not recorded on this system\n");
        let json = serde_json::json!({
            "profile": "a", "tier": "seatbelt", "gaps": ["what it tries is not recorded on this system"],
        });
        assert_eq!(serde_json::to_value(&report).unwrap(), json);
    }
}
