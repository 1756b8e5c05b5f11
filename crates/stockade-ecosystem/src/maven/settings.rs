//! Maven's `settings.xml`: where it says that packages come from, and how it is written so that they come from us.
//!
//! Maven gives every repository to the first mirror that is *exactly* for its name, and else to the first whose pattern
//! covers it, those of the user's file before those of the installation's. So it is not enough to add a mirror for
//! everything: the user's own are put away, and ours is there for the central repository by its name too. Maven asks
//! its proxies for what is on this machine as well, and they cannot reach it: where we are on it, they are put away.

#[cfg(test)]
mod tests;

use std::ops::Range;

use url::{Host, Url};

use super::elements;
use crate::archive::{Element, xml};

/// What is read of a file with settings.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Where packages come from in place of a repository.
    pub(super) mirrors: Vec<Mirror>,
    /// Who we are, for a mirror or a repository, by its name.
    pub(super) servers: Vec<Server>,
    /// The repositories of profiles that are always active.
    pub(super) repositories: Vec<Repository>,
}

#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) id: String,
    pub(super) of: String,
    pub(super) url: String,
    pub(super) blocked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) password: String,
    /// An `Authorization` header that is sent as it is.
    pub(super) header: Option<String>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Repository {
    pub(super) id: String,
    pub(super) url: String,
}

impl Settings {
    /// Reads a file, as far as it can be read.
    pub(super) fn of(text: &str) -> Self {
        let mut settings = Self::default();
        let mut profiles: Vec<(String, bool, Vec<Repository>)> = Vec::new();
        let mut active: Vec<String> = Vec::new();
        let mut fields: Vec<Element> = Vec::new();
        let (mut headers, mut repositories) = (Vec::new(), Vec::new());
        for element in xml(text) {
            match element.path.as_str() {
                "settings/mirrors/mirror" => settings.mirrors.push(mirror(&inside(&element, &mut fields))),
                "settings/servers/server/configuration/httpHeaders/property" => {
                    headers.push(inside(&element, &mut fields));
                }
                "settings/servers/server" => {
                    settings.servers.push(server(&inside(&element, &mut fields), std::mem::take(&mut headers)));
                }
                "settings/profiles/profile/repositories/repository" => {
                    let fields = inside(&element, &mut fields);
                    let field = |name| field(&fields, name);
                    repositories.push(Repository { id: field("repository/id"), url: field("repository/url") });
                }
                "settings/profiles/profile" => {
                    let fields = inside(&element, &mut fields);
                    let by_default = field(&fields, "activation/activeByDefault") == "true";
                    profiles.push((field(&fields, "profile/id"), by_default, std::mem::take(&mut repositories)));
                }
                "settings/activeProfiles/activeProfile" => active.push(element.text),
                _ => fields.push(element),
            }
        }
        let is_active = |(id, by_default, _): &(String, bool, Vec<Repository>)| *by_default || active.contains(id);
        settings.repositories = profiles.into_iter().filter(is_active).flat_map(|(_, _, found)| found).collect();
        settings
    }

    /// The mirror for a repository.
    pub(super) fn mirror_of(&self, repository: &Repository) -> Option<&Mirror> {
        let exact = self.mirrors.iter().find(|mirror| mirror.of == repository.id);
        exact.or_else(|| self.mirrors.iter().find(|mirror| covers(&mirror.of, repository)))
    }
}

/// Takes out what lies in an element.
fn inside(element: &Element, fields: &mut Vec<Element>) -> Vec<Element> {
    let is_inside = |field: &Element| field.path.strip_prefix(&element.path).is_some_and(|rest| rest.starts_with('/'));
    let from = fields.iter().rposition(|field| !is_inside(field)).map_or(0, |before| before + 1);
    fields.split_off(from)
}

fn field(fields: &[Element], end: &str) -> String {
    let is = |element: &&Element| element.path.strip_suffix(end).is_some_and(|before| before.ends_with('/'));
    fields.iter().rev().find(is).map(|element| element.text.clone()).unwrap_or_default()
}

