//! Asking for a run of everything that a cause hits, where one object's own remedy asks for its own alone.

use std::collections::BTreeMap;

use super::{command, flux_name, reconcile};
use crate::diagnosis::cause::Fault;
use crate::model::ObjectKey;

/// Names that a command holds at most: a longer one is read by nobody.
const MOST: usize = 30;

/// Makes the remedy that asks one of `hit` for a run ask all of them that flux can ask.
pub(crate) fn ask_all(fault: &mut Fault, hit: &[ObjectKey]) {
    let asked: Vec<&ObjectKey> = hit.iter().filter(|key| flux_name(&key.kind).is_some()).collect();
    if asked.len() < 2 {
        return;
    }
    let single: Vec<Option<String>> = asked.iter().map(|key| reconcile(key)).collect();
    let is_single = |command: &Option<String>| command.is_some() && single.contains(command);
    let Some(remedy) = fault.remedies.iter_mut().find(|remedy| is_single(&remedy.command)) else { return };
    remedy.text.push_str(&format!(" (all {} of them)", asked.len()));
    remedy.command = of_all(&asked);
}

/// One loop for each kind and namespace; `None` where it would grow too long, or a name is too odd to be typed.
fn of_all(keys: &[&ObjectKey]) -> Option<String> {
    let mut loops: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for key in keys {
        let place = (flux_name(&key.kind)?, key.namespace.as_str());
        loops.entry(place).or_default().push(&key.name);
    }
    if keys.len() > MOST {
        return None;
    }
    let all = loops.into_iter().map(|((kind, namespace), names)| {
        let typed: Option<Vec<String>> = names.iter().map(|name| command("{}", &[name])).collect();
        let (typed, namespace) = (typed?.join(" "), command("{}", &[namespace])?);
        Some(match names.len() {
            1 => format!("flux reconcile {kind} {typed} -n {namespace}"),
            _ => format!("for name in {typed}; do flux reconcile {kind} $name -n {namespace}; done"),
        })
    });
    let all: Option<Vec<String>> = all.collect();
    Some(all?.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::fault;
    use super::*;
    use crate::diagnosis::cause::Code;
    use crate::model::GroupKind;

    fn asked(hit: &[ObjectKey]) -> Option<String> {
        let secret = ObjectKey::new(GroupKind::SECRET, "apps", "sops-age");
        let mut fault = fault(secret, Code::SopsSecretNotFound, None, "it is gone")
            .remedy("create it", None)
            .remedy("then ask for a run", reconcile(&hit[0]));
        ask_all(&mut fault, hit);
        fault.remedies[1].command.clone()
    }

    #[test]
    fn one_command_asks_all_that_are_hit() {
        let ks = |namespace: &str, name: &str| ObjectKey::kustomization(namespace, name);
        let git = ObjectKey::new(GroupKind::GIT_REPOSITORY, "apps", "fleet");
        assert_eq!(
            asked(&[ks("apps", "a")]).as_deref(),
            Some("flux reconcile kustomization a -n apps --with-source")
        );
        assert_eq!(
            asked(&[ks("apps", "a"), ks("apps", "b")]).as_deref(),
            Some("for name in a b; do flux reconcile kustomization $name -n apps; done")
        );
        assert_eq!(
            asked(&[ks("apps", "a"), ks("apps", "b"), ks("web", "c"), git]).as_deref(),
            Some(
                "for name in a b; do flux reconcile kustomization $name -n apps; done; flux reconcile kustomization c -n \
                 web; flux reconcile source git fleet -n apps"
            )
        );
        let many: Vec<ObjectKey> = (0..31).map(|at| ks("apps", &format!("a{at}"))).collect();
        assert_eq!(asked(&many), None);
    }

    #[test]
    fn what_runs_something_else_stays_as_it_is() {
        let parent = ObjectKey::kustomization("apps", "parent");
        let mut fault = fault(parent.clone(), Code::NotApplied, None, "gone").remedy("run", reconcile(&parent));
        ask_all(&mut fault, &[ObjectKey::kustomization("apps", "a"), ObjectKey::kustomization("apps", "b")]);
        assert_eq!(fault.remedies[0].command, reconcile(&parent));
    }
}
