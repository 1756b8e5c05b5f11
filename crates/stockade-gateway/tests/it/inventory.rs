//! What projects have, uploaded and asked for over HTTP.

use serde_json::{Value, json};

use crate::hosting::{send, token};
use crate::world::World;

fn bill(version: &str) -> String {
    let purl = format!("pkg:npm/left-demo@{version}");
    let part = json!({"type": "library", "bom-ref": purl, "name": "left-demo", "version": version, "purl": purl});
    let subject = json!({"type": "application", "bom-ref": "root", "name": "web"});
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": subject},
        "components": [part], "dependencies": [{"ref": "root", "dependsOn": [purl]}],
    })
    .to_string()
}

#[test]
fn machines_upload_what_projects_have_and_who_may_read_asks_who_has_it() {
    let world = World::new();
    let (reporter, reader) = (token(&world, 1, &["report"]), token(&world, 2, &["read"]));
    let upload = |project: &str, body: &str| {
        send(&world, "POST", &format!("/api/v1/inventory?project={project}"), Some(&reporter), body)
    };
    let recorded = upload("web%20shop", &bill("1.0.9"));
    assert_eq!((recorded.status, &recorded.json()["came"]), (201, &json!(1)), "{}", recorded.text());
    let ask = |query: &str| send(&world, "GET", &format!("/api/v1/inventory{query}"), Some(&reader), "");
    let answer = ask("?affected=pkg:npm/left-demo").json();
    let hits: Vec<[&Value; 4]> = answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| [&hit["project"], &hit["purl"], &hit["now"], &hit["places"][0]["path"]])
        .collect();
    let purl = json!("pkg:npm/left-demo@1.0.9");
    assert_eq!(hits, [[&json!("web shop"), &purl, &json!(true), &json!(["left-demo@1.0.9"])]], "{answer:#}");
    assert_eq!(answer["coverage"]["projects"], 1);
    let projects = ask("").json();
    assert_eq!((projects.as_array().unwrap().len(), &projects[0]["name"]), (1, &json!("web shop")), "{projects:#}");
    assert_eq!(ask("?affected=MAL-2026-404").status, 404);
    for wrong in ["?affected=pkg:", "?affected=sha256:1", "?affected=pkg:npm/a&project=web"] {
        assert_eq!(ask(wrong).status, 400, "{wrong}");
    }
    for (project, body) in [("", bill("1.0.9")), ("web", "{}".to_owned()), ("web", "[".to_owned())] {
        assert_eq!(upload(project, &body).status, 400, "{project} {body}");
    }
}

#[test]
fn nobody_without_a_token_learns_what_projects_have_or_says_it() {
    let world = World::new();
    let (reporter, reader) = (token(&world, 1, &["report"]), token(&world, 2, &["read"]));
    for path in ["/api/v1/inventory", "/api/v1/inventory?affected=pkg:npm/left-demo", "/api/v1/malware"] {
        assert_eq!(send(&world, "GET", path, None, "").status, 401, "{path}");
        assert_eq!(send(&world, "GET", path, Some(&reader), "").status, 200, "{path}");
    }
    for token in [None, Some(&reader)] {
        assert_eq!(send(&world, "POST", "/api/v1/inventory?project=web", token, &bill("1.0.9")).status, 401);
    }
    assert_eq!(send(&world, "POST", "/api/v1/inventory?project=web", Some(&reporter), &bill("1.0.9")).status, 201);
}
