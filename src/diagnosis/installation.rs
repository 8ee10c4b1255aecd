//! What is installed: the version of Flux, its controllers, and those of their flags that change what things mean.

use std::time::Duration;

use crate::model::{
    CONTROLLER_FLAGS, GroupKind, ObjectKey, OriginKind, Presence, Snapshot, Workload, parse_duration,
};

/// Spelt out in every installation, and no news.
const IS_THE_RULE: [&str; 1] = ["watch-all-namespaces=true"];

/// One controller of Flux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its Deployment.
    pub key: ObjectKey,
    /// Tag of its image.
    pub version: Option<String>,
    /// Pods that are wanted.
    pub wanted: i64,
    /// Pods that are available.
    pub available: i64,
    /// Those of its flags that change what things mean, as written, ordered.
    pub flags: Vec<String>,
}

/// The installation of Flux, as far as it is in sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Version of Flux: of the FluxReport, else the label on its CRDs, else that on its Deployments.
    pub version: Option<String>,
    /// Controllers, by namespace and name.
    pub controllers: Vec<Controller>,
    /// Deployments of controllers that are proven to be absent although there is something for them to do.
    pub absent: Vec<ObjectKey>,
    /// Whether anything of Flux is there.
    pub presence: Presence,
    /// Whether all of it could be read.
    pub complete: bool,
}

/// Controllers of Flux itself, each with the kinds that it serves.
const CONTROLLERS: [(&str, &[GroupKind]); 3] = [
    ("helm-controller", &[GroupKind::HELM_RELEASE]),
    ("kustomize-controller", &[GroupKind::KUSTOMIZATION]),
    (
        "source-controller",
        &[GroupKind::GIT_REPOSITORY, GroupKind::OCI_REPOSITORY, GroupKind::HELM_REPOSITORY, GroupKind::BUCKET],
    ),
];

const PART_OF: &str = "app.kubernetes.io/part-of";
const VERSION: &str = "app.kubernetes.io/version";

impl Installation {
    /// The installation that a snapshot shows.
    pub fn of(snapshot: &Snapshot) -> Self {
        let evidence = &snapshot.evidence;
        let deployments: Vec<(&ObjectKey, &Workload)> = of_flux(snapshot).collect();
        let definition = ObjectKey::new(
            GroupKind::CUSTOM_RESOURCE_DEFINITION,
            "",
            "gitrepositories.source.toolkit.fluxcd.io",
        );
        let labelled = evidence.others.get(&definition).and_then(|meta| meta.labels.get(VERSION));
        let reported = evidence.flux.as_ref().and_then(|flux| flux.version.as_ref());
        let deployed = deployments.iter().find_map(|(_, workload)| workload.meta.labels.get(VERSION));
        let seen = !deployments.is_empty()
            || evidence.flux.is_some()
            || !snapshot.nodes.is_empty()
            || !snapshot.sources.is_empty();
        Self {
            complete: snapshot.complete,
            version: reported.or(labelled).or(deployed).cloned(),
            absent: absent_controllers(snapshot),
            presence: if seen { Presence::There } else { snapshot.presence(&definition) },
            controllers: deployments.into_iter().map(|(key, workload)| controller(key, workload)).collect(),
        }
    }

    /// What `--feature-gates` of a controller says of one gate; `None` where it says nothing or is out of sight.
    pub fn gate(&self, controller: &str, gate: &str) -> Option<bool> {
        let gates = self.flag(controller, "--feature-gates=")?;
        let value =
            gates.split(',').find_map(|entry| entry.split_once('=').filter(|(name, _)| *name == gate))?.1;
        value.parse().ok()
    }

    /// After how long a controller looks again at an object that waits for a dependency: `--requeue-dependency`, where the
    /// controller is in sight, else its default (kustomize-controller and helm-controller 30 s, flux-operator 5 s).
    pub fn requeue_dependency(&self, controller: &str) -> Duration {
        let default = Duration::from_secs(if controller == "flux-operator" { 5 } else { 30 });
        self.flag(controller, "--requeue-dependency=").and_then(parse_duration).unwrap_or(default)
    }

