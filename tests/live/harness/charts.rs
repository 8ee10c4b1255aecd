//! The Helm repository: the charts of `tests/live/charts`, packaged, with their index.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Packages every folder `<name>-<version>` of `sources` into `target`, and writes `index.yaml`.
pub(crate) fn package(sources: &Path, target: &Path) -> Result<()> {
    let mut folders: Vec<_> =
        std::fs::read_dir(sources)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.sort();
    let mut index = "apiVersion: v1\nentries:\n".to_owned();
    let mut last = String::new();
    for folder in folders {
        let folder_name = folder.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let (name, version) =
            folder_name.rsplit_once('-').with_context(|| format!("{folder_name}: no version"))?;
        let archive = std::fs::File::create(target.join(format!("{folder_name}.tgz")))?;
        let mut archive = tar::Builder::new(GzEncoder::new(archive, Compression::default()));
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        let mut header = tar::Header::new_gnu();
        header.set_size(chart.len().try_into()?);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("{name}/Chart.yaml"), chart.as_bytes())?;
        archive.append_dir_all(name, &folder)?;
        archive.into_inner()?.finish()?;
        if name != last {
            writeln!(index, "  {name}:")?;
            name.clone_into(&mut last);
        }
        writeln!(index, "  - {{apiVersion: v2, name: {name}, version: {version}, urls: [{folder_name}.tgz]}}")?;
    }
    std::fs::write(target.join("index.yaml"), index)?;
    Ok(())
}
