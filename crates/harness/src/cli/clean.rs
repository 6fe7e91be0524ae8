//! `harness clean`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use keys::data_directory;
use serde_json::json;
use terminal::{Output, exit::Code};
use testnet::{
    failure::{Failure, Outcome},
    network::{Layout, Network, process},
};

use crate::cluster::{Hosts, unmount_below};

#[derive(Args)]
pub struct Arguments {
    /// Where runs are kept [default: harness in the testnet's usual folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Takes down what runs left behind that were killed themselves. Their folders, and those of runs
/// that found something, are removed, too.
pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let usual = || data_directory(None).join("harness");
    let folder = arguments.folder.clone().unwrap_or_else(usual);
    // Mounts are listed by their absolute paths.
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let mut removed = Vec::new();
    for (path, process) in runs(&folder)? {
        if Path::new("/proc").join(process.to_string()).exists() {
            output.aside(&format!("{} belongs to a run that lives", path.display()));
            continue;
        }
        if let Some(network) = Network::find(&Layout::new(&path.join("network")))? {
            for node in network.nodes() {
                process::kill(&node)?;
            }
            unmount_below(&path)?;
            Hosts::remove_left_over(process, network.nodes().len());
        }
        fs::remove_dir_all(&path)
            .map_err(|error| Failure::system(format!("remove {}", path.display()), error))?;
        removed.push(path);
    }
    let text = match removed.len() {
        0 => "Nothing was left.".to_owned(),
        1 => "1 run is removed.".to_owned(),
        count => format!("{count} runs are removed."),
    };
    output.result(&json!({"removed": removed}), &text);
    Ok(Code::Ok)
}

/// The folders of runs, and the processes that made them.
fn runs(folder: &Path) -> Outcome<Vec<(PathBuf, u32)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let fail = |error| Failure::system(format!("read {}", folder.display()), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        // MODE-SEED-PROCESS, and nothing else that lies there is touched.
        let process = name.and_then(|name| {
            let (front, process) = name.rsplit_once('-')?;
            let (_, seed) = front.rsplit_once('-')?;
            seed.parse::<u64>().ok()?;
            process.parse().ok()
        });
        if let Some(process) = process {
            found.push((path, process));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_runs_are_found() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "raft-signed-7-123",
            "byzantine-1-99",
            "notes",
            "raft-x-1",
            "my-7-x",
        ] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = runs(root.path()).unwrap();
        let processes: Vec<u32> = found.into_iter().map(|(_, process)| process).collect();
        assert_eq!(processes, [99, 123]);
        assert!(runs(&root.path().join("nowhere")).unwrap().is_empty());
    }
}