    /// The value of a controller's flag; `flag` with its dashes and `=`.
    fn flag(&self, controller: &str, flag: &str) -> Option<&str> {
        let found = self.controllers.iter().find(|found| found.key.name == controller)?;
        found.flags.iter().find_map(|written| written.strip_prefix(flag))
    }
}

/// Deployments that bear the label of Flux.
fn of_flux(snapshot: &Snapshot) -> impl Iterator<Item = (&ObjectKey, &Workload)> {
    snapshot.evidence.workloads.iter().filter(|(key, workload)| {
        key.kind == GroupKind::DEPLOYMENT
            && workload.meta.labels.get(PART_OF).is_some_and(|value| value == "flux")
    })
}

/// Every controller of which [`absent_controller`] knows that it does not exist.
pub fn absent_controllers(snapshot: &Snapshot) -> Vec<ObjectKey> {
    CONTROLLERS.iter().filter_map(|(name, _)| absent_controller(snapshot, name)).collect()
}

/// The Deployment of a controller of Flux that does not exist, while objects that are not suspended need it.
///
/// That is proven where other controllers of Flux stand together in one namespace, two at least (a single one may have been
/// picked out for a dump), their Deployments were listed whole there, and nothing in sight bears its name or runs its image: it may run under another name, as one of several shards, or
/// beside the others. `None` says nothing.
pub fn absent_controller(snapshot: &Snapshot, name: &str) -> Option<ObjectKey> {
    let (_, kinds) = CONTROLLERS.iter().find(|(known, _)| *known == name)?;
    let needs = |kind: &GroupKind, suspended: bool| kinds.contains(kind) && !suspended;
    let is_needed = snapshot.nodes.values().any(|node| needs(&node.key.kind, node.suspended))
        || snapshot.sources.values().any(|source| needs(&source.key.kind, source.suspended));
    let others: Vec<&str> = of_flux(snapshot).map(|(key, _)| key.namespace.as_str()).collect();
    let [namespace, second, rest @ ..] = others.as_slice() else { return None };
    let stand_together = rest.iter().chain([second]).all(|other| other == namespace);
    let is_it = |(key, workload): (&ObjectKey, &Workload)| {
        key.name.contains(name) || workload.images.iter().any(|image| image.contains(name))
    };
    let runs = snapshot.evidence.workloads.iter().any(is_it)
        || snapshot.evidence.pods.keys().any(|pod| pod.name.contains(name));
    let is_proven = snapshot.origin == OriginKind::Live
        && stand_together
        && snapshot.coverage.covers_controllers_in(namespace);
    (is_needed && is_proven && !runs).then(|| ObjectKey::new(GroupKind::DEPLOYMENT, *namespace, name))
}

fn controller(key: &ObjectKey, workload: &Workload) -> Controller {
    let mut flags: Vec<String> = workload
        .args
        .iter()
        .filter(|arg| {
            let name = arg.trim_start_matches('-');
            CONTROLLER_FLAGS.contains(&name.split_once('=').map_or(name, |(name, _)| name))
                && !IS_THE_RULE.contains(&name)
        })
        .cloned()
        .collect();
    flags.sort();
    Controller {
        key: key.clone(),
        version: workload.images.first().and_then(|image| tag(image)).map(str::to_owned),
        wanted: workload.wanted,
        available: workload.available,
        flags,
    }
}

