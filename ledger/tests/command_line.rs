//! The command `ledger` against real nodes: what people do, and what they do wrong.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use consensus::{
    EntryHeader, EntryKind, Epoch, Evidence, Hash, Index, NodeId, SignedHeader, Signer, Term,
    encoding::Canonical, evidence::Offence,
};
use keys::{KeyPair, Mode, Overwrite, Passphrase};
use serde_json::Value;
use support::{Run, TestNetwork, genesis, placeholders, run};

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text {name:?} in {json:#}"))
}

/// A payment, and everything that can be asked about it afterwards.
fn pays_and_proves(network: &TestNetwork, mode: Mode) {
    let paid = network.ledger("transfer alice bob 250 --memo rent --json");
    let paid = paid.ends(0).json();
    assert_eq!(text(&paid, "status"), "applied");
    assert!(paid["index"].is_u64() && paid["term"].is_u64(), "{paid:#}");
    assert!(paid["receipt"].is_object(), "{paid:#}");
    assert_eq!(paid["receipt_missing"], Value::Null);
    assert_eq!(network.balance("alice"), 99_750);
    assert_eq!(network.balance("bob"), 250);
    let id = text(&paid, "id");

    let state = network.ledger(&format!("tx {id} --json")).ends(0).json();
    assert_eq!(text(&state, "status"), "applied");
    assert_eq!(state["index"], paid["index"]);
    let unknown = "ab".repeat(32);
    let state = network.ledger(&format!("tx {unknown} --json"));
    assert_eq!(text(&state.ends(3).json(), "status"), "unknown");

    let block = network.ledger(&format!("block {} --json", paid["index"]));
    let block = block.ends(0).json();
    assert_eq!(text(&block["transactions"][0], "id"), id);
    assert_eq!(text(&block["transactions"][0], "status"), "applied");
    let beyond = network.ledger("block 1000000").ends(2);
    assert!(beyond.error.contains("the last entry is "), "{beyond:?}");
    let none = network.ledger("block 0").ends(2);
    assert!(none.error.contains("start at 1"), "{none:?}");

    let got = network.ledger(&format!("receipt get {id} --out ~/receipt.json --json"));
    assert_eq!(
        got.ends(0).json()["receipt"]["transaction"],
        paid["receipt"]["transaction"]
    );
    // A script that looks at the exit code is not paid in air: only a certified result is a payment.
    let paid = mode == Mode::Byzantine;
    let code = if paid { 0 } else { 8 };
    let verified = network.ledger("receipt verify ~/receipt.json --json");
    let verified = verified.ends(code).json();
    let shown = if paid { "applied" } else { "unproven" };
    assert_eq!(
        (text(&verified, "shown"), &verified["applied"]),
        (shown, &paid.into())
    );
    assert_eq!(
        (text(&verified, "id"), &verified["valid"]),
        (id, &true.into())
    );
    assert_eq!(
        text(&verified, "assurance"),
        match mode {
            Mode::Byzantine => "certified",
            Mode::RaftSigned => "majority-acknowledged",
            Mode::Raft => "inclusion-only",
        }
    );
    assert_eq!(verified["result"]["certified"], mode == Mode::Byzantine);
    let said = network.ledger("receipt verify ~/receipt.json").ends(code);
    let said = said.out;
    assert!(said.contains("ok    inclusion") && said.contains("2.50 USD (250 units)"));
    assert!(
        said.starts_with(if paid { "APPLIED" } else { "NOT PROVEN" }),
        "{said}"
    );
}

