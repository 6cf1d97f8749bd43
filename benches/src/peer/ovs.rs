//! OVS-DPDK as Debian packages it, with one PMD thread.
//!
//! It lives in a network namespace of its own, so that the taps of its bridges and the underlay's address never
//! touch the host.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sluice_tests::wait::wait_for;
use sluice_tests::{Error, Launch, Namespace, Process, Result, Stage};

use super::{Sample, Switch};
use crate::case::{Case, Traffic};
use crate::frame::underlay;
use crate::generator::Files;
use crate::{GENERATOR_CORE, SWITCH_CORE};

/// Its pool has 262 144 buffers of 3 KiB if memory suffices, which holds a file of 100 000 frames.
const MEMORY_MB: u32 = 1024;
pub(super) const HUGEPAGES_MB: u32 = MEMORY_MB + 64;

const DAEMON: &str = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running OVS. What was started last is dropped first.
pub(super) struct Ovs {
    vswitchd: Process,
    _database: Process,
    namespace: Namespace,
    directory: PathBuf,
    sockets: Vec<PathBuf>,
}

pub(super) fn start(stage: &Stage, case: Case, files: &Files) -> Result<Ovs> {
    let namespace = Namespace::new(stage, &format!("ovs-{case}"))?;
    let directory = stage.path(&format!("ovs-{case}"));
    std::fs::create_dir_all(&directory)
        .map_err(|source| Error::Io { what: format!("cannot make {}", directory.display()), source })?;
    let database = start_database(stage, &directory)?;
    vsctl(&directory, "--no-wait init")?;
    // Flows that have not been used for a while are not to be forgotten while OVS is paused.
    vsctl(
        &directory,
        &format!(
            "--no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:dpdk-lcore-mask={:#x} \
             other_config:pmd-cpu-mask={:#x} other_config:dpdk-socket-mem={MEMORY_MB} other_config:max-idle=3600000",
            1 << GENERATOR_CORE,
            1 << SWITCH_CORE
        ),
    )?;
    vsctl_args(
        &directory,
        &["--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-extra=--no-pci --in-memory"],
    )?;
    let vswitchd = within(&directory, DAEMON)
        .args([format!("unix:{}", database_socket(&directory).display()), "--no-chdir".to_owned()])
        .arg(format!("--unixctl={}", control_socket(&directory).display()))
        .within(&namespace)
        .start("ovs-vswitchd", &stage.log(&format!("ovs-{case}")))?;
    let mut ovs = Ovs { vswitchd, _database: database, namespace, directory, sockets: Vec::new() };
    ovs.configure(case, files)?;
    Ok(ovs)
}

impl Ovs {
    fn configure(&mut self, case: Case, files: &Files) -> Result<()> {
        wait_for("ovs-vswitchd answers", START_LIMIT, || {
            self.vswitchd.check().map_err(|error| error.to_string())?;
            self.appctl("version").map_err(|error| error.to_string())
        })?;
        self.vsctl("add-br br0 -- set bridge br0 datapath_type=netdev")?;
        self.add_guest("vh0")?;
        let other = match case.traffic() {
            Traffic::Circle { .. } | Traffic::OneWay { .. } => {
                self.add_guest("vh1")?;
                "vh1"
            }
            Traffic::Encap { .. } | Traffic::Decap { .. } => {
                self.add_tunnel(case, files)?;
                "vx"
            }
        };
        self.ofctl(&["del-flows", "br0"])?;
        // Frames come in by the tunnel or by the first guest; the rules are the same.
        for rule in case.rules().between("vh0", other) {
            self.ofctl(&["add-flow", "br0", &rule])?;
        }
        Ok(())
    }

    fn add_guest(&mut self, name: &str) -> Result<()> {
        self.vsctl(&format!("add-port br0 {name} -- set Interface {name} type=dpdkvhostuser"))?;
        self.sockets.push(self.directory.join(name));
        Ok(())
    }

    fn add_tunnel(&self, case: Case, files: &Files) -> Result<()> {
        let underlay::Addresses { local, local_mac, remote, remote_mac, vni } = underlay::ADDRESSES;
        let device = files.underlay(case);
        self.vsctl(&format!(
            "add-br br-phy -- set bridge br-phy datapath_type=netdev other-config:hwaddr=\"{local_mac}\""
        ))?;
        self.vsctl(&format!(
            "add-port br-phy up0 -- set Interface up0 type=dpdk options:dpdk-devargs={device}"
        ))?;
        self.vsctl(&format!(
            "add-port br0 vx -- set Interface vx type=vxlan options:remote_ip={remote} options:key={vni}"
        ))?;
        self.namespace.ip(&format!("addr add {local} dev br-phy"))?;
        self.namespace.ip("link set br-phy up")?;
        // OVS reads the system's routes now and then.
        wait_for("OVS knows the route to the other VTEP", START_LIMIT, || {
            let routes = self.appctl("ovs/route/show").map_err(|error| error.to_string())?;
            if routes.contains("dev br-phy") { Ok(()) } else { Err(routes) }
        })?;
        self.appctl(&format!("tnl/arp/set br-phy {remote} {remote_mac}"))?;
        Ok(())
    }

