//! What others say of vulnerabilities in what is scanned (VEX), and which findings that lifts.
//!
//! A statement about a package lifts a finding of that package. One about parts of a product lifts findings of those
//! parts where that product is what is scanned, which somebody has to say. One about the product as a whole lifts
//! nothing of its parts: it was made before it was known which of them would ever have the vulnerability. The newest
//! statement counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stockade_ecosystem::{ALL, Ecosystem};
use stockade_engine::sbom::{self, Statement, Status};
use stockade_model::{Package, Purl, Release};

use crate::{files, subject};

/// What was read, in the order in which it counts.
#[derive(Default)]
pub(crate) struct Statements {
    all: Vec<Stated>,
    /// Those about a vulnerability, by its names in capitals.
    named: HashMap<String, Vec<usize>>,
    /// What the statements call what is scanned.
    product: Option<Purl>,
}

struct Stated {
    statement: Statement,
    file: PathBuf,
    is_used: bool,
}

/// What was said that lifts a finding.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Lifted {
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// The document that says so.
    pub(crate) by: PathBuf,
}

impl Statements {
    /// Reads documents. One that cannot be understood is an error: what it says to be harmless would alarm somebody, and
    /// what it takes back would not.
    pub(crate) fn read(paths: &[PathBuf], product: Option<&str>) -> anyhow::Result<Self> {
        let mut read = Self { product: product.map(subject::purl).transpose()?, ..Self::default() };
        for path in paths {
            read.add(path)?;
        }
        read.all.sort_by_key(|stated| stated.statement.at);
        for (at, stated) in read.all.iter().enumerate() {
            for name in &stated.statement.vulnerability {
                read.named.entry(name.to_uppercase()).or_default().push(at);
            }
        }
        Ok(read)
    }

    fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let bytes = files::read(path)?;
        let bytes = bytes.ok_or_else(|| anyhow::anyhow!("`{}` does not exist", path.display()))?;
        let statements = sbom::read_vex(&bytes).map_err(|error| anyhow::anyhow!("`{}`: {error}", path.display()))?;
        for mut statement in statements {
            for about in &mut statement.about {
                let parts = about.parts.iter().map(normal).collect();
                *about = sbom::Subject { product: normal(&about.product), parts };
            }
            self.all.push(Stated { statement, file: path.to_owned(), is_used: false });
        }
        Ok(())
    }

    /// What lifts a finding that has one of these names.
    pub(crate) fn lifted<'a>(&mut self, names: impl Iterator<Item = &'a str>, release: &Release) -> Option<Lifted> {
        let mut candidates: Vec<usize> =
            names.filter_map(|name| self.named.get(&name.to_uppercase())).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|at| self.applies(&self.all[*at].statement, release));
        for at in &candidates {
            self.all[*at].is_used = true;
        }
        let Stated { statement, file, .. } = &self.all[*candidates.last()?];
        let lifted = Lifted { status: statement.status, why: statement.why.clone(), by: file.clone() };
        statement.status.is_settled().then_some(lifted)
    }

    fn applies(&self, statement: &Statement, release: &Release) -> bool {
        statement.about.iter().any(|about| match &self.product {
            _ if about.parts.is_empty() => covers(&about.product, release),
            Some(product) => {
                is_product(&about.product, product) && about.parts.iter().any(|part| covers(part, release))
            }
            None => false,
        })
    }

    /// How many statements there are, and how many of them are about nothing that was found.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.all.len(), self.all.iter().filter(|stated| !stated.is_used).count())
    }
}

/// Whether a package URL is that of a release. Without a version it is that of all.
fn covers(purl: &Purl, release: &Release) -> bool {
    purl.package == release.package
        && purl.version.as_deref().is_none_or(|version| is_version(&purl.package, version, &release.version))
}

/// Whether what a statement calls a product is what is scanned. Where only one of them has a version, it is another.
fn is_product(stated: &Purl, product: &Purl) -> bool {
    let versions = stated.version.as_deref().zip(product.version.as_deref());
    stated.package == product.package
        && (stated.version.is_none() || versions.is_some_and(|(one, other)| is_version(&stated.package, one, other)))
}

fn is_version(package: &Package, one: &str, other: &str) -> bool {
    let read = |text| known(package).and_then(|ecosystem| (ecosystem.version)(text).ok());
    one == other || read(one).zip(read(other)).is_some_and(|(one, other)| one == other)
}

/// The package URL with its name as the ecosystem has it.
fn normal(purl: &Purl) -> Purl {
    let name = known(&purl.package).and_then(|ecosystem| {
        let name = (ecosystem.name)(purl.package.name.as_str()).ok()?;
        Some(Package { ecosystem: ecosystem.id.clone(), name })
    });
    name.map_or_else(|| purl.clone(), |package| Purl { package, ..purl.clone() })
}

fn known(package: &Package) -> Option<&'static Ecosystem> {
    ALL.iter().copied().find(|ecosystem| ecosystem.purl_type == package.ecosystem.as_str())
}
