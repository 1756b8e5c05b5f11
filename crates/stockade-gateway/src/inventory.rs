//! The inventory over HTTP: machines that build upload what their projects have, and people ask who has it.
//!
//! Which project has what is nothing for everybody who can reach the gateway, so every address here wants a token.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use stockade_engine::access::Action;
use stockade_engine::inventory::{Bill, File, Look, is_name};
use stockade_engine::{EngineError, ServedMalware};

use crate::Gateway;
use crate::api::{json, plain};
use crate::body::Body;
use crate::serve::Peer;

/// The longest bill of materials in bytes.
const MAX_BILL: usize = 64 * 1024 * 1024;

impl Gateway {
    /// Answers `/api/v1/inventory`: `?affected=` asks, `?project=` is what a bill of materials is of.
    pub(crate) async fn inventory(&self, request: Request<Incoming>, query: &str, peer: &Peer) -> Response<Body> {
        let uploads = request.method() == Method::POST;
        let (action, right) = if uploads { (Action::Report, "report") } else { (Action::Read, "read") };
        if let Err(why) = self.holder(&request, peer, action, right) {
            return plain(StatusCode::UNAUTHORIZED, &why);
        }
        let asked = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        match (uploads, asked("project"), asked("affected")) {
            (true, Some(project), None) if is_name(&project) => self.upload(request, &project).await,
            (true, _, _) => plain(StatusCode::BAD_REQUEST, "an upload is of one `project`, which has a name\n"),
            (false, None, Some(what)) => match self.0.engine.affected(&what).await {
                Ok(affected) => json(StatusCode::OK, &affected),
                Err(error) => failed(&error),
            },
            (false, project, None) => match self.0.engine.store().projects(project).await {
                Ok(projects) => json(StatusCode::OK, &projects),
                Err(error) => failed(&error.into()),
            },
            (false, Some(_), Some(_)) => plain(StatusCode::BAD_REQUEST, "`affected` is asked of all projects\n"),
        }
    }

    /// Who was given what is malware by now.
    pub(crate) async fn malware(&self, request: &Request<Incoming>, peer: &Peer) -> Response<Body> {
        if let Err(why) = self.holder(request, peer, Action::Read, "read") {
            return plain(StatusCode::UNAUTHORIZED, &why);
        }
        match ServedMalware::all(self.0.engine.store(), &self.0.engine.advisories()).await {
            Ok(served) => json(StatusCode::OK, &served),
            Err(error) => failed(&error),
        }
    }

    async fn upload(&self, request: Request<Incoming>, project: &str) -> Response<Body> {
        let Ok(body) = Limited::new(request.into_body(), MAX_BILL).collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the bill of materials is too long, or breaks off\n");
        };
        let body = body.to_bytes();
        let read = tokio::task::spawn_blocking(move || Bill::read(&body)).await;
        let Ok(Some(bill)) = read else {
            return plain(StatusCode::BAD_REQUEST, "it is no bill of materials: CycloneDX or SPDX, as JSON\n");
        };
        let file = File { path: UPLOADED.to_owned(), parts: bill.parts.into() };
        let look = Look { at: self.0.engine.now(), files: vec![file], gaps: bill.problems };
        match self.0.engine.store().record_looks(project, vec![look]).await {
            Ok(recorded) => json(StatusCode::CREATED, &recorded),
            Err(error) => failed(&error.into()),
        }
    }
}

/// Where what was uploaded is in a project.
const UPLOADED: &str = "uploaded";

fn failed(error: &EngineError) -> Response<Body> {
    let status = match error {
        EngineError::Refused(_) => StatusCode::BAD_REQUEST,
        EngineError::NoAdvisory(_) => StatusCode::NOT_FOUND,
        _ => {
            tracing::warn!(%error, "the inventory could not be asked or written");
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "it could not be done; see the gateway's log\n");
        }
    };
    plain(status, &format!("{error}\n"))
}
