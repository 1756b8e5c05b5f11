//! The supervisor: keeps workers, gives them work, and outlives them.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stockade_inspect::{Inspection, Patterns, Rules};
use stockade_model::{Gap, GapKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::frame::{self, Reply, Request, Setup, What};
use super::{MAX_ARTIFACT, WORKER};

/// How long an inspection may take, besides what the size adds.
const MAX_INSPECTION: Duration = Duration::from_secs(20);
/// How many bytes of an artifact add a second to that: 1 MiB.
const BYTES_A_SECOND: usize = 1 << 20;
/// How long a worker may take to start.
const START: Duration = Duration::from_secs(20);
/// How long a worker that stopped talking may take to end by itself.
const END: Duration = Duration::from_secs(2);
/// How many requests a worker answers before another one takes its place.
const MAX_REQUESTS: u32 = 500;
/// How many requests may wait for a worker.
const MAX_WAITING: usize = 256;
/// How many bytes of a worker's last words are read.
const LAST_WORDS: u64 = 2048;
/// How many characters of them are repeated.
const MAX_REPEATED: usize = 120;
/// How many characters of a name are repeated.
const MAX_NAME: usize = 120;

/// Inspects artifacts, in processes that can do nothing else. Cheap to clone.
#[derive(Clone)]
pub struct Inspector(Arc<Pool>);

struct Pool {
    program: PathBuf,
    patience: Duration,
    /// Rules of YARA, which each worker is given once.
    patterns: Option<Arc<Patterns>>,
    workers: usize,
    places: Semaphore,
    waiting: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl Pool {
    fn new(program: PathBuf, workers: usize, patience: Duration, patterns: Option<Arc<Patterns>>) -> Self {
        let places = Semaphore::new(workers.max(1));
        let waiting = Semaphore::new(MAX_WAITING);
        Self { program, patience, patterns, workers, places, waiting, idle: Mutex::default() }
    }
}

/// A request, ready to be sent more than once.
struct Asked {
    name: String,
    frame: Vec<u8>,
    bytes: Vec<Bytes>,
    patience: Duration,
}

/// Why there is no inspection.
enum Failure {
    /// The worker ended or said what it never says.
    Ended(String),
    /// For another reason, which a second attempt would not change.
    Other(String),
}

impl Inspector {
    /// An inspector that keeps at most so many workers, each of them `program` again with the command [`WORKER`].
    pub fn new(program: PathBuf, workers: usize) -> Self {
        Self::with_patience(program, workers, MAX_INSPECTION)
    }

    /// An inspector whose workers are the program that this process runs, even if another one was installed since.
    pub fn of_this_program(workers: usize) -> io::Result<Self> {
        let running = PathBuf::from("/proc/self/exe");
        Ok(Self::new(if running.exists() { running } else { std::env::current_exe()? }, workers))
    }

    /// An inspector with another idea of how long an inspection may take.
    pub fn with_patience(program: PathBuf, workers: usize, patience: Duration) -> Self {
        Self(Arc::new(Pool::new(program, workers, patience, None)))
    }

    /// This inspector, looking for the rules of YARA that are among these rules. If it did not yet, its workers are new.
    #[must_use]
    pub fn searching(self, rules: &Rules) -> Self {
        if self.0.patterns.as_ref() == rules.patterns() {
            return self;
        }
        let Pool { program, workers, patience, .. } = &*self.0;
        Self(Arc::new(Pool::new(program.clone(), *workers, *patience, rules.patterns().cloned())))
    }

    /// Inspects an artifact of an ecosystem. Files that an earlier inspection has seen are not looked at again.
    ///
    /// The gap says why nothing is known of it at all; what is not known of parts of it is in the inspection.
    pub async fn inspect(
        &self,
        ecosystem: &str,
        file: &str,
        bytes: Bytes,
        earlier: Vec<Arc<Inspection>>,
    ) -> Result<Inspection, Gap> {
        let what = What::Artifact(Some(ecosystem.to_owned()), bytes.len());
        self.ask(file, what, vec![bytes], &earlier).await
    }

    /// Inspects an artifact of which nothing is known but its name and content.
    pub async fn inspect_any(
        &self,
        file: &str,
        bytes: Bytes,
        earlier: Vec<Arc<Inspection>>,
    ) -> Result<Inspection, Gap> {
        let what = What::Artifact(None, bytes.len());
        self.ask(file, what, vec![bytes], &earlier).await
    }

    /// Inspects a folder: its files with relative paths, and whether they are executable.
    pub async fn inspect_folder(
        &self,
        name: &str,
        files: Vec<(String, Bytes, bool)>,
        earlier: Vec<Arc<Inspection>>,
    ) -> Result<Inspection, Gap> {
        let entry = |(path, bytes, executable): (String, Bytes, bool)| ((path, bytes.len(), executable), bytes);
        let (entries, bytes) = files.into_iter().map(entry).unzip();
        self.ask(name, What::Folder(entries), bytes, &earlier).await
    }

    /// What this system cannot take away from workers, each as a sentence.
    pub async fn confinement(&self) -> Result<Vec<String>, Gap> {
        let gap = |failure: Failure| Gap::new(GapKind::Inspection, failure.into_words());
        let _place = self.place().await.map_err(gap)?;
        let worker = self.worker().await.map_err(gap)?;
        let gaps = worker.gaps.clone();
        self.put_back(worker);
        Ok(gaps)
    }

    async fn ask(
        &self,
        name: &str,
        what: What,
        bytes: Vec<Bytes>,
        earlier: &[Arc<Inspection>],
    ) -> Result<Inspection, Gap> {
        let shown: String = name.chars().take(MAX_NAME).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let size = bytes.iter().map(Bytes::len).fold(0, usize::saturating_add);
        if size > MAX_ARTIFACT {
            let detail = format!("`{shown}` has {size} bytes; more than {MAX_ARTIFACT} are not inspected");
            return Err(Gap::new(GapKind::Inspection, detail));
        }
        let answer = match self.asked(name, what, bytes, size, earlier) {
            Ok(asked) => self.answer(&asked).await,
            Err(error) => Err(Failure::Other(error.to_string())),
        };
        let words = |failure: Failure| format!("`{shown}` could not be inspected: {}", failure.into_words());
        answer.map_err(|failure| Gap::new(GapKind::Inspection, words(failure)))
    }

    fn asked(
        &self,
        name: &str,
        what: What,
        mut bytes: Vec<Bytes>,
        size: usize,
        earlier: &[Arc<Inspection>],
    ) -> io::Result<Asked> {
        let earlier = earlier.iter().map(|inspection| Ok(Bytes::from(serde_json::to_vec(inspection)?)));
        let earlier = earlier.collect::<io::Result<Vec<Bytes>>>()?;
        let more = Duration::from_secs(u64::try_from(size / BYTES_A_SECOND).unwrap_or(u64::MAX));
        let patience = self.0.patience.saturating_add(more);
        let lengths = earlier.iter().map(Bytes::len).collect();
        let request = Request { name: name.to_owned(), what, earlier: lengths, seconds: patience.as_secs() };
        let frame = frame::encode(&request)?;
        bytes.extend(earlier);
        Ok(Asked { name: request.name, frame, bytes, patience })
    }

    async fn answer(&self, asked: &Asked) -> Result<Inspection, Failure> {
        let _place = self.place().await?;
        let worker = self.worker().await?;
        let was_used = worker.requests > 0;
        match self.ask_one(worker, asked).await {
            // What ended it may be left over from what it read before.
            Err(Failure::Ended(why)) if was_used => {
                tracing::info!(why, name = asked.name, "a worker ended; another one tries");
                let worker = Worker::start(&self.0.program).await?;
                self.ask_one(worker, asked).await
            }
            answer => answer,
        }
    }

    /// A place at a worker, as soon as there is one.
    async fn place(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let full = |_| Failure::Other(format!("{MAX_WAITING} inspections are waiting already"));
        let _waiting = self.0.waiting.try_acquire().map_err(full)?;
        self.0.places.acquire().await.map_err(|error| Failure::Other(error.to_string()))
    }

    async fn worker(&self) -> Result<Worker, Failure> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(worker) => Ok(worker),
            None => Worker::start(&self.0.program).await,
        }
    }

    async fn ask_one(&self, mut worker: Worker, asked: &Asked) -> Result<Inspection, Failure> {
        // A worker that is given up, for whatever reason, is killed as it is dropped.
        let patterns = self.0.patterns.as_deref();
        let reply = match tokio::time::timeout(asked.patience, worker.ask(asked, patterns)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Err(Failure::Ended(worker.epitaph(&error).await)),
            Err(_) => {
                return Err(Failure::Other(format!("it took longer than {} seconds", asked.patience.as_secs())));
            }
        };
        self.put_back(worker);
        reply.map_err(Failure::Other)
    }

    fn put_back(&self, worker: Worker) {
        if worker.requests < MAX_REQUESTS {
            self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
    }
}

impl Failure {
    fn into_words(self) -> String {
        match self {
            Self::Ended(words) | Self::Other(words) => words,
        }
    }
}

/// A process that inspects.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    gaps: Vec<String>,
    requests: u32,
}

