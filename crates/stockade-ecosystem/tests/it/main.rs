//! What holds for every request and every document, however it was made.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod arborist;
mod damaged;
mod lockfiles;
mod packuments;
mod pages;
mod publications;
mod routes;
