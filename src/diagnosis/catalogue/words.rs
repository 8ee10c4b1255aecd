//! Taking texts apart and making them fit to be shown. Shared by all families, knows none of them.

use crate::foreign::without_escapes;

/// Longest summary, in characters: about four lines of a narrow terminal.
const SUMMARY: usize = 300;
/// Longest quotation, in characters.
const QUOTATION: usize = 1200;

/// What stands after the first `marker`.
pub(super) fn after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.split_once(marker).map(|(_, rest)| rest)
}

/// What stands between the first `open` and the next `close` behind it; `None` where it is empty.
pub(super) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (inner, _) = after(text, open)?.split_once(close)?;
    (!inner.is_empty()).then_some(inner)
}

/// Whether the text holds one of the needles.
pub(super) fn mentions(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

/// The name in an API server's `<resource> "<name>" not found`, such as `secrets "sops-age" not found`.
pub(super) fn not_found<'a>(text: &'a str, resource: &str) -> Option<&'a str> {
    let mut rest = text;
    let open = format!("{resource} \"");
    while let Some(tail) = after(rest, &open) {
        let (name, behind) = tail.split_once('"')?;
        if behind.starts_with(" not found") && !name.is_empty() {
            return Some(name);
        }
        rest = tail;
    }
    None
}

/// An object as Flux writes it, `Kind/namespace/name` or `Kind/name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject<'a> {
    /// Kind.
    pub kind: &'a str,
    /// Namespace; empty for cluster-scoped objects, and where the manifest sets none.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Takes `Kind/namespace/name` apart; `None` where it is not of that form.
pub(super) fn subject(text: &str) -> Option<Subject<'_>> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let (kind, rest) = text.split_once('/')?;
    let (namespace, name) = rest.split_once('/').unwrap_or(("", rest));
    let upper = kind.chars().next().is_some_and(|c| c.is_ascii_uppercase());
    let letters = kind.chars().all(|c| c.is_ascii_alphanumeric());
    (upper && letters && !name.is_empty()).then_some(Subject { kind, namespace, name })
}

/// A resource as kustomize writes it, `ConfigMap.v1.[noGrp]/name`, in words: `ConfigMap name`.
pub(super) fn resource_id(id: &str) -> String {
    let Some((kind, name)) = id.split_once('/') else { return id.to_owned() };
    let kind = kind.split('.').next().unwrap_or(kind);
    format!("{kind} {}", name.strip_suffix(".[noNs]").unwrap_or(name))
}

/// A public key by its ends, `age1q8f…x3kd`; short texts stay whole.
pub(super) fn short_recipient(recipient: &str) -> String {
    let chars: Vec<char> = recipient.chars().collect();
    if chars.len() <= 16 {
        return recipient.to_owned();
    }
    let head: String = chars[..7].iter().collect();
    let tail: String = chars[chars.len() - 4..].iter().collect();
    format!("{head}…{tail}")
}

/// `a`, `a and b`, `a, b and c`; of many only the first three and how many more.
pub(super) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] if items.len() <= 3 => format!("{} and {last}", head.join(", ")),
        [a, b, c, rest @ ..] => format!("{a}, {b}, {c} and {} more", rest.len()),
        [a, b] => format!("{a} and {b}"),
    }
}

/// One line without control characters: the margins of wrapped texts (`- |`, `|`) and the dotted pointers of
/// CEL errors are gone, white space is single.
pub(super) fn one_line(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for line in without_escapes(text).lines() {
        let line = line.trim();
        let line = line.strip_prefix("- |").or_else(|| line.strip_prefix('|')).unwrap_or(line);
        if line.contains('^') && line.trim().chars().all(|c| matches!(c, '.' | '^' | ' ')) {
            continue;
        }
        let plain: String = line.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
        words.extend(plain.split_whitespace().map(str::to_owned));
    }
    words.join(" ")
}

