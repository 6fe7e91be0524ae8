//! Votes against votes, reports and the chain.

use std::{collections::VecDeque, sync::Arc};

use super::{
    super::Byzantine,
    memory::{Doubt, Half, Memory, order},
};
use crate::{
    certificate::Counted,
    entry::EntryHeader,
    evidence::{Offence, OffenceKind, fork_headers, leaves_out, results_differ},
    limits,
    message::{Conviction, ShownVote, Vote},
    signed::Signed,
    types::{Index, NodeId, Point},
};

/// Votes above and below a vote that it is compared with, header by header.
const NEAREST: usize = 4;

/// How a vote stands to this node's chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Everything that it says is committed, or executed with these results, here.
    Fits,
    /// Something in it is not what is committed or executed here.
    Contrary,
    /// The chain is not that far yet.
    Open,
}

/// The points of a vote.
fn points(vote: &Vote) -> impl Iterator<Item = (Point, Counted)> {
    let accepted = vote.accepted.map(|point| (point, Counted::Accepted));
    let locked = vote.locked.map(|point| (point, Counted::Locked));
    accepted.into_iter().chain(locked)
}

impl Byzantine {
    /// A vote as its signer or a certificate brings it.
    pub(in super::super) fn witness_vote(&mut self, vote: &Signed<Vote>) {
        self.hear(vote, Vec::new(), true);
    }

    /// Compares a vote with what is remembered of its signer, and holds it back until the chain
    /// shows whether it fits.
    pub(super) fn hear(
        &mut self,
        vote: &Signed<Vote>,
        headers: Vec<(Point, EntryHeader)>,
        firsthand: bool,
    ) {
        if vote.signer == self.me() {
            return;
        }
        let Some(advances) = self.witness.hear(vote) else {
            return;
        };
        let mut doubt = Doubt {
            vote: vote.clone(),
            headers,
            since: self.now.monotonic,
            firsthand,
            unfit: false,
        };
        self.compare_with_doubts(&doubt);
        if !advances || !firsthand {
            self.compare_with_all(&doubt);
        }
        self.compare_with_reports(vote);
        match self.standing(&vote.body) {
            Standing::Fits => return,
            Standing::Contrary => {
                doubt.unfit = true;
                self.unfit(&doubt);
            }
            Standing::Open => {}
        }
        self.witness.doubt(doubt);
    }

    /// Judges what could not be judged before, as far as the chain has come.
    pub(in super::super) fn settle_doubts(&mut self) {
        let now = self.now.monotonic;
        let applied = self.applied.map_or(Index::ZERO, |applied| applied.index);
        let position = (self.commit.index, applied);
        let moved = self.witness.settled != position;
        if !moved && self.witness.next_patience() > now {
            return;
        }
        self.witness.settled = position;
        let signers: Vec<NodeId> = self.witness.doubts.keys().copied().collect();
        for signer in signers {
            let doubts = self.witness.doubts.get_mut(&signer).map(std::mem::take);
            let mut kept = VecDeque::new();
            for mut doubt in doubts.into_iter().flatten() {
                let standing = self.standing(&doubt.vote.body);
                let impatient = doubt.since.after(limits::DOUBT_PATIENCE) <= now;
                if standing == Standing::Fits {
                    continue;
                }
                if !doubt.unfit && (standing == Standing::Contrary || impatient) {
                    doubt.unfit = true;
                    self.unfit(&doubt);
                }
                kept.push_back(doubt);
            }
            Memory::forget_unfit(&mut kept);
            if kept.is_empty() {
                self.witness.doubts.remove(&signer);
            } else {
                self.witness.doubts.insert(signer, kept);
            }
        }
        let log = &self.log;
        let strays = self
            .witness
            .settle_strays(self.commit.index, |point| log.contains(point));
        for signed in strays {
            let author = signed.header.author;
            if !self.is_convicted(author, OffenceKind::Equivocation) {
                let of = (author, signed.header.term);
                self.witness.show(now, of, Half::Header(signed));
            }
        }
    }

