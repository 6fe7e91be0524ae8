//! Signs entries that nobody can adopt, because a body is kept back or a timestamp is wild, and shows
//! their headers in reports, term after term. Whenever its turn to lead comes while they count, it
//! tries to have them elected as base; from then on all of its kind report that base for ever.

mod candidacy;

use std::sync::Arc;

use consensus::{
    Entry, Message, NodeId, RequestKey, Signed, Term, Time,
    event::Recipient,
    message::{AppendEntries, Fetch, FetchReply, Justification, PairReport, Report},
};

use super::{
    Adversary, DeadBase, Tools,
    reign::{Reign, Size},
};
use crate::random::Random;
use candidacy::Candidacy;

/// Why nobody can adopt the entries.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    /// The first body is never shown.
    Withheld,
    /// Another body is shown in its place.
    Rubbish,
    /// The first body is shown after so long.
    Late(Time),
    /// The first timestamp is so many milliseconds ahead of the clock.
    FarAhead(u64),
    /// The first timestamp is before that of the entry that it follows.
    GoesBack,
}

impl Flaw {
    fn draw(random: &mut Random) -> Self {
        match random.below(6) {
            0 | 1 => Self::Withheld,
            2 => Self::Rubbish,
            3 => Self::Late(Time::from_millis(random.between(100, 8_000))),
            4 => {
                let choices = [10_500, 14_000, 3_600_000];
                Self::FarAhead(*random.pick(&choices).expect("three choices"))
            }
            _ => Self::GoesBack,
        }
    }
}

pub(super) struct Hoarder {
    flaw: Flaw,
    /// Of a thousand messages with entries, so many are the last of its term.
    eagerness: u32,
    /// It leads no further in this term.
    deserted: Option<Term>,
    /// Whether its replica leads that term yet.
    leads: bool,
    made: Time,
    candidacy: Candidacy,
}

