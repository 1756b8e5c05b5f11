//! Which files of the package a module is.

use std::collections::HashMap;

use crate::ir::Language;

/// The module at the root of a crate, from where a path of Rust may begin.
pub(super) const CRATE: &str = "crate";

/// The files that a module is.
pub(super) fn resolve(files: &HashMap<&str, u32>, from: &str, language: Option<Language>, module: &str) -> Vec<u32> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let first = |candidates: &[String]| candidates.iter().find_map(|path| files.get(&**path)).copied();
    match language {
        // A module of Python has no slash in its name: what has one is a script that is run.
        Some(Language::Python) if !module.contains('/') => python(files, folder, module),
        Some(Language::Jvm) => {
            files.get(&*format!("{}.class", module.replace('.', "/"))).copied().into_iter().collect()
        }
        Some(Language::Rust) => {
            let name = module.trim_start_matches("./");
            let own = from.strip_suffix(".rs").unwrap_or(from);
            let candidates = [
                join(folder, &format!("{name}.rs")),
                join(folder, &format!("{name}/mod.rs")),
                format!("{own}/{name}.rs"),
            ];
            first(&candidates).into_iter().collect()
        }
        _ if module.starts_with('.') || module.starts_with('/') => {
            let is_there = |base: &Option<String>| base.as_deref().is_some_and(|path| files.contains_key(path));
            let beside = normal(&join(folder, module));
            // A program is found from the folder that a build runs in, which is the package's.
            let at_root = (language != Some(Language::JavaScript)).then(|| normal(module)).flatten();
            let Some(base) = Some(at_root).filter(is_there).unwrap_or(beside) else { return Vec::new() };
            let endings = [
                "",
                ".js",
                ".mjs",
                ".cjs",
                ".ts",
                ".tsx",
                ".jsx",
                ".json",
                ".node",
                ".py",
                ".sh",
                "/index.js",
                "/index.mjs",
                "/index.cjs",
                "/index.ts",
            ];
            let mut candidates: Vec<String> = endings.iter().map(|ending| format!("{base}{ending}")).collect();
            if let Some(stem) = base.strip_suffix(".js") {
                candidates.push(format!("{stem}.ts"));
                candidates.push(format!("{stem}.tsx"));
            }
            first(&candidates).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn python(files: &HashMap<&str, u32>, folder: &str, module: &str) -> Vec<u32> {
    let dots = module.len() - module.trim_start_matches('.').len();
    let rest = module[dots..].replace('.', "/");
    let roots: Vec<String> = if dots > 0 {
        let mut base = folder;
        for _ in 1..dots {
            base = base.rsplit_once('/').map_or("", |(outer, _)| outer);
        }
        vec![base.to_owned()]
    } else {
        vec![String::new(), "src".to_owned(), "lib".to_owned(), folder.to_owned()]
    };
    let mut found = Vec::new();
    for root in roots {
        let base = join(&root, &rest);
        let candidates = [format!("{base}.py"), format!("{base}/__init__.py")];
        let at = candidates.iter().find_map(|path| files.get(path.trim_start_matches('/'))).copied();
        if let Some(at) = at {
            found.push(at);
            break;
        }
    }
    found
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.starts_with('/') {
        name.trim_start_matches('/').to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A path without `.` and `..`; `None` if it leaves the package.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The file of the longest module that a path of Rust begins with, and the rest of it. Where the root of the crate is, is
/// not known: it is a folder around the file.
pub(super) fn below_root<'n>(files: &HashMap<&str, u32>, from: &str, name: &'n str) -> Option<(u32, &'n str)> {
    let ends = name.char_indices().rev().filter(|(_, c)| *c == '.').map(|(at, _)| at);
    ends.into_iter().find_map(|end| {
        let module = name[..end].replace('.', "/");
        let mut folder = from;
        std::iter::from_fn(|| {
            let (outer, _) = folder.rsplit_once('/').or_else(|| (!folder.is_empty()).then_some(("", "")))?;
            folder = outer;
            Some(outer)
        })
        .find_map(|folder| {
            let base = join(folder, &module);
            [format!("{base}.rs"), format!("{base}/mod.rs")].iter().find_map(|path| files.get(&**path).copied())
        })
        .map(|file| (file, &name[end + 1..]))
    })
}
