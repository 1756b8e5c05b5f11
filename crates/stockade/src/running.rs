//! The gateway that is running: where it says that it is, and whether it is there.
//!
//! `serve` writes down its address beside the data. A file can be older than the process that it speaks of, so whoever
//! reads it asks the gateway who it is, and does not wait long for the answer.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stockade_gateway::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::files;

/// How long a gateway on this machine may take to say that it is there.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it may take to answer anything else.
const ANSWER: Duration = Duration::from_secs(10);
/// The longest answer in bytes.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// A gateway that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Where it is, without a trailing `/`.
    pub(crate) url: String,
    /// Its process.
    pub(crate) pid: u32,
}

fn file(data: &Path) -> PathBuf {
    data.join("gateway.json")
}

/// Writes down that this process serves a gateway.
pub(crate) fn write_down(data: &Path, url: &str) -> anyhow::Result<()> {
    let running = Running { url: url.to_owned(), pid: std::process::id() };
    files::replace(&file(data), &serde_json::to_vec(&running)?)
}

/// Takes it back, unless another gateway has written since.
pub(crate) fn take_back(data: &Path) -> anyhow::Result<()> {
    match noted(data)? {
        Some(running) if running.pid == std::process::id() => files::remove(&file(data)),
        _ => Ok(()),
    }
}

/// The gateway that is written down, running or not.
pub(crate) fn noted(data: &Path) -> anyhow::Result<Option<Running>> {
    let Some(bytes) = files::read(&file(data))? else { return Ok(None) };
    Ok(serde_json::from_slice(&bytes).ok())
}

/// The gateway that is written down with what it says of itself, if it answers and is the one.
pub(crate) async fn find(data: &Path) -> anyhow::Result<Option<(Running, Status)>> {
    let Some(running) = noted(data)? else { return Ok(None) };
    let status = tokio::time::timeout(PATIENCE, get::<Status>(&running.url, "/api/v1/status")).await;
    let Ok(Ok(Some(status))) = status else { return Ok(None) };
    Ok((status.pid == running.pid).then_some((running, status)))
}

/// What the gateway says of something, if it knows it, within a time.
pub(crate) async fn ask<T: DeserializeOwned>(running: &Running, path: &str) -> anyhow::Result<Option<T>> {
    let answer = tokio::time::timeout(ANSWER, get(&running.url, path)).await;
    let answer = answer.unwrap_or_else(|_| bail!("it did not answer within {} seconds", ANSWER.as_secs()));
    answer.with_context(|| format!("the gateway at {} could not be asked", running.url))
}

/// A GET of HTTP/1.0, to which the answer is plain and ends with the connection.
async fn get<T: DeserializeOwned>(base: &str, path: &str) -> anyhow::Result<Option<T>> {
    let url = Url::parse(base)?;
    ensure!(url.scheme() == "http", "only http is spoken to a gateway of one's own");
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { bail!("no address") };
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut bytes).await?;
    let (head, body) = split(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    match head.split(' ').nth(1).unwrap_or_default() {
        "200" => Ok(Some(serde_json::from_slice(body)?)),
        "404" => Ok(None),
        other => bail!("it answered {other}"),
    }
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    const END: &[u8] = b"\r\n\r\n";
    let end = bytes.windows(END.len()).position(|window| window == END)?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + END.len()..]))
}
