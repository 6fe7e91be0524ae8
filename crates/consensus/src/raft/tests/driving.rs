//! Lets time pass and things happen.

use super::*;

impl Cluster {
    /// Delivers until the network is silent.
    pub(super) fn settle(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            self.deliver(from, to, &message);
        }
    }

    pub(super) fn advance_to(&mut self, moment: Time) {
        let span = moment.since(self.now.monotonic);
        self.now.monotonic = self.now.monotonic.after(span);
        self.now.wall = 1_700_000_000_000 + self.now.monotonic.0 / 1_000;
    }

    /// Lets time pass with every deadline kept and every message delivered at once.
    pub(super) fn run(&mut self, millis: u64) {
        let end = self.now.monotonic.after(Time::from_millis(millis));
        loop {
            self.settle();
            let next = (0..self.nodes.len())
                .filter_map(|node| {
                    let deadline = self.nodes[node].raft.as_ref()?.next_deadline()?;
                    Some((deadline, node))
                })
                .min();
            let Some((deadline, node)) = next.filter(|(deadline, _)| *deadline <= end) else {
                break;
            };
            self.advance_to(deadline);
            self.handle(node, Event::Timeout);
            let raft = self.nodes[node].raft.as_ref().unwrap();
            assert!(
                raft.next_deadline() > Some(self.now.monotonic),
                "a deadline that was kept is over"
            );
        }
        self.advance_to(end);
    }

    /// Makes a node's election timer run out now.
    pub(super) fn provoke(&mut self, node: usize) {
        let deadline = self.raft(node).next_deadline().unwrap();
        self.advance_to(deadline);
        self.handle(node, Event::Timeout);
    }

    /// Runs until there is a leader that committed in its term, and returns it.
    pub(super) fn elect(&mut self) -> usize {
        for _ in 0..100 {
            self.run(100);
            if let Some(leader) = self.leader() {
                return leader;
            }
        }
        panic!("no leader in ten seconds");
    }

    /// The leader of the highest term, if it committed in it.
    pub(super) fn leader(&self) -> Option<usize> {
        (0..self.nodes.len())
            .filter_map(|node| {
                let raft = self.nodes[node].raft.as_ref()?;
                match &raft.part {
                    Part::Leader(leadership) if raft.commit.index >= leadership.first => {
                        Some((raft.term(), node))
                    }
                    _ => None,
                }
            })
            .max()
            .map(|(_, node)| node)
    }

    /// A client of a node wants to read.
    pub(super) fn read(&mut self, node: usize, id: u64) {
        self.nodes[node].asked.insert(id, self.committed.len());
        self.handle(node, Event::Read { id });
    }

    /// The application of a node executes what it was given.
    pub(super) fn unstick(&mut self, node: usize) {
        self.nodes[node].stuck = false;
        let last = self.nodes[node].applied.last();
        let applied = Applied {
            index: last.map_or(Index(0), |entry| entry.index()),
            digest: Hash::default(),
        };
        self.handle(node, Event::Applied(applied));
    }

    pub(super) fn submit(&mut self, node: usize, number: u64) {
        self.handle(node, Event::Submit(request(number)));
    }

    /// Cuts every link between a node and the others.
    pub(super) fn isolate(&mut self, node: usize) {
        for peer in 0..self.nodes.len() {
            self.cut.insert((node, peer));
            self.cut.insert((peer, node));
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }
}
