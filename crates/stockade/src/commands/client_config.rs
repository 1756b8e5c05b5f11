//! `stockade client-config`: what makes clients ask the gateway, and agree with its policy on what is too young.
//!
//! A client whose own gate asks for more than the policy keeps away what the gateway gives out. Nothing is written and
//! nobody is asked: what is printed is for a machine's image, a repository, another user.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use stockade_ecosystem::{ALL, Client, Ecosystem, Gate, Lines, Native};
use stockade_model::{Name, Package};
use stockade_policy::Mode;

use super::setup::refuse_unknown;
use super::{Context, Exit};

/// A name that stands for packages that no entry names.
const ANY: &str = "any-package";
/// What is in every line that `setup` writes to find its own again.
const MARK: &str = "stockade setup";

/// What a client is to be told.
#[derive(Debug, Serialize)]
struct Told {
    client: &'static str,
    /// What the policy asks for, in seconds.
    age: u64,
    /// The client's own settings; `None` if it has no gate of its own.
    native: Option<Settings>,
}

#[derive(Debug, Serialize)]
struct Settings {
    file: &'static str,
    since: &'static str,
    text: String,
    /// What the client has no words for.
    unsaid: Vec<String>,
    /// What points it at the gateway, if that belongs into another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<Pointing>,
}

#[derive(Debug, Serialize)]
struct Pointing {
    file: &'static str,
    text: String,
}

/// Prints the settings of the clients that are named, or of all.
pub(super) fn print(context: &Context<'_>, names: &[String]) -> anyhow::Result<Exit> {
    refuse_unknown(names)?;
    let chosen = &context.settings.ecosystems;
    let asked = |ecosystem: &&Ecosystem| chosen.is_empty() || chosen.contains(&ecosystem.id);
    let clients = ALL.iter().copied().filter(asked).flat_map(|ecosystem| {
        let named = |client: &&Client| names.is_empty() || names.iter().any(|name| name == client.name);
        ecosystem.clients.iter().copied().filter(named).map(move |client| (ecosystem, client))
    });
    let told: Vec<Told> = clients.map(|(ecosystem, client)| of(context, ecosystem, client)).collect();
    context.printer.answer(&told, || told.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Allowed)
}

fn of(context: &Context<'_>, ecosystem: &Ecosystem, client: &'static Client) -> Told {
    let settings = &context.settings;
    let policy = &settings.policy;
    let any = Package { ecosystem: ecosystem.id.clone(), name: Name::normalised(ANY) };
    let age = match policy.mode() {
        Mode::Enforce => policy.cooldown(&any).age,
        // Nothing is refused, so the client has nothing to refuse.
        Mode::Audit => Duration::ZERO,
    };
    let names = policy.milder_than(age, (context.clock)()).filter_map(|pattern| pattern.names_in(&ecosystem.id));
    let mut exempt: Vec<String> = names.filter(|name| is_name(ecosystem, name)).map(str::to_owned).collect();
    exempt.sort();
    exempt.dedup();
    let native = client.native.as_ref().map(|native| {
        let base = format!("{}/{}", settings.address(), ecosystem.id);
        let stated = settings.stated.get(ecosystem.id.as_str());
        let scopes: Vec<String> = stated.iter().flat_map(|stated| stated.scopes.keys().cloned()).collect();
        written(client, native, &Gate { age, exempt: &exempt }, &base, &scopes)
    });
    Told { client: client.name, age: age.as_secs(), native }
}

/// True of what can be the name of a package there, or of several: a pattern may be of all ecosystems at once.
fn is_name(ecosystem: &Ecosystem, name: &str) -> bool {
    (ecosystem.name)(&name.replace('*', "x")).is_ok()
}

/// The client's own settings with the gateway among them, as `setup` would write it into a file with nothing else.
fn written(client: &Client, native: &Native, gate: &Gate<'_>, base: &str, scopes: &[String]) -> Settings {
    let Native { since, file, .. } = *native;
    let Lines { text, unsaid } = (native.settings)(gate);
    let pointed = |text: &str| {
        let pointed = (client.point)(text, base, scopes);
        pointed.lines().filter(|line| !line.contains(MARK)).flat_map(|line| [line, "\n"]).collect()
    };
    let Some(elsewhere) = native.pointed_in else {
        return Settings { file, since, text: pointed(&text), unsaid, gateway: None };
    };
    let pointing = client.by_hand.map_or_else(|| pointed(""), |by_hand| by_hand(base));
    Settings { file, since, text, unsaid, gateway: Some(Pointing { file: elsewhere, text: pointing }) }
}

fn text(told: &Told) -> String {
    let Told { client, native, .. } = told;
    let Some(Settings { file, since, text, unsaid, gateway }) = native else {
        return format!("# {client} has no gate of its own: the gateway alone keeps young releases away\n");
    };
    let mut whole = format!("# {client} {since} or later, in {file}\n");
    for what in unsaid {
        let _ = writeln!(whole, "# not said: {what}");
    }
    whole.push_str(text);
    if let Some(Pointing { file, text }) = gateway {
        let _ = write!(whole, "# and in {file}\n{text}");
    }
    whole
}
