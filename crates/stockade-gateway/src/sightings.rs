//! What sandboxes elsewhere saw of releases that came from here, told by those who have a token for it.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use stockade_engine::access::Action;
use stockade_engine::{Behaviour, Deed, Sighted, Sighting};
use stockade_model::Purl;

use crate::Gateway;
use crate::api::{json, plain};
use crate::body::Body;
use crate::decide::normalised;
use crate::serve::Peer;

/// The longest request in bytes.
const MAX_REQUEST: usize = 64 * 1024;
/// How many sightings one request may have.
const MAX_SIGHTINGS: usize = 100;
/// The longest name of a host or a program in characters.
const MAX_NAME: usize = 256;

impl Gateway {
    /// Holds the releases that did what no inspection of them has found, and says which.
    pub(crate) async fn sighted(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let caller = match self.holder(&request, peer, Action::Report, "report") {
            Ok(caller) => caller,
            Err(why) => return plain(StatusCode::UNAUTHORIZED, &why),
        };
        let Ok(body) = Limited::new(request.into_body(), MAX_REQUEST).collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n");
        };
        let sightings = match serde_json::from_slice::<Vec<Sighting>>(&body.to_bytes()) {
            Ok(sightings) => sightings,
            Err(error) => return plain(StatusCode::BAD_REQUEST, &format!("the request cannot be read: {error}\n")),
        };
        let seen: Option<Vec<Behaviour>> = sightings.into_iter().map(behaviour).collect();
        let Some(seen) = seen.filter(|seen| seen.len() <= MAX_SIGHTINGS) else {
            let what = "a sighting is of a release of an ecosystem that is known here, with a host or a program of at most \
                        256 characters; a request has at most 100\n";
            return plain(StatusCode::BAD_REQUEST, what);
        };
        match self.0.engine.behaved(&seen, &format!("the sandbox of {}", caller.name)).await {
            Ok(held) => {
                let held = held.iter().map(|release| Purl::of(release).to_string()).collect();
                json(StatusCode::OK, &Sighted { held })
            }
            Err(error) => {
                tracing::warn!(%error, "what a sandbox saw could not be recorded");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "it could not be recorded; see the gateway's log\n")
            }
        }
    }
}

fn behaviour(sighting: Sighting) -> Option<Behaviour> {
    let Sighting { purl, deed } = sighting;
    let (Deed::Connect(name) | Deed::Run(name)) = &deed;
    let is_name = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    is_name.then(|| normalised(&purl)).flatten().map(|release| Behaviour { release, deed })
}
