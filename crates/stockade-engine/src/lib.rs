//! Gathers evidence, keeps gaps, asks the policy, remembers.
