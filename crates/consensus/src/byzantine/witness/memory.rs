//! What a node remembers of what others signed. Everything is kept for each signer apart, so that a
//! traitor who floods pushes out its own statements only.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    entry::{EntryHeader, SignedHeader},
    evidence::{Admission, Reported},
    limits,
    message::{Grant, Report, ShownVote, Vote},
    mutation::{self, Mutation},
    signed::Signed,
    types::{Hash, Index, NodeId, Point, Term, Time},
};

/// Most remembered headers of one author.
const STRAYS_OF_AUTHOR: usize = limits::STRAY_HEADERS / 4;
/// Most remembered grants of one signer.
const GRANTS_OF_SIGNER: usize = limits::HEARD_GRANTS / 16;
/// Most statements of one signer that are shown at a time, of whatever terms.
const SHOWN_OF_SIGNER: usize = limits::TESTIMONY_STATEMENTS / 4;
/// Most votes of one signer that are kept after they turned out not to fit.
const UNFIT_VOTES: usize = 8;

/// A vote that is not known to be on the chain.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) vote: Signed<Vote>,
    /// Headers that came with it, in the order of their points.
    pub(super) headers: Arc<[(Point, EntryHeader)]>,
    pub(super) since: Time,
    /// Whether its signer, or a certificate, brought it here first: then this node shows it.
    pub(super) firsthand: bool,
    /// Whether it turned out not to fit, or nobody knows after a long time.
    pub(super) unfit: bool,
}

/// A report and when it came.
#[derive(Clone, Debug)]
struct HeardReport {
    report: Signed<Report>,
    reported: Reported,
    since: Time,
}

/// A statement that this node shows to others.
#[derive(Clone, Debug)]
pub(super) enum Half {
    Header(SignedHeader),
    Vote(ShownVote),
    Grant(Signed<Grant>),
}

