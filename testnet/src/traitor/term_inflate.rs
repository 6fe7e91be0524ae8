//! Speaks of terms ahead of everybody's, to make the others leave theirs.

use std::sync::Arc;

use consensus::{
    Hash, Index, Message, Mode, NodeId, Point, Recipient, Term,
    message::{Grant, Heartbeat, Leave, RaftVote, Reason, Suspect, Vote},
};
use node::{Behaviour, Context, Verdict};

use super::{
    Kind,
    tools::{Instead, sign},
};

pub const KIND: Kind = Kind {
    name: "term-inflate",
    mark: "hawser-testnet-traitor/term-inflate",
    summary: "claims several times a second that the term is a later one",
    contained: "Nothing follows: terms move only by certificate, and one node makes none.",
    unchecked: "Every claim makes the leader step down, so that most of the time nobody leads and \
                payments take seconds or fail. What was committed stays.",
    takes_account: false,
    make: |_| Box::new(TermInflate::default()),
};

/// Milliseconds between two claims: far less than an election takes.
const PAUSE: u64 = 100;
/// How far ahead claims are at most. Terms that a Raft network was driven to stay with it, so it is
/// not driven to where no term follows.
const LEAP: u64 = 1_000;

#[derive(Default)]
struct TermInflate {
    highest: Term,
    claims: u64,
    next: u64,
}

impl TermInflate {
    fn note(&mut self, message: &Message) {
        self.highest = self.highest.max(message.term().unwrap_or_default());
    }

    fn byzantine_claim(&self, context: &Context<'_>) -> Arc<Message> {
        let configuration = context.configuration;
        let (epoch, opening) = (configuration.epoch(), configuration.opening());
        let term = Term(self.highest.0.saturating_add(1 + self.claims % LEAP));
        let point = Point {
            index: Index(self.claims + 1),
            hash: Hash([9; 32]),
        };
        match self.claims % 5 {
            0 => sign(
                context,
                Suspect {
                    epoch,
                    term,
                    commit: opening,
                    uncommitted: Some(point),
                    reason: Reason::Silent,
                },
            ),
            1 => sign(
                context,
                Leave {
                    epoch,
                    term,
                    reason: Reason::Silent,
                    followed: false,
                },
            ),
            2 => sign(
                context,
                Heartbeat {
                    epoch,
                    term,
                    head: point,
                    commit: None,
                    election: None,
                },
            ),
            3 => sign(
                context,
                Grant {
                    epoch,
                    term,
                    base: opening,
                    reports: Hash([3; 32]),
                },
            ),
            _ => sign(
                context,
                Vote {
                    epoch,
                    term,
                    accepted: Some(point),
                    locked: Some(point),
                    applied: None,
                },
            ),
        }
    }

    fn raft_claim(&self, context: &Context<'_>) -> Arc<Message> {
        sign(
            context,
            RaftVote {
                epoch: context.configuration.epoch(),
                term: self.highest.next(),
                pre_vote: false,
                granted: false,
            },
        )
    }
}

impl Behaviour for TermInflate {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn incoming(&mut self, _: &Context<'_>, _: NodeId, message: &Message) -> Verdict {
        self.note(message);
        Verdict::Allow
    }

    fn outgoing(
        &mut self,
        _: &Context<'_>,
        _: Recipient,
        message: &Arc<Message>,
    ) -> Option<Instead> {
        self.note(message);
        None
    }

    fn tick(&mut self, context: &Context<'_>) -> Instead {
        let now = context.now.monotonic.0 / 1000;
        if now < self.next {
            return Vec::new();
        }
        self.next = now + PAUSE;
        self.claims += 1;
        let claim = match context.configuration.mode() {
            Mode::Byzantine => self.byzantine_claim(context),
            Mode::Raft | Mode::RaftSigned => self.raft_claim(context),
        };
        vec![(Recipient::Others, claim)]
    }
}
