//! All schedules of a depth.

use consensus::NodeId;

use super::{
    schedule::{Round, Schedule},
    symmetry,
};

/// Whom clients reach, as far as schedules choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every set in every round.
    All,
    /// Every set, or one of them: each round another choice.
    Chosen,
}

/// All schedules with one twin pair.
#[derive(Clone, Copy, Debug)]
pub struct Enumeration {
    /// How many nodes.
    pub nodes: usize,
    /// How many rounds.
    pub depth: usize,
    /// The most sets that a round divides the seats into.
    pub sets: u8,
    /// Whom clients reach.
    pub reach: Reach,
    /// What delays are drawn from.
    pub seed: u64,
}

impl Enumeration {
    /// What a round may be.
    fn rounds(&self) -> Vec<Round> {
        let mut partitions: Vec<Vec<u8>> = vec![vec![0]];
        for _ in 0..self.nodes {
            partitions = partitions
                .into_iter()
                .flat_map(|partition| {
                    let used = partition.iter().max().map_or(0, |highest| highest + 1);
                    (0..self.sets.min(used + 1)).map(move |set| {
                        let mut longer = partition.clone();
                        longer.push(set);
                        longer
                    })
                })
                .collect();
        }
        let reach = self.reach;
        let rounds = partitions.into_iter().flat_map(|partition| {
            let sets = partition.iter().max().map_or(0, |highest| highest + 1);
            let ones = if reach == Reach::Chosen && sets > 1 {
                0..sets
            } else {
                0..0
            };
            let choices = ones.map(Some).chain([None]);
            choices
                .map(|only| Round::new(&partition, |set| only.is_none_or(|one| one == set)))
                .collect::<Vec<_>>()
        });
        rounds.collect()
    }

    /// How many schedules there are, before any is taken for the same as another. `None`: more
    /// than can be counted.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let rounds = u64::try_from(self.rounds().len()).ok()?;
        let nodes = u64::try_from(self.nodes).ok()?;
        rounds
            .checked_pow(u32::try_from(self.depth).ok()?)?
            .checked_mul(nodes)
    }

    /// One schedule of each kind, in a fixed order.
    pub fn schedules(self) -> impl Iterator<Item = Schedule> {
        let rounds = self.rounds();
        let size = self.size().unwrap_or(u64::MAX);
        (0..size)
            .map(move |number| self.schedule(&rounds, number))
            .filter(symmetry::is_chosen)
    }

    fn schedule(&self, rounds: &[Round], number: u64) -> Schedule {
        let (nodes, choices) = (self.nodes as u64, rounds.len() as u64);
        let twin = u16::try_from(number % nodes).expect("few nodes");
        let mut rest = number / nodes;
        let chosen = (0..self.depth).map(|_| {
            let choice = usize::try_from(rest % choices).expect("few choices");
            rest /= choices;
            rounds[choice].clone()
        });
        Schedule {
            rounds: chosen.collect(),
            nodes: self.nodes,
            twins: vec![NodeId(twin)],
            seed: self.seed,
        }
    }
}
