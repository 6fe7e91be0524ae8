//! The genesis file: its id, its JSON, and everything that is refused.

use std::collections::BTreeMap;
use std::fs;

use keys::genesis::{FORMAT, MAX_ACCOUNTS, MAX_GENESIS_BYTES, MAX_VALIDATORS};
use keys::{
    Access, Account, Asset, ClientChecks, FileError, Genesis, GenesisError, GenesisFile,
    Incarnation, KeyPair, Mode, Overwrite, Validator, tagged_hash, to_hex,
};

fn validator(index: usize) -> Validator {
    Validator {
        name: format!("n{index}"),
        key: KeyPair::from_seed(&format!("n{index}")).validator_key(),
        incarnation: Incarnation::from_seed(&format!("n{index}")).hash(),
        address: format!("127.0.0.1:{}", 4100 + index).parse().unwrap(),
    }
}

fn account(name: &str, dollars: u64) -> Account {
    Account {
        name: name.to_owned(),
        key: KeyPair::from_seed(name).public_key(),
        balances: BTreeMap::from([("USD".to_owned(), dollars)]),
    }
}

fn asset(code: &str, decimals: u8) -> Asset {
    Asset {
        code: code.to_owned(),
        decimals,
    }
}

/// The test vector's content: four validators, two assets, two accounts.
fn example() -> GenesisFile {
    let mut alice = account("alice", 1_000_000);
    alice.balances.insert("EUR".to_owned(), 7);
    GenesisFile {
        format: FORMAT,
        network: "example".to_owned(),
        mode: Mode::Byzantine,
        client_checks: None,
        access: Access::Members,
        created_unix_ms: 1_700_000_000_000,
        validators: (0..4).map(validator).collect(),
        admin: KeyPair::from_seed("admin").public_key(),
        assets: vec![asset("USD", 2), asset("EUR", 2)],
        accounts: vec![alice, account("bob", 0)],
        readers: vec![KeyPair::from_seed("reader").public_key()],
    }
}

fn changed(change: impl FnOnce(&mut GenesisFile)) -> Result<Genesis, GenesisError> {
    let mut content = example();
    change(&mut content);
    Genesis::new(content)
}

fn refusal(change: impl FnOnce(&mut GenesisFile)) -> GenesisError {
    changed(change).expect_err("the genesis must be refused")
}

#[test]
fn the_id_is_the_test_vector() {
    let genesis = Genesis::new(example()).unwrap();
    let bytes = genesis.canonical_bytes();
    assert_eq!(tagged_hash("hawser/genesis/v1", &bytes), genesis.id());
    // The layout up to the first validator's key, written out.
    let start = [
        "01000000", // format
        "07000000",
        "6578616d706c65",   // network: "example"
        "02000000",         // mode: byzantine
        "01000000",         // client checks: all
        "01000000",         // access: members
        "0068e5cf8b010000", // created
        "04000000",         // validators
        "02000000",
        "6e30", // the first one's name: "n0"
    ]
    .concat();
    assert_eq!(to_hex(&bytes[..start.len() / 2]), start);
    // The last account: a name, a key, and one balance of zero. Then the readers.
    let end = [
        "03000000",
        "626f62",
        &KeyPair::from_seed("bob").public_key().to_hex(),
        "01000000",
        "03000000",
        "555344",
        "0000000000000000",
        "01000000",
        &KeyPair::from_seed("reader").public_key().to_hex(),
    ]
    .concat();
    assert_eq!(to_hex(&bytes[bytes.len() - end.len() / 2..]), end);
    assert_eq!(bytes.len(), 550);
    assert_eq!(
        to_hex(&genesis.id()),
        "645e999231d47984df22c16120c8b646a9f064dbae1ef4cd5cfaebeb2fa55590"
    );
}

