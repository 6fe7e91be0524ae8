//! Does what a replica wants done.

use std::sync::Arc;

use consensus::{Event, Message, Notice, Output, WriteId, event::Recipient};

use super::{Host, Waiting};
use crate::{
    oracle::Observation,
    world::{Happening, World},
};

impl Host {
    /// Sends what waited for writes that are durable now.
    pub(super) fn release(&mut self, world: &mut World) {
        loop {
            let Some(running) = &mut self.running else {
                return;
            };
            let synced = running.synced;
            let Some(position) = running.waiting.iter().position(|one| one.after <= synced) else {
                return;
            };
            if let Some(Waiting { to, message, .. }) = running.waiting.remove(position) {
                self.send(world, to, message);
            }
        }
    }

    /// Does what the replica wants done, until it wants nothing more.
    pub(super) fn pump(&mut self, world: &mut World) {
        loop {
            let mut executed = false;
            while let Some(output) = self.next_output() {
                executed |= matches!(output, Output::Apply(_));
                self.perform(world, output);
            }
            let Some(running) = self.running.as_mut().filter(|_| executed) else {
                break;
            };
            let applied = running.application.applied();
            let now = self.clock.now(world.now);
            running.replica.handle(now, Event::Applied(applied));
        }
        self.arm(world);
    }

    fn next_output(&mut self) -> Option<Output> {
        self.running.as_mut()?.replica.next_output()
    }

    fn perform(&mut self, world: &mut World, output: Output) {
        let node = self.setup.me;
        match output {
            Output::Write {
                id,
                vote_state,
                records,
            } => {
                world.wrote(node, &records);
                let (state, list) = (&vote_state, &records[..]);
                world.observe(
                    node,
                    Observation::Wrote {
                        vote_state: state,
                        records: list,
                    },
                );
                world.replay(node, |replay, _| replay.wrote(node, state, list));
                if let Some(span) = self.disk.write(id, vote_state, records) {
                    let (seat, life) = (self.seat, self.life);
                    world.after(span, Happening::Synced { seat, life });
                }
            }
            Output::Send { to, message, after } => self.send_after(world, to, message, after),
            Output::Apply(entry) => self.execute(world, &entry),
            Output::ReadEntries { to, from } => {
                let (entries, commit) = self.disk.read_after(from);
                let event = Event::EntriesRead {
                    to,
                    from,
                    entries,
                    commit,
                };
                let now = self.clock.now(world.now);
                if let Some(running) = &mut self.running {
                    running.replica.handle(now, event);
                }
            }
            Output::Judge(requests) => {
                let now = self.clock.now(world.now);
                if let Some(running) = &mut self.running {
                    let verdicts = running.application.judge(&requests);
                    running.replica.handle(now, verdicts);
                }
            }
            Output::Notice(notice) => self.notice(world, &notice),
            // A refused client asks again by itself; certificates are in the records too; the
            // simulated clients do not read.
            Output::Refused { .. }
            | Output::Certified(_)
            | Output::ReadReady { .. }
            | Output::ReadRefused { .. } => {}
        }
    }

    fn send_after(
        &mut self,
        world: &mut World,
        to: Recipient,
        message: Arc<Message>,
        after: Option<WriteId>,
    ) {
        let Some(running) = &mut self.running else {
            return;
        };
        let node = self.setup.me;
        world.replay(node, |replay, at| replay.signed(at, node, &message));
        match after {
            Some(after) if after > running.synced => {
                running.waiting.push_back(Waiting { after, to, message });
            }
            _ => self.send(world, to, message),
        }
    }

    fn send(&mut self, world: &mut World, to: Recipient, message: Arc<Message>) {
        match &mut self.traitor {
            Some(traitor) => traitor.sends(world, &self.setup, to, message),
            None => {
                world.observe(
                    self.setup.me,
                    Observation::Sent {
                        to,
                        message: &message,
                        durable: self.disk.durable(),
                    },
                );
                let node = self.setup.me;
                world.replay(node, |replay, at| replay.sent(at, node, &message));
                world.send(self.seat, to, message);
            }
        }
    }

    fn execute(&mut self, world: &mut World, entry: &consensus::Entry) {
        let node = self.setup.me;
        let Some(running) = &mut self.running else {
            return;
        };
        let results = running.application.execute(entry);
        let applied = running.application.applied();
        world.observe(node, Observation::Applied { entry, applied });
        if world.trace.is_on() {
            let (now, point) = (world.now, entry.point());
            let digest = applied.digest.short();
            world.trace.line(
                now,
                format_args!("{node} applies {point}, results {digest}"),
            );
        }
        for (key, outcome) in results {
            world.answer(node, key, outcome);
        }
    }

    fn notice(&mut self, world: &mut World, notice: &Notice) {
        let node = self.setup.me;
        world.observe(node, Observation::Notice(notice));
        match notice {
            Notice::Elected { term, leader, .. } if !self.is_byzantine() => {
                world.elected(*term);
                if *leader == node {
                    world.expect_followers(*term);
                }
            }
            Notice::Evidence(evidence) if !self.is_byzantine() => {
                world.accused.insert(evidence.accused());
            }
            _ => {}
        }
        if world.trace.is_on() {
            let now = world.now;
            match notice {
                Notice::Evidence(evidence) => world
                    .trace
                    .line(now, format_args!("{node} notes that {evidence}")),
                other => world
                    .trace
                    .line(now, format_args!("{node} notes {other:?}")),
            }
        }
    }
}