impl Worker {
    async fn start(program: &std::path::Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::Other(format!("the inspector could not be started: {why}"));
        let mut command = Command::from(stockade_sandbox::ourselves(program, &[WORKER]));
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| failed(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no streams".to_owned()));
        };
        let mut worker = Self { child, input, output, gaps: Vec::new(), requests: 0 };
        match tokio::time::timeout(START, frame::receive(&mut worker.output)).await {
            Ok(Ok(gaps)) => worker.gaps = gaps,
            Ok(Err(error)) => return Err(failed(worker.epitaph(&error).await)),
            Err(_) => return Err(failed(format!("it said nothing within {} seconds", START.as_secs()))),
        }
        Ok(worker)
    }

    async fn ask(&mut self, asked: &Asked, patterns: Option<&Patterns>) -> io::Result<Reply> {
        if self.requests == 0 {
            self.set_up(patterns).await?;
        }
        self.requests = self.requests.saturating_add(1);
        self.input.write_all(&asked.frame).await?;
        for bytes in &asked.bytes {
            self.input.write_all(bytes).await?;
        }
        self.input.flush().await?;
        frame::receive(&mut self.output).await
    }

    async fn set_up(&mut self, patterns: Option<&Patterns>) -> io::Result<()> {
        let announced = patterns.map(|patterns| (patterns.digest.clone(), patterns.compiled.len()));
        self.input.write_all(&frame::encode(&Setup { patterns: announced })?).await?;
        let compiled = patterns.map(|patterns| &*patterns.compiled).unwrap_or_default();
        self.input.write_all(compiled).await
    }

