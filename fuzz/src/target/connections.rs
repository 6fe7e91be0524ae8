//! What comes over a connection before and around messages: certificates, hellos, frames.

use keys::VerifyingKey;
use transport::{Network, ReceiveError, codec::encode, limits::MAX_HELLO_FRAME, testing};

use super::{Memory, Target};
use crate::input::Input;

const NETWORK: Network = Network {
    id: [3; 32],
    mode: 2,
};

pub(super) const HELLO: Target = Target {
    name: "hello",
    about: "the first frame of a dialler: one encoding; only our version, network and mode pass",
    run: hello,
    memory: Memory {
        factor: 32,
        fixed: 4 << 10,
    },
    longest: MAX_HELLO_FRAME + 16,
    replayed: 160_000,
};

fn hello(input: &[u8]) {
    match testing::hello(input, &NETWORK) {
        Ok(Ok(hello)) => {
            assert_eq!(encode(&hello).ok().as_deref(), Some(input));
            assert_eq!((hello.network, hello.mode), (NETWORK.id, NETWORK.mode));
        }
        Ok(Err(refusal)) => assert!(encode(&refusal).is_ok_and(|it| it.len() <= MAX_HELLO_FRAME)),
        Err(error) => drop(error.to_string()),
    }
}

pub(super) const REPLY: Target = Target {
    name: "reply",
    about: "a listener's answer to a hello",
    run: |input| match testing::reply(input) {
        Ok(Some(refusal)) => assert!(refusal.text.len() <= MAX_HELLO_FRAME),
        Ok(None) => assert_eq!(input, [0; 4]),
        Err(error) => drop(error.to_string()),
    },
    memory: Memory {
        factor: 32,
        fixed: 4 << 10,
    },
    longest: MAX_HELLO_FRAME + 16,
    replayed: 160_000,
};

pub(super) const FRAMES: Target = Target {
    name: "frames",
    about: "a stream cut into any pieces: the same frames come out, and memory follows what has come, not what is announced",
    run: frames,
    memory: Memory {
        factor: 64,
        fixed: 512 << 10,
    },
    longest: 8 << 10,
    replayed: 80_000,
};

/// The size of the pieces, the largest frame, then the stream.
fn frames(input: &[u8]) {
    let mut input = Input(input);
    let size = 1 + usize::from(input.number()) % 2000;
    let maximum = match input.byte() {
        0 => 8 << 20,
        short => usize::from(short) * 8,
    };
    let stream = input.0;
    let whole = testing::frames([stream], maximum);
    let cut = testing::frames(stream.chunks(size), maximum);
    let (whole, cut) = match (whole, cut) {
        (Ok(whole), Ok(cut)) => (whole, cut),
        (Err(one), Err(other)) => return assert_eq!(one, other),
        (one, other) => panic!("the pieces matter: {one:?} {other:?}"),
    };
    assert_eq!(whole.whole, cut.whole);
    let mut rest = stream;
    for frame in &whole.whole {
        let (length, after) = rest
            .split_first_chunk()
            .expect("every frame has its length");
        let length = u32::from_le_bytes(*length) as usize;
        assert!((1..=maximum).contains(&length));
        assert_eq!(&after[..length], frame);
        rest = &after[length..];
    }
    assert_eq!(whole.ends_between, rest.is_empty());
    for frames in [&whole, &cut] {
        assert!(frames.reserved <= (64 << 10) + 2 * rest.len());
    }
    drop(ReceiveError::Empty.to_string());
}

pub(super) const CERTIFICATE: Target = Target {
    name: "x509",
    about: "a peer's X.509 certificate: the key that is taken is a point of large order and stands in the certificate",
    run: certificate,
    memory: Memory {
        factor: 64,
        fixed: 8 << 10,
    },
    longest: 2 << 10,
    replayed: 160_000,
};

fn certificate(input: &[u8]) {
    match testing::certificate_key(input) {
        Ok(key) => {
            let point = VerifyingKey::from_bytes(&key).expect("a point");
            assert!(!point.is_weak());
            assert!(input.windows(32).any(|window| window == key));
        }
        Err(error) => drop(error),
    }
}
