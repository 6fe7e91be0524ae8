//! Which schedules are the same story under other names.

use consensus::{FaultModel, Mode, NodeId};

use super::schedule::{Round, Schedule};

/// An upper estimate of the highest term that a schedule's rounds lead to.
///
/// A round is long enough for one change of leaders, and a change takes a quorum of nodes that hear
/// each other (P4.3). A run that gets further is told by [`super::Played::term`], and
/// [`super::run`] then plays everything that was taken for the same.
#[must_use]
pub(super) fn highest_term(schedule: &Schedule) -> usize {
    let sizes =
        FaultModel::new(Mode::Byzantine, schedule.nodes).expect("a schedule's size is good");
    let seated = schedule.seated();
    let has_quorum = |round: &&Round| {
        (0..round.reached.len()).any(|set| {
            let mut nodes: Vec<NodeId> = round
                .seats(set)
                .into_iter()
                .map(|seat| seated[seat])
                .collect();
            nodes.sort_unstable();
            nodes.dedup();
            nodes.len() >= sizes.quorum()
        })
    };
    schedule.rounds.iter().filter(has_quorum).count()
}

/// The schedule after renaming: node i is called `names[i]`, and where `swapped` says so the copies
/// of a twin change places.
fn renamed(schedule: &Schedule, names: &[u16], swapped: u32) -> Schedule {
    let mut twins: Vec<(NodeId, usize)> = schedule
        .twins
        .iter()
        .enumerate()
        .map(|(order, twin)| (NodeId(names[twin.position()]), order))
        .collect();
    twins.sort_unstable();
    let mut seats: Vec<usize> = names.iter().map(|name| usize::from(*name)).collect();
    seats.resize(schedule.nodes + twins.len(), 0);
    for (place, (twin, order)) in twins.iter().enumerate() {
        let old = schedule.twins[*order].position();
        let (first, second) = (twin.position(), schedule.nodes + place);
        let swap = swapped >> order & 1 == 1;
        let (first, second) = if swap {
            (second, first)
        } else {
            (first, second)
        };
        seats[old] = first;
        seats[schedule.nodes + order] = second;
    }
    let rounds = schedule.rounds.iter().map(|round| {
        let mut sets = vec![0; seats.len()];
        for (old, new) in seats.iter().enumerate() {
            sets[*new] = round.sets[old];
        }
        Round::new(&sets, |set| round.reached[usize::from(set)])
    });
    Schedule {
        rounds: rounds.collect(),
        twins: twins.into_iter().map(|(twin, _)| twin).collect(),
        ..*schedule
    }
}

/// Every order of the nodes that leaves the first `leaders` where they are.
fn orders(nodes: usize, leaders: usize) -> Vec<Vec<u16>> {
    let all: Vec<u16> = (0..u16::try_from(nodes).expect("few nodes")).collect();
    let mut orders = vec![all];
    for place in leaders..nodes {
        orders = orders
            .into_iter()
            .flat_map(|order| {
                (place..nodes).map(move |other| {
                    let mut order = order.clone();
                    order.swap(place, other);
                    order
                })
            })
            .collect();
    }
    orders
}

/// Everything that is the same story: names of nodes that do not lead in its rounds are of no
/// account, and neither is which copy of a node is called the twin.
#[must_use]
pub(super) fn same(schedule: &Schedule) -> Vec<Schedule> {
    let leaders = (highest_term(schedule) + 1).min(schedule.nodes);
    let swaps = 1_u32 << schedule.twins.len();
    let mut all: Vec<Schedule> = orders(schedule.nodes, leaders)
        .iter()
        .flat_map(|names| (0..swaps).map(|swapped| renamed(schedule, names, swapped)))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether it stands for all that are the same.
#[must_use]
pub(super) fn is_chosen(schedule: &Schedule) -> bool {
    same(schedule).first() == Some(schedule)
}