    /// A vote that does not fit the chain: its signer lied, or was shown another branch.
    fn unfit(&mut self, doubt: &Doubt) {
        self.compare_with_all(doubt);
        self.compare(&doubt.vote, &doubt.vote, &doubt.headers);
        self.check_results(&doubt.vote);
        if doubt.firsthand {
            self.show_vote(&doubt.vote);
        }
    }

    /// Shows a vote to others, unless its signer is convicted anyway.
    fn show_vote(&mut self, vote: &Signed<Vote>) {
        let signer = vote.signer;
        if self.evidence.iter().any(|known| known.accused() == signer) {
            return;
        }
        let shown = ShownVote {
            vote: vote.clone(),
            headers: self.headers_to(&vote.body),
        };
        let of = (signer, vote.body.term);
        self.witness.show(self.now.monotonic, of, Half::Vote(shown));
    }

    fn standing(&self, vote: &Vote) -> Standing {
        let mut standing = Standing::Fits;
        let memory = self.log.before().index;
        for (point, _) in points(vote) {
            if point.index > self.commit.index {
                standing = Standing::Open;
            } else if point.index >= memory && !self.log.contains(point) {
                return Standing::Contrary;
            }
        }
        let own = self.applied.map_or(Index::ZERO, |applied| applied.index);
        match vote.applied {
            Some(applied) if applied.index > own => Standing::Open,
            Some(applied)
                if self
                    .witness
                    .results
                    .get(&applied.index)
                    .is_some_and(|digest| *digest != applied.digest) =>
            {
                Standing::Contrary
            }
            _ => standing,
        }
    }

    fn compare_with_doubts(&mut self, doubt: &Doubt) {
        let signer = doubt.vote.signer;
        let held_back = self.witness.doubts.get(&signer).into_iter().flatten();
        let others: Vec<Doubt> = held_back
            .filter(|other| {
                let other = (&other.vote.body, &other.headers[..]);
                self.may_contradict(other, (&doubt.vote.body, &doubt.headers))
            })
            .cloned()
            .collect();
        for other in others {
            let both = other.headers.iter().chain(&doubt.headers);
            let mut headers: Vec<_> = both.cloned().collect();
            headers.sort_by_key(|(point, _)| *point);
            self.compare(&other.vote, &doubt.vote, &headers);
        }
    }

    /// Compares a vote with those of its signer and term that are nearest to it: votes that lie
    /// farther on one chain with these cannot fork from it if these do not.
    fn compare_with_all(&mut self, doubt: &Doubt) {
        let vote = &doubt.vote.body;
        let junctions: Option<Vec<Point>> = points(vote)
            .map(|(point, _)| self.junction(point, &doubt.headers))
            .collect();
        // What lies on the chain below where the vote's branch leaves it cannot fork from it.
        let lowest = junctions.and_then(|points| points.into_iter().map(|one| one.index).min());
        let below = |other: &Vote| {
            points(other).all(|(point, _)| {
                lowest.is_some_and(|lowest| point.index <= lowest) && self.log.contains(point)
            })
        };
        let heard = self.witness.heard_from(doubt.vote.signer);
        let others: Vec<&Signed<Vote>> = heard
            .filter(|other| {
                results_differ(&other.body, vote)
                    || (!below(&other.body)
                        && self.may_contradict((&other.body, &[]), (vote, &doubt.headers)))
            })
            .collect();
        let beyond = others.partition_point(|other| order(other) > order(&doubt.vote));
        let nearest = others.iter().skip(beyond.saturating_sub(NEAREST));
        let mut differing = others.iter();
        let differing = differing.find(|other| results_differ(&other.body, vote));
        let compared: Vec<Signed<Vote>> = nearest
            .take(2 * NEAREST)
            .chain(differing)
            .map(|other| (*other).clone())
            .collect();
        for other in compared {
            self.compare(&other, &doubt.vote, &doubt.headers);
        }
    }

    /// Where the branch of a point leaves the chain, if the headers between are known.
    fn junction(&self, point: Point, more: &[(Point, EntryHeader)]) -> Option<Point> {
        let mut at = point;
        for _ in 0..limits::EVIDENCE_HEADERS {
            if self.log.contains(at) {
                return Some(at);
            }
            let header = self.header_of(at, more)?;
            at = Point {
                index: at.index.previous(),
                hash: header.previous,
            };
        }
        None
    }

