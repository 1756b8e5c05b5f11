//! `stockade log`: what was recorded, and whether it still is what was recorded.

use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use stockade_engine::{Advisories, Entry, Head, LogFault, ServedMalware, ServedRow, Store, Verified};
use stockade_model::{Digest, Purl};

use super::{Context, Exit};
use crate::args::Log;
use crate::errors::hinted;
use crate::output::columns;
use crate::settings::Settings;

/// How many entries are shown at most.
const MAX_SHOWN: usize = 1_000_000;

#[derive(Serialize)]
#[serde(untagged)]
enum Checked {
    Holds(Verified),
    Broken(LogFault),
}

/// Shows or checks the log. Nothing is added to it by looking.
pub(super) async fn log(context: Context<'_>, command: Log) -> anyhow::Result<Exit> {
    let store = store(&context.settings)?;
    match command {
        Log::Show { number } => {
            let entries = store.newest_entries(number.min(MAX_SHOWN)).await?;
            context.printer.answer(&entries, || columns(0, &entries.iter().map(row).collect::<Vec<_>>()))?;
            Ok(Exit::Allowed)
        }
        Log::Verify { expect } => {
            let expected = expect.map(|text| head(&text)).transpose()?;
            let checked = match store.verify_log(expected).await? {
                Ok(verified) => Checked::Holds(verified),
                Err(fault) => Checked::Broken(fault),
            };
            context.printer.answer(&checked, || said(&checked))?;
            Ok(if matches!(checked, Checked::Holds(_)) { Exit::Allowed } else { Exit::Refused })
        }
        Log::Served { digest: Some(digest), .. } => {
            let digest: Digest = digest.parse()?;
            let served = store.served(&digest).await?;
            if served.is_empty() {
                context.printer.talk(&format!("stockade: nobody was given {digest}\n"));
            }
            let rows = || served.iter().map(given).collect::<Vec<_>>();
            context.printer.answer(&served, || columns(0, &rows()))?;
            Ok(Exit::Allowed)
        }
        Log::Served { digest: None, .. } => malware(&context, &store).await,
    }
}

/// Who was given what is now known as malware. Of what no advisory could be asked about nothing can be said.
async fn malware(context: &Context<'_>, store: &Store) -> anyhow::Result<Exit> {
    let Settings { advisories, data, .. } = &context.settings;
    let advisories = Arc::new(Advisories::open(advisories, data, (context.clock)())?);
    let none =
        (advisories.records == 0).then_some("there are no advisories; `stockade doctor` says where they are put");
    let gaps: Vec<String> = none.map(str::to_owned).into_iter().chain(advisories.shortfalls()).collect();
    let found = ServedMalware::all(store, &advisories).await?;
    for gap in &gaps {
        context.printer.talk(&format!("stockade: {gap}\n"));
    }
    if found.is_empty() && gaps.is_empty() {
        context.printer.talk("stockade: the advisories call nothing malware that was given out\n");
    }
    context.printer.answer(&found, || found.iter().map(told).collect())?;
    Ok(match (found.is_empty(), gaps.is_empty()) {
        (false, _) => Exit::Refused,
        (true, false) => Exit::Undecided,
        (true, true) => Exit::Allowed,
    })
}

fn told(malware: &ServedMalware) -> String {
    let ServedMalware { release, id, summary, given: rows } = malware;
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut line = given(row);
            line.push(row.digest.to_string());
            line
        })
        .collect();
    format!("{}  {id}  {summary}\n{}", Purl::of(release), columns(2, &rows))
}

fn given(row: &ServedRow) -> Vec<String> {
    vec![format!("{:.3}", row.at), row.principal.clone(), Purl::of(&row.release).to_string()]
}

/// True if anything was ever recorded.
pub(super) fn exists(settings: &Settings) -> bool {
    settings.data.join("stockade.db").is_file()
}

/// The store, if there is one. Looking at a log must not make one.
pub(super) fn store(settings: &Settings) -> anyhow::Result<Store> {
    let data = &settings.data;
    if !exists(settings) {
        let hint = "nothing was recorded there yet; `--data` names another folder";
        return Err(hinted(format!("there is no log in {}", data.display()), hint));
    }
    Ok(Store::open(data)?)
}

fn head(text: &str) -> anyhow::Result<Head> {
    let read = || {
        let (seq, hash) = text.split_once(':')?;
        Some(Head { seq: seq.parse().ok()?, hash: hash.to_ascii_lowercase() })
    };
    read().with_context(|| format!("`{text}` is no entry; write the number and the hash as `log verify` prints them"))
}

fn said(checked: &Checked) -> String {
    match checked {
        Checked::Holds(Verified { entries, head }) => {
            let end = format!("{}:{}", head.seq, head.hash);
            format!("the log holds together, all {entries} of its entries\nend: {end}\n")
        }
        Checked::Broken(fault) => format!("the log was tampered with: {fault}\n"),
    }
}

/// One line about an entry: what happened to what.
fn row(entry: &Entry) -> Vec<String> {
    let Entry { seq, at, kind, body, .. } = entry;
    vec![seq.to_string(), format!("{at:.3}"), kind.clone(), about(body)]
}

fn about(body: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let release = serde_json::from_value(body["release"].clone()).ok();
    let purl = release.map(|release| Purl::of(&release).to_string());
    let whole = [purl, text(&body["principal"]), text(&body["verdict"]), text(&body["by"]), text(&body["reason"])];
    text(&body["sentence"]).unwrap_or_else(|| {
        let known: Vec<String> = whole.into_iter().flatten().collect();
        if known.is_empty() { text(&body["digest"]).unwrap_or_default() } else { known.join("  ") }
    })
}
