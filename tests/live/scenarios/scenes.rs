//! The scenes of `tests/fixtures/live/README.md`, made again.

use anyhow::Result;

use crate::harness::{Bench, Scene};

/// Applies `objects.yaml` over the scene's tree, waits until the controllers say what the recording says, compares.
fn plain(bench: &Bench, name: &str) -> Result<()> {
    let scene = Scene::set_up(bench, name)?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded(name)?;
    scene.matches(name)
}

macro_rules! plain {
    ($($name:ident),*) => {
        $(pub(crate) fn $name(bench: &Bench) -> Result<()> { plain(bench, stringify!($name)) })*
    };
}

plain!(basic, cycle, depmissing, build, expr, parent, health, helm);
