//! The process that reads what strangers wrote.
//!
//! It takes everything away from itself first, then answers one request after the other. A panic ends it: whatever made
//! a parser panic may have left it in any state, and a new process costs milliseconds.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use stockade_ecosystem::archive;
use stockade_inspect::{Inspection, Searcher, inspect};
use stockade_model::Tree;
use stockade_sandbox::{ConfineError, Limits, confine_worker};

use super::frame::{self, Reply, Request, Setup, What};

/// The stack of the thread that inspects, in bytes: 128 MiB. Parsers descend as deep as their input nests.
const STACK: usize = 128 << 20;
/// The memory of a worker besides, in bytes: 512 MiB, so that it is 640 MiB in all. That is what an artifact and its
/// content may have together, and something to work in.
const HEAP: u64 = 512 << 20;
/// How much later than its supervisor a worker finds that it takes too long. It does so by itself, since the supervisor
/// may be gone.
const GRACE: Duration = Duration::from_secs(5);

/// Why a worker ended, besides that nobody asks any more.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be confined, so it has read nothing.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// The supervisor is gone, or says what it never says.
    #[error("the supervisor could not be heard or told: {0}")]
    Io(#[from] io::Error),
    /// The rules of YARA that it was given cannot be used.
    #[error("the rules of YARA could not be loaded: {0}")]
    Patterns(String),
    /// The inspection took too long.
    #[error("the inspection took too long")]
    Late,
    /// The inspection panicked.
    #[error("the inspection panicked")]
    Panicked,
}

/// Makes this process a worker, until nobody asks any more. It must have only one thread, and be nothing else.
pub fn work(input: &mut impl Read, output: &mut impl Write) -> Result<(), WorkerError> {
    // The place is enough to find the fault; the message may repeat what a stranger wrote.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
        let _ = writeln!(io::stderr(), "panicked{}", place.unwrap_or_default());
    }));
    let limits = Limits { heap: HEAP, stacks: STACK as u64 };
    let (thread, confined) = confine_worker(&limits, Inspecting::start)?;
    frame::write(output, &frame::encode(&confined.gaps)?)?;
    let Some(setup) = frame::read::<Setup>(input)? else { return Ok(()) };
    let searcher = searcher(setup, input)?;
    while let Some(request) = frame::read::<Request>(input)? {
        let job = Job::read(request, searcher.clone(), input)?;
        let reply = thread.perform(job)?;
        frame::write(output, &reply)?;
    }
    Ok(())
}

/// The rules of YARA that are looked for.
fn searcher(setup: Setup, input: &mut impl Read) -> Result<Option<Arc<Searcher>>, WorkerError> {
    let Some((digest, length)) = setup.patterns else { return Ok(None) };
    let compiled = frame::read_bytes(input, length)?;
    let searcher = Searcher::load(digest, &compiled).map_err(WorkerError::Patterns)?;
    Ok(Some(Arc::new(searcher)))
}

/// The thread that inspects. The other one only waits, so that an end to its patience is possible.
struct Inspecting {
    jobs: Sender<Job>,
    replies: Receiver<io::Result<Vec<u8>>>,
}

impl Inspecting {
    fn start() -> io::Result<Self> {
        let (jobs, to_do) = channel::<Job>();
        let (done, replies) = channel();
        let work = move || {
            for job in to_do {
                if done.send(job.reply()).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().stack_size(STACK).spawn(work)?;
        Searcher::prepare();
        Ok(Self { jobs, replies })
    }

    fn perform(&self, job: Job) -> Result<Vec<u8>, WorkerError> {
        let patience = Duration::from_secs(job.request.seconds).saturating_add(GRACE);
        self.jobs.send(job).map_err(|_| WorkerError::Panicked)?;
        match self.replies.recv_timeout(patience) {
            Ok(reply) => Ok(reply?),
            Err(RecvTimeoutError::Timeout) => Err(WorkerError::Late),
            Err(RecvTimeoutError::Disconnected) => Err(WorkerError::Panicked),
        }
    }
}

/// A request with its bytes.
struct Job {
    request: Request,
    content: Vec<Bytes>,
    earlier: Vec<Inspection>,
    searcher: Option<Arc<Searcher>>,
}

impl Job {
    fn read(request: Request, searcher: Option<Arc<Searcher>>, input: &mut impl Read) -> io::Result<Self> {
        let lengths = match &request.what {
            What::Artifact(_, length) => vec![*length],
            What::Folder(files) => files.iter().map(|(_, length, _)| *length).collect(),
        };
        let content = lengths.into_iter().map(|length| frame::read_bytes(input, length).map(Bytes::from));
        let content = content.collect::<io::Result<_>>()?;
        let earlier = request.earlier.iter().map(|length| {
            let bytes = frame::read_bytes(input, *length)?;
            Ok(serde_json::from_slice(&bytes)?)
        });
        let earlier = earlier.collect::<io::Result<_>>()?;
        Ok(Self { request, content, earlier, searcher })
    }

    /// The inspection as a frame.
    fn reply(self) -> io::Result<Vec<u8>> {
        let Self { request, content, earlier, searcher } = self;
        let tree = unpacked(request, content);
        let earlier_ones: Vec<&Inspection> = earlier.iter().collect();
        let inspection = inspect(tree, &earlier_ones, archive::is_test_or_doc, searcher.as_deref());
        drop(earlier);
        let reply: Reply = Ok(inspection);
        frame::encode(&reply).or_else(|error| frame::encode(&Reply::Err(format!("too much was found: {error}"))))
    }
}

fn unpacked(request: Request, content: Vec<Bytes>) -> Tree {
    let Request { name, what, .. } = request;
    let mut content = content.into_iter();
    match what {
        What::Artifact(ecosystem, _) => {
            let bytes = content.next().unwrap_or_default();
            match ecosystem {
                Some(ecosystem) => archive::open(&ecosystem, &name, bytes),
                None => archive::open_any(&name, bytes),
            }
        }
        What::Folder(files) => {
            let files = files.into_iter().zip(content).map(|((path, _, executable), bytes)| (path, bytes, executable));
            archive::of_directory(files.collect())
        }
    }
}
