//! Rules that no scenario turns on by itself.

use super::super::log::{ChainHash, Position};
use super::super::message::{
    AppendEntries, AppendEntriesResponse, Command, RequestVote, RequestVoteResponse, Signed,
};
use super::*;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const D: NodeId = NodeId(3);
const ALL: [Reading; 3] = [Reading::Paper, Reading::Code, Reading::Juno];

fn entries(values: &[&str]) -> Vec<Entry> {
    values.iter().map(|value| Entry::new(0, *value)).collect()
}

fn votes_for(leader: NodeId, term: Term) -> Votes {
    let vote = |voter| RequestVoteResponse {
        term,
        voter,
        granted: true,
        candidate: leader,
        last_index: None,
    };
    [B, C, D]
        .map(|voter| Signed::new(voter, vote(voter)))
        .into()
}

fn append(leader: NodeId, term: Term, previous: Position, entries: Vec<Entry>) -> Message {
    let append = AppendEntries {
        term,
        leader,
        previous,
        entries,
        votes: votes_for(leader, term),
    };
    Message::AppendEntries(Signed::new(leader, append))
}

fn acknowledgement(node: NodeId, success: bool, log: &[Entry]) -> Message {
    let response = AppendEntriesResponse {
        term: 0,
        node,
        success,
        convinced: true,
        index: log.len().checked_sub(1),
        hash: ChainHash::of(log),
    };
    Message::AppendEntriesResponse(Signed::new(node, response))
}

/// A follows D in term 0 and holds `values`.
fn follower(reading: Reading, values: &[&str]) -> Node {
    let mut node = Node::new(A, 4, reading);
    node.receive(&append(D, 0, Position::START, entries(values)));
    assert_eq!(node.leader(), Some(D));
    node.take_outbox();
    node
}

/// Whether each acknowledgement just sent is a success.
fn successes(node: &mut Node) -> Vec<bool> {
    let sent = node.take_outbox();
    let responses = sent
        .iter()
        .filter_map(|envelope| envelope.message.acknowledgement());
    responses.map(|response| response.success).collect()
}

#[test]
fn a_shorter_log_of_a_later_term_gets_no_vote_in_juno() {
    let request = RequestVote {
        term: 2,
        candidate: B,
        last_term: 1,
        last_index: Some(0),
        hashes: Vec::new(),
    };
    let request = Message::RequestVote(Signed::new(B, request));
    for (reading, votes) in [(Reading::Code, true), (Reading::Juno, false)] {
        let mut node = follower(reading, &["a", "b"]);
        node.receive(&request);
        node.election_timeout();
        assert_eq!(node.grants(2).contains(&B), votes, "{reading}");
    }
}

#[test]
fn only_the_paper_looks_at_the_hash_of_the_previous_entry() {
    let other = Position {
        term: 0,
        index: Some(0),
        hash: ChainHash::of(&entries(&["y"])),
    };
    for (reading, length) in [(Reading::Paper, 1), (Reading::Code, 2), (Reading::Juno, 2)] {
        let mut node = follower(reading, &["x"]);
        node.receive(&append(D, 0, other, entries(&["z"])));
        assert_eq!(node.log().len(), length, "{reading}");
    }
}

#[test]
fn only_the_code_acknowledges_what_it_has_just_refused() {
    let missing = Position {
        term: 0,
        index: Some(5),
        hash: ChainHash::default(),
    };
    for reading in ALL {
        let mut node = follower(reading, &["x"]);
        node.receive(&append(D, 0, missing, entries(&["z"])));
        let successes = successes(&mut node);
        assert!(!successes[0], "{reading}");
        assert_eq!(successes.contains(&true), reading == Reading::Code);
    }
}

#[test]
fn a_leader_sends_again_on_refusal_except_in_juno() {
    for (reading, resent) in [(Reading::Paper, 1), (Reading::Code, 1), (Reading::Juno, 0)] {
        let mut node = Node::new(A, 4, reading);
        node.election_timeout();
        for vote in votes_for(A, 0) {
            node.receive(&Message::RequestVoteResponse(vote));
        }
        assert_eq!(node.role(), Role::Leader);
        for value in ["a", "b"] {
            let value = value.to_owned();
            let client = ClientId(0);
            node.receive(&Message::Command(Command { client, value }));
        }
        node.receive(&acknowledgement(B, true, &entries(&["a", "b"])));
        node.take_outbox();

        node.receive(&acknowledgement(B, false, &[]));
        let sent = node.take_outbox();
        assert_eq!(sent.len(), resent, "{reading}");
        for append in sent
            .iter()
            .filter_map(|envelope| envelope.message.append_entries())
        {
            assert_eq!(append.previous.index, Some(0), "one entry back");
            assert_eq!(append.entries, entries(&["b"]));
        }
    }
}

#[test]
fn an_old_proof_deposes_nobody() {
    for reading in ALL {
        let mut node = follower(reading, &["x"]);
        node.receive(&append(B, 3, Position::START, entries(&["y"])));
        assert_eq!((node.leader(), node.term()), (Some(B), 3), "{reading}");
        node.receive(&append(D, 0, Position::START, entries(&["x"])));
        assert_eq!((node.leader(), node.term()), (Some(B), 3), "{reading}");
    }
}

#[test]
fn only_the_paper_keeps_committed_entries_in_the_log() {
    for reading in ALL {
        let mut node = follower(reading, &["x"]);
        for acknowledger in [B, C, D] {
            node.receive(&acknowledgement(acknowledger, true, &entries(&["x"])));
        }
        assert_eq!(node.applied(), entries(&["x"]), "{reading}");

        node.receive(&append(B, 1, Position::START, entries(&["y"])));
        let kept = node.log().entries() == entries(&["x"]);
        assert_eq!(kept, reading == Reading::Paper, "{reading}");
        assert_eq!(node.applied(), entries(&["x"]), "applied is applied");
    }
}