/// What became of the payment is said first, and the exit code says it too.
fn a_receipt_of_no_payment_pays_nobody(network: &TestNetwork) {
    let refused = network.ledger("transfer alice bob 99999999 --json").ends(4);
    let id = text(&refused.json(), "id").to_owned();
    let got = format!("receipt get {id} --out ~/refused.json --json");
    network.ledger(&got).ends(0);
    let verified = network.ledger("receipt verify ~/refused.json --json");
    let verified = verified.ends(4).json();
    assert_eq!(
        (
            text(&verified, "shown"),
            &verified["valid"],
            &verified["applied"]
        ),
        ("rejected", &true.into(), &false.into())
    );
    let said = network.ledger("receipt verify ~/refused.json").ends(4);
    assert!(said.out.starts_with("REJECTED in entry"), "{said:?}");
    // The result cut out: it holds, and proves no payment.
    let receipt = fs::read(network.path("receipt.json")).unwrap();
    let mut receipt: Value = serde_json::from_slice(&receipt).unwrap();
    receipt.as_object_mut().unwrap().remove("result");
    fs::write(network.path("cut.json"), receipt.to_string()).unwrap();
    let verified = network.ledger("receipt verify ~/cut.json --json").ends(8);
    assert_eq!(text(&verified.json(), "shown"), "unproven");
}

/// Receipts that were changed, and those of other networks.
fn false_receipts_are_refused(network: &TestNetwork, mode: Mode) {
    let path = network.path("receipt.json");
    let original: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for part in ["transaction", "entry", "network"] {
        let mut changed = original.clone();
        let mut digits = text(&original, part).to_owned().into_bytes();
        let middle = digits.len() / 2;
        digits[middle] = if digits[middle] == b'0' { b'1' } else { b'0' };
        changed[part] = String::from_utf8(digits).unwrap().into();
        fs::write(network.path("changed.json"), changed.to_string()).unwrap();
        let refused = network
            .ledger("receipt verify ~/changed.json --json")
            .ends(5);
        assert_eq!(refused.json()["valid"], false);
    }
    fs::write(network.path("changed.json"), "{").unwrap();
    network.ledger("receipt verify ~/changed.json").ends(5);
    network.ledger("receipt verify ~/absent.json").ends(2);
    let other = genesis("other", mode, &placeholders(4));
    other
        .store(&network.path("other.json"), Overwrite::Replace)
        .unwrap();
    let refused = network.ledger("receipt verify ~/receipt.json --genesis ~/other.json");
    assert!(refused.ends(5).error.contains("network"));
}

/// One reference is one payment.
fn a_reference_pays_once(network: &TestNetwork) {
    let before = network.balance("bob");
    let pay = |line: &str| network.ledger(&format!("transfer alice bob {line} --json"));
    let first = pay("10 --reference r1").ends(0).json();
    let again = pay("10 --reference r1").ends(0).json();
    assert_eq!(text(&first, "id"), text(&again, "id"));
    assert_eq!(first["index"], again["index"]);
    assert_eq!(first["term"], again["term"]);
    assert_eq!(
        (&first["repeated"], &again["repeated"]),
        (&false.into(), &true.into())
    );
    assert!(again["receipt"].is_object());
    assert_eq!(network.balance("bob"), before + 10);
    let conflict = pay("11 --reference r1").ends(4).json();
    assert_eq!(text(&conflict["rejection"], "code"), "reference-conflict");
    pay("10").ends(0);
    pay("10").ends(0);
    assert_eq!(
        network.balance("bob"),
        before + 30,
        "without one each is new"
    );
}

