//! The guests of a case: one `testpmd` on core 0, whose virtio_user ports send and drain frames.
//!
//! Bursts that circle cost it the least and offer the highest rate. Many flows are replayed from memory by net_pcap, whose
//! `infinite_rx` loads a file once and copies each frame into a fresh buffer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_tests::error::Context;
use sluice_tests::testpmd::Testpmd;
use sluice_tests::wait::wait_for;
use sluice_tests::{Launch, Process, Result, Stage};

use crate::case::{Case, Traffic};
use crate::frame;
use crate::{GENERATOR_CORE, pcap};

/// Bursts of 32 frames that are put into circulation: four times a ring's length, so that rings never run dry.
const CIRCLING_BURSTS: u32 = 128;
const RING_LENGTH: u32 = 1024;
/// Buffers besides those that hold a file's frames: what rings, caches and bursts hold.
const SPARE_MBUFS: u32 = 32_768;
const CIRCLING_MBUFS: u32 = 65_536;
/// With headroom. Room for 64-byte frames only: so a million of them fit into 400 MB.
const SMALL_MBUF_BYTES: u32 = 256;
const MBUF_BYTES: u32 = 2176;
/// The struct in front of each buffer and the pool's own overhead.
const MBUF_OVERHEAD_BYTES: u32 = 192;
/// Frames of a file that a neighbour makes itself known by: as many as a burst has.
const ANNOUNCEMENTS: usize = 32;
const START_LIMIT: Duration = Duration::from_secs(30);

/// Files that a case's frames are replayed from.
#[derive(Clone, Debug)]
pub struct Files {
    guest: PathBuf,
    underlay: PathBuf,
}

impl Files {
    /// Writes those that `case` needs onto the stage.
    pub fn write(stage: &Stage, case: Case) -> Result<Files> {
        let name = |what: &str| stage.path(&format!("{case}-{what}.pcap"));
        let files = Files { guest: name("guest"), underlay: name("underlay") };
        let write = |path: &Path, frames: &mut dyn Iterator<Item = Vec<u8>>| {
            pcap::write(path, frames).context(|| format!("write {}", path.display()))
        };
        match case.traffic() {
            Traffic::Circle { .. } => {}
            Traffic::OneWay { flows, frames } => {
                write(&files.guest, &mut pcap::order(flows, frames).into_iter().map(frame::plain))?;
            }
            Traffic::Encap { flows } => {
                write(&files.guest, &mut pcap::order(flows, flows).into_iter().map(frame::plain))?;
                write(&files.underlay, &mut std::iter::repeat_n(frame::arp_request(), ANNOUNCEMENTS))?;
            }
            Traffic::Decap { flows } => {
                write(&files.underlay, &mut pcap::order(flows, flows).into_iter().map(frame::in_vxlan))?;
            }
        }
        Ok(files)
    }

    /// The DPDK device that is a switch's underlay while it is measured: all that goes out is gone, and nothing comes in or,
    /// where tunnels are to be ended, frames do for ever. It costs little, and every switch the same.
    pub fn underlay(&self, case: Case) -> String {
        match case.traffic() {
            Traffic::Decap { .. } => self.talking_underlay(),
            _ => "net_null0,no-rx=1".to_owned(),
        }
    }

    /// An underlay on which frames come in for ever: those to be decapsulated, or the other VTEP's questions for ours, by
    /// which a switch learns where it is.
    pub fn talking_underlay(&self) -> String {
        format!("net_pcap0,rx_pcap={},infinite_rx=1", self.underlay.display())
    }
}

/// A running generator. Dropped, it is killed.
#[derive(Debug)]
pub struct Generator {
    testpmd: Testpmd,
    receivers: &'static [usize],
}

impl Generator {
    /// Connects guests to the sockets and starts the case's traffic.
    pub fn start(
        stage: &Stage,
        name: &str,
        case: Case,
        files: &Files,
        sockets: &[PathBuf],
    ) -> Result<Generator> {
        let plan = Plan::of(case, files, sockets);
        let name = format!("{name}-generator");
        let testpmd = Testpmd::launch(stage, &name, &plan.command(), plan.devices.len())?;
        let mut generator = Generator { testpmd, receivers: plan.receivers };
        for command in plan.commands {
            generator.testpmd.command(&command)?;
        }
        Ok(generator)
    }

    /// Frames that guests have received since the start; `None` if the case's frames do not come back.
    pub fn received(&mut self) -> Result<Option<u64>> {
        if self.receivers.is_empty() {
            return Ok(None);
        }
        let counts = self.testpmd.counts()?;
        let received = self.receivers.iter().filter_map(|port| counts.get(*port));
        Ok(Some(received.map(|count| count.rx).sum()))
    }