/// Tag of an image; a colon before the last slash is that of a port.
fn tag(image: &str) -> Option<&str> {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    name.split_once(':').map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::snapshot;

    fn installed(args: &[&str]) -> Installation {
        let mut flux = snapshot([]);
        let key = ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
        let mut workload = Workload { wanted: 1, available: 1, ..Workload::default() };
        workload.meta.labels.insert(PART_OF.to_owned(), "flux".to_owned());
        workload.meta.labels.insert(VERSION.to_owned(), "v2.9.0".to_owned());
        workload.args = args.iter().map(|arg| (*arg).to_owned()).collect();
        workload.images =
            vec!["registry.example.com:5000/fluxcd/kustomize-controller:v1.9.6@sha256:00".to_owned()];
        flux.evidence.workloads.insert(key, workload);
        Installation::of(&flux)
    }

    /// Kustomizations, and the Deployments of these controllers in their namespaces, all of which were listed.
    fn with_controllers(names: &[&str]) -> Snapshot {
        let mut flux = snapshot([crate::testing::ks("apps")]);
        flux.coverage.cover_controllers(None);
        for name in names {
            let (namespace, name) = name.split_once('/').unwrap();
            let mut workload = Workload { wanted: 1, available: 1, ..Workload::default() };
            workload.meta.labels.insert(PART_OF.to_owned(), "flux".to_owned());
            workload.images = vec![format!("ghcr.io/fluxcd/{name}:v1.9.6")];
            let key = ObjectKey::new(GroupKind::DEPLOYMENT, namespace, name);
            flux.evidence.workloads.insert(key, workload);
        }
        flux
    }

    fn absent(flux: &Snapshot) -> Vec<String> {
        Installation::of(flux).absent.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_controller_is_absent_where_its_siblings_stand_and_it_is_needed() {
        let flux = with_controllers(&["flux-system/source-controller", "flux-system/notification-controller"]);
        assert_eq!(
            absent(&flux),
            ["Deployment/flux-system/kustomize-controller"],
            "helm-controller has nothing to do"
        );

        let mut suspended = flux.clone();
        suspended.nodes.values_mut().for_each(|node| node.suspended = true);
        assert_eq!(absent(&suspended), [""; 0], "nor has one whose objects are suspended");
    }

    #[test]
    fn absence_is_not_concluded_from_what_was_not_seen() {
        let (source, helm) = ("flux-system/source-controller", "flux-system/helm-controller");
        let mut hidden = with_controllers(&[source, helm]);
        hidden.coverage = Default::default();
        for (flux, why) in [
            (hidden, "its Deployment may not be listed"),
            (with_controllers(&[]), "no sibling is seen: all of them may run elsewhere"),
            (with_controllers(&[source]), "a single one may have been picked out"),
            (with_controllers(&[source, helm, "flux-system/kustomize-controller"]), "it is there"),
            (with_controllers(&[source, helm, "flux-system/kustomize-controller-shard1"]), "it runs in shards"),
            (with_controllers(&[source, helm, "tenants/kustomize-controller"]), "it runs in another namespace"),
            (with_controllers(&[source, "tenants/helm-controller"]), "there are several installations"),
        ] {
            assert_eq!(absent(&flux), [""; 0], "{why}");
        }
        let mut renamed = with_controllers(&[source, helm, "flux-system/kc"]);
        let key = ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kc");
        renamed.evidence.workloads.get_mut(&key).unwrap().images = vec!["x/kustomize-controller:v1".to_owned()];
        assert_eq!(absent(&renamed), [""; 0], "it has another name");
    }

    #[test]
    fn versions_come_from_label_and_tag() {
        let found = installed(&[]);
        assert_eq!(found.version.as_deref(), Some("v2.9.0"));
        assert_eq!(found.controllers[0].version.as_deref(), Some("v1.9.6"));
        assert_eq!(tag("registry.example.com:5000/app"), None);
    }

    #[test]
    fn only_flags_that_change_a_meaning_are_kept() {
        let found =
            installed(&["--log-level=info", "--requeue-dependency=5s", "--feature-gates=A=true,B=false"]);
        assert_eq!(found.controllers[0].flags, ["--feature-gates=A=true,B=false", "--requeue-dependency=5s"]);
        assert_eq!(found.gate("kustomize-controller", "A"), Some(true));
        assert_eq!(found.gate("kustomize-controller", "B"), Some(false));
        assert_eq!(found.gate("kustomize-controller", "C"), None);
        assert_eq!(found.gate("helm-controller", "A"), None);
        assert_eq!(found.requeue_dependency("kustomize-controller"), Duration::from_secs(5));
        assert_eq!(found.requeue_dependency("helm-controller"), Duration::from_secs(30));
    }
}
