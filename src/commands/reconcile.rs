//! `reconcile`: asks the controllers to run, in dependency order, and tells what comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::drive::{Ended, drive};
use super::signals::Signals;
use super::tell::{How, Teller};
use super::why::looks;
use super::{origin, why as explain};
use crate::cli::{Formats, GlobalArgs, KindArg, OutputArg, parse_kind, parse_period};
use crate::cluster::{Cluster, Watch};
use crate::diagnosis::selection::{ObjectArg, Outcome, Selection, require_namespace, spell};
use crate::diagnosis::why::{Why, why};
use crate::diagnosis::{Cause, Diagnosis, diagnose};
use crate::error::CommandError;
use crate::model::{GroupKind, ObjectKey, Snapshot};
use crate::output::Output;
use crate::reconcile::{Cut, End, Ending, Grounds, Mode, Options, Plan, Scope, StepState};
use crate::render::human::reconcile::{Over, write_ending, write_plan};
use crate::render::json::reconcile::EventV1;
use crate::render::{human, json};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # bring up whatever is not ready at its source's revision, in order
  kubectl fluxlayers reconcile --ordered

  # one object with all that it depends on
  kubectl fluxlayers reconcile apps --ordered

  # what would be done
  kubectl fluxlayers reconcile --ordered --dry-run

  # one object, its source first; fails with the cause as soon as its run has failed
  kubectl fluxlayers reconcile apps

Writes nothing but the annotations reconcile.fluxcd.io/requestedAt, forceAt and resetAt.

Exit codes:
  0  everything that was meant is up
  1  something failed, was skipped or refused, or ran out of time
  2  no answer, and nothing was asked
  130  after Ctrl-C; what was asked goes on inside the cluster";

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Objects to run: NAME, KIND/NAME or KIND/NAMESPACE/NAME
    ///
    /// KIND is ks, hr or a long name, in any case.
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<ObjectArg>,

    /// Dependencies first; without OBJECT everything that is not ready at its source's revision
    #[arg(long)]
    pub ordered: bool,

    /// Take what depends on OBJECT as well
    #[arg(long, requires = "ordered", requires = "objects")]
    pub dependents: bool,

    /// Tell what would be done, layer by layer, and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Run again what is ready, too
    #[arg(long, requires = "ordered")]
    pub all: bool,

    /// Kinds to run: ks, hr or all (default: ks)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<KindArg>,

    /// Refresh the sources first (default: true)
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = true,
        hide_default_value = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub with_source: bool,

    /// Objects under way at the same time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub concurrency: usize,

    /// Time for the whole, such as 10m (default: each object's own time-out)
    #[arg(long, value_name = "DURATION", value_parser = parse_period)]
    pub timeout: Option<Duration>,

    /// Ask nothing more after the first failure
    #[arg(long)]
    pub fail_fast: bool,

    /// Install or upgrade HelmReleases even if nothing has changed
    #[arg(long)]
    pub force: bool,

    /// Let HelmReleases forget their failures
    #[arg(long)]
    pub reset: bool,

    /// Read no Secret to explain what failed, not even for its key names
    #[arg(long)]
    pub no_secrets: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,
}

/// How to tell what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: a list that is drawn in place on a terminal, else a line an event
    Table,
    /// `fluxlayers/v1`: a document a line, one for each event
    Json,
}

impl Formats for Format {
    const HELP: &'static str = "Output: table or json, a document a line";
}

/// Plans, asks, waits, tells.
pub async fn run(args: &ReconcileArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    if args.objects.is_empty() && !args.ordered {
        return Err(CommandError::Usage {
            message: "reconcile what? Name an object, or give --ordered for all of them".to_owned(),
            hint: Some("kubectl fluxlayers reconcile --ordered --dry-run tells what would be done".to_owned()),
        });
    }
    let options = Options {
        ordered: args.ordered,
        all: args.all,
        with_source: args.with_source,
        force: args.force,
        reset: args.reset,
        concurrency: args.concurrency,
        fail_fast: args.fail_fast,
        timeout: args.timeout,
        ..Options::new(out.now())
    };
    if args.dry_run {
        return dry_run(args, options, global, out).await;
    }
    let errand = Errand {
        format: args.output.format,
        no_secrets: args.no_secrets,
        command: "reconcile",
        kinds_given: !args.kind.is_empty(),
        options,
    };
    let scope = |_: &Snapshot, diagnosis: &Diagnosis, _: &mut Options| scope(args, global, diagnosis);
    errand.run(&args.objects, scope, global, out).await
}

