//! A host: `sluice-datapath` and `sluice-control` in a network namespace, with directories of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::built::binary;
use crate::cli::{Cli, CliAnswer};
use crate::error::{Context, Error, Result};
use crate::hugepages;
use crate::netns::Namespace;
use crate::process::{Launch, Process};
use crate::stage::Stage;
use crate::wait::wait_for;

/// How long a process may take to start and serve, with both cores busy.
pub const START_LIMIT: Duration = Duration::from_secs(60);

/// What a host's datapath is configured with.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The CPU its worker is pinned to.
    pub cpu: u32,
    /// Whether DPDK's memory comes from hugepages.
    pub hugepages: bool,
    /// The most memory DPDK may take, in MiB.
    pub memory_mb: u32,
    /// More lines of its TOML file.
    pub more: String,
}

impl Default for HostOptions {
    /// With hugepages if there are enough for two hosts: as operators run it. Without, the tests pass too.
    fn default() -> Self {
        let memory_mb = 128;
        HostOptions {
            cpu: 1,
            hugepages: hugepages::free_mb() >= 2 * memory_mb,
            memory_mb,
            more: String::new(),
        }
    }
}

/// A host. Dropped, its processes are killed and its namespace is gone.
#[derive(Debug)]
pub struct Host {
    name: String,
    datapath: Option<Process>,
    control: Option<Process>,
    namespace: Namespace,
    cli: Cli,
    directory: PathBuf,
    datapath_log: PathBuf,
    control_log: PathBuf,
}

impl Host {
    /// Starts both processes in a namespace of their own and waits until they serve and know each other.
    pub fn start(stage: &Stage, name: &str, options: &HostOptions) -> Result<Host> {
        let mut host = Host::prepare(stage, name, options)?;
        host.start_datapath()?;
        host.start_control()?;
        host.wait_connected()?;
        Ok(host)
    }

    /// The directories and the namespace, with no process yet.
    pub fn prepare(stage: &Stage, name: &str, options: &HostOptions) -> Result<Host> {
        let directory = stage.path(name);
        let host = Host {
            name: name.to_owned(),
            datapath: None,
            control: None,
            namespace: Namespace::new(stage, name)?,
            cli: Cli::new(&directory.join("run"))?,
            directory,
            datapath_log: stage.log(&format!("{name}-datapath")),
            control_log: stage.log(&format!("{name}-control")),
        };
        for directory in [host.rundir(), host.statedir()] {
            fs::create_dir_all(&directory).context(|| format!("make {}", directory.display()))?;
        }
        let HostOptions { cpu, hugepages, memory_mb, more } = options;
        let text = format!("hugepages = {hugepages}\nmemory_mb = {memory_mb}\ncpus = [{cpu}]\n{more}\n");
        fs::write(host.config_file(), text).context(|| format!("write {}", host.config_file().display()))?;
        Ok(host)
    }

    /// Starts the datapath process and waits until it serves.
    pub fn start_datapath(&mut self) -> Result<()> {
        let mut datapath =
            self.datapath_command()?.start(&format!("{}'s datapath", self.name), &self.datapath_log)?;
        self.wait_serving(&mut datapath, "datapath.sock")?;
        self.datapath = Some(datapath);
        Ok(())
    }

    /// Starts the control process and waits until it serves.
    pub fn start_control(&mut self) -> Result<()> {
        let mut control =
            self.control_command()?.start(&format!("{}'s control", self.name), &self.control_log)?;
        self.wait_serving(&mut control, "control.sock")?;
        self.control = Some(control);
        Ok(())
    }

    /// The command line of the datapath process.
    pub fn datapath_command(&self) -> Result<Launch> {
        let command = Launch::new(binary("sluice-datapath")?).within(&self.namespace);
        Ok(command.arg("--rundir").arg(self.rundir()).arg("--config").arg(self.config_file()))
    }

    /// The command line of the control process.
    pub fn control_command(&self) -> Result<Launch> {
        let command = Launch::new(binary("sluice-control")?).within(&self.namespace);
        Ok(command.arg("--rundir").arg(self.rundir()).arg("--statedir").arg(self.statedir()))
    }

    /// Waits until the control process has brought the datapath to the wanted state.
    pub fn wait_connected(&mut self) -> Result<()> {
        let what = format!("{}'s control and datapath know each other", self.name);
        wait_for(&what, START_LIMIT, || {
            let status = self.cli.json("status").map_err(|error| error.to_string())?;
            let connected = status.pointer("/control/datapath_connected").and_then(Value::as_bool);
            if connected == Some(true) { Ok(()) } else { Err(status.to_string()) }
        })
    }

    /// Kills the control process with SIGKILL.
    pub fn kill_control(&mut self) {
        self.control = None;
    }

    /// Kills the datapath process with SIGKILL.
    pub fn kill_datapath(&mut self) {
        self.datapath = None;
    }

    /// The running datapath process.
    pub fn datapath(&mut self) -> Result<&mut Process> {
        running(&mut self.datapath, &self.name)
    }

    /// The running control process.
    pub fn control(&mut self) -> Result<&mut Process> {
        running(&mut self.control, &self.name)
    }

    /// Its network namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its CLI.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// Makes `text` the file `NAME.yaml` and applies it; fails if it is refused.
    pub fn apply(&self, name: &str, text: &str) -> Result<String> {
        let file = self.write(name, text)?;
        self.cli.run(&format!("apply -f {}", file.display()))
    }

    /// As [`apply`](Host::apply), and answers whatever comes of it.
    pub fn try_apply(&self, name: &str, text: &str) -> Result<CliAnswer> {
        let file = self.write(name, text)?;
        self.cli.answer(&["apply", "-f", &file.to_string_lossy(), "-o", "json"])
    }

    /// The runtime directory.
    pub fn rundir(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// The control process's state directory.
    pub fn statedir(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// The datapath's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.directory.join("datapath.toml")
    }

    /// A path for a vhost-user socket.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.sock"))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.directory.join(format!("{name}.yaml"));
        fs::write(&file, text).context(|| format!("write {}", file.display()))?;
        Ok(file)
    }

    fn wait_serving(&self, process: &mut Process, socket: &str) -> Result<()> {
        let path = self.rundir().join(socket);
        wait_serving(process, &path)
    }
}

/// Waits until a process serves a Unix socket, or fails with its output if it ends before.
fn wait_serving(process: &mut Process, path: &Path) -> Result<()> {
    let what = format!("{} serves {}", process.name(), path.display());
    // A process that has ended will not serve: that ends the wait at once, with its output.
    wait_for(&what, START_LIMIT, || match process.check() {
        Err(error) => Ok(Err(error)),
        Ok(()) => std::os::unix::net::UnixStream::connect(path).map(|_| Ok(())),
    })?
}

fn running<'a>(process: &'a mut Option<Process>, host: &str) -> Result<&'a mut Process> {
    let process = process.as_mut().ok_or_else(|| Error::Unexpected {
        what: format!("the processes of host {host}"),
        found: "one that is not running".to_owned(),
    })?;
    process.check()?;
    Ok(process)
}
