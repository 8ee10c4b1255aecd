//! `version` for people.

use std::collections::BTreeSet;
use std::io::{self, Write};

use comfy_table::{Table, presets};

use super::page::Page;
use crate::diagnosis::installation::Installation;
use crate::model::Presence;
use crate::render::View;

/// Writes the versions; without an installation that of this program alone.
pub fn write(
    out: &mut dyn Write,
    kubernetes: Option<&str>,
    installation: Option<(&str, &Installation)>,
    view: View,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    page.line(&format!("kubectl-fluxlayers  v{}", env!("CARGO_PKG_VERSION")))?;
    let Some((label, installation)) = installation else { return Ok(()) };
    if let Some(kubernetes) = kubernetes {
        let label = page.words(label);
        let kubernetes = page.words(kubernetes);
        page.line(&format!("Kubernetes          {kubernetes}  ({label})"))?;
    }
    let flux = match &installation.version {
        Some(version) => page.words(version),
        None => match installation.presence {
            Presence::There if installation.complete => "installed, no version is stated".to_owned(),
            Presence::There => "installed, version not in sight".to_owned(),
            Presence::Absent => "not installed".to_owned(),
            Presence::Hidden => "not in sight".to_owned(),
        },
    };
    page.line(&format!("Flux                {flux}"))?;
    if installation.controllers.is_empty() {
        return Ok(());
    }
    let namespaces: BTreeSet<&str> =
        installation.controllers.iter().map(|controller| controller.key.namespace.as_str()).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["CONTROLLER", "VERSION", "PODS", "FLAGS"]);
    for controller in &installation.controllers {
        let name =
            if namespaces.len() == 1 { controller.key.name.clone() } else { controller.key.namespaced_name() };
        let flags = if controller.flags.is_empty() { "-".to_owned() } else { controller.flags.join(" ") };
        table.add_row([
            page.words(&name),
            page.words(controller.version.as_deref().unwrap_or("-")),
            format!("{}/{}", controller.available, controller.wanted),
            page.words(&flags),
        ]);
    }
    for absent in &installation.absent {
        table.add_row([page.words(&absent.name), "-".to_owned(), "absent".to_owned(), "-".to_owned()]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    page.blank()?;
    for line in table.lines() {
        page.line(line.trim_end())?;
    }
    Ok(())
}
