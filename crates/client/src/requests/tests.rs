use node::frames::{Id, Key};

use super::*;

const KEY: RequestKey = RequestKey {
    account: [1; 32],
    nonce: 7,
};

fn pace(needed: usize) -> Pace {
    Pace {
        wait: Wait::Applied,
        needed,
        resend: Duration::from_secs(1),
        complain: true,
        eager: true,
        timeout: Duration::from_secs(10),
    }
}

type Waiter = oneshot::Receiver<Result<Outcome, ClientError>>;

fn begin(pace: Pace, now: Instant) -> (Requests, Step, Waiter) {
    let (sender, receiver) = oneshot::channel();
    let request = SignedRequest {
        payload: vec![1],
        key: KEY,
        transaction: [9; 32],
    };
    let mut requests = Requests::default();
    let step = requests
        .begin(1, Arc::new(request), pace, now, Teller::One(sender))
        .unwrap_or_else(|_| unreachable!("nothing else is under way"));
    (requests, step, receiver)
}

fn outcome(transaction: u8, result: u8) -> Vec<OutcomeFrame> {
    let key = Key {
        account: KEY.account,
        nonce: KEY.nonce,
    };
    vec![OutcomeFrame {
        key,
        transaction: Id([transaction; 32]),
        result: vec![result],
    }]
}

fn result(done: Vec<Done>) -> Option<Result<Outcome, ClientError>> {
    done.into_iter().next().map(|done| done.result)
}

#[test]
fn two_equal_answers_of_different_nodes_decide() {
    let (mut requests, step, _waiter) = begin(pace(2), Instant::now());
    assert!(!step.to_all && !step.complain);
    assert!(
        requests
            .outcomes(NodeId(0), (5, 1), outcome(9, 1))
            .is_empty()
    );
    assert!(
        requests
            .outcomes(NodeId(0), (5, 1), outcome(9, 1))
            .is_empty()
    );
    assert!(
        requests
            .outcomes(NodeId(1), (5, 1), outcome(9, 2))
            .is_empty(),
        "another result"
    );
    assert!(
        requests
            .outcomes(NodeId(2), (6, 1), outcome(9, 1))
            .is_empty(),
        "another place"
    );
    let decided = result(requests.outcomes(NodeId(3), (5, 1), outcome(9, 1)));
    assert!(matches!(decided, Some(Ok(Outcome { index: 5, .. }))));
    assert!(requests.by_key.is_empty() && requests.by_id.is_empty());
}

#[test]
fn where_it_was_committed_can_be_enough() {
    let (mut requests, _, _waiter) = begin(
        Pace {
            wait: Wait::Committed,
            ..pace(2)
        },
        Instant::now(),
    );
    assert!(
        requests
            .outcomes(NodeId(0), (5, 1), outcome(9, 1))
            .is_empty()
    );
    assert!(result(requests.outcomes(NodeId(1), (5, 1), outcome(9, 2))).is_some());
}

#[test]
fn a_request_without_answer_goes_to_all_and_then_comes_with_a_complaint() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    assert!(
        requests
            .due(start + Duration::from_millis(999))
            .0
            .is_empty()
    );
    let (steps, _) = requests.due(start + Duration::from_secs(1));
    assert!(steps[0].to_all && !steps[0].complain);
    let (steps, _) = requests.due(start + Duration::from_secs(2));
    assert!(steps[0].to_all && steps[0].complain);
    let (steps, done) = requests.due(start + Duration::from_secs(10));
    assert!(steps.is_empty());
    assert!(matches!(
        result(done),
        Some(Err(ClientError::OutcomeUnknown { needed: 2, .. }))
    ));
}

#[test]
fn a_busy_node_is_asked_again_when_it_said_and_nobody_is_blamed() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    let busy = Refusal::Busy { retry_after: 300 };
    assert!(requests.refused(NodeId(0), 1, &busy, start).is_none());
    let (steps, _) = requests.due(start + Duration::from_millis(300));
    assert!(!steps[0].to_all && !steps[0].complain);
    assert!(
        requests
            .due(start + Duration::from_millis(301))
            .0
            .is_empty()
    );
}

#[test]
fn one_node_cannot_make_a_request_invalid() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    let invalid = |text: &str| Refusal::Invalid(text.to_owned());
    assert!(
        requests
            .refused(NodeId(0), 1, &invalid("a"), start)
            .is_none()
    );
    assert!(
        requests
            .refused(NodeId(0), 1, &invalid("a"), start)
            .is_none()
    );
    let (steps, _) = requests.due(start);
    assert!(steps[0].to_all, "the others are asked at once");
    let done = requests.refused(NodeId(1), 1, &invalid("b"), start);
    assert!(matches!(done.unwrap().result, Err(ClientError::Invalid(_))));
}