async fn dry_run(
    args: &ReconcileArgs,
    options: Options,
    global: &GlobalArgs,
    out: &mut Output,
) -> Result<Outcome, CommandError> {
    let snapshot = origin::snapshot(global, &args.objects, out).await?;
    let diagnosis = diagnose(&snapshot);
    origin::require_flux(&diagnosis, global, out)?;
    let scope = scope(args, global, &diagnosis)?;
    let plan = Plan::new(snapshot, scope, options);
    let steps = plan.layers();
    match args.output.format {
        Format::Table => {
            let (view, names) = (out.view(), |key: &ObjectKey| spell(&diagnosis, key));
            write_plan(out.stdout(), &steps, &diagnosis.label, &names, view, global.verbose)?;
        }
        Format::Json => {
            for step in &steps {
                json::write_line(out.stdout(), &EventV1::planned(step))?;
            }
        }
    }
    let is_in_the_way = |state: &StepState| match state {
        StepState::Ended(End::Refused(grounds)) => !matches!(grounds, Grounds::Suspended | Grounds::Static),
        StepState::Ended(End::Skipped { .. } | End::Failed(_)) => true,
        _ => false,
    };
    let bad = steps.iter().any(|step| step.wanted && is_in_the_way(&step.state));
    Ok(if bad { Outcome::Bad } else { Outcome::Good })
}

fn scope(args: &ReconcileArgs, global: &GlobalArgs, diagnosis: &Diagnosis) -> Result<Scope, CommandError> {
    let mut scope = objects_and_kinds(&args.objects, &args.kind, global, diagnosis)?;
    scope.dependencies = args.ordered && !args.objects.is_empty();
    scope.dependents = args.dependents;
    let helm_releases = scope.kinds.contains(&GroupKind::HELM_RELEASE);
    if (args.force || args.reset) && !helm_releases {
        let flag = if args.force { "--force" } else { "--reset" };
        return Err(CommandError::Usage {
            message: format!("{flag} is for HelmReleases, and none is meant"),
            hint: Some("add --kind hr or --kind all, or name one: hr/NAME".to_owned()),
        });
    }
    Ok(scope)
}

/// What the flags of `reconcile` and `wait` mean: the named objects, else all of these kinds.
pub(super) fn objects_and_kinds(
    objects: &[ObjectArg],
    kinds: &[KindArg],
    global: &GlobalArgs,
    diagnosis: &Diagnosis,
) -> Result<Scope, CommandError> {
    if let Some(namespace) = global.namespace() {
        require_namespace(diagnosis, namespace)?;
    }
    let mut scope = Scope { namespace: global.namespace().map(str::to_owned), ..Scope::default() };
    if !kinds.is_empty() {
        scope.kinds = kinds.iter().flat_map(|KindArg(kinds)| kinds.iter().cloned()).collect();
    }
    for object in objects {
        let key = explain::find(diagnosis, object, global)?;
        if key.kind.is_source() {
            return Err(CommandError::Usage {
                message: format!("{key} is a source: name what uses it, and it is refreshed first"),
                hint: None,
            });
        }
        scope.objects.insert(key);
    }
    if !scope.objects.is_empty() && kinds.is_empty() {
        scope.kinds = scope.objects.iter().map(|key| key.kind.clone()).collect();
    }
    Ok(scope)
}

/// Answers that are told in full at the end, unless all are asked for.
const MOST_EXPLAINED: usize = 3;

/// A plan that is carried out on a cluster, from the first look to the explanation of what failed.
pub(super) struct Errand {
    pub(super) format: Format,
    pub(super) no_secrets: bool,
    /// The command, for people.
    pub(super) command: &'static str,
    /// Whether the kinds were asked for; if not, causes of all kinds count.
    pub(super) kinds_given: bool,
    pub(super) options: Options,
}

