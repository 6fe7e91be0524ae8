//! Telling others what may be half of a contradiction, and what evidence there is.

use super::{super::Byzantine, conviction, memory::Half, memory::Memory};
use crate::{
    entry::EntryHeader,
    event::Recipient,
    evidence::{Admission, Denial, OffenceKind},
    limits,
    message::{Conviction, Grant, ShownVote, Testimony, Vote},
    mutation::{self, Mutation},
    signed::Signed,
    types::{NodeId, Point, Time},
};

/// Most pieces of evidence that one testimony is answered with.
const ANSWERED: usize = 4;

impl Memory {
    /// When doubts are looked at again though the chain did not move.
    pub(super) fn next_patience(&self) -> Time {
        let waiting = |doubts: &std::collections::VecDeque<super::memory::Doubt>| {
            let first = doubts.iter().find(|doubt| !doubt.unfit)?;
            Some(first.since.after(limits::DOUBT_PATIENCE))
        };
        let first = self.doubts.values().filter_map(waiting).min();
        first.unwrap_or(Time(u64::MAX))
    }
}

impl Byzantine {
    /// Tells everybody what is new, and from time to time one peer everything.
    pub(in super::super) fn tell(&mut self) {
        let now = self.now.monotonic;
        self.witness.forget_shown(now);
        let fresh = std::mem::take(&mut self.witness.fresh);
        if fresh > 0 && self.witness.next_broadcast > now {
            self.witness.fresh = fresh;
        } else if fresh > 0 {
            self.witness.next_broadcast = now.after(limits::TESTIMONY_PAUSE);
            let first = self.witness.shown.len() - fresh;
            let testimony = self.testimony(first);
            self.out.send(Recipient::Others, testimony, None);
        }
        if self.witness.next_telling <= now && self.has_something_to_tell() {
            self.witness.next_telling = now.after(limits::TESTIMONY_INTERVAL);
            self.witness.turn += 1;
            let turn = self.witness.turn;
            let me = self.me();
            let sizes = self.configuration().sizes();
            let others: Vec<NodeId> = sizes.nodes().filter(|&node| node != me).collect();
            if let Some(&peer) = others.get(turn % others.len().max(1)) {
                let testimony = self.whole_testimony();
                self.out.send(Recipient::Node(peer), testimony, None);
            }
        }
    }

    fn has_something_to_tell(&self) -> bool {
        !self.witness.shown.is_empty() || !self.evidence.is_empty() || !self.admissions().is_empty()
    }

    /// What the reports admit whose signers are not convicted for one.
    fn admissions(&self) -> Vec<Admission> {
        let admissions = self.witness.admissions(self.now.monotonic);
        admissions
            .filter(|one| !self.is_convicted(one.signer, OffenceKind::FalseReport))
            .collect()
    }

    /// Shows a grant that is not for this node to count, once, and only of about this node's term:
    /// what can be made up for any term must not take the room of what matters.
    pub(in super::super) fn show_grant(&mut self, grant: &Signed<Grant>) {
        let of = (grant.signer, grant.body.term);
        let own = self.state.term;
        let near = own.0.abs_diff(grant.body.term.0) <= limits::VOTE_TERMS as u64;
        let known = |half: &Half| matches!(half, Half::Grant(known) if known == grant);
        if !near || self.witness.shown.iter().any(|(_, half)| known(half)) {
            return;
        }
        let half = Half::Grant(grant.clone());
        self.witness.show(self.now.monotonic, of, half);
    }

    fn empty_testimony(&self) -> Testimony {
        let mut known: Vec<Conviction> = self.evidence.iter().map(|one| conviction(one)).collect();
        known.sort_unstable();
        known.truncate(limits::EVIDENCE);
        Testimony {
            epoch: self.configuration().epoch(),
            known,
            headers: Vec::new(),
            votes: Vec::new(),
            grants: Vec::new(),
            admissions: Vec::new(),
        }
    }

    /// Everything that is shown, and what reports admit.
    fn whole_testimony(&self) -> Testimony {
        Testimony {
            admissions: self.admissions(),
            ..self.testimony(0)
        }
    }

    /// What is shown, from the position on, the newest first where not everything fits.
    fn testimony(&self, from: usize) -> Testimony {
        let mut testimony = self.empty_testimony();
        let mut room = limits::TESTIMONY_HEADERS;
        for (_, half) in self.witness.shown.iter().skip(from).rev() {
            match half {
                Half::Header(signed) => testimony.headers.push(signed.clone()),
                Half::Grant(grant) => testimony.grants.push(grant.clone()),
                Half::Vote(shown) => {
                    let mut shown = shown.clone();
                    if shown.headers.len() > room {
                        shown.headers.clear();
                    }
                    room -= shown.headers.len();
                    testimony.votes.push(shown);
                }
            }
        }
        testimony
    }