#[test]
fn everything_but_the_addresses_is_in_the_id() {
    let id = |change: &dyn Fn(&mut GenesisFile)| changed(change).unwrap().id();
    let original = id(&|_| ());
    assert_eq!(
        id(&|content| content.validators[1].address = "10.0.0.7:9".parse().unwrap()),
        original
    );
    assert_eq!(
        id(&|content| content.client_checks = Some(ClientChecks::All)),
        original,
        "a default written out is the same genesis"
    );
    let other = || KeyPair::from_seed("other");
    let changes: [&dyn Fn(&mut GenesisFile); 18] = [
        &|content| content.readers.clear(),
        &|content| content.readers[0] = other().public_key(),
        &|content| {
            content.access = Access::Anybody;
            content.readers.clear();
        },
        &|content| content.validators[2].incarnation = Incarnation::from_seed("other").hash(),
        &|content| content.network.push('2'),
        &|content| content.mode = Mode::RaftSigned,
        &|content| content.mode = Mode::Raft,
        &|content| {
            content.mode = Mode::Raft;
            content.client_checks = Some(ClientChecks::All);
        },
        &|content| content.created_unix_ms += 1,
        &|content| content.validators.swap(0, 1),
        &|content| content.validators.push(validator(4)),
        &|content| content.validators[2].name = "other".to_owned(),
        &|content| content.validators[2].key = other().validator_key(),
        &|content| content.admin = other().public_key(),
        &|content| content.assets[0].decimals = 3,
        &|content| content.accounts[1].key = other().public_key(),
        &|content| content.accounts[1].name = "other".to_owned(),
        &|content| {
            content.accounts[1].balances.insert("USD".to_owned(), 1);
        },
    ];
    let mut ids: Vec<_> = changes.iter().map(|change| id(change)).collect();
    ids.push(original);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 19, "two different contents have one id");
}

#[test]
fn json_and_file_read_back() {
    let genesis = Genesis::new(example()).unwrap();
    let json = genesis.to_json().unwrap();
    let read = Genesis::from_json(json.as_bytes()).unwrap();
    assert_eq!(read.content(), genesis.content());
    assert_eq!(read.id(), genesis.id());
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["format"], 1);
    assert_eq!(value["mode"], "byzantine");
    assert_eq!(value["client_checks"], "all");
    assert_eq!(value["access"], "members");
    assert!(value["readers"][0].as_str().unwrap().starts_with("hwk1"));
    assert_eq!(value["validators"][0]["name"], "n0");
    assert_eq!(value["validators"][0]["address"], "127.0.0.1:4100");
    assert!(
        value["validators"][0]["key"]
            .as_str()
            .unwrap()
            .starts_with("hwv1")
    );
    assert!(value["admin"].as_str().unwrap().starts_with("hwk1"));
    assert_eq!(value["assets"][0]["decimals"], 2);
    assert_eq!(value["accounts"][0]["balances"]["USD"], "1000000");

    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("new/genesis.json");
    genesis.store(&path, Overwrite::Refuse).unwrap();
    assert_eq!(Genesis::load(&path).unwrap().id(), genesis.id());
    assert!(matches!(
        genesis.store(&path, Overwrite::Refuse),
        Err(GenesisError::File(FileError::Exists(_)))
    ));
    genesis.store(&path, Overwrite::Replace).unwrap();
}

#[test]
fn accounts_validators_and_supplies_are_found() {
    let genesis = Genesis::new(example()).unwrap();
    let bob = genesis.account_by_name("bob").unwrap();
    assert_eq!(genesis.account_by_address(&bob.address()), Some(bob));
    assert_eq!(genesis.account_by_name("n0"), None);
    let (place, third) = genesis.validator_by_name("n2").unwrap();
    assert_eq!(place, 2);
    assert_eq!(
        genesis.validator_by_key(third.key.public_key()),
        Some((2, third))
    );
    assert_eq!(genesis.validator_by_key(&bob.key), None);
    assert_eq!(genesis.supplies()["USD"], 1_000_000);
    assert_eq!(genesis.supplies()["EUR"], 7);
    assert_eq!(genesis.asset("USD"), Some(&asset("USD", 2)));
}

#[test]
fn client_checks_follow_the_mode() {
    for (mode, expected) in [
        (Mode::Raft, ClientChecks::Leader),
        (Mode::RaftSigned, ClientChecks::All),
        (Mode::Byzantine, ClientChecks::All),
    ] {
        let genesis = changed(|content| content.mode = mode).unwrap();
        assert_eq!(genesis.client_checks(), expected);
        assert_eq!(genesis.content().client_checks, Some(expected));
    }
    assert!(matches!(
        refusal(|content| content.client_checks = Some(ClientChecks::Leader)),
        GenesisError::LeaderChecksInByzantine
    ));
    let trusting = changed(|content| {
        content.mode = Mode::RaftSigned;
        content.client_checks = Some(ClientChecks::Leader);
    });
    assert_eq!(trusting.unwrap().client_checks(), ClientChecks::Leader);
}

