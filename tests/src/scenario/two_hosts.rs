//! Two hosts, two tenants with the same addresses, four guests.

use std::net::Ipv4Addr;

use crate::error::Result;
use crate::guest::{Guest, GuestNic, Image, SocketOwner};
use crate::host::{Host, HostOptions};
use crate::stage::Stage;
use crate::underlay::{UPLINK, Underlay};

/// A tenant's network.
#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    /// The network's name.
    pub name: &'static str,
    /// Its VXLAN network identifier.
    pub vni: u32,
}

/// The two tenants.
pub const TENANTS: [Tenant; 2] = [Tenant { name: "red", vni: 100 }, Tenant { name: "blue", vni: 200 }];

/// A host, and the addresses of what is on it. The guests' are the same for every tenant.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The host's name.
    pub name: &'static str,
    /// The CPU of its worker.
    pub cpu: u32,
    /// Its VTEP's address.
    pub vtep: Ipv4Addr,
    /// Its guests' address.
    pub guest_address: &'static str,
    /// Its guests' MAC address.
    pub guest_mac: &'static str,
}

/// The two hosts.
pub const SITES: [Site; 2] = [
    Site {
        name: "a",
        cpu: 0,
        vtep: Ipv4Addr::new(192, 0, 2, 1),
        guest_address: "10.0.0.1",
        guest_mac: "52:54:00:00:00:01",
    },
    Site {
        name: "b",
        cpu: 1,
        vtep: Ipv4Addr::new(192, 0, 2, 2),
        guest_address: "10.0.0.2",
        guest_mac: "52:54:00:00:00:02",
    },
];

/// An address that blue's guest on host b has besides, and nobody else.
pub const BLUE_ONLY: &str = "10.0.0.9";

/// A machine on the underlay that belongs to no tenant.
pub const STRAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 99);

const UNDERLAY_MTU: u32 = 1600;
const GUEST_MTU: u32 = 1500;

/// Everything that is up. Dropped, it is taken down.
#[derive(Debug)]
pub struct TwoHosts {
    /// Tenant by tenant, each in the order of [`SITES`].
    pub guests: Vec<[Guest; 2]>,
    /// In the order of [`SITES`].
    pub hosts: [Host; 2],
    /// What joins them.
    pub underlay: Underlay,
}

impl TwoHosts {
    /// The hosts and the underlay; nothing is configured yet.
    pub fn start(stage: &Stage) -> Result<TwoHosts> {
        let start = |site: Site| {
            let options = HostOptions { cpu: site.cpu, ..HostOptions::default() };
            Host::start(stage, site.name, &options)
        };
        let [site_a, site_b] = SITES;
        let hosts = [start(site_a)?, start(site_b)?];
        let underlay = Underlay::new(stage, &hosts.each_ref().map(Host::namespace), UNDERLAY_MTU)?;
        underlay.stray(&format!("{STRAY}/24"))?;
        Ok(TwoHosts { guests: Vec::new(), hosts, underlay })
    }

    /// Starts a guest of each tenant on each host. They boot when their sockets are connected to.
    pub fn start_guests(&mut self, stage: &Stage, image: &Image) -> Result<()> {
        for tenant in TENANTS {
            let start = |host: &Host, site: Site| {
                let nic = GuestNic {
                    socket: host.socket(tenant.name),
                    owner: SocketOwner::Guest,
                    mac: site.guest_mac.to_owned(),
                };
                Guest::start(stage, image, &guest_name(tenant, site), &nic)
            };
            let ([a, b], [site_a, site_b]) = (&self.hosts, SITES);
            self.guests.push([start(a, site_a)?, start(b, site_b)?]);
        }
        Ok(())
    }

    /// What each host is told, as its operator would write it.
    pub fn wanted(&self) -> [String; 2] {
        let ([a, b], [site_a, site_b]) = (&self.hosts, SITES);
        [wanted(a, site_a, site_b), wanted(b, site_b, site_a)]
    }

    /// Tells them.
    pub fn apply(&self) -> Result<()> {
        for (host, text) in self.hosts.iter().zip(self.wanted()) {
            host.apply("wanted", &text)?;
        }
        Ok(())
    }

    /// Waits until all guests have booted, and gives them their addresses and what they serve: at port 7, who they
    /// are, and iperf3.
    pub fn boot(&mut self) -> Result<()> {
        for guest in self.guests.iter_mut().flatten() {
            guest.ready()?;
        }
        for pair in &mut self.guests {
            for (guest, site) in pair.iter_mut().zip(SITES) {
                guest.configure(&format!("{}/24", site.guest_address), GUEST_MTU)?;
                guest.run(&format!(
                    "(while true; do echo {} | nc -l -p 7; done) >/dev/null &",
                    guest.name()
                ))?;
                guest.run("iperf3 -s -D")?;
            }
        }
        if let Some([_, blue_b]) = self.guests.last_mut() {
            blue_b.configure(&format!("{BLUE_ONLY}/24"), GUEST_MTU)?;
        }
        Ok(())
    }
}

fn guest_name(tenant: Tenant, site: Site) -> String {
    format!("{}-{}", tenant.name, site.name)
}

fn wanted(host: &Host, site: Site, other: Site) -> String {
    let mut text = format!(
        "ports:\n\
         - {{name: uplink, dpdk: {{device: 'net_af_packet0,iface={UPLINK}'}}, mtu: {UNDERLAY_MTU}}}\n\
         vteps:\n\
         - {{name: vtep, uplink: uplink, addresses: [{}/24]}}\n\
         networks:\n",
        site.vtep
    );
    for Tenant { name, vni } in TENANTS {
        text += &format!("- {{name: {name}, vni: {vni}, vtep: vtep, remotes: [{}]}}\n", other.vtep);
    }
    text += "nics:\n";
    for tenant in TENANTS {
        text += &format!(
            "- {{name: {}, network: {}, mac: '{}', vhost_user: {{path: {}}}}}\n",
            guest_name(tenant, site),
            tenant.name,
            site.guest_mac,
            host.socket(tenant.name).display()
        );
    }
    text
}
