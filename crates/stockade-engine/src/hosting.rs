//! Packages that are published here.
//!
//! Whoever publishes is told so when the file is durable, under its digest, and the row that names it is too. What is
//! published is immutable, and is inspected and ruled on like what comes from elsewhere: an account of one's own is taken
//! over as easily as a stranger's.

use stockade_ecosystem::{Change, Hosted, Publication};
use stockade_model::{EcosystemId, Integrity, Package, Release};

use crate::access::Caller;
use crate::store::{Prepared, Unmade};
use crate::{Engine, EngineError, Pin};

impl Engine {
    /// Makes changes in somebody's name: all of them, or none. When this returns they are durable.
    pub async fn change(&self, caller: &Caller, changes: Vec<Change>) -> Result<(), EngineError> {
        for change in &changes {
            self.must_be_hosted(change.package())?;
            caller.must_publish(change.package())?;
        }
        let mut prepared = Vec::with_capacity(changes.len());
        for change in changes {
            let pin = match &change {
                Change::Publish(publication) => Some(self.kept(publication).await?),
                _ => None,
            };
            prepared.push(Prepared { change, pin });
        }
        let published = prepared.iter().filter_map(|prepared| match &prepared.change {
            Change::Publish(publication) => Some(publication.release.clone()),
            _ => None,
        });
        let published: Vec<_> = published.collect();
        if let Err(unmade) = self.0.store.make(self.now(), &caller.name, prepared).await? {
            return Err(unmade.into());
        }
        self.inspect_soon(published);
        Ok(())
    }

    /// Says in the index why nobody should choose a release any more that is published here, or takes that back. It is for
    /// whoever may write the data folder, and wants no token.
    pub async fn discourage(&self, release: Release, why: Option<String>, by: &str) -> Result<(), EngineError> {
        let change = Prepared { change: Change::Discourage { release, why }, pin: None };
        Ok(self.0.store.make(self.now(), by, vec![change]).await??)
    }

    /// The hosted packages that somebody may change.
    pub async fn packages_of(&self, caller: &Caller, ecosystem: &str) -> Result<Vec<Package>, EngineError> {
        let mut packages = self.0.store.hosted_packages(ecosystem).await?;
        packages.retain(|package| caller.may(crate::access::Action::Publish(package)));
        Ok(packages)
    }

    /// The hosted packages with a text in their name, and what is hosted of them.
    pub async fn find_hosted(
        &self,
        ecosystem: &EcosystemId,
        text: &str,
        most: usize,
    ) -> Result<Vec<(Package, Hosted)>, EngineError> {
        let text = text.to_lowercase();
        let mut packages = self.0.store.hosted_packages(ecosystem.as_str()).await?;
        packages.retain(|package| package.name.as_str().to_lowercase().contains(&text));
        let mut found = Vec::new();
        for package in packages.into_iter().take(most) {
            if let Some(hosted) = self.0.store.hosted(&package).await? {
                found.push((package, hosted));
            }
        }
        Ok(found)
    }

    /// Who has published releases of a package.
    pub async fn publishers(&self, package: &Package) -> Result<Vec<String>, EngineError> {
        self.must_be_hosted(package)?;
        Ok(self.0.store.publishers(package).await?)
    }

    /// Fails for a package that comes from elsewhere.
    fn must_be_hosted(&self, package: &Package) -> Result<(), EngineError> {
        if self.0.upstreams.of(package)?.1.is_hosted() {
            return Ok(());
        }
        let (name, ecosystem) = (&package.name, &package.ecosystem);
        Err(EngineError::NotPermitted(format!(
            "`{name}` is not published here: its name is not claimed as `hosted` in `[upstream.{ecosystem}.claims]`"
        )))
    }

    /// Puts a file in its place. Nobody is given it before a row names it.
    async fn kept(&self, publication: &Publication) -> Result<Pin, EngineError> {
        let Publication { release, bytes, claimed, entry, .. } = publication;
        if entry.len() > Change::MAX_ENTRY {
            let limit = Change::MAX_ENTRY;
            return Err(EngineError::Unacceptable(format!("what is said of `{release}` has more than {limit} bytes")));
        }
        let mut receiving = self.0.objects.receive(claimed.as_ref())?;
        receiving.write(bytes)?;
        let arrived = receiving.finish();
        let admits = |claim: &Integrity| arrived.digests.iter().any(|digest| claim.admits(digest));
        if claimed.as_ref().is_some_and(|claim| !admits(claim)) {
            let why = format!("the file of `{release}` does not have the digest that came with it; send it again");
            return Err(EngineError::Unacceptable(why));
        }
        let (sha256, digests, size) = (arrived.sha256.clone(), arrived.digests.clone(), arrived.size);
        let objects = self.0.objects.clone();
        tokio::task::spawn_blocking(move || objects.keep(arrived)).await??;
        Ok(Pin { sha256, digests, size, since: self.now() })
    }
}

impl From<Unmade> for EngineError {
    fn from(unmade: Unmade) -> Self {
        match unmade {
            Unmade::Taken { release, since, by: Some(by) } => Self::Conflict(format!(
                "`{release}` was published by `{by}` at {since:.0}, and releases do not change; publish it as a new version"
            )),
            Unmade::Taken { release, since, by: None } => Self::Conflict(format!(
                "`{release}` came from a registry with other bytes at {since:.0}; publish it as a new version"
            )),
            Unmade::Alike { package, other } => Self::Conflict(format!(
                "`{}` could be taken for `{other}`, which is published here; choose another name",
                package.name
            )),
            Unmade::NotAsClaimed(release) => Self::Unacceptable(format!(
                "the file of `{release}` does not have the digest that is said of it; publish it as a new version"
            )),
            Unmade::NoRelease(release) => Self::NoRelease(format!("`{release}` is not published here")),
            Unmade::Outdated(package) => {
                Self::Conflict(format!("`{}` has changed in the meantime; try again", package.name))
            }
        }
    }
}
