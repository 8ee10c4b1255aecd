//! The scenarios. Each makes a cluster fail in one way, and holds what we say against the table and the controllers.

mod admission;
mod alone;
mod chains;
mod changes;
mod expressions;
mod green;
mod one;
mod one_more;
mod pods;
mod scenes;
mod secrets;
mod steps;
mod users;

use anyhow::Result;

use crate::harness::Bench;

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Bench) -> Result<()>,
    /// It stops or changes what the others use.
    pub(crate) alone: bool,
}

macro_rules! scenarios {
    ($($flag:ident $module:ident :: $name:ident),* $(,)?) => {
        /// All of them.
        pub(crate) const SCENARIOS: &[Scenario] = &[$(
            Scenario { name: stringify!($name), run: $module::$name, alone: scenarios!($flag) },
        )*];
    };
    (shared) => { false };
    (alone) => { true };
}

scenarios! {
    shared admission::denied,
    shared admission::quota,
    shared admission::refused,
    shared chains::chain,
    shared chains::helm_chain,
    shared changes::commits,
    shared changes::parent_change,
    shared expressions::expressions,
    shared green::suspended_source,
    shared one::one,
    shared one_more::node_pool,
    shared one_more::one_secret,
    shared one_more::not_applied,
    shared pods::pods,
    shared scenes::applyerr,
    shared scenes::basic,
    shared scenes::build,
    shared scenes::cycle,
    shared scenes::deletion,
    shared scenes::depmissing,
    shared scenes::expr,
    shared scenes::health,
    shared scenes::helm,
    shared scenes::parent,
    shared scenes::shard,
    shared scenes::sopsdata,
    shared scenes::sopsfail,
    shared scenes::sources,
    shared scenes::stale,
    shared scenes::suspdep,
    shared secrets::secrets,
    shared users::plugin,
    shared users::users,
    alone alone::home_healthy,
    alone alone::home_nfd,
    alone alone::example,
    alone alone::extra,
    alone alone::cross_namespace,
    alone alone::shard_unserved,
    alone alone::frozen_kustomize,
    alone alone::frozen_source,
    alone alone::frozen_helm,
    alone alone::scaled_to_zero,
    alone alone::unreach,
    alone green::silent,
    alone green::workers_held,
}
