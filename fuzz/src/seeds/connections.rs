//! Hellos, replies, streams and certificates.

use transport::{Hello, PROTOCOL_VERSION, Refusal, RefusalReason, Role, codec::encode, testing};

use super::Seeds;

pub(super) fn add(seeds: &mut Seeds) {
    for role in [Role::Validator, Role::Client] {
        let hello = Hello {
            version: PROTOCOL_VERSION,
            network: [3; 32],
            mode: 2,
            role,
        };
        let bytes = encode(&hello).expect("a hello can be encoded");
        seeds.add("hello", format!("{role:?}").to_lowercase(), bytes);
    }
    seeds.add("hello", "later-version", [2, 0, 0, 0]);
    seeds.add("reply", "accepted", [0; 4]);
    let refusal = Refusal::new(RefusalReason::WrongMode, "another mode");
    let refusal = encode(&refusal).expect("a refusal can be encoded");
    seeds.add("reply", "refused", [&[1, 0, 0, 0], &refusal[..]].concat());

    let frame = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("short");
        [&length.to_le_bytes(), bytes].concat()
    };
    let stream = [frame(b"a"), frame(&[7; 500]), frame(b"bc")].concat();
    for (name, head) in [("small-pieces", [2, 0, 0]), ("large-pieces", [0x40, 1, 0])] {
        seeds.add("frames", name, [&head, &stream[..]].concat());
    }
    seeds.add("frames", "too-large", [&[9, 0, 8], &stream[..]].concat());
    seeds.add("frames", "empty", [9, 0, 0, 0, 0, 0, 0]);

    for secret in [7, 8] {
        let der = testing::certificate([secret; 32]).expect("a certificate can be made");
        seeds.add("x509", format!("own-{secret}"), der);
    }
}
