//! Byzantine nodes. Each holds a correct replica and its own key, and does to the replica's messages
//! whatever its behaviour says: one behaviour per file.

mod amnesiac;
mod base_forger;
mod brancher;
mod branches;
mod censor;
mod complaint_flooder;
mod crawler;
mod double_voter;
mod equivocator;
mod fetch_flooder;
mod forger;
mod hoarder;
mod medley;
mod reign;
mod relapser;
mod repeater;
mod replayer;
mod report_flooder;
mod report_liar;
mod runaway;
mod schemer;
mod shunner;
mod silent;
mod strategy;
mod term_inflater;
mod tools;
mod twins;
mod vote_spammer;
mod withholder;

use std::sync::Arc;

use consensus::{Message, NodeId, RequestKey, Setup, Term, Time, event::Recipient};

pub use branches::{Coalition, DeadBase};
pub use strategy::Strategy;
pub use tools::Tools;

use crate::{
    random::Random,
    world::{Happening, World},
};

/// How often a Byzantine node gets to act unasked.
pub const TICK: Time = Time::from_millis(100);

/// A way of breaking the rules.
pub trait Adversary: Send {
    /// The replica inside wants to send `message`. By default it goes as it is.
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        tools.pass(to, message);
    }

    /// A message arrives. Whether the replica inside gets to see it.
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, _: &Message) -> bool {
        true
    }

    /// Whether the replica inside gets to see a request.
    fn admits(&self, _: &RequestKey) -> bool {
        true
    }

    /// Whether it loses its disk and starts afresh now. Asked once a tick.
    fn forgets(&mut self, _: &mut Random) -> bool {
        false
    }

    /// Some time passed; `term` is the term that the replica inside is in.
    fn ticks(&mut self, _: &mut Tools<'_>, _: Term) {}
}

/// A registered behaviour.
pub struct Behaviour {
    /// The name on the command line.
    pub id: &'static str,
    /// The rule that it breaks, or that must contain it.
    pub rule: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    make: fn(&mut Random) -> Box<dyn Adversary>,
}

/// Every behaviour.
pub static BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        id: "silent",
        rule: "P4.2",
        summary: "says nothing at all, or falls silent after a while",
        make: |random| Box::new(silent::Silent::new(random)),
    },
    Behaviour {
        id: "equivocator",
        rule: "P4.8, P7.3",
        summary: "as leader signs two branches, shows one to few nodes only, and votes for both",
        make: |random| Box::new(equivocator::Equivocator::new(random)),
    },
    Behaviour {
        id: "schemer",
        rule: "P4.8, P3.3",
        summary: "equivocates, deserts, shows its votes to few nodes and lies in its reports, all at once",
        make: |random| Box::new(schemer::Schemer::new(random)),
    },
    Behaviour {
        id: "double-voter",
        rule: "P3.4, P7.3",
        summary: "votes for entries that do not exist beside real ones, and grants two bases",
        make: |_| Box::new(double_voter::DoubleVoter),
    },
    Behaviour {
        id: "report-liar",
        rule: "P4.4, P4.5",
        summary: "reports too little, too much or an older pair, and hides certificates",
        make: |_| Box::new(report_liar::ReportLiar::default()),
    },
    Behaviour {
        id: "base-forger",
        rule: "P4.7",
        summary: "as leader asks for a base that does not follow, or hides and swaps reports",
        make: |_| Box::new(base_forger::BaseForger),
    },
    Behaviour {
        id: "censor",
        rule: "P6.2, P6.3",
        summary: "ignores the requests of some accounts and serves everybody else",
        make: |random| Box::new(censor::Censor::new(random)),
    },
    Behaviour {
        id: "term-inflater",
        rule: "P4.3",
        summary: "speaks of terms far ahead: suspicions, heartbeats, grants, votes",
        make: |_| Box::new(term_inflater::TermInflater),
    },
    Behaviour {
        id: "withholder",
        rule: "P3.7",
        summary: "votes but hands out no bodies, and sends entries to some nodes only",
        make: |_| Box::new(withholder::Withholder),
    },
    Behaviour {
        id: "replayer",
        rule: "P2.6, P4.9",
        summary: "sends old messages again, its own and those of others",
        make: |_| Box::new(replayer::Replayer::default()),
    },
    Behaviour {
        id: "shunner",
        rule: "P3.7, P4.2",
        summary: "serves everybody but one node",
        make: |_| Box::new(shunner::Shunner::default()),
    },
    Behaviour {
        id: "crawler",
        rule: "P6.4",
        summary: "leads as slowly as it can without being silent",
        make: |random| Box::new(crawler::Crawler::new(random)),
    },
    Behaviour {
        id: "forger",
        rule: "P2.2, P3.2",
        summary: "forges payments, signs in others' names, and accuses correct nodes",
        make: |_| Box::new(forger::Forger::default()),
    },
    Behaviour {
        id: "twins",
        rule: "§ 13",
        summary: "two replicas with one key, each talking to a part of the network",
        make: |_| Box::new(twins::Twins::default()),
    },
    Behaviour {
        id: "amnesiac",
        rule: "P9.4, P3.8",
        summary: "loses its disk and goes on as if it had never promised anything",
        make: |random| Box::new(amnesiac::Amnesiac::new(random)),
    },
    Behaviour {
        id: "relapser",
        rule: "P4.6",
        summary: "leads well for a moment in each of its terms and then not at all, and suspects all others",
        make: |random| Box::new(relapser::Relapser::new(random)),
    },
    Behaviour {
        id: "fetch-flooder",
        rule: "P3.7, P12.1",
        summary: "asks everybody for the whole log without end, and hands out one entry at a time",
        make: |_| Box::new(fetch_flooder::FetchFlooder),
    },
    Behaviour {
        id: "report-flooder",
        rule: "P4.5, P12.1",
        summary: "sends reports without end: true ones, old ones and lies",
        make: |_| Box::new(report_flooder::ReportFlooder::default()),
    },
    Behaviour {
        id: "complaint-flooder",
        rule: "P6.2, P6.3",
        summary: "hands on complaints without end, and suspects the leader for them",
        make: |_| Box::new(complaint_flooder::ComplaintFlooder::default()),
    },
    Behaviour {
        id: "vote-spammer",
        rule: "P2.6, P12.1",
        summary: "votes without end for points that do not exist, near and far",
        make: |_| Box::new(vote_spammer::VoteSpammer::default()),
    },
    Behaviour {
        id: "hoarder",
        rule: "P4.5, P4.8, P4.9",
        summary: "signs entries that nobody can adopt, gets them elected as base where it can, and reports them for ever",
        make: |random| Box::new(hoarder::Hoarder::new(random)),
    },
    Behaviour {
        id: "brancher",
        rule: "P3.3, P4.5, P4.8",
        summary: "as leader shows each node, or group of nodes, a branch of its own, long or large, and deserts",
        make: |random| Box::new(brancher::Brancher::new(random)),
    },
    Behaviour {
        id: "repeater",
        rule: "P6.2, P6.3, P6.5",
        summary: "hands on executed requests as complaints and commits them again, and ignores some clients' new ones",
        make: |random| Box::new(repeater::Repeater::new(random)),
    },
    Behaviour {
        id: "medley",
        rule: "§ 13",
        summary: "another one of these every few seconds, drawn at random",
        make: |random| Box::new(medley::Medley::new(random)),
    },
];

