//! What a repository declares.

use std::fs;

use kubectl_fluxlayers::model::At;
use kubectl_fluxlayers::repo::{InputError, read_repository};

use crate::support::{ks, manifest, warnings};

#[test]
fn a_repository_declares_objects_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let text = |name: &str| {
        format!(
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}}}\nspec:\n  dependsOn:\n  - name: infra\n"
        )
    };
    write("clusters/home/kustomization.yaml", "namespace: flux-system\nresources: [apps.yaml]\n");
    write("clusters/home/apps.yaml", &text("apps"));
    write("clusters/edge/apps.yaml", &text("edge"));
    write(".hidden/x.yaml", &text("hidden"));
    write(".git/x.yaml", &text("git"));
    write("ignored/x.yaml", &text("ignored"));
    write(".gitignore", "/ignored\n");
    write("chart/Chart.yaml", "name: chart\n");
    write("chart/templates/x.yaml", "{{- if .Values.x }}\n");
    write("other.json", "{ // a comment\n}");
    write("broken.yaml", "x: [\n");
    let snapshot = read_repository(folder.path(), None).unwrap();
    let names: Vec<_> = snapshot.nodes.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["Kustomization/edge", "Kustomization/hidden", "Kustomization/flux-system/apps"]);
    let apps = &snapshot.nodes[&ks("flux-system", "apps")];
    let at = |line| Some(At { path: "clusters/home/apps.yaml".into(), line });
    assert_eq!((&apps.declared_at, &apps.depends_on[0].at, apps.live), (&at(2), &at(7), false));
    assert_eq!(apps.depends_on[0].key, ks("flux-system", "infra"));
    assert_eq!((snapshot.now, snapshot.complete), (jiff::Timestamp::UNIX_EPOCH, false));
    assert_eq!(warnings(&snapshot)[1], "InputBroken: broken.yaml:1:4: unclosed bracket '['");
    assert_eq!(snapshot.label, format!("repository {}", folder.path().display()));

    let narrowed = read_repository(folder.path(), Some("./clusters/edge/")).unwrap();
    assert_eq!(narrowed.nodes.keys().map(ToString::to_string).collect::<Vec<_>>(), ["Kustomization/edge"]);
    for path in ["..", "clusters/../../x", "/etc"] {
        let error = read_repository(folder.path(), Some(path)).unwrap_err();
        assert!(matches!(error, InputError::OutsideRepository { .. }), "{path}");
    }
    assert!(matches!(read_repository(folder.path(), Some("absent")), Err(InputError::NotFound { .. })));
    let file = folder.path().join("broken.yaml");
    assert!(matches!(read_repository(&file, None), Err(InputError::NotAFolder { .. })));
}

#[cfg(unix)]
#[test]
fn links_of_a_repository_are_not_followed() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), manifest("a", "outside").to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.yaml"), manifest("a", "inside").to_string()).unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink(outside.path().join("x.yaml"), folder.path().join("y.yaml")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    let snapshot = read_repository(folder.path(), None).unwrap();
    assert_eq!(snapshot.nodes.keys().map(ToString::to_string).collect::<Vec<_>>(), ["Kustomization/a/inside"]);
    assert!(warnings(&snapshot).contains(&"InputSkipped: 3 symbolic links are not followed".to_owned()));
    let error = read_repository(folder.path(), Some("out")).unwrap_err();
    assert!(matches!(error, InputError::OutsideRepository { .. }));
}
