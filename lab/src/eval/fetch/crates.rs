//! `cargo info`: it downloads the crate to show what is in it, and nothing is built. The cache is one of our own, so that
//! the user's stays as it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Order, release, succeeds};

pub(super) fn fetch(order: &Order<'_>) -> anyhow::Result<()> {
    let home = order.scratch.join("home");
    let empty = order.scratch.join("empty");
    for folder in [&home, &empty] {
        std::fs::create_dir_all(folder)?;
    }
    inherit(&home)?;
    for package in &order.missing {
        for version in &package.versions {
            let mut cargo = Command::new("cargo");
            cargo.args(["info", &format!("{}@{version}", package.name)]).env("CARGO_HOME", &home).current_dir(&empty);
            if succeeds(&mut cargo, &format!("{} {version}", package.name))? {
                keep(
                    &home,
                    &format!("{}-{version}.crate", package.name),
                    &release(&order.folder, package.name, version),
                )?;
            }
        }
    }
    Ok(())
}

/// Takes over what the user's Cargo is told of registries and of the network.
fn inherit(home: &Path) -> anyhow::Result<()> {
    let user = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let user = user.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let settings = user.map(|user| user.join("config.toml")).filter(|settings| settings.exists());
    if let Some(settings) = settings {
        std::fs::copy(&settings, home.join("config.toml")).context("Cargo's settings cannot be copied")?;
    }
    Ok(())
}

/// Copies a crate out of the cache, whichever registry it came from, and drops what Cargo unpacked.
fn keep(home: &Path, file: &str, folder: &Path) -> anyhow::Result<()> {
    for registry in std::fs::read_dir(home.join("registry").join("cache"))? {
        let cached = registry?.path().join(file);
        if cached.exists() {
            super::place(&cached, folder)?;
        }
    }
    let unpacked = home.join("registry").join("src");
    if unpacked.exists() {
        std::fs::remove_dir_all(&unpacked).with_context(|| format!("`{}` cannot be removed", unpacked.display()))?;
    }
    Ok(())
}
