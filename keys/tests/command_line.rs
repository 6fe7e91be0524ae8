//! The command `keys` as a user runs it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use keys::{
    Genesis, Incarnation, IncarnationRecord, KeyPair, KeyStore, Passphrase, PassphraseSource,
    to_hex,
};
use serde_json::Value;

/// A folder of its own for every test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keys"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("HAWSER_DATA", self.path("data"))
            .env_remove("HAWSER_PASSPHRASE_FILE")
            .stdin(Stdio::null())
            .env_remove("CARGO_PKG_NAME");
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// A network's keys: four validators, an admin, two accounts.
    fn with_keys() -> Self {
        let folder = Self::new();
        for name in ["n0", "n1", "n2", "n3"] {
            folder.run(&["init", name]).ok();
        }
        for name in ["admin", "alice", "bob"] {
            folder.run(&["gen", name]).ok();
        }
        folder
    }
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("standard output is one JSON value")
    }
}

const VALIDATORS: [&str; 8] = [
    "--validator",
    "n0@127.0.0.1:4100",
    "--validator",
    "n1@127.0.0.1:4101",
    "--validator",
    "n2@127.0.0.1:4102",
    "--validator",
    "n3@127.0.0.1:4103",
];

fn genesis<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [["genesis"].as_slice(), &VALIDATORS, more].concat()
}

#[test]
fn a_key_is_made_shown_and_listed() {
    let folder = Folder::new();
    let made = folder.run(&["gen", "alice"]).ok();
    assert!(
        made.stdout.contains("Next: keys show alice"),
        "{}",
        made.stdout
    );
    assert!(made.stderr.is_empty());
    let file = folder.path("data/keys/alice.pem");
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let key = KeyStore::new(folder.path("data/keys"))
        .load("alice")
        .unwrap();
    let shown = folder.run(&["show", "alice", "--json"]).ok();
    let expected = serde_json::json!({
        "name": "alice",
        "address": key.public_key().address().to_string(),
        "public_key": key.public_key().to_string(),
        "validator_key": key.validator_key().to_string(),
        "public_key_hex": key.public_key().to_hex(),
        "file": file.display().to_string(),
        "locked": false,
    });
    assert_eq!(shown.json(), expected);
    assert!(shown.stderr.contains("Next: "));

    let by_file = folder
        .run(&["show", file.to_str().unwrap(), "--json"])
        .ok()
        .json();
    assert_eq!(by_file["address"], expected["address"]);
    assert_eq!(by_file["name"], Value::Null);

    let list = folder.run(&["--json", "list"]).ok().json();
    assert_eq!(list["keys"], Value::Array(vec![expected]));
    assert_eq!(list["unreadable"], Value::Array(vec![]));
}

