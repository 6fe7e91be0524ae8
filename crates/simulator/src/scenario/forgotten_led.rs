//! A leader crashes right after it sent the first entry of its term, and before that entry is on
//! its own disk.
//!
//! That order is allowed: AppendEntries waits for `led` only. When the leader starts again it knows
//! nothing of the entry, and everybody else holds it. A second entry for the same index would be
//! equivocation by an honest node.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use consensus::{Index, Message, NodeId, Time};

use super::{
    Script,
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::trace::Trace;

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "forgotten-led",
    rule: "P3.8, P7.3",
    summary: "a leader sends its first entry, loses it in a crash, and starts again in the same term",
    published: "",
    play: crash_after_sending,
}];

/// Leads term 0.
const LEADER: NodeId = NodeId(0);
/// Shorter than any sync.
const MOMENT: Time = Time(50);
/// How long the leader is down: its clock has moved on when it starts again.
const DOWN: Time = Time::from_millis(20);
/// What a crash leaves of writes under way is chance; in some of these runs the entry is lost.
const RUNS: u64 = 8;

fn crash_after_sending(trace: Trace) -> Result<String, String> {
    let mut lost = 0;
    let mut trace = Some(trace);
    for seed in 0..RUNS {
        lost += u64::from(run(seed, trace.take().unwrap_or(Trace::Off))?);
    }
    if lost == 0 {
        return Err("the script failed: the entry was never lost".to_owned());
    }
    Ok(format!(
        "the entry was lost in {lost} of {RUNS} crashes; the leader signs no other and is replaced"
    ))
}

/// Whether the crash lost the entry.
fn run(seed: u64, trace: Trace) -> Result<bool, String> {
    let sent = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&sent);
    let watch = Rules(move |_, from: NodeId, _, message: &Message| {
        if from == LEADER && matches!(message, Message::AppendEntries(_)) {
            seen.store(true, Ordering::Relaxed);
        }
        true
    });
    let mut simulation = Faultless {
        director: Some(Box::new(watch)),
        ..Faultless::FOUR
    }
    .start(seed, trace);
    while !sent.load(Ordering::Relaxed) {
        let next = simulation.world.now.after(MOMENT);
        simulation.run_until(next);
    }
    let leader = &mut simulation.hosts[LEADER.position()];
    leader.crash();
    let again = simulation.world.now.after(DOWN);
    simulation.run_until(again);
    let leader = &mut simulation.hosts[LEADER.position()];
    leader.start(&mut simulation.world);
    let lost = leader
        .status()
        .is_some_and(|status| status.head.index == Index::ZERO);
    simulation.ask(NodeId(1), 0, 1, 5);
    settled(&mut simulation)?;
    if simulation.world.leader_changes() == 0 {
        return Err("a leader that led before its restart was not replaced".to_owned());
    }
    Ok(lost)
}
