//! One fault is one cause, however many objects it hits.

use anyhow::{Result, ensure};

use super::steps::{all_named, cause, config_map};
use crate::harness::{Bench, PASSWORD, Scene, USER};

const NAMESPACE: &str = "one";

/// A decryption Secret is deleted under nine Kustomizations, a kind of four is not served, a namespace of three does not
/// exist, the login of one source of three is gone.
pub(crate) fn one(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, NAMESPACE)?;
    let sealed: Vec<String> = (1..=9).map(|at| format!("sealed-{at}")).collect();
    let widgets: Vec<String> = (1..=4).map(|at| format!("widget-{at}")).collect();
    let abroad: Vec<String> = (1..=3).map(|at| format!("abroad-{at}")).collect();
    let private: Vec<String> = (1..=3).map(|at| format!("private-{at}")).collect();
    for name in sealed.iter().chain(&private) {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map(NAMESPACE, name))?;
    }
    for name in &abroad {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("one-nowhere", name))?;
    }
    for name in &widgets {
        let widget =
            format!("{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: {name}, namespace: one}}}}");
        scene.repository.write(&format!("{name}/widget.yaml"), &widget)?;
    }
    scene.publish()?;
    scene.apply("{apiVersion: v1, kind: Secret, metadata: {name: sops-age}}")?;
    scene.apply(&format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: login}}, stringData: {{username: {USER}, password: {PASSWORD}}}}}"
    ))?;
    let kustomization = |name: &str, spec: &str| {
        scene.apply(&format!("{{kind: Kustomization, metadata: {{name: {name}}}, spec: {spec}}}"))
    };
    for name in &sealed {
        kustomization(name, "{decryption: {provider: sops, secretRef: {name: sops-age}}}")?;
    }
    for name in &sealed {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.api.delete(&scene.own("Secret/sops-age"))?;
    scene.api.delete(&scene.own("Secret/login"))?;
    scene.apply(
        "{kind: GitRepository, metadata: {name: private}, spec: {url: $(private), secretRef: {name: login}}}",
    )?;
    for name in &sealed {
        scene.poke(&format!("Kustomization/{name}"))?;
    }
    for name in widgets.iter().chain(&abroad) {
        kustomization(name, "{}")?;
    }
    for name in &private {
        kustomization(name, "{sourceRef: {kind: GitRepository, name: private}}")?;
    }
    let words = [
        (&sealed, "secrets \"sops-age\" not found"),
        (&widgets, "no matches for kind \"Widget\""),
        (&abroad, "namespaces \"one-nowhere\" not found"),
        (&private, "Source artifact not found"),
    ];
    for (names, words) in words {
        for name in names {
            scene.await_message(&format!("Kustomization/{name}"), words)?;
        }
    }
    scene.await_message("GitRepository/private", "secrets \"login\" not found")?;
    scene.matches("one")?;
    let all = scene.status()?.json()?;
    let hits = [
        ("Secret/one/sops-age", "SopsSecretNotFound", None, &sealed),
        ("CustomResourceDefinition//Widget.example.com", "CrdMissing", None, &widgets),
        ("Namespace//one-nowhere", "NamespaceNotFound", None, &abroad),
        ("GitRepository/one/private", "SourceNotReady", Some("SecretNotFound"), &private),
    ];
    for (object, code, subcode, names) in hits {
        let expected: Vec<String> = names.iter().map(|name| format!("Kustomization/one/{name}")).collect();
        let found = all_named(&cause(&all, object, code, subcode)?["affected"]);
        ensure!(found == expected, "{object}: affected {found:?}");
    }
    Ok(())
}
