//! Fake registries on loopback, a package builder, a clock, snapshot filters.
