//! Every rule is tested as it is written.
