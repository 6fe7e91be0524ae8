//! Votes against votes, reports and the chain.

use std::collections::VecDeque;

use super::{
    super::Byzantine,
    ancestry::Ancestry,
    memory::{Doubt, Half, Memory},
};
use crate::{
    certificate::Counted,
    entry::EntryHeader,
    evidence::{Offence, OffenceKind, fork_headers, results_differ},
    limits,
    message::{Conviction, ShownVote, Vote},
    signed::Signed,
    types::{Index, NodeId, Point},
};

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
            headers: headers.into(),
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
        self.compare(&doubt.vote, &doubt.vote, [&doubt.headers, &[]]);
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
        let sought = self.sought(doubt.vote.signer);
        let mut ancestry = Ancestry::new(&self.log);
        let held_back = self.witness.doubts.get(&doubt.vote.signer);
        let others: Vec<Doubt> = held_back
            .into_iter()
            .flatten()
            .filter(|other| {
                let headers = [&doubt.headers[..], &other.headers];
                let votes = [&doubt.vote.body, &other.vote.body];
                self.contradict(&sought, &mut ancestry, votes, headers)
            })
            .cloned()
            .collect();
        for other in others {
            let headers = [&doubt.headers[..], &other.headers];
            self.compare(&other.vote, &doubt.vote, headers);
        }
    }

    fn compare_with_all(&mut self, doubt: &Doubt) {
        let sought = self.sought(doubt.vote.signer);
        let mut ancestry = Ancestry::new(&self.log);
        let heard = self.witness.heard_from(doubt.vote.signer);
        let headers = [&doubt.headers[..], &[]];
        let others: Vec<Signed<Vote>> = heard
            .filter(|other| {
                let votes = [&doubt.vote.body, &other.body];
                self.contradict(&sought, &mut ancestry, votes, headers)
            })
            .cloned()
            .collect();
        for other in others {
            self.compare(&other, &doubt.vote, headers);
        }
    }

    /// What two votes of a signer may show that is not known of it.
    fn sought(&self, signer: NodeId) -> Vec<OffenceKind> {
        let shown_by_votes = [
            OffenceKind::ForkedVotes,
            OffenceKind::ForkedLocks,
            OffenceKind::TwoResults,
        ];
        let unknown = |kind: &OffenceKind| !self.is_convicted(signer, *kind);
        shown_by_votes.into_iter().filter(unknown).collect()
    }

    /// Whether two votes of one signer contradict each other in one of these ways, as far as is known
    /// here.
    fn contradict(
        &self,
        sought: &[OffenceKind],
        ancestry: &mut Ancestry<'_>,
        [vote, other]: [&Vote; 2],
        headers: [&[(Point, EntryHeader)]; 2],
    ) -> bool {
        if sought.contains(&OffenceKind::TwoResults) && results_differ(vote, other) {
            return true;
        }
        let previous = |point: Point| self.header_of(point, headers).map(|header| header.previous);
        vote.term == other.term
            && points(vote).any(|(common, of_common)| {
                points(other).any(|(other, of_other)| {
                    sought.contains(&OffenceKind::of_points((of_common, of_other)))
                        && ancestry.fork((common, other), previous)
                })
            })
    }

    fn compare_with_reports(&mut self, vote: &Signed<Vote>) {
        let denying = self
            .witness
            .reports_of(vote.signer)
            .find(|(_, reported)| reported.leaves_out(&vote.body));
        if let Some((report, _)) = denying {
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
        headers: [&[(Point, EntryHeader)]; 2],
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
        more: [&'a [(Point, EntryHeader)]; 2],
    ) -> Option<&'a EntryHeader> {
        let shown = |headers: &'a [(Point, EntryHeader)]| {
            let place = headers.binary_search_by_key(&point, |(known, _)| *known);
            place.ok().map(|place| &headers[place].1)
        };
        self.entry(point)
            .map(|entry| entry.header())
            .or_else(|| self.witness.stray_header(point))
            .or_else(|| more.into_iter().find_map(shown))
    }

    /// The headers that lead from the chain to a vote's accepted point, as far as they are here.
    fn headers_to(&self, vote: &Vote) -> Vec<EntryHeader> {
        let mut headers = Vec::new();
        let Some(mut at) = vote.accepted else {
            return headers;
        };
        while headers.len() < limits::EVIDENCE_HEADERS && !self.log.contains(at) {
            let Some(header) = self.header_of(at, [&[], &[]]) else {
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
