//! Maven: the repositories of Java artifacts.
//!
//! How code of a release gets to run. A jar is put on a path and runs nothing when it is fetched. But being on the path
//! is enough for some of it: an annotation processor named in `META-INF/services` runs inside the compiler, a plugin of
//! a build tool runs in the build, and an agent runs before `main`. Other services run when a library looks for an
//! implementation; a class's initialiser when the class is first used.

mod archive;
mod name;
mod version;

use stockade_model::EcosystemId;

pub use archive::JAR;
pub use name::parse as parse_name;
pub use version::Comparable;

const ID: EcosystemId = EcosystemId::new("maven");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/build.toml"), include_str!("profiles/java.toml")];
