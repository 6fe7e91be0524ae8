//! Making a network: its keys, its genesis, its nodes' folders; and removing it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use keys::{
    Access, Account, Asset, ClientChecks, FileError, Genesis, GenesisFile, Incarnation,
    KeyFileError, KeyPair, KeyStoreError, Mode, Overwrite, Validator, genesis::FORMAT,
};
use terminal::exit::Code;

use super::{Layout, NodeLayout, file, ports, state::State};
use crate::{
    failure::{Failure, Outcome},
    report,
};

/// The asset that accounts begin with.
pub const ASSET: &str = "USD";
/// Its decimal places.
pub const DECIMALS: u8 = 2;
/// The key by which the command line connects when no account of its own asks.
const CLIENT_KEY: &str = "client";
/// The founding time of a network made from a seed, so that the seed alone fixes its id.
const SEEDED_CREATION_MS: u64 = 1_767_225_600_000;

/// What a network is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many nodes.
    pub nodes: usize,
    /// How they agree.
    pub mode: Mode,
    /// Who checks clients' signatures; the mode's default if `None`.
    pub client_checks: Option<ClientChecks>,
    /// Who may connect as a client.
    pub access: Access,
    /// Makes all keys from this number, for a network that can be made again.
    pub seed: Option<u64>,
    /// The accounts and what they hold, in smallest units.
    pub accounts: Vec<(String, u64)>,
}

/// The accounts that everybody gets to play with.
#[must_use]
pub fn usual_accounts() -> Vec<(String, u64)> {
    [
        ("alice", 100_000_000),
        ("bob", 10_000_000),
        ("carol", 10_000_000),
        ("dave", 0),
    ]
    .map(|(name, balance)| (name.to_owned(), balance))
    .to_vec()
}

/// Makes the network. Genesis is written last: without it there is no network.
///
/// # Errors
/// If genesis refuses the plan, or the system the files.
pub fn found(layout: &Layout, plan: &Plan) -> Outcome<Genesis> {
    make_private(layout.root())?;
    let admin = account_key(layout, plan, "admin")?;
    let mut accounts = Vec::new();
    for (name, balance) in &plan.accounts {
        let key = account_key(layout, plan, name)?;
        accounts.push(Account {
            name: name.clone(),
            key: key.public_key(),
            balances: BTreeMap::from([(ASSET.to_owned(), *balance)]),
        });
    }
    let client = account_key(layout, plan, CLIENT_KEY)?;
    let mut validators = Vec::new();
    for (number, port) in ports::pick(plan.nodes, &BTreeSet::new())?
        .into_iter()
        .enumerate()
    {
        let name = format!("n{number}");
        let node = layout.node(&name);
        make_private(node.directory())?;
        validators.push(Validator {
            key: node_key(&node, plan)?.validator_key(),
            incarnation: node_data(&node, plan)?.hash(),
            address: ports::address(port),
            name,
        });
    }
    let genesis = Genesis::new(GenesisFile {
        format: FORMAT,
        network: "testnet".to_owned(),
        mode: plan.mode,
        client_checks: plan.client_checks,
        access: plan.access,
        created_unix_ms: plan.seed.map_or_else(now, |_| Ok(SEEDED_CREATION_MS))?,
        validators,
        admin: admin.public_key(),
        assets: vec![Asset {
            code: ASSET.to_owned(),
            decimals: DECIMALS,
        }],
        accounts,
        readers: match plan.access {
            Access::Members => vec![client.public_key()],
            Access::Anybody => Vec::new(),
        },
    })
    .map_err(|error| Failure::usage(error.to_string()))?;
    State::new(plan.seed).store(layout)?;
    genesis.store(&layout.genesis(), Overwrite::Refuse)?;
    Ok(genesis)
}

/// Gives nodes whose ports somebody else took meanwhile new ones. Addresses are not part of the
/// network's id, so it stays the same network.
///
/// # Errors
/// If there are no free ports, or genesis cannot be written.
pub fn renew_ports(layout: &Layout, genesis: Genesis) -> Outcome<(Genesis, Vec<String>)> {
    let mut content = genesis.content().clone();
    let busy: Vec<usize> = (0..content.validators.len())
        .filter(|&position| !ports::is_free(content.validators[position].address))
        .collect();
    if busy.is_empty() {
        return Ok((genesis, Vec::new()));
    }
    let taken = content.validators.iter().map(|node| node.address.port());
    let fresh = ports::pick(busy.len(), &taken.collect())?;
    let mut moved = Vec::new();
    for (position, port) in busy.into_iter().zip(fresh) {
        let validator = &mut content.validators[position];
        validator.address = ports::address(port);
        moved.push(validator.name.clone());
    }
    let genesis = Genesis::new(content)?;
    genesis.store(&layout.genesis(), Overwrite::Replace)?;
    Ok((genesis, moved))
}

