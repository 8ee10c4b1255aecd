//! Inventory entries: what an applier says it has applied.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::key::{GroupKind, ObjectKey};

/// One entry of `status.inventory.entries`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InventoryEntry {
    /// The applied object.
    pub key: ObjectKey,
    /// API version in which it was applied.
    pub version: String,
}

/// What one applier has applied. Copies share it: inventories are most of what a large cluster tells, and a watch copies
/// all that it knows for every look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory(Arc<[InventoryEntry]>);

impl FromIterator<InventoryEntry> for Inventory {
    fn from_iter<T: IntoIterator<Item = InventoryEntry>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Deref for Inventory {
    type Target = [InventoryEntry];

    fn deref(&self) -> &[InventoryEntry] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Inventory {
    type Item = &'a InventoryEntry;
    type IntoIter = std::slice::Iter<'a, InventoryEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Splits an inventory id, `<namespace>_<name>_<group>_<kind>`; returns `None` when a field is missing.
///
/// As `object.ParseObjMetadata` of fluxcd/cli-utils v1.2.1: RBAC names keep their colon as `__`.
pub fn parse_id(id: &str) -> Option<ObjectKey> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?; // from the right: only a name can contain `_`
    (!name.is_empty() && !kind.is_empty())
        .then(|| ObjectKey::new(GroupKind::new(group, kind), namespace, name.replace("__", ":")))
}

/// An id that [`parse_id`] takes apart again.
pub fn format_id(key: &ObjectKey) -> impl fmt::Display {
    format!("{}_{}_{}_{}", key.namespace, key.name.replace(':', "__"), key.kind.group, key.kind.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn core_group_and_cluster_scope_leave_fields_empty() {
        let config_map = parse_id("apps_settings__ConfigMap").unwrap();
        assert_eq!(config_map, ObjectKey::new(GroupKind::CONFIG_MAP, "apps", "settings"));
        let namespace = parse_id("_apps__Namespace").unwrap();
        assert_eq!(namespace, ObjectKey::new(GroupKind::NAMESPACE, "", "apps"));
    }

    #[test]
    fn rbac_names_get_their_colon_back() {
        let role = parse_id("_system__controller__x_rbac.authorization.k8s.io_ClusterRole").unwrap();
        assert_eq!(role.name, "system:controller:x");
        assert_eq!(role.kind.group, "rbac.authorization.k8s.io");
    }

    #[test]
    fn an_id_with_a_field_missing_is_refused() {
        for id in ["", "a", "a_b", "a_b_c", "_", "___", "a__g_"] {
            assert_eq!(parse_id(id), None, "{id}");
        }
    }

    proptest! {
        #[test]
        fn ids_survive_a_round_trip(
            namespace in "[a-z0-9-]{0,12}",
            name in "[a-z0-9.-]{1,12}(:[a-z0-9.-]{1,6})?",
            group in "([a-z.]{1,20})?",
            kind in "[A-Z][A-Za-z]{0,15}",
        ) {
            let key = ObjectKey::new(GroupKind::new(group, kind), namespace, name);
            prop_assert_eq!(parse_id(&format_id(&key).to_string()), Some(key));
        }
    }
}
