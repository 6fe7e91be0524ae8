//! What a node that stops in order leaves behind (P11.3).

use super::*;

#[test]
fn an_acknowledged_last_entry_is_known_as_committed_after_an_orderly_stop() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.submit(leader, 1);
    cluster.settle();
    let commit = cluster.raft(leader).status().commit.index;
    assert!(
        cluster.nodes[leader].disk.commit < commit,
        "nothing to show"
    );
    cluster.handle(leader, Event::Stopping);
    assert_eq!(cluster.nodes[leader].disk.commit, commit);
    cluster.crash(leader);
    cluster.start(leader);
    assert_eq!(cluster.raft(leader).status().commit.index, commit);
    let sent = cluster.sent.len();
    let written = cluster.nodes[leader].written;
    cluster.handle(leader, Event::Stopping);
    assert_eq!(cluster.sent.len(), sent, "nothing is said any more");
    assert_eq!(cluster.nodes[leader].written, written, "nothing is new");
}
