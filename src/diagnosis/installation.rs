//! What is installed: the version of Flux, its controllers, and those of their flags that change what things mean.

use std::time::Duration;

use crate::model::{GroupKind, ObjectKey, Snapshot, Workload, parse_duration};

/// Flags that change a verdict or a clock (flux-semantics §1).
const FLAGS: [&str; 9] = [
    "feature-gates",
    "requeue-dependency",
    "no-cross-namespace-refs",
    "no-remote-bases",
    "watch-label-selector",
    "watch-all-namespaces",
    "sops-age-secret",
    "default-service-account",
    "concurrent",
];

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// Version of Flux: of the FluxReport, else the label on its CRDs, else that on its Deployments.
    pub version: Option<String>,
    /// Controllers, by namespace and name.
    pub controllers: Vec<Controller>,
}

const PART_OF: &str = "app.kubernetes.io/part-of";
const VERSION: &str = "app.kubernetes.io/version";

impl Installation {
    /// The installation that a snapshot shows.
    pub fn of(snapshot: &Snapshot) -> Self {
        let evidence = &snapshot.evidence;
        let is_flux = |key: &ObjectKey, workload: &Workload| {
            let part_of = workload.meta.labels.get(PART_OF).is_some_and(|value| value == "flux");
            key.kind == GroupKind::DEPLOYMENT && part_of
        };
        let deployments: Vec<(&ObjectKey, &Workload)> =
            evidence.workloads.iter().filter(|(key, workload)| is_flux(key, workload)).collect();
        let definition = ObjectKey::new(
            GroupKind::CUSTOM_RESOURCE_DEFINITION,
            "",
            "gitrepositories.source.toolkit.fluxcd.io",
        );
        let labelled = evidence.others.get(&definition).and_then(|meta| meta.labels.get(VERSION));
        let reported = evidence.flux.as_ref().and_then(|flux| flux.version.as_ref());
        let deployed = deployments.iter().find_map(|(_, workload)| workload.meta.labels.get(VERSION));
        Self {
            version: reported.or(labelled).or(deployed).cloned(),
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

fn controller(key: &ObjectKey, workload: &Workload) -> Controller {
    let mut flags: Vec<String> = workload
        .args
        .iter()
        .filter(|arg| {
            let name = arg.trim_start_matches('-');
            FLAGS.contains(&name.split_once('=').map_or(name, |(name, _)| name)) && !IS_THE_RULE.contains(&name)
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
