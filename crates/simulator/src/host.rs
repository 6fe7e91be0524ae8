//! One node: its replica, disk, application and clock; and, if it is Byzantine, what it does to the
//! replica's messages.

mod outputs;

use std::{collections::VecDeque, sync::Arc};

use consensus::{
    Admittance, Event, Message, NodeId, Replica, Request, RequestKey, Setup, Status, Time, WriteId,
    event::Recipient, message::Applied,
};

use crate::{
    adversary::Traitor,
    application::{Application, Outcome},
    clock::Clock,
    disk::{Disk, Found, SyncTime},
    oracle::Observation,
    seat::Seat,
    world::{Happening, Parcel, World},
};

/// A message that waits for a write.
struct Waiting {
    after: WriteId,
    to: Recipient,
    message: Arc<Message>,
}

/// What there is only while the node runs.
struct Running {
    replica: Replica,
    application: Application,
    synced: WriteId,
    waiting: VecDeque<Waiting>,
    /// The simulated time of the earliest timer that is planned.
    timer: Option<Time>,
}

/// A node.
pub struct Host {
    setup: Setup,
    seat: Seat,
    /// Whether there is another copy of it.
    has_twin: bool,
    disk: Disk,
    clock: Clock,
    /// Counts its starts, so that what belongs to an earlier life is recognized.
    life: u32,
    running: Option<Running>,
    traitor: Option<Traitor>,
}

impl Host {
    /// A node that does not run yet.
    #[must_use]
    pub fn new(setup: Setup, disk: Disk, clock: Clock, traitor: Option<Traitor>) -> Self {
        Self {
            seat: setup.me.into(),
            has_twin: false,
            setup,
            disk,
            clock,
            life: 0,
            running: None,
            traitor,
        }
    }

    /// A second copy of the same node, with a disk and a clock of its own. Neither does anything
    /// wrong by itself.
    #[must_use]
    pub fn twin(&mut self, seat: Seat, disk: Disk, clock: Clock, seed: u64) -> Self {
        self.has_twin = true;
        let setup = Setup {
            seed,
            ..self.setup.clone()
        };
        Self {
            seat,
            has_twin: true,
            ..Self::new(setup, disk, clock, None)
        }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.setup.me
    }

    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it is Byzantine. One copy of two is not, but both together are.
    #[must_use]
    pub const fn is_byzantine(&self) -> bool {
        self.traitor.is_some() || self.has_twin
    }

    /// Whether it acts unasked.
    #[must_use]
    pub const fn is_traitor(&self) -> bool {
        self.traitor.is_some()
    }

