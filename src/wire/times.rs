//! The newest moment that an object speaks of.

use jiff::Timestamp;
use serde_json::Value;

/// Newest time in an object's metadata, conditions, history or artifact, or of an Event; `None` without any.
///
/// Works on the raw document, because kinds that are not decoded carry times, too.
pub(super) fn newest(object: &Value) -> Option<Timestamp> {
    let mut newest = None;
    let mut see = |value: &Value| {
        let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        newest = newest.max(time);
    };
    let metadata = &object["metadata"];
    see(&metadata["creationTimestamp"]);
    each(&metadata["managedFields"], |fields| see(&fields["time"]));
    let status = &object["status"];
    each(&status["conditions"], |condition| {
        for name in ["lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastHeartbeatTime"] {
            see(&condition[name]);
        }
    });
    each(&status["history"], |entry| {
        for name in ["firstReconciled", "lastReconciled", "firstDeployed", "lastDeployed"] {
            see(&entry[name]);
        }
    });
    see(&status["artifact"]["lastUpdateTime"]);
    if object["kind"] == "Event" {
        for name in [
            "eventTime",
            "firstTimestamp",
            "lastTimestamp",
            "deprecatedFirstTimestamp",
            "deprecatedLastTimestamp",
        ] {
            see(&object[name]);
        }
        see(&object["series"]["lastObservedTime"]);
    }
    // A Pod's stands its grace period ahead of the deletion itself.
    let deleted = metadata["deletionTimestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let grace = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let deleted = deleted.and_then(|time| time.checked_sub(jiff::SignedDuration::from_secs(grace)).ok());
    newest.max(deleted)
}

fn each(list: &Value, see: impl FnMut(&Value)) {
    list.as_array().into_iter().flatten().for_each(see);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_that_holds_a_time_counts() {
        let time = "2026-11-24T08:00:05Z";
        for object in [
            json!({"metadata": {"creationTimestamp": time}}),
            json!({"metadata": {"creationTimestamp": "2026-11-24T08:00:00Z", "managedFields": [{"time": time}]}}),
            json!({"metadata": {"deletionTimestamp": time}}),
            json!({"metadata": {"deletionTimestamp": "2026-11-24T08:00:35Z", "deletionGracePeriodSeconds": 30}}),
            json!({"status": {"conditions": [{"lastTransitionTime": time}, {"lastTransitionTime": "nonsense"}]}}),
            json!({"status": {"history": [{"lastReconciled": time}, {"lastDeployed": null}]}}),
            json!({"status": {"artifact": {"lastUpdateTime": time}}}),
            json!({"kind": "Event", "eventTime": time, "firstTimestamp": null}),
            json!({"kind": "Event", "series": {"lastObservedTime": time}}),
        ] {
            assert_eq!(newest(&object), Some(time.parse().unwrap()), "{object}");
        }
        assert_eq!(newest(&json!({"spec": {"eventTime": time}})), None);
    }
}
