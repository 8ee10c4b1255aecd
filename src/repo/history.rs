//! What Git writes, taken apart. Pure.

use crate::model::Commit;

/// How `git log` is to write a commit: its fields, each behind one of these signs.
pub(super) const FORMAT: &str = "%x01%H%x02%h%x02%cI%x02%an%x02%P%x02%s";

/// Whether this is the whole name of an object: what a cluster says must not become an option.
pub(super) fn is_name(commit: &str) -> bool {
    [40, 64].contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `git config -z --get-regexp`: key, line end, value, NUL.
pub(super) fn remotes(said: &str) -> Vec<(String, String)> {
    let entries = said.split('\0').filter_map(|entry| entry.split_once('\n'));
    let named =
        entries.filter_map(|(key, url)| Some((key.strip_prefix("remote.")?.strip_suffix(".url")?, url)));
    named.map(|(name, url)| (name.to_owned(), url.to_owned())).collect()
}

/// `git remote -v`: name, tab, address, direction.
pub(super) fn rewritten(said: &str) -> Vec<(String, String)> {
    let lines = said.lines().filter_map(|line| line.split_once('\t'));
    let fetched = lines.filter_map(|(name, rest)| Some((name, rest.rsplit_once(" (")?.0)));
    fetched.map(|(name, url)| (name.to_owned(), url.to_owned())).collect()
}

/// Two numbers with a tab between them.
pub(super) fn two_numbers(said: &str) -> Option<(usize, usize)> {
    let (left, right) = said.trim().split_once('\t')?;
    left.parse().ok().zip(right.parse().ok())
}

/// `git ls-tree -r -z`: mode, type, name of the content, tab, path, NUL.
pub(super) fn tree(said: &str) -> Vec<(String, String)> {
    let entries = said.split('\0').filter_map(|entry| entry.split_once('\t'));
    let files = entries.filter_map(|(about, path)| {
        let mut about = about.split(' ');
        let (mode, _, name) = (about.next()?, about.next()?, about.next()?);
        mode.starts_with("100").then(|| (path.to_owned(), name.to_owned()))
    });
    files.collect()
}

/// `git cat-file --batch`: `<name> blob <size>`, a line end, the content and a line end; or `<name> missing`.
pub(super) fn batch(said: &[u8]) -> Vec<Option<String>> {
    let mut rest = said;
    let mut contents = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let words: Vec<&str> = head.split(' ').collect();
        let size = match words.as_slice() {
            [_, "blob", size] => size.parse::<usize>().ok(),
            _ => None, // `<what was asked for> missing`, or a folder
        };
        let Some(size) = size.filter(|size| *size <= rest.len()) else {
            contents.push(None);
            continue;
        };
        contents.push(std::str::from_utf8(&rest[..size]).ok().map(str::to_owned));
        rest = rest.get(size + 1..).unwrap_or_default();
    }
    contents
}

/// `git log -z --name-only` in [`FORMAT`].
pub(super) fn commits(said: &str) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    for token in said.split('\0') {
        let token = token.trim_start_matches('\n');
        if let Some(fields) = token.strip_prefix('\u{1}') {
            commits.extend(commit(fields));
        } else if let Some(commit) = commits.last_mut().filter(|_| !token.is_empty()) {
            commit.paths.push(token.to_owned());
        }
    }
    for commit in &mut commits {
        commit.paths.sort();
        commit.paths.dedup();
    }
    commits
}

fn commit(fields: &str) -> Option<Commit> {
    let fields: Vec<&str> = fields.splitn(6, '\u{2}').collect();
    let [id, short, time, author, parents, subject] = fields.as_slice() else { return None };
    Some(Commit {
        id: (*id).to_owned(),
        short: (*short).to_owned(),
        time: time.parse().ok()?,
        author: (*author).to_owned(),
        merge: parents.split_whitespace().count() > 1,
        subject: subject.trim().to_owned(),
        paths: Vec::new(),
        objects: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_calls_a_commit_is_no_option() {
        assert!(is_name("8c1d22e11507a0e2f5e69d5dfa40a62a1bd7b6ee"));
        for odd in ["", "8c1d22e", "--upload-pack=x", "HEAD", "8c1d22e11507a0e2f5e69d5dfa40a62a1bd7b6e;"] {
            assert!(!is_name(odd), "{odd}");
        }
    }

    #[test]
    fn a_log_is_commits_with_their_paths() {
        let said = "\u{1}aa\u{2}a\u{2}2026-11-24T02:39:00+01:00\u{2}Jo Doe\u{2}p\u{2}rotate: a\u{2}b\0\nb.yaml\0a b.yaml\0\0\u{1}bb\u{2}b\u{2}2026-11-24T02:00:00Z\u{2}Jo\u{2}p q\u{2}Merge\0";
        let found = commits(said);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].subject.as_str(), found[0].merge), ("rotate: a\u{2}b", false));
        assert_eq!(found[0].time.to_string(), "2026-11-24T01:39:00Z");
        assert_eq!(found[0].paths, ["a b.yaml", "b.yaml"]);
        assert_eq!((found[1].short.as_str(), found[1].merge, found[1].paths.len()), ("b", true, 0));
    }

    #[test]
    fn contents_come_one_by_one_whatever_is_in_them() {
        let said = b"aa blob 4\na\nb\n\nbb missing\ncc blob 2\n\xff\xfe\ndd blob 0\n\n";
        assert_eq!(batch(said), [Some("a\nb\n".to_owned()), None, None, Some(String::new())]);
    }

    #[test]
    fn remotes_are_taken_as_written_and_as_rewritten() {
        let written = "remote.origin.url\nhttps://a/b\0remote.my.fork.url\ngh:c\0";
        let named = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect()
        };
        assert_eq!(remotes(written), named(&[("origin", "https://a/b"), ("my.fork", "gh:c")]));
        assert_eq!(rewritten("my.fork\tgit@h:c (fetch)\n"), named(&[("my.fork", "git@h:c")]));
    }

    #[test]
    fn links_and_submodules_are_no_files() {
        let said = "100644 blob aa\ta b.yaml\u{0}120000 blob bb\tlink\u{0}160000 commit cc\tsub\u{0}100755 blob dd\tx\0";
        let paths: Vec<String> = tree(said).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a b.yaml", "x"]);
    }
}
