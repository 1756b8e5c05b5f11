//! Refusals and failures, on every carrier that a client shows to a person.

use hyper::ext::ReasonPhrase;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use stockade_ecosystem::{Denial, Refusal};
use stockade_engine::{EngineError, Refused, UpstreamError};
use stockade_model::Verdict;

use crate::body::Body;
use crate::serve::Root;

/// What a person is told to wait where the upstream does not say, in seconds.
const RETRY_SECONDS: &str = "10";
/// The same for a file that is nearly there.
const LOOK_AGAIN_SECONDS: &str = "3";

/// The policy says no, or not now.
pub(crate) fn ruled(refused: &Refused, root: &Root) -> Refusal {
    let ruling = &refused.ruling;
    let instead = refused.instead.as_ref().filter(|other| **other != ruling.release.version);
    Refusal {
        status: StatusCode::FORBIDDEN.as_u16(),
        title: format!("{} by stockade", ruling.verdict.done()),
        sentence: ruling.sentence(),
        hint: instead.map(|version| format!("{version} is cleared")),
        see: Some(root.see(&refused.id)),
    }
}

/// A request that is not understood or not offered.
pub(crate) fn unserved(status: u16, why: &str) -> Refusal {
    let title = "refused by stockade".to_owned();
    Refusal { status, sentence: format!("{title}: {why}"), title, hint: None, see: None }
}

/// Something could not be done. What can never succeed is not called a fault of the server, or clients would try again.
pub(crate) fn failed(error: &EngineError, about: &str) -> Refusal {
    let (status, verdict) = match error {
        EngineError::NotPermitted(_) | EngineError::Conflict(_) | EngineError::Unacceptable(_) => {
            let status = match error {
                EngineError::NotPermitted(_) => StatusCode::FORBIDDEN,
                EngineError::Conflict(_) => StatusCode::CONFLICT,
                _ => StatusCode::BAD_REQUEST,
            };
            return unserved(status.as_u16(), &error.to_string());
        }
        EngineError::Off(_) | EngineError::NoRelease(_) | EngineError::NoRuling(_) | EngineError::NoAdvisory(_) => {
            (StatusCode::NOT_FOUND, None)
        }
        EngineError::Upstream(error) => match error {
            UpstreamError::NotFound => (StatusCode::NOT_FOUND, None),
            UpstreamError::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, None),
            UpstreamError::NotAllowed(_) => (StatusCode::FORBIDDEN, Some(Verdict::Deny)),
            UpstreamError::TooLong(_) => (StatusCode::FORBIDDEN, Some(Verdict::Hold)),
            UpstreamError::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
            UpstreamError::Status(status) if *status < 500 => (StatusCode::FORBIDDEN, Some(Verdict::Hold)),
            UpstreamError::Unreachable { .. } | UpstreamError::Status(_) => (StatusCode::BAD_GATEWAY, None),
        },
        EngineError::Malformed(_) | EngineError::Moving(..) => (StatusCode::FORBIDDEN, Some(Verdict::Hold)),
        EngineError::Inspecting(_)
        | EngineError::Refused(_)
        | EngineError::Advisories(_)
        | EngineError::Interrupted => (StatusCode::SERVICE_UNAVAILABLE, None),
        EngineError::Store(_) | EngineError::Disk(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
    };
    let title = match verdict {
        Some(verdict) => format!("{} by stockade", verdict.done()),
        None if status == StatusCode::NOT_FOUND => "not found".to_owned(),
        None => "stockade could not look".to_owned(),
    };
    let sentence = format!("{title}: {about}{}", error.told());
    Refusal { status: status.as_u16(), title, sentence, hint: None, see: None }
}

/// How long the upstream asks to wait.
pub(crate) fn retry_after(error: &EngineError) -> Option<HeaderValue> {
    match error {
        EngineError::Upstream(UpstreamError::Busy { retry_after }) => {
            let stated = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
            Some(stated.unwrap_or(HeaderValue::from_static(RETRY_SECONDS)))
        }
        EngineError::Inspecting(_) => Some(HeaderValue::from_static(LOOK_AGAIN_SECONDS)),
        EngineError::Refused(_) | EngineError::Interrupted => Some(HeaderValue::from_static(RETRY_SECONDS)),
        _ => None,
    }
}

/// A refusal in a client's dialect as a response. Nobody may keep it: the next moment may bring another ruling.
pub(crate) fn response(denial: Denial, retry: Option<HeaderValue>) -> Response<Body> {
    let Denial { status, phrase, content_type, body } = denial;
    let mut response = Response::new(Body::whole(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    if let Ok(phrase) = ReasonPhrase::try_from(phrase) {
        response.extensions_mut().insert(phrase);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(retry) = retry {
        headers.insert(RETRY_AFTER, retry);
    }
    response
}
