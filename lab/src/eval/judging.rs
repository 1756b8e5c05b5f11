//! Judges the cases of a corpus, as many at a time as there are threads, and goes on where a stopped run was.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::anyhow;

use super::cases::{Case, Reader};
use super::store::{Store, digest_of};
use super::subject::{Outcome, Subject};
use super::worker;

/// Threads, each with an inspector of its own.
const THREADS: usize = 2;
/// Cases between two words of progress.
const PROGRESS: usize = 500;

/// A case and what came out.
pub(crate) struct Judged {
    pub(crate) case: Case,
    pub(crate) outcome: Outcome,
}

/// Judges every case, or takes what an earlier run of the same inspector found.
pub(crate) fn judge_all(cases: &[Case], store: &Store<Outcome>) -> anyhow::Result<Vec<Judged>> {
    let outcomes = in_threads(cases, |reader, case| judge(reader, case, store))?;
    let judged = cases.iter().zip(outcomes).map(|(case, outcome)| Judged { case: case.clone(), outcome });
    Ok(judged.collect())
}

fn judge(reader: &mut Reader, case: &Case, store: &Store<Outcome>) -> anyhow::Result<Outcome> {
    let new = reader.read(&case.new)?;
    let old = case.old.as_ref().map(|old| reader.read(old)).transpose()?;
    let key = key(&new, old.as_ref());
    if let Some(outcome) = store.get(&key) {
        return Ok(outcome);
    }
    let outcome = worker::judge(&new, old.as_ref())?;
    store.put(&key, &outcome)?;
    Ok(outcome)
}

/// The digest of all that an inspector is told.
fn key(new: &Subject, old: Option<&Subject>) -> String {
    let subjects = [Some(new), old].into_iter().flatten();
    let parts = subjects.flat_map(|subject| {
        let Subject { ecosystem, name, version, file, bytes } = subject;
        [ecosystem.as_bytes(), name.as_bytes(), version.as_bytes(), file.as_bytes(), bytes.as_slice()]
    });
    digest_of(&parts.collect::<Vec<_>>())
}

/// What `work` makes of every case, in the order of the cases. The first error ends it.
pub(crate) fn in_threads<T: Send>(
    cases: &[Case],
    work: impl Fn(&mut Reader, &Case) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done: Mutex<Vec<Option<T>>> = Mutex::new(cases.iter().map(|_| None).collect());
    let thread = || -> anyhow::Result<()> {
        let mut reader = Reader::default();
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { break };
            let result = work(&mut reader, case).inspect_err(|_| stop.store(true, Ordering::Relaxed));
            let result = result.map_err(|error| error.context(case.words()))?;
            let mut done = done.lock().map_err(|_| anyhow!("the other thread panicked"))?;
            if let Some(place) = done.get_mut(index) {
                *place = Some(result);
            }
            if index % PROGRESS == PROGRESS - 1 {
                println!("  {} of {}", index + 1, cases.len());
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(thread)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    let done = done.into_inner().map_err(|_| anyhow!("a thread panicked"))?;
    done.into_iter().collect::<Option<Vec<T>>>().ok_or_else(|| anyhow!("a case was left out"))
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Piece, Place};
    use super::*;

    fn cases(count: usize) -> Vec<Case> {
        let piece = |number: usize| Piece {
            ecosystem: "npm",
            name: number.to_string(),
            version: "1".to_owned(),
            file: "a.tgz".to_owned(),
            place: Place::File(std::path::PathBuf::new()),
        };
        (0..count).map(|number| Case { new: piece(number), old: None }).collect()
    }

    #[test]
    fn results_are_in_the_order_of_the_cases() {
        let names = in_threads(&cases(100), |_, case| Ok(case.new.name.clone())).unwrap();
        assert_eq!(names, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_it_and_says_of_what() {
        let error = in_threads(&cases(100), |_, case| match case.new.name.as_str() {
            "7" => Err(anyhow!("no")),
            _ => Ok(()),
        });
        assert_eq!(format!("{:#}", error.unwrap_err()), "npm 7 1 (a.tgz): no");
    }

    #[test]
    fn a_key_has_everything_that_an_inspector_is_told() {
        let subject = |version: &str, bytes: &[u8]| Subject {
            ecosystem: "npm",
            name: "a".to_owned(),
            version: version.to_owned(),
            file: "a.tgz".to_owned(),
            bytes: bytes.to_vec(),
        };
        let (one, two) = (subject("1", b"x"), subject("2", b"x"));
        assert_ne!(key(&one, None), key(&two, None));
        assert_ne!(key(&two, None), key(&two, Some(&one)));
        assert_ne!(key(&one, None), key(&subject("1", b"y"), None));
    }
}
