//! The guests' image: the newest installed Debian kernel, and an initramfs with its virtio modules, busybox and
//! iperf3. Built once for a kernel, busybox and iperf3; kept in the target directory.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::console::READY;
use crate::built::target_dir;
use crate::error::{Context, Error, Result};
use crate::process::Launch;

mod cpio;

const BUSYBOX: &str = "/bin/busybox";
const IPERF3: &str = "/usr/bin/iperf3";

/// In the order they are inserted.
const MODULES: &[&str] = &[
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
];

/// A kernel and an initramfs that QEMU can boot.
#[derive(Clone, Debug)]
pub struct Image {
    kernel: PathBuf,
    initramfs: PathBuf,
}

impl Image {
    /// The image for the newest kernel in /boot, from the target directory if it has been built before.
    pub fn build() -> Result<Image> {
        let (kernel, release) = newest_kernel()?;
        let directory = target_dir()?.join("guest");
        fs::create_dir_all(&directory).context(|| format!("make {}", directory.display()))?;
        let initramfs = directory.join(format!("{release}-{:016x}.cpio", fingerprint()?));
        if !initramfs.exists() {
            let archive = archive(&release)?;
            // Renamed into place, so that nobody boots half of one.
            let mut file =
                tempfile::NamedTempFile::new_in(&directory).context(|| "make a file".to_owned())?;
            std::io::Write::write_all(&mut file, &archive)
                .context(|| "write the guests' image".to_owned())?;
            file.persist(&initramfs).context(|| format!("rename to {}", initramfs.display()))?;
        }
        Ok(Image { kernel, initramfs })
    }

    /// The kernel's file.
    pub fn kernel(&self) -> &Path {
        &self.kernel
    }

    /// The initramfs, a cpio archive.
    pub fn initramfs(&self) -> &Path {
        &self.initramfs
    }
}

fn newest_kernel() -> Result<(PathBuf, String)> {
    const PREFIX: &str = "vmlinuz-";
    let entries = fs::read_dir("/boot").context(|| "read /boot".to_owned())?;
    let mut kernels: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok()?.strip_prefix(PREFIX).map(str::to_owned))
        .filter(|release| Path::new(&modules_dir(release)).is_dir())
        .collect();
    kernels.sort_by_key(|release| numbers(release));
    let release = kernels.pop().ok_or_else(|| Error::Unexpected {
        what: "a kernel for the guests (package linux-image-amd64)".to_owned(),
        found: "no /boot/vmlinuz-* with modules".to_owned(),
    })?;
    Ok((PathBuf::from(format!("/boot/{PREFIX}{release}")), release))
}

fn modules_dir(release: &str) -> String {
    format!("/lib/modules/{release}/kernel")
}

/// The numbers in a release, which order "6.1.0-9" before "6.1.0-56".
fn numbers(release: &str) -> Vec<u32> {
    release.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Changes when what goes into the archive does.
fn fingerprint() -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    (init(), MODULES).hash(&mut hasher);
    for file in [BUSYBOX, IPERF3] {
        let metadata = fs::metadata(file).context(|| format!("look at {file}"))?;
        (metadata.size(), metadata.mtime()).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn archive(release: &str) -> Result<Vec<u8>> {
    let mut archive = cpio::Archive::default();
    for directory in ["bin", "dev", "modules", "proc", "sys", "tmp"] {
        archive.directory(directory);
    }
    archive.file("init", 0o755, init().as_bytes());
    copy(&mut archive, Path::new(BUSYBOX), "bin/busybox")?;
    copy(&mut archive, Path::new(IPERF3), "bin/iperf3")?;
    for module in MODULES {
        let from = format!("{}/{module}.ko", modules_dir(release));
        copy(&mut archive, Path::new(&from), &format!("modules/{}.ko", base(module)))?;
    }
    let mut directories = BTreeSet::new();
    for library in libraries(IPERF3)? {
        let to = library.trim_start_matches('/').to_owned();
        for parent in Path::new(&to).ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            if !parent.as_os_str().is_empty() && directories.insert(parent.to_owned()) {
                archive.directory(&parent.to_string_lossy());
            }
        }
        copy(&mut archive, Path::new(&library), &to)?;
    }
    Ok(archive.finish())
}

fn copy(archive: &mut cpio::Archive, from: &Path, to: &str) -> Result<()> {
    let content = fs::read(from).context(|| format!("read {} for the guests' image", from.display()))?;
    archive.file(to, 0o755, &content);
    Ok(())
}

/// The shared objects a program needs, and the dynamic linker, by their absolute paths.
fn libraries(program: &str) -> Result<Vec<String>> {
    let text = Launch::new("ldd").arg(program).run()?;
    Ok(text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect())
}

fn base(module: &str) -> &str {
    module.rsplit('/').next().unwrap_or(module)
}

fn init() -> String {
    let modules: Vec<&str> = MODULES.iter().map(|module| base(module)).collect();
    format!(
        "#!/bin/busybox sh\n\
         export PATH=/bin\n\
         /bin/busybox --install -s /bin\n\
         mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev\n\
         for module in {}; do insmod /modules/$module.ko; done\n\
         ip link set lo up\n\
         echo {READY}\n\
         exec setsid cttyhack sh\n",
        modules.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn releases_are_ordered_by_their_numbers() {
        assert!(numbers("6.1.0-9-amd64") < numbers("6.1.0-56-amd64"));
        assert!(numbers("6.1.0-56-amd64") < numbers("6.10.0-1-amd64"));
    }
}
