//! Who has or had components. What every project has is ten thousand hits, so nothing is looked up or compared as text for
//! each of them: projects and releases are put in order first, and then they are numbers.

use rusqlite::{Connection, Row};

use super::ask::{Component, instant};
use super::changes::{Damaged, Stay, stays};
use super::tiers::{changes_of, segments};
use super::{Hit, Place};

/// So many projects are looked up one by one; of more, all are read in order.
const FEW: usize = 500;

/// Who has or had components; those that have them first, then by project and release.
pub(super) fn hits(connection: &Connection, components: &[Component]) -> rusqlite::Result<Vec<Hit>> {
    // The segments are those of one instant, and the projects, too.
    let transaction = connection.unchecked_transaction()?;
    let segments = segments(&transaction)?;
    let mut found: Vec<(usize, Stay)> = Vec::new();
    for (place, component) in components.iter().enumerate() {
        let stays = stays(changes_of(&transaction, &segments, component.id)?);
        found.extend(stays.into_iter().map(|stay| (place, stay)));
    }
    let projects = Projects::of(&transaction, found.iter().map(|(_, stay)| stay.project).collect())?;
    let releases = in_order(components);
    let mut order = Vec::with_capacity(found.len());
    for (at, (place, stay)) in found.iter().enumerate() {
        let project = projects.place(stay.project).ok_or(Damaged)?;
        order.push((stay.until.is_some(), project, releases[*place], stay.since, at));
    }
    order.sort_unstable();
    let hits = order.into_iter().map(|(_, project, _, _, at)| {
        let (place, stay) = &found[at];
        Hit {
            project: projects.names[project].clone(),
            release: components[*place].release.clone(),
            since: instant(stay.since),
            until: stay.until.map(instant),
            direct: stay.direct,
            place: Place { project: stay.project, component: stay.component },
        }
    });
    Ok(hits.collect())
}

/// The place of each component's release among all of them.
fn in_order(components: &[Component]) -> Vec<usize> {
    let mut all: Vec<_> = components.iter().map(|component| &component.release).collect();
    all.sort_unstable();
    all.dedup();
    components.iter().map(|component| all.partition_point(|release| *release < &component.release)).collect()
}

/// Projects by name.
struct Projects {
    names: Vec<String>,
    /// By number, with the place of the name.
    places: Vec<(i64, usize)>,
}

impl Projects {
    fn of(connection: &Connection, mut wanted: Vec<i64>) -> rusqlite::Result<Self> {
        wanted.sort_unstable();
        wanted.dedup();
        let named = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut all: Vec<(i64, String)> = if wanted.len() > FEW {
            let mut statement = connection.prepare_cached("SELECT id, name FROM inventory_projects ORDER BY name")?;
            statement.query_map([], named)?.collect::<rusqlite::Result<_>>()?
        } else {
            let mut statement = connection.prepare_cached("SELECT id, name FROM inventory_projects WHERE id = ?1")?;
            wanted.iter().map(|id| statement.query_row([id], named)).collect::<rusqlite::Result<_>>()?
        };
        all.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        let mut places: Vec<_> = all.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        places.sort_unstable();
        Ok(Self { names: all.into_iter().map(|(_, name)| name).collect(), places })
    }

    fn place(&self, project: i64) -> Option<usize> {
        let at = self.places.binary_search_by_key(&project, |(id, _)| *id).ok()?;
        Some(self.places[at].1)
    }
}
