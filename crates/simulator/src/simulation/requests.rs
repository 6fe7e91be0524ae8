//! What clients ask for, and whom.

use consensus::{NodeId, Request, RequestKey, Time};

use super::Simulation;
use crate::{application::Outcome, client::RESEND, world::Happening};

impl Simulation {
    pub(super) fn plan_ask(&mut self) {
        if let Some(span) = self.world.clients.until_next() {
            self.world.after(span, Happening::Ask);
        }
    }

    pub(super) fn ask_anew(&mut self) {
        self.adjust_patience();
        let Self { hosts, world, .. } = self;
        let (request, node) = world.clients.ask(world.now, hosts.len());
        world.after(RESEND, Happening::AskAgain(request.key()));
        hosts[node].ask(world, request.clone(), false);
        self.note_request(node, &request);
        self.plan_ask();
    }

    pub(super) fn ask_again(&mut self, key: RequestKey) {
        let Some(open) = self.world.clients.unanswered(&key) else {
            return;
        };
        let (request, deadline) = (open.request.clone(), open.deadline);
        for position in 0..self.hosts.len() {
            self.reach(position, &request, true);
        }
        let Self { world, .. } = self;
        world.after(RESEND, Happening::AskAgain(key));
        world.clients.move_on(&key);
        if deadline.is_some_and(|deadline| self.world.now > deadline) {
            self.report_late(&key);
        }
    }

    /// Lets every account ask again as soon as it is answered, with `each` requests under way.
    pub fn saturate(&mut self, each: u16) {
        for _ in 0..self.world.clients.saturate(each) {
            self.world.after(Time(0), Happening::Ask);
        }
    }

    /// Asks for a payment at one node, as a script wants it.
    pub fn ask(&mut self, node: NodeId, from: u16, to: u16, amount: u32) -> RequestKey {
        self.ask_at(&[node.position()], from, to, amount)
    }

    /// Asks for a payment at the seats of these positions.
    pub fn ask_at(&mut self, seats: &[usize], from: u16, to: u16, amount: u32) -> RequestKey {
        self.adjust_patience();
        let now = self.world.now;
        let request = self.world.clients.request(now, from, to, amount);
        let key = request.key();
        self.world.after(RESEND, Happening::AskAgain(key));
        for &position in seats {
            self.reach(position, &request, false);
        }
        key
    }

    pub(super) fn reach(&mut self, position: usize, request: &Request, complains: bool) {
        if !self.unreached.contains(&position) {
            self.hosts[position].ask(&mut self.world, request.clone(), complains);
        }
    }

    /// What a node has as the outcome of a request, while it runs.
    #[must_use]
    pub fn outcome_at(&self, node: NodeId, key: &RequestKey) -> Option<Outcome> {
        self.hosts.get(node.position())?.outcome(key)
    }
}
