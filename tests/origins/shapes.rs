//! The shapes in which input comes: wrappings, folders, links, pipes.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use kubectl_fluxlayers::model::Snapshot;
use serde_json::{Value, json};

use crate::support::{document, dump, ks, live, manifest, stdin, warnings};

#[test]
fn the_same_dump_reads_the_same_in_every_wrapping() {
    let list = document("live/basic.json.gz");
    let items = list["items"].as_array().unwrap();
    let straight = live("basic");
    let gzip = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let lines = items.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let pretty = items.iter().map(|item| format!("{item:#}")).collect::<Vec<_>>().join("\n---\n");
    let (half, rest) = lines.split_at(lines.find('\n').unwrap() + 1);
    let nested = json!({"apiVersion": "v1", "kind": "List", "items": [list]});
    for (name, bytes) in [
        ("JSON", list.to_string().into_bytes()),
        ("with a byte order mark", format!("\u{feff}{list}").into_bytes()),
        ("lists in lists", nested.to_string().into_bytes()),
        ("an array", list["items"].to_string().into_bytes()),
        ("JSON lines", lines.clone().into_bytes()),
        ("YAML that begins like JSON", pretty.clone().into_bytes()),
        ("YAML", format!("# a comment\n---\n{pretty}\n---\n").into_bytes()),
        ("gzip of two members", [gzip(half), gzip(rest)].concat()),
    ] {
        let mut snapshot = stdin(bytes).unwrap();
        assert_eq!(snapshot.label, "dump stdin");
        snapshot.label = straight.label.clone();
        assert_eq!(snapshot, straight, "{name}");
    }
}

#[test]
fn a_typed_list_in_yaml_knows_the_lines_of_its_items() {
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: KustomizationList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n  spec: {path: [x]}\n";
    let snapshot = stdin(text).unwrap();
    assert_eq!(
        warnings(&snapshot),
        ["InputBroken: stdin:5: Kustomization/b: spec.path: a list where text is due"]
    );
    assert!(snapshot.nodes.contains_key(&ks("", "a")));
}

#[test]
fn a_folder_is_read_through_and_one_broken_file_is_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a/one.yaml", &manifest("a", "one").to_string());
    write("a/b/two.JSON", &manifest("a", "two").to_string());
    write("broken.yml", "a: 1\nb: [1\n");
    write("empty.yaml", "# nothing\n---\n");
    write("notes.txt", "b: [1\n");
    write("values.yaml", "replicas: 1\n---\nfoo\n---\nkind: Config\napiVersion: v1\n");
    write(".git/config.yaml", "b: [1\n");
    let snapshot = dump(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(snapshot.nodes.len(), 2);
    assert!(!snapshot.complete);
    let root = folder.path().display();
    assert_eq!(
        warnings(&snapshot),
        [
            format!("InputBroken: {root}/broken.yml:2:4: unclosed bracket '['"),
            format!("InputSkipped: {root}/values.yaml: skipped 3 documents that are no Kubernetes objects"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_never_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), manifest("a", "outside").to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("deep")).unwrap();
    fs::create_dir(root.join("hidden")).unwrap();
    fs::write(root.join("deep/one.yaml"), manifest("a", "one").to_string()).unwrap();
    fs::write(root.join("hidden/data"), manifest("a", "linked").to_string()).unwrap();
    symlink(root.join("hidden/data"), root.join("linked.yaml")).unwrap();
    symlink(root, root.join("deep/loop")).unwrap();
    symlink(root.join("deep"), root.join("again")).unwrap();
    symlink("itself.yaml", root.join("itself.yaml")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("x.yaml"), root.join("out.yaml")).unwrap();
    let snapshot = dump(&[root.to_path_buf()]).unwrap();
    assert_eq!(snapshot.nodes.keys().map(|key| &key.name[..]).collect::<Vec<_>>(), ["linked", "one"]);
    assert!(snapshot.complete);
    let root = root.display();
    assert_eq!(
        warnings(&snapshot),
        [
            format!("InputSkipped: {root}/deep/loop: a link to a folder that holds it"),
            format!("InputSkipped: {root}/itself.yaml: a link that leads nowhere, or to itself"),
            format!("InputSkipped: {root}/out.yaml: a link that leaves the folder"),
            format!("InputSkipped: {root}/out: a link that leaves the folder"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_in_a_folder_are_left_alone_and_a_pipe_that_is_named_is_read() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("one.yaml"), manifest("a", "one").to_string()).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.yaml")).unwrap();
    let pipe = root.join("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("socket.yaml", root.join("link.yaml")).unwrap();
    let (into, text) = (pipe.clone(), manifest("a", "piped").to_string());
    let writer = std::thread::spawn(move || fs::write(into, text).unwrap()); // waits until somebody reads

    let names = |snapshot: &Snapshot| snapshot.nodes.keys().map(|key| key.name.clone()).collect::<Vec<_>>();
    let snapshot = dump(&[root.to_path_buf()]).unwrap();
    assert_eq!((names(&snapshot), snapshot.complete), (vec!["one".to_owned()], true));
    let told = |name: &str| format!("InputSkipped: {}/{name}: no regular file", root.display());
    assert_eq!(warnings(&snapshot), ["link.yaml", "pipe.json", "socket.yaml"].map(told));

    assert_eq!(names(&dump(&[pipe]).unwrap()), ["piped"]);
    writer.join().unwrap();
}
