//! The advisories for whoever asks as OSV is asked: `/osv/v1/query` and `/osv/v1/querybatch`.
//!
//! An answer is what rulings rest on too, no copy of the records: what applies to the version that was asked about, and
//! where it is fixed. Nothing is not answered where nobody looked: that would be read as "no known vulnerabilities".

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use stockade_ecosystem::{ALL, Advice, AdviceKind, Ecosystem};
use stockade_engine::EngineError;
use stockade_engine::access::{Action, Caller};
use stockade_model::{Package, Purl, Release};

use crate::api::{json as answer, plain};
use crate::body::Body;
use crate::hosting::shown;
use crate::serve::Peer;
use crate::{Gateway, Reading};

/// The longest question in bytes.
const MAX_QUESTION: usize = 8 * 1024 * 1024;
/// How many questions may be asked at once, as OSV has it.
const MAX_QUERIES: usize = 1_000;

#[derive(Deserialize)]
struct Query {
    package: Option<Named>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
    ecosystem: Option<String>,
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Batch {
    queries: Vec<Query>,
}

/// A refusal in the form of OSV's own, with its status.
type Refused = (StatusCode, String);

impl Gateway {
    /// Answers below `/osv/`.
    pub(crate) async fn osv(&self, path: &str, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let anybody = Caller::at(peer.principal.clone(), self.0.reading == Reading::Anybody);
        let caller = self.0.engine.caller(shown(&request).as_ref(), anybody);
        if !caller.may(Action::Read) {
            let why = caller.unknown_token.unwrap_or_else(|| "this needs a token that may `read`".to_owned());
            let mut refused = plain(StatusCode::UNAUTHORIZED, &format!("{why}\n"));
            let challenge = HeaderValue::from_static("Basic realm=\"stockade\"");
            refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            return refused;
        }
        let Ok(body) = Limited::new(request.into_body(), MAX_QUESTION).collect().await else {
            return refusal((StatusCode::PAYLOAD_TOO_LARGE, "the request is too long".to_owned()));
        };
        let body = body.to_bytes();
        let answered = match path {
            "/v1/query" => self.one(&body).await,
            "/v1/querybatch" => self.batch(&body).await,
            _ => Err((StatusCode::NOT_FOUND, "there is nothing at this address".to_owned())),
        };
        answered.map_or_else(refusal, |value| answer(StatusCode::OK, &value))
    }

    async fn one(&self, body: &[u8]) -> Result<Value, Refused> {
        let (ecosystem, release) = asked(&read(body)?)?;
        let advice = self.known(vec![(ecosystem, release.clone())]).await?;
        let vulns: Vec<Value> = advice.iter().map(|advice| record(ecosystem, advice, &release.version)).collect();
        Ok(if vulns.is_empty() { json!({}) } else { json!({ "vulns": vulns }) })
    }

    async fn batch(&self, body: &[u8]) -> Result<Value, Refused> {
        let Batch { queries } = read(body)?;
        if queries.len() > MAX_QUERIES {
            return Err(bad(format!("more than {MAX_QUERIES} queries")));
        }
        let releases: Vec<_> = queries.iter().map(asked).collect::<Result<_, _>>()?;
        let advice = self.known(releases.clone()).await?;
        let results = releases.iter().map(|(_, release)| {
            let is_meant =
                |advice: &&Advice| advice.package == release.package && advice.asked.contains(&release.version);
            let vulns: Vec<Value> = advice.iter().filter(is_meant).map(|advice| json!({ "id": advice.id })).collect();
            if vulns.is_empty() { json!({}) } else { json!({ "vulns": vulns }) }
        });
        Ok(json!({ "results": results.collect::<Vec<_>>() }))
    }