/// What is wrong is said, and moves nothing.
fn mistakes_are_explained(network: &TestNetwork) {
    let before = (network.balance("alice"), network.balance("bob"));
    let stranger = KeyPair::from_seed("stranger").public_key().address();
    for (line, code, said) in [
        ("transfer alice bob 18446744073709551616", 2, "too large"),
        ("transfer alice bob -5", 2, "negative"),
        ("transfer alice bob 2.50", 2, "is 250"),
        ("transfer alice bob much", 2, "no amount"),
        ("transfer alice bob 5 --asset EUR", 2, "no asset"),
        ("transfer alice bob 100001", 4, "insufficient-funds"),
        ("transfer alice nobody 5", 4, "no account"),
        (
            &format!("transfer alice {stranger} 5"),
            4,
            "unknown-recipient",
        ),
        ("transfer alice hw1qqqq 5", 2, "no address"),
        ("transfer alice alice 5", 4, "self-transfer"),
        ("transfer nobody bob 5", 4, "no account"),
        (&format!("transfer {stranger} bob 5"), 4, "no account"),
        ("account new hw1foo", 2, "no valid name"),
        ("balance alice --timeout 5", 2, "5s"),
        ("submit - --in-flight many", 2, "no whole number"),
        ("transfer alice bob 5 --key bob", 4, "wrong-key"),
        ("issue bob 5 --key alice", 4, "wrong-key"),
        ("pay alice nobody 5", 4, "Nothing was sent."),
        ("transfer alice bob --json", 2, "\"code\":\"usage\""),
        ("balance nobody", 4, "no account"),
        ("tx 12", 2, "no id"),
    ] {
        let run = network.ledger(line).ends(code);
        let shown = format!("{}{}", run.out, run.error);
        assert!(shown.contains(said), "{line}: {shown}");
        let asks = line.starts_with("balance");
        assert!(!asks || !shown.contains("sent"), "{line}: {shown}");
    }
    let rejected = network.ledger("transfer alice bob 100001 --json").ends(4);
    let json = rejected.json();
    assert_eq!(text(&json, "status"), "rejected");
    assert_eq!(text(&json["rejection"], "code"), "insufficient-funds");
    assert_eq!(text(&json["error"], "code"), "rejected");
    assert!(json["index"].is_u64() && json["receipt"].is_object());
    let state = network.ledger(&format!("tx {} --json", text(&json, "id")));
    assert_eq!(text(&state.ends(0).json(), "status"), "rejected");
    assert_eq!((network.balance("alice"), network.balance("bob")), before);
}

/// Commands at the same time pick the same nonces; each pays once all the same.
fn crowds_pay_once_each(network: &TestNetwork) {
    let before = network.balance("bob");
    let runs: Vec<Run> = thread::scope(|scope| {
        let start = || scope.spawn(|| network.ledger("transfer alice bob 1 --json"));
        let started: Vec<_> = (0..6).map(|_| start()).collect();
        let joined = started.into_iter().map(|run| run.join().unwrap());
        joined.collect()
    });
    for run in runs {
        run.ends(0);
    }
    assert_eq!(network.balance("bob"), before + 6);
}

