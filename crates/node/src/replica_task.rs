//! The thread that owns the replica: events in, outputs out, nothing that blocks for long.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    time::{Duration, Instant},
};

use consensus::{Event, Mode, Notice, Output, Replica};

use crate::{
    application_task::Work,
    behaviour::Verdict,
    disk_task::Write,
    frames::{Refusal, ServerFrame},
    limits::{READS, RETRY_AFTER_MILLIS},
    mailbox::{Input, Taken},
    outbound::{self, Outbound},
    reading::ReadJob,
    shared::{Shared, View},
};

/// How often term and leader are looked at without an occasion, and behaviours get their tick.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// The replica, with where its outputs go.
pub(crate) struct ReplicaTask {
    pub(crate) replica: Replica,
    pub(crate) shared: Arc<Shared>,
    pub(crate) outbound: Outbound,
    pub(crate) disk: SyncSender<Write>,
    pub(crate) application: SyncSender<Work>,
    pub(crate) reader: SyncSender<ReadJob>,
    pub(crate) reads: Reads,
}

/// Linearizable reads under way: the replica's names for them, and who asked.
#[derive(Default)]
pub(crate) struct Reads {
    next: u64,
    /// The client's connection and its name for the read.
    waiting: BTreeMap<u64, (u64, u64)>,
}

/// The disk's or the application's thread has gone.
pub(crate) struct Gone;

impl ReplicaTask {
    /// Runs until the mailbox is closed or another thread has gone.
    pub(crate) fn run(mut self) {
        let mut taken = Taken::default();
        let mut look_around = Instant::now();
        if self.drain().is_err() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        while shared
            .mailbox
            .take(&mut taken, Some(self.deadline(look_around)))
        {
            if self.take_in(&mut taken).is_err() {
                return;
            }
            if Instant::now() >= look_around {
                look_around = Instant::now() + LOOK_AROUND;
                // What was refused for its timestamp is looked at again, too (P3.2).
                if self.handle(Event::Timeout).is_err() {
                    return;
                }
                self.outbound.tick();
                self.look();
            }
        }
        // The disk's thread ends when everything is durable; if it has gone, so has this.
        let _ = self.handle(Event::Stopping);
    }

    fn deadline(&self, look_around: Instant) -> Instant {
        let replica = self.replica.next_deadline();
        let replica = replica.and_then(|moment| self.shared.clock.instant(moment));
        replica.map_or(look_around, |deadline| deadline.min(look_around))
    }

    pub(crate) fn take_in(&mut self, taken: &mut Taken) -> Result<(), Gone> {
        if let Some(write) = taken.written.take() {
            self.outbound.written(write);
            self.handle(Event::Written(write))?;
        }
        if let Some(applied) = taken.applied.take() {
            self.handle(Event::Applied(applied))?;
        }
        for item in taken.items.drain(..) {
            match item.input {
                Input::Event(event) => {
                    let admitted = self.admitted(*event);
                    if let Some(event) = admitted.and_then(|event| self.let_in(event)) {
                        self.handle(event)?;
                    }
                }
                Input::Read { session, id } => self.read(session, id)?,
                Input::Status(reply) => {
                    let behaviour = self.outbound.behaviour.as_ref();
                    let name = behaviour.map(|behaviour| behaviour.name());
                    // Whoever asked may have gone.
                    let _ = reply.send((self.replica.status(), name));
                }
                Input::SetBehaviour(behaviour) => self.outbound.behaviour = behaviour,
            }
        }
        let now = self.shared.clock.now();
        if self
            .replica
            .next_deadline()
            .is_some_and(|deadline| deadline <= now.monotonic)
        {
            self.handle(Event::Timeout)?;
        }
        Ok(())
    }

