//! A Git repository of the forge, to which the test pushes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// A bare repository behind the forge, and a work tree beside it.
pub(crate) struct Repository {
    bare: PathBuf,
    work: PathBuf,
}

impl Repository {
    /// An empty repository `<name>.git` in the forge's folder.
    pub(crate) fn create(forge: &Path, name: &str) -> Result<Repository> {
        let repository = Repository {
            bare: forge.join(format!("git/{name}.git")),
            work: forge.join(format!("work/{name}")),
        };
        for old in [&repository.bare, &repository.work] {
            if old.exists() {
                std::fs::remove_dir_all(old)?; // of another scenario with the same files
            }
        }
        std::fs::create_dir_all(&repository.bare)?;
        std::fs::create_dir_all(&repository.work)?;
        repository.git(&repository.bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        repository.git(&repository.work, &["init", "--quiet", "--initial-branch=main", "."])?;
        let bare = repository.bare.display().to_string();
        repository.git(&repository.work, &["remote", "add", "origin", &bare])?;
        Ok(repository)
    }

    /// The work tree.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Live Test",
                "-c",
                "user.email=live@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {}: {errors}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Writes a file of the work tree; nothing is committed.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.work.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// Commits all that changed and pushes it; the new commit's hash.
    pub(crate) fn push(&self, message: &str) -> Result<String> {
        self.git(&self.work, &["add", "--all"])?;
        self.git(&self.work, &["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&self.work, &["push", "--quiet", "origin", "HEAD:main"])?;
        self.head()
    }

    /// The hash of the newest commit.
    pub(crate) fn head(&self) -> Result<String> {
        self.git(&self.work, &["rev-parse", "HEAD"])
    }
}