impl Errand {
    pub(super) async fn run(
        self,
        named: &[ObjectArg],
        scope: impl FnOnce(&Snapshot, &Diagnosis, &mut Options) -> Result<Scope, CommandError>,
        global: &GlobalArgs,
        out: &mut Output,
    ) -> Result<Outcome, CommandError> {
        let mut signals = Signals::new()?;
        let namespaces = origin::namespaces(global, named);
        let begun = async {
            let cluster = origin::cluster(global, self.command, out).await?;
            let watch = cluster.watch(&namespaces, global.origin.now).await?;
            Ok::<_, CommandError>((cluster, watch))
        };
        let (cluster, mut watch) = tokio::select! {
            begun = begun => begun?,
            stopped = signals.stopped() => return Err(stopped),
        };
        let world = watch.snapshot();
        let first = diagnose(&world);
        origin::require_flux(&first, global, out)?;
        let mut options = self.options.clone();
        let scope = scope(&world, &first, &mut options)?;
        let mode = options.mode;
        let mut plan = Plan::new(world, scope.clone(), options);
        if mode == Mode::Ask {
            tokio::select! {
                allowed = require_rights(&watch, &plan) => allowed?,
                stopped = signals.stopped() => return Err(stopped),
            }
        }
        let how = match self.format {
            Format::Json => How::Documents,
            Format::Table if out.can_draw() => How::Drawn,
            Format::Table => How::Lines,
        };
        if how == How::Drawn {
            out.enter_screen()?;
        }
        let mut teller = Teller::new(&first, how, mode, global.verbose);
        let driven = drive(&mut watch, &mut plan, &mut teller, &mut signals, out).await;
        out.leave_screen();
        let ended = driven?;
        let mut open = to_explain(&plan, &ended.ending);
        let mut is_good = !ended.ending.is_bad();
        if mode == Mode::Wait && is_good {
            let diagnosis = diagnose(plan.world());
            let view = self.selection(&scope).view(&diagnosis);
            is_good = view.outcome(false) == Outcome::Good;
            open.extend(view.causes.iter().filter_map(|cause| cause.affected.first().cloned()));
        }
        // Whoever has stopped it does not wait for another look.
        let look_again: &[ObjectKey] = if ended.stopped.is_some() { &[] } else { &open };
        let found = tokio::select! {
            found = self.explain(&cluster, &namespaces, look_again, global, out) => found,
            stopped = signals.stopped() => return Err(stopped),
        };
        let over = Concluded { plan: &plan, ended: &ended, teller: &teller, open, is_good, found };
        self.conclude(over, global, out)?;
        match ended.stopped {
            Some(signal) => Err(CommandError::Stopped(signal)),
            None if is_good => Ok(Outcome::Good),
            None => Ok(Outcome::Bad),
        }
    }