    /// What the application admits of an event, in a state that is no older than the one that the
    /// replica was told of (P6.2). Clients are told why their request is not taken.
    fn admitted(&self, event: Event) -> Option<Event> {
        let hosted = &self.shared.hosted;
        match event {
            Event::Submit(ref request) | Event::Complain(ref request) => {
                match hosted.admit(request.payload()) {
                    Ok(()) => Some(event),
                    Err(why) => {
                        self.shared.not_admitted(request, why);
                        None
                    }
                }
            }
            Event::Relayed {
                from,
                complained,
                mut requests,
            } => {
                hosted.retain_admitted(&mut requests);
                (!requests.is_empty()).then_some(Event::Relayed {
                    from,
                    complained,
                    requests,
                })
            }
            event => Some(event),
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Gone> {
        self.replica.handle(self.shared.clock.now(), event);
        self.drain()
    }

    /// What the behaviour leaves of an event.
    fn let_in(&mut self, event: Event) -> Option<Event> {
        let context = outbound::context(&self.shared, &*self.outbound.signer);
        let Some(behaviour) = &mut self.outbound.behaviour else {
            return Some(event);
        };
        let mut allows =
            |request: &consensus::Request| behaviour.request(&context, request) == Verdict::Allow;
        match event {
            Event::Submit(ref request) | Event::Complain(ref request) => {
                allows(request).then_some(event)
            }
            Event::Relayed {
                from,
                complained,
                mut requests,
            } => {
                requests.retain(&mut allows);
                (!requests.is_empty()).then_some(Event::Relayed {
                    from,
                    complained,
                    requests,
                })
            }
            Event::Message(ref message) => {
                let verdict = behaviour.incoming(&context, message.from(), message);
                (verdict == Verdict::Allow).then_some(event)
            }
            event => Some(event),
        }
    }

    fn read(&mut self, session: u64, id: u64) -> Result<(), Gone> {
        if self.shared.configuration.mode() == Mode::Byzantine {
            // P7.2: the client takes the highest of a quorum's answers.
            let index = self.replica.status().head.index.0;
            self.shared
                .sessions
                .send(session, &ServerFrame::ReadIndex { id, index });
            return Ok(());
        }
        if self.reads.waiting.len() >= READS {
            let refusal = Refusal::Busy {
                retry_after: RETRY_AFTER_MILLIS,
            };
            self.shared
                .sessions
                .send(session, &ServerFrame::Refused { id, refusal });
            return Ok(());
        }
        let own = self.reads.next;
        self.reads.next += 1;
        self.reads.waiting.insert(own, (session, id));
        self.handle(Event::Read { id: own })
    }

    fn drain(&mut self) -> Result<(), Gone> {
        loop {
            let mut to_judge = Vec::new();
            while let Some(output) = self.replica.next_output() {
                match output {
                    Output::Judge(requests) => to_judge.extend(requests),
                    output => self.perform(output)?,
                }
            }
            if to_judge.is_empty() {
                return Ok(());
            }
            let (verdicts, refused) = self.shared.hosted.judge(&to_judge);
            for (request, why) in refused {
                self.shared.not_admitted(&request, why);
            }
            self.replica.handle(self.shared.clock.now(), verdicts);
        }
    }

    fn perform(&mut self, output: Output) -> Result<(), Gone> {
        match output {
            // Gathered before.
            Output::Judge(_) => {}
            Output::Write {
                id,
                vote_state,
                records,
            } => {
                let write = Write {
                    id,
                    vote_state,
                    records,
                };
                self.disk.send(write).map_err(|_| Gone)?;
            }
            Output::Send { to, message, after } => self.outbound.send(to, message, after),
            Output::Apply(entry) => {
                self.application
                    .send(Work::Apply(entry))
                    .map_err(|_| Gone)?;
            }
            Output::Certified(certificate) => {
                self.shared.certificates.add(certificate);
                self.shared.proofs.changed();
            }
            Output::ReadEntries { to, from } => {
                if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
                    self.reader.try_send(ReadJob { to, from })
                {
                    job.give_up(&self.shared);
                }
            }
            Output::ReadReady { id, index } => {
                if let Some((session, id)) = self.reads.waiting.remove(&id) {
                    let frame = ServerFrame::ReadIndex { id, index: index.0 };
                    self.shared.sessions.send(session, &frame);
                }
            }
            Output::ReadRefused { id, refusal } => {
                if let Some((session, id)) = self.reads.waiting.remove(&id) {
                    let refusal = refusal.into();
                    self.shared
                        .sessions
                        .send(session, &ServerFrame::Refused { id, refusal });
                }
            }
            Output::Refused { key, refusal } => {
                self.shared.sessions.refused(&key, &refusal.into());
            }
            Output::Notice(notice) => self.notice(&notice),
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::TermEntered { term } => tracing::info!(%term, "term entered"),
            Notice::Deposed {
                term,
                leader,
                reasons,
            } => {
                let reasons: Vec<String> = reasons
                    .iter()
                    .map(|one| {
                        let followed = if one.followed { " (followed)" } else { "" };
                        format!("{}: {}{followed}", one.node, one.reason.name())
                    })
                    .collect();
                tracing::warn!(%term, %leader, reasons = reasons.join(", "), "leader deposed");
            }
            Notice::Elected { term, leader, base } => {
                tracing::info!(%term, %leader, %base, "leader elected");
            }
            Notice::Suspecting { term, reason } => {
                tracing::warn!(%term, reason = reason.name(), "suspecting the leader");
            }
            Notice::Leaving {
                term,
                reason,
                followed,
            } => {
                tracing::warn!(%term, reason = reason.name(), followed, "would leave the term");
            }
            Notice::Committed { point } => {
                tracing::trace!(%point, "committed");
                return;
            }
            Notice::Evidence(evidence) => {
                tracing::warn!(%evidence, "a validator was caught");
                self.shared.evidence.add(Arc::clone(evidence));
            }
            Notice::Contradiction { point } => {
                tracing::error!(%point, "a commit certificate contradicts this ledger: more than f validators are faulty");
            }
            Notice::Diverged(divergence) => {
                tracing::error!(%divergence, "this node has diverged: it neither votes nor serves any more");
                // The first stays.
                let _ = self.shared.diverged.set(*divergence);
            }
            Notice::BaseRefused { term, base } => {
                tracing::warn!(%term, %base, "base refused");
            }
        }
        self.look();
    }

    /// Tells clients when the term or its leader changed.
    fn look(&self) {
        let status = self.replica.status();
        let view = View {
            term: status.term,
            leader: status.leader,
        };
        if self.shared.set_view(view) {
            self.shared.sessions.broadcast(&leader_frame(view));
        }
    }
}

/// Says who leads.
pub(crate) fn leader_frame(view: View) -> ServerFrame {
    ServerFrame::Leader {
        term: view.term.0,
        leader: view.leader.map(|leader| leader.0),
    }
}

impl From<consensus::Refusal> for Refusal {
    fn from(refusal: consensus::Refusal) -> Self {
        match refusal {
            consensus::Refusal::Busy { retry_after } => Self::Busy {
                retry_after: retry_after.0 / 1000,
            },
            consensus::Refusal::NoLeader => Self::NoLeader,
            consensus::Refusal::NotLeader(leader) => Self::NotLeader(leader.0),
        }
    }
}
