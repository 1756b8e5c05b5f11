//! Workers that misbehave: scripts in the place of the program.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// One at a time: a process that starts while another test writes its script keeps that from being run for a moment.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// An inspector whose workers are a script. What it prints first is to be a frame that says that nothing is missing.
async fn inspector(script: &str) -> (Kept, Inspector) {
    let turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker");
    write(&path, &format!("#!/bin/sh\nprintf '\\002\\000\\000\\000[]'\n{script}\n"));
    let inspector = Inspector::with_patience(path, 1, Duration::from_secs(1));
    (Kept { folder, _turn: turn }, inspector)
}

/// What has to be there until the test is over.
struct Kept {
    folder: TempDir,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

#[expect(clippy::disallowed_methods, reason = "the test writes a program")]
fn write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

async fn why(inspector: &Inspector) -> String {
    let gap = inspector.inspect("x", "a.tgz", Bytes::from_static(b"bytes"), Vec::new()).await.unwrap_err();
    assert_eq!(gap.kind, GapKind::Inspection);
    gap.detail.strip_prefix("`a.tgz` could not be inspected: ").unwrap().to_owned()
}

#[tokio::test]
async fn a_worker_that_ends_is_a_gap_that_says_how() {
    for (script, expected) in [
        ("kill -SEGV $$", "the inspector was ended by SIGSEGV"),
        (
            "kill -SYS $$",
            "the inspector did what it has no reason to do, and was stopped (SIGSYS); the file may be an attack on it",
        ),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "it takes more memory than an inspection may use",
        ),
        ("echo 'thread has overflowed its stack' >&2; kill -ABRT $$", "it nests deeper than the inspector can follow"),
        ("echo 'panicked at a.rs:7' >&2; exit 101", "the inspector ended (exit status: 101): panicked at a.rs:7"),
        ("exit 0", "the inspector ended (exit status: 0): it said nothing"),
    ] {
        let (_folder, inspector) = inspector(script).await;
        assert_eq!(why(&inspector).await, expected, "{script}");
    }
}

#[tokio::test]
async fn a_worker_that_never_answers_is_killed() {
    let (kept, inspector) = inspector("echo $$ > \"${0%/*}/pid\"; exec sleep 100").await;
    assert_eq!(why(&inspector).await, "it took longer than 1 seconds");
    let pid = pid(&kept.folder);
    for _ in 0..100 {
        if rustix::process::test_kill_process(pid).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is still there");
}

#[expect(clippy::disallowed_methods, reason = "the test reads what its script wrote")]
fn pid(folder: &TempDir) -> rustix::process::Pid {
    let text = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    rustix::process::Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn what_a_worker_says_has_a_limit_and_must_be_an_inspection() {
    for script in ["printf '\\377\\377\\377\\377'; exec sleep 100", "printf '\\002\\000\\000\\000{}'; exec sleep 100"] {
        let (_folder, inspector) = inspector(script).await;
        let inspector = Inspector::with_patience(inspector.0.program.clone(), 1, Duration::from_secs(30));
        assert!(why(&inspector).await.starts_with("the inspector said what it never says: "));
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_gap() {
    let inspector = Inspector::new(PathBuf::from("/nowhere/stockade"), 1);
    assert!(why(&inspector).await.starts_with("the inspector could not be started: "));
    assert!(inspector.confinement().await.is_err());
}

#[tokio::test]
async fn too_much_is_not_even_sent() {
    let (_folder, inspector) = inspector("exit 0").await;
    let bytes = Bytes::from(vec![0; MAX_ARTIFACT + 1]);
    let gap = inspector.inspect("x", "a\n.tgz", bytes, Vec::new()).await.unwrap_err();
    assert_eq!(
        gap.detail,
        format!("`a .tgz` has {} bytes; more than {MAX_ARTIFACT} are not inspected", MAX_ARTIFACT + 1)
    );
}

#[tokio::test]
async fn an_idle_worker_that_has_gone_is_replaced() {
    // The first one answers once and ends; the second one tells by its signal that it was asked.
    let reply = serde_json::to_string(&Reply::Ok(Inspection::default())).unwrap();
    let length = reply.len().to_le_bytes();
    let length = format!("\\{:03o}\\{:03o}\\000\\000", length[0], length[1]);
    let script = format!(
        "if mkdir \"${{0%/*}}/used\" 2>/dev/null; then head -c 1 > /dev/null; printf '{length}'; printf '%s' '{reply}'; exit 0; fi; kill -TERM $$"
    );
    let (_folder, inspector) = inspector(&script).await;
    let first = inspector.inspect("x", "a.tgz", Bytes::new(), Vec::new()).await;
    assert_eq!(first, Ok(Inspection::default()));
    assert_eq!(why(&inspector).await, "the inspector was ended by SIGTERM");
}