#[test]
fn no_output_holds_the_secret() {
    let folder = Folder::with_keys();
    let key = KeyStore::new(folder.path("data/keys"))
        .load("alice")
        .unwrap();
    let secret = to_hex(key.signing_key().as_bytes());
    let pem = fs::read_to_string(folder.path("data/keys/alice.pem")).unwrap();
    let base64 = pem.lines().nth(1).unwrap();
    let arguments = genesis(&["--account", "alice", "--json"]);
    for arguments in [
        ["show", "alice"].as_slice(),
        &["show", "alice", "--json"],
        &["list"],
        &["list", "--json"],
        &arguments,
    ] {
        let run = folder.run(arguments).ok();
        for output in [&run.stdout, &run.stderr] {
            assert!(
                !output.contains(&secret) && !output.contains(base64),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn a_key_is_replaced_only_with_force() {
    let folder = Folder::new();
    let first = folder.run(&["gen", "alice", "--json"]).ok().json();
    let refused = folder.run(&["gen", "alice"]).failed(2);
    assert!(
        refused.stderr.contains("keys gen alice --force"),
        "{}",
        refused.stderr
    );
    let shown = folder.run(&["show", "alice", "--json"]).ok().json();
    assert_eq!(shown["address"], first["address"]);
    let second = folder
        .run(&["gen", "alice", "--force", "--json"])
        .ok()
        .json();
    assert_ne!(second["address"], first["address"]);
}

#[test]
fn the_folder_is_found_by_option_variable_and_workspace() {
    let folder = Folder::new();
    let made = folder.run(&["gen", "alice", "--dir", "some keys"]).ok();
    assert!(folder.path("some keys/alice.pem").exists());
    assert!(
        made.stdout.contains("keys show alice --dir 'some keys'"),
        "{}",
        made.stdout
    );
    folder.run(&["gen", "bob", "--data", "net"]).ok();
    assert!(folder.path("net/keys/bob.pem").exists());

    let member = folder.path("crates/member");
    fs::create_dir_all(&member).unwrap();
    fs::write(folder.path("Cargo.toml"), "[workspace]\n").unwrap();
    let run: Run = folder
        .command(&["gen", "carol"])
        .env_remove("HAWSER_DATA")
        .current_dir(&member)
        .output()
        .unwrap()
        .into();
    run.ok();
    assert!(folder.path(".hawser/keys/carol.pem").exists());
}

#[test]
fn wrong_use_says_what_to_run() {
    let folder = Folder::new();
    let missing = folder.run(&["show", "nobody"]).failed(2);
    assert!(
        missing.stderr.contains("keys gen nobody"),
        "{}",
        missing.stderr
    );
    folder.run(&["gen", "../escape"]).failed(2);
    assert!(!folder.path("data").exists());
    assert_eq!(folder.run(&["gen"]).code, 2);
    assert_eq!(folder.run(&["nonsense"]).code, 2);
    assert_eq!(folder.run(&["genesis"]).code, 2);

    let json = folder.run(&["show", "nobody", "--json"]).failed(2).json();
    assert_eq!(json["error"]["code"], "usage");
    assert!(
        json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("nobody.pem")
    );
}

#[test]
fn files_that_do_not_hold_end_with_five() {
    let folder = Folder::new();
    folder.run(&["gen", "alice"]).ok();
    folder.run(&["gen", "bob"]).ok();
    let file = folder.path("data/keys/alice.pem");
    let set_mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o644);
    let open = folder.run(&["show", "alice"]).failed(5);
    let command = format!("chmod 600 {}", file.display());
    assert!(open.stderr.contains(&command), "{}", open.stderr);
    let list = folder.run(&["list", "--json"]);
    assert_eq!(list.code, 5);
    set_mode(0o600);
    fs::write(&file, "nonsense").unwrap();
    folder.run(&["show", "alice"]).failed(5);
}

#[test]
fn an_unusable_key_does_not_hide_the_others() {
    let folder = Folder::new();
    folder.run(&["gen", "bob"]).ok();
    fs::write(folder.path("data/keys/alice.pem"), "nonsense").unwrap();
    let list = folder.run(&["list"]).failed(5);
    assert!(
        list.stdout.contains("bob") && list.stdout.contains("hw1"),
        "{}",
        list.stdout
    );
    assert!(list.stdout.contains("cannot be used"), "{}", list.stdout);
}

#[test]
fn a_genesis_is_written_and_shown() {
    let folder = Folder::with_keys();
    let arguments = genesis(&[
        "--account",
        "alice:USD=100000:EUR=5",
        "--account",
        "bob",
        "--asset",
        "USD:2",
        "--asset",
        "EUR:0",
        "--network",
        "test",
        "--json",
    ]);
    let written = folder.run(&arguments).ok().json();
    let file = folder.path("data/genesis.json");
    let genesis = Genesis::load(&file).unwrap();
    assert_eq!(written["id"], to_hex(&genesis.id()));
    assert_eq!(genesis.validators().len(), 4);
    assert_eq!(genesis.supplies()["USD"], 100_000);
    assert_eq!(genesis.account_by_name("alice").unwrap().balances["EUR"], 5);
    let n2 = KeyPair::read_pem(&folder.path("data/n2/key.pem")).unwrap();
    assert_eq!(genesis.validators()[2].key, n2.validator_key());
    let record = IncarnationRecord::load(&folder.path("data/n2/data")).unwrap();
    assert_eq!(
        genesis.validators()[2].incarnation,
        record.incarnation.hash()
    );

    let shown = folder.run(&["genesis", "show", "--json"]).ok().json();
    assert_eq!(shown, written);
    assert_eq!(shown["mode"], "byzantine");
    assert_eq!(shown["client_checks"], "all");
    assert_eq!(shown["accounts"][0]["balances"]["USD"], "100000");
    let text = folder
        .run(&["genesis", "show", file.to_str().unwrap()])
        .ok()
        .stdout;
    for part in [
        &to_hex(&genesis.id()),
        "byzantine",
        "n3",
        "127.0.0.1:4103",
        "alice",
        "100000",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    let again = folder.run(&arguments);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    folder
        .run(&[arguments.as_slice(), &["--force"]].concat())
        .ok();
}

#[test]
fn a_genesis_needs_no_key_files() {
    let folder = Folder::new();
    let key = |name: &str| KeyPair::from_seed(name);
    let validator = format!(
        "n0={}/{}@[::1]:4100",
        key("n0").validator_key(),
        Incarnation::from_seed("n0").hash()
    );
    let account = format!("alice={}:USD=1", key("alice").public_key());
    let admin = key("admin").public_key().to_hex();
    let mut arguments = vec![
        "genesis",
        "--mode",
        "raft",
        "--validator",
        &validator,
        "--account",
        &account,
        "--admin",
        &admin,
        "--out",
        "g.json",
        "--created-unix-ms",
        "1700000000000",
    ];
    folder.run(&arguments).ok();
    let first = Genesis::load(&folder.path("g.json")).unwrap();
    assert_eq!(first.client_checks(), keys::ClientChecks::Leader);
    assert_eq!(first.admin(), &key("admin").public_key());
    arguments.push("--force");
    folder.run(&arguments).ok();
    assert_eq!(
        Genesis::load(&folder.path("g.json")).unwrap().id(),
        first.id()
    );
}

#[test]
fn a_wrong_genesis_is_not_written() {
    let folder = Folder::with_keys();
    let address = KeyPair::from_seed("x").public_key().address().to_string();
    let with_address = format!("carol={address}");
    let account_key = KeyPair::from_seed("x").public_key();
    let wrong_kind = format!("n4={account_key}@127.0.0.1:4104");
    let key_alone = KeyPair::from_seed("x").validator_key();
    let key_alone = format!("n4={key_alone}@127.0.0.1:4104");
    let cases: [(&[&str], &str); 13] = [
        (&["--validator", "n4@localhost:1"], "no IP address"),
        (&["--validator", "n4"], "no `@`"),
        (&["--validator", "n4@127.0.0.1:9"], "n4"),
        (&["--validator", &wrong_kind], "an account's public key"),
        (&["--validator", &key_alone], "names no incarnation"),
        (&["--validator", "n0@127.0.0.1:9"], "are named `n0`"),
        (&["--account", "alice:USD"], "no balance"),
        (&["--account", "alice:USD=1.50"], "no amount"),
        (&["--account", "alice:GBP=1"], "not among the assets"),
        (&["--account", &with_address], "an account's address"),
        (&["--account", "alice:USD=1:USD=2"], "two balances"),
        (&["--client-checks", "leader"], "byzantine"),
        (&["--asset", "USD:x"], "no number of decimals"),
    ];
    for (more, part) in cases {
        let run = folder.run(&genesis(more)).failed(2);
        assert!(run.stderr.contains(part), "{more:?}: {}", run.stderr);
    }
    let three = folder
        .run(&[["genesis"].as_slice(), &VALIDATORS[..6]].concat())
        .failed(2);
    assert!(
        three.stderr.contains("at least 4 validators"),
        "{}",
        three.stderr
    );
    assert_eq!(folder.run(&genesis(&["--mode", "paxos"])).code, 2);
    assert!(!folder.path("data/genesis.json").exists());
}

#[test]
fn a_genesis_that_does_not_hold_ends_with_five() {
    let folder = Folder::with_keys();
    folder.run(&genesis(&[])).ok();
    let file = folder.path("data/genesis.json");
    let good = fs::read_to_string(&file).unwrap();
    let show = |text: &str| {
        fs::write(&file, text).unwrap();
        folder.run(&["genesis", "show"])
    };
    show(&good).ok();
    show(&good[..good.len() / 2]).failed(5);
    show(&good.replace("127.0.0.1:4101", "127.0.0.1:4100")).failed(5);
    show(&good.replace("\"admin\"", "\"adm\\u001b[31min\"")).failed(5);
    fs::remove_file(&file).unwrap();
    folder.run(&["genesis", "show"]).failed(2);
}

#[test]
fn output_to_a_pipe_is_without_colour() {
    let folder = Folder::new();
    for arguments in [["gen", "alice"], ["gen", "alice"], ["show", "alice"]] {
        let run = folder.run(&arguments);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
    }
}

#[test]
fn help_has_examples_everywhere() {
    let folder = Folder::new();
    for command in [[].as_slice(), &["gen"], &["show"], &["genesis"]] {
        let help = folder.run(&[command, &["--help"]].concat()).ok().stdout;
        assert!(help.contains("Examples:"), "{command:?}: {help}");
    }
}

impl Folder {
    /// A file that holds a passphrase.
    fn passphrase(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn load(&self, name: &str, passphrase: &str) -> KeyPair {
        let passphrase = Passphrase::new(passphrase.to_owned()).unwrap();
        KeyStore::new(self.path("data/keys"))
            .with_passphrases(PassphraseSource::Known(passphrase))
            .load(name)
            .unwrap()
    }
}

#[test]
fn a_key_is_locked_and_its_public_side_shown_without_the_passphrase() {
    let folder = Folder::new();
    let one = folder.passphrase("one", "open sesame\n");
    let made = folder.run(&["generate", "alice", "--passphrase-file", &one, "--json"]);
    let made = made.ok().json();
    assert_eq!(made["locked"], true);
    let key = folder.load("alice", "open sesame");
    assert_eq!(made["address"], key.public_key().address().to_string());
    let text = fs::read_to_string(folder.path("data/keys/alice.pem")).unwrap();
    assert!(text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(folder.run(&["show", "alice", "--json"]).ok().json(), made);
    let list = folder.run(&["list", "--json"]).ok().json();
    assert_eq!(list["keys"][0], made);
    assert!(folder.run(&["list"]).ok().stdout.contains("locked"));
}

#[test]
fn the_passphrase_is_changed_and_removed_and_the_key_stays() {
    let folder = Folder::new();
    let [one, two] =
        [("one", "first"), ("two", "second")].map(|(name, text)| folder.passphrase(name, text));
    folder.run(&["gen", "alice"]).ok();
    let path = folder.path("data/keys/alice.pem");
    let key = KeyPair::read_pem(&path).unwrap().public_key();
    let change = ["change-passphrase", "alice"];
    folder
        .run(&[&change[..], &["--new-passphrase-file", &one]].concat())
        .ok();
    assert_eq!(folder.load("alice", "first").public_key(), key);
    let files = ["--passphrase-file", &one, "--new-passphrase-file", &two];
    folder.run(&[&change[..], &files].concat()).ok();
    assert_eq!(folder.load("alice", "second").public_key(), key);
    // The old one unlocks it no more, and nothing is changed by trying.
    let before = fs::read(&path).unwrap();
    let wrong = folder.run(&[&change[..], &files].concat()).failed(5);
    assert!(wrong.stderr.contains("does not unlock"), "{}", wrong.stderr);
    assert_eq!(fs::read(&path).unwrap(), before);
    // The variable does what the option does.
    let mut removal = folder.command(&[&change[..], &["--remove"]].concat());
    let removed: Run = removal
        .env("HAWSER_PASSPHRASE_FILE", &two)
        .output()
        .unwrap()
        .into();
    removed.ok();
    assert_eq!(KeyPair::read_pem(&path).unwrap().public_key(), key);
}

#[test]
fn without_terminal_or_file_a_locked_key_stays_locked() {
    let folder = Folder::new();
    let one = folder.passphrase("one", "first");
    folder
        .run(&["gen", "alice", "--passphrase-file", &one])
        .ok();
    let change = ["change-passphrase", "alice", "--remove"];
    let failure = folder.run(&change).failed(2);
    assert!(
        failure.stderr.contains("--passphrase-file"),
        "{}",
        failure.stderr
    );
    let asked = folder.run(&["gen", "bob", "--passphrase"]).failed(2);
    assert!(asked.stderr.contains("no terminal"), "{}", asked.stderr);
    assert!(!folder.path("data/keys/bob.pem").exists());
}

#[test]
fn a_nodes_directory_is_made_once_and_keeps_a_key_that_is_there() {
    let folder = Folder::new();
    let made = folder.run(&["init", "./machine", "--json"]).ok().json();
    let key = KeyPair::read_pem(&folder.path("machine/key.pem")).unwrap();
    let record = IncarnationRecord::load(&folder.path("machine/data")).unwrap();
    assert!(!record.begun);
    assert_eq!(made["validator_key"], key.validator_key().to_string());
    assert_eq!(made["incarnation"], record.incarnation.hash().to_string());
    let spec = made["validator"].as_str().unwrap();

    let again = folder.run(&["init", "./machine"]).failed(2);
    assert!(again.stderr.contains(spec), "{}", again.stderr);
    let unchanged = IncarnationRecord::load(&folder.path("machine/data")).unwrap();
    assert_eq!(unchanged, record);

    // What was lost and is made again is another one, though the key is the same.
    fs::remove_dir_all(folder.path("machine/data")).unwrap();
    let other = folder.run(&["init", "./machine", "--json"]).ok().json();
    assert_eq!(other["validator_key"], made["validator_key"]);
    assert_ne!(other["incarnation"], made["incarnation"]);

    fs::remove_file(folder.path("machine/data/incarnation")).unwrap();
    fs::write(folder.path("machine/data/0000000001.segment"), "x").unwrap();
    let used = folder.run(&["init", "./machine"]).failed(2);
    assert!(used.stderr.contains("no incarnation"), "{}", used.stderr);

    // As on four machines: what was printed is all that genesis needs.
    let validator = format!("n0={spec}@10.0.0.1:4100");
    folder.run(&["gen", "admin"]).ok();
    let arguments = ["genesis", "--mode", "raft", "--validator", &validator];
    folder.run(&arguments).ok();
    let genesis = Genesis::load(&folder.path("data/genesis.json")).unwrap();
    assert_eq!(
        genesis.validators()[0].incarnation.to_string(),
        made["incarnation"]
    );
}

#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    let folder = Folder::new();
    folder.run(&["gen", "alice"]).ok();
    for words in [&["list"][..], &["show", "alice", "--json"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = folder.command(words).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("standard output cannot be written"), "{said}");
    }
    // Nobody reads it any more.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = folder.command(&["list"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    fs::write(folder.path("file"), "").unwrap();
    let keys = folder.path("file/keys");
    let run = folder.run(&["gen", "alice", "--dir", keys.to_str().unwrap()]);
    let said = run.failed(1).stderr;
    assert!(said.contains("cannot make the folder"), "{said}");
}