#[test]
fn sizes_are_bounded() {
    assert!(matches!(
        refusal(|content| content.validators.truncate(3)),
        GenesisError::TooFewValidators { found: 3, .. }
    ));
    for mode in [Mode::Raft, Mode::RaftSigned] {
        let with = |count| {
            changed(|content| {
                content.mode = mode;
                content.validators.truncate(count);
            })
        };
        assert!(with(1).is_ok());
        assert!(matches!(
            with(0),
            Err(GenesisError::TooFewValidators { found: 0, .. })
        ));
    }
    let validators = |count| (0..count).map(validator).collect::<Vec<_>>();
    changed(|content| content.validators = validators(MAX_VALIDATORS)).unwrap();
    assert!(matches!(
        refusal(|content| content.validators = validators(MAX_VALIDATORS + 1)),
        GenesisError::TooMany {
            what: "validators",
            ..
        }
    ));
    let assets = |count| {
        (0..count)
            .map(|index| asset(&format!("A{index}"), 0))
            .collect()
    };
    changed(|content| {
        content.assets = assets(64);
        content.accounts.clear();
    })
    .unwrap();
    assert!(matches!(
        refusal(|content| content.assets = assets(65)),
        GenesisError::TooMany { what: "assets", .. }
    ));
    assert!(matches!(
        refusal(|content| content.assets.clear()),
        GenesisError::NoAssets
    ));
}

#[test]
fn ten_thousand_accounts_fit_and_one_more_does_not() {
    let mut content = example();
    content.accounts = (0..MAX_ACCOUNTS)
        .map(|index| account(&format!("account-{index}"), 1))
        .collect();
    let genesis = Genesis::new(content.clone()).unwrap();
    let json = genesis.to_json().unwrap();
    assert_eq!(
        Genesis::from_json(json.as_bytes()).unwrap().id(),
        genesis.id()
    );
    content.accounts.push(account("one-more", 1));
    assert!(matches!(
        Genesis::new(content),
        Err(GenesisError::TooMany {
            what: "accounts",
            ..
        })
    ));
}

#[test]
fn duplicates_are_refused() {
    assert!(matches!(
        refusal(|content| content.validators[3].name = "n0".to_owned()),
        GenesisError::DuplicateName {
            what: "validators",
            ..
        }
    ));
    assert!(matches!(
        refusal(|content| content.validators[3].key = content.validators[0].key),
        GenesisError::DuplicateValidatorKey { .. }
    ));
    for address in ["127.0.0.1:4100", "[::ffff:127.0.0.1]:4100"] {
        assert!(matches!(
            refusal(|content| content.validators[3].address = address.parse().unwrap()),
            GenesisError::DuplicateAddress { .. }
        ));
    }
    assert!(matches!(
        refusal(|content| content.accounts[1].name = "alice".to_owned()),
        GenesisError::DuplicateName {
            what: "accounts",
            ..
        }
    ));
    assert!(matches!(
        refusal(|content| content.accounts[1].key = content.accounts[0].key),
        GenesisError::DuplicateAccountKey { .. }
    ));
    assert!(matches!(
        refusal(|content| content.accounts[1].key = content.validators[0].key.0),
        GenesisError::SharedKey { .. }
    ));
    assert!(matches!(
        refusal(|content| content.admin = content.validators[2].key.0),
        GenesisError::SharedKey { .. }
    ));
    assert!(matches!(
        refusal(|content| content.assets[1].code = "USD".to_owned()),
        GenesisError::DuplicateAsset(_)
    ));
    assert!(matches!(
        refusal(|content| content.readers[0] = content.validators[1].key.0),
        GenesisError::SharedKey { .. }
    ));
    assert!(matches!(
        refusal(|content| content.readers.push(content.readers[0])),
        GenesisError::DuplicateReader(_)
    ));
    assert!(matches!(
        refusal(|content| content.access = Access::Anybody),
        GenesisError::ReadersOfAnybody
    ));
    // The admin may hold an account, and a validator's name may be an account's too.
    changed(|content| content.admin = content.accounts[0].key).unwrap();
    changed(|content| content.accounts[0].name = "n0".to_owned()).unwrap();
}

#[test]
fn names_codes_addresses_and_times_are_checked() {
    for name in ["", "a/b", "Alice", &"x".repeat(33)] {
        assert!(matches!(
            refusal(|content| content.validators[0].name = name.to_owned()),
            GenesisError::Name { .. }
        ));
        assert!(matches!(
            refusal(|content| content.accounts[0].name = name.to_owned()),
            GenesisError::Name { .. }
        ));
    }
    for network in ["", "a b", "\u{1b}[2J", &"x".repeat(65)] {
        let error = refusal(|content| content.network = network.to_owned());
        assert!(matches!(error, GenesisError::Network(_)));
        assert!(!error.to_string().contains('\u{1b}'));
    }
    changed(|content| content.network = "x".repeat(64)).unwrap();
    for code in ["", "usd", "1A", "U$", "ABCDEFGHIJKLM"] {
        assert!(matches!(
            refusal(|content| content.assets[0].code = code.to_owned()),
            GenesisError::AssetCode(_)
        ));
    }
    assert!(matches!(
        refusal(|content| content.assets[0].decimals = 19),
        GenesisError::Decimals { .. }
    ));
    for address in [
        "127.0.0.1:0",
        "0.0.0.0:1",
        "[::]:1",
        "[::ffff:0.0.0.0]:1",
        "224.0.0.1:1",
    ] {
        assert!(matches!(
            refusal(|content| content.validators[0].address = address.parse().unwrap()),
            GenesisError::Unreachable { .. }
        ));
    }
    assert!(matches!(
        refusal(|content| content.created_unix_ms = u64::MAX),
        GenesisError::Created(u64::MAX)
    ));
    assert!(matches!(
        refusal(|content| content.format = 2),
        GenesisError::Format(2)
    ));
}