/// Many payments from a file.
fn many_are_submitted(network: &TestNetwork) {
    let before = network.balance("bob");
    let mut lines: String = (0..50)
        .map(|number| {
            format!("{{\"from\":\"alice\",\"to\":\"bob\",\"amount\":{number},\"reference\":\"m{number}\"}}\n")
        })
        .collect();
    lines.push_str("\nnot json\n{\"from\":\"bob\",\"to\":\"alice\",\"amount\":\"99999999\"}\n");
    let run = network.ledger_with("submit - --json", &lines).ends(4);
    let results: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, results) = results.split_last().unwrap();
    assert_eq!(results.len(), 52);
    assert_eq!(text(&last["error"], "code"), "rejected");
    let ended = |status: &str| {
        let of_status = results.iter().filter(|line| line["status"] == status);
        of_status
            .map(|line| line["line"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ended("applied").len(), 49);
    // An amount of zero, and what is no JSON.
    assert_eq!(ended("invalid"), [1, 52]);
    assert_eq!(ended("rejected"), [53]);
    let sum: u64 = (0..50).sum();
    assert_eq!(network.balance("bob"), before + sum);
    network.ledger_with("submit - --json", &lines).ends(4);
    assert_eq!(network.balance("bob"), before + sum, "references pay once");
    let endless = format!(
        "{{\"from\":\"alice\",\"to\":\"bob\",\"amount\":1}}\n{}",
        " ".repeat(100_000)
    );
    let run = network.ledger_with("submit -", &endless).ends(2);
    assert!(run.out.contains("line 1: applied"), "{run:?}");
    assert!(run.error.contains("line 2 is longer"), "{run:?}");
}

/// Results come while the input is still open.
fn results_come_as_they_are_known(network: &TestNetwork) {
    let mut submit = network.command("submit - --json");
    let mut submit = submit
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (result, results) = mpsc::channel();
    let out = BufReader::new(submit.stdout.take().unwrap());
    let reading = thread::spawn(move || {
        for line in out.lines() {
            result.send(line.unwrap()).unwrap();
        }
    });
    let mut input = submit.stdin.take().unwrap();
    for number in 1..=3 {
        let line = r#"{"from": "alice", "to": "bob", "amount": "1"}"#;
        writeln!(input, "{line}").unwrap();
        let Ok(result) = results.recv_timeout(Duration::from_secs(60)) else {
            submit.kill().unwrap();
            panic!("no result of line {number} before the end of the input");
        };
        let result: Value = serde_json::from_str(&result).unwrap();
        assert_eq!(
            (&result["line"], text(&result, "status")),
            (&number.into(), "applied")
        );
    }
    drop(input);
    assert_eq!(submit.wait().unwrap().code(), Some(0));
    reading.join().unwrap();
}

/// Lines that were not sent are not of unknown outcome, and the rest of the file is left alone.
fn nothing_is_sent_to_a_network_that_is_gone(network: &mut TestNetwork) {
    network.stop([0, 1]);
    let line = r#"{"from": "alice", "to": "bob", "amount": 1}"#;
    let lines = format!("{line}\n").repeat(400);
    let run = network.ledger_with("submit - --json --timeout 1s --in-flight 8", &lines);
    let run = run.ends(3);
    let results: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, results) = results.split_last().unwrap();
    assert!(!results.is_empty() && results.len() < 100, "{run:?}");
    for result in results {
        assert_eq!(text(result, "status"), "unsent", "{result}");
    }
    let message = text(&last["error"], "message");
    assert!(message.starts_with("stopped after line "), "{message}");
    assert!(message.contains("0 of 4 nodes answer"), "{message}");
    network.restart(0);
    network.restart(1);
}

/// Whoever cannot say what it did stops, and says so by its exit code.
fn results_that_cannot_be_printed_end_it(network: &TestNetwork) {
    let before = network.balance("bob");
    fs::write(
        network.path("payments"),
        "{\"from\": \"alice\", \"to\": \"bob\", \"amount\": 1}\n".repeat(40),
    )
    .unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let mut submit = network.command("submit ~/payments --in-flight 1");
    let output = submit.stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("standard output cannot be written"), "{said}");
    assert!(said.contains("Nothing after line "), "{said}");
    assert!(network.balance("bob") < before + 40, "it went on blindly");
    for line in ["transfer alice bob 1", "balance alice --json", "status"] {
        let output = network.command(line).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
    }
}

/// A memo shows what is in it, whatever that does to a terminal.
fn foreign_text_is_shown_harmlessly(network: &TestNetwork) {
    let memo = "\u{202e}tner\u{2066}\u{200b}";
    let line = format!("transfer alice bob 1 --memo {memo} --json");
    let paid = network.ledger(&line).ends(0).json();
    let block = network.ledger(&format!("block {}", paid["index"])).ends(0);
    assert!(
        block.out.contains("\u{fffd}tner\u{fffd}\u{fffd}"),
        "{block:?}"
    );
    let block = network
        .ledger(&format!("block {} --json", paid["index"]))
        .ends(0);
    assert!(
        !block.out.contains(['\u{202e}', '\u{2066}', '\u{200b}']),
        "{block:?}"
    );
    assert!(block.out.contains("\\u202e"), "{block:?}");
    assert_eq!(block.json()["transactions"][0]["transaction"]["memo"], memo);
}

