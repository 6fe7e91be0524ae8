//! Faults and requests decided in every particular, from a plan or for one.

use consensus::{NodeId, Request, mode::SizeError};

use super::{Blueprint, Simulation};
use crate::{
    fault::{HEALTHY_DISK, SLOW_DISK},
    payload,
    plan::{Act, Plan, RequestPlan, Timed},
};

impl Simulation {
    /// As [`Simulation::new`], with the faults and requests of a plan in place of drawn ones.
    ///
    /// # Errors
    /// [`SizeError`] if the mode cannot work with so many nodes.
    ///
    /// # Panics
    /// If the plan names nodes or accounts that do not exist.
    pub fn planned(blueprint: Blueprint, plan: &Plan) -> Result<Self, SizeError> {
        let mut simulation = Self::assemble(blueprint, &[], plan.seed)?;
        simulation.start_hosts();
        simulation.world.schedule.follow(plan);
        Ok(simulation)
    }

    pub(super) fn request(&mut self, request: RequestPlan) {
        let RequestPlan {
            node,
            from,
            to,
            amount,
        } = request;
        self.world.schedule.place_of_request();
        self.ask(NodeId(node), from, to, amount);
    }

    /// Notes a drawn request, if anybody wants to know.
    pub(super) fn note_request(&mut self, node: usize, request: &Request) {
        let after = self.world.schedule.place_of_request();
        let payment = payload::read(request.payload());
        let node = u16::try_from(node);
        if let (Some(recording), Some(payment), Ok(node)) = (&mut self.recording, payment, node) {
            recording.requests.push(Timed {
                at_micros: self.world.now.0,
                after,
                what: RequestPlan {
                    node,
                    from: payment.from,
                    to: payment.to,
                    amount: payment.amount,
                },
            });
        }
    }

    /// Breaks or mends something.
    pub(super) fn act(&mut self, act: Act) {
        self.events += 1;
        let after = self.world.schedule.place_of_act();
        let Self { hosts, world, .. } = self;
        match &act {
            Act::Crash(node) => hosts[usize::from(*node)].crash(),
            Act::Restart(node) => hosts[usize::from(*node)].start(world),
            Act::Split(side) => {
                let side: Vec<NodeId> = side.iter().copied().map(NodeId).collect();
                world.network.split(&side);
            }
            Act::Cut(from, to) => world.network.cut(NodeId(*from), NodeId(*to)),
            Act::Restore(from, to) => world.network.restore(NodeId(*from), NodeId(*to)),
            Act::Favour(node) => world.network.favour(NodeId(*node)),
            Act::Mend => world.network.mend(),
            Act::SlowDisk(node) => hosts[usize::from(*node)].set_sync_time(SLOW_DISK),
            Act::FastDisk(node) => hosts[usize::from(*node)].set_sync_time(HEALTHY_DISK),
            Act::WallClock(node, offset) => {
                let host = &mut hosts[usize::from(*node)];
                host.clock().set_wall_offset(*offset);
                if !host.is_byzantine() {
                    self.furthest_ahead = self.furthest_ahead.max(*offset);
                }
            }
            Act::Weather(weather) => world.network.set_weather((*weather).into()),
        }
        if self.world.trace.is_on() {
            let now = self.world.now;
            self.world.trace.line(now, format_args!("{act:?}"));
        }
        if let Some(recording) = &mut self.recording {
            recording.acts.push(Timed {
                at_micros: self.world.now.0,
                after,
                what: act,
            });
        }
    }
}