/// Another transaction under the nonce may have been rejected without using it, and be committed
/// again and again: its outcomes end nothing, and do not keep the client from complaining.
#[test]
fn outcomes_of_another_transaction_only_have_the_nodes_asked_again() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    let twin = |requests: &mut Requests, index| {
        for node in 0..4 {
            let done = requests.outcomes(NodeId(node), (index, 1), outcome(8, 0));
            assert!(done.is_empty());
        }
    };
    twin(&mut requests, 4);
    let (steps, _) = requests.due(start);
    assert!(steps[0].to_all && !steps[0].complain);
    let mut complained = false;
    for second in 1..4 {
        twin(&mut requests, 4);
        twin(&mut requests, 4 + second);
        let (steps, done) = requests.due(start + Duration::from_secs(second));
        assert!(steps[0].to_all && done.is_empty());
        complained |= steps[0].complain;
    }
    assert!(complained);
    assert!(
        requests
            .outcomes(NodeId(0), (9, 1), outcome(9, 1))
            .is_empty()
    );
    let decided = result(requests.outcomes(NodeId(1), (9, 1), outcome(9, 1)));
    assert!(matches!(decided, Some(Ok(Outcome { index: 9, .. }))));
}

/// Where it did use the nonce, enough nodes say so when they are asked again.
#[test]
fn a_nonce_is_used_when_enough_nodes_say_that_it_is() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    for node in 0..2 {
        let done = requests.outcomes(NodeId(node), (6, 1), outcome(8, 0));
        assert!(done.is_empty());
    }
    assert!(requests.due(start).0[0].to_all);
    let used = not_admitted(true, 7);
    assert!(requests.refused(NodeId(0), 1, &used, start).is_none());
    let done = requests.refused(NodeId(1), 1, &used, start);
    assert!(matches!(
        done.map(|done| done.result),
        Some(Err(ClientError::NotAdmitted { settled: true, .. }))
    ));
}

#[test]
fn a_late_word_of_a_refused_rival_does_not_hide_the_first_outcome() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    for node in 0..2 {
        assert!(
            requests
                .outcomes(NodeId(node), (6, 1), outcome(8, 0))
                .is_empty()
        );
    }
    assert!(
        requests
            .outcomes(NodeId(0), (4, 1), outcome(9, 1))
            .is_empty()
    );
    let decided = result(requests.outcomes(NodeId(1), (4, 1), outcome(9, 1)));
    assert!(matches!(decided, Some(Ok(Outcome { index: 4, .. }))));
}

#[test]
fn an_identity_is_under_way_once_until_it_is_abandoned() {
    let (mut requests, step, _waiter) = begin(pace(1), Instant::now());
    let again = |requests: &mut Requests| {
        let (sender, _) = oneshot::channel();
        let teller = Teller::One(sender);
        requests
            .begin(
                2,
                Arc::clone(&step.request),
                pace(1),
                Instant::now(),
                teller,
            )
            .is_ok()
    };
    assert!(!again(&mut requests));
    requests.abandon(1);
    assert!(again(&mut requests));
}

fn not_admitted(settled: bool, result: u8) -> Refusal {
    Refusal::NotAdmitted {
        settled,
        result: vec![result],
    }
}

#[test]
fn enough_nodes_that_refuse_it_for_good_end_a_request() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    let mut refused = |node, refusal| requests.refused(NodeId(node), 1, &refusal, start);
    assert!(refused(0, not_admitted(true, 1)).is_none());
    assert!(refused(0, not_admitted(true, 1)).is_none(), "one node");
    assert!(
        refused(1, not_admitted(true, 2)).is_none(),
        "for another reason"
    );
    let done = refused(2, not_admitted(true, 1)).expect("two say the same");
    assert!(matches!(
        done.result,
        Err(ClientError::NotAdmitted { settled: true, result }) if result == [1]
    ));
}

/// Nodes that lag behind may admit a request a moment later: they are asked again.
#[test]
fn nodes_that_refuse_it_for_now_are_asked_again() {
    let start = Instant::now();
    let (mut requests, _, _waiter) = begin(pace(2), start);
    for node in 0..2 {
        let done = requests.refused(NodeId(node), 1, &not_admitted(false, 1), start);
        assert!(done.is_none());
    }
    let later = start + Duration::from_millis(100);
    let (steps, _) = requests.due(later);
    assert!(steps[0].to_all && !steps[0].complain, "all are asked again");
    let done = requests.refused(NodeId(0), 1, &not_admitted(false, 1), later);
    assert!(done.is_none());
    let long_after = start + Duration::from_millis(300);
    let done = requests.refused(NodeId(1), 1, &not_admitted(false, 1), long_after);
    assert!(matches!(
        done.map(|done| done.result),
        Some(Err(ClientError::NotAdmitted { settled: false, .. }))
    ));
}
