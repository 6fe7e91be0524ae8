//! When which nemesis is at work.

use std::time::Duration;

use super::{Family, Nemesis};
use crate::random::Random;

/// Quiet time between two steps, in milliseconds: least and most.
const QUIET: (u64, u64) = (500, 2_500);
/// In so many of a hundred steps two nemeses are at work at once.
const TWO: u64 = 25;

/// One step of a schedule.
#[derive(Clone)]
pub struct Step {
    /// How long nothing is broken before.
    pub quiet: Duration,
    /// What is broken, in this order; it is mended in the reverse order.
    pub nemeses: Vec<&'static Nemesis>,
    /// For how long.
    pub lasts: Duration,
    /// What the victims are drawn from.
    pub random: Random,
}

/// Endless steps drawn from a seed.
pub struct Schedule {
    nemeses: Vec<&'static Nemesis>,
    random: Random,
    seed: u64,
    steps: u64,
}

impl Schedule {
    /// Draws from these nemeses, each of which is tried before one is repeated.
    #[must_use]
    pub fn new(nemeses: Vec<&'static Nemesis>, seed: u64) -> Self {
        Self {
            nemeses,
            random: Random::part(seed, u64::MAX),
            seed,
            steps: 0,
        }
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.nemeses.is_empty() {
            return None;
        }
        let count = self.nemeses.len() as u64;
        let (round, place) = (self.steps / count, self.steps % count);
        // A round is one order of all, drawn once.
        let order = Random::part(self.seed, round).choose(&self.nemeses, self.nemeses.len());
        let first = order[usize::try_from(place).unwrap_or(0)];
        let mut nemeses = vec![first];
        let second = self.nemeses[self.random.position(self.nemeses.len())];
        if self.random.percent(TWO) && can_meet(first.family, second.family) {
            nemeses.push(second);
        }
        // Whoever is paused or dead cannot be told anything, so that comes last.
        nemeses.sort_by_key(|nemesis| nemesis.family);
        let quiet = self.random.between(QUIET.0, QUIET.1);
        let lasts = self.random.between(first.lasts.0, first.lasts.1);
        let step = Step {
            quiet: Duration::from_millis(quiet),
            nemeses,
            lasts: Duration::from_millis(lasts),
            random: Random::part(self.seed, self.steps | 1 << 40),
        };
        self.steps += 1;
        Some(step)
    }
}

/// Whether two families may be at work at once. Processes and disks may not: a node that is killed
/// could not be started again while its disk is broken.
fn can_meet(one: Family, other: Family) -> bool {
    let own_nodes = [Family::Disks, Family::Processes];
    one != other && !(own_nodes.contains(&one) && own_nodes.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nemesis::all;

    fn words(seed: u64, steps: usize) -> Vec<String> {
        let schedule = Schedule::new(all(), seed);
        let words = schedule.take(steps).map(|mut step| {
            let names: Vec<_> = step.nemeses.iter().map(|nemesis| nemesis.name).collect();
            let drawn = step.random.number();
            format!("{:?} {names:?} {:?} {drawn}", step.quiet, step.lasts)
        });
        words.collect()
    }

    #[test]
    fn a_seed_gives_one_schedule() {
        assert_eq!(words(1, 100), words(1, 100));
        assert_ne!(words(1, 100), words(2, 100));
    }

    #[test]
    fn every_nemesis_has_its_turn_and_those_at_work_at_once_are_of_different_families() {
        let every = all();
        let steps: Vec<Step> = Schedule::new(every.clone(), 9).take(every.len()).collect();
        for nemesis in &every {
            let has = |step: &Step| step.nemeses.iter().any(|found| found.name == nemesis.name);
            assert!(steps.iter().any(has), "{}", nemesis.name);
        }
        for step in Schedule::new(every, 3).take(500) {
            let families: Vec<Family> = step.nemeses.iter().map(|found| found.family).collect();
            assert!(families.windows(2).all(|two| two[0] < two[1]));
        }
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = all().iter().map(|nemesis| nemesis.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn nothing_to_draw_from_is_an_empty_schedule() {
        assert!(Schedule::new(Vec::new(), 1).next().is_none());
    }
}