#[test]
fn money_must_be_known_and_countable() {
    assert!(matches!(
        refusal(|content| {
            content.accounts[0].balances.insert("GBP".to_owned(), 1);
        }),
        GenesisError::UnknownAsset { .. }
    ));
    let supply_of = |alice, bob| {
        changed(|content| content.accounts = vec![account("alice", alice), account("bob", bob)])
    };
    assert_eq!(
        supply_of(u64::MAX - 1, 1).unwrap().supplies()["USD"],
        u64::MAX
    );
    assert!(matches!(
        supply_of(u64::MAX, 1),
        Err(GenesisError::SupplyTooLarge(code)) if code == "USD"
    ));
}

/// The example's JSON with one text replaced.
fn json_with(from: &str, to: &str) -> Result<Genesis, GenesisError> {
    let json = Genesis::new(example()).unwrap().to_json().unwrap();
    assert!(json.contains(from), "{from} is not in {json}");
    Genesis::from_json(json.replacen(from, to, 1).as_bytes())
}

#[test]
fn hostile_json_is_refused() {
    let mut weak = [0; 32];
    weak[0] = 1;
    let weak = bech32::encode::<bech32::Bech32m>(bech32::Hrp::parse("hwk").unwrap(), &weak);
    let weak = weak.unwrap();
    let admin = KeyPair::from_seed("admin").public_key().to_string();
    let admin_as_validator = KeyPair::from_seed("admin").validator_key().to_string();
    let cases = [
        ("\"network\"", "\"netwrok\""),
        ("\"format\": 1", "\"format\": \"1\""),
        ("\"mode\": \"byzantine\"", "\"mode\": \"Byzantine\""),
        ("\"client_checks\": \"all\"", "\"client_checks\": \"none\""),
        ("\"1000000\"", "1000000"),
        ("\"1000000\"", "\"-1\""),
        ("\"1000000\"", "\"18446744073709551616\""),
        ("\"1000000\"", "\"1\", \"USD\": \"2\""),
        ("\"decimals\": 2", "\"decimals\": 300"),
        ("\"decimals\": 2", "\"decimals\": 2, \"symbol\": \"$\""),
        ("127.0.0.1:4100", "localhost:4100"),
        (
            "\"network\": \"example\"",
            "\"network\": \"example\", \"network\": \"b\"",
        ),
        (&admin, &weak),
        (&admin, &admin_as_validator),
    ];
    for (from, to) in cases {
        let error = json_with(from, to).expect_err(to);
        assert!(matches!(error, GenesisError::Json(_)), "{to}: {error:?}");
    }
    assert!(
        json_with(&admin, &weak)
            .unwrap_err()
            .to_string()
            .contains("weak")
    );
    assert!(matches!(
        json_with("\"format\": 1", "\"format\": 2, \"later\": true"),
        Err(GenesisError::Format(2))
    ));
    for text in [
        "",
        "null",
        "[]",
        "{",
        "{\"format\": 1} x",
        "{\"format\": 1}",
    ] {
        assert!(Genesis::from_json(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Genesis::from_json("[".repeat(100_000).as_bytes()).is_err());
    let escape = json_with("\"network\"", "\"\\u001b[2J\"").unwrap_err();
    assert!(!escape.to_string().contains('\u{1b}'));
}

#[test]
fn large_files_are_refused_unread() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("genesis.json");
    let file = fs::File::create(&path).unwrap();
    file.set_len(MAX_GENESIS_BYTES + 1).unwrap();
    assert!(matches!(
        Genesis::load(&path),
        Err(GenesisError::File(FileError::TooLarge { .. }))
    ));
    let spaces = vec![b' '; usize::try_from(MAX_GENESIS_BYTES).unwrap() + 1];
    assert!(matches!(
        Genesis::from_json(&spaces),
        Err(GenesisError::TooLarge(_))
    ));
}
