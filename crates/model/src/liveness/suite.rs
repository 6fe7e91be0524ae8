//! The searches that together make the check, with rules as written or broken.

use super::{
    explore::{Bounds, Explored, explore},
    rules::{Broken, Disturbance, Network},
};

/// Ticks within which a request is committed, whatever the traitor does: six longest timers.
pub const BOUND: u32 = 48;

/// One search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Its name.
    pub name: &'static str,
    disturbance: Disturbance,
    complaints: bool,
}

/// All of them.
pub const SEARCHES: [Search; 6] = [
    Search {
        name: "traitor",
        disturbance: Disturbance::Traitors { hasty: None },
        complaints: true,
    },
    Search {
        name: "traitor, no complaints",
        disturbance: Disturbance::Traitors { hasty: None },
        complaints: false,
    },
    Search {
        name: "traitor, hasty n0",
        disturbance: Disturbance::Traitors { hasty: Some(0) },
        complaints: false,
    },
    Search {
        name: "traitor, hasty n1",
        disturbance: Disturbance::Traitors { hasty: Some(1) },
        complaints: false,
    },
    Search {
        name: "traitor, hasty n2",
        disturbance: Disturbance::Traitors { hasty: Some(2) },
        complaints: false,
    },
    Search {
        name: "errors",
        disturbance: Disturbance::Errors,
        complaints: true,
    },
];

impl Search {
    /// Searches a network of four, in which the last node is a traitor: who it is makes no
    /// difference, as every term is started from.
    #[must_use]
    pub fn run(self, broken: Broken, bounds: Bounds) -> Option<Explored> {
        let mut network = Network::new(4, &[3], self.disturbance, broken)?;
        network.complaints = self.complaints;
        network.quiet_timers = (self.disturbance == Disturbance::Errors).then_some(3);
        Some(explore(&network, bounds))
    }
}