impl Half {
    /// Whose statement it is.
    pub(super) const fn signer(&self) -> NodeId {
        match self {
            Self::Header(signed) => signed.header.author,
            Self::Vote(shown) => shown.vote.signer,
            Self::Grant(grant) => grant.signer,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// In the order in which the votes of a correct node follow each other.
    heard: BTreeMap<NodeId, VecDeque<Signed<Vote>>>,
    pub(super) doubts: BTreeMap<NodeId, VecDeque<Doubt>>,
    /// Headers not on the chain, and whether they were shown.
    strays: BTreeMap<NodeId, BTreeMap<Point, (SignedHeader, bool)>>,
    grants: BTreeMap<NodeId, BTreeMap<Term, Signed<Grant>>>,
    /// Of each signer and term the report that admits the least: several for one term are no offence,
    /// and the least denies the most.
    reports: BTreeMap<NodeId, BTreeMap<Term, HeardReport>>,
    /// This node's own results (P8.2).
    pub(super) results: BTreeMap<Index, Hash>,
    pub(super) settled: (Index, Index),
    /// What is shown, with when it was first.
    pub(super) shown: VecDeque<(Time, Half)>,
    /// How many of the last shown were told to nobody yet.
    pub(super) fresh: usize,
    shown_of: BTreeMap<(NodeId, Term), usize>,
    pub(super) next_telling: Time,
    /// When what is new may be told to everybody next.
    pub(super) next_broadcast: Time,
    /// Until when each peer has used up what may be listened to it, at its pace.
    pub(super) listened: BTreeMap<NodeId, Time>,
    pub(super) turn: usize,
    pub(super) answered: BTreeMap<NodeId, Time>,
}

impl Memory {
    /// Remembers a vote and says whether it is new; and whether it goes beyond its signer's last.
    pub(super) fn hear(&mut self, vote: &Signed<Vote>) -> Option<bool> {
        let heard = self.heard.entry(vote.signer).or_default();
        let place = order(vote);
        let advances = heard.back().is_none_or(|last| place > order(last));
        if advances {
            heard.push_back(vote.clone());
        } else {
            let after = heard.partition_point(|known| order(known) <= place);
            let alike = heard.range(..after).rev();
            if alike
                .take_while(|known| order(known) == place)
                .any(|known| known == vote)
            {
                return None;
            }
            heard.insert(after, vote.clone());
        }
        if heard.len() > limits::HEARD_VOTES {
            heard.pop_front();
        }
        Some(advances)
    }

    /// The remembered votes of a signer.
    pub(super) fn heard_from(&self, signer: NodeId) -> impl Iterator<Item = &Signed<Vote>> {
        self.heard.get(&signer).into_iter().flatten().rev()
    }

    /// Holds back a vote that cannot be judged yet.
    pub(super) fn doubt(&mut self, doubt: Doubt) {
        let doubts = self.doubts.entry(doubt.vote.signer).or_default();
        if doubts.len() >= limits::DOUBTED_VOTES {
            doubts.pop_front();
        }
        doubts.push_back(doubt);
    }

    /// Keeps few of the unfit votes of a signer, the newest.
    pub(super) fn forget_unfit(doubts: &mut VecDeque<Doubt>) {
        let unfit = doubts.iter().filter(|doubt| doubt.unfit).count();
        let mut excess = unfit.saturating_sub(UNFIT_VOTES);
        doubts.retain(|doubt| {
            let goes = doubt.unfit && excess > 0;
            excess -= usize::from(goes);
            !goes
        });
    }

    /// The remembered headers of an author at one index.
    pub(super) fn strays_at(
        &self,
        author: NodeId,
        index: Index,
    ) -> impl Iterator<Item = (Point, &SignedHeader)> {
        let from = Point {
            index,
            ..Point::default()
        };
        self.strays
            .get(&author)
            .into_iter()
            .flat_map(move |strays| strays.range(from..))
            .take_while(move |(point, _)| point.index == index)
            .map(|(point, (signed, _))| (*point, signed))
    }

    /// A remembered header.
    pub(super) fn stray_header(&self, point: Point) -> Option<&EntryHeader> {
        self.strays
            .values()
            .find_map(|strays| strays.get(&point))
            .map(|(signed, _)| &signed.header)
    }

    /// Remembers a header that is not on the chain, unless it is far from what can be.
    pub(super) fn stray(&mut self, point: Point, signed: &SignedHeader, commit: Index) {
        if point.index.beyond(commit) > 4 * limits::WINDOW {
            return;
        }
        let strays = self.strays.entry(signed.header.author).or_default();
        strays
            .entry(point)
            .or_insert_with(|| (signed.clone(), false));
        if strays.len() > STRAYS_OF_AUTHOR {
            strays.pop_first();
        }
    }

    /// Drops remembered headers that are on the chain and returns those at or below the commit
    /// point that are not, and were not shown before.
    pub(super) fn settle_strays(
        &mut self,
        commit: Index,
        on_chain: impl Fn(Point) -> bool,
    ) -> Vec<SignedHeader> {
        let mut unfit = Vec::new();
        for strays in self.strays.values_mut() {
            let end = Point {
                index: commit.next(),
                ..Point::default()
            };
            let decided: Vec<Point> = strays
                .range(..end)
                .filter(|(_, (_, shown))| !shown)
                .map(|(point, _)| *point)
                .collect();
            for point in decided {
                if on_chain(point) {
                    strays.remove(&point);
                } else if let Some((signed, shown)) = strays.get_mut(&point) {
                    *shown = true;
                    unfit.push(signed.clone());
                }
            }
        }
        unfit
    }

    /// Remembers a grant and returns the first of its signer and term.
    pub(super) fn grant(&mut self, grant: &Signed<Grant>) -> Signed<Grant> {
        let grants = self.grants.entry(grant.signer).or_default();
        let first = grants
            .entry(grant.body.term)
            .or_insert_with(|| grant.clone())
            .clone();
        if grants.len() > GRANTS_OF_SIGNER {
            grants.pop_first();
        }
        first
    }

    /// Whether a report is remembered.
    pub(super) fn has_report(&self, report: &Signed<Report>) -> bool {
        self.reports_of(report.signer)
            .any(|(known, _)| known == report)
    }

    /// Remembers a report.
    pub(super) fn report(&mut self, now: Time, report: &Signed<Report>, reported: &Reported) {
        let heard = || HeardReport {
            report: report.clone(),
            reported: reported.clone(),
            since: now,
        };
        let reports = self.reports.entry(report.signer).or_default();
        let least = reports.entry(report.body.term).or_insert_with(heard);
        if admitted(&report.body) < admitted(&least.report.body) {
            *least = heard();
        }
        if reports.len() > limits::HEARD_REPORTS {
            reports.pop_first();
        }
    }

    /// The remembered reports of a signer.
    pub(super) fn reports_of(
        &self,
        signer: NodeId,
    ) -> impl Iterator<Item = (&Signed<Report>, &Reported)> {
        let reports = self.reports.get(&signer).into_iter();
        reports
            .flat_map(BTreeMap::values)
            .map(|heard| (&heard.report, &heard.reported))
    }

    /// What the reports admit that came lately.
    pub(super) fn admissions(&self, now: Time) -> impl Iterator<Item = Admission> {
        let reports = self.reports.values().flat_map(BTreeMap::values);
        reports
            .filter(move |heard| heard.since.after(limits::TESTIMONY_LIFETIME) > now)
            .map(|heard| heard.reported.admission())
    }

    /// Takes up a statement to show, within the limit for its signer and term.
    pub(super) fn show(&mut self, now: Time, (signer, term): (NodeId, Term), half: Half) {
        if mutation::active(Mutation::UnfitKept) {
            return;
        }
        let shown = self.shown_of.entry((signer, term)).or_default();
        let most = match half {
            Half::Header(_) => usize::try_from(limits::WINDOW).unwrap_or(usize::MAX),
            Half::Vote(_) | Half::Grant(_) => limits::SHOWN_PER_SIGNER,
        };
        let of_signer = self
            .shown
            .iter()
            .filter(|(_, half)| half.signer() == signer);
        if *shown >= most || of_signer.count() >= SHOWN_OF_SIGNER {
            return;
        }
        *shown += 1;
        if self.shown.len() >= limits::TESTIMONY_STATEMENTS {
            self.shown.pop_front();
        }
        self.shown.push_back((now, half));
        self.fresh = (self.fresh + 1).min(self.shown.len());
        if self.shown_of.len() > limits::HEARD_GRANTS {
            self.shown_of.pop_first();
        }
    }

    /// Drops what was shown long enough.
    pub(super) fn forget_shown(&mut self, now: Time) {
        while let Some((since, _)) = self.shown.front()
            && since.after(limits::TESTIMONY_LIFETIME) <= now
        {
            self.shown.pop_front();
        }
        self.fresh = self.fresh.min(self.shown.len());
    }
}

/// How much a report admits to have voted for.
fn admitted(report: &Report) -> (Term, Index, Option<Index>) {
    let locked = report.accept.as_ref().map(|accept| accept.header.index);
    (report.pair.term, report.pair.point.index, locked)
}

/// By how far they go, as the votes of a correct node follow each other.
fn order(signed: &Signed<Vote>) -> (Term, Option<Index>, Option<Index>, Option<Index>) {
    let vote = &signed.body;
    (
        vote.term,
        vote.accepted.map(|point| point.index),
        vote.locked.map(|point| point.index),
        vote.applied.map(|applied| applied.index),
    )
}