/// Removes everything that belongs to the network, and nothing else that lies in its folder. The keys
/// of accounts stay: they may be worth more than this network.
///
/// # Errors
/// Those of the operating system.
pub fn remove(layout: &Layout) -> Outcome {
    let fail = |path: &Path, error: io::Error| {
        Failure::system(format!("remove {}", path.display()), error)
    };
    file::remove(&layout.genesis())?;
    file::remove(&layout.state())?;
    let entries = match fs::read_dir(layout.root()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| fail(layout.root(), error))?,
    };
    for entry in entries {
        let path = entry.map_err(|error| fail(layout.root(), error))?.path();
        if is_node_folder(&path) {
            fs::remove_dir_all(&path).map_err(|error| fail(&path, error))?;
        }
    }
    let sent = layout.sent();
    for path in files_of(&sent)? {
        if is_note(&path) {
            file::remove(&path)?;
        }
    }
    file::remove(&layout.lock())?;
    for folder in [sent.as_path(), layout.root()] {
        // What is left in them is not ours to remove.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Removes what the last comparison reported into the network's folder.
///
/// # Errors
/// Those of the operating system.
pub fn remove_reports(layout: &Layout) -> Outcome {
    let folder = layout.report();
    for path in files_of(&folder)? {
        if report::FILES.iter().any(|name| path.ends_with(name)) {
            file::remove(&path)?;
        }
    }
    let _ = fs::remove_dir(&folder);
    Ok(())
}

fn files_of(folder: &Path) -> Outcome<Vec<PathBuf>> {
    // A file of that name is not ours.
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let paths =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    paths.map_err(|error| Failure::system(format!("read {}", folder.display()), error))
}

/// A transaction's id and `.json`: what the ledger's command line notes.
fn is_note(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_suffix(".json"))
        .is_some_and(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_node_folder(path: &Path) -> bool {
    let named = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix('n'))
        .is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
    named && NodeLayout::new(path).key().is_file()
}

fn make_private(folder: &Path) -> Outcome {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::system(format!("make the folder {}", folder.display()), error))
}

fn now() -> Outcome<u64> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| Failure::system("found a network", "the clock stands before 1970"))
}

fn new_key(plan: &Plan, name: &str) -> Outcome<KeyPair> {
    match plan.seed {
        Some(seed) => Ok(KeyPair::from_seed(&format!("testnet/{seed}/{name}"))),
        None => {
            KeyPair::generate().map_err(|error| Failure::new(Code::Internal, error.to_string()))
        }
    }
}

