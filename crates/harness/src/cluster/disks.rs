//! Small file systems, one for each node's durable stream: ext4 on loop devices, so that they can
//! be filled, and shut down under a running node as a power cut would.
//!
//! Where syncs are to fail, the image lies on another such file system. Shutting that one down
//! leaves the inner one mounted and readable, but nothing written to it can reach its device. Filling
//! it up does the same until there is room again, see [`super::thin`].

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use keys::IncarnationRecord;
use rustix::fs::{FallocateFlags, fallocate};
use testnet::{
    failure::{Failure, Outcome},
    network::Network,
};

use super::{
    shell::{Unavailable, available, is_root, run},
    thin,
};

/// The size of a node's file system.
const DISK_BYTES: u64 = 192 << 20;
/// The size of the one below, whose image is sparse.
const BELOW_BYTES: u64 = DISK_BYTES + (64 << 20);
const BALLAST: &str = "ballast";

/// Which file systems a node gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One that can be filled and shut down.
    Plain,
    /// One whose device can be made to fail, for good or for a while.
    Layered,
}

/// The file systems of one node.
struct Disk {
    image: PathBuf,
    mount: PathBuf,
    below: Option<(PathBuf, PathBuf)>,
    mounted: bool,
}

/// See the module. Unmounted when dropped; the images stay until their folder is removed.
pub struct Disks(Vec<Disk>);

impl Disks {
    /// Whether such file systems can be made here.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_made() -> Result<(), Unavailable> {
        if !is_root() {
            return Err(Unavailable::Root);
        }
        for program in ["mkfs.ext4", "mount", "umount"] {
            available(program)?;
        }
        if !Path::new("/dev/loop-control").exists() {
            return Err(Unavailable::Kernel("loop devices".to_owned()));
        }
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        if !known.lines().any(|line| line.trim() == "ext4") {
            return Err(Unavailable::Kernel("ext4".to_owned()));
        }
        // Root of a container may do less than it seems.
        try_mount().map_err(|failure| Unavailable::Mount(failure.message))
    }

    /// Whether they can be shut down under a running node.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_shut_down() -> Result<(), Unavailable> {
        Self::can_be_made()?;
        available("xfs_io")
    }

    /// Makes and mounts them where the nodes keep their data.
    pub(super) fn make(network: &Network, kind: Kind) -> Outcome<Self> {
        let folder = network.layout.root().join("disks");
        make_folder(&folder)?;
        let mut disks = Self(Vec::new());
        for node in network.nodes() {
            let mount = node.data();
            let below = match kind {
                Kind::Plain => None,
                Kind::Layered => {
                    let image = folder.join(format!("{}.below.img", node.name()));
                    let mount = folder.join(node.name());
                    make_folder(&mount)?;
                    format(&image, BELOW_BYTES)?;
                    mount_image(&image, &mount)?;
                    Some((image, mount))
                }
            };
            // What makes it the node's directory moves onto the disk.
            let made = IncarnationRecord::load(&mount)
                .map_err(|error| Failure::system(format!("read {}", mount.display()), error))?;
            let place = below.as_ref().map_or(&folder, |(_, mount)| mount);
            let image = place.join(format!("{}.img", node.name()));
            make_folder(&mount)?;
            let layered = below.is_some();
            disks.0.push(Disk {
                image: image.clone(),
                mount: mount.clone(),
                below,
                mounted: false,
            });
            format(&image, DISK_BYTES)?;
            if layered {
                // Nothing but what is made thin on purpose needs room below later.
                thin::allocate(&image, DISK_BYTES)?;
            }
            mount_image(&image, &mount)?;
            if let Some(disk) = disks.0.last_mut() {
                disk.mounted = true;
            }
            made.incarnation
                .create(&mount)
                .map_err(|error| Failure::system(format!("write {}", mount.display()), error))?;
            let lost = mount.join("lost+found");
            fs::remove_dir(&lost)
                .map_err(|error| Failure::system(format!("remove {}", lost.display()), error))?;
        }
        Ok(disks)
    }

    /// Fills a node's disk to the last block.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn fill(&self, node: usize) -> Outcome {
        fill(&self.0[node].mount.join(BALLAST))
    }

    /// Makes room again.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn make_room(&self, node: usize) -> Outcome {
        remove(&self.0[node].mount.join(BALLAST))
    }

    /// Shuts the node's file system down: what was synced stays, what was not is lost, and the
    /// node gets nothing but errors from now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn cut_power(&self, node: usize) -> Outcome {
        shut_down(&self.0[node].mount)
    }

    /// Lets every sync of the node's file system fail from now on.
    ///
    /// # Errors
    /// If the system refuses, or the disks are not layered.
    pub fn fail_syncs(&self, node: usize) -> Outcome {
        shut_down(self.below(node)?)
    }

    /// Lets every sync of what the node writes into its stream fail, until
    /// [`Disks::relieve`]. The file system notices nothing else and stays mounted. The node must
    /// stand still meanwhile.
    ///
    /// # Errors
    /// If the system refuses, or the disks are not layered.
    pub fn starve(&self, node: usize) -> Outcome {
        let below = self.below(node)?;
        thin::make_holes(&self.0[node].image, &self.0[node].mount)?;
        fill(&below.join(BALLAST))
    }

    /// Lets syncs succeed again.
    ///
    /// # Errors
    /// If the system refuses, or the disks are not layered.
    pub fn relieve(&self, node: usize) -> Outcome {
        remove(&self.below(node)?.join(BALLAST))
    }

    fn below(&self, node: usize) -> Outcome<&Path> {
        let below = self.0[node].below.as_ref();
        let below = below.map(|(_, below)| below.as_path());
        below.ok_or_else(|| Failure::system("let syncs fail", "the disks are not layered"))
    }

    /// Mounts the node's file system anew, in good order: what the kernel shows of it afterwards is
    /// what the device has. The node must be down.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn mount_again(&mut self, node: usize) -> Outcome {
        let disk = &mut self.0[node];
        run("umount", [&text(&disk.mount)])?;
        disk.mounted = false;
        mount_image(&disk.image, &disk.mount)?;
        disk.mounted = true;
        Ok(())
    }

    /// Mounts the node's file systems anew, as after a power cut. The node must be down.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn power_up(&mut self, node: usize) -> Outcome {
        let disk = &mut self.0[node];
        run("umount", [&text(&disk.mount)])?;
        disk.mounted = false;
        if let Some((image, below)) = &disk.below {
            run("umount", [&text(below)])?;
            mount_image(image, below)?;
        }
        mount_image(&disk.image, &disk.mount)?;
        disk.mounted = true;
        Ok(())
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for disk in &self.0 {
            if disk.mounted {
                // Nothing uses it any more; if somebody does, it goes with them.
                let _ = run("umount", ["--lazy", &text(&disk.mount)]);
            }
            if let Some((_, below)) = &disk.below {
                let _ = run("umount", ["--lazy", &text(below)]);
            }
        }
    }
}