    /// The replica's state, while it runs.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.running
            .as_ref()
            .map(|running| running.replica.status())
    }

    /// How far it executed, while it runs.
    #[must_use]
    pub fn applied(&self) -> Option<Applied> {
        self.running
            .as_ref()
            .map(|running| running.application.applied())
    }

    /// What became of a request here, while it runs.
    #[must_use]
    pub fn outcome(&self, key: &RequestKey) -> Option<Outcome> {
        self.running.as_ref()?.application.outcome(key)
    }

    /// What its wall clock shows, in milliseconds.
    #[must_use]
    pub fn wall(&self, simulated: Time) -> u64 {
        self.clock.now(simulated).wall
    }

    /// Its clock.
    pub const fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// Gives it wrong results from here on, as a defect in it would.
    pub const fn corrupt_results(&mut self) {
        if let Some(running) = &mut self.running {
            running.application.corrupt();
        }
    }

    /// What its disk holds, in order.
    pub fn records(&self) -> impl Iterator<Item = &consensus::Record> {
        self.disk.records()
    }

    /// Makes its disk faster or slower.
    pub const fn set_sync_time(&mut self, sync_time: SyncTime) {
        self.disk.set_sync_time(sync_time);
    }

    /// Starts, from what its disk holds.
    pub fn start(&mut self, world: &mut World) {
        if self.running.is_some() {
            return;
        }
        self.life += 1;
        let found = self.disk.recover(&world.verification);
        world.observe(
            self.setup.me,
            Observation::Restarted {
                restored: found.as_ref().map(|found| &found.restored),
                chain: &self.disk.durable().chain,
            },
        );
        let durable = self.disk.durable_writes();
        if self.life > 1 {
            world.replay(self.setup.me, |replay, at| {
                replay.restarted(at, self.setup.me, durable);
            });
        }
        let (restored, application) = match found {
            Some(Found {
                restored,
                application,
            }) => (Some(restored), application),
            None => (None, Application::new(&self.setup.configuration)),
        };
        let mut setup = self.setup.clone();
        setup.seed = crate::random::mix(setup.seed ^ u64::from(self.life));
        let now = self.clock.now(world.now);
        self.running = Some(Running {
            replica: Replica::new(setup, restored, now),
            application,
            synced: WriteId(0),
            waiting: VecDeque::new(),
            timer: None,
        });
        self.pump(world);
    }

    /// Stops without warning. What was not durable may be lost.
    pub fn crash(&mut self) {
        if self.running.take().is_some() {
            self.disk.crash();
        }
    }

    /// A message arrives.
    pub fn deliver(&mut self, world: &mut World, from: NodeId, parcel: Parcel) {
        if self.running.is_none() {
            return;
        }
        if let Some(traitor) = &mut self.traitor
            && !traitor.receives(world, &self.setup, from, parcel.message())
        {
            return;
        }
        world.oracle.received(self.setup.me, parcel.message());
        let event = match parcel {
            Parcel::Message(verified) => Event::Message(Arc::unwrap_or_clone(verified)),
            Parcel::Relayed(relayed) => Event::Relayed {
                from,
                complained: relayed.complained,
                requests: self.admitted(&relayed.requests),
            },
        };
        self.handle(world, event);
    }

    /// What a correct node's application admits (P6.2), and what a Byzantine one likes.
    fn admitted(&mut self, requests: &[Request]) -> Vec<Request> {
        let admits = |request: &&Request| match (&self.traitor, &self.running) {
            (Some(traitor), _) => traitor.admits(&request.key()),
            (None, Some(running)) => {
                running.application.admission(&request.key()) == Admittance::Admitted
            }
            (None, None) => false,
        };
        requests.iter().filter(admits).cloned().collect()
    }

    /// A client asks, or complains that it was not answered.
    pub fn ask(&mut self, world: &mut World, request: Request, complains: bool) {
        let Some(running) = &self.running else {
            return;
        };
        let key = request.key();
        // P6.5: a repeated request gets the first outcome again.
        if let Some(outcome) = running.application.outcome(&key) {
            world.answer(self.setup.me, key, outcome);
            return;
        }
        if self.admitted(std::slice::from_ref(&request)).is_empty() {
            return;
        }
        let event = if complains {
            Event::Complain(request)
        } else {
            Event::Submit(request)
        };
        self.handle(world, event);
    }

    /// A sync ends.
    pub fn synced(&mut self, world: &mut World, life: u32) {
        let Some(running) = self.running.as_mut().filter(|_| life == self.life) else {
            return;
        };
        let (until, next) = self.disk.synced();
        if let Some(span) = next {
            let seat = self.seat;
            world.after(span, Happening::Synced { seat, life });
        }
        running.synced = until;
        let durable = self.disk.durable_writes();
        world.replay(self.setup.me, |replay, at| {
            replay.synced(at, self.setup.me, durable);
        });
        self.release(world);
        self.handle(world, Event::Written(until));
    }

    /// A deadline may have passed.
    pub fn timer(&mut self, world: &mut World) {
        let Some(running) = &mut self.running else {
            return;
        };
        if running.timer != Some(world.now) {
            return;
        }
        running.timer = None;
        let now = self.clock.now(world.now).monotonic;
        match running.replica.next_deadline() {
            Some(deadline) if deadline <= now => self.handle(world, Event::Timeout),
            _ => self.arm(world),
        }
    }

    /// A Byzantine node acts unasked.
    pub fn tick(&mut self, world: &mut World) {
        if self.traitor.as_mut().is_some_and(Traitor::forgets) {
            self.running = None;
            self.disk.wipe();
            self.start(world);
        }
        if let (Some(traitor), Some(running)) = (&mut self.traitor, &self.running) {
            let term = running.replica.status().term;
            traitor.ticks(world, &self.setup, term);
        }
    }

    fn handle(&mut self, world: &mut World, event: Event) {
        let now = self.clock.now(world.now);
        if let Some(running) = &mut self.running {
            running.replica.handle(now, event);
        }
        self.pump(world);
    }

    /// Plans the next timer, unless an earlier one is planned.
    fn arm(&mut self, world: &mut World) {
        let Some(running) = &mut self.running else {
            return;
        };
        let Some(deadline) = running.replica.next_deadline() else {
            return;
        };
        let at = self.clock.simulated(deadline).max(world.now);
        if running.timer.is_none_or(|planned| at < planned) {
            running.timer = Some(at);
            let seat = self.seat;
            world.at(at, Happening::Timer { seat });
        }
    }
}
