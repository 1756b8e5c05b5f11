//! The description of a package in an older form: what its upstream says of a release, with our own index in it.

use bytes::Bytes;
use hyper::{Response, StatusCode};
use stockade_ecosystem::{Described, Standing};
use stockade_engine::{EngineError, Refused, UpstreamError};
use stockade_model::Package;

use crate::body::Body;
use crate::mount::{Mounted, json, read, with_steering};
use crate::{refuse, render};

impl Mounted<'_> {
    /// The description of a package, or of one release of it. What is removed from the index has none.
    pub(crate) async fn summary(
        &self,
        package: &Package,
        version: Option<&str>,
    ) -> Result<Response<Body>, EngineError> {
        let Some(summary) = self.registry.summary() else {
            return Ok(self.refuse(&refuse::unserved(StatusCode::FORBIDDEN.as_u16(), "there is no such document")));
        };
        let listing = self.listing(package).await?;
        let (index, standings) = (&listing.document.index, &listing.rulings.standings);
        let listed = match version {
            Some(version) => index.spelt(version),
            None => index.described_by(standings),
        };
        let listed = listed.ok_or_else(|| EngineError::NoRelease(format!("`{}` has no such version", package.name)))?;
        let release = package.release(listed.version.as_str());
        let is_removed = |at| standings.get(at) == Some(&Standing::Removed);
        if index.positions(&release.version).all(is_removed) {
            let is_its = |refused: &&Refused| refused.ruling.release.version == release.version;
            return match listing.rulings.refused.iter().find(is_its) {
                Some(refused) => Ok(self.refuse(&refuse::ruled(refused, &self.peer.root))),
                None => Err(EngineError::NoRelease(release.to_string())),
            };
        }
        let engine = &self.gateway.0.engine;
        let theirs = match engine.fact(&package.ecosystem, Some(&release), &(summary.path)(&release)).await {
            Ok(theirs) => Some(theirs),
            // The index lists it, so there are no such documents at all.
            Err(EngineError::Upstream(UpstreamError::NotFound)) => None,
            Err(error) => return Err(error),
        };
        let advice = engine.advice(vec![release.clone()]).await?;
        let (registry, root, whole) = (self.registry, self.peer.root.clone(), version.is_none());
        let writing = move || -> Result<Bytes, EngineError> {
            let index = &listing.document.index;
            let rope = with_steering(&listing, &root, |steering| registry.render(index, steering));
            let (document, base) = (read(&listing, rope)?, render::base(&listing.package.ecosystem, &root));
            let (release, theirs) = (&release, theirs.as_deref());
            let described =
                Described { release, whole, index, index_document: &document, theirs, advice: &advice, base: &base };
            Ok((summary.render)(&described)?.into())
        };
        Ok(json(tokio::task::spawn_blocking(writing).await??))
    }
}
