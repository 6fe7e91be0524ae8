//! What is going to happen, in order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use consensus::Time;

use super::Happening;
use crate::plan::{Act, Plan, RequestPlan, Timed};

struct Scheduled {
    at: Time,
    /// What was scheduled first happens first.
    order: u64,
    happening: Happening,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What happened so far in the microsecond of the latest happening.
#[derive(Default)]
struct Moment {
    at: Time,
    acts: u64,
    requests: u64,
    /// Everything else.
    others: u64,
}

impl Moment {
    const fn before_act(&self) -> u64 {
        self.others + self.requests
    }

    const fn before_request(&self) -> u64 {
        self.others + self.acts
    }
}

fn in_order<T: Clone>(list: &[Timed<T>]) -> VecDeque<Timed<T>> {
    let mut list = list.to_vec();
    list.sort_by_key(|timed| (timed.at_micros, timed.after));
    list.into()
}

/// What is going to happen. In the same microsecond, what was scheduled first happens first, but for
/// what a plan says: that has the place that the plan gives it ([`Timed::after`]).
#[derive(Default)]
pub struct Schedule {
    queue: BinaryHeap<Reverse<Scheduled>>,
    order: u64,
    acts: VecDeque<Timed<Act>>,
    requests: VecDeque<Timed<RequestPlan>>,
    moment: Moment,
}

impl Schedule {
    /// Schedules something.
    pub fn add(&mut self, at: Time, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Scheduled {
            at,
            order: self.order,
            happening,
        }));
    }

    /// Schedules what a plan says. Its lists need not be in order.
    pub fn follow(&mut self, plan: &Plan) {
        self.acts = in_order(&plan.acts);
        self.requests = in_order(&plan.requests);
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        let queued = self.queue.peek().map(|Reverse(next)| next.at);
        let act = self.acts.front().map(Timed::at);
        let request = self.requests.front().map(Timed::at);
        [queued, act, request].into_iter().flatten().min()
    }

    /// Takes out the next thing, and when it happens.
    pub fn take(&mut self) -> Option<(Time, Happening)> {
        let at = self.next_at()?;
        if at != self.moment.at {
            self.moment = Moment {
                at,
                ..Moment::default()
            };
        }
        let happening = self.planned(false).or_else(|| self.queued());
        // Whoever edits a plan may give a place that the microsecond does not have.
        let happening = happening.or_else(|| self.planned(true))?;
        Some((at, happening))
    }

    /// What the plan says for this place in the moment, or for any.
    fn planned(&mut self, anywhere: bool) -> Option<Happening> {
        fn due<T>(list: &mut VecDeque<Timed<T>>, at: Time, place: u64) -> Option<T> {
            let first = list.front()?;
            let is_due = first.at() == at && first.after <= place;
            is_due.then(|| list.pop_front())?.map(|timed| timed.what)
        }
        let Self {
            acts,
            requests,
            moment,
            ..
        } = self;
        let place = |place| if anywhere { u64::MAX } else { place };
        due(acts, moment.at, place(moment.before_act()))
            .map(Happening::Act)
            .or_else(|| {
                due(requests, moment.at, place(moment.before_request())).map(Happening::Request)
            })
    }

    /// What else is scheduled for the moment.
    fn queued(&mut self) -> Option<Happening> {
        let next = self.queue.peek_mut()?;
        if next.0.at != self.moment.at {
            return None;
        }
        let Reverse(Scheduled { happening, .. }) =
            std::collections::binary_heap::PeekMut::pop(next);
        if !happening.is_decision() {
            self.moment.others += 1;
        }
        Some(happening)
    }

    /// Counts an act that takes place now; returns its [`Timed::after`].
    pub const fn place_of_act(&mut self) -> u64 {
        self.moment.acts += 1;
        self.moment.before_act()
    }

    /// Counts a request that is made now; returns its [`Timed::after`].
    pub const fn place_of_request(&mut self) -> u64 {
        self.moment.requests += 1;
        self.moment.before_request()
    }
}

#[cfg(test)]
mod tests {
    use consensus::NodeId;

    use super::*;

    fn timed<T>(at_micros: u64, after: u64, what: T) -> Timed<T> {
        Timed {
            at_micros,
            after,
            what,
        }
    }

    const REQUEST: RequestPlan = RequestPlan {
        node: 0,
        from: 0,
        to: 1,
        amount: 1,
    };

    /// What happens, with ticks of nodes 0, 1 … in microsecond 7 and of node 9 in microsecond 8.
    fn played(ticks: u16, acts: &[Timed<Act>], requests: &[Timed<RequestPlan>]) -> Vec<String> {
        let mut schedule = Schedule {
            acts: in_order(acts),
            requests: in_order(requests),
            ..Schedule::default()
        };
        schedule.add(Time(8), Happening::Tick { node: NodeId(9) });
        for node in (0..ticks).map(NodeId) {
            schedule.add(Time(7), Happening::Tick { node });
        }
        let mut story = Vec::new();
        while let Some((at, happening)) = schedule.take() {
            let what = match happening {
                Happening::Tick { node } => format!("tick {}", node.0),
                Happening::Act(act) => {
                    let after = schedule.place_of_act();
                    format!("{act:?} after {after}")
                }
                Happening::Request(_) => {
                    let after = schedule.place_of_request();
                    format!("request after {after}")
                }
                _ => unreachable!("nothing else is planned"),
            };
            story.push(format!("{}: {what}", at.0));
        }
        story
    }

    #[test]
    fn everything_has_its_place_in_its_microsecond() {
        let acts = [
            timed(7, 3, Act::Crash(1)),
            timed(7, 1, Act::Crash(0)),
            timed(7, 3, Act::Mend),
            timed(6, 0, Act::Restart(0)),
        ];
        let requests = [timed(7, 2, REQUEST), timed(7, 5, REQUEST)];
        let story = played(2, &acts, &requests);
        assert_eq!(
            story,
            [
                "6: Restart(0) after 0",
                "7: tick 0",
                "7: Crash(0) after 1",
                "7: request after 2",
                "7: tick 1",
                "7: Crash(1) after 3",
                "7: Mend after 3",
                "7: request after 5",
                "8: tick 9",
            ]
        );
    }

    #[test]
    fn a_place_that_is_not_there_is_the_last() {
        let acts = [timed(7, 5, Act::Crash(0))];
        let requests = [timed(7, u64::MAX, REQUEST)];
        let story = played(1, &acts, &requests);
        assert_eq!(
            story,
            [
                "7: tick 0",
                "7: Crash(0) after 1",
                "7: request after 2",
                "8: tick 9",
            ]
        );
        assert_eq!(
            played(0, &acts, &[]),
            ["7: Crash(0) after 0", "8: tick 9"],
            "also where nothing else happens"
        );
    }
}