    fn vsctl(&self, line: &str) -> Result<String> {
        vsctl(&self.directory, line)
    }

    fn ofctl(&self, args: &[&str]) -> Result<String> {
        within(&self.directory, "ovs-ofctl").args(args).run()
    }

    fn appctl(&self, line: &str) -> Result<String> {
        within(&self.directory, "ovs-appctl")
            .arg("-t")
            .arg(control_socket(&self.directory))
            .args(line.split(' '))
            .run()
    }
}

impl Switch for Ovs {
    fn sockets(&self) -> Vec<PathBuf> {
        self.sockets.clone()
    }

    fn sample(&mut self) -> Result<Sample> {
        let text = self.appctl("dpif-netdev/pmd-stats-show")?;
        let at = Instant::now();
        parse_stats(&text, at).ok_or_else(|| Error::Unexpected {
            what: "OVS's statistics of its PMD thread".to_owned(),
            found: text,
        })
    }

    fn processes(&mut self) -> Vec<&mut Process> {
        vec![&mut self.vswitchd]
    }
}

fn start_database(stage: &Stage, directory: &Path) -> Result<Process> {
    let file = directory.join("conf.db");
    Launch::new("ovsdb-tool").arg("create").arg(&file).arg(SCHEMA).run()?;
    let mut database = within(directory, "ovsdb-server")
        .arg(&file)
        .arg(format!("--remote=punix:{}", database_socket(directory).display()))
        .arg(format!("--unixctl={}", directory.join("db.ctl").display()))
        .start("ovsdb-server", &stage.log("ovsdb-server"))?;
    wait_for("ovsdb-server serves", START_LIMIT, || {
        database.check().map_err(|error| error.to_string())?;
        std::os::unix::net::UnixStream::connect(database_socket(directory)).map_err(|error| error.to_string())
    })?;
    Ok(database)
}

fn vsctl(directory: &Path, line: &str) -> Result<String> {
    vsctl_args(directory, &line.split_whitespace().collect::<Vec<_>>())
}

fn vsctl_args(directory: &Path, args: &[&str]) -> Result<String> {
    let database = format!("--db=unix:{}", database_socket(directory).display());
    within(directory, "ovs-vsctl").arg(database).args(args).run()
}

/// A program of OVS's that keeps all its files in `directory`.
fn within(directory: &Path, program: &str) -> Launch {
    let launch = Launch::new(program);
    ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"]
        .into_iter()
        .fold(launch, |launch, variable| launch.env(variable, directory))
}

fn database_socket(directory: &Path) -> PathBuf {
    directory.join("db.sock")
}

fn control_socket(directory: &Path) -> PathBuf {
    directory.join("ctl")
}

/// `pmd-stats-show` since the start, of the only PMD thread.
///
/// OVS adds the cycles of each iteration as a signed number of 32 bits: one in which it was paused for over a second
/// takes some away, so that a counter may be found below 0. Differences of later moments are right.
fn parse_stats(text: &str, at: Instant) -> Option<Sample> {
    let thread = text.split("pmd thread ").nth(1)?;
    let thread = thread.split("main thread").next()?;
    let number = |name: &str| -> Option<u64> {
        let line = thread.lines().find_map(|line| line.trim().strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let busy_cycles = number("processing cycles:")?;
    Some(Sample {
        at,
        packets: number("packets received:")?,
        sent: None,
        busy_cycles,
        all_cycles: Some(busy_cycles.wrapping_add(number("idle cycles:")?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &str = "\
pmd thread numa_id 0 core_id 1:
  packets received: 4283360
  packet recirculations: 4283360
  avg. datapath passes per packet: 2.00
  emc hits: 584103
  idle cycles: 70196342 (1.53%)
  processing cycles: 4529803658 (98.47%)
  avg cycles per packet: 1073.93 (4600000000/4283360)
  avg processing cycles per packet: 1057.54 (4529803658/4283360)
main thread:
  packets received: 12
  packet recirculations: 0
";

    #[test]
    fn the_pmd_threads_counters_are_read() {
        let at = Instant::now();
        let expected = Sample {
            at,
            packets: 4_283_360,
            sent: None,
            busy_cycles: 4_529_803_658,
            all_cycles: Some(4_600_000_000),
        };
        assert_eq!(parse_stats(STATS, at), Some(expected));
    }

    #[test]
    fn cycles_below_0_are_added_up() {
        let text = STATS.replace("70196342", "18446744073709551615");
        let sample = parse_stats(&text, Instant::now()).unwrap();
        assert_eq!(sample.all_cycles, Some(sample.busy_cycles - 1));
    }

    #[test]
    fn a_thread_that_has_not_polled_yet_has_no_cycles() {
        assert_eq!(
            parse_stats("pmd thread numa_id 0 core_id 1:\n  packets received: 0\n", Instant::now()),
            None
        );
        assert_eq!(parse_stats("main thread:\n  packets received: 0\n", Instant::now()), None);
    }
}