/// Nodes that refuse one connection more run all the same.
fn a_key_with_too_many_connections_is_told_so(network: &TestNetwork) {
    let key = KeyPair::from_seed("crowd");
    key.write_pem(&network.path("keys/crowd.pem"), Overwrite::Refuse)
        .unwrap();
    fs::write(network.path("testnet.json"), "{}").unwrap();
    let genesis = keys::Genesis::load(&network.path("genesis.json")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clients = runtime.block_on(async {
        let most = transport::Limits::default().max_connections_per_client;
        let clients: Vec<_> = (0..most)
            .map(|_| client::Client::connect(&genesis, &key).unwrap())
            .collect();
        for client in &clients {
            assert_eq!(client.wait_connected(4, Duration::from_secs(60)).await, 4);
        }
        clients
    });
    let line = "balance alice --client-key crowd --timeout 5s";
    let refused = network.ledger(line).ends(3);
    assert!(refused.error.contains("connections already"), "{refused:?}");
    assert!(refused.error.contains("--client-key"), "{refused:?}");
    assert!(!refused.error.contains("testnet"), "{refused:?}");
    drop(clients);
    fs::remove_file(network.path("testnet.json")).unwrap();
}

/// The admin opens an account and creates money.
fn accounts_are_opened(network: &TestNetwork) {
    let opened = network.ledger("account new erin --json").ends(0).json();
    assert!(network.path("keys/erin.pem").is_file());
    let again = network.ledger("account new erin --json").ends(0).json();
    assert_eq!(
        (&again["account"], &again["repeated"]),
        (&opened["account"], &true.into())
    );
    let again = network.ledger("account new erin").ends(0);
    assert!(again.out.contains("is open already"), "{again:?}");
    let again = network.ledger("account new alice --json").ends(0).json();
    assert_eq!(again["repeated"], true, "genesis opened it");
    let other = KeyPair::from_seed("stranger").public_key();
    let taken = network.ledger(&format!("account new erin --key {other}"));
    assert!(taken.ends(4).error.contains("name-taken"));
    network.ledger("issue erin 500 --json").ends(0);
    network.ledger("transfer erin bob 100").ends(0);
    assert_eq!(network.balance("erin"), 400);
    assert_eq!(network.balance(text(&opened, "account")), 400);
    let shown = network.ledger("account show erin --json").ends(0).json();
    assert_eq!(text(&shown, "name"), "erin");
    assert_eq!(shown["next_nonce"], 1);
    let listed = network.ledger("account list --json").ends(0).json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 4);
    // It is there, and cannot pay from here.
    fs::remove_file(network.path("keys/erin.pem")).unwrap();
    let keyless = network.ledger("transfer erin bob 1").ends(2);
    assert!(keyless.error.contains("no key"), "{keyless:?}");
    let opened = network.ledger("account new alice").ends(0);
    assert!(!opened.out.contains("transfer alice alice"), "{opened:?}");
    // Those of genesis, and those of the keys that are left here.
    let all = network.ledger("balance --json").ends(0).json();
    assert_eq!(all["accounts"].as_array().unwrap().len(), 3);
}

/// Half of the nodes are away: nothing is certain, and the command says what to do.
fn without_quorum_nothing_is_certain(network: &mut TestNetwork) {
    let before = network.balance("bob");
    network.stop([2, 3]);
    let failed = network.ledger("transfer alice bob 7 --reference r7 --timeout 2s --json");
    let json = failed.ends(3).json();
    assert_eq!(text(&json, "status"), "unknown");
    assert_eq!(text(&json, "reference"), "r7");
    assert!(text(&json, "repeat").contains("--reference r7"));
    let message = text(&json["error"], "message");
    assert!(message.contains("2 of 4 nodes answer"), "{message}");
    assert!(
        message.contains("n2") && message.contains("3 are needed"),
        "{message}"
    );
    let next = text(&json["error"], "next");
    assert!(
        next.contains("transfer alice bob 7 --reference r7"),
        "{next}"
    );
    let state = network.ledger(&format!("tx {} --json", text(&json, "id")));
    let state = state.ends(3).json();
    assert!(
        ["pending", "unknown"].contains(&text(&state, "status")),
        "{state}"
    );

    // Without a reference only the very same transaction repeats it.
    let nameless = network
        .ledger("transfer bob alice 3 --timeout 2s --json")
        .ends(3)
        .json();
    assert!(nameless["reference"].is_null(), "{nameless}");
    let again = format!("resend {} --timeout 20s --json", text(&nameless, "id"));
    assert!(text(&nameless, "repeat").contains("resend "), "{nameless}");
    let status = network.ledger("status --json --timeout 3s").ends(3).json();
    assert_eq!(status["healthy"], false);
    nothing_is_sent_to_a_network_that_is_gone(network);

    network.restart(2);
    network.restart(3);
    let sent = network.ledger(&again).ends(0).json();
    assert_eq!(text(&sent, "status"), "applied");
    network.ledger(&again).ends(2);
    let repeated = network.ledger("transfer alice bob 7 --reference r7 --timeout 20s --json");
    assert_eq!(text(&repeated.ends(0).json(), "status"), "applied");
    assert_eq!(network.balance("bob"), before + 7 - 3, "paid once");
}

