//! Bounds, faults and endings of a queue.

use std::time::Duration;

use super::*;

const RULES: Rules = Rules {
    limit: QueueLimit {
        frames: 3,
        bytes: 10,
    },
    overflow: Overflow::RefuseNew,
    offline_frames: 1,
    delay_line: QueueLimit {
        frames: 2,
        bytes: 100,
    },
};

fn queue(overflow: Overflow) -> FrameQueue {
    FrameQueue::new(Rules { overflow, ..RULES }, true)
}

fn frame(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn drain(queue: &FrameQueue) -> Vec<Bytes> {
    let mut batch = Vec::new();
    queue.lock().next(&mut batch, Instant::now);
    batch
}

#[test]
fn a_full_queue_refuses_the_new_frame_or_drops_the_oldest() {
    for (overflow, left) in [
        (Overflow::RefuseNew, ["a", "b", "c"]),
        (Overflow::DropOldest, ["b", "c", "d"]),
    ] {
        let queue = queue(overflow);
        for text in ["a", "b", "c"] {
            assert_eq!(queue.push(frame(text)), Ok(Pushed::Queued { dropped: 0 }));
        }
        let expected = match overflow {
            Overflow::RefuseNew => Err(Refused::Full),
            Overflow::DropOldest => Ok(Pushed::Queued { dropped: 1 }),
        };
        assert_eq!(queue.push(frame("d")), expected);
        assert_eq!(drain(&queue), left);
    }
}

#[test]
fn bytes_are_bounded_but_one_frame_always_fits() {
    let queue = queue(Overflow::DropOldest);
    assert_eq!(
        queue.push(frame("123456")),
        Ok(Pushed::Queued { dropped: 0 })
    );
    assert_eq!(
        queue.push(frame("12345")),
        Ok(Pushed::Queued { dropped: 1 })
    );
    assert_eq!(
        queue.push(frame("more than ten")),
        Ok(Pushed::Queued { dropped: 1 })
    );
    assert_eq!(drain(&queue), ["more than ten"]);
    assert_eq!(queue.lock().bytes, 0);
}

#[test]
fn without_a_connection_only_the_newest_frames_stay() {
    let queue = queue(Overflow::DropOldest);
    for text in ["a", "b", "c"] {
        queue.push(frame(text)).unwrap();
    }
    assert_eq!(queue.set_online(false), 2);
    assert_eq!(queue.push(frame("d")), Ok(Pushed::Queued { dropped: 1 }));
    assert_eq!(drain(&queue), ["d"]);
}

#[test]
fn a_class_that_does_not_wait_is_refused_without_a_connection() {
    let queue = FrameQueue::new(
        Rules {
            offline_frames: 0,
            ..RULES
        },
        false,
    );
    assert_eq!(queue.push(frame("a")), Err(Refused::Offline));
}

#[test]
fn a_cut_swallows_queued_and_new_frames_until_it_is_healed() {
    let queue = queue(Overflow::RefuseNew);
    queue.push(frame("a")).unwrap();
    assert_eq!(queue.set_policy(LinkPolicy::CUT), 1);
    assert_eq!(queue.push(frame("b")), Ok(Pushed::LostOnPurpose));
    queue.set_policy(LinkPolicy::PASS);
    queue.push(frame("c")).unwrap();
    assert_eq!(drain(&queue), ["c"]);
}

#[test]
fn certain_loss_loses_everything_and_nonsense_nothing() {
    let queue = queue(Overflow::RefuseNew);
    queue.set_policy(LinkPolicy::loss(7.0));
    assert_eq!(queue.push(frame("a")), Ok(Pushed::LostOnPurpose));
    queue.set_policy(LinkPolicy::loss(f64::NAN));
    assert_eq!(queue.push(frame("b")), Ok(Pushed::Queued { dropped: 0 }));
}

#[test]
fn a_delay_keeps_order_and_adds_room_but_not_time_per_frame() {
    let queue = queue(Overflow::RefuseNew);
    let start = Instant::now();
    let after = |milliseconds| move || start + Duration::from_millis(milliseconds);
    queue.set_policy(LinkPolicy::delay(Duration::from_millis(200)));
    for text in ["a", "b", "c", "d"] {
        queue.lock().push(frame(text), &RULES, after(0)).unwrap();
    }
    queue.set_policy(LinkPolicy::delay(Duration::from_millis(10)));
    queue.lock().push(frame("e"), &RULES, after(0)).unwrap();
    assert_eq!(
        queue.lock().push(frame("f"), &RULES, after(0)),
        Err(Refused::Full)
    );
    let mut batch = Vec::new();
    assert_eq!(
        queue.lock().next(&mut batch, after(199)),
        Next::Wait(Some(after(200)()))
    );
    assert_eq!(queue.lock().next(&mut batch, after(200)), Next::Batch);
    assert_eq!(batch, ["a", "b", "c", "d", "e"]);
}

#[test]
fn the_end_of_a_delay_releases_what_it_held() {
    let queue = queue(Overflow::RefuseNew);
    let start = Instant::now();
    queue.set_policy(LinkPolicy::delay(Duration::from_secs(5)));
    queue.lock().push(frame("a"), &RULES, || start).unwrap();
    queue.set_policy(LinkPolicy::PASS);
    let mut batch = Vec::new();
    assert_eq!(queue.lock().next(&mut batch, || start), Next::Batch);
    assert_eq!(batch, ["a"]);
}

#[tokio::test]
async fn a_delayed_frame_is_handed_out_without_another_push() {
    let queue = queue(Overflow::RefuseNew);
    queue.set_policy(LinkPolicy::delay(Duration::from_millis(1)));
    queue.push(frame("a")).unwrap();
    let mut batch = Vec::new();
    assert!(queue.next_batch(&mut batch).await);
    assert_eq!(batch, ["a"]);
}

#[tokio::test]
async fn a_closed_queue_hands_out_what_it_holds_and_ends() {
    let queue = queue(Overflow::RefuseNew);
    queue.push(frame("a")).unwrap();
    queue.close();
    assert_eq!(queue.push(frame("b")), Err(Refused::Closed));
    let mut batch = Vec::new();
    assert!(queue.next_batch(&mut batch).await);
    assert_eq!(batch, ["a"]);
    batch.clear();
    assert!(!queue.next_batch(&mut batch).await);
}

#[tokio::test]
async fn waiting_for_room_ends_when_a_batch_is_taken() {
    let queue = queue(Overflow::RefuseNew);
    for text in ["a", "b", "c"] {
        queue.push(frame(text)).unwrap();
    }
    let mut batch = Vec::new();
    let (pushed, taken) = tokio::join!(queue.push_wait(frame("d")), queue.next_batch(&mut batch));
    assert_eq!((pushed, taken), (Ok(()), true));
    assert_eq!(drain(&queue), ["d"]);
}