    /// Compares what a peer shows, and sends it the evidence that it lacks.
    pub(in super::super) fn testimony_received(&mut self, from: NodeId, signed: Signed<Testimony>) {
        let configuration = std::sync::Arc::clone(self.configuration());
        // A peer that keeps to its pauses is heard each time, also when its answer comes right after
        // what it tells by itself; looking at everything a flood shows would cost more than sending it.
        let now = self.now.monotonic;
        let heard = self.witness.listened.entry(from).or_insert(now);
        let since = (*heard).max(now);
        if since > now.after(Time(limits::TESTIMONY_PAUSE.0 * 2)) {
            return;
        }
        *heard = since.after(Time(limits::TESTIMONY_PAUSE.0 / 2));
        let testimony = signed.body;
        for header in &testimony.headers {
            self.witness_header(header, header.header.point(&configuration));
        }
        for shown in testimony.votes {
            let mut points: Vec<(Point, EntryHeader)> = shown
                .headers
                .into_iter()
                .map(|header| (header.point(&configuration), header))
                .collect();
            points.sort_by_key(|(point, _)| *point);
            self.hear(&shown.vote, points, false);
        }
        for grant in &testimony.grants {
            self.witness_grant(grant);
        }
        if from == signed.signer {
            self.answer_testimony(from, &testimony.known, &testimony.admissions);
        }
    }

    /// Sends a peer what it lacks. One that holds nothing itself, because it was cut off, would
    /// never say what it lacks: to hear of something new is answered, too.
    fn answer_testimony(&mut self, to: NodeId, known: &[Conviction], admissions: &[Admission]) {
        let now = self.now.monotonic;
        let pause = Time(limits::TESTIMONY_INTERVAL.0 / 2);
        let recently = |last: &Time| last.after(pause) > now;
        if self.witness.answered.get(&to).is_some_and(recently) {
            return;
        }
        let lacking: Vec<_> = self
            .evidence
            .iter()
            .filter(|one| !known.contains(&conviction(one)))
            .take(ANSWERED)
            .cloned()
            .collect();
        let lacks = |one: &Conviction| !self.evidence.iter().any(|held| conviction(held) == *one);
        let asks = known.iter().any(lacks);
        let denied = if mutation::active(Mutation::DeniedKept) {
            Vec::new()
        } else {
            self.denied_votes(admissions)
        };
        if lacking.is_empty() && !asks && denied.is_empty() {
            return;
        }
        self.witness.answered.insert(to, now);
        for evidence in lacking {
            self.out
                .send(Recipient::Node(to), (*evidence).clone(), None);
        }
        if !denied.is_empty() {
            let testimony = Testimony {
                votes: denied,
                ..self.empty_testimony()
            };
            self.out.send(Recipient::Node(to), testimony, None);
        } else if asks {
            let testimony = self.testimony(0);
            self.out.send(Recipient::Node(to), testimony, None);
        }
    }

    /// For each report of which a peer tells what it admits, a vote that it denies, as far as can
    /// be seen here.
    fn denied_votes(&self, admissions: &[Admission]) -> Vec<ShownVote> {
        let unconvicted = admissions
            .iter()
            .filter(|one| !self.is_convicted(one.signer, OffenceKind::FalseReport));
        let votes = unconvicted.filter_map(|admission| {
            let votes = || self.witness.heard_from(admission.signer);
            let plainly = votes().find(|vote| admission.denies(&vote.body) == Denial::Yes);
            plainly.or_else(|| votes().find(|vote| self.may_be_denied(admission, &vote.body)))
        });
        let shown = votes.map(|vote| ShownVote {
            vote: vote.clone(),
            headers: Vec::new(),
        });
        shown.take(limits::TESTIMONY_STATEMENTS).collect()
    }

    /// Whether a voted point may lie beside a reported one: this chain does not show both. What lies
    /// below the chain in memory was judged when it came.
    fn may_be_denied(&self, admission: &Admission, vote: &Vote) -> bool {
        match admission.denies(vote) {
            Denial::No => false,
            Denial::IfBeside(voted) => {
                let memory = self.log.before().index;
                let differs = |point: Point| point.index > memory && !self.log.contains(point);
                differs(voted) || differs(admission.point)
            }
            Denial::Yes => true,
        }
    }
}