/// Behaviours that the rules do not withstand yet, or are not known to (docs/simulator.md). They run
/// by name only.
pub static OPEN: &[Behaviour] = &[Behaviour {
    id: "runaway",
    rule: "P4.3, P3.2",
    summary: "leads as fast as it can, serves as few nodes as it needs, and ignores clients",
    make: |random| Box::new(runaway::Runaway::new(random)),
}];

impl Behaviour {
    /// The behaviour of that name.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        let all = BEHAVIOURS.iter().chain(OPEN);
        all.into_iter().find(|behaviour| behaviour.id == id)
    }

    /// A node that behaves so.
    #[must_use]
    pub fn instance(&self, random: &mut Random) -> Box<dyn Adversary> {
        (self.make)(random)
    }
}

/// What makes a node Byzantine.
pub struct Traitor {
    behaviour: Box<dyn Adversary>,
    random: Random,
}

impl Traitor {
    /// A traitor.
    #[must_use]
    pub const fn new(behaviour: Box<dyn Adversary>, random: Random) -> Self {
        Self { behaviour, random }
    }

    /// See [`Adversary::sends`].
    pub fn sends(
        &mut self,
        world: &mut World,
        setup: &Setup,
        to: Recipient,
        message: Arc<Message>,
    ) {
        self.act(world, setup, |behaviour, tools| {
            behaviour.sends(tools, to, &message);
        });
    }

    /// See [`Adversary::receives`].
    pub fn receives(
        &mut self,
        world: &mut World,
        setup: &Setup,
        from: NodeId,
        message: &Message,
    ) -> bool {
        self.act(world, setup, |behaviour, tools| {
            behaviour.receives(tools, from, message)
        })
    }

    /// See [`Adversary::admits`].
    #[must_use]
    pub fn admits(&self, key: &RequestKey) -> bool {
        self.behaviour.admits(key)
    }

    /// See [`Adversary::forgets`].
    pub fn forgets(&mut self) -> bool {
        self.behaviour.forgets(&mut self.random)
    }

    /// See [`Adversary::ticks`].
    pub fn ticks(&mut self, world: &mut World, setup: &Setup, term: Term) {
        self.act(world, setup, |behaviour, tools| {
            behaviour.ticks(tools, term);
        });
    }

    fn act<R>(
        &mut self,
        world: &mut World,
        setup: &Setup,
        action: impl FnOnce(&mut dyn Adversary, &mut Tools<'_>) -> R,
    ) -> R {
        let mut tools = Tools::new(
            setup,
            &mut self.random,
            &mut world.coalition,
            &world.verification,
            world.now,
        );
        let result = action(&mut *self.behaviour, &mut tools);
        let from = setup.me;
        for parcel in tools.into_outgoing() {
            if parcel.to == from {
                world.hand_back(from, parcel.delay, parcel.message);
            } else if parcel.delay == Time(0) {
                world.send(from, Recipient::Node(parcel.to), parcel.message);
            } else {
                let (to, message) = (parcel.to, parcel.message);
                world.after(parcel.delay, Happening::Emit { from, to, message });
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (position, behaviour) in OPEN.iter().enumerate() {
            let found = Behaviour::find(behaviour.id).unwrap();
            assert!(std::ptr::eq(found, &OPEN[position]));
        }
        for (position, behaviour) in BEHAVIOURS.iter().enumerate() {
            let found = Behaviour::find(behaviour.id).unwrap();
            assert!(std::ptr::eq(found, &BEHAVIOURS[position]));
        }
        assert!(Behaviour::find("saint").is_none());
    }
}
