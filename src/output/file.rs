//! A file that is written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file by way of another beside it, so that nobody ever sees a part of it; one that exists stays unless
/// `replace`.
pub fn write_whole(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let exists = || io::Error::new(io::ErrorKind::AlreadyExists, "the file exists; --force replaces it");
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::Error::other("it is a folder")),
        // Such as a pipe or /dev/stdout, which no other file can take the place of.
        Ok(found) if !found.is_file() => {
            let mut file = BufWriter::new(OpenOptions::new().write(true).open(path)?);
            write(&mut file)?;
            return file.flush();
        }
        Ok(_) if !replace => return Err(exists()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let target =
        if replace { fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()) } else { path.to_owned() };
    let (mut part, file) = Part::create(&target)?;
    let mut file = BufWriter::new(file);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    drop(file);
    match replace {
        true => fs::rename(&part.path, &target)?,
        // Unlike a rename, a link never takes the place of what has come meanwhile.
        false => match fs::hard_link(&part.path, &target) {
            Ok(()) => return Ok(()), // the other name goes with `part`
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
            Err(_) => fs::rename(&part.path, &target)?, // a file system without links
        },
    }
    part.done = true;
    Ok(())
}

/// The file that is being written; it is gone when this is, unless it became the other one.
struct Part {
    path: PathBuf,
    done: bool,
}

impl Part {
    fn create(target: &Path) -> io::Result<(Self, File)> {
        let name = target.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
        for number in 0..100 {
            let mut part = name.to_owned();
            part.push(format!(".part-{}-{number}", std::process::id()));
            let path = target.with_file_name(part);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path, done: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no free name beside it"))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.path); // nothing is lost where it stays
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let failed = write_whole(&path, false, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("broken"))
        });
        assert_eq!((failed.unwrap_err().to_string(), entries(folder.path())), ("broken".to_owned(), vec![]));
        write_whole(&path, false, |file| file.write_all(b"whole")).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), entries(folder.path())),
            (b"whole".to_vec(), vec!["a.yaml".to_owned()])
        );
    }

    #[test]
    fn a_file_that_exists_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").unwrap();
        let refused = write_whole(&path, false, |file| file.write_all(b"new")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert!(write_whole(&path, true, |_| Err(io::Error::other("broken"))).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_whole(&path, true, |file| file.write_all(b"new")).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), entries(folder.path())),
            (b"new".to_vec(), vec!["a.yaml".to_owned()])
        );
    }

    #[test]
    fn a_folder_and_a_folder_that_is_not_there_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_whole(folder.path(), true, |_| Ok(())).is_err());
        assert!(write_whole(&folder.path().join("absent/a.yaml"), false, |_| Ok(())).is_err());
    }
}