/// The account's key: the one that is there already, or a new one.
fn account_key(layout: &Layout, plan: &Plan, name: &str) -> Outcome<KeyPair> {
    let store = layout.keys();
    match store.load(name) {
        Ok(found) => {
            let fits =
                plan.seed.is_none() || new_key(plan, name)?.public_key() == found.public_key();
            if fits {
                return Ok(found);
            }
            Err(Failure::state(format!(
                "there is a key {} already, and it is not the one that this seed makes",
                store.path(name)?.display()
            ))
            .next("Leave out --seed, or choose another folder with --data."))
        }
        Err(KeyStoreError::File(KeyFileError::File(FileError::NotFound(_)))) => {
            let key = new_key(plan, name)?;
            store.save(name, &key, Overwrite::Refuse)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// The node's key. One of an earlier attempt that did not come to a genesis is replaced.
fn node_key(node: &NodeLayout, plan: &Plan) -> Outcome<KeyPair> {
    let key = new_key(plan, &node.name())?;
    key.write_pem(&node.key(), Overwrite::Replace)?;
    Ok(key)
}

/// The node's data directory. One of an earlier attempt that did not come to a genesis was never
/// voted from and is replaced.
fn node_data(node: &NodeLayout, plan: &Plan) -> Outcome<Incarnation> {
    let data = node.data();
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::system(format!("remove {}", data.display()), error));
        }
        _ => {}
    }
    let incarnation = match plan.seed {
        Some(seed) => Incarnation::from_seed(&format!("testnet/{seed}/{}", node.name())),
        None => Incarnation::generate()
            .map_err(|error| Failure::new(Code::Internal, error.to_string()))?,
    };
    incarnation
        .create(&data)
        .map_err(|error| Failure::system(format!("make {}", data.display()), error))?;
    Ok(incarnation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: Option<u64>) -> Plan {
        Plan {
            nodes: 4,
            mode: Mode::Byzantine,
            client_checks: None,
            access: Access::Members,
            seed,
            accounts: usual_accounts(),
        }
    }

    #[test]
    fn a_seed_fixes_keys_and_id_whatever_the_ports() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = found(&Layout::new(one.path()), &plan(Some(7))).unwrap();
        let second = found(&Layout::new(other.path()), &plan(Some(7))).unwrap();
        assert_eq!(first.id(), second.id());
        let third = tempfile::tempdir().unwrap();
        let third = found(&Layout::new(third.path()), &plan(Some(8))).unwrap();
        assert_ne!(first.id(), third.id());
    }

    #[test]
    fn every_node_has_its_own_key_in_its_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let genesis = found(&layout, &plan(None)).unwrap();
        for validator in genesis.validators() {
            let key = KeyPair::read_pem(&layout.node(&validator.name).key()).unwrap();
            assert_eq!(key.validator_key(), validator.key);
        }
        assert_eq!(
            layout.keys().list().unwrap(),
            ["admin", "alice", "bob", "carol", "client", "dave"]
        );
        assert_eq!(Genesis::load(&layout.genesis()).unwrap().id(), genesis.id());
    }

    #[test]
    fn a_port_that_was_taken_is_renewed_and_the_network_stays_the_same() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let genesis = found(&layout, &plan(None)).unwrap();
        let (id, old) = (genesis.id(), genesis.validators()[2].address);
        let socket = std::net::UdpSocket::bind(old).unwrap();
        let (renewed, moved) = renew_ports(&layout, genesis).unwrap();
        assert_eq!(moved, ["n2"]);
        assert_eq!(renewed.id(), id);
        assert_ne!(renewed.validators()[2].address, old);
        assert_eq!(
            Genesis::load(&layout.genesis()).unwrap().validators()[2].address,
            renewed.validators()[2].address
        );
        drop(socket);
    }

    #[test]
    fn removing_leaves_what_is_not_the_networks() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(&root.path().join("net"));
        found(&layout, &plan(None)).unwrap();
        let other = layout.root().join("notes.txt");
        fs::write(&other, "mine").unwrap();
        let note = layout.sent().join(format!("{}.json", "0a".repeat(32)));
        fs::create_dir(layout.sent()).unwrap();
        fs::write(note, "{}").unwrap();
        fs::create_dir(layout.report()).unwrap();
        let mine = layout.report().join("mine.html");
        for file in [mine.as_path(), &layout.report().join("compare.html")] {
            fs::write(file, "").unwrap();
        }
        fs::create_dir(layout.root().join("n99")).unwrap();
        remove_reports(&layout).unwrap();
        remove(&layout).unwrap();
        assert_eq!(files_of(&layout.report()).unwrap(), [mine]);
        fs::remove_dir_all(layout.report()).unwrap();
        let mut left: Vec<_> = fs::read_dir(layout.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["keys", "n99", "notes.txt"]);
        let keys = layout.keys().list().unwrap();
        assert_eq!(keys, ["admin", "alice", "bob", "carol", "client", "dave"]);
        let alice = layout.keys().load("alice").unwrap().public_key();
        fs::remove_file(other).unwrap();
        fs::remove_dir(layout.root().join("n99")).unwrap();
        let genesis = found(&layout, &plan(None)).unwrap();
        assert_eq!(genesis.account_by_name("alice").unwrap().key, alice);
        remove(&layout).unwrap();
        assert!(layout.keys().directory().exists() && !layout.genesis().exists());
        fs::remove_dir_all(layout.keys().directory()).unwrap();
        remove(&layout).unwrap();
        assert!(!layout.root().exists());
        remove(&layout).unwrap();
    }
}
