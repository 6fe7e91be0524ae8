//! What reports oblige the next term to keep (P4.8), case by case: each ingredient of the rule decides
//! one of these.

use consensus::{
    FaultModel, Hash, Index, Mode, NodeId, Point, Term,
    byzantine::{
        select_base::{NoBase, from_reports, select_base},
        void::{Path, Void},
    },
};

use super::{
    network::{BASE, Network},
    reports::{NEXT, committed, elected},
};

/// w, the highest term among the reports, and an older one.
const W: u64 = 2;
const OLDER: u64 = 1;

/// The point of a branch at a height above base.
fn at(branch: u8, height: u8) -> Point {
    Point {
        index: Index(BASE.index.0 + u64::from(height)),
        hash: Hash([branch ^ height; 32]),
    }
}

/// A path of W from base along a branch.
fn along(branch: u8, height: u8) -> Path {
    Path {
        term: Term(W),
        points: std::iter::once(BASE)
            .chain((1..=height).map(|height| at(branch, height)))
            .collect(),
        base: Some(BASE),
        certified: None,
    }
}

/// A path that hangs from a certified point and shows no base.
fn from_certified(branch: u8, anchor: u8, height: u8) -> Path {
    Path {
        term: Term(W),
        points: (anchor..=height).map(|height| at(branch, height)).collect(),
        base: None,
        certified: Some(at(branch, anchor)),
    }
}

fn of_term(term: u64, path: Path) -> Path {
    Path {
        term: Term(term),
        ..path
    }
}

/// Selects among reports of n0, n1, …, or of those that are named; leader(W) is n2.
fn select(nodes: usize, reports: Vec<(u16, Path)>) -> Result<Point, NoBase> {
    let sizes = FaultModel::new(Mode::Byzantine, nodes).unwrap();
    let reports: Vec<_> = reports
        .into_iter()
        .map(|(node, path)| (NodeId(node), path))
        .collect();
    let all = nodes as u64;
    select_base(sizes, &reports, |term| NodeId((term.0 % all) as u16))
}

const A: u8 = 0x0a;
const B: u8 = 0xb0;

#[test]
fn the_furthest_of_one_chain_is_kept() {
    let reports = || vec![(0, along(A, 1)), (1, along(A, 3)), (3, along(A, 2))];
    assert_eq!(select(4, reports()), Ok(at(A, 3)));
    // Nobody accepted anything: what the term built on.
    let none = (0..3).map(|node| (node, along(A, 0))).collect();
    assert_eq!(select(4, none), Ok(BASE));
    // One that did is enough, and on one chain the leader's own word counts.
    let mut one: Vec<_> = (0..2).map(|node| (node, along(A, 0))).collect();
    one.push((2, along(A, 2)));
    assert_eq!(select(4, one), Ok(at(A, 2)));
}

#[test]
fn only_the_highest_term_decides() {
    let reports = vec![
        (0, of_term(OLDER, along(B, 9))),
        (1, of_term(OLDER, along(B, 9))),
        (3, along(A, 1)),
    ];
    assert_eq!(select(4, reports), Ok(at(A, 1)));
}

#[test]
fn as_many_reports_as_the_mode_asks_for_are_needed() {
    for (nodes, needed) in [(4, 3), (5, 4), (6, 5), (7, 5), (9, 7), (10, 7)] {
        let reports = |count: u16| (0..count).map(|node| (node, along(A, 1))).collect();
        let needed_16 = u16::try_from(needed).unwrap();
        assert_eq!(select(nodes, reports(needed_16)), Ok(at(A, 1)));
        let found = needed - 1;
        let few = Err(NoBase::TooFew { found, needed });
        assert_eq!(select(nodes, reports(needed_16 - 1)), few, "n = {nodes}");
    }
    let none = Err(NoBase::TooFew {
        found: 0,
        needed: 3,
    });
    assert_eq!(select(4, Vec::new()), none);
}

/// n = 4: of three reports two must extend what is kept.
#[test]
fn of_two_branches_the_one_that_enough_reports_extend_is_kept() {
    let of = |paths: [Path; 3]| {
        let [one, other, last] = paths;
        select(4, vec![(0, one), (1, other), (3, last)])
    };
    assert_eq!(of([along(A, 1), along(A, 1), along(B, 1)]), Ok(at(A, 1)));
    assert_eq!(of([along(B, 1), along(A, 1), along(B, 1)]), Ok(at(B, 1)));
    // Beyond what enough of them extend nothing is kept.
    assert_eq!(of([along(A, 3), along(A, 2), along(B, 3)]), Ok(at(A, 2)));
    assert_eq!(of([along(A, 1), along(B, 1), along(A, 0)]), Ok(BASE));
    // Reports of older terms count among all, and extend nothing.
    let older = of_term(OLDER, along(A, 2));
    assert_eq!(of([along(A, 1), along(B, 1), older]), Ok(BASE));
}

