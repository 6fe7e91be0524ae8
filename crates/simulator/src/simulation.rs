//! The event loop: nodes and world together, one thing after the other.

mod planned;

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, FaultModel, Hash, Mode, NodeId, Request, RequestKey, Role,
    Setup, Time, Timers, Verification, event::Recipient, mode::SizeError,
};

use crate::{
    adversary::{Adversary, Coalition, TICK, Traitor},
    application::Outcome,
    client::{Clients, RESEND},
    clock::Clock,
    conformance::Replay,
    disk::Disk,
    fault::{Fault, HEALTHY_DISK, Kind, Profile},
    host::Host,
    network::{Network, Weather},
    oracle::{Oracle, Violation},
    payload::PaymentSeal,
    plan::{Act, Recording},
    random::Random,
    signing::{Keys, Signatures},
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

/// The rules that make requests commit in time.
const LIVENESS_RULES: &str = "P1.1, P3.7, P4.2, P4.3, P6.2";

/// Byzantine mode: how many terms a request may take in a timely network, beyond one for each
/// traitor (see [`liveness_bound`]).
pub const TERMS_TO_COMMIT: u64 = 2;

/// How long a request may take in a timely network, with f active attackers, if nodes are as
/// patient as timers at `level` are (P4.6) when it is asked or when the faults end.
///
/// Byzantine mode. A client complains after [`RESEND`]. A term in which the request is not
/// committed ends at the latest after the longest of three spans: the term timer; twice the silence
/// timer, since other nodes take up the cause of the first that suspects and then wait as long; the
/// starvation timer. Each such term makes the next one more patient by a level. At most f of the
/// terms from then on have a Byzantine leader, one after the other; one more may be under way with
/// what was lost before; the next has a correct leader and commits. So the request takes
/// [`TERMS_TO_COMMIT`] + f terms, each at most the longest timer.
///
/// Raft: elections take few timeouts; twenty leave room for split votes.
#[must_use]
pub fn liveness_bound(sizes: FaultModel, timers: &Timers, level: u32) -> Time {
    match sizes.mode() {
        Mode::Byzantine => {
            let terms = TERMS_TO_COMMIT + sizes.faulty() as u64;
            let levels = (level..).map(|level| level.min(timers.highest_level()));
            levels
                .zip(0..terms)
                .map(|(level, _)| term_at_most(timers, level))
                .fold(RESEND, Time::after)
        }
        Mode::Raft | Mode::RaftSigned => Time(timers.silence_longest.0 * 20),
    }
}

/// How long a term may last that does not commit what it should.
fn term_at_most(timers: &Timers, level: u32) -> Time {
    let silence = timers.grown(timers.silence_shortest, level);
    timers
        .at_level(timers.term, level)
        .max(Time(2 * silence.0))
        .max(timers.grown(timers.starvation, level))
}

impl Simulation {
    /// Builds and starts a network; everything in it follows from `seed`.
    ///
    /// # Errors
    /// [`SizeError`] if the mode cannot work with so many nodes.
    pub fn new(blueprint: Blueprint, seed: u64) -> Result<Self, SizeError> {
        Self::with_twins(blueprint, &[], seed)
    }

    /// As [`Simulation::new`], with a second copy of each node in `twins`. The copies sit behind
    /// all nodes, in this order.
    ///
    /// # Errors
    /// [`SizeError`] if the mode cannot work with so many nodes.
    pub fn with_twins(
        blueprint: Blueprint,
        twins: &[NodeId],
        seed: u64,
    ) -> Result<Self, SizeError> {
        let mut simulation = Self::assemble(blueprint, twins, seed)?;
        simulation.start();
        Ok(simulation)
    }

    /// As [`Simulation::new`], with every step of correct nodes taken through the model. `byzantine`
    /// are f nodes whose steps the model does not follow: all traitors, and others where there are
    /// fewer.
    ///
    /// # Errors
    /// [`SizeError`] if the mode cannot work with so many nodes.
    pub fn replayed(
        blueprint: Blueprint,
        byzantine: &[usize],
        seed: u64,
    ) -> Result<Self, SizeError> {
        let mut simulation = Self::assemble(blueprint, &[], seed)?;
        let configuration = simulation.world.verification.configuration();
        simulation.world.replay = Replay::new(configuration, byzantine).map(Box::new);
        simulation.start();
        Ok(simulation)
    }

    fn assemble(blueprint: Blueprint, twins: &[NodeId], seed: u64) -> Result<Self, SizeError> {
        let Blueprint {
            mode,
            nodes,
            signatures,
            rate,
            profile,
            traitors,
            trace,
        } = blueprint;
        let mut random = Random::new(seed);
        let keys = Keys::generate(signatures, nodes, &mut random.fork(1));
        let domain = Domain {
            network: Hash([u8::try_from(seed % 251).expect("below 251"); 32]),
            mode,
        };
        let configuration = Arc::new(Configuration::genesis(
            domain,
            keys.public,
            ClientChecks::default_of(mode),
        )?);
        let seal = PaymentSeal::new(random.number());
        let verification =
            Verification::new(Arc::clone(&configuration), keys.verifier, Arc::new(seal));
        let mut correct = vec![true; nodes];
        for node in traitors.iter().map(|(node, _)| node).chain(twins) {
            correct[node.position()] = false;
        }
        let mut world = World::new(
            Network::new(nodes + twins.len(), profile.weather, random.fork(2)),
            Clients::new(
                seal,
                configuration.sizes().matching_answers(),
                rate,
                random.fork(3),
            ),
            Oracle::new(verification.clone(), correct),
            verification,
            Coalition::new(random.number()),
            trace,
        );
        let mut traitors = traitors;
        let mut hosts: Vec<Host> = configuration
            .sizes()
            .nodes()
            .zip(keys.signers)
            .map(|(me, signer)| {
                let mut random = random.fork(100 + u64::from(me.0));
                let setup = Setup {
                    configuration: Arc::clone(&configuration),
                    me,
                    signer,
                    timers: Timers::DEFAULT,
                    seed: random.number(),
                };
                let traitor = traitors
                    .iter()
                    .position(|(node, _)| *node == me)
                    .map(|position| Traitor::new(traitors.swap_remove(position).1, random.fork(1)));
                let drift = random.between(0, 2 * profile.drift);
                let drift =
                    i64::try_from(drift).unwrap_or(0) - i64::try_from(profile.drift).unwrap_or(0);
                let clock = Clock::new(random.below(1 << 32), drift, 0);
                Host::new(
                    setup,
                    Disk::new(HEALTHY_DISK, random.fork(2)),
                    clock,
                    traitor,
                )
            })
            .collect();
        let faults = random.fork(4);
        for &node in twins {
            let mut random = random.fork(200 + u64::from(node.0));
            let disk = Disk::new(HEALTHY_DISK, random.fork(2));
            let clock = Clock::new(random.below(1 << 32), 0, 0);
            let seat = world.seat_twin(node);
            let twin = hosts[node.position()].twin(seat, disk, clock, random.number());
            hosts.push(twin);
        }
        Ok(Self {
            hosts,
            world,
            random: faults,
            profile,
            healed_at: None,
            events: 0,
            simultaneous: 0,
            unreached: Vec::new(),
            recording: None,
        })
    }

    fn start_hosts(&mut self) {
        for host in &mut self.hosts {
            host.start(&mut self.world);
            if host.is_traitor() {
                let node = host.id();
                self.world.after(TICK, Happening::Tick { node });
            }
        }
    }

    fn start(&mut self) {
        self.start_hosts();
        for (kind, _) in self.profile.kinds.clone() {
            self.plan_strike(kind);
        }
        self.plan_ask();
    }

    fn plan_strike(&mut self, kind: Kind) {
        if let Some(span) = self.profile.until_next(kind, &mut self.random) {
            self.world
                .after(span, Happening::Fault(Fault::Strike(kind)));
        }
    }

    fn plan_ask(&mut self) {
        if let Some(span) = self.world.clients.until_next() {
            self.world.after(span, Happening::Ask);
        }
    }

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
            Happening::Ask => {
                self.adjust_patience();
                let Self { hosts, world, .. } = self;
                let (request, node) = world.clients.ask(world.now, hosts.len());
                world.after(RESEND, Happening::AskAgain(request.key()));
                hosts[node].ask(world, request.clone(), false);
                self.note_request(node, &request);
                self.plan_ask();
            }
            Happening::AskAgain(key) => self.ask_again(key),
            Happening::Fault(fault) => self.fault(fault),
            Happening::Act(act) if self.healed_at.is_none() => self.act(act),
            Happening::Act(_) => {}
            Happening::Request(request) => self.request(request),
        }
    }

    fn ask_again(&mut self, key: RequestKey) {
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

    fn report_late(&mut self, key: &RequestKey) {
        let detail = format!("request {} is not answered in time", key.nonce);
        self.report("liveness", LIVENESS_RULES, None, detail);
    }

    /// How long a request may take that is asked now, or open when the network becomes timely.
    fn patience(&self) -> Time {
        let correct = self.hosts.iter().filter(|host| !host.is_byzantine());
        let levels = correct.filter_map(|host| host.status().map(|status| status.timer_level));
        let level = levels.max().unwrap_or(0);
        liveness_bound(self.configuration().sizes(), &Timers::DEFAULT, level)
    }

    fn adjust_patience(&mut self) {
        if self.world.clients.is_healed() {
            let patience = self.patience();
            self.world.clients.set_patience(patience);
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

    fn reach(&mut self, position: usize, request: &Request, complains: bool) {
        if !self.unreached.contains(&position) {
            self.hosts[position].ask(&mut self.world, request.clone(), complains);
        }
    }

    /// What a node has as the outcome of a request, while it runs.
    #[must_use]
    pub fn outcome_at(&self, node: NodeId, key: &RequestKey) -> Option<Outcome> {
        self.hosts.get(node.position())?.outcome(key)
    }

    fn fault(&mut self, fault: Fault) {
        if self.healed_at.is_some() && fault != Fault::Heal {
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
            Fault::Heal => self.heal(),
        }
    }

    /// Ends all faults but the Byzantine ones.
    pub fn heal(&mut self) {
        self.healed_at.get_or_insert(self.world.now);
        self.world.network.mend();
        self.world.network.set_weather(Weather::TIMELY);
        for host in &mut self.hosts {
            host.set_sync_time(HEALTHY_DISK);
            host.start(&mut self.world);
        }
        let patience = self.patience();
        self.world.clients.healed(self.world.now, patience);
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

    /// Whether every request is answered and every correct node has executed everything.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.world.clients.is_done() && self.laggard().is_none()
    }

    /// A correct node that has not executed everything that is committed.
    #[must_use]
    pub fn laggard(&self) -> Option<NodeId> {
        let committed = self.world.oracle.committed();
        self.hosts
            .iter()
            .find(|host| {
                !host.is_byzantine()
                    && host
                        .applied()
                        .is_none_or(|applied| applied.index < committed)
            })
            .map(Host::id)
    }

    /// Nobody asks for more. Lets the network finish what was asked, within the liveness bound.
    pub fn settle(&mut self) {
        self.world.clients.stop();
        // The requests have their deadlines; a node that lags has as long from here.
        let end = self.world.now.after(self.patience());
        while self.violation().is_none() && !self.is_settled() {
            let late = self.world.clients.first_late(self.world.now);
            if let Some(key) = late {
                self.report_late(&key);
            } else if self.world.clients.is_done() && self.world.now > end {
                let node = self.laggard();
                let detail = "has not executed everything that is committed".to_owned();
                self.report("liveness", LIVENESS_RULES, node, detail);
            }
            let next = self.world.now.after(Time::from_millis(50));
            self.run_until(next);
        }
        if let Some(key) = self.world.clients.late {
            self.report_late(&key);
        }
        self.settle_evidence();
    }

    /// Lets evidence reach everybody: each node tells one peer at a time what it has, and waits for
    /// a while before it shows what it cannot judge.
    fn settle_evidence(&mut self) {
        let rounds = self.hosts.len() as u64 + 4;
        let span = Time(consensus::limits::TESTIMONY_INTERVAL.0 * rounds);
        let end = self.world.now.after(span);
        while self.violation().is_none()
            && let Some(missing) = self.world.oracle.unfound()
        {
            if self.world.now > end {
                let (holder, detail) = (missing.holder, missing.to_string());
                self.report("contradictions are found", "P7.3", Some(holder), detail);
            }
            let next = self.world.now.after(Time::from_millis(50));
            self.run_until(next);
        }
    }
}
