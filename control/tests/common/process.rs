//! The program as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Process {
    pub fn start(dir: &Path) -> Process {
        Process(command(dir).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn signal(&mut self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Process {
    /// What it has in memory, now and at most: lines of /proc.
    pub fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let lines: Vec<&str> =
            status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect();
        lines.join(", ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice-control"));
    command.arg("--rundir").arg(dir.join("run")).arg("--statedir").arg(dir.join("state"));
    command
}