fn a_network_in_mode(mode: Mode) -> TestNetwork {
    let network = TestNetwork::start(mode, 4);
    pays_and_proves(&network, mode);
    false_receipts_are_refused(&network, mode);
    network
}

#[test]
fn a_byzantine_network_serves_its_users() {
    let mut network = a_network_in_mode(Mode::Byzantine);
    a_receipt_of_no_payment_pays_nobody(&network);
    a_reference_pays_once(&network);
    mistakes_are_explained(&network);
    crowds_pay_once_each(&network);
    many_are_submitted(&network);
    results_come_as_they_are_known(&network);
    results_that_cannot_be_printed_end_it(&network);
    foreign_text_is_shown_harmlessly(&network);
    a_key_with_too_many_connections_is_told_so(&network);
    accounts_are_opened(&network);
    let status = network.ledger("status --json").ends(0).json();
    assert_eq!(
        (&status["healthy"], &status["f"]),
        (&true.into(), &1.into()),
        "{status:#}"
    );
    let evidence = network.ledger("evidence list --json").ends(0).json();
    assert_eq!(evidence["evidence"], Value::Array(Vec::new()));
    without_quorum_nothing_is_certain(&mut network);
}

#[test]
fn a_raft_network_serves_its_users() {
    let mut network = a_network_in_mode(Mode::Raft);
    a_reference_pays_once(&network);
    mistakes_are_explained(&network);
    without_quorum_nothing_is_certain(&mut network);
}

#[test]
fn a_signed_raft_network_proves_a_majority() {
    a_network_in_mode(Mode::RaftSigned);
}

/// Two entries that n0 signed for one index.
fn equivocation(network: &keys::Genesis) -> Vec<u8> {
    let configuration = node::configuration(network, None).unwrap();
    let signed = |timestamp: u64| {
        let header = EntryHeader {
            kind: EntryKind::TermRecord,
            epoch: Epoch::ZERO,
            term: Term(0),
            index: Index(1),
            author: NodeId(0),
            previous: configuration.opening().hash,
            body_root: Hash::default(),
            count: 0,
            timestamp,
        };
        let hash = header.hash(&configuration);
        let digest = EntryHeader::signing_digest(&configuration, Epoch::ZERO, &hash);
        let signature = Signer::sign(KeyPair::from_seed("n0").signing_key(), &digest);
        SignedHeader { header, signature }
    };
    let offence = Offence::Equivocation {
        author: NodeId(0),
        first: signed(1),
        second: signed(2),
    };
    let epoch = Epoch::ZERO;
    Evidence { epoch, offence }.to_bytes()
}

#[test]
fn evidence_convicts_offline_unless_it_was_changed() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    let network = genesis("test", Mode::Byzantine, &placeholders(4));
    network
        .store(&home.join("genesis.json"), Overwrite::Refuse)
        .unwrap();
    let evidence = equivocation(&network);
    let verify = |bytes: &[u8], network: [u8; 32]| {
        let file = serde_json::json!({
            "format": 1,
            "network": keys::to_hex(&network),
            "evidence": keys::to_hex(bytes),
        });
        fs::write(home.join("evidence.json"), file.to_string()).unwrap();
        run(home, "evidence verify ~/evidence.json --json")
    };
    let holds = verify(&evidence, network.id()).ends(0).json();
    assert_eq!(text(&holds, "accused"), "n0");
    assert_eq!(text(&holds, "offence"), "equivocation");
    verify(&evidence, [7; 32]).ends(5);
    for position in [0, evidence.len() / 3, evidence.len() - 1] {
        let mut changed = evidence.clone();
        changed[position] ^= 1;
        let refused = verify(&changed, network.id()).ends(5).json();
        assert_eq!(refused["valid"], false);
    }
    verify(&evidence[1..], network.id()).ends(5);
}

