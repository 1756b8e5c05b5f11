//! pip's configuration file, an INI: pointed at the gateway, pointed back, and shown without what is secret.

/// Stands in front of a line that `setup` put away, before lines that it wrote, and after one to which it gave an end.
const PUT_AWAY: &str = "# stockade setup put away: ";
const WRITTEN: &str = "# stockade setup wrote the next line";
const ENDED: &str = "# stockade setup ended the line before";

/// The section whose settings are for all commands.
const GLOBAL: &str = "[global]";
/// Settings that name where packages come from, in any section.
const SOURCES: [&str; 5] = ["index-url", "pypi-url", "extra-index-url", "find-links", "no-index"];

/// Lines keep their own ends, and a last line without one is remembered, so that undoing gives back every byte. pip refuses a
/// file in which a section or a key is there twice, so that ours goes into the section that is there, as far from the margin
/// as what follows, which would else go on with ours.
pub(super) fn point(text: &str, index: &str) -> String {
    let text = unpoint(text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::new();
    let (mut is_placed, mut is_away, mut setting) = (false, false, None);
    for (at, line) in lines.iter().enumerate() {
        let goes_on = is_aside(line) || setting.is_some_and(|margin| indent(line).len() > margin);
        if !goes_on {
            let is_section = line.trim_start().starts_with('[');
            setting = (!is_section).then(|| indent(line).len());
            is_away = !is_section && names_source(line);
        }
        if is_away && !line.trim().is_empty() {
            out.push_str(PUT_AWAY);
        }
        out.push_str(line);
        if !is_placed && !goes_on && line.trim() == GLOBAL {
            let next = lines[at + 1..].iter().find(|line| !is_aside(line));
            end_last_line(&mut out);
            out.push_str(&written(next.map_or("", |next| indent(next)), index));
            is_placed = true;
        }
    }
    if !is_placed {
        end_last_line(&mut out);
        out.extend([WRITTEN, "\n", GLOBAL, "\n", &written("", index)]);
    }
    out
}

fn written(margin: &str, index: &str) -> String {
    format!("{WRITTEN}\n{margin}index-url = {index}\n")
}

fn end_last_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.extend(["\n", ENDED, "\n"]);
    }
}

/// True for blank lines and comments, which end no setting.
fn is_aside(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(['#', ';'])
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// True for a line that begins one of [`SOURCES`], in the spellings that pip takes for one.
fn names_source(line: &str) -> bool {
    let Some(key) = key(line.trim_start()) else { return false };
    let key = key.to_ascii_lowercase().replace('_', "-");
    SOURCES.contains(&key.trim_start_matches('-'))
}

/// The key of a setting that begins in this line.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(['=', ':'])?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    Some(key.trim_end()).filter(|key| !key.is_empty() && key.chars().all(is_key))
}

pub(super) fn unpoint(text: &str) -> String {
    let (mut out, mut ended) = (String::new(), None);
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        match line.trim_end() {
            WRITTEN => drop(lines.next()),
            ENDED => ended = Some(out.len()),
            _ => out.push_str(line.strip_prefix(PUT_AWAY).unwrap_or(line)),
        }
    }
    // Where something was added after it since, the line needs its end.
    if ended == Some(out.len()) {
        out.pop();
    }
    out
}

/// Of an INI, its sections and those settings in which no address has a name in it. Of anything else, a `netrc` above all,
/// nothing.
pub(super) fn without_secrets(text: &str) -> String {
    let names_somebody = |line: &str| {
        let mut addresses = line.split("://").skip(1);
        addresses.any(|rest| rest.split(['/', ' ', '?', '#']).next().unwrap_or_default().contains('@'))
    };
    let (mut out, mut is_kept) = (String::new(), false);
    for line in text.lines() {
        let goes_on = line.starts_with([' ', '\t']);
        let is_section = line.starts_with('[') && line.trim_end().ends_with(']');
        is_kept = if goes_on { is_kept } else { is_section || key(line).is_some() };
        if is_kept && !names_somebody(line) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
