//! The bytes of a release, for nobody but an inspector.

use bytes::Bytes;
use stockade_model::Release;

use crate::{Engine, EngineError};

impl Engine {
    /// The file of a release with its name, to be looked at and not to be given out: no ruling clears it. It is fetched
    /// if it is not here, compared with what the index claims and with what was first seen, and pinned.
    pub async fn unjudged(&self, release: &Release, limit: usize) -> Result<(String, Bytes), EngineError> {
        let (registry, _) = self.0.upstreams.of(&release.package)?;
        let file = registry.artifact_file(release);
        let digest = self.placed(release).await?;
        let (objects, release) = (self.0.objects.clone(), release.clone());
        let reading = move || {
            let gone =
                || EngineError::Refused(format!("the file of `{release}` was damaged here; ask the gateway for it"));
            if !objects.check(&digest) {
                return Err(gone());
            }
            let path = objects.path(&digest);
            let size = std::fs::metadata(&path)?.len();
            if size > limit as u64 {
                let why = format!("the file of `{release}` has {size} bytes; more than {limit} are not inspected");
                return Err(EngineError::Refused(why));
            }
            Ok(Bytes::from(crate::objects::read(&path)?))
        };
        Ok((file, tokio::task::spawn_blocking(reading).await??))
    }
}
