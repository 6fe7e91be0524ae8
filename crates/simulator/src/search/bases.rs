//! A randomised search for forks in `select_base` (P4.8): chains of terms in which f Byzantine
//! nodes say whatever their keys allow, and every committed point must be in every later base.
//!
//! The search works on points and paths alone. A leader that is Byzantine signs two branches;
//! correct nodes accept prefixes of one of them; a point counts as committed as soon as the votes
//! of correct nodes, with all Byzantine votes added, can make a commit certificate.

use std::collections::BTreeMap;

use consensus::{
    FaultModel, Hash, Index, Mode, NodeId, Point, Term,
    byzantine::{
        select_base::{Reported, select_base},
        void::Path,
    },
    certificate::Counted,
};

use crate::random::Random;

/// What happened in one term.
struct Played {
    base: Point,
    branches: Vec<Vec<Point>>,
    /// How far each correct node accepted and locked.
    accepted: BTreeMap<usize, Point>,
    locked: BTreeMap<usize, Point>,
}

struct World {
    sizes: FaultModel,
    byzantine: Vec<bool>,
    parents: BTreeMap<Point, Point>,
    played: BTreeMap<u64, Played>,
    /// The accepted pair's term of each correct node.
    pair_term: Vec<u64>,
    random: Random,
}

impl World {
    fn new(n: usize, seed: u64) -> Self {
        let sizes = FaultModel::new(Mode::Byzantine, n).unwrap();
        let mut random = Random::new(seed);
        let mut byzantine = vec![false; n];
        for traitor in random.sample(sizes.faulty(), n) {
            byzantine[traitor] = true;
        }
        Self {
            sizes,
            byzantine,
            parents: BTreeMap::new(),
            played: BTreeMap::new(),
            pair_term: vec![0; n],
            random,
        }
    }

