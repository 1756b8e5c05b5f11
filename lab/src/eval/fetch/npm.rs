//! `npm pack`: the file as it was published, with no script run.

use std::process::Command;

use super::{Order, place, release, succeeds};

/// Packs the releases of one package at once, and one by one if one of them is refused.
pub(super) fn fetch(order: &Order<'_>) -> anyhow::Result<()> {
    for package in &order.missing {
        if !pack(order, package.name, &package.versions)? && package.versions.len() > 1 {
            for version in &package.versions {
                if !release(&order.folder, package.name, version).exists() {
                    pack(order, package.name, &[version])?;
                }
            }
        }
    }
    Ok(())
}

fn pack(order: &Order<'_>, name: &str, versions: &[&str]) -> anyhow::Result<bool> {
    let out = tempfile::tempdir_in(&order.scratch)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--prefer-offline", "--cache"]).arg(order.scratch.join("cache"));
    npm.arg("--pack-destination").arg(out.path()).current_dir(out.path());
    npm.args(versions.iter().map(|version| format!("{name}@{version}")));
    let all = succeeds(&mut npm, &format!("{name} {}", versions.join(" ")))?;
    for version in versions {
        let file = out.path().join(file(name, version));
        if file.exists() {
            place(&file, &release(&order.folder, name, version))?;
        }
    }
    Ok(all)
}

/// How `npm pack` names its file.
fn file(name: &str, version: &str) -> String {
    format!("{}-{version}.tgz", name.trim_start_matches('@').replace('/', "-"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_scope_is_a_part_of_the_file_name() {
        assert_eq!(super::file("@babel/core", "8.0.0"), "babel-core-8.0.0.tgz");
    }
}