#[test]
fn without_a_network_the_command_says_how_to_start_one() {
    let root = tempfile::tempdir().unwrap();
    for line in ["balance", "transfer alice bob 5 --json", "status", "tx 00"] {
        let code = if line.starts_with("tx") { 2 } else { 7 };
        let failed = run(root.path(), line).ends(code);
        if code == 7 {
            assert!(failed.error.contains("testnet up"), "{failed:?}");
        }
    }
}

#[test]
fn a_stopped_local_network_is_named_and_a_reference_leaves_doubt() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    genesis("test", Mode::Byzantine, &placeholders(4))
        .store(&home.join("genesis.json"), Overwrite::Refuse)
        .unwrap();
    KeyPair::from_seed("alice")
        .write_pem(&home.join("keys/alice.pem"), Overwrite::Refuse)
        .unwrap();
    fs::write(home.join("testnet.json"), "{}").unwrap();
    let meaning = |line: &str| {
        // Waiting as long as told would outlast every patience.
        let failed = run(home, &format!("{line} --timeout 1000m --json")).ends(7);
        let json = failed.json();
        let next = text(&json["error"], "next");
        assert!(next.contains("testnet up --data"), "{json:#}");
        text(&json["error"], "meaning").to_owned()
    };
    let status = run(home, "status").ends(3);
    assert!(status.out.contains("testnet up"), "{status:?}");
    assert!(meaning("balance alice").contains("no money moved"));
    assert!(meaning("transfer alice bob 5").contains("no money moved"));
    assert!(meaning("transfer alice bob 5 --reference r").contains("is not known"));
}

#[test]
fn a_local_network_that_does_not_answer_is_not_taken_for_a_stopped_one() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    // Somebody listens at each address, and says nothing.
    let silent: Vec<_> = (0..4)
        .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
        .collect();
    let addresses: Vec<_> = silent.iter().map(|one| one.local_addr().unwrap()).collect();
    genesis("test", Mode::Byzantine, &addresses)
        .store(&home.join("genesis.json"), Overwrite::Refuse)
        .unwrap();
    fs::write(home.join("testnet.json"), "{}").unwrap();
    let hasty = run(home, "balance alice --timeout 1ms").ends(3);
    assert!(hasty.error.contains("within 1ms"), "{hasty:?}");
    assert!(!hasty.error.contains("stopped"), "{hasty:?}");
    // Nobody listens, and a process holds the node's folder.
    drop(silent);
    fs::create_dir(home.join("n1")).unwrap();
    let held = fs::File::create(home.join("n1/pid")).unwrap();
    held.lock().unwrap();
    let starting = run(home, "balance alice --timeout 1s").ends(3);
    assert!(
        starting.error.contains("starting: the process of n1"),
        "{starting:?}"
    );
    drop(held);
    let stopped = run(home, "balance alice --timeout 1s").ends(7);
    assert!(stopped.error.contains("is stopped"), "{stopped:?}");
}

#[test]
fn a_node_without_its_network_is_told_which_file_is_missing() {
    let root = tempfile::tempdir().unwrap();
    for line in ["node", "audit n0"] {
        let failed = run(root.path(), line).ends(2);
        assert!(failed.error.contains("--genesis"), "{failed:?}");
        assert!(!failed.error.contains("testnet"), "{failed:?}");
    }
    KeyPair::from_seed("n0")
        .write_pem(&root.path().join("key.pem"), Overwrite::Refuse)
        .unwrap();
    let failed = run(root.path(), "balance alice").ends(7);
    assert!(failed.error.contains("genesis.json"), "{failed:?}");
    assert!(!failed.error.contains("testnet"), "{failed:?}");
}