    /// Whether it is worth looking: the results differ, or two points lie at one height, or the
    /// higher one has a known header and this node's chain does not bear out both.
    fn may_contradict(
        &self,
        (one, came_with_one): (&Vote, &[(Point, EntryHeader)]),
        (other, came_with_other): (&Vote, &[(Point, EntryHeader)]),
    ) -> bool {
        let known = |point: Point| {
            let mut came = came_with_one.iter().chain(came_with_other);
            self.holds(point)
                || self.witness.stray_header(point).is_some()
                || came.any(|(at, _)| *at == point)
        };
        let forks = |first: Point, second: Point| {
            let higher = if first.index < second.index {
                second
            } else {
                first
            };
            if first.index == second.index {
                return first.hash != second.hash;
            }
            !(self.log.contains(first) && self.log.contains(second)) && known(higher)
        };
        results_differ(one, other)
            || (one.term == other.term
                && points(one)
                    .any(|(first, _)| points(other).any(|(second, _)| forks(first, second))))
    }

    fn compare_with_reports(&mut self, vote: &Signed<Vote>) {
        let configuration = Arc::clone(self.configuration());
        let denying = self
            .witness
            .reports_of(vote.signer)
            .find(|report| leaves_out(&configuration, &report.body, &vote.body));
        if let Some(report) = denying {
            let report = Box::new(report.clone());
            self.accuse(Offence::FalseReport {
                report,
                vote: vote.clone(),
            });
        }
    }

    /// Accuses the signer of two votes if they contradict each other.
    fn compare(
        &mut self,
        one: &Signed<Vote>,
        other: &Signed<Vote>,
        headers: &[(Point, EntryHeader)],
    ) {
        if results_differ(&one.body, &other.body) {
            self.accuse(Offence::TwoResults {
                first: one.clone(),
                second: other.clone(),
            });
        }
        if one.body.term != other.body.term {
            return;
        }
        for (first, of_first) in points(&one.body) {
            for (second, of_second) in points(&other.body) {
                let (lower, higher, low, high, compared) = if first.index <= second.index {
                    (one, other, first, second, (of_first, of_second))
                } else {
                    (other, one, second, first, (of_second, of_first))
                };
                if self.is_convicted(one.signer, OffenceKind::of_points(compared)) {
                    continue;
                }
                let proof = fork_headers(low, high, |point| self.header_of(point, headers));
                if let Some(headers) = proof {
                    self.accuse(Offence::ForkedVotes {
                        lower: lower.clone(),
                        higher: higher.clone(),
                        compared,
                        headers,
                    });
                }
            }
        }
    }

    pub(super) fn is_convicted(&self, accused: NodeId, kind: OffenceKind) -> bool {
        let conviction = Conviction { accused, kind };
        self.evidence
            .iter()
            .any(|known| super::conviction(known) == conviction)
    }

    /// The header of a point, if it is here or among `more`, which are in the order of points.
    fn header_of<'a>(
        &'a self,
        point: Point,
        more: &'a [(Point, EntryHeader)],
    ) -> Option<&'a EntryHeader> {
        let shown = || {
            let place = more.binary_search_by_key(&point, |(known, _)| *known);
            place.ok().map(|place| &more[place].1)
        };
        self.entry(point)
            .map(|entry| entry.header())
            .or_else(|| self.witness.stray_header(point))
            .or_else(shown)
    }

    /// The headers that lead from the chain to a vote's accepted point, as far as they are here.
    fn headers_to(&self, vote: &Vote) -> Vec<EntryHeader> {
        let mut headers = Vec::new();
        let Some(mut at) = vote.accepted else {
            return headers;
        };
        while headers.len() < limits::EVIDENCE_HEADERS && !self.log.contains(at) {
            let Some(header) = self.header_of(at, &[]) else {
                break;
            };
            at = Point {
                index: at.index.previous(),
                hash: header.previous,
            };
            headers.push(header.clone());
        }
        headers.reverse();
        headers
    }
}
