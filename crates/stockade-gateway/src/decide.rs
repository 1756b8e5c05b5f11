//! Decisions over HTTP, by those who have a token for it. A web page has none, so it decides nothing for whoever looks at
//! it.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use stockade_ecosystem::ALL;
use stockade_engine::access::Action;
use stockade_engine::{DecisionRequest, EngineError};
use stockade_model::{Package, Purl, Release, Verdict};

use crate::Gateway;
use crate::api::{json, plain};
use crate::body::Body;
use crate::serve::Peer;

/// The longest request to decide in bytes.
const MAX_REQUEST: usize = 64 * 1024;

/// What is to be decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The release, as a package URL with a version.
    purl: Purl,
    /// Allow or deny.
    verdict: Verdict,
    /// Why.
    reason: String,
    /// Until when; an approval needs an end.
    #[serde(default)]
    expires: Option<Timestamp>,
}

impl Gateway {
    /// Decides about a release, in the name of whose token it is.
    pub(crate) async fn decide(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let caller = match self.holder(&request, peer, Action::Approve, "approve") {
            Ok(caller) => caller,
            Err(why) => return plain(StatusCode::UNAUTHORIZED, &why),
        };
        let Ok(body) = Limited::new(request.into_body(), MAX_REQUEST).collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n");
        };
        let asked = match serde_json::from_slice::<Asked>(&body.to_bytes()) {
            Ok(asked) => asked,
            Err(error) => return plain(StatusCode::BAD_REQUEST, &format!("the request cannot be read: {error}\n")),
        };
        let Some(release) = normalised(&asked.purl) else {
            return plain(StatusCode::BAD_REQUEST, "`purl` names no release of an ecosystem that is known here\n");
        };
        if asked.verdict == Verdict::Hold || asked.reason.trim().is_empty() {
            return plain(
                StatusCode::BAD_REQUEST,
                "a decision is `allow` or `deny`, with a reason that says something\n",
            );
        }
        let Asked { verdict, reason, expires, .. } = asked;
        let decision = DecisionRequest { release, verdict, reason, by: caller.name.to_string(), expires };
        match self.0.engine.decide(decision).await {
            Ok(decisions) => json(StatusCode::CREATED, &decisions),
            Err(error @ EngineError::Refused(_)) => plain(StatusCode::BAD_REQUEST, &format!("{error}\n")),
            Err(error @ (EngineError::NoRelease(_) | EngineError::Off(_) | EngineError::Upstream(_))) => {
                plain(StatusCode::NOT_FOUND, &format!("{error}\n"))
            }
            Err(error) => {
                tracing::warn!(%error, "a decision could not be recorded");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "it could not be recorded; see the gateway's log\n")
            }
        }
    }
}

/// The release that a purl names, in the normal form of its ecosystem.
pub(crate) fn normalised(purl: &Purl) -> Option<Release> {
    let ecosystem = ALL.iter().find(|ecosystem| ecosystem.purl_type == purl.package.ecosystem.as_str())?;
    let name = (ecosystem.name)(purl.package.name.as_str()).ok()?;
    let release = Package { ecosystem: ecosystem.id.clone(), name }.release(purl.version.clone()?);
    Some(Release { file: purl.file.clone(), ..release })
}