fn mirror(fields: &[Element]) -> Mirror {
    let field = |name| field(fields, name);
    let blocked = field("mirror/blocked") == "true";
    Mirror { id: field("mirror/id"), of: field("mirror/mirrorOf"), url: field("mirror/url"), blocked }
}

fn server(fields: &[Element], headers: Vec<Vec<Element>>) -> Server {
    let is_ours = |header: &Vec<Element>| field(header, "property/name").eq_ignore_ascii_case("Authorization");
    let header = headers.into_iter().find(is_ours).map(|header| field(&header, "property/value"));
    let field = |name| field(fields, name);
    Server { id: field("server/id"), user: field("server/username"), password: field("server/password"), header }
}

/// Whether a mirror's pattern covers a repository: `*`, `external:*`, `external:http:*`, `one,two`, `*,!three`.
fn covers(pattern: &str, repository: &Repository) -> bool {
    let external = ["://localhost", "://127.0.0.1"].iter().all(|local| !repository.url.contains(local))
        && !repository.url.starts_with("file:");
    let mut covered = false;
    for part in pattern.split(',').map(str::trim) {
        if part.strip_prefix('!') == Some(&repository.id) {
            return false;
        }
        if part == repository.id {
            return true;
        }
        covered |= match part {
            "*" => true,
            "external:*" => external,
            "external:http:*" => external && repository.url.starts_with("http:"),
            _ => false,
        };
    }
    covered
}

/// Around what was written, and before and behind what was put away.
const WRITTEN: (&str, &str) = ("<!-- stockade setup wrote this: -->", "<!-- stockade setup: until here -->");
const PUT_AWAY: (&str, &str) = ("<!-- stockade setup put away: ", " :stockade setup -->");

const ROOT: &str = "settings";
const MIRRORS: &str = "settings/mirrors";
const SERVERS: &str = "settings/servers";
const PROXIES: &str = "settings/proxies";

/// The text with us as the only mirror. What was there is kept in a comment, so that undoing gives back every byte. Maven
/// names the run, if there is one, in its `User-Agent`.
pub(super) fn point(text: &str, base: &str, agent: Option<&str>) -> String {
    let text = unpoint(text);
    let mirror = |id: &str, of: &str| {
        format!("<mirror><id>{id}</id><mirrorOf>{of}</mirrorOf><url>{}/</url></mirror>", escaped(base))
    };
    let mirrors = OURS.map(|(id, of)| mirror(id, of)).concat();
    let server = |(id, _)| {
        let header =
            |agent: &str| format!("<property><name>User-Agent</name><value>{}</value></property>", escaped(agent));
        let headers = format!("<configuration><httpHeaders>{}</httpHeaders></configuration>", header(agent?));
        Some(format!("<server><id>{id}</id>{headers}</server>"))
    };
    let servers: String = OURS.into_iter().filter_map(server).collect();
    added(&text, &mirrors, &servers, is_here(base)).unwrap_or_else(|| {
        // Nothing, or nothing that Maven could read.
        let servers = if servers.is_empty() { servers } else { format!("<servers>{servers}</servers>") };
        format!("{}{}", written(&format!("<settings><mirrors>{mirrors}</mirrors>{servers}</settings>")), away(&text))
    })
}