    /// Why it stopped talking.
    async fn epitaph(&mut self, error: &io::Error) -> String {
        let Ok(Ok(status)) = tokio::time::timeout(END, self.child.wait()).await else {
            return format!("the inspector said what it never says: {error}");
        };
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = tokio::time::timeout(END, stderr.take(LAST_WORDS).read_to_end(&mut words)).await;
        }
        epitaph(status, &String::from_utf8_lossy(&words))
    }
}

/// What a status and the last words mean.
fn epitaph(status: ExitStatus, words: &str) -> String {
    if words.contains("memory allocation of") {
        return "it takes more memory than an inspection may use".to_owned();
    }
    if words.contains("overflowed its stack") {
        return "it nests deeper than the inspector can follow".to_owned();
    }
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    match signal.map(|number| (number, name(number))) {
        Some((_, "SIGSYS")) => "the inspector did what it has no reason to do, and was stopped (SIGSYS); \
                                the file may be an attack on it"
            .to_owned(),
        Some((number, "")) => format!("the inspector was ended by signal {number}"),
        Some((_, name)) => format!("the inspector was ended by {name}"),
        None => {
            let line = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            let line: String = line.chars().filter(|c| !c.is_control()).take(MAX_REPEATED).collect();
            format!("the inspector ended ({status}): {line}")
        }
    }
}

/// The name of a signal that ends processes; the numbers are the same on every Unix that matters, but for a few.
#[cfg(unix)]
fn name(signal: i32) -> &'static str {
    use rustix::process::Signal;
    let names = [
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
        (Signal::SYS, "SIGSYS"),
    ];
    names.into_iter().find(|(known, _)| known.as_raw() == signal).map_or("", |(_, name)| name)
}

#[cfg(not(unix))]
fn name(_signal: i32) -> &'static str {
    ""
}

#[cfg(test)]
mod tests;
