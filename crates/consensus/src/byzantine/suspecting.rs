//! Suspecting a leader (P4.2): what a node says while it has cause to, and what it hears from others.
//! Nobody signs it: it counts while it is fresh, over its maker's own channel.

use std::collections::BTreeMap;

use super::Byzantine;
use crate::{
    event::{Notice, Recipient},
    message::{Proof, Reason, Suspect},
    mutation::{self, Mutation},
    signed::Signed,
    types::{NodeId, Time},
};

/// Suspects in each of the shortest silence timers, whatever the level: who counts must hear enough
/// of them in time, and a node whose level is high would be heard too seldom by one whose level is low.
const REPEATS: u64 = 4;
/// Silence timers for which a Suspect counts.
const FRESH: u64 = 2;
/// The level beyond which they grow no more for that: while a wider window is open, hiccups of
/// different moments add up.
const WIDEST_LEVEL: u32 = 1;

/// Why this node suspects the leader of its term.
pub(super) struct Suspicion {
    pub(super) reason: Reason,
    /// Whether a sign of life ends it: nothing waits, the leader was just not heard.
    pub(super) quiet: bool,
    pub(super) next_send: Time,
    /// When what took this node to its term, and evidence, goes ahead again.
    next_proof: Time,
}

/// Who suspects the leader of this node's term, as far as it heard lately.
#[derive(Default)]
pub(super) struct Suspects(BTreeMap<NodeId, (Reason, Time)>);

impl Suspects {
    /// Those heard at `since` or later.
    pub(super) fn fresh(&self, since: Time) -> impl Iterator<Item = (NodeId, Reason)> + '_ {
        let fresh = self.0.iter().filter(move |(_, (_, heard))| *heard >= since);
        fresh.map(|(node, (reason, _))| (*node, *reason))
    }
}

impl Byzantine {
    /// Suspects the leader of this term, unless it is suspected already for a lasting reason.
    pub(super) fn suspect(&mut self, reason: Reason) {
        self.suspect_as(reason, false);
    }

    /// Suspects it until it is heard again: nothing waits.
    pub(super) fn suspect_quietly(&mut self) {
        self.suspect_as(Reason::Silent, true);
    }

    fn suspect_as(&mut self, reason: Reason, quiet: bool) {
        let lasting = |reason: &Reason| matches!(reason, Reason::Misbehaved | Reason::Restarted);
        if let Some(suspicion) = &self.suspicion
            && (lasting(&suspicion.reason) || !lasting(&reason))
        {
            return;
        }
        self.suspicion = Some(Suspicion {
            reason,
            quiet,
            next_send: self.now.monotonic,
            next_proof: self.now.monotonic,
        });
        self.notice(Notice::Suspecting {
            term: self.state.term,
            reason,
        });
        self.send_suspect();
    }

    /// A starved request was committed.
    pub(super) fn starvation_ended(&mut self, reason: Reason) {
        self.suspicion
            .take_if(|suspicion| suspicion.reason == reason);
    }

    /// Between two of this node's Suspects.
    fn suspect_interval(&self) -> Time {
        let shortest = self.out.setup.timers.silence_shortest;
        let level = match mutation::active(Mutation::SuspectsByLevel) {
            true => self.timer.level,
            false => 0,
        };
        Time(self.out.setup.timers.grown(shortest, level).0 / REPEATS)
    }

    /// How long somebody's Suspect counts.
    fn suspect_counts_for(&self) -> Time {
        let timers = &self.out.setup.timers;
        let level = match mutation::active(Mutation::SuspectsCountByLevel) {
            true => self.timer.level,
            false => self.timer.level.min(WIDEST_LEVEL),
        };
        Time(timers.grown(timers.silence_shortest, level).0 * FRESH)
    }

    pub(super) fn send_suspect(&mut self) {
        let now = self.now.monotonic;
        let (next, next_proof) = (
            now.after(self.suspect_interval()),
            now.after(self.half_timer()),
        );
        let Some(suspicion) = &mut self.suspicion else {
            return;
        };
        suspicion.next_send = next;
        let reason = suspicion.reason;
        if suspicion.next_proof <= now {
            suspicion.next_proof = next_proof;
            // What took this node to its term goes ahead, so that every receiver can count (P4.2).
            self.send_proof(Recipient::Others);
            if reason == Reason::Misbehaved {
                self.repeat_evidence();
            }
        }
        let suspect = Suspect {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            commit: self.commit,
            uncommitted: (self.log.last().index > self.commit.index).then(|| self.log.last()),
            reason,
        };
        let write = self.flush();
        self.out.send(Recipient::Others, suspect, Some(write));
    }

    /// Shows what took this node to its term. A leave certificate may hold its own Leave, which
    /// nobody may see before it would be sent itself (P11.1).
    pub(super) fn send_proof(&mut self, to: Recipient) {
        let certificate = self.certificate.as_ref();
        let leave = self.leave.as_ref().filter(|_| self.election.is_none());
        let proof = Proof {
            epoch: self.configuration().epoch(),
            election: self.election.clone(),
            leave: leave.cloned(),
            commit: certificate.map(|certificate| (**certificate).clone()),
        };
        let write = Some(self.flush()).filter(|_| !mutation::active(Mutation::ProofBeforeWrite));
        self.out.send(to, proof, write);
    }

    pub(super) fn suspect_received(&mut self, from: NodeId, signed: Signed<Suspect>) {
        let suspect = signed.body;
        if suspect.commit.index < self.commit.index {
            self.answer(from);
        }
        if suspect.term != self.state.term {
            return;
        }
        // A point that the sender cannot get committed becomes this node's cause too (P4.2).
        if let Some(point) = suspect.uncommitted
            && point.index > self.log.last().index
        {
            self.fetches.ahead(from, point, self.now.monotonic);
        }
        if let Reason::Starved(key) = suspect.reason {
            self.watch_with(from, key);
        }
        let heard = (suspect.reason, self.now.monotonic);
        self.suspects.0.insert(signed.signer, heard);
        // Only what a leader says of itself for the rest of its term is everybody's cause: what
        // passes would end for the leader, and for nobody else (P4.2).
        let lasts = suspect.reason == Reason::Restarted
            || mutation::active(Mutation::LeadersSuspicionTakenOver);
        if signed.signer == self.leader() && lasts {
            self.suspect(suspect.reason);
        }
    }

    /// Who suspects, this node among them if it does, each with its reason.
    pub(super) fn suspecting(&self) -> BTreeMap<NodeId, Reason> {
        let now = self.now.monotonic;
        let since = match mutation::active(Mutation::SuspectsNeverAge) {
            true => Time(0),
            false => Time(now.0.saturating_sub(self.suspect_counts_for().0)),
        };
        let mut suspecting: BTreeMap<NodeId, Reason> = self.suspects.fresh(since).collect();
        if let Some(suspicion) = &self.suspicion {
            suspecting.insert(self.me(), suspicion.reason);
        }
        suspecting
    }

    /// What two mutations do: who suspects, or would leave, votes no more before anybody left.
    pub(super) fn stopped_by_suspicion(&self) -> bool {
        let suspects = self.suspicion.is_some() && mutation::active(Mutation::SuspectStopsVoting);
        suspects || (self.would_leave() && mutation::active(Mutation::LeaveBinds))
    }
}
