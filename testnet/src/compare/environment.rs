//! What the figures were measured on, since they mean nothing without it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// The machine, the system and the build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The processor's name.
    pub processor: String,
    /// Its cores, as the system counts them for this process.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The system.
    pub kernel: String,
    /// What the nodes' files lie on.
    pub file_system: String,
    /// Median time to append and sync 4 KiB there, in milliseconds.
    pub sync_ms: Option<f64>,
    /// What the program was built with.
    pub compiler: String,
    /// Whether Ed25519 uses the IFMA instructions.
    pub ifma: bool,
    /// The program's version.
    pub version: String,
    /// The command that makes these figures again.
    pub command: String,
}

impl Environment {
    /// Looks around. `directory` is where the nodes' files will lie.
    #[must_use]
    pub fn look(directory: &Path, command: String) -> Self {
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
                .map_or(0, |kib| kib / 1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| "unknown".to_owned(),
                |text| format!("Linux {}", text.trim()),
            ),
            file_system: file_system(directory),
            sync_ms: sync_millis(directory).ok(),
            compiler: env!("TESTNET_COMPILER").to_owned(),
            ifma: uses_ifma(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command,
        }
    }

    /// Label and value of everything, for tables.
    #[must_use]
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "processor",
                format!("{}, {} cores", self.processor, self.cores),
            ),
            ("memory", format!("{} MiB", self.memory_mib)),
            ("system", self.kernel.clone()),
            (
                "disk",
                match self.sync_ms {
                    Some(sync) => format!(
                        "{}, append and sync of 4 KiB {sync:.2} ms (median)",
                        self.file_system
                    ),
                    None => self.file_system.clone(),
                },
            ),
            ("built with", self.compiler.clone()),
            (
                "Ed25519",
                if self.ifma {
                    "IFMA instructions in use"
                } else {
                    "without IFMA instructions"
                }
                .to_owned(),
            ),
            ("command", self.command.clone()),
        ]
    }
}

/// Whether the build has the IFMA code and the processor the instructions.
fn uses_ifma() -> bool {
    #[cfg(all(target_arch = "x86_64", curve25519_dalek_backend = "avx512"))]
    {
        std::is_x86_feature_detected!("avx512ifma") && std::is_x86_feature_detected!("avx512vl")
    }
    #[cfg(not(all(target_arch = "x86_64", curve25519_dalek_backend = "avx512")))]
    {
        false
    }
}

/// The first value of a name in a file of `name : value` lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn file_system(directory: &Path) -> String {
    const NAMES: [(u64, &str); 6] = [
        (0xEF53, "ext4"),
        (
            0x0102_1994,
            "tmpfs: a disk in memory, where syncs cost nothing",
        ),
        (0x5846_5342, "xfs"),
        (0x9123_683E, "btrfs"),
        (0x794C_7630, "overlayfs"),
        (0x2FC1_2FC1, "zfs"),
    ];
    let Ok(found) = rustix::fs::statfs(directory) else {
        return "unknown file system".to_owned();
    };
    let number = u64::try_from(found.f_type).unwrap_or(0);
    let named = NAMES.iter().find(|(known, _)| *known == number);
    named.map_or_else(
        || format!("file system {number:#x}"),
        |(_, name)| (*name).to_owned(),
    )
}

fn sync_millis(directory: &Path) -> io::Result<f64> {
    let path = directory.join("sync-probe");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&path)?;
    let mut times = Vec::new();
    for _ in 0..41 {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
