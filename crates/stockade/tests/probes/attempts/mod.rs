//! The attacks, by family. The first of each family (F1…, W1…) are those that were measured against other sandboxes.

mod client;
mod environment;
mod files;
mod kernel;
mod network;
mod processes;
mod programs;
pub(crate) mod races;
mod sockets;
mod writes;

use crate::probe::Probe;

/// All probes, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Probe> {
    [
        files::PROBES,
        writes::PROBES,
        processes::PROBES,
        kernel::PROBES,
        programs::PROBES,
        network::PROBES,
        sockets::PROBES,
        environment::PROBES,
        client::PROBES,
        races::PROBES,
    ]
    .into_iter()
    .flatten()
}
