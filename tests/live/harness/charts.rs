//! The Helm repository: the charts of `tests/live/charts`, packaged, with their index.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

/// What stands for a chart that only has to be there.
const ORDINARY: &str = "app-1.0.0";

/// Packages every folder `<name>-<version>` of `sources` into `target`, and the ordinary chart under these other names and
/// versions, and writes `index.yaml`.
pub(crate) fn package(sources: &Path, others: &[(String, String)], target: &Path) -> Result<()> {
    let mut folders = BTreeMap::new();
    for (name, version) in others {
        folders.insert((name.clone(), version.clone()), sources.join(ORDINARY));
    }
    for entry in std::fs::read_dir(sources)? {
        let folder = entry?.path();
        let name = folder.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let (name, version) = name.rsplit_once('-').with_context(|| format!("{name}: no version"))?;
        folders.insert((name.to_owned(), version.to_owned()), folder.clone());
    }
    let mut index = "apiVersion: v1\nentries:\n".to_owned();
    let mut last = String::new();
    for ((name, version), folder) in &folders {
        let file = format!("{name}-{version}.tgz");
        let archive = std::fs::File::create(target.join(&file))?;
        let mut archive = tar::Builder::new(GzEncoder::new(archive, Compression::default()));
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        let mut header = tar::Header::new_gnu();
        header.set_size(chart.len().try_into()?);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("{name}/Chart.yaml"), chart.as_bytes())?;
        archive.append_dir_all(name, folder)?;
        archive.into_inner()?.finish()?;
        if *name != last {
            writeln!(index, "  {name}:")?;
            last.clone_from(name);
        }
        writeln!(index, "  - {{apiVersion: v2, name: {name}, version: {version}, urls: [{file}]}}")?;
    }
    std::fs::write(target.join("index.yaml"), index)?;
    Ok(())
}
