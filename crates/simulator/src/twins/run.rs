//! Plays many schedules.

use std::{sync::Mutex, thread};

use consensus::mutation::Mutation;
use serde::Serialize;

use super::{
    play::{Played, play},
    schedule::Schedule,
    symmetry,
};
use crate::{run::contained, trace::Trace};

/// Broken schedules after which no further one is begun.
const MOST_FAILURES: usize = 10;

/// Totals of many schedules.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// How many were played.
    pub played: u64,
    /// How many of them because a run led further than the names of its nodes allowed for.
    pub renamed: u64,
    /// In how many the twins were convicted.
    pub convictions: u64,
    /// The highest term at the end of the rounds.
    pub highest_term: u64,
    /// Entries committed.
    pub commits: u64,
    /// How many things happened.
    pub events: u64,
    /// Simulated microseconds.
    pub simulated_micros: u64,
    /// The schedules in which a rule was broken.
    pub violations: Vec<Played>,
}

impl Totals {
    /// Adds what came of a schedule.
    pub fn add(&mut self, played: Played) {
        self.played += 1;
        self.convictions += u64::from(played.accused);
        self.highest_term = self.highest_term.max(played.term);
        self.commits += played.commits;
        self.events += played.events;
        self.simulated_micros += played.simulated_micros;
        if played.violation.is_some() {
            self.violations.push(played);
        }
    }

    /// Adds other totals.
    pub fn join(&mut self, other: Self) {
        self.played += other.played;
        self.renamed += other.renamed;
        self.convictions += other.convictions;
        self.highest_term = self.highest_term.max(other.highest_term);
        self.commits += other.commits;
        self.events += other.events;
        self.simulated_micros += other.simulated_micros;
        self.violations.extend(other.violations);
    }
}

/// Plays a schedule; a panic is a broken rule like any other.
fn guarded_play(schedule: &Schedule, mutation: Option<Mutation>) -> Played {
    contained(|| play(schedule, mutation, Trace::Off)).unwrap_or_else(|message| Played {
        schedule: schedule.to_string(),
        term: 0,
        accused: false,
        commits: 0,
        simulated_micros: 0,
        events: 0,
        violation: Some(format!("nothing panics (§ 12): {message}")),
    })
}

/// Plays schedules on `jobs` threads until there is no more or `stop` says so, and tells
/// `progress` the totals after each. With `expand`, a run that leads further than
/// [`symmetry::highest_term`] allows for is followed by those that were left out for its sake.
pub fn run(
    schedules: impl Iterator<Item = Schedule> + Send,
    expand: bool,
    mutation: Option<Mutation>,
    jobs: usize,
    stop: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&Totals) + Sync),
) -> Totals {
    let _quiet = crate::run::Quiet::begin();
    let schedules = Mutex::new(schedules.fuse());
    let totals = Mutex::new(Totals::default());
    let lock = || totals.lock().expect("no thread panics while it holds this");
    let next = || {
        let mut schedules = schedules
            .lock()
            .expect("no thread panics while it holds this");
        schedules.next()
    };
    let work = || {
        while !stop() && lock().violations.len() < MOST_FAILURES {
            let Some(schedule) = next() else {
                break;
            };
            let played = guarded_play(&schedule, mutation);
            let further = expand && played.term > symmetry::highest_term(&schedule) as u64;
            lock().add(played);
            if further {
                for other in symmetry::same(&schedule) {
                    if other != schedule && !stop() {
                        let played = guarded_play(&other, mutation);
                        let mut totals = lock();
                        totals.add(played);
                        totals.renamed += 1;
                    }
                }
            }
            progress(&lock());
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    totals
        .into_inner()
        .expect("no thread panics while it holds this")
}
