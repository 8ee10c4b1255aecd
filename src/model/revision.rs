//! Revisions of artifacts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Revision of an artifact: `main@sha1:…`, `sha256:…`, or a chart version. Compared as an opaque string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl Revision {
    /// For people: reference and the first seven digits, `main@8c1d22e`; chart versions stay as they are.
    pub fn short(&self) -> String {
        let (reference, digest) = match self.0.rsplit_once('@') {
            Some((reference, digest)) => (Some(reference), digest),
            None => (None, self.0.as_str()),
        };
        let Some((algorithm, hex)) = digest.split_once(':') else { return self.0.clone() };
        let hex: String = hex.chars().take(7).collect();
        match reference {
            Some(reference) => {
                let reference = reference
                    .strip_prefix("refs/heads/")
                    .or_else(|| reference.strip_prefix("refs/tags/"))
                    .unwrap_or(reference);
                format!("{reference}@{hex}")
            }
            None => format!("{algorithm}:{hex}"),
        }
    }

    /// The digest of an artifact that has one, `sha256:…`; `None` for a chart version.
    pub fn digest(&self) -> Option<&str> {
        let digest = self.0.rsplit_once('@').map_or(self.0.as_str(), |(_, digest)| digest);
        digest.contains(':').then_some(digest)
    }

    /// The branch of a Git revision, `None` for tags, commits alone and every other kind.
    pub fn branch(&self) -> Option<&str> {
        let (reference, digest) = self.0.rsplit_once('@')?;
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
        (digest.starts_with("sha1:") && !branch.starts_with("refs/")).then_some(branch)
    }

    /// The commit of a Git revision, `None` for every other kind.
    pub fn commit(&self) -> Option<&str> {
        let digest = self.0.rsplit_once('@').map_or(self.0.as_str(), |(_, digest)| digest);
        digest.strip_prefix("sha1:")
    }

    /// The commit that an OCI artifact says it was made from: as Flux writes it (`main@sha1:…`), or its bare name.
    pub fn origin_commit(&self) -> Option<&str> {
        let is_name = |name: &&str| name.len() == 40 && name.chars().all(|digit| digit.is_ascii_hexdigit());
        self.commit().filter(is_name).or(Some(self.0.as_str()).filter(is_name))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keeps_the_reference_and_seven_digits() {
        for (long, short) in [
            ("main@sha1:ad52649a1976b2322a079dfeee95b53b176be70f", "main@ad52649"),
            ("refs/heads/main@sha1:ad52649a1976b2322a", "main@ad52649"),
            ("sha1:ad52649a1976b2322a", "sha1:ad52649"),
            ("latest@sha256:7b2533b19b3f", "latest@7b2533b"),
            ("sha256:7b2533b19b3f", "sha256:7b2533b"),
            ("1.2.3", "1.2.3"),
            ("1.2.3+7b2533b19b3f", "1.2.3+7b2533b19b3f"),
        ] {
            assert_eq!(Revision(long.to_owned()).short(), short);
        }
    }

    #[test]
    fn commit_is_that_of_git_alone() {
        assert_eq!(Revision("main@sha1:ad52".to_owned()).commit(), Some("ad52"));
        assert_eq!(Revision("sha1:ad52".to_owned()).commit(), Some("ad52"));
        assert_eq!(Revision("latest@sha256:7b25".to_owned()).commit(), None);
        assert_eq!(Revision("1.2.3".to_owned()).commit(), None);
    }

    #[test]
    fn an_artifact_names_its_commit_in_full_or_not_at_all() {
        let name = "ad52649a1976b2322a079dfeee95b53b176be70f";
        for (origin, commit) in [
            (format!("main@sha1:{name}"), Some(name)),
            (name.to_owned(), Some(name)),
            ("v1.2.3".to_owned(), None),
            ("main@sha1:ad52".to_owned(), None),
        ] {
            assert_eq!(Revision(origin).origin_commit(), commit);
        }
    }

    #[test]
    fn a_chart_version_has_no_digest() {
        for (revision, digest) in [
            ("6.6.0@sha256:7b25", Some("sha256:7b25")),
            ("sha256:7b25", Some("sha256:7b25")),
            ("6.6.0", None),
            ("6.6.0+7b2533b19b3f", None),
        ] {
            assert_eq!(Revision(revision.to_owned()).digest(), digest);
        }
    }
}
