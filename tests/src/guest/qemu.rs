//! QEMU, run by TCG: it needs no KVM and is the same everywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Answer, Console, Image};
use crate::error::{Error, Result};
use crate::process::{Launch, Process};
use crate::stage::Stage;

const BOOT_LIMIT: Duration = Duration::from_secs(120);
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
const MEMORY_MB: u32 = 256;

/// Who makes the vhost-user socket and waits on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOwner {
    /// QEMU listens, the switch connects and connects again: what is advised to operators.
    Guest,
    /// The switch listens, QEMU connects.
    Switch,
}

/// A guest's NIC.
#[derive(Clone, Debug)]
pub struct GuestNic {
    /// The vhost-user socket.
    pub socket: PathBuf,
    /// Who listens on it.
    pub owner: SocketOwner,
    /// Its MAC address.
    pub mac: String,
}

/// A running guest. Dropped, it is killed.
#[derive(Debug)]
pub struct Guest {
    name: String,
    console: Console,
    console_socket: PathBuf,
    process: Process,
}

impl Guest {
    /// Starts a guest with one NIC. It boots by itself; [`ready`](Guest::ready) waits for it.
    pub fn start(stage: &Stage, image: &Image, name: &str, nic: &GuestNic) -> Result<Guest> {
        let console_socket = stage.path(&format!("{name}.console"));
        remove(&console_socket);
        if nic.owner == SocketOwner::Guest {
            remove(&nic.socket);
        }
        let process = command(image, nic, &console_socket, &stage.log(&format!("{name}-console")))
            .start(&format!("guest {name}"), &stage.log(&format!("{name}-qemu")))?;
        let console = Console::connect(name, &console_socket)?;
        Ok(Guest { name: name.to_owned(), console, console_socket, process })
    }

    /// Waits until it has booted.
    pub fn ready(&mut self) -> Result<()> {
        self.console.ready(BOOT_LIMIT)
    }

    /// Gives its NIC an address (with prefix length) and sets it up.
    pub fn configure(&mut self, address: &str, mtu: u32) -> Result<()> {
        // Without duplicate address detection, an IPv6 address can be used at once.
        self.run("echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad")?;
        self.run(&format!("ip link set eth0 mtu {mtu} up && ip addr add {address} dev eth0"))?;
        Ok(())
    }

    /// Runs a shell command to its end; fails if its status is not 0.
    pub fn run(&mut self, command: &str) -> Result<String> {
        let answer = self.answer(command)?;
        if answer.status == 0 {
            return Ok(answer.text);
        }
        Err(Error::Unexpected {
            what: format!("guest {}: `{command}` ended with status {}", self.name, answer.status),
            found: answer.text,
        })
    }

    /// Runs a shell command to its end, whatever its status.
    pub fn answer(&mut self, command: &str) -> Result<Answer> {
        self.console.run(command, COMMAND_LIMIT)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Unix socket of its console, for a person to attach to.
    pub fn console_socket(&self) -> &Path {
        &self.console_socket
    }

    /// Leaves its console to a person; no more commands can be run from here.
    pub fn hand_over(mut self) -> Result<Process> {
        self.console.hand_over()?;
        Ok(self.process)
    }

    /// Kills QEMU with SIGKILL.
    pub fn kill(mut self) {
        self.process.kill();
    }
}

fn command(image: &Image, nic: &GuestNic, console: &Path, console_log: &Path) -> Launch {
    let server = if nic.owner == SocketOwner::Guest { ",server=on" } else { "" };
    Launch::line("qemu-system-x86_64 -accel tcg -cpu max -smp 1 -no-reboot")
        .args(["-nodefaults", "-no-user-config", "-display", "none"])
        .args(["-m", &format!("{MEMORY_MB}M")])
        .args(["-object", &format!("memory-backend-memfd,id=memory,size={MEMORY_MB}M,share=on")])
        .args(["-numa", "node,memdev=memory"])
        .arg("-chardev")
        .arg(format!(
            "socket,id=console,path={},server=on,wait=off,logfile={}",
            console.display(),
            console_log.display()
        ))
        .args(["-serial", "chardev:console"])
        .args(["-chardev", &format!("socket,id=nic,path={}{server}", nic.socket.display())])
        .args(["-netdev", "vhost-user,id=net,chardev=nic"])
        // vectors=0: with MSI-X, QEMU 7.2 under TCG crashes when Linux starts a vhost-user NIC.
        .args(["-device", &format!("virtio-net-pci,netdev=net,mac={},vectors=0,romfile=", nic.mac)])
        .arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.initramfs())
        .args(["-append", "console=ttyS0 quiet loglevel=1 panic=-1 ipv6.disable_ipv6=0"])
}

/// A socket that a killed QEMU left would be connected to in place of the new one.
fn remove(socket: &Path) {
    let _ = fs::remove_file(socket);
}
