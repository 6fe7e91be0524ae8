//! What correct nodes know, and what they have said.

use super::{Forest, Point, Protocol, Term};

/// A report (P4.4), as far as `select_base` looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Report {
    /// w: the accepted pair's term.
    pub pair_term: Term,
    /// The accepted pair's point.
    pub point: Point,
    /// The furthest accept or commit certificate of w that the report carries.
    pub certified: Option<Point>,
}

/// A report and whose it is, by the node's number in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reported {
    /// The reporter.
    pub reporter: usize,
    /// What it says.
    pub report: Report,
}

/// One correct node.
///
/// The lists hold everything that the node has signed; they are sorted, so that equal histories
/// are equal states.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// The term that it is in.
    pub term: Term,
    /// The accepted pair (P3.3): its term,
    pub pair_term: Term,
    /// and its point.
    pub point: Point,
    /// The furthest accept or commit certificate of the pair's term that it holds.
    pub certified: Option<Point>,
    /// How far it committed.
    pub commit: Point,
    /// Accepted points that it voted for: the furthest of each term. More than one of a term
    /// only if a rule is broken.
    pub accepted: Vec<(Term, Point)>,
    /// Locked points that it voted for, likewise.
    pub locked: Vec<(Term, Point)>,
    /// Reports that it sent, by the term that they are for.
    pub reports: Vec<(Term, Report)>,
    /// Bases that it granted.
    pub grants: Vec<(Term, Point)>,
    /// Terms that it signed it would leave.
    pub would_leave: Vec<Term>,
}

impl Node {
    fn new(leaves: bool) -> Self {
        Self {
            term: 0,
            pair_term: 0,
            point: Point::OPENING,
            certified: None,
            commit: Point::OPENING,
            accepted: vec![(0, Point::OPENING)],
            locked: Vec::new(),
            reports: Vec::new(),
            grants: Vec::new(),
            would_leave: if leaves { vec![0] } else { Vec::new() },
        }
    }

    /// The report that it would send now.
    #[must_use]
    pub const fn report(&self) -> Report {
        Report {
            pair_term: self.pair_term,
            point: self.point,
            certified: self.certified,
        }
    }

    /// Whether its accepted branch contradicts a certificate of the same term (P3.3).
    #[must_use]
    pub fn is_on_losing_branch(&self, forest: &Forest) -> bool {
        self.certified
            .is_some_and(|certified| !forest.on_one_chain(certified, self.point))
    }

    /// What it granted in a term.
    pub fn granted(&self, term: Term) -> impl Iterator<Item = Point> + '_ {
        of_term(&self.grants, term)
    }
}

/// What a list holds for one term.
pub fn of_term<T: Copy>(list: &[(Term, T)], term: Term) -> impl Iterator<Item = T> + '_ {
    list.iter()
        .filter(move |(of, _)| *of == term)
        .map(|(_, item)| *item)
}

/// Adds to a sorted list what is not in it.
pub fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}

/// Adds a point voted for: a later point of one chain says everything that an earlier one said.
pub fn insert_vote(list: &mut Vec<(Term, Point)>, forest: &Forest, term: Term, point: Point) {
    if of_term(list, term).any(|said| forest.extends(said, point)) {
        return;
    }
    list.retain(|&(of, said)| of != term || !forest.extends(point, said));
    insert(list, (term, point));
}

/// All correct nodes. Byzantine ones need no state: they are assumed to say everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The correct nodes, in the order of the configuration.
    pub nodes: Vec<Node>,
}

impl State {
    /// A network that has just been opened: every node in term 0, with the opening accepted.
    #[must_use]
    pub fn new(protocol: &Protocol) -> Self {
        let nodes = protocol.sizes().reports();
        Self {
            nodes: vec![Node::new(protocol.leaves_at_once()); nodes],
        }
    }

    /// The same state with the correct nodes in a fixed order. No rule asks which correct node
    /// said something, so states that differ in nothing else have the same future.
    #[must_use]
    pub fn representative(&self) -> Self {
        let mut nodes = self.nodes.clone();
        nodes.sort_unstable();
        Self { nodes }
    }

    /// Whether a correct node said something about the point or beyond it.
    #[must_use]
    pub fn mentions(&self, forest: &Forest, point: Point) -> bool {
        self.nodes.iter().any(|node| {
            node.accepted
                .iter()
                .chain(&node.grants)
                .any(|&(_, said)| forest.extends(said, point))
                || forest.extends(node.point, point)
        })
    }
}
