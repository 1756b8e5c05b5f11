//! What supervisor and worker say to each other: a length, JSON, and after a request's JSON the bytes that it announces.
//!
//! Both are the same program, so there are no versions. But a worker may have been taken over by what it read: everything
//! that comes from it has a limit, and is data.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest JSON, in bytes: 64 MiB. The inspection of a package with thousands of files has a few.
pub(super) const MAX_FRAME: usize = 64 << 20;
/// How many bytes say the length.
const LENGTH: usize = 4;

/// What a worker needs before the first request. The compiled rules follow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Setup {
    /// The digest of the rules of YARA that are looked for, and how many bytes they have; `None` if there are none.
    pub(super) patterns: Option<(String, usize)>,
}

/// What is asked of a worker. The bytes follow, in the order of the members here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The name of the file or folder.
    pub(super) name: String,
    /// What the bytes are.
    pub(super) what: What,
    /// How many bytes each inspection of a release before it has, as JSON.
    pub(super) earlier: Vec<usize>,
    /// How long it may take.
    pub(super) seconds: u64,
}

/// What is to be inspected.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// An artifact; its ecosystem, if that is known; how many bytes it has.
    Artifact(Option<String>, usize),
    /// A folder: the path of each file, how many bytes it has, and whether it is executable.
    Folder(Vec<(String, usize, bool)>),
}

/// What comes back.
pub(super) type Reply = Result<stockade_inspect::Inspection, String>;

/// A value as a frame.
pub(super) fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; LENGTH];
    serde_json::to_writer(&mut frame, value)?;
    let length = frame.len() - LENGTH;
    if length > MAX_FRAME {
        return Err(too_long(length));
    }
    let length = u32::try_from(length).map_err(|_| too_long(length))?;
    frame.splice(..LENGTH, length.to_le_bytes());
    Ok(frame)
}

/// Writes a frame.
pub(super) fn write(output: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    output.write_all(frame)?;
    output.flush()
}

/// Reads a frame. `None` if nothing comes any more.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; LENGTH];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let bytes = read_bytes(input, checked(length)?)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Reads exactly so many bytes.
pub(super) fn read_bytes(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a frame that a worker wrote.
pub(super) async fn receive<T: DeserializeOwned>(input: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let mut length = [0; LENGTH];
    input.read_exact(&mut length).await?;
    let length = checked(length)?;
    // It grows as bytes arrive, so that a length alone costs nothing.
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&bytes)?)
}

fn checked(length: [u8; LENGTH]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME { Err(too_long(length)) } else { Ok(length) }
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes is longer than {MAX_FRAME}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let request = Request {
            name: "a.tgz".to_owned(),
            what: What::Folder(vec![("a.js".to_owned(), 3, true)]),
            earlier: vec![7],
            seconds: 20,
        };
        let frame = encode(&request).unwrap();
        let mut input = [frame.as_slice(), b"rest"].concat();
        input.rotate_left(0);
        let mut input = input.as_slice();
        let back: Request = read(&mut input).unwrap().unwrap();
        assert_eq!(format!("{back:?}"), format!("{request:?}"));
        assert_eq!(read_bytes(&mut input, 4).unwrap(), b"rest");
        assert!(read::<Request>(&mut input).unwrap().is_none(), "an end between two frames is the end");
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_an_error() {
        let frame = encode(&"text").unwrap();
        assert!(read::<String>(&mut &frame[..frame.len() - 1]).is_err());
        assert!(read::<u32>(&mut frame.as_slice()).is_err(), "another type");
        assert!(read::<String>(&mut [0xff, 0xff, 0xff, 0xff, b'x'].as_slice()).is_err());
        assert!(read_bytes(&mut b"ab".as_slice(), 3).is_err());
    }

    #[tokio::test]
    async fn a_worker_is_not_believed_its_lengths() {
        let frame = encode(&"text").unwrap();
        assert_eq!(receive::<String>(&mut frame.as_slice()).await.unwrap(), "text");
        assert!(receive::<String>(&mut &frame[..frame.len() - 1]).await.is_err());
        assert!(receive::<String>(&mut [0xff, 0xff, 0xff, 0xff].as_slice()).await.is_err());
        assert!(receive::<String>(&mut [3, 0, 0, 0, b'{', b'{', b'{'].as_slice()).await.is_err());
    }
}
