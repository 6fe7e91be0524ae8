//! What breaks, as it is drawn.

use consensus::{NodeId, Role, Time};

use super::Simulation;
use crate::{
    fault::{Fault, HEALTHY_DISK, Kind, OFFSET, Rare, WILD_OFFSET},
    host::Host,
    network::Weather,
    plan::Act,
    world::Happening,
};

impl Simulation {
    pub(super) fn plan_strike(&mut self, kind: Kind) {
        if let Some(span) = self.profile.until_next(kind, &mut self.random) {
            self.world
                .after(span, Happening::Fault(Fault::Strike(kind)));
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if self.healed_at.is_some() && !fault.is_end() {
            return;
        }
        if self.world.trace.is_on() {
            let now = self.world.now;
            self.world.trace.line(now, format_args!("drawn: {fault:?}"));
        }
        match fault {
            Fault::Strike(kind) => {
                self.strike(kind);
                self.plan_strike(kind);
            }
            Fault::Restart(node) => self.act(Act::Restart(node.0)),
            Fault::Spring(node) => {
                self.act(Act::Mend);
                self.act(Act::split(&[node]));
                self.after(300, 8_000, Fault::Mend);
            }
            Fault::Mend => self.act(Act::Mend),
            Fault::Flap { from, to, left } => self.flap(from, to, left),
            Fault::FastDisk(node) => self.act(Act::FastDisk(node.0)),
            Fault::Calm => self.act(Act::Weather(self.profile.weather.into())),
            Fault::Stop(node) => {
                self.act(Act::Crash(node.0));
                self.after(20, 3_000, Fault::Restart(node));
            }
            Fault::SetClock(node) => {
                let offset = self.hosts[node.position()].clock().wall_offset();
                self.act(Act::WallClock(node.0, offset.clamp(-OFFSET, OFFSET)));
            }
            Fault::Heal => self.heal(),
            Fault::Timely => self.timely(),
        }
    }

    /// Ends all faults but the Byzantine ones.
    pub fn heal(&mut self) {
        self.healed_at.get_or_insert(self.world.now);
        self.world.network.mend();
        self.world.network.set_weather(Weather::TIMELY);
        for host in &mut self.hosts {
            host.set_sync_time(HEALTHY_DISK);
            let clock = host.clock();
            clock.set_wall_offset(clock.wall_offset().clamp(-OFFSET, OFFSET));
            host.start(&mut self.world);
        }
        // What a clock that was ahead let in, others refuse until theirs show the same (P3.2).
        let excess = u64::try_from(self.furthest_ahead - OFFSET).unwrap_or(0);
        match excess {
            0 => self.timely(),
            _ => {
                let fault = Happening::Fault(Fault::Timely);
                self.world.after(Time::from_millis(excess), fault);
            }
        }
    }

    fn after(&mut self, low: u64, high: u64, fault: Fault) {
        let span = Time::from_millis(self.random.between(low, high));
        self.world.after(span, Happening::Fault(fault));
    }

    fn some_node(&mut self) -> NodeId {
        let position = self.random.position(self.hosts.len());
        self.hosts[position].id()
    }

    fn leader(&self) -> Option<NodeId> {
        let leads = |host: &&Host| {
            host.status()
                .is_some_and(|status| status.role == Role::Leader)
        };
        self.hosts.iter().find(leads).map(Host::id)
    }

    fn strike(&mut self, kind: Kind) {
        match kind {
            Kind::Crash => self.strike_crash(),
            Kind::Partition => {
                let count = self.random.position(self.hosts.len() - 1) + 1;
                let side: Vec<NodeId> = self
                    .random
                    .sample(count, self.hosts.len())
                    .into_iter()
                    .map(|position| self.hosts[position].id())
                    .collect();
                self.act(Act::split(&side));
                self.after(200, 8_000, Fault::Mend);
            }
            Kind::OneWay => {
                for _ in 0..self.random.between(1, 3) {
                    let (from, to) = (self.some_node(), self.some_node());
                    self.act(Act::Cut(from.0, to.0));
                }
                self.after(200, 8_000, Fault::Mend);
            }
            Kind::Flap => {
                let (from, to) = (self.some_node(), self.some_node());
                let left = *self.random.pick(&[3, 9, 25]).expect("three choices");
                self.flap(from, to, left);
                if self.random.chance(500) {
                    self.flap(to, from, left);
                }
            }
            Kind::SlowDisk => {
                let node = self.some_node();
                self.act(Act::SlowDisk(node.0));
                self.after(500, 5_000, Fault::FastDisk(node));
            }
            Kind::Clock => {
                let node = self.some_node();
                let offset = i64::try_from(self.random.below(8_001)).unwrap_or(0) - 4_000;
                self.act(Act::WallClock(node.0, offset));
            }
            Kind::Storm => {
                let weather = self.profile.storm(&mut self.random);
                self.act(Act::Weather(weather.into()));
                self.after(500, 6_000, Fault::Calm);
            }
            Kind::RareWrite => {
                let delay = Time(self.random.between(0, 10_000));
                self.world.trap = Some((Rare::draw(&mut self.random), delay));
            }
            Kind::Handover => {
                let leader = self.leader();
                if let Some(node) =
                    leader.filter(|node| !self.hosts[node.position()].is_byzantine())
                {
                    self.act(Act::Crash(node.0));
                    self.after(20, 200, Fault::Restart(node));
                }
            }
            Kind::Skew => {
                let node = self.some_node();
                let offset = i64::try_from(self.random.below(WILD_OFFSET)).unwrap_or(0);
                let offset = if self.random.chance(500) {
                    offset
                } else {
                    -offset
                };
                self.act(Act::WallClock(node.0, offset));
                self.after(500, 8_000, Fault::SetClock(node));
            }
            Kind::Ambush => {
                let node = self.some_node();
                self.act(Act::Favour(node.0));
                self.after(20, 800, Fault::Spring(node));
            }
        }
    }

    fn flap(&mut self, from: NodeId, to: NodeId, left: u8) {
        if left.is_multiple_of(2) {
            self.act(Act::Restore(from.0, to.0));
        } else {
            self.act(Act::Cut(from.0, to.0));
        }
        if let Some(left) = left.checked_sub(1) {
            self.after(5, 600, Fault::Flap { from, to, left });
        }
    }

    fn strike_crash(&mut self) {
        let struck: Vec<NodeId> = if self.random.chance(100) {
            self.hosts.iter().map(Host::id).collect()
        } else {
            let leader = self.leader().filter(|_| self.random.chance(500));
            vec![leader.unwrap_or_else(|| self.some_node())]
        };
        for node in struck {
            self.act(Act::Crash(node.0));
            self.after(20, 5_000, Fault::Restart(node));
        }
    }
}
