//! Does what the nodes put out: writes, sends, executes, and watches that no promise leaves early.

use super::*;

impl Cluster {
    pub(super) fn handle(&mut self, node: usize, event: Event) {
        if let Some(raft) = &mut self.nodes[node].raft {
            raft.handle(self.now, event);
            self.do_outputs(node);
        }
    }

    pub(super) fn do_outputs(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].raft.as_mut().and_then(Raft::next_output) {
            let this = &mut self.nodes[node];
            match output {
                Output::Write {
                    id,
                    vote_state,
                    records,
                } => {
                    this.writes.push_back((id, *vote_state, records));
                    if !this.slow {
                        self.finish_writes(node);
                    }
                }
                Output::Send { to, message, after } => {
                    this.sends.push((after.unwrap_or(WriteId(0)), to, message));
                    self.release_sends(node);
                }
                Output::Apply(entry) => {
                    let index = entry.index();
                    assert_eq!(
                        position(index),
                        this.applied.len(),
                        "applied in order, once"
                    );
                    self.check_committed(entry.point());
                    let this = &mut self.nodes[node];
                    this.applied.push(entry);
                    if !this.stuck {
                        let digest = Hash::default();
                        let raft = this.raft.as_mut().unwrap();
                        raft.handle(self.now, Event::Applied(Applied { index, digest }));
                    }
                }
                Output::ReadEntries { to, from } => {
                    this.disk_reads += 1;
                    let first = usize::try_from(from.index.0).unwrap();
                    let entries = this.disk.chain.iter().skip(first);
                    let entries = entries.take(limits::MESSAGE_ENTRIES).cloned().collect();
                    let raft = this.raft.as_mut().unwrap();
                    let commit = None;
                    raft.handle(
                        self.now,
                        Event::EntriesRead {
                            to,
                            from,
                            entries,
                            commit,
                        },
                    );
                }
                Output::Judge(requests) => {
                    let as_of = Index(this.applied.len() as u64);
                    let judge =
                        |request: crate::Request| (request.key(), this.admission(&request.key()));
                    let verdicts = requests.into_iter().map(judge).collect();
                    let raft = this.raft.as_mut().unwrap();
                    raft.handle(self.now, Event::Judged { as_of, verdicts });
                }
                Output::ReadReady { id, index } => {
                    assert!(this.reads.insert(id, Ok(index)).is_none());
                    let asked = this.asked[&id];
                    assert!(index >= Index(asked as u64), "a read misses no commit");
                }
                Output::ReadRefused { id, refusal } => {
                    assert!(this.reads.insert(id, Err(refusal)).is_none());
                }
                Output::Refused { key, .. } => this.refused.push(key),
                Output::Notice(notice) => {
                    if let Notice::Elected { term, leader, .. } = notice {
                        let known = *self.leaders.entry(term).or_insert(leader);
                        assert_eq!(known, leader, "one leader in term {term}");
                    }
                    this.notices.push(notice);
                }
                Output::Certified(_) => panic!("there are no certificates in Raft modes"),
            }
        }
    }

    pub(super) fn check_committed(&mut self, point: Point) {
        let position = position(point.index);
        if position < self.committed.len() {
            assert_eq!(self.committed[position], point.hash, "one chain at {point}");
        } else {
            assert_eq!(position, self.committed.len());
            self.committed.push(point.hash);
        }
    }

    /// Makes every write of a node durable.
    pub(super) fn finish_writes(&mut self, node: usize) {
        while self.finish_write(node) {}
    }

    /// Makes a node's oldest write durable, if there is one.
    pub(super) fn finish_write(&mut self, node: usize) -> bool {
        let this = &mut self.nodes[node];
        let Some((id, vote_state, records)) = this.writes.pop_front() else {
            return false;
        };
        this.disk.write(vote_state, records);
        this.written = id;
        self.release_sends(node);
        self.handle(node, Event::Written(id));
        true
    }

    pub(super) fn release_sends(&mut self, node: usize) {
        let this = &mut self.nodes[node];
        let written = this.written;
        let (ready, waiting) = std::mem::take(&mut this.sends)
            .into_iter()
            .partition(|(after, ..)| *after <= written);
        this.sends = waiting;
        let ready: Vec<_> = ready;
        for (_, to, message) in ready {
            self.check_promise(node, &message);
            for peer in 0..self.nodes.len() {
                let wanted = match to {
                    Recipient::Node(wanted) => wanted == id(peer),
                    Recipient::Others => peer != node,
                };
                if wanted {
                    let sent = (id(node), id(peer), Arc::clone(&message));
                    self.network.push_back(sent);
                }
            }
            self.sent.push((id(node), to, message));
        }
    }

    /// What a message promises is on disk when it leaves.
    pub(super) fn check_promise(&self, node: usize, message: &Message) {
        let disk = &self.nodes[node].disk;
        match message {
            Message::RaftVote(vote) if vote.body.granted && !vote.body.pre_vote => {
                assert!(disk.vote_state.term >= vote.body.term);
                if disk.vote_state.term == vote.body.term {
                    assert!(disk.vote_state.voted_for.is_some());
                }
            }
            Message::RaftRequestVote(request) if !request.body.pre_vote => {
                assert!(disk.vote_state.term >= request.body.term);
            }
            Message::RaftAppendReply(reply) => {
                assert!(disk.vote_state.term >= reply.body.term);
                if let AppendOutcome::Matched(point) = reply.body.outcome
                    && disk.vote_state.term == reply.body.term
                    && point.index > Index(0)
                {
                    assert_eq!(disk.chain[position(point.index)].point(), point);
                }
            }
            _ => {}
        }
    }

    /// Delivers one message, if the link is not cut and both ends run.
    pub(super) fn deliver(&mut self, from: NodeId, to: NodeId, message: &Message) {
        let cut = self.cut.contains(&(from.position(), to.position()));
        if cut || self.nodes[to.position()].raft.is_none() {
            return;
        }
        let message = self
            .verification
            .message(from, &message.to_bytes())
            .expect("nodes send valid messages");
        let event = match &*message {
            Message::Relay(relay) => Event::Relayed {
                from,
                complained: relay.body.complained,
                requests: self.verification.relayed(&relay.body.requests),
            },
            _ => Event::Message(message),
        };
        self.handle(to.position(), event);
    }
}
