//! Evidence in, ruling out; the only mint of a clearance.
