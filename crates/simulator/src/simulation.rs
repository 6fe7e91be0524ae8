//! The event loop: nodes and world together, one thing after the other.

mod assembling;
mod faults;
mod liveness;
mod planned;
mod requests;

use consensus::{Configuration, Mode, NodeId, Time, event::Recipient};

pub use liveness::{TERMS_TO_COMMIT, liveness_bound};

use crate::{
    adversary::{Adversary, TICK},
    fault::Profile,
    host::Host,
    oracle::Violation,
    plan::Recording,
    random::Random,
    signing::Signatures,
    trace::Trace,
    world::{Happening, World},
};

/// What a run consists of.
pub struct Blueprint {
    /// The mode.
    pub mode: Mode,
    /// How many nodes.
    pub nodes: usize,
    /// Which signatures.
    pub signatures: Signatures,
    /// Requests a second, from all clients together.
    pub rate: u32,
    /// What breaks.
    pub profile: Profile,
    /// Which nodes are Byzantine, and how.
    pub traitors: Vec<(NodeId, Box<dyn Adversary>)>,
    /// Where the trace goes.
    pub trace: Trace,
}

/// A network in one thread.
pub struct Simulation {
    /// The nodes.
    pub hosts: Vec<Host>,
    /// Everything else.
    pub world: World,
    profile: Profile,
    random: Random,
    healed_at: Option<Time>,
    /// The furthest that a correct node's wall clock was ahead, in milliseconds.
    furthest_ahead: i64,
    /// How many things happened.
    pub events: u64,
    /// How many of them at the same moment.
    simultaneous: u64,
    /// The seats that clients do not reach.
    pub unreached: Vec<usize>,
    /// What the seed decided, if anybody wants to know.
    pub recording: Option<Recording>,
}

/// How many things may happen at one moment before that is called an endless loop.
const MOST_SIMULTANEOUS: u64 = 200_000;
/// How many things may happen each second for every pair of nodes, on average: some twenty times
/// what is usual.
const MOST_PER_PAIR: u64 = 1_000;

impl Simulation {
    /// The configuration.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        self.world.verification.configuration()
    }

    /// The first broken rule.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.world.oracle.violation()
    }

    /// Lets things happen until `end`, or until a rule is broken.
    pub fn run_until(&mut self, end: Time) {
        while self.violation().is_none() && self.world.next_at().is_some_and(|at| at <= end) {
            let before = self.world.now;
            let Some(happening) = self.world.advance() else {
                break;
            };
            self.count(before, &happening);
            self.happen(happening);
        }
        self.world.now = self.world.now.max(end);
    }

    fn count(&mut self, before: Time, happening: &Happening) {
        // A drawn fault consists of acts, and those are counted.
        if !matches!(happening, Happening::Act(_) | Happening::Fault(_)) {
            self.events += 1;
        }
        if self.world.now > before {
            self.simultaneous = 0;
        }
        self.simultaneous += 1;
        if self.simultaneous > MOST_SIMULTANEOUS {
            let node = happening.node();
            let detail = "an endless loop".to_owned();
            self.report("time goes on", "P12.1", node, detail);
        }
        let nodes = self.hosts.len() as u64;
        let seconds = 10 + self.world.now.0 / 1_000_000;
        let rate = u64::from(self.world.clients.rate());
        if self.events > seconds * (MOST_PER_PAIR * nodes * nodes + 100 * nodes * nodes * rate) {
            let detail = format!("{} events in {seconds} s", self.events);
            self.report("no storm of messages", "P12.1", None, detail);
        }
    }

    fn report(
        &mut self,
        invariant: &'static str,
        rule: &'static str,
        node: Option<NodeId>,
        detail: String,
    ) {
        self.world.oracle.report(Violation {
            invariant,
            rule,
            at: self.world.now,
            node,
            detail,
        });
    }

    fn happen(&mut self, happening: Happening) {
        let Self { hosts, world, .. } = self;
        match happening {
            Happening::Deliver { from, to, parcel } => {
                hosts[to.position()].deliver(world, from, parcel);
            }
            Happening::Synced { seat, life } => hosts[seat.position()].synced(world, life),
            Happening::Timer { seat } => hosts[seat.position()].timer(world),
            Happening::Tick { node } => {
                hosts[node.position()].tick(world);
                world.after(TICK, Happening::Tick { node });
            }
            Happening::Emit { from, to, message } => {
                world.send(from, Recipient::Node(to), message);
            }
            Happening::Ask => self.ask_anew(),
            Happening::AskAgain(key) => self.ask_again(key),
            Happening::Fault(fault) => self.fault(fault),
            Happening::Act(act) if self.healed_at.is_none() => self.act(act),
            Happening::Act(_) => {}
            Happening::Elected(term) => self.check_followed(term),
            Happening::Request(request) => self.request(request),
        }
    }
}
