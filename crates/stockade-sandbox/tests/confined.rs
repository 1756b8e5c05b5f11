//! What a confined process can do and what it cannot, tried by real processes: this program starts itself.

#![expect(clippy::print_stdout, reason = "a test without a harness says what it tried")]
#![expect(clippy::disallowed_methods, reason = "it tries what is forbidden")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

#[cfg(unix)]
use std::io::{Read as _, Write as _};

/// Small, so that it is reached fast.
#[cfg(unix)]
const LIMITS: stockade_sandbox::Limits = stockade_sandbox::Limits { heap: 256 << 20, stacks: 16 << 20 };

#[cfg(unix)]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("try") => attempt(&arguments[2]),
        _ => check_all(),
    }
}

#[cfg(not(unix))]
fn main() {
    println!("skipped: nothing is confined on this system");
}

/// Confines this process, says what is missing, then tries something and says how it ended.
#[cfg(unix)]
fn attempt(what: &str) {
    let thread = || {
        let (send, receive) = std::sync::mpsc::channel::<Box<dyn FnOnce() -> String + Send>>();
        let (answer, answers) = std::sync::mpsc::channel();
        let work = move || receive.into_iter().for_each(|job| drop(answer.send(job())));
        std::thread::Builder::new().stack_size(8 << 20).spawn(work)?;
        Ok((send, answers))
    };
    let ((jobs, answers), confined) = stockade_sandbox::confine_worker(&LIMITS, thread).unwrap();
    println!("{}", confined.gaps.len());
    std::io::stdout().flush().unwrap();
    let what = what.to_owned();
    // On another thread than the one that was confined.
    jobs.send(Box::new(move || tried(&what))).unwrap();
    println!("{}", answers.recv().unwrap());
}

#[cfg(unix)]
fn tried(what: &str) -> String {
    let ended = match what {
        "compute" => return compute(),
        "wait" => return std::io::stdin().read(&mut [0]).unwrap().to_string(),
        "panic" => return format!("{}", std::panic::catch_unwind(|| panic!("on purpose")).is_err()),
        "memory" => return vec![1_u8; 300 << 20].len().to_string(),
        "read" => std::fs::read("/etc/passwd").map(drop),
        "list" => std::fs::read_dir("/").map(drop),
        "write" => std::fs::write("/tmp/stockade-was-here", "x"),
        "socket" => std::net::UdpSocket::bind("127.0.0.1:0").map(drop),
        "program" => std::process::Command::new("/bin/true").status().map(drop),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(drop),
        other => return format!("unknown: {other}"),
    };
    format!("{ended:?}")
}

/// What parsers do: maps with random keys, memory that grows and shrinks, clocks.
#[cfg(unix)]
fn compute() -> String {
    let mut words = std::collections::HashMap::new();
    for number in 0..200_000_u64 {
        words.entry(number % 1000).or_insert_with(Vec::new).push(number.to_string());
    }
    let started = std::time::Instant::now();
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert!(started.elapsed().as_micros() > 0);
    let large = vec![7_u8; 128 << 20];
    words.retain(|number, _| number % 2 == 0);
    format!("{} {}", words.len(), large.iter().map(|byte| u64::from(*byte)).sum::<u64>())
}

#[cfg(unix)]
fn check_all() {
    let full = outcome("compute").0.starts_with("0\n");
    check("compute", |out, _| out.ends_with(&format!("\n500 {}\n", 7 * (128 << 20))));
    check("panic", |out, _| out.ends_with("\ntrue\n"));
    check("memory", |out, signal| signal == Some(libc::SIGABRT) && out.lines().count() == 1);
    if full {
        for what in ["read", "list", "write"] {
            check(what, |out, _| out.contains("PermissionDenied"));
        }
        for what in ["socket", "program", "thread"] {
            check(what, |out, signal| signal == Some(libc::SIGSYS) && out.lines().count() == 1);
        }
    } else {
        println!("skipped: this kernel cannot take files, network and programs away");
    }
    assert!(!std::path::Path::new("/tmp/stockade-was-here").exists());
    descriptors_are_closed();
    println!("confined: all attempts ended as they should");
}

#[cfg(unix)]
fn check(what: &str, fine: impl Fn(&str, Option<i32>) -> bool) {
    let (out, signal) = outcome(what);
    assert!(fine(&out, signal), "{what}: signal {signal:?}, said {out:?}");
}

#[cfg(unix)]
fn outcome(what: &str) -> (String, Option<i32>) {
    let mut child = command(what).spawn().unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    (String::from_utf8_lossy(&output.stdout).into_owned(), signal)
}

#[cfg(unix)]
fn command(what: &str) -> std::process::Command {
    stockade_sandbox::ourselves(&std::env::current_exe().unwrap(), &["try", what])
}

/// A pipe that a child would hold open ends while the child lives on.
#[cfg(target_os = "linux")]
fn descriptors_are_closed() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let passed_on = rustix::io::dup(&writer).unwrap();
    let mut child = command("wait").spawn().unwrap();
    drop((writer, passed_on));
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nobody holds the pipe open");
    assert!(child.try_wait().unwrap().is_none(), "the child is there");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[cfg(all(unix, not(target_os = "linux")))]
fn descriptors_are_closed() {}
