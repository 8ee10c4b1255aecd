use super::*;
use crate::model::{HelmReleaseSpec, InventoryEntry, KustomizationSpec};
use crate::testing::{NS, hr, key, ks, snapshot};

fn object(kind: GroupKind, namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new(kind, namespace, name)
}

/// A Kustomization that prunes what it holds.
fn holds(name: &str, entries: &[&ObjectKey]) -> Node {
    let mut node = ks(name);
    node.spec = Spec::Kustomization(KustomizationSpec { prune: true, ..KustomizationSpec::default() });
    with_inventory(node, entries)
}

fn with_inventory(mut node: Node, entries: &[&ObjectKey]) -> Node {
    let entry = |key: &&ObjectKey| InventoryEntry { key: (*key).clone(), version: "v1".to_owned() };
    node.status.inventory = Some(entries.iter().map(entry).collect());
    node
}

fn of(mut node: Node, applier: &str) -> Node {
    node.meta.labels = owned_by(applier).labels;
    node
}

fn owned_by(applier: &str) -> Meta {
    let label = |field: &str, value: &str| (format!("kustomize.toolkit.fluxcd.io/{field}"), value.to_owned());
    Meta { labels: [label("name", applier), label("namespace", NS)].into(), ..Meta::default() }
}

fn told(snapshot: &Snapshot, name: &str) -> (String, String) {
    let found = deletes(snapshot, &key(name));
    let going = found.objects.iter().map(|(key, going)| format!("{} {}", key.name, going.reason.as_str()));
    let staying = found.keeps.iter().map(|(key, (why, _))| format!("{} {}", key.name, why.as_str()));
    (going.collect::<Vec<_>>().join(", "), staying.collect::<Vec<_>>().join(", "))
}

fn pair(going: &str, staying: &str) -> (String, String) {
    (going.to_owned(), staying.to_owned())
}

#[test]
fn children_take_their_own_inventories_with_them_and_never_the_target() {
    let map = object(GroupKind::CONFIG_MAP, "apps", "settings");
    let flux = snapshot([
        holds("root", &[&key("root"), &key("child")]),
        of(holds("child", &[&map, &key("root")]), "root"),
    ]);
    assert_eq!(told(&flux, "root"), pair("settings inventory, child inventory", ""));
}

#[test]
fn only_what_prunes_takes_anything_with_it() {
    let map = object(GroupKind::CONFIG_MAP, "apps", "settings");
    let policy = |prune: bool, policy: Option<&str>, suspended: bool| {
        let mut node = holds("a", &[&map]);
        let deletion_policy = policy.map(str::to_owned);
        node.spec =
            Spec::Kustomization(KustomizationSpec { prune, deletion_policy, ..KustomizationSpec::default() });
        node.suspended = suspended;
        told(&snapshot([node]), "a")
    };
    let (goes, stays) = (pair("settings inventory", ""), pair("", "settings notPruned"));
    for (prune, named, suspended, expected) in [
        (true, None, false, &goes),
        (false, None, false, &stays),
        (true, Some("MirrorPrune"), false, &goes),
        (false, Some("MirrorPrune"), false, &stays),
        (false, Some("Delete"), false, &goes),
        (false, Some("WaitForTermination"), false, &goes),
        (true, Some("Orphan"), false, &stays),
        (true, Some("Delete"), true, &pair("", "settings suspended")),
    ] {
        assert_eq!(&policy(prune, named, suspended), expected, "{prune} {named:?} {suspended}");
    }
}

#[test]
fn what_is_excepted_or_of_another_owner_stays() {
    let [plain, kept, moved, unseen] =
        ["plain", "kept", "moved", "unseen"].map(|name| object(GroupKind::SERVICE, "apps", name));
    let mut flux = snapshot([holds("a", &[&plain, &kept, &moved, &unseen])]);
    flux.evidence.others.insert(plain, owned_by("a"));
    let mut excepted = owned_by("a");
    excepted.annotations.insert("kustomize.toolkit.fluxcd.io/prune".to_owned(), "disabled".to_owned());
    flux.evidence.others.insert(kept, excepted);
    flux.evidence.others.insert(moved, owned_by("b"));
    assert_eq!(told(&flux, "a"), pair("plain inventory, unseen inventory", "kept excepted, moved otherOwner"));
}

#[test]
fn a_namespace_takes_all_that_is_in_it_with_it_and_what_that_applies_elsewhere() {
    let namespace = object(GroupKind::NAMESPACE, "", "tenant");
    let inside = ObjectKey::kustomization("tenant", "inside");
    let [other, far] =
        [("tenant", "other"), ("far", "far")].map(|(ns, name)| object(GroupKind::CONFIG_MAP, ns, name));
    let mut tenant = holds("inside", &[&far]);
    tenant.key = inside.clone();
    let keeper = holds("keeper", &[&other]);
    let flux = snapshot([holds("a", &[&namespace]), tenant, keeper]);
    assert_eq!(told(&flux, "a").0, "far inventory, other namespace, tenant inventory, inside namespace");
    let notes: Vec<String> = deletes(&flux, &key("a")).notes.into_iter().map(|note| note.text).collect();
    assert_eq!(
        notes,
        [
            "1 of these are in the inventory of Kustomization/flux-system/keeper too, which stays and applies them again",
        ]
    );
}

#[test]
fn a_definition_takes_the_objects_of_its_kind_with_it() {
    let definition = object(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "policies.example.com");
    let policy = object(GroupKind::new("example.com", "Policy"), "apps", "p");
    let alike = object(GroupKind::new("example.org", "Policy"), "apps", "q");
    let flux = snapshot([holds("crds", &[&definition]), holds("apps", &[&policy, &alike])]);
    assert_eq!(told(&flux, "crds").0, "policies.example.com inventory, p customResourceDefinition");
    for (kind, plural) in [
        ("Gateway", "gateways"),
        ("Ingress", "ingresses"),
        ("HelmRepository", "helmrepositories"),
        ("Bucket", "buckets"),
    ] {
        assert_eq!(plural_of(kind), plural);
    }
}

#[test]
fn helm_uninstalls_what_it_holds_with_its_chart_but_not_the_definitions_of_a_chart() {
    let [map, kept] = ["map", "kept"].map(|name| object(GroupKind::CONFIG_MAP, "apps", name));
    let definition = object(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "policies.example.com");
    let mut release = with_inventory(hr("web"), &[&map, &kept, &definition]);
    release.spec =
        Spec::HelmRelease(HelmReleaseSpec { chart: Some("web".to_owned()), ..HelmReleaseSpec::default() });
    let release = of(release, "a");
    let chart = release.source.clone().unwrap();
    let mut flux = snapshot([holds("a", &[&release.key]), release]);
    flux.sources.insert(chart.clone(), crate::model::Source { key: chart, ..crate::testing::source() });
    let keep = [("helm.sh/resource-policy".to_owned(), "keep".to_owned())];
    flux.evidence.others.insert(kept, Meta { annotations: keep.into(), ..Meta::default() });
    assert_eq!(
        told(&flux, "a"),
        pair(
            "map uninstall, web inventory, flux-system-web uninstall",
            "kept excepted, policies.example.com chartDefinition"
        )
    );
}

#[test]
fn a_chain_of_ten_thousand_needs_no_deep_stack() {
    let name = |number: usize| format!("n{number:05}");
    let nodes = (0..10_000).map(|number| {
        let node = holds(&name(number), &[&key(&name(number + 1))]);
        if number == 0 { node } else { of(node, &name(number - 1)) }
    });
    assert_eq!(deletes(&snapshot(nodes), &key(&name(0))).objects.len(), 10_000);
}
