//! Images of containers: an OCI layout, as a folder or as one file, and what `docker save` writes.
//!
//! The layers are read one after the other, as a runtime unpacks them: what a later one deletes or replaces is not in the
//! image. Nothing is unpacked to disk, and of each file that does not name releases only the head is looked at. What the
//! image's own system installed (`dpkg`, `apk`, `rpm`) is not read, and that is said.

mod layer;
mod merged;
mod store;

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::Seen;
use layer::Layer;
use merged::Merged;
use store::Store;

/// How many images of one archive are looked at, one for each platform and name.
const MAX_IMAGES: usize = 64;
/// How many layers an image may have. Runtimes take 127.
const MAX_LAYERS: usize = 1000;
/// How many lists of images may lead to each other.
const MAX_LISTS: usize = 3;
/// Where a layout has its list.
const INDEX: &str = "index.json";
/// Where `docker save` has its list.
const MANIFEST: &str = "manifest.json";
/// The file that says that a folder is a layout.
pub(super) const LAYOUT: &str = "oci-layout";

/// What an index or a manifest of OCI has, whichever it is.
#[derive(Deserialize, Default)]
struct Document {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize, Clone)]
struct Platform {
    os: String,
    architecture: String,
}

/// An image of `docker save`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// An image: what it is called beside others, and its layers from the lowest.
struct Image {
    name: String,
    layers: Vec<String>,
}

/// Whether a file is called as archives of images are.
pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar"))
}

/// Adds what the images of an archive, or of a layout, are made of.
pub(super) fn see(path: &Path, seen: &mut Seen) {
    if let Err(error) = images(path, seen) {
        seen.unseen.push(format!("{}: {error:#}", path.display()));
    }
}

fn images(path: &Path, seen: &mut Seen) -> anyhow::Result<()> {
    let mut store = Store::open(path)?;
    seen.unseen.extend(store.gaps().map(|gap| format!("{}: {gap}", path.display())));
    let mut images = Vec::new();
    if let Some(bytes) = store.small(MANIFEST)? {
        let saved: Vec<Saved> =
            serde_json::from_slice(&bytes).with_context(|| format!("`{MANIFEST}` cannot be read"))?;
        images.extend(saved.into_iter().map(|image| Image {
            name: image.repo_tags.and_then(|tags| tags.into_iter().next()).unwrap_or_default(),
            layers: image.layers,
        }));
    } else if store.has(INDEX) {
        listed(&mut store, INDEX, "", 0, &mut images)?;
    } else {
        anyhow::bail!("it is no image: it has neither `{MANIFEST}` nor `{INDEX}`");
    }
    ensure!(!images.is_empty(), "it has no image in it");
    ensure!(images.len() <= MAX_IMAGES, "it has {} images, and {MAX_IMAGES} are looked at", images.len());
    let several = images.len() > 1;
    for image in &images {
        let name = if several { format!("{}[{}]", path.display(), image.name) } else { path.display().to_string() };
        if let Err(error) = layers(&mut store, image, &name, seen) {
            seen.unseen.push(format!("{name}: {error:#}"));
        }
    }
    Ok(())
}

/// The images of a list, and of the lists in it.
fn listed(store: &mut Store, list: &str, name: &str, depth: usize, images: &mut Vec<Image>) -> anyhow::Result<()> {
    ensure!(depth < MAX_LISTS, "its lists of images lead to each other");
    let bytes = store.small(list)?.with_context(|| format!("`{list}` is not in it"))?;
    let document: Document = serde_json::from_slice(&bytes).with_context(|| format!("`{list}` cannot be read"))?;
    for descriptor in &document.manifests {
        // Statements about an image lie beside it as if they were one.
        if descriptor.annotations.contains_key("vnd.docker.reference.type") {
            continue;
        }
        let title = descriptor.annotations.get("org.opencontainers.image.ref.name").map_or(name, String::as_str);
        let name = match &descriptor.platform {
            Some(Platform { os, architecture }) => format!("{title} {os}/{architecture}").trim().to_owned(),
            None => title.to_owned(),
        };
        ensure!(images.len() <= MAX_IMAGES, "it has more than {MAX_IMAGES} images");
        listed(store, &blob(&descriptor.digest)?, &name, depth + 1, images)?;
    }
    if document.manifests.is_empty() {
        let layers = document.layers.iter().map(|layer| {
            let is_layer = layer.media_type.is_empty() || layer.media_type.contains("tar");
            ensure!(is_layer, "a layer is of the type `{}`, which is not known", layer.media_type.escape_debug());
            blob(&layer.digest)
        });
        images.push(Image { name: name.to_owned(), layers: layers.collect::<anyhow::Result<_>>()? });
    }
    Ok(())
}

/// The path of a blob. A digest is digits, or it would lead anywhere.
fn blob(digest: &str) -> anyhow::Result<String> {
    let fine = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let parts = digest.split_once(':').filter(|(algorithm, digits)| fine(algorithm) && fine(digits));
    let (algorithm, digits) = parts.with_context(|| format!("`{}` is no digest", digest.escape_debug()))?;
    Ok(format!("blobs/{algorithm}/{digits}"))
}

fn layers(store: &mut Store, image: &Image, name: &str, seen: &mut Seen) -> anyhow::Result<()> {
    ensure!(image.layers.len() <= MAX_LAYERS, "it has {} layers, and {MAX_LAYERS} are looked at", image.layers.len());
    let mut merged = Merged::default();
    for (layer, number) in image.layers.iter().zip(1..) {
        let place = format!("layer {number}");
        let Some((reader, size)) = store.content(layer)? else {
            seen.unseen.push(format!("{name}: {place} is not in it, and was not looked at"));
            continue;
        };
        let read = Layer::new(name, size).read(reader, &mut merged);
        seen.unseen.extend(read.into_iter().map(|gap| format!("{name}: {place}: {gap}")));
    }
    merged.finish(name, seen);
    Ok(())
}

/// Something that is read.
type Reader<'a> = Box<dyn Read + 'a>;

#[cfg(test)]
mod tests;
