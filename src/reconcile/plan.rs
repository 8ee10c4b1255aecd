//! The plan itself.

use std::time::Duration;

use super::action::{Action, End};
use super::observation::Observation;
use super::options::{Options, Scope};
use crate::model::{ObjectKey, Snapshot};

/// Brings objects up in order: see the module.
#[derive(Debug)]
pub struct Plan {
    world: Snapshot,
    scope: Scope,
    options: Options,
    at: Duration,
}

/// Where one object or source stands in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its turn has not come.
    Waiting {
        /// What it waits for.
        behind: Vec<ObjectKey>,
    },
    /// Its turn has come, and as many as may be are under way.
    Queued,
    /// A request is on its way, or a moment is given to a run that may begin by itself.
    Asking,
    /// It was asked, or runs by itself, and is awaited.
    Running {
        /// The controller's words; may be empty.
        message: String,
    },
    /// It is over.
    Ended(End),
}

/// One line of the live list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView<'a> {
    /// Which object or source.
    pub object: &'a ObjectKey,
    /// Layer of an object that has one; `None` for sources and what is in or behind a cycle.
    pub layer: Option<usize>,
    /// Whether it is meant, and not only waited for because something that is meant needs it.
    pub wanted: bool,
    /// Where it stands.
    pub state: StepState,
    /// When it came to be so, since the start.
    pub since: Duration,
    /// When its turn came, since the start.
    pub turn: Option<Duration>,
    /// How long its run took last time, by its history.
    pub expected: Option<Duration>,
}

impl Plan {
    /// A plan for what is in scope of this world. Nothing happens before [`Plan::next_actions`].
    pub fn new(world: Snapshot, scope: Scope, options: Options) -> Self {
        Self { world, scope, options, at: Duration::ZERO }
    }

    /// Takes in what was seen at that time since the start; several may be told before [`Plan::next_actions`].
    pub fn observe(&mut self, at: Duration, observation: Observation) {
        self.at = self.at.max(at);
        if let Observation::World(world) = observation {
            self.world = *world;
        }
    }

    /// What is to be done now. Empty where nothing has changed.
    pub fn next_actions(&mut self) -> Vec<Action> {
        let _ = (&self.scope, &self.options);
        Vec::new()
    }

    /// Whether a request is still to be sent: `false` once its annotation was seen, or nobody waits for it any more. Ask
    /// before every further try of one that got no answer.
    pub fn wants(&self, object: &ObjectKey, token: &str) -> bool {
        let _ = (object, token);
        false
    }

    /// Everything that is known, as the plan sees it now: what `why` needs to explain a failure.
    pub fn world(&self) -> &Snapshot {
        &self.world
    }

    /// Where everything stands: sources first, then objects by layer, those without one last.
    pub fn states(&self) -> Vec<StepView<'_>> {
        Vec::new()
    }

    /// What a fresh plan would do, in the same order, nothing being done: an object that would be asked is `Waiting` or
    /// `Queued`, all others have `Ended` as they would.
    pub fn layers(&self) -> Vec<StepView<'_>> {
        Vec::new()
    }
}
