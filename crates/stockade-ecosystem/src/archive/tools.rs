//! Commands that editors, coding agents and build services take from files of a folder that somebody opens in them.
//!
//! No install runs them. But a package that is cloned, or opened to be read, brings them along, and attacks have been
//! seen to write such files into packages and repositories to be run by whoever looks next.

use serde_json::Value;
use stockade_model::{Code, Trigger};

use super::format::{Files, Manifest};
use super::text::{extension, find_line, lossy};

/// Files in which a coding agent's hooks stand as JSON.
const AGENTS: &[&str] = &[
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".cursor/hooks.json",
    ".gemini/settings.json",
    ".mcp.json",
    ".codex/hooks.json",
    ".cursor/mcp.json",
    ".vscode/mcp.json",
    ".devcontainer/devcontainer.json",
    ".devcontainer.json",
];
const TASKS: &str = ".vscode/tasks.json";
/// How deep a value of JSON is searched.
const MAX_DEPTH: usize = 16;

pub(super) fn read(files: &Files<'_>, manifest: &mut Manifest) {
    for member in files.members {
        let Some(text) = is_read(&member.path).then(|| lossy(&member.bytes)).flatten() else { continue };
        let path = member.path.as_str();
        if ends_with(path, TASKS) {
            tasks(path, &text, manifest);
        } else if AGENTS.iter().any(|agent| ends_with(path, agent)) {
            hooks(path, &text, manifest);
        } else {
            workflow(path, &text, manifest);
        }
    }
}

fn is_read(path: &str) -> bool {
    ends_with(path, TASKS) || AGENTS.iter().any(|agent| ends_with(path, agent)) || is_workflow(path)
}

fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

fn is_workflow(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return path == ".gitlab-ci.yml" };
    matches!(extension(name), "yml" | "yaml")
        && (ends_with(folder, ".github/workflows") || folder.contains(".github/actions"))
}

/// Tasks that run when the folder is opened.
fn tasks(path: &str, text: &str, manifest: &mut Manifest) {
    let Some(Value::Object(document)) = json(text) else { return };
    let tasks = document.get("tasks").and_then(Value::as_array);
    for task in tasks.into_iter().flatten() {
        if task.pointer("/runOptions/runOn").and_then(Value::as_str) != Some("folderOpen") {
            continue;
        }
        for system in [Some(task), task.get("windows"), task.get("osx"), task.get("linux")].into_iter().flatten() {
            if let Some(command) = command(system) {
                manifest.start(Trigger::Command, "editor task", Code::Shell(command.clone()), path, line(text, system));
            }
        }
    }
}

/// Every command in a document of an agent.
fn hooks(path: &str, text: &str, manifest: &mut Manifest) {
    let Some(document) = json(text) else { return };
    let mut found = Vec::new();
    search(&document, MAX_DEPTH, &mut found);
    for (command, line) in found.into_iter().map(|(value, command)| (command, line(text, value))) {
        manifest.start(Trigger::Command, "agent hook", Code::Shell(command), path, line);
    }
}

fn search<'a>(value: &'a Value, depth: usize, found: &mut Vec<(&'a Value, String)>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(members) => {
            found.extend(command(value).map(|command| (value, command)));
            for (key, member) in members {
                let is_command = key.ends_with("Command") || key == "initializeCommand";
                found.extend(member.as_str().filter(|_| is_command).map(|command| (member, command.to_owned())));
                search(member, depth, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| search(item, depth, found)),
        _ => {}
    }
}

/// `command` with its `args`, as a line.
fn command(value: &Value) -> Option<String> {
    let command = value.get("command")?.as_str()?;
    let arguments = value.get("args").and_then(Value::as_array);
    let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
    Some(std::iter::once(command).chain(arguments).collect::<Vec<_>>().join(" "))
}

fn line(text: &str, value: &Value) -> u32 {
    let command = value.as_str().or_else(|| value.get("command").and_then(Value::as_str)).unwrap_or_default();
    let written = serde_json::to_string(command).unwrap_or_default();
    find_line(text, |line| line.contains(&written))
}

/// JSON as editors read it, with comments.
fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_comments(text)).ok())
}

/// Comments become blanks, and so does a comma before a closing bracket.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if in_string => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            '"' => in_string = !in_string,
            '/' if !in_string && rest.peek() == Some(&'/') => {
                while rest.next_if(|&c| c != '\n').is_some() {}
                continue;
            }
            '/' if !in_string && rest.next_if_eq(&'*').is_some() => {
                let mut last = ' ';
                while let Some(c) = rest.next().filter(|&c| !(last == '*' && c == '/')) {
                    last = c;
                }
                continue;
            }
            '}' | ']' if !in_string => {
                let kept = out.trim_end().strip_suffix(',').map(str::len);
                out.truncate(kept.unwrap_or(out.len()));
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The commands of a workflow: what stands behind `run:` on its line, or in the deeper lines below it.
/// Nobody who installs the package runs them.
fn workflow(path: &str, text: &str, manifest: &mut Manifest) {
    let mut lines = text.lines().zip(1_u32..).peekable();
    while let Some((line, number)) = lines.next() {
        let content = line.trim_start().trim_start_matches("- ").trim_start();
        let Some(value) = content.strip_prefix("run:").or_else(|| content.strip_prefix("script:")) else { continue };
        let indent = line.len().saturating_sub(content.len());
        let value = value.trim();
        let mut command = String::new();
        if value.is_empty() || value.starts_with(['|', '>']) {
            let deeper = |line: &str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
            while let Some((line, _)) = lines.next_if(|(line, _)| deeper(line)) {
                command.push_str(line.trim());
                command.push('\n');
            }
        } else {
            command.push_str(value.trim_matches(['"', '\'']));
        }
        if !command.trim().is_empty() {
            manifest.start(Trigger::Never, "workflow", Code::Shell(command.trim_end().to_owned()), path, number);
        }
    }
}
