//! What scripts look at when they end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use consensus::{NodeId, RequestKey, Term, Time};

use crate::{host::Host, simulation::Simulation};

/// Counts what a traitor did, so that a script knows that the attack took place.
#[derive(Clone, Default)]
pub(super) struct Count(Arc<AtomicU64>);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// If nothing was counted: the script did not do what it is about.
    pub(super) fn happened(&self, what: &str) -> Result<u64, String> {
        match self.get() {
            0 => Err(format!("the script failed: no {what}")),
            count => Ok(count),
        }
    }
}

fn correct(simulation: &Simulation) -> impl Iterator<Item = &Host> {
    simulation.hosts.iter().filter(|host| !host.is_byzantine())
}

/// Every correct node has an outcome for every request, and the same.
pub(super) fn all_hold(simulation: &Simulation, requests: &[RequestKey]) -> Result<(), String> {
    for request in requests {
        let mut outcomes = correct(simulation).map(|host| (host.id(), host.outcome(request)));
        let (_, first) = outcomes.next().ok_or("there are no correct nodes")?;
        if first.is_none() {
            return Err(format!("request {} is not committed", request.nonce));
        }
        if let Some((node, _)) = outcomes.find(|(_, outcome)| *outcome != first) {
            return Err(format!("{node} has another outcome of {}", request.nonce));
        }
    }
    Ok(())
}

/// Every correct node that runs is still in this term.
pub(super) fn nobody_left(simulation: &Simulation, term: Term) -> Result<(), String> {
    let left = correct(simulation).find_map(|host| {
        let status = host.status().filter(|status| status.term != term)?;
        Some((host.id(), status.term))
    });
    match left {
        Some((node, now)) => Err(format!("{node} is in term {now} instead of {term}")),
        None => Ok(()),
    }
}

/// Every correct node holds at least one piece of evidence.
pub(super) fn everybody_knows(simulation: &Simulation) -> Result<(), String> {
    let blind = |host: &&Host| host.status().is_none_or(|status| status.evidence == 0);
    match correct(simulation).find(blind) {
        Some(host) => Err(format!("{} holds no evidence", host.id())),
        None => Ok(()),
    }
}

/// Asks at one node, so many times, with a pause before each.
pub(super) fn ask_often(
    simulation: &mut Simulation,
    node: NodeId,
    times: u16,
    pause: u64,
) -> Vec<RequestKey> {
    (0..times)
        .map(|number| {
            let next = simulation.world.now.after(Time::from_millis(pause));
            simulation.run_until(next);
            simulation.ask(node, number % 8, (number + 1) % 8, 1)
        })
        .collect()
}

/// Lets so many milliseconds pass.
pub(super) fn pass(simulation: &mut Simulation, millis: u64) {
    let end = simulation.world.now.after(Time::from_millis(millis));
    simulation.run_until(end);
}
