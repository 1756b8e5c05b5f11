//! What a jar runs and needs, as its manifest, its services and its build description say.

use stockade_model::{Code, NeedFrom, NeedRole, Trigger};

use super::ID;
use crate::archive::{ArtifactFormat, Element, Files, Likeness, Manifest, Root, extension, find_line, lossy, xml};

/// A jar.
pub static JAR: ArtifactFormat = ArtifactFormat {
    name: "jar",
    ecosystem: ID,
    extensions: &[".jar", ".war", ".ear", ".aar", ".pom"],
    root: Root::Nothing,
    likeness,
    read,
    release: None,
};

const MANIFEST: &str = "META-INF/MANIFEST.MF";
const SERVICES: &str = "META-INF/services/";
/// Members of the manifest that name a class, and when it runs.
const CLASSES: [(&str, Trigger); 5] = [
    ("Launcher-Agent-Class", Trigger::Start),
    ("Premain-Class", Trigger::Start),
    ("Agent-Class", Trigger::Start),
    ("Main-Class", Trigger::Command),
    ("Start-Class", Trigger::Command),
];
/// Services of compilers: being on their path is enough.
const OF_COMPILERS: [&str; 5] = [
    "javax.annotation.processing.Processor",
    "com.sun.source.util.Plugin",
    "org.codehaus.groovy.transform.ASTTransformation",
    "org.jetbrains.kotlin.compiler.plugin.CompilerPluginRegistrar",
    "com.google.devtools.ksp.processing.SymbolProcessorProvider",
];
/// Descriptions of plugins and extensions of Maven, and where classes stand in them.
const PLUGINS: [(&str, &str); 3] = [
    ("META-INF/maven/plugin.xml", "/implementation"),
    ("META-INF/plexus/components.xml", "/implementation"),
    ("META-INF/maven/extension.xml", "/implementation"),
];
const GRADLE: &str = "META-INF/gradle-plugins/";
/// Where classes lie in archives that are programs.
const FOLDERS: [&str; 3] = ["", "BOOT-INF/classes/", "WEB-INF/classes/"];

fn likeness(files: &Files<'_>) -> Likeness {
    Likeness::of(files.paths().any(|path| is_class(path) || is_description(path)), files.has(MANIFEST))
}

fn is_class(path: &str) -> bool {
    extension(path) == "class"
}

fn is_description(path: &str) -> bool {
    (path.starts_with("META-INF/maven/") && path.ends_with("/pom.xml"))
        || (extension(path) == "pom" && !path.contains('/'))
}

fn read(files: &Files<'_>, manifest: &mut Manifest) {
    if let Some(text) = files.text(MANIFEST, manifest) {
        main(files, &text, manifest);
    }
    for member in files.members {
        let path = member.path.as_str();
        if let Some(service) = path.strip_prefix(SERVICES) {
            if let Some(text) = lossy(&member.bytes) {
                services(files, path, service, &text, manifest);
            }
        } else if path.starts_with(GRADLE) {
            let text = lossy(&member.bytes).unwrap_or_default();
            let class = text.lines().find_map(|line| line.trim().strip_prefix("implementation-class"));
            if let Some(class) = class.map(|class| class.trim_start_matches([' ', '=', ':']).trim()) {
                let line = find_line(&text, |line| line.contains("implementation-class"));
                self::class(files, Trigger::Install, "gradle plugin", class, path, line, manifest);
            }
        } else if let Some(text) = Some(path).filter(|path| is_description(path)).and_then(|_| lossy(&member.bytes)) {
            needs(&text, manifest);
        }
    }
    for (path, end) in PLUGINS {
        let Some(text) = files.text(path, manifest) else { continue };
        for element in xml(&text).iter().filter(|element| element.path.ends_with(end)) {
            class(files, Trigger::Install, "maven plugin", &element.text, path, element.line, manifest);
        }
    }
}

/// The manifest's first section. A line that begins with a blank goes on with the one before.
fn main(files: &Files<'_>, text: &str, manifest: &mut Manifest) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace("\n ", "");
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let known = CLASSES.iter().find(|(name, _)| key.trim().eq_ignore_ascii_case(name));
        if let Some((name, trigger)) = known {
            class(files, *trigger, name, value.trim(), MANIFEST, find_line(&text, |other| other == line), manifest);
        }
    }
}

fn services(files: &Files<'_>, path: &str, service: &str, text: &str, manifest: &mut Manifest) {
    let trigger = if OF_COMPILERS.contains(&service) { Trigger::Install } else { Trigger::Import };
    for (line, number) in text.lines().zip(1_u32..) {
        let name = line.split('#').next().unwrap_or_default().trim();
        if !name.is_empty() {
            class(files, trigger, &format!("service {service}"), name, path, number, manifest);
        }
    }
}

/// Adds the file of a class, if the jar has it.
fn class(files: &Files<'_>, trigger: Trigger, name: &str, class: &str, path: &str, line: u32, manifest: &mut Manifest) {
    let class = class.replace('.', "/");
    let mut places = FOLDERS.iter().map(|folder| format!("{folder}{class}.class"));
    if let Some(file) = places.find(|file| files.has(file)) {
        manifest.start(trigger, name, Code::File(file), path, line);
    }
}

/// The dependencies of a build description, not those that it only manages or that a plugin has.
fn needs(text: &str, manifest: &mut Manifest) {
    const DEPENDENCY: &str = "project/dependencies/dependency";
    let mut fields: Vec<Element> = Vec::new();
    for element in xml(text) {
        if element.path == DEPENDENCY {
            need(&fields, manifest);
            fields.clear();
        } else if element.path.starts_with(DEPENDENCY) && element.path.matches('/').count() == 3 {
            fields.push(element);
        }
    }
}

fn need(fields: &[Element], manifest: &mut Manifest) {
    let field = |name: &str| {
        let is = |element: &&Element| element.path.rsplit('/').next() == Some(name);
        fields.iter().find(is).map(|element| element.text.as_str())
    };
    let (Some(group), Some(artifact)) = (field("groupId"), field("artifactId")) else { return };
    let role = match (field("scope"), field("optional")) {
        (Some("test" | "provided" | "import"), _) => return,
        (_, Some("true")) => NeedRole::Optional,
        _ => NeedRole::Run,
    };
    let name = format!("{group}:{artifact}");
    match field("systemPath") {
        Some(path) => manifest.need(&name, path, NeedFrom::Path, role),
        None => manifest.need(&name, field("version").unwrap_or_default(), NeedFrom::Registry, role),
    }
}

#[cfg(test)]
mod tests;
