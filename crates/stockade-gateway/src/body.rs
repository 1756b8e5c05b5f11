//! Bodies of responses: whole in memory, or read piece by piece as the client takes them.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::task::JoinHandle;

/// Pieces of a body, in order. Getting the next one blocks.
pub(crate) type Pieces = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// A body with a known length.
pub(crate) struct Body {
    left: u64,
    source: Source,
}

enum Source {
    Nothing,
    Whole(Bytes),
    Waiting(Pieces),
    Reading(JoinHandle<(Pieces, Option<io::Result<Bytes>>)>),
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self { left: 0, source: Source::Nothing }
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { left: bytes.len() as u64, source: Source::Whole(bytes) }
    }

    /// A body that is read while it is sent, so that it is never whole in memory. If reading fails, or gives another
    /// length, the connection breaks off: the client sees that it has not got everything.
    pub(crate) fn read(length: u64, pieces: Pieces) -> Self {
        Self { left: length, source: Source::Waiting(pieces) }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.source, Source::Nothing) {
                Source::Nothing => return Poll::Ready(None),
                Source::Whole(bytes) => {
                    self.left = 0;
                    return Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))));
                }
                Source::Waiting(mut pieces) => {
                    self.source = Source::Reading(tokio::task::spawn_blocking(move || {
                        let next = pieces.next();
                        (pieces, next)
                    }));
                }
                Source::Reading(mut reading) => {
                    let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
                        self.source = Source::Reading(reading);
                        return Poll::Pending;
                    };
                    let (pieces, next) = read.map_err(io::Error::other)?;
                    let Some(bytes) = next.transpose()? else {
                        let short = || Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a body is too short"));
                        return Poll::Ready((self.left > 0).then(short));
                    };
                    let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
                        return Poll::Ready(Some(Err(io::Error::other("a body is too long"))));
                    };
                    self.left = left;
                    if left > 0 {
                        self.source = Source::Waiting(pieces);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
