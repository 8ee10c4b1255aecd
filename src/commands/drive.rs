//! Carries a plan out on a cluster: what the watches tell goes in, requests and news come out.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::signals::{Signal, Signals};
use super::tell::Teller;
use crate::cluster::{AskError, Asker, Changed, Watch, Wish};
use crate::error::CommandError;
use crate::model::ObjectKey;
use crate::output::Output;
use crate::reconcile::{Action, Ending, Observation, Plan, Request, Unasked};
use crate::wire::Change;

/// Changes that are taken in before the plan is asked again.
const CHANGES_AT_ONCE: usize = 512;

/// Four pictures a second at most.
const BETWEEN_PICTURES: Duration = Duration::from_millis(250);

/// How a plan ended.
pub(super) struct Ended {
    pub(super) ending: Ending,
    /// How long it took.
    pub(super) took: Duration,
    /// The signal that ended it.
    pub(super) stopped: Option<u8>,
}

/// Follows the plan to its end. A first Ctrl-C ends it with a report, a second one at once.
pub(super) async fn drive(
    watch: &mut Watch,
    plan: &mut Plan,
    teller: &mut Teller<'_>,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<Ended, CommandError> {
    let mut drive = Drive {
        began: Instant::now(),
        asker: watch.asker(),
        asking: FuturesUnordered::new(),
        wanted: BTreeMap::new(),
        wake: None,
        blind: false,
    };
    let mut stopped = None;
    let mut next_picture = drive.began;
    loop {
        let actions = plan.next_actions();
        teller.forget_world();
        for action in actions {
            match action {
                Action::Ask(request) => drive.ask(request),
                Action::Tell(event) => teller.tell(drive.began.elapsed(), &event, plan, out)?,
                Action::WakeAt(at) => drive.wake = Some(drive.began + at),
                Action::Finish(ending) => {
                    return Ok(Ended { ending, took: drive.began.elapsed(), stopped });
                }
            }
        }
        if !teller.is_drawn() {
            out.finish()?;
        }
        if out.is_closed() && stopped.is_none() {
            stopped = Some(BROKEN_PIPE);
            plan.observe(drive.began.elapsed(), Observation::Interrupted);
            continue;
        }
        let wake = drive.wake.unwrap_or(drive.began);
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Stop(number) if stopped.is_some() => return Err(CommandError::Stopped(number)),
                Signal::Stop(number) => {
                    stopped = Some(number);
                    plan.observe(drive.began.elapsed(), Observation::Interrupted);
                }
                Signal::Resized => teller.forget(),
                Signal::StepAside => {
                    out.leave_screen();
                    Signals::step_aside()?;
                    if teller.is_drawn() {
                        out.enter_screen()?;
                        teller.forget();
                    }
                }
            },
            Some((request, result)) = drive.asking.next() => drive.answered(plan, request, result),
            changed = watch.changed() => drive.take(watch, plan, changed),
            () = sleep_until(wake), if drive.wake.is_some() => {
                drive.wake = None;
                plan.observe(drive.began.elapsed(), Observation::Time);
            }
            () = sleep_until(next_picture), if teller.is_drawn() => {
                teller.draw(drive.began.elapsed(), plan, watch, out)?;
                next_picture = Instant::now() + BETWEEN_PICTURES;
            }
        }
        drive.look_at_requests(plan);
        drive.look_at_connection(watch, plan, teller, out);
    }
}

/// SIGPIPE.
const BROKEN_PIPE: u8 = 13;

struct Drive {
    began: Instant,
    asker: Asker,
    /// Requests on their way; none goes on when this is dropped.
    asking: FuturesUnordered<LocalBoxFuture<'static, (Request, Result<(), AskError>)>>,
    /// Whether they are still to be sent.
    wanted: BTreeMap<Sent, Rc<Cell<bool>>>,
    wake: Option<Instant>,
    blind: bool,
}

/// A request: which object, and its token.
type Sent = (ObjectKey, String);

impl Drive {
    fn ask(&mut self, request: Request) {
        let wanted = Rc::new(Cell::new(true));
        self.wanted.insert((request.object.clone(), request.token.clone()), wanted.clone());
        let asker = self.asker.clone();
        let asked = async move {
            let Request { token, force, reset, .. } = request.clone();
            let wish = Wish { token, force, reset };
            let result = asker.ask(&request.object, &wish, || wanted.get()).await;
            (request, result)
        };
        self.asking.push(asked.boxed_local());
    }

    fn answered(&mut self, plan: &mut Plan, request: Request, result: Result<(), AskError>) {
        let Request { object, token, .. } = request;
        self.wanted.remove(&(object.clone(), token.clone()));
        let why = match result {
            Ok(()) => {
                return plan.observe(self.began.elapsed(), Observation::Asked { object, token });
            }
            Err(AskError::Unwanted) => return,
            Err(AskError::Gone) => Unasked::NotFound,
            Err(AskError::Forbidden(said)) => Unasked::Forbidden(said),
            Err(error) => Unasked::Failed(error.to_string()),
        };
        plan.observe(self.began.elapsed(), Observation::NotAsked { object, token, why });
    }

    /// Takes in a change, and all those that have come meanwhile.
    fn take(&mut self, watch: &mut Watch, plan: &mut Plan, first: Changed) {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(changed) = next.take() {
            taken += 1;
            let observation = match changed {
                Changed::Nothing => None,
                Changed::Object(Change::Node(node)) => Some(Observation::Node(node)),
                Changed::Object(Change::Source(source)) => Some(Observation::Source(source)),
                Changed::Object(Change::Gone(key)) => Some(Observation::Gone(key)),
                Changed::Everything => Some(Observation::World(Box::new(watch.snapshot()))),
            };
            if let Some(observation) = observation {
                plan.observe(self.began.elapsed(), observation);
            }
            if taken < CHANGES_AT_ONCE {
                next = watch.changed().now_or_never(); // whatever is fetched here is taken in
            }
        }
    }

    /// Tells the requests on their way which of them are still to be sent.
    fn look_at_requests(&self, plan: &Plan) {
        for ((object, token), wanted) in &self.wanted {
            if !plan.wants(object, token) {
                wanted.set(false);
            }
        }
    }

    fn look_at_connection(&mut self, watch: &Watch, plan: &mut Plan, teller: &mut Teller<'_>, out: &Output) {
        let blind = watch.is_blind();
        if blind != self.blind {
            self.blind = blind;
            let observation = if blind { Observation::Lost } else { Observation::Resumed };
            plan.observe(self.began.elapsed(), observation);
        }
        teller.tell_trouble(watch.trouble(), out);
    }
}
