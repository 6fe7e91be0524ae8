//! Networks of real processes, as a person uses them.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use client::{Client, Wait};
use keys::Incarnation;
use ledger::audit::audit;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use testnet::{
    compare::book::Book,
    network::{Layout, Network, ProcessState, process},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A network in a folder of its own, taken down in the end.
struct Local {
    root: TempDir,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.run(&["down", "--purge"]);
    }
}

impl Local {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn up(words: &[&str]) -> Self {
        let local = Self::new();
        local.ok(&[&["up", "--detach"], words].concat());
        local
    }

    fn data(&self) -> &Path {
        self.root.path()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testnet"));
        command.args(words).arg("--data").arg(self.data());
        command.env_remove("HAWSER_DATA").env("NO_COLOR", "1");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn code(&self, words: &[&str]) -> Option<i32> {
        self.run(words).status.code()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{words:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    fn status(&self, words: &[&str]) -> Value {
        let text = self.ok(&[&["status", "--json"], words].concat());
        serde_json::from_str(&text).unwrap()
    }

    fn healthy(&self) -> Value {
        self.status(&["--wait", "healthy"])
    }

    fn leader(&self) -> String {
        let status = self.healthy();
        let nodes = status["nodes"].as_array().unwrap();
        let leader = nodes.iter().find(|node| node["role"] == "leader").unwrap();
        leader["name"].as_str().unwrap().to_owned()
    }

    fn network(&self) -> Network {
        Network::open(&Layout::new(self.data())).unwrap()
    }

    fn book(&self) -> Book {
        let network = self.network();
        let names = ["alice", "bob", "carol"].map(str::to_owned);
        Book::open(&network.genesis, &network.layout.keys(), &names).unwrap()
    }

    /// Pays from alice and waits for the outcome; the index of its entry.
    fn pay(&self, book: &Book) -> u64 {
        let genesis = self.network().genesis;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let outcome = runtime.block_on(async {
            let client = Client::connect(&genesis, book.key(0)).unwrap();
            client
                .submit_and_wait(book.next_request(0), Wait::Applied, PATIENCE)
                .await
        });
        outcome.unwrap().index
    }
}

fn reasons(status: &Value) -> String {
    status["reasons"].to_string()
}

#[test]
fn a_network_goes_on_without_its_leader_and_after_a_stop() {
    for mode in ["byzantine", "raft"] {
        let local = Local::up(&["--mode", mode]);
        let status = local.healthy();
        assert_eq!(status["healthy"], true);
        assert_eq!((&status["n"], &status["quorum"]), (&4.into(), &3.into()));
        let book = local.book();
        let first = local.pay(&book);

        let leader = local.leader();
        local.ok(&["kill", &leader]);
        let status = local.status(&[]);
        assert_eq!(status["healthy"], false);
        assert!(reasons(&status).contains(&format!("{leader} is down")));
        let second = local.pay(&book);
        assert!(second > first);

        local.ok(&["start", &leader]);
        let status = local.healthy();
        for node in status["nodes"].as_array().unwrap() {
            assert!(node["commit"].as_u64().unwrap() >= second, "{mode}: {node}");
        }

        local.ok(&["down"]);
        assert_eq!(local.code(&["status", "--wait", "healthy"]), Some(7));
        let network = local.network();
        let configuration = node::configuration(&network.genesis, None).unwrap();
        let folders = [network.nodes()[0].data()];
        let audited = audit(&network.genesis, &configuration, &folders).unwrap();
        assert!(audited.holds());
        let left = &audited.inspected[0].left;
        if mode == "byzantine" {
            // The killed leader, on the word of the other three.
            let first = left.first().unwrap();
            let others = (0..4).map(|node| format!("n{node}"));
            let others: Vec<_> = others.filter(|name| *name != leader).collect();
            assert_eq!(format!("n{}", first.leader.0), leader);
            let leavers = first.leavers.iter();
            let leavers: Vec<_> = leavers.map(|one| format!("n{}", one.node.0)).collect();
            assert_eq!(leavers, others);
            assert!(first.leavers.iter().any(|one| !one.followed));
        } else {
            assert!(left.is_empty());
        }
        local.ok(&["up", "--detach"]);
        local.healthy();
        assert!(local.pay(&book) > second, "{mode}");
    }
}

#[test]
fn two_networks_live_beside_each_other_and_neither_is_replaced_by_mistake() {
    let (one, other) = (
        Local::up(&[]),
        Local::up(&["--mode", "raft", "--nodes", "3"]),
    );
    one.healthy();
    assert_eq!(other.healthy()["mode"], "raft");
    // What runs already is left alone.
    assert!(one.ok(&["up", "--detach"]).contains("runs already"));
    for different in [["--mode", "raft"], ["--nodes", "5"], ["--seed", "1"]] {
        let words = [&["up", "--detach"], &different[..]].concat();
        assert_eq!(one.code(&words), Some(7), "{different:?}");
    }
    // What runs is not erased, only what was stopped.
    let anew = ["up", "--detach", "--reset", "--mode", "raft-signed"];
    assert_eq!(one.code(&anew), Some(7));
    assert_eq!(one.healthy()["mode"], "byzantine");
    one.ok(&["down"]);
    one.ok(&anew);
    assert_eq!(one.healthy()["mode"], "raft-signed");
    let nowhere = Local::new();
    for words in [
        &["status"][..],
        &["kill", "n0"],
        &["down"],
        &["byzantine", "set", "n0", "mute"],
    ] {
        assert_eq!(nowhere.code(words), Some(7), "{words:?}");
    }
    assert_eq!(one.code(&["kill", "n9"]), Some(2));
    assert_eq!(one.code(&["byzantine", "set", "n0", "saint"]), Some(2));
    assert_eq!(one.code(&["byzantine", "set", "n0", "censor"]), Some(2));
}

#[test]
fn a_traitor_is_caught_in_byzantine_mode_and_shown_in_raft() {
    let byzantine = Local::up(&[]);
    let book = byzantine.book();
    let leader = byzantine.leader();
    byzantine.ok(&["byzantine", "set", &leader, "equivocate"]);
    // Each payment is a chance to see both of its stories, and to spread the proof.
    let caught = (0..20).any(|_| {
        byzantine.pay(&book);
        let status = byzantine.healthy();
        let mut nodes = status["nodes"].as_array().unwrap().iter();
        status["deposed"]["leader"] == leader.as_str()
            && nodes.all(|node| node["evidence"].as_u64().unwrap() > 0)
    });
    assert!(caught, "{:#}", byzantine.status(&[]));
    // It stays a traitor over a restart, and until it is cleared.
    byzantine.ok(&["restart", &leader]);
    assert!(reasons(&byzantine.healthy()).contains("is a traitor"));
    byzantine.ok(&["byzantine", "clear", &leader]);
    assert!(!reasons(&byzantine.healthy()).contains("is a traitor"));

    let raft = Local::up(&["--mode", "raft"]);
    let book = raft.book();
    let leader = raft.leader();
    raft.ok(&["byzantine", "set", &leader, "equivocate"]);
    let first = raft.pay(&book);
    // The victim applies its own story a heartbeat later.
    let shown = format!("from entry {first} on");
    let parted = (0..100).any(|_| {
        let status = raft.status(&[]);
        status["healthy"] == false && reasons(&status).contains(&shown)
    });
    assert!(parted, "{shown}: {:#}", raft.status(&[]));
}

#[test]
fn links_are_cut_and_mended_and_survive_a_restart() {
    let local = Local::up(&["--mode", "raft"]);
    let leader = local.leader();
    local.ok(&["partition", &leader]);
    let cut = reasons(&local.status(&[]));
    assert!(cut.contains("cut links"), "{cut}");
    // The others choose another leader, which takes payments.
    let book = local.book();
    local.pay(&book);
    local.ok(&["restart", &leader]);
    assert!(reasons(&local.status(&[])).contains("cut links"));
    local.ok(&["heal"]);
    assert!(!reasons(&local.healthy()).contains("cut links"));
    local.ok(&["link", "n0<>n1", "delay=5ms", "loss=1%"]);
    assert!(reasons(&local.healthy()).contains("5ms later, 1 % lost"));
    assert_eq!(local.code(&["link", "n0>n1", "slow"]), Some(2));
}

#[test]
fn a_chosen_node_comes_to_lead() {
    for mode in ["byzantine", "raft"] {
        let local = Local::up(&["--mode", mode]);
        let chosen = match local.leader().as_str() {
            "n2" => "n1",
            _ => "n2",
        };
        let led = local.ok(&["lead", chosen, "--json"]);
        let led: Value = serde_json::from_str(&led).unwrap();
        assert_eq!(
            (&led["leader"], &led["kept"]),
            (&chosen.into(), &true.into())
        );
        // Nobody is left standing still.
        let status = local.healthy();
        let nodes = status["nodes"].as_array().unwrap().iter();
        assert!(nodes.into_iter().all(|node| node["process"] == "running"));
    }
}

/// All files of a folder with what is in them.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn what_testnet_did_not_make_it_leaves_alone() {
    let other = Local::up(&[]);
    other.ok(&["down"]);
    // A network's genesis and keys, as its operators have them on their machines.
    let local = Local::new();
    fs::create_dir(local.data().join("keys")).unwrap();
    for name in ["genesis.json", "keys/admin.pem", "keys/alice.pem"] {
        fs::copy(other.data().join(name), local.data().join(name)).unwrap();
    }
    let before = contents(local.data());
    for words in [
        &["status"][..],
        &["up", "--detach"],
        &["up", "--detach", "--reset"],
        &["start", "n0"],
        &["down", "--purge"],
    ] {
        let output = local.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(7), "{words:?}: {said}");
        assert!(
            said.contains("not made by this program"),
            "{words:?}: {said}"
        );
        assert_eq!(contents(local.data()), before, "{words:?}");
    }
    // A machine of a network whose genesis has not come yet.
    let machine = Local::new();
    fs::copy(
        other.data().join("n0/key.pem"),
        machine.data().join("key.pem"),
    )
    .unwrap();
    let output = machine.run(&["status"]);
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("testnet up"), "{said}");
    let before = contents(machine.data());
    assert_eq!(machine.code(&["up", "--detach"]), Some(7));
    assert_eq!(contents(machine.data()), before);
    // What cannot be looked at is not taken for nothing.
    let file = machine.data().join("key.pem");
    let output = Command::new(env!("CARGO_BIN_EXE_testnet"))
        .args(["status", "--data"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is not known"), "{said}");
    // A reset keeps the keys of accounts.
    let key = |local: &Local| fs::read(local.data().join("keys/alice.pem")).unwrap();
    let alice = key(&other);
    other.ok(&["up", "--detach", "--reset", "--mode", "raft"]);
    assert_eq!(key(&other), alice);
}

#[test]
fn a_folder_that_was_renamed_under_its_nodes_is_not_a_stopped_network() {
    let local = Local::up(&[]);
    let (old, new) = (local.data().join("n0"), local.data().with_extension("new"));
    assert!(old.is_dir());
    fs::rename(local.data(), &new).unwrap();
    let renamed = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testnet"));
        let output = command.args(words).arg("--data").arg(&new).output();
        output.unwrap()
    };
    let before = fs::read(new.join("genesis.json")).unwrap();
    let status = renamed(&["status", "--json"]);
    let said = String::from_utf8(status.stdout).unwrap();
    assert!(
        said.contains("was renamed") && !said.contains("stopped"),
        "{said}"
    );
    for words in [
        &["up", "--detach"][..],
        &["up", "--detach", "--reset"],
        &["down"],
        &["down", "--purge"],
        &["kill", "n0"],
        &["lead", "n1"],
        &["partition", "n0|n1,n2,n3"],
        &["byzantine", "set", "n0", "mute"],
    ] {
        let output = renamed(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(7), "{words:?}: {said}");
        assert!(said.contains("was renamed"), "{words:?}: {said}");
    }
    assert_eq!(fs::read(new.join("genesis.json")).unwrap(), before);
    fs::rename(&new, local.data()).unwrap();
    assert_eq!(local.healthy()["healthy"], true);
}

#[test]
fn one_node_that_does_not_start_does_not_keep_the_others_from_starting() {
    let local = Local::up(&[]);
    local.ok(&["kill", "n0", "n1", "n2"]);
    let status = local.run(&["status"]);
    assert_eq!(status.status.code(), Some(3), "one of four is no quorum");
    fs::rename(local.data().join("n0/key.pem"), local.data().join("key")).unwrap();
    let output = local.run(&["start", "n0", "n1", "n2", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("n0 did not start"), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let states: Vec<_> = result["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["state"])
        .collect();
    assert_eq!(states, ["down", "running", "running"]);
    fs::rename(local.data().join("key"), local.data().join("n0/key.pem")).unwrap();
    local.ok(&["start", "n0"]);
    local.healthy();
}

/// Two of three disks are kept, and the third directory is made again: what was acknowledged by the
/// two nodes that had it must not be outvoted by an empty directory and the node that never heard of
/// it (P9.4).
#[test]
fn a_directory_that_is_made_again_does_not_vote_and_nothing_acknowledged_is_lost() {
    let local = Local::up(&["--mode", "raft", "--nodes", "3"]);
    local.ok(&["kill", "n2"]);
    let book = local.book();
    let paid = (0..20).map(|_| local.pay(&book)).max().unwrap();
    local.ok(&["kill", "n0", "n1"]);
    let data = local.network().nodes()[1].data();
    for made_again in [false, true] {
        fs::remove_dir_all(&data).unwrap();
        fs::create_dir(&data).unwrap();
        if made_again {
            Incarnation::generate().unwrap().create(&data).unwrap();
        }
        let output = local.run(&["start", "n1"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(7), "{said}");
        let reason = match made_again {
            false => "what it promised is lost",
            true => "it is not the directory that this validator promised from",
        };
        assert!(said.contains("n1 did not start"), "{said}");
        assert!(said.contains(reason), "{said}");
        assert!(said.contains("leave this node down"), "{said}");
    }
    local.ok(&["start", "n2"]);
    local.ok(&["start", "n0"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let genesis = local.network().genesis;
    runtime.block_on(async {
        let client = Client::connect(&genesis, book.key(0)).unwrap();
        let next = client.submit_and_wait(book.next_request(0), Wait::Applied, PATIENCE);
        assert!(next.await.unwrap().index > paid);
        let last = client.block(paid, PATIENCE).await;
        assert!(last.unwrap().is_some(), "the last payment is where it was");
    });
}

fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

#[test]
fn a_node_whose_terminal_is_gone_stops_in_order() {
    let local = Local::up(&["--mode", "raft", "--nodes", "3"]);
    let node = &local.network().nodes()[1];
    let id = process::probe(node).id().unwrap();
    let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    kill_process(id, Signal::HUP).unwrap();
    while process::probe(node) != ProcessState::Down {
        std::thread::yield_now();
    }
    let log = fs::read_to_string(node.log()).unwrap();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.ends_with("stopped"), "{last}");
}

#[test]
fn in_the_foreground_it_runs_until_interrupted_and_stops_all_nodes() {
    let local = Local::new();
    let mut child = local
        .command(&["up"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let last = output
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("Ctrl-C"));
    assert!(last.is_some());
    assert_eq!(local.healthy()["healthy"], true);
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(local.code(&["status"]), Some(7), "it is stopped");
    for node in local.network().nodes() {
        assert_eq!(process::probe(&node), ProcessState::Down);
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_debug_build_is_not_measured() {
    assert_eq!(Local::new().code(&["compare"]), Some(2));
}