/// Whoever signed two branches has no say about them; then others are needed.
#[test]
fn the_report_of_the_leader_that_signed_two_branches_is_set_aside() {
    let few = Err(NoBase::TooFew {
        found: 2,
        needed: 3,
    });
    let three = vec![(0, along(A, 1)), (1, along(B, 1)), (2, along(B, 1))];
    assert_eq!(select(4, three), few);
    let four = |of_leader: Path| {
        let others = [(0, along(A, 1)), (1, along(A, 1)), (3, along(B, 1))];
        let mut reports = others.to_vec();
        reports.push((2, of_leader));
        select(4, reports)
    };
    // Counted, it would ask for three of four.
    assert_eq!(four(along(B, 1)), Ok(at(A, 1)));
    assert_eq!(four(along(A, 1)), Ok(at(A, 1)));
    // Counted, it would be the second for A.
    let split = vec![
        (0, along(A, 1)),
        (1, along(B, 1)),
        (2, along(A, 1)),
        (3, along(A, 0)),
    ];
    assert_eq!(select(4, split), Ok(BASE));
    // Its word alone shows that there are two; a certificate in it still counts.
    let shown = vec![
        (0, along(A, 2)),
        (1, along(A, 2)),
        (
            2,
            Path {
                certified: Some(at(B, 1)),
                ..along(B, 1)
            },
        ),
        (3, along(A, 2)),
    ];
    assert_eq!(select(4, shown), Ok(at(B, 1)));
}

/// n = 6: t = 2, so three of five; n = 7: four of six, and three of five.
#[test]
fn how_many_must_extend_it_depends_on_how_many_reported() {
    let of = |nodes, reporters: &[u16], branches: &[u8]| {
        let reporters = reporters.iter().copied();
        let reports = reporters.zip(branches.iter().map(|&branch| along(branch, 1)));
        select(nodes, reports.collect())
    };
    let five = [0, 1, 3, 4, 5];
    assert_eq!(of(6, &five, &[A, A, A, B, B]), Ok(at(A, 1)));
    assert_eq!(of(7, &five, &[A, B, A, B, A]), Ok(at(A, 1)));
    let six = [0, 1, 3, 4, 5, 6];
    assert_eq!(of(7, &six, &[A, A, A, A, B, B]), Ok(at(A, 1)));
    assert_eq!(of(7, &six, &[A, A, A, B, B, B]), Ok(BASE));
    // One less than enough, with some that accepted nothing.
    let mut reports: Vec<_> = [(0, A), (1, A), (3, B)]
        .map(|(node, branch)| (node, along(branch, 1)))
        .to_vec();
    reports.extend([(4, along(A, 0)), (5, along(A, 0))]);
    assert_eq!(select(7, reports.clone()), Ok(BASE));
    reports[4].1 = along(A, 1);
    assert_eq!(select(7, reports), Ok(at(A, 1)));
}

#[test]
fn what_is_certified_is_kept_and_heads_at_or_below_it_do_not_matter() {
    // One report shows it; everybody else was on another branch, no further than that.
    for height in 0..=2 {
        let mut reports: Vec<_> = [0, 1, 3, 4].map(|node| (node, along(B, height))).to_vec();
        reports.push((5, from_certified(A, 2, 2)));
        assert_eq!(select(7, reports), Ok(at(A, 2)), "heads at {height}");
    }
    // Not even to set the leader's own report aside.
    let mut reports: Vec<_> = [0, 1, 2, 3].map(|node| (node, along(B, 2))).to_vec();
    reports.push((5, from_certified(A, 2, 2)));
    assert_eq!(select(7, reports), Ok(at(A, 2)));
    // Beyond it they do: two branches, and the walk begins at what is certified.
    let mut reports: Vec<_> = [0, 1].map(|node| (node, along(B, 3))).to_vec();
    reports.extend([3, 4].map(|node| (node, from_certified(A, 2, 3))));
    reports.push((5, from_certified(A, 2, 2)));
    assert_eq!(select(7, reports.clone()), Ok(at(A, 2)));
    reports[4].1 = from_certified(A, 2, 4);
    assert_eq!(select(7, reports), Ok(at(A, 3)));
}

#[test]
fn the_furthest_certified_point_counts_whoever_shows_it() {
    let reports = vec![
        (0, from_certified(A, 1, 1)),
        (1, from_certified(A, 3, 3)),
        (3, from_certified(A, 2, 2)),
        (4, along(A, 0)),
        (5, along(B, 3)),
    ];
    assert_eq!(select(7, reports), Ok(at(A, 3)));
    // A point certified in an older term says nothing about this one.
    let older = of_term(OLDER, from_certified(B, 5, 5));
    let reports = vec![(0, along(A, 1)), (1, along(A, 0)), (3, older)];
    assert_eq!(select(4, reports), Ok(at(A, 1)));
}

#[test]
fn a_voter_judges_every_report_and_counts_each_reporter_once() {
    let network = Network::new(4);
    let term = Term(NEXT);
    let judged = |reports: &[_]| from_reports(&network.configuration, term, reports);
    let sound = elected(&network);
    let of = |node| network.sign(node, sound.clone());
    let head = sound.pair.point;
    assert_eq!(judged(&[of(0), of(1), of(3)]), Ok(head));
    let with_certificate = network.sign(3, committed(&network));
    assert_eq!(judged(&[of(0), of(1), with_certificate]), Ok(head));
    assert_eq!(judged(&[of(0), of(1), of(0)]), Err(NoBase::Reporters));
    let mut of_another_term = sound.clone();
    of_another_term.term = Term(NEXT + 1);
    of_another_term.leave = network.leave(NEXT);
    let reports = [of(0), of(1), network.sign(3, of_another_term)];
    assert_eq!(judged(&reports), Err(NoBase::Reporters));
    let mut void = sound.clone();
    void.pair.headers.pop();
    let reports = [of(0), of(1), network.sign(3, void)];
    assert_eq!(judged(&reports), Err(NoBase::Void(Void::Unlinked)));
}
