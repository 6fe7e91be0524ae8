//! Puts a [`StatusReport`] together.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use consensus::{NodeId, Status, Time, Timers, event::Leaver, message::Reason};
use tokio::sync::oneshot;
use transport::{Endpoint, LinkPolicy, LinkState, Mesh};

use crate::{
    conduct::Conduct,
    counters::processor_micros,
    frames::Id,
    mailbox::{Input, Urgency},
    shared::Shared,
    status::{
        CounterReport, Deposed, DeposedReason, Diverged, PeerStatus, StatusReport, TimerReport,
    },
};

/// Everything that a report is made from.
pub(crate) struct Reporter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) mesh: Mesh,
    /// The validators' names in order.
    pub(crate) names: Vec<String>,
    pub(crate) timers: Timers,
}

impl Reporter {
    /// The node's state; `None` if its replica has stopped.
    pub(crate) async fn report(&self) -> Option<StatusReport> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .mailbox
            .push(Urgency::Urgent, [Input::Status(reply).into()]);
        let (status, behaviour) = answer.await.ok()?;
        Some(self.of(&status, behaviour))
    }

    fn of(&self, status: &Status, behaviour: Option<&'static str>) -> StatusReport {
        let shared = &self.shared;
        let configuration = &shared.configuration;
        let believable = shared
            .claims
            .believable(configuration.sizes().matching_answers());
        StatusReport {
            name: self.name(shared.me),
            node: shared.me.0,
            mode: configuration.mode().as_str().to_owned(),
            role: status.role.as_str().to_owned(),
            term: status.term.0,
            leader: status.leader.map(|leader| leader.0),
            commit: status.commit.index.0,
            commit_hash: status.commit.hash.0,
            lag: believable.saturating_sub(status.commit.index.0),
            head: status.head.index.0,
            applied: shared.applied(),
            applied_digest: status.applied.map_or([0; 32], |applied| applied.digest.0),
            evidence: shared.evidence.len() as u64,
            timer_level: status.timer_level,
            suspicion: status.suspicion.map(|reason| reason.name().to_owned()),
            deposed: status.deposed.as_ref().map(|deposed| Deposed {
                term: deposed.term.0,
                leader: deposed.leader.0,
                reasons: deposed.reasons.iter().map(deposed_reason).collect(),
            }),
            pending: status.pending as u64,
            behaviour: behaviour.map(ToOwned::to_owned),
            diverged: status.diverged.map(|divergence| Diverged {
                index: divergence.index.0,
                agreed: divergence.agreed.map(|index| index.0),
            }),
            peers: self.peers(status.term.0),
            timers: timers(&self.timers),
            counters: self.counters(),
        }
    }

    /// `term` is this node's own.
    fn peers(&self, term: u64) -> Vec<PeerStatus> {
        let others = self
            .shared
            .configuration
            .sizes()
            .nodes()
            .filter(|&node| node != self.shared.me);
        let conducts = &self.shared.conducts;
        let matching = self.shared.configuration.sizes().matching_answers();
        let known = conducts.believable_term(matching).max(term);
        others
            .map(|node| {
                let conduct = conducts.of(node);
                let count = |of: fn(&Conduct) -> &AtomicU64| {
                    conduct.map_or(0, |conduct| of(conduct).load(Relaxed))
                };
                let spoken = count(|conduct| &conduct.term);
                let state = self.mesh.link_state(node.position());
                let policy = self.mesh.link_policy(node.position());
                PeerStatus {
                    name: self.name(node),
                    node: node.0,
                    up: state == Some(LinkState::Up),
                    problem: match state {
                        None | Some(LinkState::Up) => None,
                        Some(LinkState::Connecting) => Some("connecting".to_owned()),
                        Some(LinkState::Unreachable(error)) => Some(error.to_string()),
                        Some(LinkState::Lost(end)) => Some(end.to_string()),
                    },
                    fault: policy
                        .filter(|policy| *policy != LinkPolicy::PASS)
                        .map(in_words),
                    refused: count(|conduct| &conduct.refused),
                    asked: count(|conduct| &conduct.asked),
                    answered: count(|conduct| &conduct.answered),
                    // The next term is anybody's to speak of.
                    lone_term: (spoken > known + 1).then_some(spoken),
                    clock_ahead: conduct.and_then(Conduct::clock_ahead),
                }
            })
            .collect()
    }

    fn counters(&self) -> CounterReport {
        let counters = &self.shared.counters;
        let traffic = self.endpoint.traffic();
        CounterReport {
            sent: counters.sent.read(),
            received: counters.received.read(),
            refused: counters.refused.get(),
            bytes_sent: traffic.bytes_sent,
            bytes_received: traffic.bytes_received,
            node_signatures: counters.node_signatures.get(),
            node_signatures_cached: counters.node_signatures_cached.get(),
            client_signatures: counters.client_signatures.get(),
            client_signatures_cached: counters.client_signatures_cached.get(),
            syncs: counters.syncs.get(),
            writes: counters.writes.get(),
            entries: counters.entries.get(),
            transactions: counters.transactions.get(),
            sessions: self.shared.sessions.len() as u64,
            uptime_micros: self.shared.clock.now().monotonic.0,
            cpu_micros: processor_micros(),
        }
    }

    fn name(&self, node: NodeId) -> String {
        self.names
            .get(node.position())
            .cloned()
            .unwrap_or_else(|| node.to_string())
    }
}

fn deposed_reason(leaver: &Leaver) -> DeposedReason {
    DeposedReason {
        node: leaver.node.0,
        reason: leaver.reason.name().to_owned(),
        account: match leaver.reason {
            Reason::Starved(key) => Some(Id(key.account)),
            _ => None,
        },
        followed: leaver.followed,
    }
}

fn timers(timers: &Timers) -> TimerReport {
    let millis = |time: Time| time.0 / 1000;
    TimerReport {
        heartbeat: millis(timers.heartbeat),
        silence_shortest: millis(timers.silence_shortest),
        silence_longest: millis(timers.silence_longest),
        starvation: millis(timers.starvation),
        term: millis(timers.term),
        longest: millis(timers.longest),
    }
}

fn in_words(policy: LinkPolicy) -> String {
    if policy.cut {
        return "cut".to_owned();
    }
    let mut words = Vec::new();
    if !policy.delay.is_zero() {
        words.push(format!("delay {} ms", policy.delay.as_millis()));
    }
    if policy.loss > 0.0 {
        words.push(format!("loss {:.1} %", policy.loss * 100.0));
    }
    words.join(", ")
}