    /// Looks once more at the cluster, and closer, to explain these.
    async fn explain(
        &self,
        cluster: &Cluster,
        namespaces: &[String],
        failed: &[ObjectKey],
        global: &GlobalArgs,
        out: &Output,
    ) -> Option<Snapshot> {
        if failed.is_empty() {
            return None;
        }
        let needs = |snapshot: &Snapshot| {
            let diagnosis = diagnose(snapshot);
            let answers: Vec<Why<'_>> = failed.iter().filter_map(|key| why(&diagnosis, key)).collect();
            looks(snapshot, &answers, self.no_secrets)
        };
        let read = cluster.closer_snapshot(namespaces, global.origin.now, needs).await;
        let joined = read.map_err(CommandError::from).and_then(|mut snapshot| {
            origin::join(global, &mut snapshot, out)?;
            Ok(snapshot)
        });
        match joined {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                out.warn(&format!(
                    "what failed is explained from what was followed alone: {}",
                    error.in_full()
                ));
                None
            }
        }
    }

    /// What `status` would show of these.
    fn selection(&self, scope: &Scope) -> Selection {
        Selection {
            kinds: scope.kinds.clone(),
            kinds_explicit: self.kinds_given,
            namespace: scope.namespace.clone(),
            objects: scope.objects.clone(),
            ..Selection::default()
        }
    }

    fn conclude(&self, over: Concluded<'_>, global: &GlobalArgs, out: &mut Output) -> Result<(), CommandError> {
        let Concluded { plan, ended, teller, open, is_good, found } = over;
        let snapshot = found.as_ref().unwrap_or(plan.world());
        let diagnosis = diagnose(snapshot);
        let mut answers: Vec<Why<'_>> = open.iter().filter_map(|key| why(&diagnosis, key)).collect();
        one_of_each_cause(&mut answers);
        if self.format == Format::Json {
            let causes: Vec<Cause> = answers.into_iter().flat_map(|answer| answer.causes).collect();
            json::write_line(out.stdout(), &EventV1::summary(&ended.ending, is_good, ended.took, &causes))?;
            return Ok(());
        }
        let view = out.view();
        let (steps, label) = (plan.states(), &teller.first.label);
        let over = Over {
            ending: &ended.ending,
            mode: self.options.mode,
            took: ended.took,
            steps: &steps,
            label,
            causes: answers.iter().map(|answer| answer.causes.len()).sum(),
            is_good,
        };
        let names = |key: &ObjectKey| teller.name(key);
        if teller.is_drawn() {
            human::reconcile::write_result(out.stdout(), &steps, &names, view)?;
        }
        write_ending(out.stdout(), &over, &names, view, global.verbose)?;
        let most = if global.verbose { usize::MAX } else { MOST_EXPLAINED };
        for answer in answers.iter_mut().take(most) {
            answer.look_ahead(snapshot);
            human::separate(out.stdout())?;
            human::why::write(out.stdout(), answer, view, global.verbose, &|_| None)?;
        }
        if let Some(left) = answers.len().checked_sub(most).filter(|left| *left > 0) {
            human::separate(out.stdout())?;
            human::reconcile::write_more(out.stdout(), left, &origin::again(global), view)?;
        }
        Ok(())
    }
}

/// How it came out, and what is to be explained.
struct Concluded<'a> {
    plan: &'a Plan,
    ended: &'a Ended,
    teller: &'a Teller<'a>,
    /// What did not come up, or is hit all the same.
    open: Vec<ObjectKey>,
    is_good: bool,
    /// A fresh look at all of it, where there was one.
    found: Option<Snapshot>,
}

/// What did not come up by itself, in the order of the plan, and what others are skipped behind; where the time was up
/// also what had not ended by then.
fn to_explain(plan: &Plan, ending: &Ending) -> Vec<ObjectKey> {
    let mut found = Vec::new();
    for step in plan.states() {
        let StepState::Ended(end) = &step.state else { continue };
        match end {
            End::Failed(_) => found.push(step.object.clone()),
            End::OutOfTime { behind, .. } => {
                found.push(step.object.clone());
                found.extend(behind.iter().cloned());
            }
            End::Skipped { behind } => found.extend(behind.iter().cloned()),
            End::Refused(Grounds::Suspended | Grounds::Static) => {}
            End::Refused(_) => found.push(step.object.clone()),
            End::NotAsked | End::LeftRunning if ending.cut == Some(Cut::TimedOut) => {
                found.push(step.object.clone());
            }
            End::Done { .. } | End::LeftAlone { .. } | End::Gone | End::NotAsked | End::LeftRunning => {}
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|key| known.insert(key.clone()));
    found
}

/// Leaves out the causes that another answer tells already, and answers that have none where others have.
fn one_of_each_cause(answers: &mut Vec<Why<'_>>) {
    let mut told = BTreeSet::new();
    let any = answers.iter().any(|answer| !answer.causes.is_empty());
    for answer in answers.iter_mut() {
        answer.causes.retain(|cause| told.insert((cause.fault.object.clone(), cause.fault.code)));
    }
    answers.retain(|answer| !answer.causes.is_empty() || !any);
}

/// Refuses before anything is asked where something may not be asked.
async fn require_rights(watch: &Watch, plan: &Plan) -> Result<(), CommandError> {
    let steps = plan.layers();
    let asked = steps.iter().filter(|step| !matches!(step.state, StepState::Ended(_))).map(|step| step.object);
    match watch.asker().may_ask(asked).await? {
        None => Ok(()),
        Some((object, reason)) => Err(CommandError::MayNotAsk {
            kind: object.kind.kind.to_string(),
            object: object.namespaced_name(),
            reason,
        }),
    }
}
