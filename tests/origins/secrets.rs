//! Of a Secret, the names of its keys and its public recipients, and nothing else.

use kubectl_fluxlayers::model::GroupKind;
use serde_json::{Value, json};

use crate::support::{key, live, stdin};

#[test]
fn a_secret_gives_its_public_recipients_and_nothing_else() {
    let snapshot = live("sopsfail");
    let secret = |name: &str| &snapshot.evidence.secrets[&key(GroupKind::SECRET, "sopsfail", name)];
    let recipient = "age12pejw4vvt2gf93xey9p4mljhm5ngx8dv9ytsc37wl9xxn82mhs8sq95f74";
    assert_eq!(secret("good").age_recipients.iter().collect::<Vec<_>>(), [recipient]);
    assert_eq!((secret("malformed").unverifiable, secret("malformed").age_recipients.len()), (1, 0));
    assert_eq!(secret("wrongname").keys.iter().collect::<Vec<_>>(), ["age.key"]);
    assert!(secret("empty").keys.is_empty());
    let shown = format!("{snapshot:?}");
    assert!(shown.contains(recipient) && !shown.contains("AGE-SECRET-KEY"));
}

#[test]
fn no_value_of_a_secret_comes_through() {
    let mark = "hunter2MARK";
    let encoded = "aHVudGVyMk1BUks=";
    let secret = |rest: Value| {
        let mut secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x"}});
        secret.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        secret
    };
    let last_applied =
        json!({"kubectl.kubernetes.io/last-applied-configuration": mark, "example.com/copy": mark});
    for document in [
        secret(json!({"data": {"password": encoded}, "stringData": {"other": mark, "a.agekey": mark}})),
        secret(json!({"data": mark})),
        secret(json!({"data": [mark]})),
        secret(json!({"stringData": {"nested": {"deep": mark}}, "type": {"odd": mark}})),
        secret(json!({"metadata": {"name": "s", "namespace": "x", "annotations": last_applied}})),
        secret(
            json!({"metadata": {"name": "s", "namespace": "x", "labels": mark, "annotations": {"a": [mark]}}}),
        ),
        secret(json!({"metadata": mark})),
        json!({"type": "ADDED", "object": secret(json!({"data": {"password": encoded}}))}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": mark}}),
    ] {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [document]});
        for text in [document.to_string(), list.to_string(), format!("{list:#}\n---\n{document}")] {
            let shown = format!("{:?}", stdin(text).unwrap());
            assert!(!shown.contains("MARK") && !shown.contains(encoded), "{document}\n{shown}");
        }
    }
    // nor through a broken text
    for text in [
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: *{mark}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: !!int {mark}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: [{mark}\n"),
        format!("{{\"kind\": \"Secret\", \"data\": {{\"password\": \"{mark}\" {mark}"),
    ] {
        let error = stdin(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("MARK"), "{error:?}");
    }
}