    /// Waits until frames arrive where they should.
    pub fn wait_for_traffic(&mut self) -> Result<()> {
        let Some(before) = self.received()? else { return Ok(()) };
        wait_for("frames reach their guest", START_LIMIT, || match self.received() {
            Ok(Some(now)) if now > before => Ok(()),
            Ok(now) => Err(format!("{now:?} have come")),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        self.testpmd.process()
    }
}

/// How testpmd plays the guests of a case.
struct Plan {
    devices: Vec<String>,
    options: String,
    commands: Vec<String>,
    receivers: &'static [usize],
    mbufs: u32,
    mbuf_bytes: u32,
}

impl Plan {
    fn of(case: Case, files: &Files, sockets: &[PathBuf]) -> Plan {
        let guests = sockets.iter().enumerate().map(|(number, socket)| {
            format!("net_virtio_user{number},path={},queue_size={RING_LENGTH}", socket.display())
        });
        let replay = format!("net_pcap0,rx_pcap={},infinite_rx=1", files.guest.display());
        let start = || vec!["start".to_owned()];
        match case.traffic() {
            Traffic::Circle { frame_bytes } => Plan {
                devices: guests.collect(),
                options: "--forward-mode=io".to_owned(),
                commands: vec![
                    format!("set txpkts {frame_bytes}"),
                    format!("start tx_first {CIRCLING_BURSTS}"),
                ],
                receivers: &[0, 1],
                mbufs: CIRCLING_MBUFS,
                mbuf_bytes: MBUF_BYTES,
            },
            // Forwarded in pairs: from the file to the first guest; from the second guest to nowhere.
            Traffic::OneWay { frames, .. } => Plan {
                devices: [replay].into_iter().chain(guests).chain(["net_null0,no-rx=1".to_owned()]).collect(),
                ..Plan::replay(frames, &[2])
            },
            Traffic::Encap { flows } => {
                Plan { devices: [replay].into_iter().chain(guests).collect(), ..Plan::replay(flows, &[]) }
            }
            Traffic::Decap { .. } => Plan {
                devices: guests.collect(),
                options: "--forward-mode=rxonly".to_owned(),
                commands: start(),
                receivers: &[0],
                mbufs: SPARE_MBUFS,
                mbuf_bytes: MBUF_BYTES,
            },
        }
    }

    fn replay(frames: u32, receivers: &'static [usize]) -> Plan {
        Plan {
            devices: Vec::new(),
            // virtio_user refuses small buffers unless frames are promised to be small.
            options: format!(
                "--forward-mode=io --port-topology=paired --mbuf-size={SMALL_MBUF_BYTES} --max-pkt-len=110"
            ),
            commands: vec!["start".to_owned()],
            receivers,
            mbufs: frames + SPARE_MBUFS,
            mbuf_bytes: SMALL_MBUF_BYTES,
        }
    }

    fn command(&self) -> Launch {
        let Plan { options, mbufs, .. } = self;
        let memory_mb = memory_mb(*mbufs, self.mbuf_bytes);
        let devices = self.devices.iter().flat_map(|device| ["--vdev", device]);
        Launch::line(&format!(
            "dpdk-testpmd --lcores 0@{GENERATOR_CORE},1@{GENERATOR_CORE} --in-memory --no-pci --no-telemetry"
        ))
        .args(["--single-file-segments".to_owned(), format!("--socket-mem={memory_mb}")])
        .args(devices)
        .args(["--", "-i", "--nb-cores=1", "--no-lsc-interrupt"])
        .args([
            format!("--txd={RING_LENGTH}"),
            format!("--rxd={RING_LENGTH}"),
            format!("--total-num-mbufs={mbufs}"),
            "--txfreet=900".to_owned(),
            "--mbcache=512".to_owned(),
        ])
        .args(options.split(' '))
    }
}

/// MiB of hugepages that a pool of so many buffers takes, and some for queues.
fn memory_mb(mbufs: u32, mbuf_bytes: u32) -> u32 {
    let bytes = u64::from(mbufs) * u64::from(mbuf_bytes + MBUF_OVERHEAD_BYTES);
    u32::try_from(bytes >> 20).unwrap_or(u32::MAX) + 64
}

/// MiB of hugepages that a case's generator takes.
pub fn hugepages_mb(case: Case) -> u32 {
    let nowhere = Files { guest: PathBuf::new(), underlay: PathBuf::new() };
    let plan = Plan::of(case, &nowhere, &[]);
    memory_mb(plan.mbufs, plan.mbuf_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_of(name: &str) -> String {
        let files = Files { guest: "/s/guest.pcap".into(), underlay: "/s/underlay.pcap".into() };
        Plan::of(name.parse().unwrap(), &files, &["/s/a".into(), "/s/b".into()]).command().to_string()
    }

    #[test]
    fn many_flows_are_replayed_into_the_first_guest() {
        let command = command_of("flows-1m");
        let at = |what: &str| command.find(what).unwrap_or_else(|| panic!("{what} is not in {command}"));
        assert!(at("rx_pcap=/s/guest.pcap") < at("path=/s/a") && at("path=/s/a") < at("path=/s/b"));
        assert!(at("path=/s/b") < at("net_null0"));
    }

    #[test]
    fn memory_is_enough_for_the_pool() {
        assert!(memory_mb(1_000_000, 256) > 400);
        for case in Case::ALL {
            assert!((64..1024).contains(&hugepages_mb(case)), "{case}");
        }
    }

    #[test]
    fn the_underlay_costs_little() {
        let stage = Stage::new().unwrap();
        let case = "vxlan-decap-1k".parse().unwrap();
        let files = Files::write(&stage, case).unwrap();
        assert!(files.underlay(case).ends_with("underlay.pcap,infinite_rx=1"));
        assert_eq!(std::fs::metadata(files.underlay).unwrap().len(), 24 + 1000 * (16 + 114));
    }
}