    fn point_after(&mut self, previous: Point) -> Point {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(self.parents.len() as u64 + 1).to_le_bytes());
        let point = Point {
            index: previous.index.next(),
            hash: Hash(hash),
        };
        self.parents.insert(point, previous);
        point
    }

    fn extends(&self, mut point: Point, ancestor: Point) -> bool {
        while point.index > ancestor.index {
            point = self.parents[&point];
        }
        point == ancestor
    }

    /// Correct nodes of the group adopt the term; its leader makes entries; some get accepted.
    fn play(&mut self, term: u64, base: Point) {
        let n = self.byzantine.len();
        let leader = usize::try_from(term).unwrap() % n;
        let branches = if self.byzantine[leader] { 2 } else { 1 };
        let mut made = Vec::new();
        for branch in 0..branches {
            // The second branch may leave the first one anywhere.
            let mut chain: Vec<Point> = match made.first() {
                Some(first) if branch == 1 => {
                    let first: &Vec<Point> = first;
                    first[..self.random.position(first.len() + 1)].to_vec()
                }
                _ => Vec::new(),
            };
            for _ in 0..=self.random.position(3) {
                let last = chain.last().copied().unwrap_or(base);
                chain.push(self.point_after(last));
            }
            made.push(chain);
        }
        let mut played = Played {
            base,
            branches: made,
            accepted: BTreeMap::new(),
            locked: BTreeMap::new(),
        };
        for node in 0..n {
            if self.byzantine[node] || self.random.position(4) == 0 {
                continue;
            }
            self.pair_term[node] = term;
            let branch = &played.branches[self.random.position(branches)];
            let length = self.random.position(branch.len() + 1);
            let accepted = length.checked_sub(1).map_or(base, |last| branch[last]);
            played.accepted.insert(node, accepted);
        }
        // Whoever holds an accept certificate for a point that it accepted may lock it.
        let certified: Vec<Point> = played
            .branches
            .iter()
            .flatten()
            .copied()
            .filter(|&point| self.votes(&played.accepted, point) >= self.sizes.quorum())
            .collect();
        for (&node, &accepted) in &played.accepted {
            let lockable: Vec<Point> = certified
                .iter()
                .copied()
                .filter(|&point| self.extends(accepted, point))
                .collect();
            if !lockable.is_empty() && self.random.position(3) != 0 {
                let pick = self.random.position(lockable.len());
                played.locked.insert(node, lockable[pick]);
            }
        }
        self.played.insert(term, played);
    }

    /// Votes that can exist for a point: those of correct nodes and all Byzantine ones.
    fn votes(&self, said: &BTreeMap<usize, Point>, point: Point) -> usize {
        self.sizes.faulty()
            + said
                .values()
                .filter(|&&voted| self.extends(voted, point))
                .count()
    }

    fn committed(&self, played: &Played, point: Point) -> bool {
        self.votes(&played.accepted, point) >= Counted::Accepted.committing(self.sizes)
            || self.votes(&played.locked, point) >= Counted::Locked.committing(self.sizes)
    }

    fn path(&self, term: u64, head: Point, certified: Option<Point>) -> Path {
        let base = self.played[&term].base;
        let mut points = vec![head];
        while points[0] != base {
            points.insert(0, self.parents[&points[0]]);
        }
        Path {
            term: Term(term),
            points,
            base: Some(base),
            certified,
        }
    }

    /// The furthest accept certificate of a term that can exist.
    fn possible_certificates(&self, term: u64) -> Vec<Point> {
        let played = &self.played[&term];
        played
            .branches
            .iter()
            .flatten()
            .copied()
            .filter(|&point| self.votes(&played.accepted, point) >= self.sizes.quorum())
            .collect()
    }

    fn report(&mut self, node: usize) -> Path {
        if !self.byzantine[node] {
            let term = self.pair_term[node];
            let played = &self.played[&term];
            let head = played.accepted.get(&node).copied().unwrap_or(played.base);
            return self.path(term, head, played.locked.get(&node).copied());
        }
        // A traitor may claim any point that its term's leader signed, and show or hide any
        // certificate that exists.
        let terms: Vec<u64> = self.played.keys().copied().collect();
        let newest = terms.len() - 1;
        let pick = if self.random.position(3) == 0 {
            self.random.position(terms.len())
        } else {
            newest
        };
        let term = terms[pick];
        let mut heads: Vec<Point> = self.played[&term]
            .branches
            .iter()
            .flatten()
            .copied()
            .collect();
        heads.push(self.played[&term].base);
        let head = heads[self.random.position(heads.len())];
        let certificates = self.possible_certificates(term);
        let certified = (!certificates.is_empty() && self.random.position(2) == 0)
            .then(|| certificates[self.random.position(certificates.len())]);
        self.path(term, head, certified)
    }

    /// The reports of a random n − f or more nodes; `None` if they give no base.
    fn next_base(&mut self) -> Option<Point> {
        let n = self.byzantine.len();
        let least = self.sizes.reports();
        let count = least + self.random.position(n - least + 1);
        let reports: Vec<Reported> = self
            .random
            .sample(count, n)
            .into_iter()
            .map(|node| (NodeId(u16::try_from(node).unwrap()), self.report(node)))
            .collect();
        select_base(self.sizes, &reports, |term| {
            NodeId(u16::try_from(term.0 % n as u64).unwrap())
        })
        .ok()
    }
}

/// Plays one seed; returns what was lost, if anything was.
pub(super) fn search(n: usize, seed: u64) -> Result<(), String> {
    let mut world = World::new(n, seed);
    let opening = Point {
        index: Index::ZERO,
        hash: Hash::default(),
    };
    world.play(0, opening);
    let mut term = 0;
    for _ in 0..5 {
        term += 1 + u64::try_from(world.random.position(2)).unwrap();
        let Some(base) = world.next_base() else {
            continue;
        };
        for (played_term, played) in &world.played {
            for point in played.branches.iter().flatten() {
                if world.committed(played, *point) && !world.extends(base, *point) {
                    return Err(format!(
                        "n = {n}, seed {seed}: {point} of term {played_term} is committed and \
                         base {base} of term {term} misses it"
                    ));
                }
            }
        }
        world.play(term, base);
    }
    Ok(())
}
