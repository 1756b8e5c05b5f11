//! `stockade inspect` and `stockade diff`: what an artifact can do, and what a release can do that another could not.
//! Nothing of it is run.

use std::path::Path;
use std::sync::Arc;

use stockade_ecosystem::archive::are_of_one_release;
use stockade_engine::inspection::{Inspection, Inspector, MAX_ARTIFACT, Rules, WorkerError, assess, work};
use stockade_model::{Gap, GapKind};

use super::{Context, Exit};
use crate::args::{Diff, Inspect};
use crate::errors::hinted;
use crate::output::insist;
use crate::report::{Inspected, Report};
use crate::{files, rules, subject};

/// How package URLs begin.
const PURL: &str = "pkg:";

/// Says what an artifact can do.
pub(super) async fn inspect(context: Context<'_>, arguments: Inspect) -> anyhow::Result<Exit> {
    let rules = rules(&context, arguments.rules.as_deref())?;
    let inspector = Inspector::of_this_program(1)?.searching(&rules);
    let subject = look(&context, &inspector, &arguments.subject, None).await?;
    let assessment = assess(&subject.inspection, &[], &[], &rules);
    let report = Report { subject: &subject, old: None, beside: None, assessment: &assessment, rules: &rules };
    report.print(context.printer)?;
    Ok(report.exit())
}

/// Says what a release gained and lost, or what two artifacts of one release do not have in common.
pub(super) async fn diff(context: Context<'_>, arguments: Diff) -> anyhow::Result<Exit> {
    let rules = rules(&context, arguments.rules.as_deref())?;
    let inspector = Inspector::of_this_program(1)?.searching(&rules);
    let old = look(&context, &inspector, &arguments.old, None).await?;
    let new = look(&context, &inspector, &arguments.new, Some(&old.inspection)).await?;
    if are_of_one_release(&old.name, &new.name) {
        let assessment = assess(&new.inspection, &[], &[&old.inspection], &rules);
        let beside = assess(&old.inspection, &[], &[&new.inspection], &rules);
        let (old, beside) = (Some(&old), Some(&beside));
        let report = Report { subject: &new, old, beside, assessment: &assessment, rules: &rules };
        report.print(context.printer)?;
        return Ok(report.exit());
    }
    let assessment = assess(&new.inspection, &[&old.inspection], &[], &rules);
    let report = Report { subject: &new, old: Some(&old), beside: None, assessment: &assessment, rules: &rules };
    report.print(context.printer)?;
    Ok(report.exit())
}

/// Makes this process a worker. A supervisor reads what is said.
pub(crate) fn be_worker() -> Exit {
    match work(&mut std::io::stdin().lock(), &mut std::io::stdout().lock()) {
        Ok(()) => Exit::Allowed,
        // It has said where.
        Err(WorkerError::Panicked) => Exit::Undecided,
        Err(error) => {
            insist(&format!("{error}\n"));
            Exit::Undecided
        }
    }
}

/// The rules of the folder that is named, else those of the settings.
fn rules(context: &Context<'_>, folder: Option<&Path>) -> anyhow::Result<Arc<Rules>> {
    match folder {
        Some(folder) => Ok(Arc::new(rules::with(Some(folder))?)),
        None => context.settings.rules(),
    }
}

/// Inspects what somebody named: a release, a folder, or a file.
async fn look(
    context: &Context<'_>,
    inspector: &Inspector,
    named: &str,
    earlier: Option<&Inspection>,
) -> anyhow::Result<Inspected> {
    let earlier: Vec<Arc<Inspection>> = earlier.cloned().map(Arc::new).into_iter().collect();
    let path = Path::new(named);
    if named.starts_with(PURL) {
        return look_at_release(context, inspector, named, earlier).await;
    }
    if path.is_dir() {
        return look_at_folder(context, inspector, path, earlier).await;
    }
    let Some(bytes) = files::read(path)? else {
        return Err(hinted(
            format!("`{named}` is no file, no folder and no package URL"),
            "name a file, a folder, or a release such as `pkg:TYPE/NAME@VERSION`",
        ));
    };
    let name = last(path);
    let inspection = inspector.inspect_any(&name, bytes.into(), earlier).await;
    Ok(Inspected { name, inspection: or_gap(inspection), is_folder: false })
}

async fn look_at_release(
    context: &Context<'_>,
    inspector: &Inspector,
    named: &str,
    earlier: Vec<Arc<Inspection>>,
) -> anyhow::Result<Inspected> {
    let release = subject::release(named)?;
    let engine = context.engine(&[&release.package]).await?;
    let (file, bytes) = engine.unjudged(&release, MAX_ARTIFACT).await?;
    let inspection = inspector.inspect(release.package.ecosystem.as_str(), &file, bytes, earlier).await;
    let name = format!("{} {}", release.package.name, release.version);
    Ok(Inspected { name, inspection: or_gap(inspection), is_folder: false })
}

async fn look_at_folder(
    context: &Context<'_>,
    inspector: &Inspector,
    path: &Path,
    earlier: Vec<Arc<Inspection>>,
) -> anyhow::Result<Inspected> {
    let name = last(&files::real(path));
    let files::Folder { files, unseen, left_out } = files::folder(path, MAX_ARTIFACT)?;
    for folder in left_out {
        context.printer.talk(&format!("stockade: `{folder}` is left out\n"));
    }
    let mut inspection = or_gap(inspector.inspect_folder(&name, files, earlier).await);
    inspection.gaps.extend(unseen.into_iter().map(|detail| Gap::new(GapKind::Inspection, detail)));
    Ok(Inspected { name, inspection, is_folder: true })
}

/// What could not be inspected at all is an inspection with a gap and nothing else.
fn or_gap(inspection: Result<Inspection, Gap>) -> Inspection {
    inspection.unwrap_or_else(|gap| Inspection { gaps: vec![gap], ..Inspection::default() })
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
