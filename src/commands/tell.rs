//! Tells what a plan does while it does it: a picture that is drawn in place, a line each, or a document each.

use std::time::Duration;

use super::watch::tell_trouble;
use crate::cluster::{Trouble, Watch};
use crate::diagnosis::selection::spell;
use crate::diagnosis::why::why;
use crate::diagnosis::{Cause, Diagnosis, diagnose};
use crate::error::CommandError;
use crate::model::ObjectKey;
use crate::output::Output;
use crate::reconcile::{End, Event, Mode, Plan};
use crate::render::human::reconcile as human;
use crate::render::human::watch::write_trouble;
use crate::render::json;
use crate::render::json::reconcile::EventV1;

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A picture, drawn in place.
    Drawn,
    /// A line an event.
    Lines,
    /// A document an event.
    Documents,
}

/// Tells what a plan does.
pub(super) struct Teller<'a> {
    /// What was seen first: for the shortest names.
    pub(super) first: &'a Diagnosis,
    pub(super) how: How,
    pub(super) verbose: bool,
    /// Whether anything is asked.
    pub(super) mode: Mode,
    /// What is known now, once something has to be explained.
    world: Option<Diagnosis>,
    picture: (String, String),
    trouble: Option<Trouble>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(first: &'a Diagnosis, how: How, mode: Mode, verbose: bool) -> Self {
        Self { first, how, verbose, mode, world: None, picture: Default::default(), trouble: None }
    }

    /// Whether a picture is drawn from time to time.
    pub(super) fn is_drawn(&self) -> bool {
        self.how == How::Drawn
    }

    /// Forgets the picture, because it is no longer on the screen.
    pub(super) fn forget(&mut self) {
        self.picture = Default::default();
    }

    /// Something has changed: what was known is looked at anew.
    pub(super) fn forget_world(&mut self) {
        self.world = None;
    }

    /// The shortest name of an object.
    pub(super) fn name(&self, key: &ObjectKey) -> String {
        spell(self.first, key)
    }

    pub(super) fn tell(
        &mut self,
        at: Duration,
        event: &Event,
        plan: &Plan,
        out: &mut Output,
    ) -> Result<(), CommandError> {
        match self.how {
            How::Drawn => {}
            How::Lines => {
                let view = out.view();
                human::write_event(out.stdout(), event, &|key| self.name(key), view, self.mode, self.verbose)?;
            }
            How::Documents => {
                let object = match event {
                    Event::Waiting { object, .. }
                    | Event::Asked { object, .. }
                    | Event::Running { object, .. }
                    | Event::Ended { object, .. } => object,
                };
                let layer = self.first.objects.get(object).and_then(|object| object.layer);
                let found = self.cause_of(event, plan);
                json::write_line(out.stdout(), &EventV1::of(event, layer, at, found.as_ref()))?;
            }
        }
        Ok(())
    }

    /// Draws where everything stands, if that has changed.
    pub(super) fn draw(
        &mut self,
        at: Duration,
        plan: &Plan,
        watch: &Watch,
        out: &mut Output,
    ) -> Result<(), CommandError> {
        out.measure(); // not every system tells that a terminal has another size
        let (mut text, mut last) = (Vec::new(), Vec::new());
        let view = out.view();
        let names = |key: &ObjectKey| self.name(key);
        human::write_picture(&mut text, &plan.states(), at, &self.first.label, &names, view)?;
        if let Some(Trouble { since, what, reason, .. }) = watch.trouble() {
            write_trouble(&mut last, what, reason, *since, watch.now(), view)?;
        }
        let picture = [text, last].map(|text| String::from_utf8_lossy(&text).into_owned());
        let picture: (String, String) = picture.into();
        if picture != self.picture {
            out.draw(&picture.0, &picture.1)?;
            self.picture = picture;
        }
        Ok(())
    }

    /// Where no picture says so, standard error does: what is lost and why, and that it is back.
    pub(super) fn tell_trouble(&mut self, now: Option<&Trouble>, out: &Output) {
        if self.is_drawn() {
            return;
        }
        tell_trouble(&mut self.trouble, now, out);
    }

    /// The root cause of a failure that was just told, as far as what is followed shows it.
    fn cause_of(&mut self, event: &Event, plan: &Plan) -> Option<Cause> {
        let Event::Ended { object, end: End::Failed(_) | End::OutOfTime { .. }, .. } = event else {
            return None;
        };
        let diagnosis = self.world.get_or_insert_with(|| diagnose(plan.world()));
        why(diagnosis, object)?.causes.into_iter().next()
    }
}