/// True for an address on this machine.
fn is_here(base: &str) -> bool {
    let base = Url::parse(base).ok();
    match base.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The text with these mirrors in place of its own, and these servers beside its own.
fn added(text: &str, mirrors: &str, servers: &str, without_proxies: bool) -> Option<String> {
    let found = elements::read(text, &[ROOT, MIRRORS, SERVERS, PROXIES]).ok()?;
    let count = |path| found.iter().filter(|found| found.path == path).count();
    if count(ROOT) != 1 || [MIRRORS, SERVERS, PROXIES].into_iter().any(|path| count(path) > 1) {
        return None;
    }
    let place = |path| found.iter().find(|found| found.path == path).map(elements::Element::range);
    let end = inner_end(text, place(ROOT)?, "</settings>")?;
    let mut edits = vec![match place(MIRRORS) {
        Some(old) => {
            (old.clone(), format!("{}{}", away(text.get(old)?), written(&format!("<mirrors>{mirrors}</mirrors>"))))
        }
        None => (end..end, written(&format!("<mirrors>{mirrors}</mirrors>"))),
    }];
    match place(SERVERS) {
        _ if servers.is_empty() => {}
        Some(old) => {
            let end = inner_end(text, old, "</servers>")?;
            edits.push((end..end, written(servers)));
        }
        None => edits.push((end..end, written(&format!("<servers>{servers}</servers>")))),
    }
    if let Some(old) = place(PROXIES).filter(|_| without_proxies) {
        edits.push((old.clone(), away(text.get(old)?)));
    }
    edits.sort_by_key(|(place, _)| place.start);
    let (mut out, mut at) = (String::new(), 0);
    for (place, new) in edits {
        out.push_str(text.get(at..place.start)?);
        out.push_str(&new);
        at = place.end;
    }
    Some(out + text.get(at..)?)
}

/// Where an element's content ends.
fn inner_end(text: &str, place: Range<usize>, close: &str) -> Option<usize> {
    text.get(..place.end)?.strip_suffix(close).map(str::len)
}

/// What a sandboxed build may see: without servers, proxies, properties, comments and addresses with a password.
pub(super) fn without_secrets(text: &str) -> String {
    const SECRET: &[&str] = &[
        SERVERS,
        PROXIES,
        "settings/profiles/profile/properties",
        "settings/mirrors/mirror/url",
        "settings/profiles/profile/repositories/repository/url",
        "settings/profiles/profile/pluginRepositories/pluginRepository/url",
    ];
    let text = without_comments(text);
    let Ok(found) = elements::read(&text, SECRET) else { return String::new() };
    let is_secret = |found: &&elements::Element| !found.path.ends_with("/url") || found.text.contains('@');
    let mut cuts: Vec<Range<usize>> = found.iter().filter(is_secret).map(elements::Element::range).collect();
    cuts.sort_by_key(|cut| cut.start);
    let (mut out, mut at) = (String::new(), 0);
    for cut in cuts {
        out.push_str(text.get(at..cut.start).unwrap_or_default());
        at = at.max(cut.end);
    }
    out + text.get(at..).unwrap_or_default()
}

fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("<!--") {
        out.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    out + rest
}

/// The name of the repository that every build has.
pub(super) const CENTRAL: &str = "central";
/// The names of our mirrors, and what each is for. Maven notes the names in the user's folder of packages.
const OURS: [(&str, &str); 2] = [("stockade-central", CENTRAL), ("stockade", "*")];

fn written(text: &str) -> String {
    format!("{}{text}{}", WRITTEN.0, WRITTEN.1)
}

/// A comment may not have two hyphens in a row.
fn away(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let hidden = text.replace('%', "%25").replace("--", "-%2D").replace("--", "-%2D");
    format!("{}{hidden}{}", PUT_AWAY.0, PUT_AWAY.1)
}

/// Takes out what was written and puts back what was put away.
pub(super) fn unpoint(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let next = [WRITTEN, PUT_AWAY].into_iter().filter_map(|marks| Some((rest.find(marks.0)?, marks)));
        let Some((start, (open, close))) = next.min_by_key(|(start, _)| *start) else { break };
        let inside = rest.get(start + open.len()..).unwrap_or_default();
        let Some((inside, after)) = inside.split_once(close) else { break };
        out.push_str(rest.get(..start).unwrap_or_default());
        if open == PUT_AWAY.0 {
            out.push_str(&inside.replace("%2D", "-").replace("%25", "%"));
        }
        rest = after;
    }
    out + rest
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