#[test]
fn an_address_of_another_machine_blames_nobody() {
    let root = tempfile::tempdir().unwrap();
    genesis("test", Mode::Raft, &placeholders(1))
        .store(&root.path().join("genesis.json"), Overwrite::Refuse)
        .unwrap();
    KeyPair::from_seed("n0")
        .write_pem(&root.path().join("key.pem"), Overwrite::Refuse)
        .unwrap();
    support::incarnation(0)
        .create(&root.path().join("data"))
        .unwrap();
    // Reserved for documentation: no machine has it.
    let failed = run(root.path(), "node --listen 192.0.2.1:4100").ends(2);
    assert!(
        failed.error.contains("does not have this address"),
        "{failed:?}"
    );
    assert!(!failed.error.contains("nother process"), "{failed:?}");
}

/// Stops the process if the test ends before it does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_node_runs_until_it_is_told_to_stop() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    genesis("test", Mode::Raft, &placeholders(1))
        .store(&home.join("genesis.json"), Overwrite::Refuse)
        .unwrap();
    let missing = run(home, "node --listen 127.0.0.1:0").ends(2);
    assert!(missing.error.contains("key.pem"), "{missing:?}");
    KeyPair::from_seed("stranger")
        .write_pem(&home.join("key.pem"), Overwrite::Refuse)
        .unwrap();
    let stranger = run(home, "node --listen 127.0.0.1:0").ends(2);
    assert!(
        stranger.error.contains("none of the validators"),
        "{stranger:?}"
    );
    // Both keys that are used here are locked.
    let passphrase = Passphrase::new("open sesame".to_owned()).unwrap();
    KeyPair::from_seed("n0")
        .write_locked_pem(&home.join("key.pem"), &passphrase, Overwrite::Replace)
        .unwrap();
    let locked = run(home, "node --listen 127.0.0.1:0").ends(2);
    assert!(locked.error.contains("--passphrase-file"), "{locked:?}");
    let file = home.join("passphrase");
    std::fs::write(&file, "open sesam\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let wrong = run(
        home,
        "node --listen 127.0.0.1:0 --passphrase-file ~/passphrase",
    )
    .ends(5);
    assert!(wrong.error.contains("does not unlock"), "{wrong:?}");
    std::fs::write(&file, "open sesame\n").unwrap();
    let line = "node --listen 127.0.0.1:0 --json --passphrase-file ~/passphrase";
    // A directory is made by an explicit act, never by starting a node.
    let unmade = run(home, line).ends(5);
    assert!(unmade.error.contains("no incarnation"), "{unmade:?}");
    assert!(unmade.error.contains("keys init"), "{unmade:?}");
    assert!(!home.join("data").exists());
    support::incarnation(0).create(&home.join("data")).unwrap();
    let mut command = support::command(home, line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut node = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(node.0.stdout.take().unwrap()).lines();
    let started: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(text(&started, "node"), "n0");
    let twice = run(
        home,
        "node --listen 127.0.0.1:0 --passphrase-file ~/passphrase",
    )
    .ends(2);
    assert!(
        twice.error.contains("in use by another process"),
        "{twice:?}"
    );

    genesis(
        "test",
        Mode::Raft,
        &[text(&started, "address").parse().unwrap()],
    )
    .store(&home.join("genesis.json"), Overwrite::Replace)
    .unwrap();
    KeyPair::from_seed("alice")
        .write_locked_pem(&home.join("keys/alice.pem"), &passphrase, Overwrite::Refuse)
        .unwrap();
    run(home, "transfer alice bob 250").ends(2);
    run(
        home,
        "transfer alice bob 250 --passphrase-file ~/passphrase",
    )
    .ends(0);
    let pid = started["pid"].as_u64().unwrap().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(told.unwrap().success());
    assert!(node.0.wait().unwrap().success());
}
