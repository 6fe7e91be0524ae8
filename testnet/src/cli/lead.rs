//! `testnet lead`: makes a chosen node the leader by pausing whoever leads in its place.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use terminal::{Output, exit::Code};

use super::Common;
use crate::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
    network::{Facts, Lock, Network, NodeLayout, ProcessState, last_deposed, process},
};

pub const NOTES: &str = "\
Whoever leads is paused until the others have given it up, and then goes on. In byzantine mode
the nodes lead in order, so this is repeated until it is the chosen node's turn; in the Raft
modes, until an election happens to choose it. It takes some seconds, and longer if leaders
changed often of late, because the nodes' patience grows with every change.";

/// Longer than the longest chain of leader changes takes.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(25);

#[derive(Args)]
pub struct Arguments {
    /// The node that shall lead
    node: String,
}

/// A paused node, which goes on when this is dropped.
struct Paused(NodeLayout);

impl Drop for Paused {
    fn drop(&mut self) {
        // A node that was killed meanwhile cannot go on, and need not.
        let _ = process::resume(&self.0);
    }
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let chosen = network.node(&arguments.node)?;
    let _lock = Lock::wait(&network.layout.lock())?;
    let facts = Facts::gather(&network)?;
    check_possible(common, &network, &facts, &arguments.node)?;
    let interrupts = Interrupts::count()?;
    let start = Instant::now();
    let (term, kept) = change_leaders(&network, &chosen, facts, &interrupts, output)?;
    let seconds = start.elapsed().as_secs_f64();
    let name = &arguments.node;
    let text = if kept {
        format!("{name} leads term {term} (after {seconds:.1} s).")
    } else {
        format!(
            "Term {term} was {name}'s to lead, and the others deposed it at once: `{}` says why.",
            common.command("testnet", "status")
        )
    };
    output.result(
        &json!({"leader": name, "term": term, "kept": kept, "seconds": seconds}),
        &text,
    );
    Ok(())
}

fn check_possible(common: &Common, network: &Network, facts: &Facts, chosen: &str) -> Outcome {
    let is_up = |name: &str| {
        let mut nodes = facts.nodes.iter();
        nodes.any(|node| node.name == name && node.report.is_some())
    };
    if !is_up(chosen) {
        return Err(
            Failure::state(format!("{chosen} does not run, so it cannot lead")).next(format!(
                "To start it: {}",
                common.command("testnet", &format!("start {chosen}"))
            )),
        );
    }
    let leads = facts
        .leader()
        .is_some_and(|(leader, _)| leader.name == chosen);
    let up = facts.reports().count();
    let quorum = network.sizes()?.quorum();
    if !leads && up <= quorum {
        return Err(Failure::state(format!(
            "{up} nodes are up and a quorum is {quorum}: none can be spared to make room for {chosen}"
        ))
        .next(format!(
            "Start the others first; see {}",
            common.command("testnet", "status")
        )));
    }
    Ok(())
}

/// Returns the term that the chosen node leads, and whether it still does.
fn change_leaders(
    network: &Network,
    chosen: &NodeLayout,
    mut facts: Facts,
    interrupts: &Interrupts,
    output: &Output,
) -> Outcome<(u64, bool)> {
    let position = network.genesis.validator_by_name(&chosen.name());
    let position = position.map(|(position, _)| position);
    let first_term = facts.term();
    let deadline = Instant::now() + PATIENCE;
    let mut paused: Option<(Paused, u64)> = None;
    loop {
        // Once the others are in a later term, the one before has nothing to lead any more, and
        // no more than one node is ever away.
        if paused
            .as_ref()
            .is_some_and(|(_, before)| facts.term() > *before)
        {
            drop(paused.take());
        }
        let led = last_deposed(&facts).filter(|deposed| {
            deposed.term >= first_term && Some(usize::from(deposed.leader)) == position
        });
        if let Some(deposed) = led {
            return Ok((deposed.term, false));
        }
        if let Some((leader, term)) = facts.leader() {
            if leader.name == chosen.name() {
                return Ok((term, true));
            }
            if paused.is_none() && matches!(leader.process, ProcessState::Running(_)) {
                output.aside(&format!("{} leads term {term}: pausing it", leader.name));
                process::pause(&leader.layout)?;
                paused = Some((Paused(leader.layout.clone()), term));
            }
        }
        if interrupts.any() {
            return Err(Failure::new(Code::Interrupted, "stopped; all nodes go on"));
        }
        if Instant::now() >= deadline {
            return Err(Failure::state(format!(
                "{} did not come to lead within {} s; all nodes go on",
                chosen.name(),
                PATIENCE.as_secs()
            ))
            .next(network.layout.spell_out(
                "`testnet status` says what keeps it; elections are up to chance in the Raft modes.",
            )));
        }
        std::thread::sleep(LOOK);
        facts = Facts::gather(network)?;
    }
}
