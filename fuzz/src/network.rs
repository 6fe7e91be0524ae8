//! The networks that targets live in: that of the wire format's vectors, and one with a ledger.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use consensus::{
    ClientChecks, Configuration, Domain, Ed25519, Hash, InvalidPayload, Mode, Payloads, PublicKey,
    RequestKey, Signature, Verification, Verifier, hashing::tagged_hash, signature::public_key,
};
use ed25519_dalek::SigningKey;
use keys::{Account, Asset, Genesis, GenesisFile, Incarnation, KeyPair, Validator};

/// The network of the vectors in `crates/consensus/tests/data/wire`.
pub(crate) struct Network {
    pub(crate) configuration: Arc<Configuration>,
    /// Judges as a node does.
    pub(crate) strict: Verification,
    /// Takes every signature, so that what stands behind signatures is reached too.
    pub(crate) gullible: Verification,
}

/// The three modes; anything beyond is Byzantine mode again.
pub(crate) fn network(mode: u8) -> &'static Network {
    static NETWORKS: LazyLock<[Network; 3]> =
        LazyLock::new(|| [Mode::Byzantine, Mode::RaftSigned, Mode::Raft].map(Network::new));
    NETWORKS.get(usize::from(mode)).unwrap_or(&NETWORKS[0])
}

impl Network {
    fn new(mode: Mode) -> Self {
        let validators = (1..=4).map(|seed| public_key(&SigningKey::from_bytes(&[seed; 32])));
        let mut id = [0; 32];
        (0..).zip(&mut id).for_each(|(number, byte)| *byte = number);
        let domain = Domain {
            network: Hash(id),
            mode,
        };
        let configuration = Configuration::genesis(domain, validators.collect(), ClientChecks::All);
        let configuration = Arc::new(configuration.expect("four validators suit every mode"));
        let known = configuration.keys().iter().copied();
        let judge = |verifier| {
            Verification::new(Arc::clone(&configuration), verifier, Arc::new(AnyPayload))
        };
        Self {
            strict: judge(Arc::new(Ed25519::with_known(known))),
            gullible: judge(Arc::new(Gullible)),
            configuration: Arc::clone(&configuration),
        }
    }
}

/// Takes every signature.
struct Gullible;

impl Verifier for Gullible {
    fn verify(&self, _: &PublicKey, _: &Hash, _: &Signature) -> bool {
        true
    }
}

/// Takes every payload.
pub(crate) struct AnyPayload;

impl Payloads for AnyPayload {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        Ok(RequestKey {
            account: tagged_hash("fuzzing/payload", &[payload]).0,
            nonce: 0,
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.key(payload)
    }
}

/// A genesis with accounts, whose keys anybody can compute.
pub(crate) fn genesis() -> &'static Genesis {
    static GENESIS: LazyLock<Genesis> = LazyLock::new(|| {
        let account = |name: &str, dollars: u64| Account {
            name: name.to_owned(),
            key: key(name).public_key(),
            balances: BTreeMap::from([("USD".to_owned(), dollars)]),
        };
        let asset = |code: &str, decimals| Asset {
            code: code.to_owned(),
            decimals,
        };
        Genesis::new(GenesisFile {
            format: 1,
            network: "fuzzing".to_owned(),
            mode: keys::Mode::Byzantine,
            client_checks: None,
            access: keys::Access::Anybody,
            created_unix_ms: 1_700_000_000_000,
            validators: (0..4)
                .map(|index| Validator {
                    name: format!("n{index}"),
                    key: key(&format!("n{index}")).validator_key(),
                    incarnation: Incarnation::from_seed(&format!("n{index}")).hash(),
                    address: ([127, 0, 0, 1], 4100 + index).into(),
                })
                .collect(),
            admin: key("admin").public_key(),
            assets: vec![asset("USD", 2), asset("EUR", 0)],
            accounts: vec![account("alice", 1000), account("bob", 5)],
            readers: Vec::new(),
        })
        .expect("a good genesis")
    });
    &GENESIS
}

/// The key of a name in [`genesis`].
pub(crate) fn key(name: &str) -> KeyPair {
    KeyPair::from_seed(name)
}

/// The configuration of [`genesis`].
pub(crate) fn configuration() -> &'static Arc<Configuration> {
    static CONFIGURATION: LazyLock<Arc<Configuration>> = LazyLock::new(|| {
        Arc::new(node::configuration(genesis(), None).expect("four validators are enough"))
    });
    &CONFIGURATION
}
