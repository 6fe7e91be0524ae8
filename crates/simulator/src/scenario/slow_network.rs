//! A network in which a commit takes longer than the first timers.
//!
//! Leaders are deposed until the timers have grown enough (P4.6). From then on one leader stays. If
//! one commit took the timers back to where they began, every leader would be deposed after its
//! first commit, for ever.

use consensus::Time;

use super::{
    Script,
    faultless::{Faultless, settled},
};
use crate::{network::Weather, trace::Trace};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "slow-network",
    rule: "P4.6",
    summary: "messages take so long that only grown timers let a leader stay",
    published: "",
    play: timers_grow,
}];

/// Two of these delays are longer than the shortest timers.
const SLOW: Weather = Weather {
    shortest: Time::from_millis(300),
    longest: Time::from_millis(350),
    stragglers: 0,
    straggle: Time::from_millis(350),
    loss: 0,
    duplication: 0,
};
/// The timers have found their level.
const SETTLED: Time = Time::from_millis(60_000);
const LONG: Time = Time::from_millis(180_000);
/// Leaders that may be deposed after that: the level falls now and then to see whether shorter
/// timers do.
const MOST_CHANGES: u64 = 12;

fn timers_grow(trace: Trace) -> Result<String, String> {
    let mut simulation = Faultless {
        weather: SLOW,
        rate: 2,
        ..Faultless::FOUR
    }
    .start(0, trace);
    simulation.run_until(SETTLED);
    let before = simulation.world.leader_changes();
    simulation.run_until(LONG);
    let changes = simulation.world.leader_changes() - before;
    settled(&mut simulation)?;
    let seconds = LONG.since(SETTLED).0 / 1_000_000;
    if changes > MOST_CHANGES {
        return Err(format!(
            "{changes} leaders were deposed in {seconds} s, more than {MOST_CHANGES}"
        ));
    }
    Ok(format!(
        "{before} leaders were deposed until the timers had grown, and {changes} in {seconds} s after"
    ))
}
