//! Builds a network from a blueprint and starts it.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Hash, NodeId, Setup, Timers, Verification, mode::SizeError,
};

use super::{Blueprint, Simulation};
use crate::{
    adversary::{Coalition, TICK, Traitor},
    client::Clients,
    clock::Clock,
    conformance::Replay,
    disk::Disk,
    fault::HEALTHY_DISK,
    host::Host,
    network::Network,
    oracle::Oracle,
    payload::PaymentSeal,
    random::Random,
    signing::Keys,
    world::{Happening, World},
};

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

    pub(super) fn assemble(
        blueprint: Blueprint,
        twins: &[NodeId],
        seed: u64,
    ) -> Result<Self, SizeError> {
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
            Coalition::new(random.number(), seal),
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
            furthest_ahead: 0,
            events: 0,
            simultaneous: 0,
            unreached: Vec::new(),
            recording: None,
        })
    }

    pub(super) fn start_hosts(&mut self) {
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
}