/// Control characters, and those that change the order in which a terminal shows text.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Turns the folder into which a controller unpacks (`/tmp/kustomization-123/apps/x.yaml`) into the path in the
/// repository (`apps/x.yaml`); its root is `.`.
pub(super) fn without_temp_folders(text: &str) -> String {
    const FOLDER: &str = "/kustomization-";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(FOLDER) {
        let tail = &rest[at + FOLDER.len()..];
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let behind = &tail[digits..];
        let ends = behind.chars().next().is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
        if digits == 0 || !ends {
            let (kept, next) = rest.split_at(at + FOLDER.len());
            out.push_str(kept);
            rest = next;
            continue;
        }
        let boundary =
            |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '(' | '[' | ':' | '=' | ',');
        let start =
            rest[..at].rfind(boundary).map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
        out.push_str(&rest[..start]);
        match behind.strip_prefix('/') {
            Some(inside) if inside.chars().next().is_some_and(|c| !boundary(c)) => rest = inside,
            Some(root) => {
                out.push('.');
                rest = root;
            }
            None => {
                out.push('.');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Takes out what must never be shown: private keys, passwords in addresses, and the values that a decoder of
/// Secrets quotes.
fn redacted(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let upper = word.to_ascii_uppercase();
        if upper.contains("AGE-SECRET-KEY-") || upper.contains("AGE-PLUGIN-") {
            words.push("(private key)".to_owned());
            continue;
        }
        words.push(without_password(word));
    }
    let mut text = words.join(" ");
    for (marker, from) in [
        ("malformed secret key", "malformed secret key"), // goes on with a character of the key
        ("as a Secret", ", error found in #"),            // goes on with a piece of the document
    ] {
        let cut = text
            .find(marker)
            .and_then(|at| text[at..].find(from).map(|i| at + i + if from == marker { from.len() } else { 0 }));
        if let Some(cut) = cut {
            text.truncate(cut);
        }
    }
    text
}

fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let end = rest.find(['/', '?', '#', '\'', '"']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = without_query(path);
    match authority.rsplit_once('@') {
        Some((user, host)) if user != "git" => format!("{scheme}://…@{host}{path}"),
        _ => format!("{scheme}://{authority}{path}"),
    }
}

/// A path without what a query says, since signed addresses carry their token there; what kustomize itself reads of one
/// stays.
fn without_query(path: &str) -> String {
    const HARMLESS: [&str; 5] = ["ref", "version", "timeout", "submodules", "depth"];
    let Some((before, rest)) = path.split_once('?') else { return path.to_owned() };
    let end = rest.find(['#', '\'', '"']).unwrap_or_else(|| rest.trim_end_matches([':', ',', ')', '.']).len());
    let (query, after) = rest.split_at(end);
    let is_harmless = |part: &str| HARMLESS.contains(&part.split_once('=').map_or(part, |(key, _)| key));
    let kept: Vec<_> = query.split('&').map(|part| if is_harmless(part) { part } else { "…" }).collect();
    format!("{before}?{}{after}", kept.join("&"))
}

/// Replaces the dump of a whole field in `Invalid value: {…}` by `{…}`, and for a Secret every value.
pub(super) fn without_dumps(text: &str, secret: bool) -> String {
    const MARK: &str = "Invalid value: ";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (head, tail) = rest.split_at(at + MARK.len());
        out.push_str(head);
        let length = value_length(tail);
        let value = &tail[..length];
        if value.len() > 60 && value.contains('{') {
            out.push_str("{…}");
        } else if secret && !value.is_empty() {
            out.push('…');
        } else {
            out.push_str(value);
        }
        rest = &tail[length..];
    }
    out.push_str(rest);
    out
}

/// Length of a value in Go's or JSON's spelling: up to the `: ` outside of all braces and strings.
fn value_length(text: &str) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && text[at..].starts_with(": ") => return at,
            _ => {}
        }
    }
    text.len()
}

/// Cuts after `limit` characters, with `…` for what is gone.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => {
            let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
            cut.truncate(cut.trim_end().len());
            cut.push('…');
            cut
        }
    }
}

/// A controller's words for people: one line, paths as in the repository, nothing secret, bounded.
pub(super) fn readable(text: &str) -> String {
    let text = redacted(&without_temp_folders(&without_dumps(&one_line(text), false)));
    let text = text.strip_suffix(" <nil>").unwrap_or(&text); // kustomize-controller before 1.9
    bounded(text.trim(), QUOTATION)
}

/// Words that go into a summary: the first sentence, without a full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = readable(text);
    let end = text.find(". ").unwrap_or(text.len());
    bounded(text[..end].trim_end_matches(['.', ' ', ':', ',']), SUMMARY / 2 + 30)
}

/// The end of a chain of errors (`a: b: c`), long enough to mean something, as part of a sentence.
pub(super) fn last_words(text: &str) -> String {
    const ENOUGH: usize = 12;
    let text = readable(text);
    let mut end = text.len();
    while let Some(at) = text[..end].rfind(": ") {
        if text.len() - at - 2 >= ENOUGH {
            return sentence(&text[at + 2..]);
        }
        end = at;
    }
    sentence(&text)
}

/// A summary as it may be shown: one bounded line without a full stop; never empty.
pub(super) fn summary(text: &str) -> String {
    let text = bounded(&redacted(&one_line(text)), SUMMARY);
    match text.trim_end_matches(['.', ' ', ':']) {
        "" => "the controller gave no reason".to_owned(),
        text => text.to_owned(),
    }
}

/// Fills the `{}` of a command; `None` when an argument could not be typed safely, so that no odd name turns
/// into an option or a second command.
pub(super) fn command(template: &str, arguments: &[&str]) -> Option<String> {
    let mut parts = template.split("{}");
    let mut out = parts.next()?.to_owned();
    let mut arguments = arguments.iter();
    for part in parts {
        out.push_str(&argument(arguments.next()?)?);
        out.push_str(part);
    }
    Some(out)
}

