//! The gateway over real sockets, between a fake registry that can fail in every way and a client that speaks plain HTTP.

mod artifacts;
mod faults;
mod human;
mod listings;
mod other_routes;
mod world;