impl Hoarder {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            flaw: Flaw::draw(random),
            eagerness: *random.pick(&[20, 200, 1_000]).expect("three choices"),
            deserted: None,
            leads: false,
            made: Time(0),
            candidacy: Candidacy::default(),
        }
    }

    /// Signs the entries that nobody gets.
    fn hoard(&mut self, tools: &mut Tools<'_>, after: &Entry) {
        let mut reign = Reign::after(after, tools.now);
        let mut entries = Vec::new();
        entries.push(match self.flaw {
            Flaw::FarAhead(millis) => reign.next(tools, Size::Tiny, millis),
            Flaw::GoesBack => {
                let before = after.header().timestamp.saturating_sub(1_000);
                reign.next_at(tools, Size::Tiny, before)
            }
            Flaw::Withheld | Flaw::Rubbish | Flaw::Late(_) => reign.next(tools, Size::Tiny, 0),
        });
        let first = entries[0].header().timestamp;
        for _ in 0..tools.random.between(1, 3) {
            entries.push(reign.next_at(tools, Size::Tiny, first));
        }
        self.made = tools.now;
        tools.coalition.dead_base = Some(DeadBase {
            term: after.term(),
            root: after.point(),
            entries,
            election: None,
        });
    }

    fn leads_on(&mut self, tools: &mut Tools<'_>, append: &AppendEntries) {
        let Some(last) = append.entries.last() else {
            return;
        };
        let own = last.term() == append.term && last.header().author == tools.me();
        let plotting = tools.coalition.dead_base.as_ref();
        let newer = plotting.is_none_or(|base| base.reported_term() < append.term);
        if own && newer && tools.random.chance(self.eagerness) {
            self.hoard(tools, last);
            self.deserted = Some(append.term);
            self.leads = true;
        }
    }

    /// What it reports in place of the truth, if the entries still count for anything.
    fn lie(tools: &mut Tools<'_>, truth: &Report) -> Option<Report> {
        let base = tools.coalition.dead_base.as_ref()?;
        if base.reported_term() < truth.pair.term {
            // A later term was adopted: nobody asks for them any more.
            tools.coalition.dead_base = None;
            return None;
        }
        let pair = match &base.election {
            Some(election) if election.term() < truth.term => PairReport {
                term: election.term(),
                point: base.point(),
                headers: Vec::new(),
                justification: Justification::Election(election.clone()),
            },
            Some(_) => return None,
            None => {
                let configuration = tools.configuration();
                let mut headers = truth.pair.headers.clone();
                while let Some(last) = headers.last()
                    && last.header.point(configuration) != base.root
                {
                    headers.pop();
                }
                let hangs = !headers.is_empty()
                    || truth
                        .pair
                        .headers
                        .first()
                        .map_or(truth.pair.point == base.root, |first| {
                            first.header.previous == base.root.hash
                        });
                if !hangs || truth.pair.term != base.term {
                    return None;
                }
                headers.extend(base.headers().cloned());
                PairReport {
                    point: base.point(),
                    headers,
                    ..truth.pair.clone()
                }
            }
        };
        let term = pair.term;
        Some(Report {
            pair,
            accept: truth.accept.clone().filter(|accept| accept.term() == term),
            commit: truth.commit.clone().filter(|commit| commit.term() <= term),
            ..truth.clone()
        })
    }

    fn reports(&mut self, tools: &mut Tools<'_>, to: Recipient, truth: &Signed<Report>) -> bool {
        let Some(lie) = Self::lie(tools, &truth.body) else {
            return false;
        };
        let signed = tools.signed(lie);
        self.candidacy.report(tools, &signed);
        tools.pass(to, &Arc::new(Message::from(signed)));
        true
    }

    /// Answers a question for one of the entries, if it does.
    fn hand_out(&self, tools: &mut Tools<'_>, to: NodeId, fetch: &Fetch) -> bool {
        let Some(base) = &tools.coalition.dead_base else {
            return false;
        };
        let target = |entry: &Arc<Entry>| Some(entry.point()) == fetch.target;
        let Some(place) = base.entries.iter().position(target) else {
            return false;
        };
        let mut entry = Arc::clone(&base.entries[place]);
        if place == 0 {
            match self.flaw {
                Flaw::Withheld => return true,
                Flaw::Late(span) if tools.now < self.made.after(span) => return true,
                Flaw::Rubbish => {
                    let payloads = vec![tools.coalition.payment(1)];
                    let signed = entry.signed.clone();
                    entry = Arc::new(Entry::new(tools.configuration(), signed, payloads));
                }
                Flaw::Late(_) | Flaw::FarAhead(_) | Flaw::GoesBack => {}
            }
        }
        let reply = tools.sign(FetchReply {
            epoch: fetch.epoch,
            from: fetch.from,
            target: fetch.target,
            entries: vec![entry],
            commit: None,
        });
        tools.send(to, reply);
        true
    }
}

impl Adversary for Hoarder {
    fn admits(&self, _: &RequestKey) -> bool {
        !self.leads
    }

    fn ticks(&mut self, _: &mut Tools<'_>, term: Term) {
        self.leads &= self.deserted == Some(term);
    }

    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::AppendEntries(signed) if self.deserted != Some(signed.body.term) => {
                tools.pass(to, message);
                self.leads_on(tools, &signed.body);
            }
            Message::Heartbeat(signed) if self.deserted != Some(signed.body.term) => {
                tools.pass(to, message);
            }
            Message::AppendEntries(_) | Message::Heartbeat(_) => {}
            // What its replica goes on with would show the way to others.
            Message::Vote(signed) if self.deserted == Some(signed.body.term) => {}
            Message::Report(signed) => {
                if !self.reports(tools, to, signed) {
                    tools.pass(to, message);
                }
            }
            Message::RequestVote(signed) if self.candidacy.is_for(signed.body.term) => {}
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        match message {
            Message::Report(signed) => self.candidacy.report(tools, signed),
            Message::VoteGranted(signed) => self.candidacy.granted(tools, signed),
            Message::Fetch(signed) => return !self.hand_out(tools, signed.signer, &signed.body),
            _ => {}
        }
        true
    }
}