/// Unmounts whatever is mounted below a folder, the innermost first.
///
/// # Errors
/// If the system refuses.
pub fn unmount_below(folder: &Path) -> Outcome {
    let mounts = fs::read_to_string("/proc/self/mounts")
        .map_err(|error| Failure::system("read the list of mounts", error))?;
    let mut points: Vec<PathBuf> = mounts
        .lines()
        // The list writes a space as \040.
        .filter_map(|line| Some(line.split(' ').nth(1)?.replace("\\040", " ").into()))
        .filter(|point: &PathBuf| point.starts_with(folder))
        .collect();
    points.reverse();
    points
        .iter()
        .try_for_each(|point| run("umount", [&text(point)]))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn make_folder(path: &Path) -> Outcome {
    fs::create_dir_all(path)
        .map_err(|error| Failure::system(format!("make the folder {}", path.display()), error))
}

fn format(image: &Path, bytes: u64) -> Outcome {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(image)
        .and_then(|file| file.set_len(bytes))
        .map_err(|error| Failure::system(format!("make {}", image.display()), error))?;
    run("mkfs.ext4", ["-q", "-F", "-m", "0", &text(image)])
}

/// Lets a file take all the room that there is.
fn fill(path: &Path) -> Outcome {
    let fail = |error: std::io::Error| Failure::system(format!("fill {}", path.display()), error);
    let file = File::create(path).map_err(fail)?;
    let mut offset = 0;
    let mut step = DISK_BYTES;
    while step >= 4096 {
        match fallocate(&file, FallocateFlags::empty(), offset, step) {
            Ok(()) => offset += step,
            Err(rustix::io::Errno::NOSPC) => step /= 2,
            Err(error) => return Err(fail(error.into())),
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Outcome {
    fs::remove_file(path)
        .map_err(|error| Failure::system(format!("remove {}", path.display()), error))
}

/// Makes a file system and mounts it, and leaves nothing of it.
fn try_mount() -> Outcome {
    const BYTES: u64 = 4 << 20;
    let name = format!("hawser-mount-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let (image, mount) = (folder.join("image"), folder.join("mount"));
    make_folder(&mount)?;
    let mounted = format(&image, BYTES)
        .and_then(|()| mount_image(&image, &mount))
        .and_then(|()| run("umount", [&text(&mount)]));
    let removed = fs::remove_dir_all(&folder)
        .map_err(|error| Failure::system(format!("remove {}", folder.display()), error));
    mounted.and(removed)
}

fn mount_image(image: &Path, mount: &Path) -> Outcome {
    run("mount", ["-o", "loop", &text(image), &text(mount)])
}

fn shut_down(mount: &Path) -> Outcome {
    run("xfs_io", ["-x", "-c", "shutdown", &text(mount)])
}
