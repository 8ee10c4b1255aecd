//! The plan against controllers: simulated ones, and recordings of real ones.

mod moments;
mod properties;
mod replay;
mod scenes;
mod sim;

use super::{End, Grounds};
use crate::model::ObjectKey;

/// An end in a few words.
fn describe(end: &End, name: &dyn Fn(&[ObjectKey]) -> String) -> String {
    match end {
        End::Done { asked: true, .. } => "done".to_owned(),
        End::Done { asked: false, .. } => "done by itself".to_owned(),
        End::LeftAlone { .. } => "left alone".to_owned(),
        End::Failed(failure) => {
            format!("failed {}{}", failure.reason, if failure.stalled { " stalled" } else { "" })
        }
        End::Skipped { behind } => format!("skipped behind {}", name(behind)),
        End::Refused(Grounds::Cycle { members }) => format!("refused cycle {}", name(members)),
        End::Refused(Grounds::Missing { objects }) => format!("refused missing {}", name(objects)),
        End::Refused(grounds) => format!("refused {grounds:?}").to_lowercase(),
        End::OutOfTime { behind, .. } => format!("out of time {}", name(behind)).trim_end().to_owned(),
        End::Gone => "gone".to_owned(),
        End::NotAsked => "not asked".to_owned(),
        End::LeftRunning => "left running".to_owned(),
    }
}