    /// What the advisories know of releases; an error if they know nothing of an ecosystem.
    async fn known(&self, releases: Vec<(&'static Ecosystem, Release)>) -> Result<Vec<Advice>, Refused> {
        let advisories = self.0.engine.advisories();
        let lack = releases.iter().find_map(|(ecosystem, _)| advisories.lack(&ecosystem.id));
        if let Some(lack) = lack {
            return Err((StatusCode::SERVICE_UNAVAILABLE, format!("stockade could not look: {lack}")));
        }
        let releases = releases.into_iter().map(|(_, release)| release).collect();
        self.0.engine.advice(releases).await.map_err(|error: EngineError| {
            tracing::warn!(%error, "advisories could not be asked");
            (StatusCode::SERVICE_UNAVAILABLE, format!("stockade could not look: {}", error.told()))
        })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| bad(format!("the request cannot be read: {error}")))
}

fn bad(why: impl Into<String>) -> Refused {
    (StatusCode::BAD_REQUEST, why.into())
}

/// The form that OSV's own refusals have (gRPC's codes: 3 is an argument that will not do, 14 is not available).
fn refusal((status, message): Refused) -> Response<Body> {
    let code = if status.is_server_error() { 14 } else { 3 };
    answer(status, &json!({ "code": code, "message": message }))
}

/// The release that a query is about.
fn asked(query: &Query) -> Result<(&'static Ecosystem, Release), Refused> {
    let named = query.package.as_ref().ok_or_else(|| bad("a query names a `package`; commits are not known here"))?;
    let by_purl = named.purl.as_deref().map(str::parse::<Purl>).transpose();
    let by_purl = by_purl.map_err(|error| bad(error.to_string()))?;
    let (ecosystem, name, version) = match (&by_purl, &named.name, &named.ecosystem) {
        (Some(purl), None, None) => {
            let kind = purl.package.ecosystem.as_str();
            let ecosystem = ALL.iter().copied().find(|ecosystem| ecosystem.purl_type == kind);
            (ecosystem, purl.package.name.as_str(), purl.version.as_ref())
        }
        (None, Some(name), Some(osv)) => {
            (ALL.iter().copied().find(|ecosystem| ecosystem.osv == osv), name.as_str(), None)
        }
        _ => return Err(bad("a package has a `purl`, or a `name` and an `ecosystem`")),
    };
    let ecosystem = ecosystem.ok_or_else(|| bad("the ecosystem is not known here"))?;
    let name = (ecosystem.name)(name).map_err(|malformed| bad(malformed.to_string()))?;
    match (version, &query.version) {
        (Some(version), None) | (None, Some(version)) if !version.is_empty() => {
            Ok((ecosystem, Package { ecosystem: ecosystem.id.clone(), name }.release(version.clone())))
        }
        _ => Err(bad("a query has one `version`")),
    }
}

/// What is known as a record: of this version, in the name that the ecosystem has for it.
fn record(ecosystem: &Ecosystem, advice: &Advice, version: &str) -> Value {
    let order = |text: &str| (ecosystem.version)(text).ok();
    let is_later = |fixed: &&String| order(fixed).zip(order(version)).is_none_or(|(fixed, own)| fixed > own);
    let fixes = advice.fixed.iter().filter(is_later).map(|fixed| json!({ "fixed": fixed }));
    let events: Vec<Value> = std::iter::once(json!({ "introduced": version })).chain(fixes).collect();
    let severity = advice.vector.as_deref().map(|vector| {
        let kind = ["4", "3"].into_iter().find(|major| vector.starts_with(&format!("CVSS:{major}."))).unwrap_or("2");
        json!({ "type": format!("CVSS_V{kind}"), "score": vector })
    });
    json!({
        "schema_version": "1.6.0",
        "id": advice.id,
        "aliases": advice.aliases,
        "summary": advice.title(),
        "affected": [{
            "package": { "ecosystem": ecosystem.osv, "name": advice.package.name },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
            "versions": [version],
        }],
        "severity": severity.into_iter().collect::<Vec<_>>(),
        "database_specific": { "malware": advice.kind == AdviceKind::Malware, "severity": advice.word },
    })
}
