//! Everything that parses package formats we did not write; one folder per ecosystem.