fn argument(text: &str) -> Option<String> {
    if text.is_empty() || text.starts_with('-') || text.contains('\'') || text.chars().any(is_hidden) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@+=,%-".contains(c);
    Some(if text.chars().all(plain) { text.to_owned() } else { format!("'{text}'") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn temp_folders_become_paths_of_the_repository() {
        for (text, expected) in [
            ("stat /tmp/kustomization-3957215096/nowhere: no such file", "stat nowhere: no such file"),
            ("'/tmp/kustomization-1/a/b.yaml' : lstat", "'a/b.yaml' : lstat"),
            ("open /var/tmp/kustomization-7/x.yaml", "open x.yaml"),
            ("in directory '/tmp/kustomization-7'", "in directory '.'"),
            ("in directory '/tmp/kustomization-7/'", "in directory '.'"),
            ("apps/kustomization-overlay/x.yaml", "apps/kustomization-overlay/x.yaml"),
            ("apps/kustomization-2a/x.yaml", "apps/kustomization-2a/x.yaml"),
        ] {
            assert_eq!(without_temp_folders(text), expected, "{text}");
        }
    }

    #[test]
    fn wrapped_texts_lose_their_margins() {
        let text =
            "Group 0: FAILED\n  age1x: FAILED\n    - | failed to create reader for\n      | age: identity";
        assert_eq!(one_line(text), "Group 0: FAILED age1x: FAILED failed to create reader for age: identity");
        assert_eq!(one_line("ERROR: x\n | dep.name ==\n | .......^"), "ERROR: x dep.name ==");
        assert_eq!(one_line("\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}"), "red");
    }

    #[test]
    fn secrets_do_not_get_through() {
        assert_eq!(
            readable("unable to clone 'https://bob:hunter2@git.example/x.git': nope"),
            "unable to clone 'https://…@git.example/x.git': nope"
        );
        assert_eq!(readable("ssh://git@git.example/x.git"), "ssh://git@git.example/x.git");
        assert_eq!(
            readable("Get \"https://b.example/o?X-Sig=s3cr3t&ref=v1\": 403"),
            "Get \"https://b.example/o?…&ref=v1\": 403"
        );
        assert_eq!(readable("line AGE-SECRET-KEY-1QQQ is bad"), "line (private key) is bad");
        assert_eq!(
            readable("failed to parse: malformed secret key: invalid character data part: s[1]=111"),
            "failed to parse: malformed secret key"
        );
        let decoder = "Secret in version \"v1\" cannot be handled as a Secret: v1.Secret.StringData: ReadString: \
                       expects \" or n, but found 1, error found in #10 byte of ...|word\":12345|...";
        assert!(!readable(decoder).contains("12345"));
        let invalid = "Secret \"x\" is invalid: type: Invalid value: \"hunter2\": field is immutable";
        assert!(!without_dumps(invalid, true).contains("hunter2"));
    }

    #[test]
    fn dumps_are_left_out_and_what_follows_stays() {
        let dump =
            format!("spec.template: Invalid value: {{\"a\":\"{}\"}}: field is immutable", "x: }".repeat(40));
        assert_eq!(without_dumps(&dump, false), "spec.template: Invalid value: {…}: field is immutable");
        let short = "spec.replicas: Invalid value: -1: must be greater";
        assert_eq!(without_dumps(short, false), short);
    }

    #[test]
    fn subjects_are_read_with_and_without_namespace() {
        let web = Subject { kind: "Deployment", namespace: "apps", name: "web" };
        assert_eq!(subject("Deployment/apps/web"), Some(web));
        let role = Subject { kind: "ClusterRole", namespace: "", name: "system:x" };
        assert_eq!(subject("ClusterRole/system:x"), Some(role));
        for text in ["", "/", "Deployment", "deployment/a/b", "a b/c", "K8s.io/x", "Deployment/"] {
            assert_eq!(subject(text), None, "{text}");
        }
    }

    #[test]
    fn odd_names_make_no_command() {
        assert_eq!(
            command("kubectl create namespace {}", &["x"]).as_deref(),
            Some("kubectl create namespace x")
        );
        assert_eq!(command("git grep {}", &["a b"]).as_deref(), Some("git grep 'a b'"));
        for name in ["", "--all", "x'; rm -rf ~'", "a\nb"] {
            assert_eq!(command("kubectl delete {}", &[name]), None, "{name}");
        }
        assert_eq!(command("{} {}", &["one"]), None);
    }

    #[test]
    fn lists_stay_short() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_helpers(text in any::<String>()) {
            let _ = (without_temp_folders(&text), without_dumps(&text, true), subject(&text), resource_id(&text));
            let _ = (sentence(&text), short_recipient(&text), not_found(&text, "secrets"));
            prop_assert!(!summary(&text).is_empty());
            prop_assert!(!summary(&text).contains(is_hidden));
            prop_assert!(!readable(&text).contains(is_hidden));
            prop_assert!(readable(&text).chars().count() <= QUOTATION);
        }

        #[test]
        fn temp_folders_never_survive(digits in "[0-9]{1,10}", path in "[a-z/.-]{0,20}") {
            let text = format!("open /tmp/kustomization-{digits}/{path}: no such file");
            prop_assert!(!without_temp_folders(&text).contains(&digits));
        }
    }
}
